//! The application's event stream for tasks: whoever waits is woken when there is an event, and reads with a reader of its
//! own, so that a slow one delays nobody and misses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use resident_app::api::Event;
use resident_app::{App, EventReader};
use tokio::sync::watch;

/// Wakes whoever waits for events.
pub(crate) struct News {
    latest: watch::Sender<u64>,
    stopped: AtomicBool,
}

impl News {
    /// Begins to watch the event stream of `app`.
    pub(crate) fn watch(app: &App) -> Arc<Self> {
        let news = Arc::new(Self { latest: watch::Sender::new(0), stopped: AtomicBool::new(false) });
        let watching = Arc::downgrade(&news);
        app.watch_events(Box::new(move |seq| {
            let news = watching.upgrade().filter(|news| !news.stopped.load(Ordering::Relaxed));
            news.is_some_and(|news| {
                news.latest.send_replace(seq);
                true
            })
        }));
        news
    }

    /// Ends the watching.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// The events after `after_seq`, for one reader.
    pub(crate) fn follow(&self, app: &App, after_seq: u64) -> Follower {
        Follower { reader: app.subscribe(after_seq), latest: self.latest.subscribe() }
    }
}

/// One task's place in the event stream.
pub(crate) struct Follower {
    reader: EventReader,
    latest: watch::Receiver<u64>,
}

impl Follower {
    /// The next events; at least one.
    pub(crate) async fn next_batch(&mut self) -> Vec<Event> {
        loop {
            // Marked as seen before reading, so that what comes in between wakes at once.
            self.latest.mark_unchanged();
            let batch = self.reader.next_batch(Duration::ZERO);
            if !batch.is_empty() {
                return batch;
            }
            if self.latest.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
