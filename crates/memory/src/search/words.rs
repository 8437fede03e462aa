//! Words: which of a query are worth looking for, how FTS5 is asked for them, and which of them a text has.
//!
//! Every term is quoted, so that nothing a person types can be a syntax error or an operator. Dropping stopwords from
//! the query (not from the index) is worth nine points of recall on LoCoMo.

use std::collections::HashSet;

/// No more terms than this are looked for; a query longer than that is a pasted text, whose first words say what it is.
const MOST_TERMS: usize = 48;

/// Only so much of a query is read, in bytes.
const LONGEST_QUERY: usize = 4_096;

/// English words that say nothing about what is looked for, and what contractions leave behind ("don't" is "don", "t").
pub(crate) const STOPWORDS: &str = "a about after again all also am an and any are as at be because been before being between both \
    but by can could d did didn do does doesn doing don down during each else ever few for from further get give go \
    got had has hasn have haven having he her here hers herself him himself his how i if in into is isn it its itself \
    just let ll m me more most much my myself no nor not now of off on once only or other our ours ourselves out over \
    own please re remember remind s same say said she should shouldn so some something such t tell than that the their \
    theirs them themselves then there these they thing things this those through to told too under until up us ve very \
    was wasn we were weren what when where which while who whom whose why will with won would wouldn you your yours \
    yourself yourselves";

/// The terms of a query, lower case, in its order, without repetition and stopwords. Where it has nothing but
/// stopwords, they are what is meant ("the who").
pub(crate) fn terms(query: &str) -> Vec<String> {
    let query = beginning(query);
    let stopwords: HashSet<&str> = STOPWORDS.split_whitespace().collect();
    let mut seen = HashSet::new();
    let all: Vec<String> = words(query).filter(|word| seen.insert(word.clone())).collect();
    let mut kept: Vec<String> = all.iter().filter(|word| !stopwords.contains(word.as_str())).cloned().collect();
    if kept.is_empty() {
        kept = all;
    }
    kept.truncate(MOST_TERMS);
    kept
}

/// As much of a query as is read, up to the end of a word where it has any.
pub(crate) fn beginning(query: &str) -> &str {
    if query.len() <= LONGEST_QUERY {
        return query;
    }
    let beginning = &query[..query.floor_char_boundary(LONGEST_QUERY)];
    beginning.rfind(|c: char| !c.is_alphanumeric()).map_or(beginning, |end| &beginning[..end])
}

/// Any of the terms, as FTS5 reads it.
pub(crate) fn match_expression(terms: &[String]) -> String {
    terms.iter().map(|term| format!("\"{term}\"")).collect::<Vec<_>>().join(" OR ")
}

/// Those of `terms` that `text` has, in another form of the word or not. The database decides with Porter's stemmer
/// what is found; this only explains it.
pub(crate) fn present(terms: &[String], text: &str) -> Vec<String> {
    let words: HashSet<String> = words(text).collect();
    terms.iter().filter(|term| words.iter().any(|word| same_stem(term, word))).cloned().collect()
}

/// The words of a text, lower case: runs of letters, digits and combining accents, as FTS5's `unicode61` cuts them.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    split(text).map(str::to_lowercase)
}

/// The words of a text as they stand there.
pub(crate) fn split(text: &str) -> impl DoubleEndedIterator<Item = &str> + '_ {
    text.split(|c: char| !(c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c))).filter(|word| !word.is_empty())
}

/// Whether two words differ in common endings only.
fn same_stem(left: &str, right: &str) -> bool {
    const ENDINGS: [&str; 22] = [
        "", "s", "es", "ed", "d", "ing", "ly", "e", "y", "ies", "ied", "er", "ers", "or", "ion", "ions", "ation",
        "ations", "ment", "ments", "al", "ness",
    ];
    /// Shorter beginnings are shared by words that have nothing to do with each other.
    const SHORTEST_STEM: usize = 3;
    if left == right {
        return true;
    }
    let shared: usize = left.chars().zip(right.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let known = |word: &str| ENDINGS.contains(&&word[shared..]);
    left[..shared].chars().count() >= SHORTEST_STEM && known(left) && known(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stopwords_are_dropped_unless_nothing_is_left() {
        assert_eq!(terms("What did I tell you about the dark mode?"), ["dark", "mode"]);
        assert_eq!(terms("Don't you remember Ada's dog, the dog?"), ["ada", "dog"]);
        assert_eq!(terms("The Who"), ["the", "who"]);
        assert!(terms(" ?! \"").is_empty());
    }

    #[test]
    fn what_people_type_becomes_quoted_words() {
        assert_eq!(match_expression(&terms("NEAR(\"x y\") AND z*")), "\"near\" OR \"x\" OR \"y\" OR \"z\"");
        assert_eq!(match_expression(&terms("a-b: c^2 NOT {d}")), "\"b\" OR \"c\" OR \"2\"");
        assert!(terms(&"word ".repeat(300_000)).len() == 1);
        assert!(terms(&(0..5_000).map(|n| format!("é{n} ")).collect::<String>()).len() == MOST_TERMS);
    }

    #[test]
    fn a_term_is_present_in_another_form() {
        let terms: Vec<String> = ["hiking", "city", "tea", "run"].map(str::to_owned).into();
        assert_eq!(present(&terms, "They hiked between cities; a team ran."), ["hiking", "city"]);
    }
}
