//! Letters: what an agent said to another that was busy, until that one is free to hear it. A letter is gone in the
//! transaction that begins the turn which answers it, so that it is heard once, also when the program ends in between.

use rusqlite::{Row, params};

use crate::sql::{Reader, Writer};
use crate::{AgentId, StoreError};

pub(crate) const SCHEMA: &str = "
CREATE TABLE letters (
    key           INTEGER PRIMARY KEY AUTOINCREMENT,
    to_agent_id   TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    from_agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    text          TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX letters_to ON letters (to_agent_id, key);
";

/// One letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Names it.
    pub key: i64,
    /// Who is to hear it.
    pub to: AgentId,
    /// Who said it.
    pub from: AgentId,
    /// What was said.
    pub text: String,
    /// When it was said.
    pub created_at_ms: i64,
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<Letter> {
    Ok(Letter {
        key: row.get("key")?,
        to: AgentId(row.get("to_agent_id")?),
        from: AgentId(row.get("from_agent_id")?),
        text: row.get("text")?,
        created_at_ms: row.get("created_at_ms")?,
    })
}

impl Reader<'_> {
    /// The letters to an agent, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn letters_to(&self, agent_id: &AgentId) -> Result<Vec<Letter>, StoreError> {
        self.all("SELECT * FROM letters WHERE to_agent_id = ? ORDER BY key", [agent_id.as_str()], of_row)
    }

    /// The agents outside the bin to whom there are letters.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn agents_with_letters(&self) -> Result<Vec<AgentId>, StoreError> {
        let sql = "SELECT DISTINCT to_agent_id FROM letters
                   WHERE to_agent_id IN (SELECT id FROM agents WHERE deleted_at_ms IS NULL)";
        self.all(sql, [], |row| row.get(0).map(AgentId))
    }
}

impl Writer<'_> {
    /// Keeps what `from` says to `to`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when one of the agents is not there.
    pub fn insert_letter(&mut self, from: &AgentId, to: &AgentId, text: &str, at_ms: i64) -> Result<(), StoreError> {
        self.insert(
            ("letter to", to.as_str()),
            ("agent", to.as_str()),
            "INSERT INTO letters (to_agent_id, from_agent_id, text, created_at_ms) VALUES (?, ?, ?, ?)",
            params![to.as_str(), from.as_str(), text, at_ms],
        )?;
        Ok(())
    }

    /// Takes a letter away, which was heard.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not there any more.
    pub fn delete_letter(&mut self, key: i64) -> Result<(), StoreError> {
        self.change(("letter", &key.to_string()), "DELETE FROM letters WHERE key = ?", [key])
    }
}
