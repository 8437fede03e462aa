//! Vectors in, (key, score) out. [`FlatIndex`] compares a query with every vector it holds: exact, without parameters,
//! and bounded by memory bandwidth, which is fast enough for the memories of one person.
//!
//! The index knows neither texts nor stores: it is derived data, built from stored vectors and thrown away at will.

mod dot;
mod flat;
mod top;

pub use dot::dot;
pub use flat::{FlatIndex, IndexError};
pub use top::Hit;
