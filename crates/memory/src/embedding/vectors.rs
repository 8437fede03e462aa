//! The vectors of one embedder in memory: an index for each agent's messages and each archive's passages, opened at its
//! first search.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use resident_index::{IndexError, Scheme, VectorIndex};
use resident_store::{Store, VectorGroup};

use super::{files, group::GroupIndex};
use crate::{EmbedError, Embedder, MemoryError};

/// An embedder is shown only so many bytes of a text. Those that run here read about a thousand characters, remote ones
/// more; what comes after the first pages of a pasted text does not make it easier to find.
const LONGEST_TEXT: usize = 8_192;

/// Changes that a search makes up for by itself, some tenths of a second at most. What is beyond is left to the keeper,
/// and the search goes on with what is there.
const SOON_READ: usize = 16_384;

type Groups = HashMap<VectorGroup, Arc<GroupIndex>>;

/// An embedder and the vectors that it made.
pub(crate) struct Vectors {
    embedder: Arc<dyn Embedder>,
    folder: PathBuf,
    groups: RwLock<Groups>,
}

/// What came of a look into an index.
pub(crate) struct Looked<T> {
    /// What was found.
    pub(crate) found: T,
    /// Whether the index was up to date.
    pub(crate) complete: bool,
}

impl Vectors {
    /// Those of `embedder`, with files in `folder`.
    pub(crate) fn new(embedder: Arc<dyn Embedder>, folder: PathBuf) -> Self {
        Self { embedder, folder, groups: RwLock::default() }
    }

    pub(crate) fn embedder(&self) -> &Arc<dyn Embedder> {
        &self.embedder
    }

    /// Where the files of indexes are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
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

    /// What `look` finds in the index of a group. The index is opened where this is its first search.
    pub(crate) fn look_into<T: Default>(
        &self,
        store: &Store,
        group: &VectorGroup,
        look: impl Fn(&VectorIndex) -> Result<T, IndexError>,
    ) -> Result<Looked<T>, MemoryError> {
        let index = self.group(group);
        let complete = index.bring_up_now(store, SOON_READ)?;
        let found = index.look(look);
        Ok(Looked { complete: complete && found.is_some(), found: found.unwrap_or_default() })
    }

    /// The index of a group, which may have to be opened yet.
    pub(crate) fn group(&self, group: &VectorGroup) -> Arc<GroupIndex> {
        if let Some(index) = self.loaded(group) {
            return index;
        }
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        let index = groups.entry(group.clone()).or_insert_with(|| {
            let scheme = Scheme { embedder: self.embedder.id().to_owned(), dimension: self.embedder.dimension() };
            Arc::new(GroupIndex::new(group.clone(), files::path(&self.folder, group), scheme))
        });
        Arc::clone(index)
    }

    /// The index of a group that was searched before.
    pub(crate) fn loaded(&self, group: &VectorGroup) -> Option<Arc<GroupIndex>> {
        self.groups.read().unwrap_or_else(PoisonError::into_inner).get(group).cloned()
    }

    /// The indexes of all groups that were searched before.
    pub(crate) fn all_loaded(&self) -> Vec<Arc<GroupIndex>> {
        self.groups.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Lets go of the index of a group.
    pub(crate) fn forget(&self, group: &VectorGroup) {
        self.groups.write().unwrap_or_else(PoisonError::into_inner).remove(group);
    }

    fn broken(&self, message: String) -> EmbedError {
        EmbedError { embedder: self.embedder.id().to_owned(), message, transient: false }
    }
}

/// Scales a vector to length 1; the zero vector stays.
fn make_unit(vector: &mut [f32]) {
    let length = resident_index::dot(vector, vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|component| *component /= length);
    }
}
