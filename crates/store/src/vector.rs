//! Dense vectors of messages and passages: derived data, tagged with the embedder that made them, rebuilt from text at
//! any time.

use serde::{Deserialize, Serialize};

/// What a vector stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorOwner {
    /// A message of recall memory.
    Message,
    /// A passage of archival memory.
    Passage,
}

/// A text that has no vector of the given embedder yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Unembedded {
    /// What it is.
    pub owner: VectorOwner,
    /// Its row: `messages.seq` or `passages.rowid`.
    pub key: i64,
    /// Its text.
    pub text: String,
}

/// One stored vector.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredVector {
    /// What it stands for.
    pub owner: VectorOwner,
    /// Its row: `messages.seq` or `passages.rowid`.
    pub key: i64,
    /// Its components.
    pub vector: Vec<f32>,
}
