//! The threads that compute.

use std::num::NonZero;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// More threads than this gain nothing for models that fit a desktop: memory is the limit by then.
const MOST_THREADS: usize = 16;

/// A pool of `threads`, or of one for each core.
pub(crate) fn pool(threads: Option<NonZero<usize>>) -> Result<ThreadPool, ThreadPoolBuildError> {
    let cores = || std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or_else(cores).get().min(MOST_THREADS))
        .thread_name(|index| format!("resident-compute-{index}"))
        .build()
}
