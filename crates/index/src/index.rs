//! The index that the product searches: exact, though a scan reads an eighth of the vectors' bytes, and memory holds a
//! half of them, or a quarter where there is a file.
//!
//! A search reads the high halves of all vectors and learns what each score can be at most. The low halves of those
//! that may still be among the best are read next, and of what is left after that the fine rests, best first, until no
//! other can be better. So the answer is that of a comparison with all components of all vectors, each of them in 16
//! bits; only where thousands of vectors are nearly equal does the last step stop early.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    hash::{BuildHasherDefault, Hasher},
    sync::{Mutex, PoisonError},
};

use crate::{
    IndexError,
    fine::Fine,
    kernels::Kernel,
    quantise::{Codes, Query},
    rows::{Compared, Rows},
    top::{Hit, Top},
};

/// Vectors whose fine rests are read for one search, beyond those that are asked for. Reached only where so many have
/// scores that differ in their third digit.
const MOST_RESCORED: usize = 4_096;

/// So many vectors may be gone from memory before gaps are closed, and a quarter of those that are left.
const GAPS_LEFT: usize = 1_024;

/// What is looked at together when the few large numbers among many are searched for.
const STRIDE: usize = 32;

/// Fewer keys than a part of all vectors are looked up one by one.
const LOOKED_UP_PART: usize = 16;

/// An exact index over vectors of one dimension.
pub struct VectorIndex {
    pub(crate) dimension: usize,
    pub(crate) rows: Rows,
    pub(crate) fine: Fine,
    pub(crate) slots: Slots,
    /// Counts insertions and removals.
    pub(crate) changes: u64,
    kernel: Kernel,
    /// Room for codes of a vector that comes in.
    codes: Codes,
    /// Room for the numbers of a search, kept for the next.
    room: Mutex<Compared>,
}

/// Where the vector of a key is.
pub(crate) type Slots = HashMap<i64, u32, BuildHasherDefault<KeyHasher>>;

impl VectorIndex {
    /// An empty index for vectors of `dimension` components, in memory only.
    pub fn new(dimension: usize) -> Self {
        Self {
            dimension,
            rows: Rows::new(dimension),
            fine: Fine::new(dimension),
            slots: Slots::default(),
            changes: 0,
            kernel: Kernel::detect(),
            codes: Codes::new(dimension),
            room: Mutex::default(),
        }
    }

    /// Components of a vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many vectors it holds.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it holds no vector.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether it holds a vector for `key`.
    pub fn contains(&self, key: i64) -> bool {
        self.slots.contains_key(&key)
    }

    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = i64> {
        self.slots.keys().copied()
    }

    /// Which of the processor's instructions its searches use.
    pub fn kernel(&self) -> &'static str {
        self.kernel.name()
    }

    /// Makes room for `additional` vectors.
    pub fn reserve(&mut self, additional: usize) {
        self.rows.reserve(additional);
        self.slots.reserve(additional);
    }

    /// Puts `vector` in under `key`, in the place of an older one. The next search finds it. A vector of zeros is like
    /// nothing: it scores 0.
    ///
    /// # Errors
    /// When it has another dimension or is not finite; the index is as before then.
    pub fn insert(&mut self, key: i64, vector: &[f32]) -> Result<(), IndexError> {
        check(self.dimension, vector)?;
        if u32::try_from(self.rows.len()).is_err() {
            return Err(IndexError::Full);
        }
        self.remove(key);
        self.changes += 1;
        let slot = u32::try_from(self.rows.len()).expect("removing makes no slots");
        let measures = self.codes.write(vector);
        self.rows.push(key, &self.codes, measures);
        self.fine.push(&self.codes.fine);
        self.slots.insert(key, slot);
        Ok(())
    }

    /// Takes the vector of `key` out; whether there was one. No search finds it from now on.
    pub fn remove(&mut self, key: i64) -> bool {
        let Some(slot) = self.slots.remove(&key) else { return false };
        self.changes += 1;
        self.rows.bury(slot as usize);
        self.fine.note_removed(key, slot as usize);
        if !self.fine.has_file() && self.gaps() > GAPS_LEFT + self.len() / 4 {
            self.close_gaps();
        }
        true
    }

    /// The `k` vectors nearest to `query` among those whose key passes `filter`, best first; equal scores in the order
    /// of their keys. `filter` is asked only about vectors that may be among the best so far.
    ///
    /// # Errors
    /// When `query` has another dimension or is not finite, or the index file cannot be read.
    pub fn search(&self, query: &[f32], k: usize, filter: &dyn Fn(i64) -> bool) -> Result<Vec<Hit>, IndexError> {
        check(self.dimension, query)?;
        if k == 0 || self.is_empty() {
            return Ok(Vec::new());
        }
        let Some(query) = Query::new(query) else { return Ok(self.first_keys(k, filter)) };
        let mut found = std::mem::take(&mut *self.room.lock().unwrap_or_else(PoisonError::into_inner));
        self.rows.compare(self.kernel, &query, &mut found);
        let candidates = self.candidates(&query, k, filter, &found.most);
        let scores = self.rows.halves_scores(self.kernel, &query, &found, &candidates);
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = found;
        self.best_of(&query, k, scores)
    }

    /// The same among the vectors of `keys`, for when they are known beforehand. Keys that are not there are left out.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn search_among(&self, query: &[f32], k: usize, keys: &[i64]) -> Result<Vec<Hit>, IndexError> {
        if keys.len() > self.len() / LOOKED_UP_PART {
            let keys: HashSet<i64, BuildHasherDefault<KeyHasher>> = keys.iter().copied().collect();
            return self.search(query, k, &|key| keys.contains(&key));
        }
        check(self.dimension, query)?;
        let mut slots: Vec<usize> = keys.iter().filter_map(|key| self.slots.get(key)).map(|&s| s as usize).collect();
        slots.sort_unstable();
        slots.dedup();
        let Some(query) = Query::new(query) else {
            let among: HashSet<usize> = slots.into_iter().collect();
            return Ok(self.first_keys(k, &|key| self.slots.get(&key).is_some_and(|&s| among.contains(&(s as usize)))));
        };
        if k == 0 {
            return Ok(Vec::new());
        }
        let scores = slots.into_iter().map(|slot| (slot, self.rows.halves_score(self.kernel, &query, slot))).collect();
        self.best_of(&query, k, scores)
    }

    /// Slots without a vector.
    pub(crate) fn gaps(&self) -> usize {
        self.rows.len() - self.slots.len()
    }

    fn close_gaps(&mut self) {
        let alive: Vec<usize> = (0..self.rows.len()).filter(|&slot| self.rows.is_alive(slot)).collect();
        self.fine.keep_only(&alive);
        self.move_together(0);
    }

    /// Closes the gaps from slot `first` on in memory.
    pub(crate) fn move_together(&mut self, first: usize) {
        let slots = &mut self.slots;
        self.rows.close_gaps(first, |key, slot| {
            slots.insert(key, u32::try_from(slot).expect("slots only become smaller"));
        });
    }

    /// What a query of zeros finds: everything alike.
    fn first_keys(&self, k: usize, filter: &dyn Fn(i64) -> bool) -> Vec<Hit> {
        let mut top = Top::new(k, self.len());
        for key in self.keys() {
            let hit = Hit { key, score: 0.0 };
            if top.wants(hit) && filter(key) {
                top.keep(hit);
            }
        }
        top.into_hits()
    }

    /// The slots that may be among the best, by what each score can be at most; they rise.
    fn candidates(&self, query: &Query, k: usize, filter: &dyn Fn(i64) -> bool, most: &[f32]) -> Vec<usize> {
        let passes = |slot: usize| filter(self.rows.key(slot));
        // The k of the highest estimates say how good the best are at least.
        let mut top = Top::new(k, self.len());
        let mut threshold = f32::NEG_INFINITY;
        for_each_from(most, &mut threshold, |slot, score, threshold| {
            let hit = Hit { key: slot_key(slot), score };
            if top.wants(hit) && passes(slot) {
                top.keep(hit);
                *threshold = top.worst_score().unwrap_or(f32::NEG_INFINITY);
            }
        });
        let mut first: Vec<usize> = top.into_hits().iter().map(|hit| key_slot(hit.key)).collect();
        if first.len() < k {
            first.sort_unstable();
            return first;
        }
        let error = query.error(self.rows.longest, self.rows.rest);
        let scores = first.iter().map(|&slot| self.rows.halves_score(self.kernel, query, slot));
        let least = scores.fold(f32::INFINITY, f32::min) - error;
        let mut threshold = least - query.query_error(self.rows.longest);
        let mut candidates = Vec::new();
        for_each_from(most, &mut threshold, |slot, _, _| {
            if passes(slot) {
                candidates.push(slot);
            }
        });
        candidates
    }

    /// The best of some slots with their scores by both halves, by all that is kept of them.
    fn best_of(&self, query: &Query, k: usize, mut candidates: Vec<(usize, f32)>) -> Result<Vec<Hit>, IndexError> {
        let error = query.error(self.rows.longest, self.rows.rest);
        if candidates.len() > k {
            let (_, kth, _) = candidates.select_nth_unstable_by(k - 1, |a, b| b.1.total_cmp(&a.1));
            let least = kth.1 - 2.0 * error;
            candidates.retain(|&(_, score)| score >= least);
        }
        let key = |slot| self.rows.key(slot);
        candidates.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then_with(|| key(a.0).cmp(&key(b.0))));
        candidates.truncate(k.saturating_add(MOST_RESCORED));
        let mut top = Top::new(k, candidates.len());
        let mut fine = vec![0; self.dimension];
        for (slot, halves_score) in candidates {
            if top.worst_score().is_some_and(|worst| halves_score + error < worst) {
                break;
            }
            self.fine.read(slot, &mut fine)?;
            let score = query.score(self.rows.high(slot), self.rows.low(slot), &fine, self.rows.scale(slot));
            let hit = Hit { key: key(slot), score };
            if top.wants(hit) {
                top.keep(hit);
            }
        }
        let unscaled = |hit: Hit| Hit { score: query.unscaled(hit.score), ..hit };
        Ok(top.into_hits().into_iter().map(unscaled).collect())
    }
}

impl fmt::Debug for VectorIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("VectorIndex");
        out.field("dimension", &self.dimension).field("len", &self.len()).field("kernel", &self.kernel);
        out.finish_non_exhaustive()
    }
}

/// Whether a vector can be compared.
pub(crate) fn check(dimension: usize, vector: &[f32]) -> Result<(), IndexError> {
    if vector.len() != dimension {
        return Err(IndexError::Dimension { expected: dimension, got: vector.len() });
    }
    match vector.iter().position(|component| !component.is_finite()) {
        Some(component) => Err(IndexError::NotFinite { component }),
        None => Ok(()),
    }
}

/// Calls `found` for each place with a number of at least `threshold`, which `found` may raise. NaN is never found.
fn for_each_from(numbers: &[f32], threshold: &mut f32, mut found: impl FnMut(usize, f32, &mut f32)) {
    for (stride, numbers) in numbers.chunks(STRIDE).enumerate() {
        // Without a way out of the loop the compiler compares many at once.
        if !numbers.iter().fold(false, |any, number| any | (*number >= *threshold)) {
            continue;
        }
        for (place, &number) in numbers.iter().enumerate() {
            if number >= *threshold {
                found(stride * STRIDE + place, number, threshold);
            }
        }
    }
}

fn slot_key(slot: usize) -> i64 {
    i64::try_from(slot).expect("slots have 32 bits")
}

fn key_slot(key: i64) -> usize {
    usize::try_from(key).expect("it was made of a slot")
}

/// Keys are rows of a store, which nobody chooses so that they collide; one multiplication spreads them.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio.
        let spread = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = spread ^ (spread >> 32);
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
