//! Which terms of a query a text has, in whatever form, and how much a text tells.
//!
//! The database finds candidates; this looks at what it found more closely: which terms stand together, which only in
//! the message beside it. A long text is looked at in pieces, because terms that stand a page apart say little.

use std::collections::HashSet;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};

use super::words::{STOPWORDS, split};

/// Terms of a query: the one at place `n` is the bit `n`. A query has fewer terms than there are bits.
pub(crate) type TermSet = u64;

/// Words of a piece. What people type in a chat is mostly shorter; an assistant's answer of a page is several.
const PIECE_WORDS: usize = 60;

/// Only so much of a text is read, in bytes: a pasted book is found by its words, and what it begins with says enough.
const LONGEST_TEXT: usize = 16_384;

static STOPWORD_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| STOPWORDS.split_whitespace().collect());

/// Finds the terms of one query in texts.
pub(crate) struct TermFinder {
    stemmer: Stemmer,
    stems: Vec<String>,
    /// The first letters of the stems: most words of a text need no more than a look at theirs.
    initials: Vec<char>,
}

impl TermFinder {
    /// For those terms, of which there are at most 64.
    pub(crate) fn new(terms: &[String]) -> Self {
        let stemmer = Stemmer::create(Algorithm::English);
        let stems: Vec<String> = terms.iter().map(|term| stemmer.stem(term).into_owned()).collect();
        let initials = stems.iter().filter_map(|stem| stem.chars().next()).collect();
        Self { stemmer, stems, initials }
    }

    /// The terms that each piece of a text has; a text without words has one piece without terms.
    pub(crate) fn pieces(&self, text: &str) -> Vec<TermSet> {
        let mut pieces = vec![0];
        for (at, word) in split(beginning(text)).enumerate() {
            let piece = at / PIECE_WORDS;
            if piece == pieces.len() {
                pieces.push(0);
            }
            pieces[piece] |= self.term(word);
        }
        pieces
    }

    /// The terms that a text begins with: those of as many words as a piece has.
    pub(crate) fn beginning(&self, text: &str) -> TermSet {
        split(text).take(PIECE_WORDS).fold(0, |found, word| found | self.term(word))
    }

    /// The terms that a text ends with.
    pub(crate) fn end(&self, text: &str) -> TermSet {
        split(text).rev().take(PIECE_WORDS).fold(0, |found, word| found | self.term(word))
    }

    /// The term that a word is a form of, if it is.
    fn term(&self, word: &str) -> TermSet {
        let Some(initial) = word.chars().next().and_then(|initial| initial.to_lowercase().next()) else { return 0 };
        if !self.initials.contains(&initial) {
            return 0;
        }
        let word = word.to_lowercase();
        let stem = self.stemmer.stem(&word);
        self.stems.iter().position(|known| *known == stem).map_or(0, |place| 1 << place)
    }
}

/// How many words of substance a text tells, counted up to `most`. What it only asks does not count.
pub(crate) fn words_told(text: &str, most: usize) -> usize {
    let sentences = beginning(text).split_inclusive(['.', '!', '?', '\n', '。', '！', '？']);
    let told = sentences.filter(|sentence| !sentence.trim_end().ends_with(['?', '？']));
    told.flat_map(split).filter(|word| !STOPWORD_SET.contains(word.to_lowercase().as_str())).take(most).count()
}

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_TEXT)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finder(terms: &[&str]) -> TermFinder {
        TermFinder::new(&terms.iter().map(|term| (*term).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn terms_are_found_in_other_forms() {
        let finder = finder(&["hiking", "cities", "tea", "日本語"]);
        assert_eq!(finder.beginning("They HIKED in a city."), 0b0011);
        assert_eq!(finder.end("A team drank tea: 日本語"), 0b1100);
        assert_eq!(finder.end(""), 0);
    }

    #[test]
    fn a_long_text_is_looked_at_in_pieces() {
        let finder = finder(&["first", "last"]);
        let text = format!("first {} last", "filler ".repeat(150));
        assert_eq!(finder.pieces(&text), [0b01, 0, 0b10]);
        assert_eq!((finder.beginning(&text), finder.end(&text)), (0b01, 0b10));
        assert_eq!(finder.pieces("first and last"), [0b11]);
        assert_eq!(finder.pieces(" "), [0]);
        assert!(finder.pieces(&"first ".repeat(1_000_000)).len() < 60);
    }

    #[test]
    fn questions_and_stopwords_tell_nothing() {
        assert_eq!(words_told("How was your trip to Lisbon?", 9), 0);
        assert_eq!(words_told("The trip was great. And yours?", 9), 2);
        assert_eq!(words_told("one two three four", 3), 3);
    }
}
