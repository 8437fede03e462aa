//! Ranking: what each piece of evidence is worth.
//!
//! Searches by words and by meaning find candidates; each candidate's evidence is measured on a scale of 0 to 1 that
//! means the same for every query, and the score is the weighted mean. The weights were set on the tune split of LoCoMo
//! and are round: halving any one of them moves recall at 10 by less than a point
//! (`docs/decisions/0010-evidence-is-weighed.md` tells the experiment and what each part is worth).

use std::collections::HashMap;

use resident_index::Hit;
use resident_store::LexicalHit;

/// BM25 weights of the columns of a message: its text, the messages beside it, speaker and date in words. They decide
/// who becomes a candidate, and what a session is worth.
pub(crate) const MESSAGE_WEIGHTS: [f64; 3] = [1.0, 0.4, 0.7];

/// BM25 weights of the columns of a passage: its text, its tags (someone chose them, so they say what it is about), its
/// date and document.
pub(crate) const PASSAGE_WEIGHTS: [f64; 3] = [1.0, 1.0, 0.4];

/// How many matches by words, by words within a named time, and by meaning are looked at more closely. Together they
/// hold 96 % of the evidence of LoCoMo's tune split; a third less costs half a point of recall at 10, more adds nothing.
pub(crate) const BY_WORDS: usize = 150;
pub(crate) const WITHIN_TIME: usize = 50;
pub(crate) const BY_MEANING: usize = 100;

/// Cosine similarities below this count as noise, so that a search for something that was never said finds nothing.
pub(crate) const LEAST_SIMILARITY: f32 = 0.25;

/// How much of a term's weight a text has when the term stands in the message beside it (or in another piece of the same
/// text), in one two away, or elsewhere in its session.
pub(crate) const BESIDE: f64 = 0.8;
pub(crate) const TWO_AWAY: f64 = 0.5;
pub(crate) const IN_SESSION: f64 = 0.15;

/// A text that tells so many words of substance tells enough; a short one tends to be an interjection.
pub(crate) const TOLD_ENOUGH: usize = 16;

/// The parts of ranking that can be left out, to measure what each is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part that an evaluation leaves out or not")]
pub struct Signals {
    /// Similarity of meaning.
    pub dense: bool,
    /// The messages beside a message.
    pub neighbours: bool,
    /// Who speaks.
    pub speaker: bool,
    /// When it was said, and whether that is the latest.
    pub date: bool,
    /// What else was said in the same session.
    pub session: bool,
}

impl Default for Signals {
    /// All of them.
    fn default() -> Self {
        Self { dense: true, neighbours: true, speaker: true, date: true, session: true }
    }
}

/// What speaks for a candidate, each part 0..1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Evidence {
    /// The share of the query's terms, by their rarity, that it has or that stand near it.
    pub(crate) covered: f64,
    /// The best match by words in its session, as a share of the best of all.
    pub(crate) session: f64,
    /// Its similarity of meaning.
    pub(crate) similarity: f64,
    /// The similarity of the more similar message beside it.
    pub(crate) beside: f64,
    /// How much it tells.
    pub(crate) told: f64,
    /// Whether it was said by whom the query names.
    pub(crate) speaker: f64,
    /// How near it lies to the time that the query names.
    pub(crate) time: f64,
    /// How late it comes among the candidates that cover as much, where the query asks about now.
    pub(crate) newer: f64,
}

const COVERED: f64 = 1.0;
const SESSION: f64 = 0.3;
const SIMILARITY: f64 = 0.8;
const BESIDE_SIMILARITY: f64 = 0.65;
const TOLD: f64 = 0.4;
const SPEAKER: f64 = 0.15;
const TIME: f64 = 0.5;

/// Evidence of being the latest is worth this where the query says "now" or the like, and this where it is merely put in
/// the present tense.
pub(crate) const NEWER_NOW: f64 = 0.3;
pub(crate) const NEWER_PRESENT: f64 = 0.1;

impl Evidence {
    /// The weighted mean, 0..1.
    pub(crate) fn score(&self) -> f32 {
        let Self { covered, session, similarity, beside, told, speaker, time, newer } = *self;
        let parts = [
            (covered, COVERED),
            (session, SESSION),
            (similarity, SIMILARITY),
            (beside, BESIDE_SIMILARITY),
            (told, TOLD),
            (speaker, SPEAKER),
            (time, TIME),
            (newer, NEWER_NOW),
        ];
        let sum: f64 = parts.iter().map(|(part, weight)| part * weight).sum();
        let most: f64 = parts.iter().map(|(_, weight)| weight).sum();
        (sum / most) as f32
    }
}

/// How a row was found.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Found {
    /// Its match by words (or its neighbours', or its date's) as a share of the best; 0 without one.
    pub(crate) words: f64,
    /// How similar it is in meaning, where it is similar enough.
    pub(crate) similarity: Option<f32>,
}

/// Every row that was found by words or by meaning.
pub(crate) fn merge(by_words: &[LexicalHit], by_meaning: &[Hit]) -> HashMap<i64, Found> {
    let mut merged: HashMap<i64, Found> = HashMap::new();
    let best = by_words.iter().map(|hit| hit.bm25).fold(0.0, f64::max);
    for hit in by_words {
        let share = if best > 0.0 { hit.bm25 / best } else { 1.0 };
        let words = &mut merged.entry(hit.key).or_default().words;
        *words = words.max(share);
    }
    for hit in by_meaning.iter().filter(|hit| hit.score >= LEAST_SIMILARITY) {
        merged.entry(hit.key).or_default().similarity = Some(hit.score);
    }
    merged
}

/// The weight of a term that `rows_with` of `rows` rows have: its inverse document frequency, as BM25 takes it.
pub(crate) fn rarity(rows: usize, rows_with: usize) -> f64 {
    let rows = rows.max(rows_with) as f64;
    let with = rows_with as f64;
    (1.0 + (rows - with + 0.5) / (with + 0.5)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_no_match_and_shares_are_of_the_best() {
        let words = [LexicalHit { key: 1, bm25: 4.0 }, LexicalHit { key: 2, bm25: 1.0 }];
        let meaning = [Hit { key: 2, score: 0.7 }, Hit { key: 4, score: 0.1 }];
        let merged = merge(&words, &meaning);
        assert_eq!(merged[&1], Found { words: 1.0, similarity: None });
        assert_eq!(merged[&2], Found { words: 0.25, similarity: Some(0.7) });
        assert!(!merged.contains_key(&4));
    }

    #[test]
    fn scores_lie_between_nothing_and_everything() {
        assert_eq!(Evidence::default().score(), 0.0);
        let everything = Evidence {
            covered: 1.0,
            session: 1.0,
            similarity: 1.0,
            beside: 1.0,
            told: 1.0,
            speaker: 1.0,
            time: 1.0,
            newer: 1.0,
        };
        assert!((everything.score() - 1.0).abs() < 1e-6);
        assert!(rarity(1_000, 1) > rarity(1_000, 500) && rarity(10, 10) > 0.0);
    }
}
