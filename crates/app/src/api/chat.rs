//! Messages and turns.

use super::{ApiError, MemoryChange};

api_type! {
    /// Who speaks.
    #[derive(Copy, Eq)]
    pub enum RoleView {
        /// Resident.
        System,
        /// The person.
        User,
        /// The agent.
        Assistant,
        /// The result of a tool.
        Tool,
    }

    /// A call of a tool.
    pub struct ToolCallView {
        /// Its id.
        pub id: String,
        /// The tool's name.
        pub name: String,
        /// A JSON object.
        pub arguments: serde_json::Value,
    }

    /// One message.
    pub struct MessageView {
        /// Its id.
        pub id: String,
        /// Its place in the order of conversation.
        pub seq: i64,
        /// Its agent.
        pub agent_id: String,
        /// Its turn.
        pub turn_id: Option<String>,
        /// Its step.
        pub step_id: Option<String>,
        /// Who speaks.
        pub role: RoleView,
        /// What is said, as markdown. For a `send_message` call this is what it sends.
        pub content: String,
        /// The agent's inner thoughts.
        pub thoughts: Option<String>,
        /// Tools that it calls, `send_message` left out.
        pub tool_calls: Vec<ToolCallView>,
        /// The call that a tool message answers.
        pub tool_call_id: Option<String>,
        /// The tool that a tool message is the result of, or the kind of a system message.
        pub name: Option<String>,
        /// Whether the call that a tool message answers failed.
        pub failed: bool,
        /// The name that a client gave it, to know it again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        pub otid: Option<String>,
        /// Who sent it, where a client said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        pub sender_id: Option<String>,
        /// The group in which it was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        pub group_id: Option<String>,
        /// The message of the group that is told to this agent by it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        pub origin_id: Option<String>,
        /// Whether its words are those of a `send_message` call.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        #[ts(optional, as = "Option<bool>")]
        pub spoken_by_call: bool,
        /// When it was said.
        pub created_at_ms: i64,
        /// Whether it is in the context window.
        pub in_window: bool,
    }

    /// Which messages of an agent.
    pub struct ListMessages {
        /// The agent.
        pub agent_id: String,
        /// Only those before this place; the newest when left out.
        #[serde(default)]
        #[ts(optional)]
        pub before_seq: Option<i64>,
        /// Only those after this place, oldest first.
        #[serde(default)]
        #[ts(optional)]
        pub after_seq: Option<i64>,
        /// A page that has this message in its middle.
        #[serde(default)]
        #[ts(optional)]
        pub around_message_id: Option<String>,
        /// At most so many.
        pub limit: usize,
    }

    /// A page of messages, oldest first, with what belongs to its turns.
    pub struct MessagePage {
        /// The messages.
        pub messages: Vec<MessageView>,
        /// The turns they belong to.
        pub turns: Vec<TurnView>,
        /// What those turns changed in memory.
        pub changes: Vec<MemoryChange>,
        /// Whether there are older ones.
        pub has_more_before: bool,
        /// Whether there are newer ones.
        pub has_more_after: bool,
    }

    /// Where a turn stands.
    #[derive(Copy, Eq)]
    pub enum TurnState {
        /// It runs.
        Running,
        /// It came to its end.
        Completed,
        /// The program ended before it did.
        Interrupted,
        /// The user stopped it.
        Cancelled,
        /// It ended with an error.
        Failed,
    }

    /// One turn.
    pub struct TurnView {
        /// Its id.
        pub id: String,
        /// Its agent.
        pub agent_id: String,
        /// Where it stands.
        pub state: TurnState,
        /// Why it ended.
        pub stop_reason: Option<String>,
        /// What went wrong.
        pub error: Option<ApiError>,
        /// When it began.
        pub started_at_ms: i64,
        /// When it ended.
        pub ended_at_ms: Option<i64>,
    }

    /// A message to an agent.
    pub struct SendMessage {
        /// The agent.
        pub agent_id: String,
        /// What is said.
        pub text: String,
    }

    /// Names one turn.
    pub struct TurnRef {
        /// Its id.
        pub turn_id: String,
    }

    /// What the user says of a tool call that waits for it (a turn whose stop reason is `requires_approval`).
    pub struct DecideApproval {
        /// The turn that waits.
        pub turn_id: String,
        /// Whether the call may run.
        pub approve: bool,
        /// Why it may not; told to the agent.
        #[serde(default)]
        #[ts(optional)]
        pub reason: Option<String>,
    }

    /// Names one message.
    pub struct MessageRef {
        /// Its id.
        pub message_id: String,
    }

    /// A user message said anew: it and all that followed go to the bin, and a new turn begins.
    pub struct EditMessage {
        /// The message.
        pub message_id: String,
        /// What is said instead.
        pub text: String,
    }

    /// A search through everything said.
    pub struct SearchMessages {
        /// The agent.
        pub agent_id: String,
        /// Words or a question.
        pub query: String,
        /// Only these speakers; all when empty.
        #[serde(default)]
        pub roles: Vec<RoleView>,
        /// Only from this time on.
        #[serde(default)]
        #[ts(optional)]
        pub from_ms: Option<i64>,
        /// Only before this time.
        #[serde(default)]
        #[ts(optional)]
        pub to_ms: Option<i64>,
        /// At most so many.
        pub limit: usize,
    }

    /// A message that was found.
    pub struct MessageHit {
        /// The message.
        pub message: MessageView,
        /// Higher is better; only the order within one search means something.
        pub score: f32,
        /// Why it was found, in words.
        pub reasons: Vec<String>,
        /// The messages just before and after it.
        pub neighbours: Vec<MessageView>,
    }

    /// One step, for the Why pane.
    pub struct StepView {
        /// Its id.
        pub id: String,
        /// Its turn.
        pub turn_id: String,
        /// Counts from 0 within the turn.
        pub number: i64,
        /// The handle of the model.
        pub model: String,
        /// Tokens of the prompt.
        pub prompt_tokens: i64,
        /// Of these, taken from the cache.
        pub cached_tokens: i64,
        /// Tokens written.
        pub completion_tokens: i64,
        /// How long it took.
        pub duration_ms: i64,
        /// What it saw and did.
        pub trace: serde_json::Value,
        /// When it began.
        pub started_at_ms: i64,
    }

    /// Which steps to list: those of one turn, or the newest of an agent.
    pub struct ListSteps {
        /// The agent.
        pub agent_id: String,
        /// One turn of it.
        #[serde(default)]
        #[ts(optional)]
        pub turn_id: Option<String>,
        /// At most so many, newest turn first, in order within a turn.
        pub limit: usize,
    }
}
