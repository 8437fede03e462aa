//! The best k of a stream of hits, in a heap of at most k.

use std::{cmp::Ordering, collections::BinaryHeap};

/// A vector that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The key it was inserted with.
    pub key: i64,
    /// Its dot product with the query: for unit vectors the cosine similarity, -1 to 1.
    pub score: f32,
}

/// Orders hits from best to worst: the higher score first, and of equal scores the lower key, so that results do not
/// depend on the order of insertion.
struct Ranked(Hit);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.score.total_cmp(&self.0.score).then(self.0.key.cmp(&other.0.key))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

/// Keeps the best `k` hits that were offered.
pub(crate) struct Top {
    k: usize,
    /// The worst hit kept is at its peak, where it is compared with each newcomer.
    heap: BinaryHeap<Ranked>,
}

impl Top {
    /// Keeps nothing yet. `expected` hits will be offered at most.
    pub(crate) fn new(k: usize, expected: usize) -> Self {
        Self { k, heap: BinaryHeap::with_capacity(k.min(expected)) }
    }

    /// Whether `hit` would be kept if it were offered now.
    pub(crate) fn wants(&self, hit: Hit) -> bool {
        if self.heap.len() < self.k {
            return true;
        }
        self.heap.peek().is_some_and(|worst| Ranked(hit) < *worst)
    }

    /// Keeps `hit`, which it [`wants`](Self::wants), and drops the worst where there are too many.
    pub(crate) fn keep(&mut self, hit: Hit) {
        if self.heap.len() == self.k {
            self.heap.pop();
        }
        self.heap.push(Ranked(hit));
    }

    /// The score that a newcomer has to reach; `None` while anything is kept.
    pub(crate) fn worst_score(&self) -> Option<f32> {
        if self.heap.len() < self.k { None } else { self.heap.peek().map(|worst| worst.0.score) }
    }

    /// What was kept, best first.
    pub(crate) fn into_hits(self) -> Vec<Hit> {
        self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.0).collect()
    }
}
