//! Moves what was committed from the log (WAL) into the database. SQLite would let the write that fills the log do it, and
//! everybody who writes would wait; here a thread does it beside them. Whether and when it runs changes nothing that is
//! read: until it has, readers find the newest pages in the log.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use crate::connection;

/// So many pages in the log are worth a move. Pages that change often are moved once for all their changes, so that more
/// is cheaper, and a longer log is slower to recover from after a crash.
const WORTHWHILE_PAGES: i64 = 4_000;

/// The log is looked at no more often than this.
const PAUSE: Duration = Duration::from_millis(100);

/// The thread; it ends when this is dropped.
pub(crate) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    signal: Mutex<Signal>,
    changed: Condvar,
}

#[derive(Default)]
struct Signal {
    written: bool,
    stopped: bool,
}

impl Checkpointer {
    /// Starts the thread for the database at `path`. Without it the log is moved by whoever writes, later.
    pub(crate) fn start(path: &Path) -> Self {
        let shared = Arc::new(Shared::default());
        let (work, path) = (shared.clone(), path.to_path_buf());
        let started = std::thread::Builder::new().name("resident-store".to_owned()).spawn(move || work.run(&path));
        let thread = started
            .inspect_err(|error| tracing::error!(%error, "the thread that shortens the log could not be started"))
            .ok();
        Self { shared, thread }
    }

    /// Says that something was committed.
    pub(crate) fn written(&self) {
        let mut signal = self.shared.lock();
        if !signal.written {
            signal.written = true;
            self.shared.changed.notify_all();
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that shortens the log ended with a panic");
        }
    }
}

impl Shared {
    fn run(&self, path: &Path) {
        let mut own = None;
        while self.wait_for_writes() {
            let moved = match &own {
                Some(connection) => checkpoint(connection),
                None => connection::open_checkpointer(path).and_then(|new| checkpoint(own.insert(new))),
            };
            if let Err(error) = moved {
                tracing::warn!(%error, "the log could not be moved into the database; it will be tried again");
            }
        }
    }

    /// Waits for a commit and a moment longer; false when the thread is to end.
    fn wait_for_writes(&self) -> bool {
        let idle = |signal: &mut Signal| !signal.written && !signal.stopped;
        let signal = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let rested = self.changed.wait_timeout_while(signal, PAUSE, |signal| !signal.stopped);
        let mut signal = rested.unwrap_or_else(PoisonError::into_inner).0;
        signal.written = false;
        !signal.stopped
    }

    fn lock(&self) -> MutexGuard<'_, Signal> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves the log where that is worthwhile, without waiting for anybody or making anybody wait.
fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    let ask = |mode: &str| {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        connection.prepare_cached(&sql)?.query_row([], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
    };
    let (logged, moved) = ask("NOOP")?;
    if logged - moved >= WORTHWHILE_PAGES {
        ask("PASSIVE")?;
    }
    Ok(())
}
