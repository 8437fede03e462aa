//! Core memory: blocks, their revisions, and changes as the chat shows them.

use super::PassageView;

api_type! {
    /// Who acted.
    #[derive(Copy, Eq)]
    pub enum ActorView {
        /// The person.
        User,
        /// An agent.
        Agent,
        /// Resident.
        System,
    }

    /// Where a memory came from.
    pub struct ProvenanceView {
        /// Who wrote it.
        pub actor: ActorView,
        /// The agent's id.
        pub agent_id: Option<String>,
        /// The agent's name.
        pub agent_name: Option<String>,
        /// The turn.
        pub turn_id: Option<String>,
        /// The message that led to it.
        pub message_id: Option<String>,
        /// The tool or action.
        pub tool: Option<String>,
    }

    /// A block.
    pub struct BlockView {
        /// Its id.
        pub id: String,
        /// Its label.
        pub label: String,
        /// What it is for.
        pub description: String,
        /// Its text.
        pub value: String,
        /// Characters used.
        pub chars: usize,
        /// Characters it may have.
        pub limit_chars: usize,
        /// Whether agents may not write to it.
        pub read_only: bool,
        /// The agents it is attached to.
        pub agent_ids: Vec<String>,
        /// The number of its newest revision.
        pub revision: i64,
        /// Who wrote that revision.
        pub provenance: ProvenanceView,
        /// When it was last changed.
        pub updated_at_ms: i64,
        /// When it was moved to the bin.
        pub deleted_at_ms: Option<i64>,
    }

    /// Which blocks to list.
    pub struct ListBlocks {
        /// Those of one agent, in the order of its prompt; all when left out.
        #[serde(default)]
        #[ts(optional)]
        pub agent_id: Option<String>,
        /// Those in the bin instead.
        #[serde(default)]
        pub deleted: bool,
    }

    /// A new block, attached to an agent.
    pub struct CreateBlock {
        /// The agent.
        pub agent_id: String,
        /// Its label.
        pub label: String,
        /// What it is for.
        #[serde(default)]
        pub description: String,
        /// Its text.
        #[serde(default)]
        pub value: String,
        /// Characters it may have; the default of its label when left out.
        #[serde(default)]
        #[ts(optional)]
        pub limit_chars: Option<usize>,
        /// Whether agents may not write to it.
        #[serde(default)]
        pub read_only: bool,
    }

    /// Changes to a block; what is left out stays.
    pub struct UpdateBlock {
        /// The block.
        pub block_id: String,
        /// New label.
        #[serde(default)]
        #[ts(optional)]
        pub label: Option<String>,
        /// New description.
        #[serde(default)]
        #[ts(optional)]
        pub description: Option<String>,
        /// New text.
        #[serde(default)]
        #[ts(optional)]
        pub value: Option<String>,
        /// New limit.
        #[serde(default)]
        #[ts(optional)]
        pub limit_chars: Option<usize>,
        /// Whether agents may not write to it.
        #[serde(default)]
        #[ts(optional)]
        pub read_only: Option<bool>,
        /// The revision that the editor saw; when it is not the newest any more the change is refused with `conflict`.
        #[serde(default)]
        #[ts(optional)]
        pub seen_revision: Option<i64>,
    }

    /// Names one block.
    pub struct BlockRef {
        /// Its id.
        pub block_id: String,
    }

    /// Attaches a block to an agent or detaches it.
    pub struct AttachBlock {
        /// The agent.
        pub agent_id: String,
        /// The block.
        pub block_id: String,
    }

    /// One version of a block.
    pub struct RevisionView {
        /// Counts from 1.
        pub number: i64,
        /// Text before; `None` for the first.
        pub before: Option<String>,
        /// Text after.
        pub after: String,
        /// Who wrote it.
        pub provenance: ProvenanceView,
        /// When.
        pub created_at_ms: i64,
    }

    /// Undoes what a revision changed, with a new revision. A later change of other lines is kept; where the same
    /// lines were changed since, it is refused with `conflict`.
    pub struct UndoRevision {
        /// The block.
        pub block_id: String,
        /// The revision.
        pub number: i64,
    }

    /// What a turn (or a person) changed in memory.
    pub struct MemoryChange {
        /// The turn, if it was in one.
        pub turn_id: Option<String>,
        /// Who did it.
        pub provenance: ProvenanceView,
        /// What was done.
        pub what: MemoryChangeKind,
        /// When.
        pub at_ms: i64,
        /// Whether it has been undone since.
        pub undone: bool,
    }

    /// What was changed.
    #[serde(tag = "type")]
    pub enum MemoryChangeKind {
        /// A block has a new revision.
        Block {
            /// The block.
            block_id: String,
            /// Its label.
            label: String,
            /// The revision.
            revision: i64,
            /// Text before.
            before: Option<String>,
            /// Text after.
            after: String,
        },
        /// A block was renamed.
        BlockRenamed {
            /// The block.
            block_id: String,
            /// Its label before.
            before: String,
            /// Its label after.
            after: String,
        },
        /// A block was described anew.
        BlockDescribed {
            /// The block.
            block_id: String,
            /// Its label.
            label: String,
            /// What it was for.
            before: String,
            /// What it is for.
            after: String,
        },
        /// A block was removed from the agent.
        BlockRemoved {
            /// The block.
            block_id: String,
            /// The agent.
            agent_id: String,
            /// Its label.
            label: String,
            /// Its text.
            text: String,
        },
        /// A passage was saved.
        PassageSaved {
            /// The passage.
            passage: PassageView,
        },
        /// A passage was moved to the bin.
        PassageDeleted {
            /// The passage.
            passage: PassageView,
        },
    }
}
