//! The files of a profile folder, and the lock that keeps a second program out:
//!
//! - `resident.db` (with `-wal` and `-shm`): the database;
//! - `resident.lock`: locked while the profile is open; the system lets go of it when the program ends, however it ends;
//! - `resident.running`: there from open to close; found at open, it says that the last run did not close;
//! - `resident.doubt`: there when a check found damage while the profile was used;
//! - `index/`: what the search by meaning keeps of vectors, made anew from the database where it is missing;
//! - `backups/`: copies of the database; `damaged/<n>/`: databases that a backup took the place of.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use fs4::{FileExt, TryLockError};

use crate::StoreError;

/// A profile that this process holds.
#[derive(Debug)]
pub(crate) struct Profile {
    folder: PathBuf,
    /// Held for its lock.
    _lock: File,
}

impl Profile {
    /// Makes the folder where it is missing, and takes its lock.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process holds it; [`StoreError::ReadOnly`], [`StoreError::DiskFull`].
    pub(crate) fn lock(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(|error| StoreError::from_io(folder, error))?;
        let path = folder.join("resident.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| StoreError::from_io(&path, error))?;
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: folder.to_owned() }),
            Err(TryLockError::Error(error)) => {
                Err(StoreError::CannotOpen { folder: folder.to_owned(), source: error.into() })
            }
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn database(&self) -> PathBuf {
        database(&self.folder)
    }

    /// Whether the last run did not close the profile.
    pub(crate) fn was_running(&self) -> bool {
        self.running_mark().exists()
    }

    /// Notes that the profile is open.
    pub(crate) fn mark_running(&self) -> Result<(), StoreError> {
        let path = self.running_mark();
        File::create(&path)
            .and_then(|file| file.sync_all())
            .and_then(|()| sync_folder(&self.folder))
            .map_err(|error| StoreError::from_io(&path, error))
    }

    /// Notes that the profile was closed. Without the note, the next open checks the database and finds it sound.
    pub(crate) fn mark_closed(&self) {
        if let Err(error) = fs::remove_file(self.running_mark()) {
            tracing::warn!(folder = %self.folder.display(), %error, "could not note that the profile was closed");
        }
    }

    /// Whether a check found damage while the profile was used.
    pub(crate) fn is_in_doubt(&self) -> bool {
        doubt(&self.folder).exists()
    }

    /// Notes that what was found has been looked at.
    pub(crate) fn forget_doubt(&self) {
        let mark = doubt(&self.folder);
        if mark.exists()
            && let Err(error) = fs::remove_file(&mark)
        {
            tracing::warn!(path = %mark.display(), %error, "could not remove a mark");
        }
    }

    fn running_mark(&self) -> PathBuf {
        self.folder.join("resident.running")
    }
}

/// Where the database of a profile is.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("resident.db")
}

/// Notes that a check of the profile in `folder` found damage, so that the next open looks before anybody uses it.
pub(crate) fn mark_doubt(folder: &Path) -> Result<(), StoreError> {
    let path = doubt(folder);
    let marked = File::create(&path).and_then(|file| file.sync_all()).and_then(|()| sync_folder(folder));
    marked.map_err(|error| StoreError::from_io(&path, error))
}

fn doubt(folder: &Path) -> PathBuf {
    folder.join("resident.doubt")
}

/// Makes the names in a folder durable. Windows does that with the files themselves and opens no folder.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(windows) { Ok(()) } else { File::open(folder)?.sync_all() }
}
