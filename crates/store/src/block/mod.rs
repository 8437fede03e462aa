//! Core memory blocks and their revisions. Every write to a block's value makes a revision in the same transaction.
//!
//! A revision keeps the value after it; the value before is that of the revision before, so that the two cannot
//! disagree. A block may be attached to several agents; within one agent its label is unique among the blocks that are
//! not in the bin. A block in the bin keeps its attachments, so that it comes back where it was. What an agent does to a
//! block besides writing it is an alteration.

mod alteration;
mod table;

pub(crate) use alteration::SCHEMA as ALTERATION_SCHEMA;
pub use alteration::{Alteration, BlockAlteration};
pub(crate) use table::{CLIENT_COLUMNS, SCHEMA};

use serde::{Deserialize, Serialize};

use crate::{BlockId, Provenance};

/// A labelled, limited piece of core memory that is always in the prompt of the agents it is attached to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Its id.
    pub id: BlockId,
    /// What the agent calls it; unique among the blocks of one agent.
    pub label: String,
    /// What it is for, told to the agent.
    pub description: String,
    /// Its text.
    pub value: String,
    /// The longest value it may have, in characters (Unicode scalar values).
    pub limit_chars: usize,
    /// Whether agents may not write to it.
    pub read_only: bool,
    /// Whatever a client wants to keep with it; never read by Resident.
    pub metadata: serde_json::Value,
    /// What clients of Letta's API set and only they read, as a JSON object.
    pub letta: serde_json::Value,
    /// When it was created.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When it was moved to the bin.
    pub deleted_at_ms: Option<i64>,
}

/// One version of a block's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockRevision {
    /// The block.
    pub block_id: BlockId,
    /// Counts from 1 for each block, without gaps.
    pub number: i64,
    /// The value before; `None` for the revision that created the block.
    pub before: Option<String>,
    /// The value after.
    pub after: String,
    /// Who wrote it, in which turn, with which tool.
    pub provenance: Provenance,
    /// When.
    pub created_at_ms: i64,
}
