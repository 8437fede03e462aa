//! What can go wrong with a memory. A failed memory tool is a result that a model reads, so each message says what was
//! wrong and how to do it right; the wording of the V1 server is kept where models and clients know it.

use resident_store::{BlockId, PassageId, StoreError};
use thiserror::Error;

/// Why a memory could not be read or changed. Nothing has been changed then.
#[derive(Debug, Error)]
pub enum MemoryError {
    /// The agent has no block of this label.
    #[error("There is no memory block with label `{label}`. The labels are: {}.", known_labels(.known))]
    UnknownLabel {
        /// The label that was asked for.
        label: String,
        /// The labels of the agent's blocks.
        known: Vec<String>,
    },
    /// No block has this id, or it is in the bin.
    #[error("There is no memory block with id {id}.")]
    UnknownBlock {
        /// The id.
        id: BlockId,
    },
    /// The block has no revision of this number.
    #[error("Memory block `{label}` has no revision {number}.")]
    UnknownRevision {
        /// The block's label.
        label: String,
        /// The number.
        number: i64,
    },
    /// The archive of the agent has no passage of this id.
    #[error("There is no passage with id {id} in the archive.")]
    UnknownPassage {
        /// The id.
        id: PassageId,
    },
    /// Another block of the agent has this label.
    #[error("A memory block with label `{label}` exists already. Edit that block, or choose another label.")]
    LabelTaken {
        /// The label.
        label: String,
    },
    /// The label would not be readable in a prompt.
    #[error(
        "`{label}` cannot be the label of a memory block: a label has 1 to {longest} characters, without line breaks, `<` and `>`."
    )]
    InvalidLabel {
        /// The label.
        label: String,
        /// The longest label, in characters.
        longest: usize,
    },
    /// Agents may not write to the block.
    #[error("Error This block is read-only and cannot be edited.")]
    ReadOnly {
        /// The block's label.
        label: String,
    },
    /// The value would be longer than the block's limit.
    #[error(
        "Memory block `{label}` would have {would_be} characters, its limit is {limit}. Nothing was changed. Write less, \
         or shorten or remove what is no longer needed first."
    )]
    OverLimit {
        /// The block's label.
        label: String,
        /// The longest value, in characters.
        limit: usize,
        /// Characters that the value would have.
        would_be: usize,
    },
    /// The edit leaves the value as it is.
    #[error("Memory block `{label}` already reads like that. Nothing was changed.")]
    Unchanged {
        /// The block's label.
        label: String,
    },
    /// The text to be replaced everywhere is not there.
    #[error("Old content '{old_content}' not found in memory block '{label}'")]
    OldContentNotFound {
        /// The block's label.
        label: String,
        /// The text that was looked for.
        old_content: String,
    },
    /// The text to be replaced once is not there.
    #[error(
        "No replacement was performed, old_string `{old_string}` did not appear verbatim in memory block with label \
         `{label}`. Copy the text exactly as it stands in the block, with its spaces and line breaks."
    )]
    NotVerbatim {
        /// The block's label.
        label: String,
        /// The text that was looked for.
        old_string: String,
    },
    /// The text to be replaced once is there several times.
    #[error(
        "No replacement was performed. Multiple occurrences of old_string `{old_string}` in lines {lines:?} of memory \
         block with label `{label}`. Give a longer old_string that occurs only once."
    )]
    SeveralOccurrences {
        /// The block's label.
        label: String,
        /// The text that was looked for.
        old_string: String,
        /// The lines in which it begins, counted from 1.
        lines: Vec<usize>,
    },
    /// The text was copied with the line numbers of a numbered display.
    #[error(
        "{argument} contains a line number prefix, which is not allowed. Line numbers such as `12→` are only shown for \
         orientation and are no part of the memory block: leave them out."
    )]
    LineNumbers {
        /// The argument.
        argument: &'static str,
    },
    /// The place to insert at is outside of the text.
    #[error(
        "Invalid insert_line {insert_line}: the memory block has {lines} lines, so it should be within 0 (before the \
         first line) and {lines} (after the last), or -1 for the end."
    )]
    InsertLine {
        /// The line that was asked for.
        insert_line: i64,
        /// Lines of the block.
        lines: usize,
    },
    /// An argument that must say something is empty.
    #[error("{argument} is empty: give the text to {}.", purpose(.argument))]
    EmptyArgument {
        /// The argument.
        argument: &'static str,
    },
    /// The patch cannot be read.
    #[error("The patch could not be read, line {line}: {message}.")]
    PatchMalformed {
        /// The line of the patch, counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// The lines that the patch changes are not there.
    #[error(
        "The patch was not applied: the lines at line {patch_line} of the patch are not in memory block `{label}`. \
         Unchanged and removed lines must be copied exactly from the block."
    )]
    PatchNoMatch {
        /// The block's label.
        label: String,
        /// The line of the patch where the hunk begins, counted from 1.
        patch_line: usize,
    },
    /// The lines that the patch changes are there several times.
    #[error(
        "The patch was not applied: the lines at line {patch_line} of the patch occur at lines {lines:?} of memory block \
         `{label}`. Add more unchanged lines around the change, or a header with line numbers."
    )]
    PatchAmbiguous {
        /// The block's label.
        label: String,
        /// The line of the patch where the hunk begins, counted from 1.
        patch_line: usize,
        /// Where they are in the block, counted from 1.
        lines: Vec<usize>,
    },
    /// The same lines were changed since.
    #[error("Memory block `{label}` was changed in the same place since. Look at the newest text and try again.")]
    Conflict {
        /// The block's label.
        label: String,
    },
    /// Others changed what was to be changed, after it was read.
    #[error(
        "Nothing was changed: {by} changed memory block `{label}` in the same place after you read it. It now says:\n\
         {now}\nMake your change to this text, and keep what {by} wrote."
    )]
    ChangedMeanwhile {
        /// The block's label.
        label: String,
        /// Who changed it.
        by: String,
        /// What it says now.
        now: String,
    },
    /// Tidying would drop what the user wrote.
    #[error(
        "Nothing was changed: the user wrote \"{line}\" in memory block `{label}` by hand, and it would be gone. Keep these \
         words as they are; you may move them."
    )]
    UsersOwnWords {
        /// The block's label.
        label: String,
        /// What the user wrote.
        line: String,
    },
    /// The passage has a successor already.
    #[error("Passage {id} was superseded before, by {by}. Supersede that one instead.")]
    AlreadySuperseded {
        /// The passage.
        id: PassageId,
        /// Its successor.
        by: PassageId,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn known_labels(known: &[String]) -> String {
    if known.is_empty() {
        return "none, the agent has no memory blocks".to_owned();
    }
    known.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ")
}

fn purpose(argument: &str) -> &'static str {
    if argument.starts_with("old") { "look for" } else { "save" }
}
