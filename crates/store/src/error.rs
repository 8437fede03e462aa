//! What can go wrong below the entities, in words that can be shown to the person at the computer. SQLite's own error
//! travels inside as a boxed source: no type of it is public. A caller branches on the variant, never on the text.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

/// Any error, kept for the log.
pub type Source = Box<dyn Error + Send + Sync + 'static>;

/// Why the store could not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has the profile open.
    #[error("the profile `{}` is already open in another window or program", folder.display())]
    InUse {
        /// The profile's folder.
        folder: PathBuf,
    },
    /// The profile could not be opened, for a reason that has no variant of its own.
    #[error("could not open the profile `{}`: {source}", folder.display())]
    CannotOpen {
        /// The profile's folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: Source,
    },
    /// The database was written by a newer version of Resident; it has not been touched.
    #[error(
        "the profile was last used by a newer version of Resident (its data has format {found}, this version knows \
         up to {known}); nothing was changed: please update Resident"
    )]
    NewerSchema {
        /// The schema number of the database.
        found: i64,
        /// The newest schema number that this program knows.
        known: i64,
    },
    /// The database is damaged, or is not a database of Resident.
    #[error("the database `{}` is damaged: {details}", path.display())]
    Corrupt {
        /// The database, or a backup of it.
        path: PathBuf,
        /// What is wrong with it.
        details: String,
    },
    /// There is no room left to write.
    #[error("the disk is full: nothing could be written to `{}`", path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// The profile's folder or database may not be written to.
    #[error("the profile `{}` cannot be written to", folder.display())]
    ReadOnly {
        /// The profile's folder.
        folder: PathBuf,
    },
    /// Nothing of that name is there.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// What was looked for ("agent", "block", …).
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// Something of that name is there already.
    #[error("there is already a {what} `{id}`")]
    Duplicate {
        /// What it is ("agent", "block label", …).
        what: &'static str,
        /// Its id or name.
        id: String,
    },
    /// A search expression that FTS5 does not understand.
    #[error("could not search for `{expression}`: {details}")]
    BadExpression {
        /// The expression.
        expression: String,
        /// What is wrong with it.
        details: String,
    },
    /// A vector whose dimension is not that of its embedder's other vectors.
    #[error("the embedder `{embedder}` makes vectors of {expected} components, but one with {found} was to be stored")]
    WrongDimension {
        /// The embedder.
        embedder: String,
        /// Components of its vectors so far.
        expected: usize,
        /// Components of the refused one.
        found: usize,
    },
    /// A write went on after one of its statements had failed, so that all of it was rolled back.
    #[error("the change was rolled back, since a part of it had failed: {details}")]
    RolledBack {
        /// The first failure.
        details: String,
    },
    /// A file of the profile could not be read or written.
    #[error("could not use `{}`: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Any other refusal of the database.
    #[error("the database refused: {source}")]
    Sqlite {
        /// What SQLite said.
        #[source]
        source: Source,
    },
}

impl StoreError {
    /// The error for what SQLite said about the database at `path`.
    pub(crate) fn from_sqlite(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, details: error.to_string() },
            Some(ErrorCode::NotADatabase) => Self::Corrupt { path, details: "it is not a database".to_owned() },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { folder: parent(&path) },
            Some(ErrorCode::CannotOpen) => Self::CannotOpen { folder: parent(&path), source: error.into() },
            _ => Self::Sqlite { source: error.into() },
        }
    }

    /// The error for what the system said about the file or folder at `path`.
    pub(crate) fn from_io(path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path: path.to_owned() },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { folder: if path.is_dir() { path.to_owned() } else { parent(path) } }
            }
            _ => Self::Io { path: path.to_owned(), source: error },
        }
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(path).to_owned()
}
