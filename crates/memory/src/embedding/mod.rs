//! Dense vectors: the indexes that are searched, and the thread that keeps them complete.

mod vectors;
mod worker;

pub(crate) use vectors::Vectors;
pub(crate) use worker::{OnProgress, Worker};
