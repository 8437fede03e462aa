//! Groups: agents that work together, and how. What is said in a group is in the messages of its agents: each thing that
//! is said is one message of whoever says it or hears it first, and those that the others hear are marked as its copies
//! ([`Message::origin_id`]), so that the talk of a group is read from recall memory itself.
//!
//! A sleeptime group knows up to which message its agents have gone through what its main agent talked about.

use std::sync::LazyLock;

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::message::{COLUMNS, SPOKEN, of_row as message_of_row};
use crate::page::{Listing, Page};
use crate::sql::{Json, Reader, Word, Writer, row_limit};
use crate::{AgentId, BlockId, GroupId, Message, MessageId, StoreError};

/// How the agents of a group work together, in V1's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManagerType {
    /// Each speaks in its turn.
    RoundRobin,
    /// One speaks with the user, and asks the others.
    Supervisor,
    /// One says who speaks next.
    Dynamic,
    /// The agents go through what the manager talked about, in the background, and tidy its memory.
    Sleeptime,
    /// As `Sleeptime`, as files and clients name it for agents that are spoken with.
    VoiceSleeptime,
}

impl ManagerType {
    /// Whether the agents work in the background instead of talking.
    pub fn is_sleeptime(self) -> bool {
        match self {
            Self::Sleeptime | Self::VoiceSleeptime => true,
            Self::RoundRobin | Self::Supervisor | Self::Dynamic => false,
        }
    }
}

/// One group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// How it works.
    pub manager_type: ManagerType,
    /// What it is for; its agents are told.
    pub description: String,
    /// Its agents in their order, without the manager.
    pub agent_ids: Vec<AgentId>,
    /// The agent that leads it, or whose memory is tidied; `RoundRobin` has none.
    pub manager_agent_id: Option<AgentId>,
    /// Blocks that all of its agents have.
    pub shared_block_ids: Vec<BlockId>,
    /// The most times that agents speak for one message of the user; as many as there are agents when `None`.
    pub max_turns: Option<i64>,
    /// With this in what an agent says, a dynamic group is done.
    pub termination_token: Option<String>,
    /// After how many turns of the manager a sleeptime group goes through what was said; after each when `None`.
    pub sleeptime_agent_frequency: Option<i64>,
    /// The last message of the manager that a sleeptime group went through.
    pub processed_seq: i64,
    /// What clients of Letta's API set and only they read, as a JSON object.
    pub letta: Value,
    /// When it was created.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When it was moved to the bin.
    pub deleted_at_ms: Option<i64>,
}

/// Which groups are listed; those in the bin never are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupListing {
    /// That work like this.
    pub manager_type: Option<ManagerType>,
    /// Which part.
    pub page: Page,
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE agent_groups (
    key                       INTEGER PRIMARY KEY AUTOINCREMENT,
    id                        TEXT NOT NULL UNIQUE,
    manager_type              TEXT NOT NULL,
    description               TEXT NOT NULL,
    manager_agent_id          TEXT REFERENCES agents (id) ON DELETE CASCADE,
    max_turns                 INTEGER,
    termination_token         TEXT,
    sleeptime_agent_frequency INTEGER,
    processed_seq             INTEGER NOT NULL,
    letta                     TEXT NOT NULL,
    created_at_ms             INTEGER NOT NULL,
    updated_at_ms             INTEGER NOT NULL,
    deleted_at_ms             INTEGER
) STRICT;
CREATE INDEX groups_of_manager ON agent_groups (manager_agent_id);

CREATE TABLE group_agents (
    key      INTEGER PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES agent_groups (id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    UNIQUE (group_id, agent_id)
) STRICT;
CREATE INDEX groups_of_agent ON group_agents (agent_id);

CREATE TABLE group_blocks (
    key      INTEGER PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES agent_groups (id) ON DELETE CASCADE,
    block_id TEXT NOT NULL REFERENCES blocks (id) ON DELETE CASCADE,
    UNIQUE (group_id, block_id)
) STRICT;
CREATE INDEX groups_of_block ON group_blocks (block_id);

ALTER TABLE messages ADD COLUMN group_id TEXT;
ALTER TABLE messages ADD COLUMN origin_id TEXT;
CREATE INDEX messages_of_group ON messages (group_id, seq) WHERE group_id IS NOT NULL;
";

/// The condition that a message is something said in a group, told once. Agents and people speak in it; tools do not.
const SAID: &str = "group_id = ? AND origin_id IS NULL AND role IN ('user', 'assistant') AND content <> ''
    AND deleted_at_ms IS NULL";

/// The condition that a message was spoken in an agent's own thread after another, in a turn that is over: half of what
/// was said is not told.
static SPOKEN_SINCE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "agent_id = ? AND conversation_id IS NULL AND {SPOKEN} AND seq > ?
         AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = messages.turn_id AND turns.status = 'running')"
    )
});

fn of_row(row: &Row<'_>) -> rusqlite::Result<Group> {
    Ok(Group {
        id: GroupId(row.get("id")?),
        manager_type: row.get::<_, Word<_>>("manager_type")?.0,
        description: row.get("description")?,
        agent_ids: Vec::new(),
        manager_agent_id: row.get::<_, Option<String>>("manager_agent_id")?.map(AgentId),
        shared_block_ids: Vec::new(),
        max_turns: row.get("max_turns")?,
        termination_token: row.get("termination_token")?,
        sleeptime_agent_frequency: row.get("sleeptime_agent_frequency")?,
        processed_seq: row.get("processed_seq")?,
        letta: row.get::<_, Json<_>>("letta")?.0,
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
        deleted_at_ms: row.get("deleted_at_ms")?,
    })
}

impl Reader<'_> {
    /// The group called `id`, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn group(&self, id: &GroupId) -> Result<Option<Group>, StoreError> {
        let found = self.first("SELECT * FROM agent_groups WHERE id = ?", [id.as_str()], of_row)?;
        found.map(|group| self.with_members(group)).transpose()
    }

    /// A part of the groups that `listing` means.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_groups(&self, listing: &GroupListing) -> Result<Vec<Group>, StoreError> {
        let mut asked = Listing::of("agent_groups", "key").and("deleted_at_ms IS NULL");
        if let Some(manager_type) = listing.manager_type {
            asked = asked.and_is("manager_type", &Word(manager_type).text());
        }
        let found = self.page(asked, &listing.page, of_row)?;
        found.into_iter().map(|group| self.with_members(group)).collect()
    }

    /// The groups that an agent leads or is in, oldest first; none in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn groups_of_agent(&self, agent_id: &AgentId) -> Result<Vec<Group>, StoreError> {
        let sql = "SELECT * FROM agent_groups WHERE deleted_at_ms IS NULL AND (manager_agent_id = ?1 OR id IN
                   (SELECT group_id FROM group_agents WHERE agent_id = ?1)) ORDER BY key";
        let found = self.all(sql, [agent_id.as_str()], of_row)?;
        found.into_iter().map(|group| self.with_members(group)).collect()
    }

    /// What was said in a group, each thing once, oldest first: the last `limit` before `before_seq`, or the very last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn said_in_group(
        &self,
        id: &GroupId,
        before_seq: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE {SAID} AND seq < ? ORDER BY seq DESC LIMIT ?");
        let values = params![id.as_str(), before_seq.unwrap_or(i64::MAX), row_limit(limit)];
        let mut said = self.all(&sql, values, message_of_row)?;
        said.reverse();
        Ok(said)
    }

    /// What was said in a group by others since `agent_id` last heard of it, oldest first. A message that it said itself,
    /// or heard, is the last that it knows; what was said before was told to it then.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unheard_in_group(&self, id: &GroupId, agent_id: &AgentId) -> Result<Vec<Message>, StoreError> {
        let heard = "SELECT MAX(seq) FROM messages WHERE group_id = ? AND agent_id = ? AND deleted_at_ms IS NULL";
        let heard: Option<i64> = self.first(heard, [id.as_str(), agent_id.as_str()], |row| row.get(0))?.flatten();
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE {SAID} AND seq > ? ORDER BY seq");
        self.all(&sql, params![id.as_str(), heard.unwrap_or(0)], message_of_row)
    }

    /// What the user and an agent said in the agent's own thread after `after_seq`, in turns that are over, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn spoken_since(&self, agent_id: &AgentId, after_seq: i64) -> Result<Vec<Message>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE {} ORDER BY seq", *SPOKEN_SINCE);
        self.all(&sql, params![agent_id.as_str(), after_seq], message_of_row)
    }

    /// In how many turns that was.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn count_turns_since(&self, agent_id: &AgentId, after_seq: i64) -> Result<usize, StoreError> {
        let sql = format!("SELECT COUNT(DISTINCT turn_id) FROM messages WHERE {}", *SPOKEN_SINCE);
        self.count(&sql, params![agent_id.as_str(), after_seq])
    }

    fn with_members(&self, group: Group) -> Result<Group, StoreError> {
        let id = group.id.as_str();
        let agents = "SELECT agent_id FROM group_agents WHERE group_id = ? ORDER BY key";
        let blocks = "SELECT block_id FROM group_blocks WHERE group_id = ? ORDER BY key";
        Ok(Group {
            agent_ids: self.all(agents, [id], |row| row.get(0).map(AgentId))?,
            shared_block_ids: self.all(blocks, [id], |row| row.get(0).map(BlockId))?,
            ..group
        })
    }
}

impl Writer<'_> {
    /// Adds a group with its agents and blocks.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id is taken or an agent is named twice; [`StoreError::NotFound`] when an agent
    /// or a block is not there.
    pub fn insert_group(&mut self, group: &Group) -> Result<(), StoreError> {
        let name = ("group", group.id.as_str());
        self.insert(
            name,
            ("agent", group.manager_agent_id.as_ref().map_or("", AgentId::as_str)),
            "INSERT INTO agent_groups (id, manager_type, description, manager_agent_id, max_turns, termination_token,
                                       sleeptime_agent_frequency, processed_seq, letta, created_at_ms, updated_at_ms,
                                       deleted_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                group.id.as_str(),
                Word(group.manager_type),
                group.description,
                group.manager_agent_id.as_ref().map(AgentId::as_str),
                group.max_turns,
                group.termination_token,
                group.sleeptime_agent_frequency,
                group.processed_seq,
                Json(&group.letta),
                group.created_at_ms,
                group.updated_at_ms,
                group.deleted_at_ms,
            ],
        )?;
        self.join_all(group)
    }

    /// Writes a group with its agents and blocks: all but its id, its creation and the bin.
    ///
    /// # Errors
    /// As for [`Writer::insert_group`]; [`StoreError::NotFound`] when there is no such group.
    pub fn update_group(&mut self, group: &Group) -> Result<(), StoreError> {
        let id = group.id.as_str();
        self.change(
            ("group", id),
            "UPDATE agent_groups SET manager_type = ?, description = ?, manager_agent_id = ?, max_turns = ?,
                                     termination_token = ?, sleeptime_agent_frequency = ?, processed_seq = ?, letta = ?,
                                     updated_at_ms = ? WHERE id = ?",
            params![
                Word(group.manager_type),
                group.description,
                group.manager_agent_id.as_ref().map(AgentId::as_str),
                group.max_turns,
                group.termination_token,
                group.sleeptime_agent_frequency,
                group.processed_seq,
                Json(&group.letta),
                group.updated_at_ms,
                id,
            ],
        )?;
        self.execute("DELETE FROM group_agents WHERE group_id = ?", [id])?;
        self.execute("DELETE FROM group_blocks WHERE group_id = ?", [id])?;
        self.join_all(group)
    }

    /// Says up to which message a sleeptime group went through what its manager talked about.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such group.
    pub fn set_group_processed(&mut self, id: &GroupId, seq: i64) -> Result<(), StoreError> {
        let sql = "UPDATE agent_groups SET processed_seq = ? WHERE id = ?";
        self.change(("group", id.as_str()), sql, params![seq, id.as_str()])
    }

    /// Moves a group to the bin (with the time) or back (with `None`). What was said in it stays with its agents.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such group.
    pub fn set_group_deleted(&mut self, id: &GroupId, at_ms: Option<i64>) -> Result<(), StoreError> {
        let sql = "UPDATE agent_groups SET deleted_at_ms = ? WHERE id = ?";
        self.change(("group", id.as_str()), sql, params![at_ms, id.as_str()])
    }

    /// Moves everything that was said in a group to the bin, and says how much that was.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn delete_messages_of_group(&mut self, id: &GroupId, at_ms: i64) -> Result<usize, StoreError> {
        let sql = "SELECT id FROM messages WHERE group_id = ? AND deleted_at_ms IS NULL";
        let said: Vec<MessageId> = self.all(sql, [id.as_str()], |row| row.get(0).map(MessageId))?;
        for message in &said {
            self.set_message_deleted(message, Some(at_ms))?;
        }
        Ok(said.len())
    }

    fn join_all(&mut self, group: &Group) -> Result<(), StoreError> {
        let id = group.id.as_str();
        for agent_id in &group.agent_ids {
            let sql = "INSERT INTO group_agents (group_id, agent_id) VALUES (?, ?)";
            let what = ("agent of the group", agent_id.as_str());
            self.insert(what, ("agent", agent_id.as_str()), sql, [id, agent_id.as_str()])?;
        }
        for block_id in &group.shared_block_ids {
            let sql = "INSERT INTO group_blocks (group_id, block_id) VALUES (?, ?)";
            let what = ("block of the group", block_id.as_str());
            self.insert(what, ("block", block_id.as_str()), sql, [id, block_id.as_str()])?;
        }
        Ok(())
    }
}
