//! Memory on a real store: what agents and people do to it, and what they find in it.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its world may fail there")]

mod archival;
mod core;
mod embedding;
mod index_files;
mod recall;
mod support;
