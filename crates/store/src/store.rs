//! The open profile: one connection that writes, behind a mutex, and a few that read. A read sees one snapshot; a write
//! is one transaction, durable when it returns.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::migration::{self, NEWEST};
use crate::profile::Profile;
use crate::sql::{Reader, Writer};
use crate::{Clock, StoreError, backup, connection};

/// How many connections for reading are kept open between reads. A read beyond that opens one for itself.
const IDLE_READERS: usize = 4;

/// The persistent state of one profile. Everything is in its folder; while it is open, no other process can open it.
pub struct Store {
    // Connections close before the profile is let go of.
    writer: Mutex<Option<Connection>>,
    readers: Mutex<Vec<Connection>>,
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
        connection::check_sqlite_version(folder)?;
        let profile = Profile::lock(folder)?;
        backup::finish_restore(&profile)?;
        let path = profile.database();
        if backup::lost_database(folder)? {
            let details = "it is missing or empty, although there are backups of it".to_owned();
            return Err(StoreError::Corrupt { path, details });
        }
        let found = if path.exists() { connection::schema_of(&path)? } else { 0 };
        let unclean = profile.was_running();
        profile.mark_running()?;
        let writer = prepare(&profile, (found, unclean), clock.now_ms());
        let writer = writer.inspect_err(|_| {
            // A refused profile was not used; but if the last run ended badly, the next open must look again.
            if !unclean {
                let _ = profile.mark_closed();
            }
        })?;
        Ok(Self { writer: Mutex::new(Some(writer)), readers: Mutex::default(), path, clock, profile })
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
        let result = f(&Reader::new(&snapshot, &self.path));
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
        let connection = guard.as_mut().expect("the writer is there until the store is dropped");
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| self.error(error))?;
        let mut writer = Writer::new(&transaction, &self.path);
        // An early return drops the transaction, which rolls it back.
        let value = f(&mut writer)?;
        if let Some(details) = writer.into_failure() {
            return Err(StoreError::RolledBack { details }.into());
        }
        transaction.commit().map_err(|error| self.error(error))?;
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

    /// Makes the tables for searching by words anew from the texts.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn rebuild_derived(&self) -> Result<(), StoreError> {
        self.write(|writer| {
            writer.rebuild_message_text()?;
            writer.rebuild_passage_text()
        })
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
        self.readers.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let closed = writer.is_none_or(|writer| writer.close().is_ok());
        if closed && let Err(error) = self.profile.mark_closed() {
            tracing::warn!(folder = %self.folder().display(), %error, "could not note that the profile was closed");
        }
    }
}

/// The connection that writes, to a database that was checked, backed up and migrated as needed.
fn prepare(profile: &Profile, (found, unclean): (i64, bool), now_ms: i64) -> Result<Connection, StoreError> {
    let path = profile.database();
    let sqlite = |error| StoreError::from_sqlite(&path, error);
    let mut writer = connection::open_writer(&path).map_err(sqlite)?;
    if unclean && found > 0 {
        tracing::info!(folder = %profile.folder().display(), "the last run did not close the profile: checking it");
        if let Some(details) = connection::quick_check(&writer).map_err(sqlite)?.into_iter().next() {
            return Err(StoreError::Corrupt { path, details });
        }
    }
    if found == NEWEST {
        backup::backup_if_due(profile.folder(), &writer, (found, now_ms))?;
        return Ok(writer);
    }
    if found > 0 {
        backup::back_up(profile.folder(), &writer, (found, now_ms))?;
    }
    migration::migrate(&mut writer, found).map_err(sqlite)?;
    Ok(writer)
}
