//! Memory on a real store: what agents and people do to it, and what they find in it.

mod archival;
mod core;
mod embedding;
mod recall;
mod support;
