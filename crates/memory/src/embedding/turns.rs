//! Turns that run now. Embedding takes all of a small computer's processors, and nobody waits for it; the person who waits
//! for an answer comes first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many turns run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<AtomicUsize>);

impl Turns {
    /// Counts a turn until the guard is dropped.
    pub(crate) fn begin(&self) -> RunningTurn {
        self.0.fetch_add(1, Ordering::Relaxed);
        RunningTurn(Self(Arc::clone(&self.0)))
    }

    /// Whether a turn runs.
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// A turn while it runs.
#[derive(Debug)]
#[must_use = "the turn counts until this is dropped"]
pub struct RunningTurn(Turns);

impl Drop for RunningTurn {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
