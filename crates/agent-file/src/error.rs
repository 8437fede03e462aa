//! Why a file is refused. Every error names the place in the file and, where there is one, the limit, so that a person
//! can tell whether to mend the file, to raise the limit, or to leave the file alone.

use thiserror::Error;

/// Why a file is refused. Nothing of a refused file is used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AgentFileError {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It has more bytes than are read.
    #[error("the file has {bytes} bytes; at most {limit} are read")]
    TooLarge {
        /// Its size; for a stream, how much of it was seen.
        bytes: usize,
        /// The most bytes.
        limit: usize,
    },
    /// It is nested more deeply than is read.
    #[error("{place} is nested more than {limit} levels deep")]
    TooDeep {
        /// Where the first level too many begins.
        place: String,
        /// The most levels.
        limit: usize,
    },
    /// It holds more values (texts, numbers, lists, objects) than are read.
    #[error("the file holds more than {limit} values; the last one read was {place}")]
    TooManyValues {
        /// The first value too many.
        place: String,
        /// The most values.
        limit: usize,
    },
    /// A list is longer than is read.
    #[error("{place} holds {found} {what}; at most {limit} are read")]
    TooMany {
        /// The list.
        place: String,
        /// What it lists.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The most there may be.
        limit: usize,
    },
    /// It is a file of another kind.
    #[error("this is {looks_like}, not an agent file")]
    NotJson {
        /// What it looks like.
        looks_like: &'static str,
    },
    /// It is JSON, but no agent file.
    #[error("this is not an agent file: {reason}")]
    NotAnAgentFile {
        /// What is missing, or what else it is.
        reason: String,
    },
    /// It is not UTF-8.
    #[error("the file is not UTF-8 text: byte {offset}, in line {line}, does not belong there")]
    NotUtf8 {
        /// The first byte that is wrong, counted from 0.
        offset: usize,
        /// Its line, counted from 1.
        line: usize,
    },
    /// It breaks the rules of JSON.
    #[error("the file is not valid JSON at {place}, line {line}, column {column}: {reason}")]
    Syntax {
        /// The value that was being read.
        place: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// An object has one key twice, so that programs would disagree about what it says.
    #[error("{place} has the key {key} twice")]
    DuplicateKey {
        /// The object.
        place: String,
        /// The key, quoted.
        key: String,
    },
    /// Two things of one kind have the same id, so that references to it are ambiguous.
    #[error("{place} has the id {id}, which {first} has already")]
    DuplicateId {
        /// The second of the two.
        place: String,
        /// Their id, quoted.
        id: String,
        /// The first of the two.
        first: String,
    },
    /// A value is of another type than it has to be.
    #[error("{place} has to be {expected}, and is {found}")]
    WrongType {
        /// The value.
        place: String,
        /// What it has to be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// Something that cannot be done without is not there.
    #[error("{place} has no `{key}`")]
    Missing {
        /// Where it ought to be.
        place: String,
        /// What it would be called.
        key: &'static str,
    },
    /// A stream could not be read.
    #[error("the file could not be read: {reason}")]
    Unreadable {
        /// What the system said.
        reason: String,
    },
}
