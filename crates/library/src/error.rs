//! What can go wrong with models. Every message can be shown to a person as it is.

use std::path::PathBuf;

use thiserror::Error;

use crate::http::HttpError;

/// Why a model cannot be listed, fetched or used.
#[derive(Debug, Error)]
pub enum LibraryError {
    /// The manifest cannot be used.
    #[error("the model manifest cannot be used: {message}")]
    Manifest {
        /// What is wrong with it.
        message: String,
    },
    /// There is no such model.
    #[error("there is no model {id}")]
    Unknown {
        /// What was asked for.
        id: String,
    },
    /// A file of the model is not on this computer.
    #[error("{id} is not on this computer: {file} is missing")]
    Missing {
        /// The model.
        id: String,
        /// The file's name or path.
        file: String,
    },
    /// A file is not what the manifest says.
    #[error("{} is not the file it should be: its SHA-256 is {actual}, expected {expected}", path.display())]
    WrongHash {
        /// The file.
        path: PathBuf,
        /// The manifest's hash.
        expected: String,
        /// The file's.
        actual: String,
    },
    /// A download is not as long as the manifest says.
    #[error("{file} should have {expected} bytes; the server offers {actual}")]
    WrongSize {
        /// The file's name.
        file: String,
        /// The manifest's size.
        expected: u64,
        /// The server's.
        actual: u64,
    },
    /// A file that was to be added is not a model that can be read.
    #[error("{} cannot be used as a model: {message}", path.display())]
    NotAModel {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The disk is too full.
    #[error(
        "not enough room in {}: {} MB are needed, {} MB are free",
        folder.display(), needed_bytes.div_ceil(1_000_000), available_bytes / 1_000_000
    )]
    DiskFull {
        /// Where there is not enough room.
        folder: PathBuf,
        /// What is needed.
        needed_bytes: u64,
        /// What there is.
        available_bytes: u64,
    },
    /// The model is being fetched already.
    #[error("{id} is being downloaded already")]
    Busy {
        /// The model.
        id: String,
    },
    /// The model cannot be removed or fetched this way.
    #[error("{id} cannot be {action}: {reason}")]
    NotPossible {
        /// The model.
        id: String,
        /// What was to be done with it.
        action: &'static str,
        /// Why not.
        reason: String,
    },
    /// It was cancelled; what was fetched is kept.
    #[error("the download of {id} was cancelled; what was fetched so far is kept")]
    Cancelled {
        /// The model.
        id: String,
    },
    /// The server answered with an error.
    #[error("{host} answered {status} for {file}")]
    Status {
        /// The server.
        host: String,
        /// HTTP status.
        status: u16,
        /// What was asked for.
        file: String,
    },
    /// The server could not be reached, stalled, or hung up again and again.
    #[error("could not download {file} from {host}: {message}; what was fetched so far is kept")]
    Interrupted {
        /// The server.
        host: String,
        /// The file's name.
        file: String,
        /// What happened.
        message: String,
    },
    /// The Python package could not be fetched or opened.
    #[error("could not get {package}: {message}")]
    Wheel {
        /// Name and version.
        package: String,
        /// What happened.
        message: String,
    },
    /// The network may not be used.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A file could not be read or written.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl LibraryError {
    /// An IO error with what was tried and on which path, to be used with `map_err`.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
