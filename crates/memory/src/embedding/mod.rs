//! Dense vectors: the indexes that are searched, and the thread that keeps them complete.

mod turns;
mod vectors;
mod worker;

pub use turns::RunningTurn;
pub(crate) use turns::Turns;
pub(crate) use vectors::Vectors;
pub(crate) use worker::{OnProgress, Worker};
