//! What can go wrong with an index and its file.

use std::{io, path::PathBuf};

use thiserror::Error;

/// Why a vector was refused, or a search could not be answered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IndexError {
    /// It has another length than the vectors of the index.
    #[error("vector has {got} components, the index holds vectors of {expected}")]
    Dimension {
        /// Components of the vectors of the index.
        expected: usize,
        /// Components of the vector that was refused.
        got: usize,
    },
    /// It contains an infinity or a NaN, which compares with nothing.
    #[error("component {component} of the vector is not a finite number")]
    NotFinite {
        /// The place of the first such component.
        component: usize,
    },
    /// There are as many vectors as there are slots.
    #[error("the index is full: it holds as many vectors as it can tell apart")]
    Full,
    /// The index file cannot be read any more. The index has to be built again.
    #[error("could not read the index file `{path}`: {kind}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What kind of failure it was.
        kind: io::ErrorKind,
    },
    /// The index file has changed since it was opened. The index has to be built again.
    #[error("the index file `{path}` is damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// Why an index file could not be opened or written. The index has to be built from the stored vectors then; nothing
/// that matters is lost.
#[derive(Debug, Error)]
pub enum FileError {
    /// There is none.
    #[error("there is no index file `{path}`")]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The system refused something.
    #[error("could not {action} the index file `{path}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It does not begin like an index file.
    #[error("`{path}` is not an index file")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another version of Resident wrote it.
    #[error("the index file `{path}` has version {found}, not {expected}")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that this program writes.
        expected: u32,
    },
    /// It holds vectors of another embedder.
    #[error("the index file `{path}` holds {found}, not {expected}")]
    Vectors {
        /// The file.
        path: PathBuf,
        /// Whose vectors it holds, and of how many components.
        found: String,
        /// Whose vectors were looked for.
        expected: String,
    },
    /// Not even its first part is as it was written.
    #[error("the index file `{path}` is damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// It has grown larger than what it is made of can tell apart.
    #[error("the index for `{path}` holds too many vectors for a file")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}
