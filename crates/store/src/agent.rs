//! Agents: who answers, with which instructions, model and tools. The message window of an agent is the run of its
//! messages from `window_start_seq` on; what came before is evicted (still in recall) and stands in the summary.
//!
//! An agent in the bin keeps everything it owns. Only [`Writer::purge_agent`] takes its rows away, for good.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use crate::sql::{Json, Reader, Word, Writer};
use crate::{AgentId, StoreError, Thread, VectorGroup};

/// How an agent speaks and chains its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentType {
    /// Speaks through `send_message`, chains with `request_heartbeat`.
    MemgptAgent,
    /// Speaks in plain text; a step with tool calls continues, one without ends the turn.
    LettaV1Agent,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its name, which is also the assistant's name on screen.
    pub name: String,
    /// What it is for, in the user's words.
    pub description: String,
    /// How it speaks and chains.
    pub agent_type: AgentType,
    /// The instructions that open its prompt.
    pub system: String,
    /// The handle of its language model (`local/<id>` or `remote/<endpoint>/<model>`); `None` is the default model.
    pub model: Option<String>,
    /// Names of the tools attached to it.
    pub tools: Vec<String>,
    /// Tool rules as data, in V1's form (`[{"type": "exit_loop", "tool_name": …}]`).
    pub tool_rules: serde_json::Value,
    /// Settings that override the profile's (`context_window_limit`, `max_steps`, `temperature`, …).
    pub settings: serde_json::Value,
    /// Whatever a client wants to keep with it; never read by Resident.
    pub metadata: serde_json::Value,
    /// Words under which clients find it again.
    pub tags: Vec<String>,
    /// What clients of Letta's API set and only they read, as a JSON object.
    pub letta: serde_json::Value,
    /// The first message that is still in the context window.
    pub window_start_seq: i64,
    /// When it was created.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When it was moved to the bin.
    pub deleted_at_ms: Option<i64>,
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE agents (
    key              INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    name             TEXT NOT NULL,
    description      TEXT NOT NULL,
    agent_type       TEXT NOT NULL,
    system           TEXT NOT NULL,
    model            TEXT,
    tools            TEXT NOT NULL,
    tool_rules       TEXT NOT NULL,
    settings         TEXT NOT NULL,
    metadata         TEXT NOT NULL,
    window_start_seq INTEGER NOT NULL,
    created_at_ms    INTEGER NOT NULL,
    updated_at_ms    INTEGER NOT NULL,
    deleted_at_ms    INTEGER
) STRICT;
";

/// What clients of Letta's API keep with an agent.
pub(crate) const CLIENT_COLUMNS: &str = "
ALTER TABLE agents ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE agents ADD COLUMN letta TEXT NOT NULL DEFAULT '{}';
";

fn of_row(row: &Row<'_>) -> rusqlite::Result<Agent> {
    Ok(Agent {
        id: AgentId(row.get("id")?),
        name: row.get("name")?,
        description: row.get("description")?,
        agent_type: row.get::<_, Word<_>>("agent_type")?.0,
        system: row.get("system")?,
        model: row.get("model")?,
        tools: row.get::<_, Json<_>>("tools")?.0,
        tool_rules: row.get::<_, Json<_>>("tool_rules")?.0,
        settings: row.get::<_, Json<_>>("settings")?.0,
        metadata: row.get::<_, Json<_>>("metadata")?.0,
        tags: row.get::<_, Json<_>>("tags")?.0,
        letta: row.get::<_, Json<_>>("letta")?.0,
        window_start_seq: row.get("window_start_seq")?,
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
        deleted_at_ms: row.get("deleted_at_ms")?,
    })
}

impl Reader<'_> {
    /// The agent called `id`, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn agent(&self, id: &AgentId) -> Result<Option<Agent>, StoreError> {
        self.first("SELECT * FROM agents WHERE id = ?", [id.as_str()], of_row)
    }

    /// The agents that are in the bin, or those that are not; the one that was talked to last comes first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn agents(&self, deleted: bool) -> Result<Vec<Agent>, StoreError> {
        self.all(
            "SELECT *, COALESCE((SELECT created_at_ms FROM messages WHERE agent_id = agents.id AND deleted_at_ms IS NULL
                                 ORDER BY seq DESC LIMIT 1), created_at_ms) AS active_at_ms
             FROM agents WHERE (deleted_at_ms IS NOT NULL) = ? ORDER BY active_at_ms DESC, key DESC",
            [deleted],
            of_row,
        )
    }
}

impl Writer<'_> {
    /// Adds an agent.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id is taken.
    pub fn insert_agent(&mut self, agent: &Agent) -> Result<(), StoreError> {
        let name = ("agent", agent.id.as_str());
        self.insert(
            name,
            name,
            "INSERT INTO agents (id, name, description, agent_type, system, model, tools, tool_rules, settings,
                                 metadata, tags, letta, window_start_seq, created_at_ms, updated_at_ms,
                                 deleted_at_ms, messages_stamp)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, RANDOM())",
            params![
                agent.id.as_str(),
                agent.name,
                agent.description,
                Word(agent.agent_type),
                agent.system,
                agent.model,
                Json(&agent.tools),
                Json(&agent.tool_rules),
                Json(&agent.settings),
                Json(&agent.metadata),
                Json(&agent.tags),
                Json(&agent.letta),
                agent.window_start_seq,
                agent.created_at_ms,
                agent.updated_at_ms,
                agent.deleted_at_ms,
            ],
        )?;
        Ok(())
    }

    /// Writes what a person can edit of an agent. The start of its window, its creation and the bin have ways of their
    /// own, so that an edit which began before a compaction does not bring the old window back.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such agent.
    pub fn update_agent(&mut self, agent: &Agent) -> Result<(), StoreError> {
        self.change(
            ("agent", agent.id.as_str()),
            "UPDATE agents SET name = ?, description = ?, agent_type = ?, system = ?, model = ?, tools = ?,
                               tool_rules = ?, settings = ?, metadata = ?, tags = ?, letta = ?, updated_at_ms = ?
             WHERE id = ?",
            params![
                agent.name,
                agent.description,
                Word(agent.agent_type),
                agent.system,
                agent.model,
                Json(&agent.tools),
                Json(&agent.tool_rules),
                Json(&agent.settings),
                Json(&agent.metadata),
                Json(&agent.tags),
                Json(&agent.letta),
                agent.updated_at_ms,
                agent.id.as_str(),
            ],
        )
    }

    /// Moves an agent to the bin (with the time) or back (with `None`).
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such agent.
    pub fn set_agent_deleted(&mut self, id: &AgentId, at_ms: Option<i64>) -> Result<(), StoreError> {
        self.change(
            ("agent", id.as_str()),
            "UPDATE agents SET deleted_at_ms = ? WHERE id = ?",
            params![at_ms, id.as_str()],
        )
    }

    /// Lets the window of a thread begin at `seq`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such agent or conversation.
    pub fn set_window_start(&mut self, thread: impl Into<Thread>, seq: i64) -> Result<(), StoreError> {
        let Thread { agent_id, conversation_id } = thread.into();
        match conversation_id {
            None => self.change(
                ("agent", agent_id.as_str()),
                "UPDATE agents SET window_start_seq = ? WHERE id = ?",
                params![seq, agent_id.as_str()],
            ),
            Some(id) => self.change(
                ("conversation", id.as_str()),
                "UPDATE conversations SET window_start_seq = ? WHERE id = ? AND agent_id = ?",
                params![seq, id.as_str(), agent_id.as_str()],
            ),
        }
    }

    /// Removes an agent for good, with its messages, turns, conversations, summaries, and the archives and blocks that no other agent
    /// has.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such agent.
    pub fn purge_agent(&mut self, id: &AgentId) -> Result<(), StoreError> {
        let agent = [id.as_str()];
        self.execute("DELETE FROM message_text WHERE rowid IN (SELECT seq FROM messages WHERE agent_id = ?)", agent)?;
        self.purge_own_archives(id)?;
        self.execute(
            "DELETE FROM blocks WHERE id IN (SELECT block_id FROM conversation_blocks JOIN conversations
                                             ON conversations.id = conversation_id WHERE agent_id = ?)",
            agent,
        )?;
        self.execute(
            "DELETE FROM blocks WHERE id IN (SELECT block_id FROM agent_blocks WHERE agent_id = ?1)
                                  AND id NOT IN (SELECT block_id FROM agent_blocks WHERE agent_id <> ?1)",
            agent,
        )?;
        self.note_group_purged(&VectorGroup::MessagesOf(id.clone()))?;
        self.change(("agent", id.as_str()), "DELETE FROM agents WHERE id = ?", agent)
    }
}
