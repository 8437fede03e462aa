//! The one ordered event stream. A reader subscribes from a sequence number; when what follows it is no longer held,
//! the stream begins with `Gap` and the reader loads afresh.

use super::{ApiError, CompactionView, MemoryChange, MessageView, StepView, TurnView};

api_type! {
    /// One event.
    pub struct Event {
        /// Grows by one.
        pub seq: u64,
        /// When.
        pub at_ms: i64,
        /// The agent it concerns.
        pub agent_id: Option<String>,
        /// The turn it belongs to.
        pub turn_id: Option<String>,
        /// The conversation of the turn, where it is not in the agent's own thread.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        pub conversation_id: Option<String>,
        /// What happened.
        pub what: EventKind,
    }

    /// What happened.
    #[serde(tag = "type")]
    pub enum EventKind {
        /// Events before this one are no longer held.
        Gap,
        /// A turn began.
        TurnStarted {
            /// The turn.
            turn: TurnView,
        },
        /// A message is in recall memory. It replaces what was streamed for its step.
        MessageRecorded {
            /// The message.
            message: MessageView,
        },
        /// The model is being loaded.
        ModelLoading {
            /// Its name.
            name: String,
        },
        /// The prompt is being read.
        PromptReading {
            /// Tokens so far.
            tokens: usize,
            /// Tokens in all.
            of: usize,
        },
        /// The agent looks something up before it answers.
        Searching {
            /// For what.
            query: String,
        },
        /// More of the answer.
        TextDelta {
            /// The step.
            step_id: String,
            /// The text.
            text: String,
        },
        /// More of the inner thoughts.
        ThoughtsDelta {
            /// The step.
            step_id: String,
            /// The text.
            text: String,
        },
        /// More of a tool call.
        ToolCallDelta {
            /// The step.
            step_id: String,
            /// Which call of the step.
            index: usize,
            /// The tool.
            name: String,
            /// A piece of the arguments' JSON text.
            arguments_delta: String,
        },
        /// A step ended.
        StepEnded {
            /// The step.
            step: StepView,
        },
        /// Memory was changed.
        MemoryChanged {
            /// How.
            change: MemoryChange,
        },
        /// A change of memory that a turn made was undone, or is no longer undone.
        MemoryChangeMarked {
            /// The change as it stands now.
            change: MemoryChange,
        },
        /// The window is nearly full and the agent was told.
        MemoryPressure {
            /// Tokens used.
            used_tokens: usize,
            /// Tokens of the window.
            window_tokens: usize,
        },
        /// The oldest part of the window was evicted.
        Compacted {
            /// What was done.
            compaction: CompactionView,
        },
        /// A turn ended.
        TurnEnded {
            /// The turn.
            turn: TurnView,
        },
        /// Something failed outside a turn.
        Failed {
            /// What.
            error: ApiError,
        },
        /// The list of agents changed.
        AgentsChanged,
        /// The list of groups changed.
        GroupsChanged,
        /// Who has the word in a group changed.
        GroupSpeaking {
            /// The group.
            group_id: String,
            /// Whether its agents talk, or tidy.
            running: bool,
            /// Who of them has the word.
            agent_id: Option<String>,
        },
        /// Blocks changed.
        BlocksChanged,
        /// Passages of the agent changed.
        PassagesChanged,
        /// Messages of the agent changed other than by a turn.
        MessagesChanged,
        /// Models or endpoints changed, or a download went on.
        ModelsChanged,
        /// Settings changed.
        SettingsChanged,
        /// Messages and passages that still wait for their vectors.
        Embedding {
            /// How many.
            remaining: usize,
        },
    }
}
