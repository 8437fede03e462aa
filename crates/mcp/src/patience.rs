//! How long a caller waits, and how it says that it no longer wants the answer.

use std::time::Duration;

use tokio::time::Instant;

/// How often the caller's wish is asked for: a person does not notice less.
const POLL: Duration = Duration::from_millis(30);

/// The patience of a caller with one operation, connecting included.
#[derive(Clone, Copy)]
pub struct Patience<'a> {
    /// Time for the whole operation.
    pub timeout: Duration,
    /// Whether the answer is no longer wanted; asked for again and again while waiting.
    pub cancelled: &'a dyn Fn() -> bool,
}

impl Patience<'static> {
    /// A patience that ends only with its time.
    pub fn of(timeout: Duration) -> Self {
        Self { timeout, cancelled: &|| false }
    }
}

impl std::fmt::Debug for Patience<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patience").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Why waiting ended before the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    TimedOut,
    Cancelled,
}

/// What `future` gives, unless the patience ends first; then it is dropped.
pub(crate) async fn within<F: Future>(patience: &Patience<'_>, future: F) -> Result<F::Output, Interrupted> {
    let deadline = Instant::now() + patience.timeout;
    tokio::select! {
        biased;
        output = future => Ok(output),
        () = tokio::time::sleep_until(deadline) => Err(Interrupted::TimedOut),
        () = wish(patience.cancelled) => Err(Interrupted::Cancelled),
    }
}

async fn wish(cancelled: &dyn Fn() -> bool) {
    while !cancelled() {
        tokio::time::sleep(POLL).await;
    }
}
