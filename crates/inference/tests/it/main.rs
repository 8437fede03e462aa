//! The real default models: what they answer, what they may not do, and how files that are not what they should be
//! are refused. One binary, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_files;
mod calls;
mod embedder;
mod generation;
mod models;
mod prompts;
