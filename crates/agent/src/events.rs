//! What a running turn reports, in order. Deltas are for the screen only: what counts is recorded, and each `Recorded`
//! message replaces what was streamed for its step.

use resident_memory::core::{AlteredBlock, BlockChange, BlockEdit};
use resident_store::{BlockId, BlockRevision, Message, Passage, Step, StepId, Summary};

/// One event of a running turn.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// The model reads its prompt.
    Reading {
        /// Tokens so far.
        tokens: usize,
        /// Tokens in all.
        of: usize,
    },
    /// Memory is searched.
    Searching {
        /// For what.
        query: String,
    },
    /// More of what is said to the user.
    Text {
        /// The step.
        step_id: StepId,
        /// The new piece.
        text: String,
    },
    /// More of the inner thoughts.
    Thoughts {
        /// The step.
        step_id: StepId,
        /// The new piece.
        text: String,
    },
    /// More of a tool call; not of `send_message`, whose message comes as `Text`.
    ToolCall {
        /// The step.
        step_id: StepId,
        /// Which call of the step.
        index: usize,
        /// The tool.
        name: String,
        /// The new piece of the arguments' JSON text.
        arguments_delta: String,
    },
    /// A message is in recall memory.
    Recorded(Message),
    /// Memory was changed.
    Changed(MemoryChange),
    /// The agent was told that its window is nearly full.
    Pressure {
        /// Tokens used.
        used_tokens: usize,
        /// Tokens of the window.
        window_tokens: usize,
    },
    /// The oldest part of the window was evicted.
    Compacted(Compaction),
    /// A step is over.
    StepEnded(Step),
}

/// A change of memory, with its provenance inside.
#[derive(Debug, Clone, PartialEq)]
pub enum MemoryChange {
    /// A block has a new revision.
    Block {
        /// The revision.
        revision: BlockRevision,
        /// The block's label, as it is after the change.
        label: String,
        /// The block.
        block_id: BlockId,
    },
    /// A block was renamed, described anew, or removed from the agent.
    BlockAltered(AlteredBlock),
    /// A passage was saved.
    PassageSaved(Passage),
    /// A passage was moved to the bin.
    PassageDeleted(Passage),
}

impl From<BlockEdit> for MemoryChange {
    fn from(edit: BlockEdit) -> Self {
        let BlockEdit { block, revision } = edit;
        Self::Block { revision, label: block.label, block_id: block.id }
    }
}

impl From<BlockChange> for MemoryChange {
    fn from(change: BlockChange) -> Self {
        match change {
            BlockChange::Written(edit) => edit.into(),
            BlockChange::Altered(altered) => Self::BlockAltered(altered),
        }
    }
}

/// What a compaction did.
#[derive(Debug, Clone, PartialEq)]
pub struct Compaction {
    /// Messages evicted; they stay in recall.
    pub evicted_messages: usize,
    /// Tokens of the prompt before.
    pub tokens_before: usize,
    /// Tokens of the prompt after.
    pub tokens_after: usize,
    /// What stands in their place.
    pub summary: Summary,
}
