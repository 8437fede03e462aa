//! Summaries of evicted messages; the newest of a thread stands in its prompt.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use crate::sql::{Reader, Word, Writer};
use crate::{AgentId, ConversationId, StoreError, SummaryId, Thread};

/// How a summary was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SummaryKind {
    /// Written by the model from the old summary and the evicted messages.
    Recursive,
    /// Sentences taken from the old summary and the evicted messages, since the model's text was unusable.
    Extractive,
}

/// What was said before the window begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: SummaryId,
    /// Whose.
    pub agent_id: AgentId,
    /// Of which conversation; `None` is the agent's own thread.
    pub conversation_id: Option<ConversationId>,
    /// Its text.
    pub text: String,
    /// How it was made.
    pub kind: SummaryKind,
    /// The first message that it does not cover: the start of the window when it was written.
    pub window_start_seq: i64,
    /// How many messages were evicted for it.
    pub evicted_messages: i64,
    /// When.
    pub created_at_ms: i64,
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE summaries (
    key              INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    agent_id         TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    text             TEXT NOT NULL,
    kind             TEXT NOT NULL,
    window_start_seq INTEGER NOT NULL,
    evicted_messages INTEGER NOT NULL,
    created_at_ms    INTEGER NOT NULL
) STRICT;
CREATE INDEX summaries_of_agent ON summaries (agent_id);
";

/// The conversation that a summary belongs to.
pub(crate) const CLIENT_COLUMNS: &str = "
ALTER TABLE summaries ADD COLUMN conversation_id TEXT;
";

fn of_row(row: &Row<'_>) -> rusqlite::Result<Summary> {
    Ok(Summary {
        id: SummaryId(row.get("id")?),
        agent_id: AgentId(row.get("agent_id")?),
        conversation_id: row.get::<_, Option<String>>("conversation_id")?.map(ConversationId),
        text: row.get("text")?,
        kind: row.get::<_, Word<_>>("kind")?.0,
        window_start_seq: row.get("window_start_seq")?,
        evicted_messages: row.get("evicted_messages")?,
        created_at_ms: row.get("created_at_ms")?,
    })
}

impl Reader<'_> {
    /// The summary of a thread that was written last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn latest_summary(&self, thread: impl Into<Thread>) -> Result<Option<Summary>, StoreError> {
        let thread = thread.into();
        self.first(
            "SELECT * FROM summaries WHERE agent_id = ? AND conversation_id IS ? ORDER BY key DESC LIMIT 1",
            params![thread.agent_id.as_str(), thread.conversation()],
            of_row,
        )
    }

    /// All summaries of a thread, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn summaries(&self, thread: impl Into<Thread>) -> Result<Vec<Summary>, StoreError> {
        let thread = thread.into();
        self.all(
            "SELECT * FROM summaries WHERE agent_id = ? AND conversation_id IS ? ORDER BY key",
            params![thread.agent_id.as_str(), thread.conversation()],
            of_row,
        )
    }
}

impl Writer<'_> {
    /// Removes the summaries of a thread, whose messages they are no longer about.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn delete_summaries(&mut self, thread: impl Into<Thread>) -> Result<(), StoreError> {
        let thread = thread.into();
        self.execute(
            "DELETE FROM summaries WHERE agent_id = ? AND conversation_id IS ?",
            params![thread.agent_id.as_str(), thread.conversation()],
        )?;
        Ok(())
    }

    /// Adds a summary, which is the newest of its thread from then on.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id is taken, [`StoreError::NotFound`] when its agent is not there.
    pub fn insert_summary(&mut self, summary: &Summary) -> Result<(), StoreError> {
        self.insert(
            ("summary", summary.id.as_str()),
            ("agent", summary.agent_id.as_str()),
            "INSERT INTO summaries (id, agent_id, conversation_id, text, kind, window_start_seq, evicted_messages,
                                    created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                summary.id.as_str(),
                summary.agent_id.as_str(),
                summary.conversation_id.as_ref().map(ConversationId::as_str),
                summary.text,
                Word(summary.kind),
                summary.window_start_seq,
                summary.evicted_messages,
                summary.created_at_ms,
            ],
        )?;
        Ok(())
    }
}
