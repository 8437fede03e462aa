//! Archival memory: passages with tags, provenance and validity, and their revisions.
//!
//! A passage is true from `valid_from_ms` (or, where that is not known, from when it was saved) until `valid_to_ms`.
//! Superseding closes that interval and keeps the passage. Tags live in a table of their own, which is the only place
//! they are kept, so that filtering by tag is a look-up; likewise a revision keeps the text after it, and the text
//! before is that of the revision before.

mod filter;
mod search;
mod table;
mod write;

pub use filter::PassageFilter;
pub(crate) use search::TEXT_SCHEMA;
pub(crate) use table::{IN_ARCHIVES, SCHEMA};

use serde::{Deserialize, Serialize};

use crate::{AgentId, ArchiveId, FileId, PassageId, Provenance};

/// One long-term fact or piece of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// Its id.
    pub id: PassageId,
    /// The archive that it lies in.
    pub archive_id: ArchiveId,
    /// The agent whose own archive that is, as read; not written with the passage.
    pub agent_id: Option<AgentId>,
    /// The file that it is a chunk of.
    pub file_id: Option<FileId>,
    /// Its text.
    pub text: String,
    /// Its tags: trimmed, without duplicates, in the order given.
    pub tags: Vec<String>,
    /// Who saved it, in which turn, with which tool.
    pub provenance: Provenance,
    /// The document it is a chunk of.
    pub document: Option<String>,
    /// From when it was true, where that is known.
    pub valid_from_ms: Option<i64>,
    /// Until when it was true; `None` while it is.
    pub valid_to_ms: Option<i64>,
    /// The passage that took its place.
    pub superseded_by: Option<PassageId>,
    /// When it was saved.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When it was moved to the bin.
    pub deleted_at_ms: Option<i64>,
}

/// One version of a passage's text and tags.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassageRevision {
    /// The passage.
    pub passage_id: PassageId,
    /// Counts from 1 for each passage, without gaps.
    pub number: i64,
    /// Text before; `None` for the first.
    pub before: Option<String>,
    /// Text after.
    pub after: String,
    /// Tags after.
    pub tags: Vec<String>,
    /// Who wrote it.
    pub provenance: Provenance,
    /// When.
    pub created_at_ms: i64,
}
