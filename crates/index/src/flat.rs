//! The plainest index: all vectors side by side in one allocation, compared one after the other in 32 bits. It is what
//! the other one is measured against.
//!
//! Removing a vector moves the last one into its place, so that the allocation stays without gaps and a scan reads
//! memory from one end to the other.

use std::collections::HashMap;

use crate::{
    IndexError,
    dot::dot,
    index::check,
    top::{Hit, Top},
};

/// An index that compares all components of all vectors.
#[derive(Debug, Clone)]
pub struct FlatIndex {
    dimension: usize,
    /// `keys.len() * dimension` components; the vector of `keys[slot]` begins at `slot * dimension`.
    components: Vec<f32>,
    keys: Vec<i64>,
    slots: HashMap<i64, usize>,
}

impl FlatIndex {
    /// An empty index for vectors of `dimension` components.
    pub fn new(dimension: usize) -> Self {
        Self { dimension, components: Vec::new(), keys: Vec::new(), slots: HashMap::new() }
    }

    /// Components of a vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many vectors it holds.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it holds no vector.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether it holds a vector for `key`.
    pub fn contains(&self, key: i64) -> bool {
        self.slots.contains_key(&key)
    }

    /// Makes room for `additional` vectors.
    pub fn reserve(&mut self, additional: usize) {
        self.components.reserve(additional * self.dimension);
        self.keys.reserve(additional);
        self.slots.reserve(additional);
    }

    /// Puts `vector` in under `key`, in the place of an older one.
    ///
    /// # Errors
    /// When it has another dimension or is not finite; the index is as before then.
    pub fn insert(&mut self, key: i64, vector: &[f32]) -> Result<(), IndexError> {
        check(self.dimension, vector)?;
        if let Some(&slot) = self.slots.get(&key) {
            let start = slot * self.dimension;
            self.components[start..start + self.dimension].copy_from_slice(vector);
        } else {
            self.slots.insert(key, self.keys.len());
            self.keys.push(key);
            self.components.extend_from_slice(vector);
        }
        Ok(())
    }

    /// Takes the vector of `key` out; whether there was one.
    pub fn remove(&mut self, key: i64) -> bool {
        let Some(slot) = self.slots.remove(&key) else { return false };
        let last = self.keys.len() - 1;
        self.keys.swap_remove(slot);
        self.components.copy_within(last * self.dimension.., slot * self.dimension);
        self.components.truncate(last * self.dimension);
        if let Some(&moved) = self.keys.get(slot) {
            self.slots.insert(moved, slot);
        }
        true
    }

    /// The `k` vectors nearest to `query` among those whose key passes `filter`, best first; equal scores in the order
    /// of their keys. `filter` is asked only about vectors that would be among the best so far.
    ///
    /// # Errors
    /// When `query` has another dimension or is not finite.
    pub fn search(&self, query: &[f32], k: usize, filter: &dyn Fn(i64) -> bool) -> Result<Vec<Hit>, IndexError> {
        check(self.dimension, query)?;
        if k == 0 || self.dimension == 0 {
            return Ok(Vec::new());
        }
        let mut top = Top::new(k, self.keys.len());
        for (&key, vector) in self.keys.iter().zip(self.components.chunks_exact(self.dimension)) {
            let hit = Hit { key, score: dot(query, vector) };
            if top.wants(hit) && filter(key) {
                top.keep(hit);
            }
        }
        Ok(top.into_hits())
    }
}
