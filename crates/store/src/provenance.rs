//! Which actor, turn and tool wrote a memory. Stored with every block revision, passage and passage revision.

use rusqlite::Row;
use serde::{Deserialize, Serialize};

use crate::sql::Word;
use crate::{AgentId, MessageId, TurnId};

/// The columns of a provenance, for the tables that carry one. They refer by name and not by foreign key: a memory
/// outlives the conversation it came from.
pub(crate) const COLUMNS: &str = "
    actor           TEXT NOT NULL,
    by_agent_id     TEXT,
    turn_id         TEXT,
    message_id      TEXT,
    tool            TEXT";

/// The values of [`COLUMNS`] in their order.
pub(crate) type Values<'a> = (Word<Actor>, Option<&'a str>, Option<&'a str>, Option<&'a str>, Option<&'a str>);

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

    pub(crate) fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            actor: row.get::<_, Word<Actor>>("actor")?.0,
            agent_id: row.get::<_, Option<String>>("by_agent_id")?.map(AgentId),
            turn_id: row.get::<_, Option<String>>("turn_id")?.map(TurnId),
            message_id: row.get::<_, Option<String>>("message_id")?.map(MessageId),
            tool: row.get("tool")?,
        })
    }

    /// The values of [`COLUMNS`] in their order.
    pub(crate) fn values(&self) -> Values<'_> {
        let Self { actor, agent_id, turn_id, message_id, tool } = self;
        (
            Word(*actor),
            agent_id.as_ref().map(AgentId::as_str),
            turn_id.as_ref().map(TurnId::as_str),
            message_id.as_ref().map(MessageId::as_str),
            tool.as_deref(),
        )
    }
}
