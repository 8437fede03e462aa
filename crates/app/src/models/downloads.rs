//! Downloads that run: one thread each, a cancel flag, and what went wrong with those that ended.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use resident_library::LibraryError;

use super::{Models, local_id};
use crate::api::{ApiError, EventKind};
use crate::event_log::About;

/// How often a download tells how far it is.
const REPORT_EVERY: Duration = Duration::from_millis(250);

/// Downloads by handle.
#[derive(Default)]
pub(crate) struct Downloads {
    running: Mutex<HashMap<String, Arc<AtomicBool>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    failed: Mutex<HashMap<String, String>>,
}

impl Downloads {
    pub(super) fn failure(&self, handle: &str) -> Option<String> {
        lock(&self.failed).get(handle).cloned()
    }
}

impl Models {
    /// Begins a download; it goes on by itself.
    pub(crate) fn begin_download(self: &Arc<Self>, handle: &str) -> Result<(), ApiError> {
        let id = local_id(handle)?.to_owned();
        self.library.model(&id)?;
        if self.network.is_offline() {
            // The library would say so too, but only on the download's own thread.
            let error = ApiError::new(crate::api::ErrorCode::Offline, "Resident is offline; nothing was downloaded.");
            return Err(error.with_hint("Turn offline off in Settings to download models."));
        }
        let cancel = Arc::new(AtomicBool::new(false));
        let mut running = lock(&self.downloads.running);
        if running.contains_key(handle) {
            return Ok(());
        }
        running.insert(handle.to_owned(), cancel.clone());
        drop(running);
        lock(&self.downloads.failed).remove(handle);
        let models = self.clone();
        let handle = handle.to_owned();
        let thread = std::thread::spawn(move || models.run_download(&handle, &id, &cancel));
        let mut threads = lock(&self.downloads.threads);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(())
    }

    /// Stops a download; what was fetched is kept.
    pub(crate) fn cancel_download(&self, handle: &str) {
        if let Some(cancel) = lock(&self.downloads.running).get(handle) {
            cancel.store(true, Ordering::SeqCst);
        }
    }

    /// Stops all downloads and waits for them to end.
    pub(crate) fn stop_downloads(&self) {
        for cancel in lock(&self.downloads.running).values() {
            cancel.store(true, Ordering::SeqCst);
        }
        let threads = std::mem::take(&mut *lock(&self.downloads.threads));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a download ended with a panic");
            }
        }
    }

    fn run_download(&self, handle: &str, id: &str, cancel: &AtomicBool) {
        let mut reported = Instant::now();
        let result = self.library.download(id, cancel, &mut |_| {
            if reported.elapsed() >= REPORT_EVERY {
                reported = Instant::now();
                self.events.send(About::default(), EventKind::ModelsChanged);
            }
        });
        lock(&self.downloads.running).remove(handle);
        match result {
            Ok(()) | Err(LibraryError::Cancelled { .. }) => {}
            Err(error) => {
                let error = ApiError::from(error);
                lock(&self.downloads.failed).insert(handle.to_owned(), error.message.clone());
                self.events.send(About::default(), EventKind::Failed { error });
            }
        }
        self.events.send(About::default(), EventKind::ModelsChanged);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
