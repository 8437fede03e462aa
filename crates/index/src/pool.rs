//! Shares one search's work over the processor's cores.
//!
//! The thread that searches takes part, so that a search never waits for a pool that is busy elsewhere to begin, and a
//! pool that could not be made only makes it slower.

use std::{
    num::NonZero,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// More threads than this gain nothing: memory is the limit by then.
const MOST_THREADS: usize = 8;

/// Calls `run` with each of `work`, on all cores; returns when all of it is done.
pub(crate) fn share<T: Send>(work: impl Iterator<Item = T> + Send, run: impl Fn(T) + Sync) {
    let work = Mutex::new(work);
    let next = || work.lock().unwrap_or_else(PoisonError::into_inner).next();
    let take = || {
        while let Some(item) = next() {
            run(item);
        }
    };
    match others() {
        None => take(),
        Some(pool) => pool.in_place_scope(|scope| {
            for _ in 0..pool.current_num_threads() {
                scope.spawn(|_| take());
            }
            take();
        }),
    }
}

/// A thread for each core but the one that searches; made at the first search that is large enough.
fn others() -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let make = || {
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS) - 1;
        let builder = ThreadPoolBuilder::new().num_threads(threads);
        (threads > 0).then(|| builder.thread_name(|index| format!("resident-search-{index}")).build().ok()).flatten()
    };
    POOL.get_or_init(make).as_ref()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::share;

    #[test]
    fn all_work_is_done_once() {
        for count in [0, 1, 2, 1_000] {
            let sum = AtomicUsize::new(0);
            share(0..count, |item| {
                sum.fetch_add(item + 1, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), count * (count + 1) / 2);
        }
    }
}
