//! Core, recall and archival memory: editing, searching, ranking. Knows neither models nor transports.
//!
//! Edits ([`core`], [`archival`]) run inside a store transaction of the caller; [`Memory`] searches, and keeps vectors
//! up to date in the background when it is given an [`Embedder`]. Without one everything is found by its words.

pub mod archival;
pub mod core;
mod embedder;
mod embedding;
mod error;
pub mod files;
mod memory;
mod search;

pub use self::core::{BlockChange, BlockEdit, EditContext};
pub use archival::NewPassages;
pub use embedder::{EmbedError, Embedder};
pub use embedding::RunningTurn;
pub use error::MemoryError;
pub use memory::Memory;
pub use search::{ArchivalHit, ArchivalPage, ArchivalQuery, Reason, RecallHit, RecallQuery, Signals, Sort};

/// `text` without null bytes, which neither databases nor prompts carry well.
fn clean(text: &str) -> String {
    text.replace('\0', "")
}
