//! Which actor, turn and tool wrote a memory. Stored with every block revision, passage and passage revision.

use serde::{Deserialize, Serialize};

use crate::{AgentId, MessageId, TurnId};

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The person at the computer.
    User,
    /// An agent, through a tool call.
    Agent,
    /// Resident itself (creation of an agent, an import, a restore).
    System,
}

/// Where a memory came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Who wrote it.
    pub actor: Actor,
    /// The agent that wrote it or in whose conversation it was written.
    pub agent_id: Option<AgentId>,
    /// The turn in which it was written.
    pub turn_id: Option<TurnId>,
    /// The message that led to it, for "show me where this came from".
    pub message_id: Option<MessageId>,
    /// The tool that wrote it, or the action of the interface ("edit", "undo", "import").
    pub tool: Option<String>,
}

impl Provenance {
    /// Written by the person at the computer, through the action `tool` of an interface.
    pub fn user(tool: &str) -> Self {
        Self { actor: Actor::User, agent_id: None, turn_id: None, message_id: None, tool: Some(tool.to_owned()) }
    }

    /// Written by Resident itself.
    pub fn system(tool: &str) -> Self {
        Self { actor: Actor::System, agent_id: None, turn_id: None, message_id: None, tool: Some(tool.to_owned()) }
    }
}
