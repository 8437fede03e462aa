//! What an agent does to a block besides writing its text: it renames it, describes it anew, or removes it. Kept with
//! its provenance, as revisions are, so that a conversation can show it where it happened.
//!
//! Also which revision a revision took back, for the same reason: a conversation shows what has been undone.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use crate::sql::{Reader, Word, Writer};
use crate::{AgentId, BlockId, Provenance, StoreError, TurnId, provenance};

pub(crate) static SCHEMA: LazyLock<String> = LazyLock::new(|| {
    format!(
        "
ALTER TABLE block_revisions ADD COLUMN undoes INTEGER;

CREATE TABLE block_alterations (
    key             INTEGER PRIMARY KEY,
    block_id        TEXT NOT NULL REFERENCES blocks (id) ON DELETE CASCADE,
    agent_id        TEXT NOT NULL,
    what            TEXT NOT NULL,
    before          TEXT NOT NULL,
    after           TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    {}
) STRICT;
CREATE INDEX alterations_of_block ON block_alterations (block_id);
CREATE INDEX alterations_of_turn ON block_alterations (turn_id) WHERE turn_id IS NOT NULL;
",
        provenance::COLUMNS
    )
});

/// What was done to a block besides writing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alteration {
    /// It has another label.
    Renamed,
    /// It has another description.
    Described,
    /// It went to the bin or, where other agents share it, was detached from this one.
    Removed,
}

/// One such deed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockAlteration {
    /// The block.
    pub block_id: BlockId,
    /// The agent whose memory it was done to.
    pub agent_id: AgentId,
    /// What was done.
    pub what: Alteration,
    /// The label or description before; of a block that was removed its label.
    pub before: String,
    /// The label or description after; empty for a block that was removed.
    pub after: String,
    /// Who did it, in which turn, with which tool.
    pub provenance: Provenance,
    /// When.
    pub created_at_ms: i64,
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<BlockAlteration> {
    Ok(BlockAlteration {
        block_id: BlockId(row.get("block_id")?),
        agent_id: AgentId(row.get("agent_id")?),
        what: row.get::<_, Word<_>>("what")?.0,
        before: row.get("before")?,
        after: row.get("after")?,
        provenance: Provenance::of_row(row)?,
        created_at_ms: row.get("created_at_ms")?,
    })
}

impl Reader<'_> {
    /// What was done to a block besides writing it, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn block_alterations(&self, id: &BlockId) -> Result<Vec<BlockAlteration>, StoreError> {
        self.all("SELECT * FROM block_alterations WHERE block_id = ? ORDER BY key", [id.as_str()], of_row)
    }

    /// What was done to blocks besides writing them in `turns`, turn by turn, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn block_alterations_of_turns(&self, turns: &[TurnId]) -> Result<Vec<BlockAlteration>, StoreError> {
        let mut alterations = Vec::new();
        for turn in turns {
            let sql = "SELECT * FROM block_alterations WHERE turn_id = ? ORDER BY key";
            alterations.extend(self.all(sql, [turn.as_str()], of_row)?);
        }
        Ok(alterations)
    }

    /// The numbers of a block's revisions that were taken back. A revision whose taking back was itself taken back is
    /// not among them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn undone_revisions(&self, id: &BlockId) -> Result<BTreeSet<i64>, StoreError> {
        let sql = "SELECT number, undoes FROM block_revisions WHERE block_id = ? AND undoes IS NOT NULL
                   ORDER BY number DESC";
        let undos = self.all(sql, [id.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        let mut undone = BTreeSet::new();
        for (number, undoes) in undos {
            if !undone.contains(&number) {
                undone.insert(undoes);
            }
        }
        Ok(undone)
    }
}

impl Writer<'_> {
    /// Keeps what was done to a block besides writing it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such block.
    pub fn insert_block_alteration(&mut self, alteration: &BlockAlteration) -> Result<(), StoreError> {
        let BlockAlteration { block_id, agent_id, what, before, after, provenance, created_at_ms } = alteration;
        let (actor, agent, turn, message, tool) = provenance.values();
        let name = ("block", block_id.as_str());
        self.insert(
            name,
            name,
            "INSERT INTO block_alterations (block_id, agent_id, what, before, after, created_at_ms, actor,
                                            by_agent_id, turn_id, message_id, tool)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                block_id.as_str(),
                agent_id.as_str(),
                Word(*what),
                before,
                after,
                created_at_ms,
                actor,
                agent,
                turn,
                message,
                tool,
            ],
        )?;
        Ok(())
    }

    /// Says that the revision `number` of a block took back its revision `undoes`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such revision.
    pub fn mark_undo(&mut self, id: &BlockId, number: i64, undoes: i64) -> Result<(), StoreError> {
        self.change(
            ("revision of block", id.as_str()),
            "UPDATE block_revisions SET undoes = ? WHERE block_id = ? AND number = ?",
            params![undoes, id.as_str(), number],
        )
    }
}
