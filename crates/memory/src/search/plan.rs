//! Which words of a question are looked for. In a memory of some thousand rows that is all of them. In one of a million, a
//! common word stands in a hundred thousand rows, to rank which would take longer than anybody waits, and says little:
//! there the rarest words find the candidates, and the others help to weigh them.

use resident_store::{Reader, StoreError, TextTable, WordPlace};

use super::words;

/// In a table of up to so many rows all words are looked for.
const FEW_ROWS: usize = 20_000;

/// Words are looked for, the rarest first, as long as about so many rows have them.
const MOST_ROWS: usize = 6_000;

/// So many rows with a word are counted before the rest is estimated.
const MOST_COUNTED: usize = 2_048;

/// Where even the rarest word stands in too many rows, one of so many others has to stand there as well.
const OTHERS: usize = 2;

/// What FTS5 is asked for to find rows with any of `terms`.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn expression(r: &Reader<'_>, table: TextTable, terms: &[String]) -> Result<String, StoreError> {
    if r.highest_row(table)? <= FEW_ROWS {
        return Ok(words::match_expression(terms));
    }
    let mut counted = Vec::with_capacity(terms.len());
    for term in terms {
        let rows = r.estimate_rows_with(table, WordPlace::Anywhere, term, MOST_COUNTED)?;
        if rows > 0 {
            counted.push((rows, term.clone()));
        }
    }
    counted.sort();
    Ok(of_counted(counted))
}

/// The same for terms with the number of their rows, the rarest first.
fn of_counted(counted: Vec<(usize, String)>) -> String {
    let mut sum = 0;
    let few = counted.iter().take_while(|(rows, _)| {
        sum += rows;
        sum <= MOST_ROWS
    });
    let few = few.count();
    let terms: Vec<String> = counted.into_iter().map(|(_, term)| term).collect();
    match terms.as_slice() {
        _ if few > 0 => words::match_expression(&terms[..few]),
        [rarest, others @ ..] if !others.is_empty() => {
            let rarest = words::match_expression(std::slice::from_ref(rarest));
            format!("{rarest} AND ({})", words::match_expression(&others[..others.len().min(OTHERS)]))
        }
        terms => words::match_expression(terms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(terms: &[(usize, &str)]) -> String {
        of_counted(terms.iter().map(|(rows, term)| (*rows, (*term).to_owned())).collect())
    }

    #[test]
    fn the_rarest_words_find_candidates() {
        assert_eq!(plan(&[(10, "oslo"), (900, "bakery"), (50_000, "time")]), r#""oslo" OR "bakery""#);
        assert_eq!(plan(&[(5_000, "bakery"), (5_001, "rye")]), r#""bakery""#);
        assert_eq!(plan(&[(10, "oslo")]), r#""oslo""#);
        assert_eq!(plan(&[]), "");
    }

    #[test]
    fn common_words_have_to_stand_together() {
        let common = [(20_000, "garden"), (30_000, "home"), (40_000, "time"), (50_000, "day")];
        assert_eq!(plan(&common), r#""garden" AND ("home" OR "time")"#);
        assert_eq!(plan(&common[..1]), r#""garden""#);
    }
}
