//! What takes minutes with a large database, done beside whoever uses it: the check after a run that did not close, and
//! the backup of the day. A thread of its own does it with a connection of its own, which sees one snapshot.
//!
//! Closing the profile breaks it off. A backup is made after the next open then; so is a check, since the profile is not
//! noted as closed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, InterruptHandle};

use crate::migration::NEWEST;
use crate::{StoreError, backup, connection, profile};

/// The check of a search table by words cannot be broken off, and is not waited for longer than this. It only reads.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a statement is told to end: one that begins just then does not hear it.
const SAID_AGAIN: Duration = Duration::from_millis(5);

/// The first moments after a start belong to whoever starts.
const BEGINS_AFTER: Duration = Duration::from_secs(5);

/// Something that is left to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chore {
    /// The check after a run that did not close.
    Check,
    /// The backup of the day, where it is due.
    BackUp,
}

/// The thread; it is told to end when this is dropped.
pub(crate) struct Housekeeping {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    folder: PathBuf,
    now_ms: i64,
    stop: AtomicBool,
    /// A check is still to be done, or found damage.
    unchecked: AtomicBool,
    /// Breaks off the statement that runs.
    interrupt: Mutex<Option<InterruptHandle>>,
}

impl Housekeeping {
    /// Starts on `chores` for the profile in `folder`.
    pub(crate) fn start(folder: &Path, chores: Vec<Chore>, now_ms: i64) -> Self {
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            now_ms,
            stop: AtomicBool::new(false),
            unchecked: AtomicBool::new(chores.contains(&Chore::Check)),
            interrupt: Mutex::default(),
        });
        if chores.is_empty() {
            return Self { shared, thread: None };
        }
        let work = shared.clone();
        let run = move || work.run(&chores);
        let started = std::thread::Builder::new().name("resident-housekeeping".to_owned()).spawn(run);
        let thread = started
            .inspect_err(|error| tracing::error!(%error, "the thread that checks and copies could not be started"))
            .ok();
        Self { shared, thread }
    }

    /// Ends the thread; whether all was done that had to be checked.
    pub(crate) fn finish(mut self) -> bool {
        self.end();
        !self.shared.unchecked.load(Ordering::Acquire)
    }

    fn end(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.shared.stop.store(true, Ordering::Release);
        thread.thread().unpark();
        let deadline = Instant::now() + PATIENCE;
        while !thread.is_finished() {
            if Instant::now() >= deadline {
                return;
            }
            if let Some(interrupt) = &*self.shared.interrupt.lock().unwrap_or_else(PoisonError::into_inner) {
                interrupt.interrupt();
            }
            std::thread::sleep(SAID_AGAIN);
        }
        if thread.join().is_err() {
            tracing::error!("the thread that checks and copies ended with a panic");
        }
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn run(&self, chores: &[Chore]) {
        std::thread::park_timeout(BEGINS_AFTER);
        for chore in chores {
            if self.stopped() {
                return;
            }
            let done = match chore {
                Chore::Check => self.check(),
                Chore::BackUp => self.back_up(),
            };
            if let Err(error) = done
                && !self.stopped()
            {
                tracing::warn!(folder = %self.folder.display(), ?chore, %error, "could not be done");
            }
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        tracing::info!(folder = %self.folder.display(), "the last run did not close the profile: checking it");
        let path = profile::database(&self.folder);
        let connection = self.open(&path)?;
        let problems = connection::quick_check(&connection).map_err(|error| StoreError::from_sqlite(&path, error))?;
        match problems.first() {
            None => self.unchecked.store(false, Ordering::Release),
            Some(problem) => {
                tracing::error!(path = %path.display(), problem, "damage was found; the next start sees to it");
                profile::mark_doubt(&self.folder)?;
            }
        }
        Ok(())
    }

    fn back_up(&self) -> Result<(), StoreError> {
        // What may be damaged does not take the place of a sound copy.
        if self.unchecked.load(Ordering::Acquire) || !backup::is_due(&self.folder, self.now_ms)? {
            return Ok(());
        }
        let path = profile::database(&self.folder);
        let connection = self.open(&path)?;
        backup::back_up_unless(&self.folder, &connection, (NEWEST, self.now_ms), &self.stop).map(drop)
    }

    /// A connection whose statements can be broken off.
    fn open(&self, path: &Path) -> Result<Connection, StoreError> {
        let connection = connection::open_reader(path).map_err(|error| StoreError::from_sqlite(path, error))?;
        let interrupt = connection.get_interrupt_handle();
        *self.interrupt.lock().unwrap_or_else(PoisonError::into_inner) = Some(interrupt);
        Ok(connection)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Store, SystemClock, list_backups};

    use super::*;

    /// A profile that was made and closed.
    fn profile() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path(), Arc::new(SystemClock)).unwrap());
        folder
    }

    fn done(folder: &Path, chores: Vec<Chore>) -> bool {
        let housekeeping = Housekeeping::start(folder, chores, 1);
        let thread = housekeeping.thread.as_ref().unwrap();
        thread.thread().unpark();
        while !thread.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
        housekeeping.finish()
    }

    #[test]
    fn a_sound_profile_is_checked_and_copied() {
        let folder = profile();
        assert!(done(folder.path(), vec![Chore::Check, Chore::BackUp]));
        assert_eq!(list_backups(folder.path()).unwrap().len(), 1);
        assert!(done(folder.path(), vec![Chore::BackUp]));
        assert_eq!(list_backups(folder.path()).unwrap().len(), 1, "once a day");
    }

    #[test]
    fn damage_is_left_to_the_next_start_and_not_copied() {
        let folder = profile();
        let database = profile::database(folder.path());
        let writer = connection::open_writer(&database).unwrap();
        writer.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).unwrap();
        writer.execute_batch("INSERT INTO message_text_content (id, c0) VALUES (1, 'text without an index')").unwrap();
        drop(writer);
        assert!(!done(folder.path(), vec![Chore::Check, Chore::BackUp]));
        assert!(folder.path().join("resident.doubt").exists());
        assert_eq!(list_backups(folder.path()).unwrap(), []);
        std::fs::write(folder.path().join("resident.running"), "").unwrap();
        let store = Store::open(folder.path(), Arc::new(SystemClock)).unwrap();
        assert_eq!(store.quick_check().unwrap(), [""; 0], "the table of words was made anew");
        assert!(!folder.path().join("resident.doubt").exists());
    }

    #[test]
    fn closing_breaks_it_off_and_says_what_was_not_checked() {
        let folder = profile();
        assert!(!Housekeeping::start(folder.path(), vec![Chore::Check], 1).finish());
        assert!(Housekeeping::start(folder.path(), vec![Chore::BackUp], 1).finish());
        assert_eq!(list_backups(folder.path()).unwrap(), []);
        let stop = AtomicBool::new(true);
        let source = connection::open_reader(&profile::database(folder.path())).unwrap();
        assert!(backup::back_up_unless(folder.path(), &source, (NEWEST, 1), &stop).is_err());
        assert_eq!(std::fs::read_dir(folder.path().join("backups")).unwrap().count(), 0, "nothing is left of it");
    }
}
