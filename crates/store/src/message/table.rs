//! The table of messages and the queries over it, but for the search by words.

use std::sync::LazyLock;

use rusqlite::{Row, params};

use super::{Message, NewMessage, Role};
use crate::page::{Listing, Page};
use crate::sql::{Fields, Json, Reader, Word, Writer, row_limit};
use crate::{AgentId, ConversationId, GroupId, MessageId, StepId, StoreError, Thread, TurnId, VectorGroup};

/// The condition that a message is searched and embedded. It is spelt as in the partial index, so that SQLite uses that.
pub(crate) const SPOKEN: &str = "role IN ('user', 'assistant') AND content <> '' AND deleted_at_ms IS NULL";

pub(crate) static SCHEMA: LazyLock<String> = LazyLock::new(|| {
    format!(
        "
CREATE TABLE messages (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    agent_id      TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    role          TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    deleted_at_ms INTEGER,
    turn_id       TEXT,
    step_id       TEXT,
    tool_call_id  TEXT,
    name          TEXT,
    tool_status   TEXT,
    content       TEXT NOT NULL,
    thoughts      TEXT,
    tool_calls    TEXT
) STRICT;
CREATE INDEX messages_of_agent ON messages (agent_id, seq) WHERE deleted_at_ms IS NULL;
CREATE INDEX messages_spoken ON messages (agent_id, seq) WHERE {SPOKEN};
CREATE INDEX messages_of_turn ON messages (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX messages_in_bin ON messages (agent_id, seq) WHERE deleted_at_ms IS NOT NULL;
"
    )
});

/// What clients of Letta's API know a message by, and the conversation that it belongs to, by which it is found from then
/// on: what was said before and after it was said there.
pub(crate) static CLIENT_COLUMNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "
ALTER TABLE messages ADD COLUMN conversation_id TEXT;
ALTER TABLE messages ADD COLUMN otid TEXT;
ALTER TABLE messages ADD COLUMN sender_id TEXT;
CREATE INDEX messages_of_thread ON messages (agent_id, conversation_id, seq) WHERE deleted_at_ms IS NULL;
DROP INDEX messages_spoken;
CREATE INDEX messages_spoken ON messages (agent_id, conversation_id, seq) WHERE {SPOKEN};
"
    )
});

/// So many more rows than messages that are asked for are looked through for them first.
const NEAR: i64 = 2;

/// Which messages are listed; those in the bin never are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessageListing {
    /// Whose, in all of its threads; everybody's outside the bin when `None`.
    pub agent_id: Option<AgentId>,
    /// Of which thread.
    pub thread: Option<Thread>,
    /// Of which turn.
    pub turn_id: Option<TurnId>,
    /// Said in which group: each thing once, without what its agents are told by Resident.
    pub group_id: Option<GroupId>,
    /// Who speaks; anybody when empty.
    pub roles: Vec<Role>,
    /// Which part.
    pub page: Page,
}

/// The columns of a message in the order in which [`of_row`] takes them. A window is hundreds of rows and read for every
/// turn, so that columns are not looked up by name.
pub(crate) const COLUMNS: &str =
    "id, seq, agent_id, conversation_id, turn_id, step_id, role, content, thoughts, tool_calls,
    tool_call_id, name, tool_status, otid, sender_id, group_id, origin_id, created_at_ms, deleted_at_ms";

/// The messages that meet `condition`, in the columns of [`of_row`].
pub(super) fn select(condition: &str) -> String {
    format!("SELECT {COLUMNS} FROM messages WHERE {condition}")
}

pub(crate) fn of_row(row: &Row<'_>) -> rusqlite::Result<Message> {
    let mut fields = Fields::of(row);
    Ok(Message {
        id: MessageId(fields.next()?),
        seq: fields.next()?,
        agent_id: AgentId(fields.next()?),
        conversation_id: fields.next::<Option<String>>()?.map(ConversationId),
        turn_id: fields.next::<Option<String>>()?.map(TurnId),
        step_id: fields.next::<Option<String>>()?.map(StepId),
        role: fields.next::<Word<_>>()?.0,
        content: fields.next()?,
        thoughts: fields.next()?,
        tool_calls: fields.next::<Option<Json<_>>>()?.map(|calls| calls.0).unwrap_or_default(),
        tool_call_id: fields.next()?,
        name: fields.next()?,
        tool_status: fields.next::<Option<Word<_>>>()?.map(|status| status.0),
        otid: fields.next()?,
        sender_id: fields.next()?,
        group_id: fields.next::<Option<String>>()?.map(GroupId),
        origin_id: fields.next::<Option<String>>()?.map(MessageId),
        created_at_ms: fields.next()?,
        deleted_at_ms: fields.next()?,
    })
}

impl Reader<'_> {
    /// The message called `id`, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn message(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        self.first(&select("id = ?"), [id.as_str()], of_row)
    }

    /// The last `limit` messages of a thread before `before_seq` (or the very last), oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn messages_before(
        &self,
        thread: impl Into<Thread>,
        before_seq: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.before("deleted_at_ms IS NULL", &thread.into(), before_seq.unwrap_or(i64::MAX), limit)
    }

    /// The first `limit` messages of a thread after `after_seq`, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn messages_after(
        &self,
        thread: impl Into<Thread>,
        after_seq: i64,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.after("deleted_at_ms IS NULL", &thread.into(), after_seq, limit)
    }

    /// The number from which on the messages of a thread are in its window.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such agent or conversation.
    pub fn window_start(&self, thread: impl Into<Thread>) -> Result<i64, StoreError> {
        let Thread { agent_id, conversation_id } = thread.into();
        let (what, id, sql) = match &conversation_id {
            None => ("agent", agent_id.as_str(), "SELECT window_start_seq FROM agents WHERE id = ?"),
            Some(id) => ("conversation", id.as_str(), "SELECT window_start_seq FROM conversations WHERE id = ?"),
        };
        self.first(sql, [id], |row| row.get(0))?.ok_or_else(|| StoreError::NotFound { what, id: id.to_owned() })
    }

    /// The messages of a turn that are not in the bin, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn messages_of_turn(&self, turn_id: &TurnId) -> Result<Vec<Message>, StoreError> {
        self.all(&select("turn_id = ? AND deleted_at_ms IS NULL ORDER BY seq"), [turn_id.as_str()], of_row)
    }

    /// A part of the messages that `listing` means.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_messages(&self, listing: &MessageListing) -> Result<Vec<Message>, StoreError> {
        let MessageListing { agent_id, thread, turn_id, group_id, roles, page } = listing;
        let mut asked = Listing::of("messages", "seq").with_columns(COLUMNS).and("deleted_at_ms IS NULL");
        if let Some(thread) = thread {
            asked = asked
                .and_is("agent_id", thread.agent_id.as_str())
                .and_with("conversation_id IS ?", thread.conversation().map(str::to_owned));
        }
        asked = match agent_id {
            Some(agent_id) => asked.and_is("agent_id", agent_id.as_str()),
            None if thread.is_some() => asked,
            None => asked.and("agent_id IN (SELECT id FROM agents WHERE deleted_at_ms IS NULL)"),
        };
        if let Some(turn_id) = turn_id {
            asked = asked.and_is("turn_id", turn_id.as_str());
        }
        if let Some(group_id) = group_id {
            asked = asked.and_is("group_id", group_id.as_str()).and("origin_id IS NULL AND role <> 'system'");
        }
        asked = asked.and_in("role", roles.iter().map(|role| role.word()));
        self.page(asked, page, of_row)
    }

    /// How many messages of a thread are not in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn count_messages(&self, thread: impl Into<Thread>) -> Result<usize, StoreError> {
        self.messages_in(&thread.into())
    }

    /// The last message of a thread that is not in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_message(&self, thread: impl Into<Thread>) -> Result<Option<Message>, StoreError> {
        Ok(self.messages_before(thread, None, 1)?.pop())
    }

    /// The messages of those numbers, in that order; those that are not there, or in the bin, are left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn messages_by_seq(&self, seqs: &[i64]) -> Result<Vec<Message>, StoreError> {
        let sql = select("seq = ? AND deleted_at_ms IS NULL");
        seqs.iter().filter_map(|seq| self.first(&sql, [seq], of_row).transpose()).collect()
    }

    /// The `n` messages said before and the `n` said after message `seq` of a thread, both oldest first: what the user
    /// and the assistant said, without tool results and alerts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn neighbours(
        &self,
        thread: impl Into<Thread>,
        seq: i64,
        n: usize,
    ) -> Result<(Vec<Message>, Vec<Message>), StoreError> {
        let thread = thread.into();
        // Mostly they are near, with few results of tools between them, and one query finds both sides.
        let span = row_limit(n).saturating_add(NEAR);
        let sql =
            select(&format!("agent_id = ? AND conversation_id IS ? AND {SPOKEN} AND seq BETWEEN ? AND ? ORDER BY seq"));
        let params = params![
            thread.agent_id.as_str(),
            thread.conversation(),
            seq.saturating_sub(span),
            seq.saturating_add(span)
        ];
        let mut before = self.all(&sql, params, of_row)?;
        let mut after = before.split_off(before.partition_point(|message| message.seq < seq));
        after.retain(|message| message.seq > seq);
        if before.len() < n {
            before = self.before(SPOKEN, &thread, seq, n)?;
        }
        if after.len() < n {
            after = self.after(SPOKEN, &thread, seq, n)?;
        }
        before.drain(..before.len().saturating_sub(n));
        after.truncate(n);
        Ok((before, after))
    }

    fn before(&self, condition: &str, thread: &Thread, seq: i64, limit: usize) -> Result<Vec<Message>, StoreError> {
        let thread_is = "agent_id = ? AND conversation_id IS ?";
        let sql = select(&format!("{thread_is} AND {condition} AND seq < ? ORDER BY seq DESC LIMIT ?"));
        let mut messages = self.all(&sql, beside(thread, seq, limit), of_row)?;
        messages.reverse();
        Ok(messages)
    }

    fn after(&self, condition: &str, thread: &Thread, seq: i64, limit: usize) -> Result<Vec<Message>, StoreError> {
        let thread_is = "agent_id = ? AND conversation_id IS ?";
        let sql = select(&format!("{thread_is} AND {condition} AND seq > ? ORDER BY seq LIMIT ?"));
        self.all(&sql, beside(thread, seq, limit), of_row)
    }
}

/// The values by which the messages beside `seq` are found.
fn beside(thread: &Thread, seq: i64, limit: usize) -> (&str, Option<&str>, i64, i64) {
    (thread.agent_id.as_str(), thread.conversation(), seq, row_limit(limit))
}

impl Writer<'_> {
    /// Records a message as the last of its thread.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id is taken, [`StoreError::NotFound`] when its agent is not there.
    pub fn append_message(&mut self, message: &NewMessage) -> Result<Message, StoreError> {
        let NewMessage {
            id,
            agent_id,
            conversation_id,
            turn_id,
            step_id,
            role,
            content,
            thoughts,
            tool_calls,
            tool_call_id,
            name,
            tool_status,
            otid,
            sender_id,
            group_id,
            origin_id,
            created_at_ms,
        } = message.clone();
        let seq = self.insert(
            ("message", id.as_str()),
            ("agent", agent_id.as_str()),
            "INSERT INTO messages (id, agent_id, conversation_id, role, created_at_ms, turn_id, step_id, tool_call_id,
                                   name, tool_status, otid, sender_id, group_id, origin_id, content, thoughts,
                                   tool_calls)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                id.as_str(),
                agent_id.as_str(),
                conversation_id.as_ref().map(ConversationId::as_str),
                Word(role),
                created_at_ms,
                turn_id.as_ref().map(TurnId::as_str),
                step_id.as_ref().map(StepId::as_str),
                tool_call_id,
                name,
                tool_status.map(Word),
                otid,
                sender_id,
                group_id.as_ref().map(GroupId::as_str),
                origin_id.as_ref().map(MessageId::as_str),
                content,
                thoughts,
                (!tool_calls.is_empty()).then_some(Json(&tool_calls)),
            ],
        )?;
        let message = Message {
            id,
            seq,
            agent_id,
            conversation_id,
            turn_id,
            step_id,
            role,
            content,
            thoughts,
            tool_calls,
            tool_call_id,
            name,
            tool_status,
            otid,
            sender_id,
            group_id,
            origin_id,
            created_at_ms,
            deleted_at_ms: None,
        };
        self.index_message(&message)?;
        Ok(message)
    }

    /// Moves a message to the bin (with the time) or back (with `None`).
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such message.
    pub fn set_message_deleted(&mut self, id: &MessageId, at_ms: Option<i64>) -> Result<(), StoreError> {
        self.change(
            ("message", id.as_str()),
            "UPDATE messages SET deleted_at_ms = ? WHERE id = ?",
            params![at_ms, id.as_str()],
        )?;
        let Some(message) = self.message(id)? else { return Ok(()) };
        self.restamp(&message.agent_id)?;
        let group = VectorGroup::MessagesOf(message.agent_id.clone());
        self.bin_vectors(&group, message.seq, at_ms.is_some())?;
        self.index_message(&message)
    }

    /// Moves the messages of a thread from `seq` on to the bin and says how many those were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn delete_messages_from(
        &mut self,
        thread: impl Into<Thread>,
        seq: i64,
        at_ms: i64,
    ) -> Result<usize, StoreError> {
        let thread = thread.into();
        self.unindex_messages_from(&thread, seq)?;
        self.note_messages_binned(&thread, seq)?;
        let deleted = self.execute(
            "UPDATE messages SET deleted_at_ms = ?
             WHERE agent_id = ? AND conversation_id IS ? AND seq >= ? AND deleted_at_ms IS NULL",
            params![at_ms, thread.agent_id.as_str(), thread.conversation(), seq],
        )?;
        self.restamp(&thread.agent_id)?;
        self.mend_neighbours(&thread, seq)?;
        Ok(deleted)
    }
}
