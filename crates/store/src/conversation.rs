//! Conversations: threads of messages that an agent has beside its own. The memory is the agent's; the window, the
//! summary and the turns are each thread's, so that several people can talk with one agent at a time.
//!
//! A conversation may have blocks of its own ("isolated"), which stand in the place of the agent's blocks of the same
//! labels. A conversation in the bin keeps them, and its messages are in the bin with it.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::page::{Listing, Page};
use crate::sql::{Json, Reader, Writer};
use crate::{
    AgentId, Block, BlockId, ConversationId, Message, MessageId, NewMessage, Provenance, StoreError, Summary,
    SummaryId, Turn,
};

/// Where messages follow each other: an agent's own thread, or one of its conversations.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Thread {
    /// The agent.
    pub agent_id: AgentId,
    /// The conversation; `None` is the agent's own thread.
    pub conversation_id: Option<ConversationId>,
}

impl Thread {
    /// The own thread of `agent_id`.
    pub fn own(agent_id: &AgentId) -> Self {
        Self { agent_id: agent_id.clone(), conversation_id: None }
    }

    /// The conversation as text, as SQL compares it.
    pub(crate) fn conversation(&self) -> Option<&str> {
        self.conversation_id.as_ref().map(ConversationId::as_str)
    }
}

impl From<&AgentId> for Thread {
    fn from(agent_id: &AgentId) -> Self {
        Self::own(agent_id)
    }
}

impl From<&Self> for Thread {
    fn from(thread: &Self) -> Self {
        thread.clone()
    }
}

impl From<&Turn> for Thread {
    fn from(turn: &Turn) -> Self {
        Self { agent_id: turn.agent_id.clone(), conversation_id: turn.conversation_id.clone() }
    }
}

impl From<&Message> for Thread {
    fn from(message: &Message) -> Self {
        Self { agent_id: message.agent_id.clone(), conversation_id: message.conversation_id.clone() }
    }
}

impl From<&Conversation> for Thread {
    fn from(conversation: &Conversation) -> Self {
        Self { agent_id: conversation.agent_id.clone(), conversation_id: Some(conversation.id.clone()) }
    }
}

/// One conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Whose.
    pub agent_id: AgentId,
    /// What it is about, where a client says so.
    pub name: Option<String>,
    /// What clients of Letta's API set and only they read, as a JSON object.
    pub letta: Value,
    /// Its own blocks, in the order in which they were made.
    pub isolated_block_ids: Vec<BlockId>,
    /// The first message that is still in its window.
    pub window_start_seq: i64,
    /// When it was created.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When something was last said in it.
    pub last_message_at_ms: Option<i64>,
    /// When it was moved to the bin.
    pub deleted_at_ms: Option<i64>,
}

/// Which conversations are listed; those in the bin never are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConversationListing {
    /// Whose; everybody's outside the bin when `None`.
    pub agent_id: Option<AgentId>,
    /// Whose name has this in it, whatever the case of ASCII letters.
    pub name_has: Option<String>,
    /// Which part.
    pub page: Page,
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE conversations (
    key              INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT NOT NULL UNIQUE,
    agent_id         TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    name             TEXT,
    letta            TEXT NOT NULL,
    window_start_seq INTEGER NOT NULL,
    created_at_ms    INTEGER NOT NULL,
    updated_at_ms    INTEGER NOT NULL,
    deleted_at_ms    INTEGER
) STRICT;
CREATE INDEX conversations_of_agent ON conversations (agent_id);

CREATE TABLE conversation_blocks (
    key             INTEGER PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    block_id        TEXT NOT NULL REFERENCES blocks (id) ON DELETE CASCADE,
    UNIQUE (conversation_id, block_id)
) STRICT;
CREATE INDEX conversations_of_block ON conversation_blocks (block_id);
";

fn of_row(row: &Row<'_>) -> rusqlite::Result<Conversation> {
    Ok(Conversation {
        id: ConversationId(row.get("id")?),
        agent_id: AgentId(row.get("agent_id")?),
        name: row.get("name")?,
        letta: row.get::<_, Json<_>>("letta")?.0,
        isolated_block_ids: Vec::new(),
        window_start_seq: row.get("window_start_seq")?,
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
        last_message_at_ms: None,
        deleted_at_ms: row.get("deleted_at_ms")?,
    })
}

impl Reader<'_> {
    /// The conversation called `id`, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>, StoreError> {
        let found = self.first("SELECT * FROM conversations WHERE id = ?", [id.as_str()], of_row)?;
        found.map(|conversation| self.in_full(conversation)).transpose()
    }

    /// A part of the conversations that `listing` means.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_conversations(&self, listing: &ConversationListing) -> Result<Vec<Conversation>, StoreError> {
        let ConversationListing { agent_id, name_has, page } = listing;
        let mut asked = Listing::of("conversations", "key").and("deleted_at_ms IS NULL");
        asked = match agent_id {
            Some(agent_id) => asked.and_is("agent_id", agent_id.as_str()),
            None => asked.and("agent_id IN (SELECT id FROM agents WHERE deleted_at_ms IS NULL)"),
        };
        if let Some(part) = name_has {
            asked = asked.and_with("INSTR(LOWER(COALESCE(name, '')), LOWER(?)) > 0", part.clone());
        }
        let found = self.page(asked, page, of_row)?;
        found.into_iter().map(|conversation| self.in_full(conversation)).collect()
    }

    /// The conversation's own blocks that are not in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn isolated_blocks(&self, id: &ConversationId) -> Result<Vec<Block>, StoreError> {
        let ids = self.isolated_block_ids(id)?;
        let blocks: Vec<_> = ids.iter().filter_map(|id| self.block(id).transpose()).collect::<Result<_, _>>()?;
        Ok(blocks.into_iter().filter(|block| block.deleted_at_ms.is_none()).collect())
    }

    fn isolated_block_ids(&self, id: &ConversationId) -> Result<Vec<BlockId>, StoreError> {
        let sql = "SELECT block_id FROM conversation_blocks WHERE conversation_id = ? ORDER BY key";
        self.all(sql, [id.as_str()], |row| row.get(0).map(BlockId))
    }

    fn in_full(&self, conversation: Conversation) -> Result<Conversation, StoreError> {
        let last = self.last_message(&conversation)?;
        Ok(Conversation {
            isolated_block_ids: self.isolated_block_ids(&conversation.id)?,
            last_message_at_ms: last.map(|message| message.created_at_ms),
            ..conversation
        })
    }
}

impl Writer<'_> {
    /// Adds a conversation that has no messages and no blocks of its own yet.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id is taken, [`StoreError::NotFound`] when its agent is not there.
    pub fn insert_conversation(&mut self, conversation: &Conversation) -> Result<(), StoreError> {
        self.insert(
            ("conversation", conversation.id.as_str()),
            ("agent", conversation.agent_id.as_str()),
            "INSERT INTO conversations (id, agent_id, name, letta, window_start_seq, created_at_ms, updated_at_ms,
                                        deleted_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                conversation.id.as_str(),
                conversation.agent_id.as_str(),
                conversation.name,
                Json(&conversation.letta),
                conversation.window_start_seq,
                conversation.created_at_ms,
                conversation.updated_at_ms,
                conversation.deleted_at_ms,
            ],
        )?;
        Ok(())
    }

    /// Writes a conversation's name, what clients keep with it, and the time of change.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such conversation.
    pub fn update_conversation(&mut self, conversation: &Conversation) -> Result<(), StoreError> {
        self.change(
            ("conversation", conversation.id.as_str()),
            "UPDATE conversations SET name = ?, letta = ?, updated_at_ms = ? WHERE id = ?",
            params![conversation.name, Json(&conversation.letta), conversation.updated_at_ms, conversation.id.as_str()],
        )
    }

    /// Moves a conversation and its messages to the bin, or back what went there with it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such conversation.
    pub fn set_conversation_deleted(&mut self, id: &ConversationId, at_ms: Option<i64>) -> Result<(), StoreError> {
        let conversation =
            self.conversation(id)?.ok_or_else(|| StoreError::NotFound { what: "conversation", id: id.to_string() })?;
        match (at_ms, conversation.deleted_at_ms) {
            (Some(at_ms), None) => {
                self.delete_messages_from(&conversation, i64::MIN, at_ms)?;
            }
            (None, Some(went_ms)) => {
                let ids = self.all(
                    "SELECT id FROM messages WHERE agent_id = ? AND conversation_id = ? AND deleted_at_ms = ?",
                    params![conversation.agent_id.as_str(), id.as_str(), went_ms],
                    |row| row.get(0).map(MessageId),
                )?;
                ids.iter().try_for_each(|id| self.set_message_deleted(id, None))?;
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        self.change(
            ("conversation", id.as_str()),
            "UPDATE conversations SET deleted_at_ms = ? WHERE id = ?",
            params![at_ms, id.as_str()],
        )
    }

    /// Gives a conversation a copy of `block`, which stands in the place of the block of that label in its prompt.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when it has a block of its own with that label; [`StoreError::NotFound`] when there is no
    /// such conversation.
    pub fn isolate_block(
        &mut self,
        id: &ConversationId,
        block: &Block,
        provenance: &Provenance,
        at_ms: i64,
    ) -> Result<Block, StoreError> {
        if self.isolated_blocks(id)?.iter().any(|own| own.label == block.label) {
            return Err(StoreError::Duplicate { what: "isolated block with the label", id: block.label.clone() });
        }
        let copy = Block {
            id: BlockId::new(),
            created_at_ms: at_ms,
            updated_at_ms: at_ms,
            deleted_at_ms: None,
            ..block.clone()
        };
        self.insert_block(&copy, provenance)?;
        self.keep_isolated(id, &copy.id)?;
        Ok(copy)
    }

    /// Lets a block that is there be a conversation's own. Whether its label is free there is the caller's business.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when it is so already; [`StoreError::NotFound`] when there is no such conversation.
    pub fn keep_isolated(&mut self, id: &ConversationId, block_id: &BlockId) -> Result<(), StoreError> {
        self.insert(
            ("isolated block", block_id.as_str()),
            ("conversation", id.as_str()),
            "INSERT INTO conversation_blocks (conversation_id, block_id) VALUES (?, ?)",
            [id.as_str(), block_id.as_str()],
        )?;
        Ok(())
    }

    /// Adds `fork`, which begins where the window of `source` ends: with copies of the messages in it, of the summary
    /// before them and of its isolated blocks.
    ///
    /// # Errors
    /// As for [`Writer::insert_conversation`].
    pub fn fork_conversation(
        &mut self,
        source: &Thread,
        fork: &Conversation,
        provenance: &Provenance,
    ) -> Result<(), StoreError> {
        let now_ms = fork.created_at_ms;
        self.insert_conversation(fork)?;
        let thread = Thread::from(fork);
        let mut first = None;
        for message in self.window_messages(source)? {
            let copy = self.append_message(&copy_of((*message).clone(), &thread))?;
            first.get_or_insert(copy.seq);
        }
        let start = first.unwrap_or(fork.window_start_seq);
        self.set_window_start(&thread, start)?;
        if let Some(summary) = self.latest_summary(source)? {
            self.insert_summary(&Summary {
                id: SummaryId::new(),
                agent_id: fork.agent_id.clone(),
                conversation_id: Some(fork.id.clone()),
                window_start_seq: start,
                created_at_ms: now_ms,
                ..summary
            })?;
        }
        if let Some(conversation_id) = &source.conversation_id {
            for block in self.isolated_blocks(conversation_id)? {
                self.isolate_block(&fork.id, &block, provenance, now_ms)?;
            }
        }
        Ok(())
    }
}

/// A message said anew in another thread. The turn and the step that it came from stay with the original.
fn copy_of(message: Message, thread: &Thread) -> NewMessage {
    let Message {
        id: _,
        seq: _,
        agent_id: _,
        conversation_id: _,
        turn_id: _,
        step_id: _,
        role,
        content,
        thoughts,
        tool_calls,
        tool_call_id,
        name,
        tool_status,
        otid,
        sender_id,
        group_id: _,
        origin_id: _,
        created_at_ms,
        deleted_at_ms: _,
    } = message;
    NewMessage {
        id: MessageId::new(),
        agent_id: thread.agent_id.clone(),
        conversation_id: thread.conversation_id.clone(),
        turn_id: None,
        step_id: None,
        role,
        content,
        thoughts,
        tool_calls,
        tool_call_id,
        name,
        tool_status,
        otid,
        sender_id,
        // A fork is no part of what the group says.
        group_id: None,
        origin_id: None,
        created_at_ms,
    }
}
