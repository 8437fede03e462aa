//! Turns that run now. Embedding takes all of a small computer's processors, and nobody waits for it; the person who waits
//! for an answer comes first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The turns that run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    running: usize,
    ended_at: Option<Instant>,
}

impl Turns {
    /// Counts a turn until the guard is dropped.
    pub(crate) fn begin(&self) -> RunningTurn {
        self.lock().running += 1;
        RunningTurn(self.clone())
    }

    /// Whether no turn has run for so long.
    pub(crate) fn quiet_for(&self, time: Duration) -> bool {
        let state = self.lock();
        state.running == 0 && state.ended_at.is_none_or(|at| at.elapsed() >= time)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn while it runs.
#[derive(Debug)]
#[must_use = "the turn counts until this is dropped"]
pub struct RunningTurn(Turns);

impl Drop for RunningTurn {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.running -= 1;
        state.ended_at = Some(Instant::now());
    }
}
