//! Language models from GGUF and embedders, on this computer: they implement the ports of `agent` and `memory`.
//!
//! A GGUF file is read by candle, checked, and run by a decoder of our own, whose kernels are chosen when the program
//! runs. Calls of tools are decoded under a grammar, so that a call cannot be malformed. Text and tokens live in
//! memory only: this crate writes no file and opens no connection.

mod cache;
mod call;
mod decoder;
mod embedder;
mod engine;
mod error;
mod gguf;
mod grammar;
mod json_text;
mod kernels;
mod language_model;
mod linear;
mod pool;
mod sampler;
mod stream;
mod template;
mod tokenizer;

pub use embedder::MiniLmEmbedder;
pub use error::LoadError;
pub use gguf::GgufSummary;
pub use language_model::{LoadOptions, LocalLanguageModel};
