//! Recall memory: every message ever said or shown to an agent, in all of its threads, in the order of `seq`.
//!
//! `seq` is the row's key and is never used twice. The text of a message never changes; it can only go to the bin. The
//! short columns come first in a row, so that a filter does not read through long text. A *spoken* message (by the user
//! or the assistant, with words in it, not in the bin) is what search and embedding see.

mod search;
mod table;
mod window;

pub use search::MessageFilter;
pub(crate) use search::TEXT_SCHEMA;
pub use table::MessageListing;
use table::select;
pub(crate) use table::{CLIENT_COLUMNS, COLUMNS, SCHEMA, SPOKEN, of_row};
pub use window::WindowMessages;
pub(crate) use window::{STAMP, Windows};

use serde::{Deserialize, Serialize};

use crate::{AgentId, ConversationId, GroupId, MessageId, StepId, TurnId};

/// Who speaks in a message, in the words of the chat protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Resident itself: alerts, heartbeats, logins.
    System,
    /// The person.
    User,
    /// The agent.
    Assistant,
    /// The result of a tool call.
    Tool,
}

impl Role {
    /// Its word in the chat protocols.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// A call of a tool, as the model wrote it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Unique within the conversation (`call-…`).
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// A JSON object.
    pub arguments: serde_json::Value,
}

/// How a tool call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// It did what it was asked.
    Ok,
    /// It did not; the message says why, for the model.
    Failed,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Grows with every message of the store; the order of conversation.
    pub seq: i64,
    /// The agent whose conversation it belongs to.
    pub agent_id: AgentId,
    /// The conversation; `None` is the agent's own thread.
    pub conversation_id: Option<ConversationId>,
    /// The turn it belongs to.
    pub turn_id: Option<TurnId>,
    /// The step it belongs to.
    pub step_id: Option<StepId>,
    /// Who speaks.
    pub role: Role,
    /// What is said; for a tool message its result.
    pub content: String,
    /// The agent's inner thoughts.
    pub thoughts: Option<String>,
    /// The tools that an assistant message calls.
    pub tool_calls: Vec<ToolCall>,
    /// The call that a tool message answers.
    pub tool_call_id: Option<String>,
    /// The tool that a tool message is the result of; for a system message its kind ("memory_pressure", "heartbeat"); for
    /// a user message who speaks, where that is another agent.
    pub name: Option<String>,
    /// How the call that a tool message answers ended.
    pub tool_status: Option<ToolStatus>,
    /// The name that the client which sent it gave it, so that it knows it again.
    pub otid: Option<String>,
    /// Who sent it, where a client speaks for several, or another agent spoke.
    pub sender_id: Option<String>,
    /// The group in which it was said.
    pub group_id: Option<GroupId>,
    /// The message of the group that is told to another agent by this one.
    pub origin_id: Option<MessageId>,
    /// When it was said.
    pub created_at_ms: i64,
    /// When it was moved to the bin. Such a message is neither shown, searched nor in the window.
    pub deleted_at_ms: Option<i64>,
}

/// A message to be recorded; the store gives it its `seq`.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// Its id.
    pub id: MessageId,
    /// The agent whose conversation it belongs to.
    pub agent_id: AgentId,
    /// The conversation; `None` is the agent's own thread.
    pub conversation_id: Option<ConversationId>,
    /// The turn it belongs to.
    pub turn_id: Option<TurnId>,
    /// The step it belongs to.
    pub step_id: Option<StepId>,
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
    /// Inner thoughts.
    pub thoughts: Option<String>,
    /// Tools called.
    pub tool_calls: Vec<ToolCall>,
    /// The call that is answered.
    pub tool_call_id: Option<String>,
    /// See [`Message::name`].
    pub name: Option<String>,
    /// How the call ended.
    pub tool_status: Option<ToolStatus>,
    /// See [`Message::otid`].
    pub otid: Option<String>,
    /// See [`Message::sender_id`].
    pub sender_id: Option<String>,
    /// See [`Message::group_id`].
    pub group_id: Option<GroupId>,
    /// See [`Message::origin_id`].
    pub origin_id: Option<MessageId>,
    /// When it was said.
    pub created_at_ms: i64,
}

impl NewMessage {
    /// A message of the agent's own thread with nothing but its words.
    pub fn said(agent_id: &AgentId, role: Role, content: String, at_ms: i64) -> Self {
        Self {
            id: MessageId::new(),
            agent_id: agent_id.clone(),
            conversation_id: None,
            turn_id: None,
            step_id: None,
            role,
            content,
            thoughts: None,
            tool_calls: Vec::new(),
            tool_call_id: None,
            name: None,
            tool_status: None,
            otid: None,
            sender_id: None,
            group_id: None,
            origin_id: None,
            created_at_ms: at_ms,
        }
    }
}
