//! The context window: what the model sees now, in parts.

api_type! {
    /// A kind of part; each has its colour in the meter.
    #[derive(Copy, Eq)]
    pub enum ContextPartKind {
        /// The instructions.
        Instructions,
        /// Tool schemas.
        Tools,
        /// One block.
        Core,
        /// The summary of what was evicted.
        Summary,
        /// One message.
        Message,
    }

    /// One part of the window.
    pub struct ContextPart {
        /// What it is.
        pub kind: ContextPartKind,
        /// A block's label, a message's role, a tool's name.
        pub label: String,
        /// The text it stands for.
        pub text: String,
        /// Its tokens in the loaded model's vocabulary.
        pub tokens: usize,
    }

    /// What the next prompt would be.
    pub struct ContextView {
        /// The handle of the model whose tokens these are.
        pub model: String,
        /// Tokens in all.
        pub used_tokens: usize,
        /// The size of the window.
        pub window_tokens: usize,
        /// Where the agent is warned.
        pub pressure_tokens: usize,
        /// Where the oldest part is evicted.
        pub compaction_tokens: usize,
        /// The parts, in the order of the prompt.
        pub parts: Vec<ContextPart>,
        /// Messages in recall memory.
        pub recall_messages: usize,
        /// Passages in archival memory.
        pub archival_passages: usize,
    }

    /// What a compaction did.
    pub struct CompactionView {
        /// Messages evicted.
        pub evicted_messages: usize,
        /// Tokens before.
        pub tokens_before: usize,
        /// Tokens after.
        pub tokens_after: usize,
        /// The new summary.
        pub summary: String,
        /// Whether the summary was taken from sentences, since the model's was unusable.
        pub extractive: bool,
    }
}
