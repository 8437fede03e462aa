//! Dense vectors: the indexes that are searched, and the threads that keep them complete.

mod files;
mod group;
mod keeper;
mod turns;
mod vectors;
mod worker;

pub(crate) use files::{folder, remove_purged};
pub(crate) use keeper::{Keeper, Waker};
pub use turns::RunningTurn;
pub(crate) use turns::Turns;
pub(crate) use vectors::Vectors;
pub(crate) use worker::{OnProgress, Worker};
