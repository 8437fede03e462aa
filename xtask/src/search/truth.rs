//! What is right: the nearest vectors by all components in 32 bits.

use std::num::NonZero;
use std::thread;

use resident_index::dot;

use crate::vectors::{DIMENSION, Vectors, row};

/// The keys of the nearest vectors of each question.
pub(crate) struct Truth(Vec<Vec<i64>>);

impl Truth {
    /// Compares every question with every vector.
    pub(crate) fn find(vectors: &Vectors, nearest: usize) -> Self {
        let questions = vectors.asked.len() / DIMENSION;
        let mut found = vec![Vec::new(); questions];
        let share = questions.div_ceil(thread::available_parallelism().map_or(1, NonZero::get)).max(1);
        thread::scope(|scope| {
            for (part, found) in found.chunks_mut(share).enumerate() {
                scope.spawn(move || {
                    for (place, found) in found.iter_mut().enumerate() {
                        *found = nearest_to(row(&vectors.asked, part * share + place), &vectors.stored, nearest);
                    }
                });
            }
        });
        Self(found)
    }

    /// The part of the right ones that was found.
    pub(crate) fn recall(&self, question: usize, found: &[i64]) -> f64 {
        let right = &self.0[question];
        right.iter().filter(|key| found.contains(key)).count() as f64 / right.len().max(1) as f64
    }
}

fn nearest_to(question: &[f32], stored: &[f32], nearest: usize) -> Vec<i64> {
    let mut scores: Vec<(f32, i64)> =
        stored.chunks_exact(DIMENSION).zip(0..).map(|(vector, key)| (dot(question, vector), key)).collect();
    let nearest = nearest.min(scores.len());
    if nearest < scores.len() {
        scores.select_nth_unstable_by(nearest, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    }
    scores[..nearest].iter().map(|&(_, key)| key).collect()
}
