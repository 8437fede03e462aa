//! The open profile: one connection that writes, behind a mutex, and a few that read. A read sees one snapshot; a write
//! is one transaction, durable when it returns.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::checkpoint::Checkpointer;
use crate::housekeeping::Housekeeping;
use crate::message::Windows;
use crate::migration::NEWEST;
use crate::open::OpenProfile;
use crate::profile::Profile;
use crate::sql::{self, Reader, Writer};
use crate::sync::LogSync;
use crate::{Clock, StoreError, backup, connection, open};

/// How many connections for reading are kept open between reads. A read beyond that opens one for itself.
const IDLE_READERS: usize = 4;

/// The persistent state of one profile. Everything is in its folder; while it is open, no other process can open it.
pub struct Store {
    // Connections close before the profile is let go of, and the one that writes is the last of them.
    housekeeping: Option<Housekeeping>,
    checkpointer: Option<Checkpointer>,
    sync: Option<LogSync>,
    writer: Mutex<Option<Connection>>,
    readers: Mutex<Vec<Connection>>,
    windows: Windows,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    profile: Profile,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the profile in `folder`, or makes one there.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it open; [`StoreError::NewerSchema`] when it is of a version to
    /// come, and then nothing is changed; [`StoreError::Corrupt`] when its database is damaged or missing, and then one
    /// of [`list_backups`](crate::list_backups) may be restored; [`StoreError::ReadOnly`]; [`StoreError::DiskFull`].
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let OpenProfile { profile, writer, later } = open::open(folder, clock.now_ms())?;
        let path = profile.database();
        let sync = LogSync::take_over(&writer, &path).map_err(|error| StoreError::from_sqlite(&path, error))?;
        let housekeeping = Some(Housekeeping::start(folder, later, clock.now_ms()));
        let checkpointer = Some(Checkpointer::start(&path));
        let (readers, windows) = (Mutex::default(), Windows::default());
        let writer = Mutex::new(Some(writer));
        Ok(Self { housekeeping, checkpointer, sync, writer, readers, windows, path, clock, profile })
    }

    /// The profile's folder.
    pub fn folder(&self) -> &Path {
        self.profile.folder()
    }

    /// The clock that the store was opened with.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Now, by that clock.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// What `f` reads, all of it from one snapshot. Readers wait neither for each other nor for the writer.
    ///
    /// # Errors
    /// What `f` returns, or why the database cannot be read.
    pub fn read<T, E: From<StoreError>>(&self, f: impl FnOnce(&Reader<'_>) -> Result<T, E>) -> Result<T, E> {
        let connection = self.reader()?;
        let snapshot = Transaction::new_unchecked(&connection, TransactionBehavior::Deferred)
            .map_err(|error| self.error(error))?;
        let result = f(&Reader::new(&snapshot, &self.path).with_windows(&self.windows));
        // Nothing was written, so that there is nothing to lose in letting go of the snapshot.
        let released = snapshot.rollback().is_ok();
        let mut idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if released && idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        result
    }

    /// What `f` returns after its changes, all of them or none, are on the disk. An error rolls them back. Within `f`,
    /// [`Store::write`] must not be called again: it would wait for itself.
    ///
    /// # Errors
    /// What `f` returns, or why the changes could not be made durable.
    pub fn write<T, E: From<StoreError>>(&self, f: impl FnOnce(&mut Writer<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut guard = self.lock_writer();
        self.sync.as_ref().map_or(Ok(()), LogSync::check)?;
        let connection = guard.as_mut().expect("the writer is there until the store is dropped");
        let changes = connection.total_changes();
        let value = sql::in_transaction(connection, &self.path, f)?;
        if connection.total_changes() == changes {
            return Ok(value);
        }
        let commit = self.sync.as_ref().map(|sync| (sync, sync.committed()));
        // The next one may write while this one waits for the disk.
        drop(guard);
        commit.map_or(Ok(()), |(sync, commit)| sync.wait_for(commit))?;
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.written();
        }
        Ok(value)
    }

    /// What SQLite's quick check complains about; nothing for a sound database.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn quick_check(&self) -> Result<Vec<String>, StoreError> {
        connection::quick_check(&self.reader()?).map_err(|error| self.error(error))
    }

    /// Makes a backup now and gives its path.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`]; [`StoreError::Corrupt`] when the database turns out to be damaged.
    pub fn backup_now(&self) -> Result<PathBuf, StoreError> {
        backup::back_up(self.folder(), &self.reader()?, (NEWEST, self.now_ms()))
    }

    /// Writes a backup of the whole profile to the file `to`, in the place of what is there.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`]; [`StoreError::Corrupt`] when the database turns out to be damaged. What was at `to` is
    /// as it was then.
    pub fn back_up_to(&self, to: &Path) -> Result<(), StoreError> {
        backup::back_up_to(&self.reader()?, to)
    }

    /// Makes the tables for searching by words anew from the texts.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn rebuild_derived(&self) -> Result<(), StoreError> {
        self.write(sql::rebuild_derived)
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| connection::open_reader(&self.path), Ok).map_err(|error| self.error(error))
    }

    fn lock_writer(&self) -> MutexGuard<'_, Option<Connection>> {
        // A panic within a write has rolled it back, so that the connection is as good as before.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, error: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(&self.path, error)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let checked = self.housekeeping.take().is_none_or(Housekeeping::finish);
        self.checkpointer = None;
        self.readers.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let closed = writer.is_none_or(|writer| writer.close().is_ok());
        if closed && checked {
            self.profile.mark_closed();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Provenance, SystemClock};

    use super::*;

    /// A store that has no room for more than `room` bytes.
    fn nearly_full(folder: &Path, room: i64) -> Store {
        let store = Store::open(folder, Arc::new(SystemClock)).unwrap();
        let guard = store.lock_writer();
        let writer = guard.as_ref().unwrap();
        let pages: i64 = writer.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        let most = pages + room / 4096;
        writer.pragma_update_and_check(None, "max_page_count", most, |_| Ok(())).unwrap();
        drop(guard);
        store
    }

    fn write_setting(writer: &mut Writer<'_>, key: &str, bytes: usize) -> Result<(), StoreError> {
        writer.set_setting(key, &"x".repeat(bytes).into())
    }

    #[test]
    fn a_full_disk_is_said_so_and_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = nearly_full(folder.path(), 200_000);
        store.write(|w| write_setting(w, "small", 10)).unwrap();
        let refused = store.write(|w| {
            write_setting(w, "second", 10)?;
            write_setting(w, "large", 1_000_000)
        });
        assert!(matches!(refused, Err(StoreError::DiskFull { .. })), "{refused:?}");
        let kept = |key| store.read(|r| r.setting(key)).unwrap().is_some();
        assert_eq!((kept("small"), kept("second"), kept("large")), (true, false, false));
        store.write(|w| write_setting(w, "third", 10)).unwrap();
        assert_eq!(store.quick_check().unwrap(), [""; 0]);
    }

    #[test]
    fn a_write_that_goes_on_after_a_failure_commits_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = nearly_full(folder.path(), 200_000);
        let result = store.write(|w| {
            write_setting(w, "before", 10)?;
            assert!(write_setting(w, "large", 1_000_000).is_err(), "there is no room for it");
            let _ = write_setting(w, "after", 10);
            Ok::<_, StoreError>(())
        });
        assert!(matches!(result, Err(StoreError::RolledBack { .. })), "{result:?}");
        for key in ["before", "large", "after"] {
            assert_eq!(store.read(|r| r.setting(key)).unwrap(), None, "{key}");
        }
    }

    #[test]
    fn a_caller_may_carry_on_after_a_refused_duplicate() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Arc::new(SystemClock)).unwrap();
        let block = crate::Block {
            id: "block-1".into(),
            label: "human".to_owned(),
            description: String::new(),
            value: String::new(),
            limit_chars: 10,
            read_only: false,
            metadata: serde_json::Value::Null,
            letta: serde_json::json!({}),
            created_at_ms: 0,
            updated_at_ms: 0,
            deleted_at_ms: None,
        };
        let result = store.write(|w| {
            w.insert_block(&block, &Provenance::system("create"))?;
            let twice = w.insert_block(&block, &Provenance::system("create"));
            assert!(matches!(twice, Err(StoreError::Duplicate { .. })), "{twice:?}");
            Ok::<_, StoreError>(())
        });
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(store.read(|r| r.block_revisions(&block.id)).unwrap().len(), 1);
    }
}
