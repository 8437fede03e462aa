//! What agent files say and there are no columns for: keys of other programs, the form in which something was written,
//! groups, skills. It is kept with the agent that brought it in, by the id of what it is about, goes out with the agent
//! again, and goes when the agent goes for good. Nothing in Resident acts on it.

use rusqlite::params;
use serde_json::Value;

use crate::sql::{Json, Reader, Writer};
use crate::{AgentId, StoreError};

pub(crate) const SCHEMA: &str = "
CREATE TABLE carried (
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    about    TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (agent_id, about)
) STRICT, WITHOUT ROWID;
";

/// What is carried about one thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// What it is about: an id, or a word that the writer knows.
    pub about: String,
    /// What is carried.
    pub value: Value,
}

impl Reader<'_> {
    /// All that is carried with an agent.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn carried(&self, agent_id: &AgentId) -> Result<Vec<Carried>, StoreError> {
        let sql = "SELECT about, value FROM carried WHERE agent_id = ? ORDER BY about";
        self.all(sql, [agent_id.as_str()], |row| {
            Ok(Carried { about: row.get(0)?, value: row.get::<_, Json<Value>>(1)?.0 })
        })
    }
}

impl Writer<'_> {
    /// Carries something with an agent, in the place of what was carried about the same thing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such agent.
    pub fn carry(&mut self, agent_id: &AgentId, about: &str, value: &Value) -> Result<(), StoreError> {
        self.insert(
            ("carried thing", about),
            ("agent", agent_id.as_str()),
            "INSERT INTO carried (agent_id, about, value) VALUES (?, ?, ?)
             ON CONFLICT (agent_id, about) DO UPDATE SET value = excluded.value",
            params![agent_id.as_str(), about, Json(value)],
        )?;
        Ok(())
    }
}
