//! Search of recall memory by words. `message_text` is an FTS5 table whose row is the message of the same number:
//!
//! - `text`: what was said;
//! - `neighbours`: what was said just before and just after, since an answer often lacks the words of its question;
//! - `context`: who spoke (the message's name where it has one, else its role) and the day in words.
//!
//! It keeps a copy of its text, so that a row can be replaced without knowing the old words, and FTS5 can check its
//! index against it. Every change of a message mends its row and its neighbours' rows in the same transaction.

use rusqlite::params;
use rusqlite::types::Value;

use super::{Message, Role, SPOKEN};
use crate::lexical::{LexicalHit, LexicalQuery};
use crate::sql::{Reader, Word, Writer};
use crate::{AgentId, ConversationId, StoreError, Thread, date};

pub(crate) const TEXT_SCHEMA: &str = "
CREATE VIRTUAL TABLE message_text USING fts5 (
    text, neighbours, context, tokenize = 'porter unicode61 remove_diacritics 2'
);
";

/// Which messages are searched.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessageFilter {
    /// Who spoke; anybody when empty.
    pub roles: Vec<Role>,
    /// Said at this time or later.
    pub from_ms: Option<i64>,
    /// Said before this time.
    pub to_ms: Option<i64>,
    /// Said in this conversation.
    pub conversation_id: Option<ConversationId>,
}

impl MessageFilter {
    /// The condition on the messages of an agent and the values of its question marks.
    fn condition(&self, agent_id: &AgentId) -> (String, Vec<Value>) {
        let mut condition = "agent_id = ?".to_owned();
        let mut values = vec![Value::from(agent_id.to_string())];
        if !self.roles.is_empty() {
            condition.push_str(&format!(" AND role IN ({})", vec!["?"; self.roles.len()].join(", ")));
            for role in &self.roles {
                values.push(role.word().to_owned().into());
            }
        }
        if let Some(from_ms) = self.from_ms {
            condition.push_str(" AND created_at_ms >= ?");
            values.push(from_ms.into());
        }
        if let Some(to_ms) = self.to_ms {
            condition.push_str(" AND created_at_ms < ?");
            values.push(to_ms.into());
        }
        if let Some(conversation_id) = &self.conversation_id {
            condition.push_str(" AND conversation_id = ?");
            values.push(conversation_id.to_string().into());
        }
        (condition, values)
    }
}

/// A spoken message, as far as its row of words needs it.
struct Spoken {
    seq: i64,
    content: String,
    context: String,
}

impl Reader<'_> {
    /// The messages of `agent_id` that match an FTS5 expression, best first. `weights` are those of the columns `text`,
    /// `neighbours` and `context`.
    ///
    /// # Errors
    /// [`StoreError::BadExpression`] when FTS5 does not understand the expression.
    #[expect(
        clippy::too_many_arguments,
        reason = "whose, what, among which, how ranked, how many: no two belong together"
    )]
    pub fn search_messages_text(
        &self,
        agent_id: &AgentId,
        match_expression: &str,
        filter: &MessageFilter,
        weights: [f64; 3],
        limit: usize,
    ) -> Result<Vec<LexicalHit>, StoreError> {
        let (condition, values) = filter.condition(agent_id);
        self.search_text(LexicalQuery {
            text_table: "message_text",
            from: "message_text JOIN messages ON seq = message_text.rowid",
            condition,
            values,
            match_expression,
            weights,
            limit,
        })
    }

    /// The first `limit` of some hits that are messages of `agent_id` and meet `filter`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn first_messages(
        &self,
        agent_id: &AgentId,
        filter: &MessageFilter,
        hits: &[LexicalHit],
        limit: usize,
    ) -> Result<Vec<LexicalHit>, StoreError> {
        self.first_that_meet(("messages", "seq"), filter.condition(agent_id), hits, limit)
    }

    fn spoken(&self, condition: &str, thread: &Thread, seq: i64) -> Result<Option<Spoken>, StoreError> {
        let sql = format!(
            "SELECT seq, role, name, created_at_ms, content FROM messages
             WHERE agent_id = ? AND conversation_id IS ? AND {SPOKEN} AND {condition} LIMIT 1"
        );
        self.first(&sql, params![thread.agent_id.as_str(), thread.conversation(), seq], |row| {
            let speaker = row.get::<_, Option<String>>(2)?;
            Ok(Spoken {
                seq: row.get(0)?,
                content: row.get(4)?,
                context: context(speaker.as_deref(), row.get::<_, Word<Role>>(1)?.0, row.get(3)?),
            })
        })
    }

    fn spoken_before(&self, thread: &Thread, seq: i64) -> Result<Option<Spoken>, StoreError> {
        self.spoken("seq < ? ORDER BY seq DESC", thread, seq)
    }

    fn spoken_after(&self, thread: &Thread, seq: i64) -> Result<Option<Spoken>, StoreError> {
        self.spoken("seq > ? ORDER BY seq", thread, seq)
    }
}

impl Writer<'_> {
    /// Makes the row of `message` and the rows around it say what they should.
    pub(super) fn index_message(&mut self, message: &Message) -> Result<(), StoreError> {
        let spoken_role = matches!(message.role, Role::User | Role::Assistant);
        if !spoken_role || message.content.is_empty() {
            return Ok(());
        }
        let thread = Thread::from(message);
        match self.spoken("seq = ?", &thread, message.seq)? {
            Some(spoken) => self.write_row(&thread, &spoken)?,
            None => {
                self.execute("DELETE FROM message_text WHERE rowid = ?", [message.seq])?;
            }
        }
        self.mend_neighbours(&thread, message.seq)
    }

    /// Writes the rows of the spoken messages just before and just after `seq`.
    pub(super) fn mend_neighbours(&mut self, thread: &Thread, seq: i64) -> Result<(), StoreError> {
        let (before, after) = (self.spoken_before(thread, seq)?, self.spoken_after(thread, seq)?);
        before.iter().chain(&after).try_for_each(|spoken| self.write_row(thread, spoken))
    }

    /// Takes away the rows of the messages of a thread from `seq` on, before those go to the bin.
    pub(super) fn unindex_messages_from(&mut self, thread: &Thread, seq: i64) -> Result<(), StoreError> {
        self.execute(
            &format!(
                "DELETE FROM message_text WHERE rowid IN (
                     SELECT seq FROM messages WHERE agent_id = ? AND conversation_id IS ? AND {SPOKEN} AND seq >= ?)"
            ),
            params![thread.agent_id.as_str(), thread.conversation(), seq],
        )?;
        Ok(())
    }

    /// Makes `message_text` anew from the messages.
    pub(crate) fn rebuild_message_text(&mut self) -> Result<(), StoreError> {
        self.execute_batch("DROP TABLE IF EXISTS message_text;")?;
        self.execute_batch(TEXT_SCHEMA)?;
        let threads = self.all("SELECT DISTINCT agent_id, conversation_id FROM messages", [], |row| {
            let conversation_id = row.get::<_, Option<String>>(1)?.map(ConversationId);
            Ok(Thread { agent_id: AgentId(row.get(0)?), conversation_id })
        })?;
        for thread in threads {
            let mut next = self.spoken_after(&thread, i64::MIN)?;
            while let Some(spoken) = next {
                self.write_row(&thread, &spoken)?;
                next = self.spoken_after(&thread, spoken.seq)?;
            }
        }
        Ok(())
    }

    fn write_row(&mut self, thread: &Thread, spoken: &Spoken) -> Result<(), StoreError> {
        let before = self.spoken_before(thread, spoken.seq)?;
        let after = self.spoken_after(thread, spoken.seq)?;
        let neighbours: Vec<&str> = before.iter().chain(&after).map(|spoken| spoken.content.as_str()).collect();
        self.execute(
            "INSERT OR REPLACE INTO message_text (rowid, text, neighbours, context) VALUES (?, ?, ?, ?)",
            params![spoken.seq, spoken.content, neighbours.join("\n"), spoken.context],
        )?;
        Ok(())
    }
}

fn context(speaker: Option<&str>, role: Role, said_at_ms: i64) -> String {
    format!("{} {}", speaker.unwrap_or(role.word()), date::day_in_words(said_at_ms))
}
