//! What can go wrong in a development task. Each message says what to do where that is known, since the reader has
//! just cloned the repository and nothing else.

use std::path::PathBuf;

/// An error of a development task.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// A program is not installed.
    #[error("`{program}` could not be started: {source}. {hint}")]
    NotStarted {
        /// The program.
        program: String,
        /// What the reader can do.
        hint: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A program said that it failed.
    #[error("`{command}` failed with {status}")]
    Failed {
        /// The whole command.
        command: String,
        /// Its exit status.
        status: std::process::ExitStatus,
    },
    /// A file or folder could not be read or written.
    #[error("could not {action} `{path}`: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Something is missing that this task may not install.
    #[error("{what} is missing. {hint}")]
    Missing {
        /// What.
        what: String,
        /// The exact thing to do.
        hint: String,
    },
    /// A program printed what was not expected.
    #[error("could not read what `{program}` printed: {source}")]
    Output {
        /// The program.
        program: &'static str,
        /// Where it went wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A generated file differs from what the sources say.
    #[error("`{path}` is not what `{command}` makes of the sources; run it and commit the result")]
    Stale {
        /// The file or folder.
        path: PathBuf,
        /// The command that makes it.
        command: &'static str,
    },
    /// Some checks of `cargo xtask test` failed.
    #[error("failed: {0}")]
    Checks(String),
}

/// Result of a task.
pub(crate) type TaskResult<T = ()> = Result<T, TaskError>;

/// Adds the path to an error of the file system.
pub(crate) trait AtPath<T> {
    /// Says what was tried, and where.
    fn at(self, action: &'static str, path: impl Into<PathBuf>) -> TaskResult<T>;
}

impl<T> AtPath<T> for std::io::Result<T> {
    fn at(self, action: &'static str, path: impl Into<PathBuf>) -> TaskResult<T> {
        self.map_err(|source| TaskError::File { action, path: path.into(), source })
    }
}
