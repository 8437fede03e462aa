//! Ranking: what a match is worth, and how matches by words and by meaning become one order.
//!
//! The two are fused on their scores, each brought to 0..1 first; fusing on ranks (RRF) throws away how much better the
//! best hit is than the next, and does worse on conversations.

use std::collections::HashMap;

use resident_index::Hit;
use resident_store::LexicalHit;

/// BM25 weights of the columns of a message: its text, the messages beside it, speaker and date in words. An answer
/// often lacks the words of its question, but neighbours must not outrank the message that has the words itself.
///
/// Chosen among thirteen on the first half of LoCoMo, by words alone: turn recall@10 76.2 % there and 73.0 % on the
/// other half (66.0 and 64.2 without neighbours and date); with all columns alike the first right hit comes later (MRR
/// .41 instead of .53).
pub(crate) const MESSAGE_WEIGHTS: [f64; 3] = [1.0, 0.4, 0.7];

/// BM25 weights of the columns of a passage: its text, its tags (someone chose them, so they say what it is about), its
/// date and document.
pub(crate) const PASSAGE_WEIGHTS: [f64; 3] = [1.0, 1.0, 0.4];

/// How many hits of each kind are fused.
pub(crate) const CANDIDATES: usize = 100;

/// The best match by words has this share of the full score.
const WORDS_SHARE: f64 = 0.6;

/// The best match by meaning has this share.
const MEANING_SHARE: f64 = 0.4;

/// What lies in the span of time that a query names gets this on top.
pub(crate) const DATE_BONUS: f32 = 0.2;

/// Cosine similarities below this count as noise, so that a search for something that was never said finds nothing. A
/// starting value for MiniLM, not yet measured; neither are the shares above and the two values beside it.
pub(crate) const LEAST_SIMILARITY: f32 = 0.25;

/// A best match by meaning that is less similar than this does not get the full share: it is the best of a bad lot.
const STRONG_SIMILARITY: f32 = 0.5;

/// A hit of either kind or both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    /// Its row.
    pub(crate) key: i64,
    /// Higher is better, 0..1.
    pub(crate) score: f32,
    /// Whether it matches by its words (or its neighbours', or its date's).
    pub(crate) by_words: bool,
    /// How similar it is in meaning, where it is similar enough.
    pub(crate) similarity: Option<f32>,
}

/// One candidate for each row that was found, in no order.
pub(crate) fn fuse(by_words: &[LexicalHit], by_meaning: &[Hit]) -> Vec<Candidate> {
    let mut scores: HashMap<i64, (f64, Option<f32>)> = HashMap::new();
    let best = by_words.iter().map(|hit| hit.bm25).fold(0.0, f64::max);
    for hit in by_words {
        let share = if best > 0.0 { hit.bm25 / best } else { 1.0 };
        let score = &mut scores.entry(hit.key).or_default().0;
        *score = score.max(share);
    }
    let most = by_meaning.iter().map(|hit| hit.score).fold(STRONG_SIMILARITY, f32::max);
    for hit in by_meaning.iter().filter(|hit| hit.score >= LEAST_SIMILARITY) {
        scores.entry(hit.key).or_default().1 = Some(hit.score);
    }
    let candidate = |(key, (words, similarity)): (i64, (f64, Option<f32>))| {
        let meaning = similarity.map_or(0.0, |s| (s - LEAST_SIMILARITY) / (most - LEAST_SIMILARITY));
        let score = (WORDS_SHARE * words + MEANING_SHARE * f64::from(meaning)) as f32;
        Candidate { key, score, by_words: words > 0.0, similarity }
    };
    scores.into_iter().map(candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_by_both_beats_a_match_by_one_and_noise_is_no_match() {
        let words = [LexicalHit { key: 1, bm25: 4.0 }, LexicalHit { key: 2, bm25: 4.0 }];
        let meaning = [Hit { key: 2, score: 0.7 }, Hit { key: 3, score: 0.69 }, Hit { key: 4, score: 0.1 }];
        let mut fused = fuse(&words, &meaning);
        fused.sort_by(|a, b| b.score.total_cmp(&a.score));
        assert_eq!(fused.iter().map(|c| c.key).collect::<Vec<_>>(), [2, 1, 3]);
        assert_eq!(fused[0].score, 1.0);
        assert!(fused[0].by_words && fused[0].similarity == Some(0.7));
        assert!(!fused[2].by_words);
    }
}
