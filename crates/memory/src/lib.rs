//! Core, recall and archival memory: editing, searching, ranking. Knows neither models nor transports.

mod embedder;

pub use embedder::{EmbedError, Embedder};
