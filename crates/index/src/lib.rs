//! Vectors in, (key, score) out.
//!
//! [`VectorIndex`] is what the product searches: exact, filtered, every insert and removal visible at once, at about
//! 440 bytes of memory for a vector of 384 components, and fast enough for a million of them (decision 9 says why there
//! is no approximate index beside it). It may keep its codes in a file, which opens in a moment. [`FlatIndex`] compares
//! vectors as they came, and is what the other is measured against.
//!
//! The index knows neither texts nor stores: it is derived data, built from stored vectors and thrown away at will.

mod dot;
mod error;
mod file;
mod fine;
mod flat;
mod index;
mod kernels;
mod pool;
mod quantise;
mod rows;
mod top;

pub use dot::dot;
pub use error::{FileError, IndexError};
pub use file::{Opened, Scheme, Written};
pub use flat::FlatIndex;
pub use index::VectorIndex;
pub use top::Hit;
