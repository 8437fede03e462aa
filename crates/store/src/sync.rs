//! Makes commits durable, several with one sync. A commit writes to the log (WAL) and is then synced to the disk, which on
//! many disks takes longer than all the rest of it. Were each writer to sync while it holds the one connection that
//! writes, all others would wait for it. Here a writer lets go of the connection first; of those that then wait, one
//! syncs the log for all whose commits are in it.
//!
//! What a write promises stays: when it returns, its changes are on the disk. In between, readers may see changes that
//! are not, as far as they can: whatever is written next stands behind them in the log, so that it can survive a loss of
//! power only together with what it was based on.
//!
//! A sync that failed is not tried again. The system may have dropped what could not be written, and the next sync would
//! report success without it; so from then on every write is refused until the profile is opened anew.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::StoreError;

/// The log of the open database, and how far it is on the disk.
pub(crate) struct LogSync {
    path: PathBuf,
    progress: Mutex<Progress>,
    changed: Condvar,
}

/// Commits are counted from the opening of the profile.
#[derive(Default)]
struct Progress {
    committed: u64,
    synced: u64,
    log: Option<File>,
    syncing: bool,
    failure: Option<io::ErrorKind>,
}

impl LogSync {
    /// Takes the syncs of commits from the connection that writes to the database at `path`. `None` where the file system
    /// allows no log: there SQLite syncs by itself.
    pub(crate) fn take_over(writer: &Connection, path: &Path) -> rusqlite::Result<Option<Self>> {
        let mode: String = writer.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        if mode != "wal" {
            return Ok(None);
        }
        // SQLite still syncs the log before it moves anything of it into the database.
        writer.pragma_update(None, "synchronous", "NORMAL")?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Ok(Some(Self { path: log.into(), progress: Mutex::default(), changed: Condvar::new() }))
    }

    /// Refuses to go on after a sync that failed.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.refuse_after_failure(&self.lock())
    }

    /// Counts a commit; to be called before the next one begins. The number is what [`LogSync::wait_for`] takes.
    pub(crate) fn committed(&self) -> u64 {
        let mut progress = self.lock();
        progress.committed += 1;
        progress.committed
    }

    /// Returns when that commit, and so all before it, are on the disk.
    pub(crate) fn wait_for(&self, commit: u64) -> Result<(), StoreError> {
        let busy = |progress: &mut Progress| progress.syncing && progress.synced < commit && progress.failure.is_none();
        let mut progress = self.changed.wait_while(self.lock(), busy).unwrap_or_else(PoisonError::into_inner);
        self.refuse_after_failure(&progress)?;
        if progress.synced >= commit {
            return Ok(());
        }
        progress.syncing = true;
        let (covered, log) = (progress.committed, progress.log.take());
        drop(progress);
        let synced = self.sync(log);
        let mut progress = self.lock();
        progress.syncing = false;
        match synced {
            Ok(log) => (progress.log, progress.synced) = (Some(log), covered),
            Err(error) => progress.failure = Some(error.kind()),
        }
        self.changed.notify_all();
        self.refuse_after_failure(&progress)
    }

    /// The log, after what is in it is on the disk.
    fn sync(&self, log: Option<File>) -> io::Result<File> {
        // Windows syncs only what may be written to. The file is there from the first commit until the profile is closed.
        let log = log.map_or_else(|| OpenOptions::new().write(true).open(&self.path), Ok)?;
        log.sync_data()?;
        Ok(log)
    }

    fn refuse_after_failure(&self, progress: &Progress) -> Result<(), StoreError> {
        match progress.failure {
            Some(kind) => Err(StoreError::from_io(&self.path, kind.into())),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(path: PathBuf) -> LogSync {
        LogSync { path, progress: Mutex::default(), changed: Condvar::new() }
    }

    #[test]
    fn one_sync_is_for_all_that_were_committed_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "commits").unwrap();
        let log = log(path.clone());
        let commits = [log.committed(), log.committed(), log.committed()];
        log.wait_for(commits[1]).unwrap();
        assert_eq!(log.lock().synced, 3);
        log.wait_for(commits[2]).unwrap();
        log.wait_for(commits[0]).unwrap();
        assert_eq!(log.committed(), 4);
        assert_eq!(log.lock().synced, 3, "what comes later is not yet on the disk");
    }

    #[test]
    fn after_a_sync_that_failed_nothing_is_promised_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = log(path.clone());
        log.check().unwrap();
        let commit = log.committed();
        assert!(matches!(log.wait_for(commit), Err(StoreError::Io { .. })), "there is no log");
        std::fs::write(&path, "commits").unwrap();
        assert!(log.wait_for(commit).is_err(), "it may have lost the first commit");
        assert!(log.check().is_err());
    }
}
