//! Which words of a question are looked for. In a memory of some thousand rows that is all of them. In one of a million, a
//! common word stands in a hundred thousand rows, to rank which would take longer than anybody waits, and says little:
//! there the rarest words find the candidates, and the others help to weigh them. The matches are ranked before anybody
//! looks whose they are and when they were said.

use resident_store::{AgentId, LexicalHit, MessageFilter, PassageFilter, Reader, StoreError, TextTable, WordPlace};

use super::words;

/// In a table of up to so many rows all words are looked for.
const FEW_ROWS: usize = 20_000;

/// Words are looked for, the rarest first, as long as about so many rows have them.
const MOST_ROWS: usize = 6_000;

/// So many rows with a word are counted before the rest is estimated.
const MOST_COUNTED: usize = 2_048;

/// Where even the rarest word stands in too many rows, one of so many others has to stand there as well.
const OTHERS: usize = 2;

/// So many matches are ranked, the newest of more, should there be more than was estimated.
const MOST_RANKED: usize = 8_192;

/// So many of the best matches are looked through for those of a time that the query only names.
const LOOKED_THROUGH: usize = 1_000;

/// How a question is looked for by its words.
pub(super) struct Plan {
    /// What FTS5 is asked for.
    expression: String,
    weights: [f64; 3],
    /// The best matches, of all agents, where the table is large.
    ranked: Option<Vec<LexicalHit>>,
}

impl Plan {
    /// Looks how `terms` are best looked for; `weights` are those of the columns.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) fn make(
        r: &Reader<'_>,
        table: TextTable,
        terms: &[String],
        weights: [f64; 3],
    ) -> Result<Self, StoreError> {
        if r.highest_row(table)? <= FEW_ROWS {
            return Ok(Self { expression: words::match_expression(terms), weights, ranked: None });
        }
        let expression = expression(r, table, terms)?;
        let ranked = Some(r.rank_by_words(table, &expression, weights, MOST_RANKED)?);
        Ok(Self { expression, weights, ranked })
    }

    /// The best `limit` messages of an agent that meet `filter`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) fn messages(
        &self,
        r: &Reader<'_>,
        agent: &AgentId,
        filter: &MessageFilter,
        limit: usize,
    ) -> Result<Vec<LexicalHit>, StoreError> {
        if let Some(ranked) = &self.ranked {
            let found = r.first_messages(agent, filter, ranked, limit)?;
            if found.len() == limit || ranked.len() < MOST_RANKED {
                return Ok(found);
            }
        }
        r.search_messages_text(agent, &self.expression, filter, self.weights, limit)
    }

    /// The same, where it is no harm that some are not found.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) fn some_messages(
        &self,
        r: &Reader<'_>,
        agent: &AgentId,
        filter: &MessageFilter,
        limit: usize,
    ) -> Result<Vec<LexicalHit>, StoreError> {
        match &self.ranked {
            Some(ranked) => r.first_messages(agent, filter, &ranked[..ranked.len().min(LOOKED_THROUGH)], limit),
            None => self.messages(r, agent, filter, limit),
        }
    }

    /// The best `limit` passages meant by `filter`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) fn passages(
        &self,
        r: &Reader<'_>,
        filter: &PassageFilter,
        limit: usize,
    ) -> Result<Vec<LexicalHit>, StoreError> {
        // Tags are looked up once for all rows, and not for one after the other.
        if let Some(ranked) = self.ranked.as_ref().filter(|_| filter.tags.is_empty()) {
            let found = r.first_passages(filter, ranked, limit)?;
            if found.len() == limit || ranked.len() < MOST_RANKED {
                return Ok(found);
            }
        }
        r.search_passages_text(filter, &self.expression, self.weights, limit)
    }
}

/// What FTS5 is asked for to find rows of a large table with any of `terms`.
fn expression(r: &Reader<'_>, table: TextTable, terms: &[String]) -> Result<String, StoreError> {
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
