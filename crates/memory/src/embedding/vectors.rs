//! The vectors of one embedder in memory: an index for each agent's messages and each archive's passages, read from the store at its first
//! search and kept up to date as vectors are written.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use resident_index::{IndexError, VectorIndex};
use resident_store::{Store, VectorGroup};

use crate::{EmbedError, Embedder, MemoryError};

/// An embedder is shown only so many bytes of a text. Those that run here read about a thousand characters, remote ones
/// more; what comes after the first pages of a pasted text does not make it easier to find.
const LONGEST_TEXT: usize = 8_192;

type Indexes = HashMap<VectorGroup, VectorIndex>;

/// An embedder and the vectors that it made.
pub(crate) struct Vectors {
    embedder: Arc<dyn Embedder>,
    indexes: RwLock<Indexes>,
}

impl Vectors {
    pub(crate) fn new(embedder: Arc<dyn Embedder>) -> Self {
        Self { embedder, indexes: RwLock::default() }
    }

    pub(crate) fn embedder(&self) -> &Arc<dyn Embedder> {
        &self.embedder
    }

    /// One checked unit vector for each text.
    pub(crate) fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let texts: Vec<&str> = texts.iter().map(|text| &text[..text.floor_char_boundary(LONGEST_TEXT)]).collect();
        let mut vectors = self.embedder.embed(&texts)?;
        if vectors.len() != texts.len() {
            return Err(self.broken(format!("it made {} vectors of {} texts", vectors.len(), texts.len())));
        }
        for vector in &mut vectors {
            if vector.len() != self.embedder.dimension() || vector.iter().any(|component| !component.is_finite()) {
                let message = format!("it made a vector that is not {} finite numbers", self.embedder.dimension());
                return Err(self.broken(message));
            }
            make_unit(vector);
        }
        Ok(vectors)
    }

    /// What `look` finds in the index of a group, which is read from the store where this is
    /// its first search.
    pub(crate) fn look_into<T>(
        &self,
        store: &Store,
        group: &VectorGroup,
        look: impl Fn(&VectorIndex) -> T,
    ) -> Result<T, MemoryError> {
        if let Some(index) = self.indexes.read().unwrap_or_else(PoisonError::into_inner).get(group) {
            return Ok(look(index));
        }
        let mut indexes = self.indexes.write().unwrap_or_else(PoisonError::into_inner);
        // The lock is held from before the snapshot until the index is in its place, so that vectors written meanwhile
        // are either in the snapshot or added after it.
        if !indexes.contains_key(group) {
            indexes.insert(group.clone(), self.load(store, group)?);
        }
        Ok(look(&indexes[group]))
    }

    /// Takes over vectors that are in the store now. Indexes that were never searched read them later.
    pub(crate) fn add(&self, written: Vec<(VectorGroup, i64, Vec<f32>)>) {
        let mut indexes = self.indexes.write().unwrap_or_else(PoisonError::into_inner);
        for (group, key, vector) in written {
            if let Some(index) = indexes.get_mut(&group) {
                keep(index, key, &vector);
            }
        }
    }

    fn load(&self, store: &Store, group: &VectorGroup) -> Result<VectorIndex, MemoryError> {
        let stored = store.read(|r| r.vectors_of(group, self.embedder.id()))?;
        let mut index = VectorIndex::new(self.embedder.dimension());
        index.reserve(stored.len());
        for (key, vector) in stored {
            keep(&mut index, key, &vector);
        }
        Ok(index)
    }

    fn broken(&self, message: String) -> EmbedError {
        EmbedError { embedder: self.embedder.id().to_owned(), message, transient: false }
    }
}

fn keep(index: &mut VectorIndex, key: i64, vector: &[f32]) {
    let kept: Result<(), IndexError> = index.insert(key, vector);
    if let Err(error) = kept {
        tracing::warn!(key, %error, "a stored vector is left out of the search by meaning");
    }
}

/// Scales a vector to length 1; the zero vector stays.
fn make_unit(vector: &mut [f32]) {
    let length = resident_index::dot(vector, vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|component| *component /= length);
    }
}
