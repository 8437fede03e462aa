//! The tables of blocks, their attachments and revisions, and the queries over them.

use std::collections::HashSet;
use std::sync::LazyLock;

use rusqlite::{Row, params};

use super::{Block, BlockRevision};
use crate::sql::{Json, Reader, Writer};
use crate::{AgentId, BlockId, Provenance, StoreError, Thread, TurnId, provenance};

pub(crate) static SCHEMA: LazyLock<String> = LazyLock::new(|| {
    format!(
        "
CREATE TABLE blocks (
    key           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    label         TEXT NOT NULL,
    description   TEXT NOT NULL,
    value         TEXT NOT NULL,
    limit_chars   INTEGER NOT NULL,
    read_only     INTEGER NOT NULL,
    metadata      TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    deleted_at_ms INTEGER
) STRICT;

CREATE TABLE agent_blocks (
    key      INTEGER PRIMARY KEY,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    block_id TEXT NOT NULL REFERENCES blocks (id) ON DELETE CASCADE,
    UNIQUE (agent_id, block_id)
) STRICT;
CREATE INDEX agents_of_block ON agent_blocks (block_id);

CREATE TABLE block_revisions (
    block_id        TEXT NOT NULL REFERENCES blocks (id) ON DELETE CASCADE,
    number          INTEGER NOT NULL CHECK (number >= 1),
    after           TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    {},
    PRIMARY KEY (block_id, number)
) STRICT;
CREATE INDEX block_revisions_of_turn ON block_revisions (turn_id) WHERE turn_id IS NOT NULL;
",
        provenance::COLUMNS
    )
});

/// What clients of Letta's API keep with a block.
pub(crate) const CLIENT_COLUMNS: &str = "
ALTER TABLE blocks ADD COLUMN letta TEXT NOT NULL DEFAULT '{}';
";

/// A revision with the value before it; to be followed by a condition on `r`.
const SELECT_REVISION: &str = "
    SELECT r.*, p.after AS before FROM block_revisions r
    LEFT JOIN block_revisions p ON p.block_id = r.block_id AND p.number = r.number - 1";

fn of_row(row: &Row<'_>) -> rusqlite::Result<Block> {
    Ok(Block {
        id: BlockId(row.get("id")?),
        label: row.get("label")?,
        description: row.get("description")?,
        value: row.get("value")?,
        limit_chars: usize::try_from(row.get::<_, i64>("limit_chars")?).unwrap_or(usize::MAX),
        read_only: row.get("read_only")?,
        metadata: row.get::<_, Json<_>>("metadata")?.0,
        letta: row.get::<_, Json<_>>("letta")?.0,
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
        deleted_at_ms: row.get("deleted_at_ms")?,
    })
}

fn revision_of_row(row: &Row<'_>) -> rusqlite::Result<BlockRevision> {
    Ok(BlockRevision {
        block_id: BlockId(row.get("block_id")?),
        number: row.get("number")?,
        before: row.get("before")?,
        after: row.get("after")?,
        provenance: Provenance::of_row(row)?,
        created_at_ms: row.get("created_at_ms")?,
    })
}

fn limit_of(block: &Block) -> i64 {
    i64::try_from(block.limit_chars).unwrap_or(i64::MAX)
}

impl Reader<'_> {
    /// The block called `id`, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn block(&self, id: &BlockId) -> Result<Option<Block>, StoreError> {
        self.first("SELECT * FROM blocks WHERE id = ?", [id.as_str()], of_row)
    }

    /// The blocks in the prompt of a thread, in their order: those attached to its agent, in the order in which they were
    /// attached, each in the place of the agent's own where the conversation has one of that label; then what only the
    /// conversation has. None in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn blocks_of(&self, thread: impl Into<Thread>) -> Result<Vec<Block>, StoreError> {
        let Thread { agent_id, conversation_id } = thread.into();
        let mut blocks = self.attached_blocks(&agent_id)?;
        let Some(conversation_id) = conversation_id else { return Ok(blocks) };
        for isolated in self.isolated_blocks(&conversation_id)? {
            match blocks.iter_mut().find(|block| block.label == isolated.label) {
                Some(shared) => *shared = isolated,
                None => blocks.push(isolated),
            }
        }
        Ok(blocks)
    }

    fn attached_blocks(&self, agent_id: &AgentId) -> Result<Vec<Block>, StoreError> {
        self.all(
            "SELECT b.* FROM agent_blocks a JOIN blocks b ON b.id = a.block_id
             WHERE a.agent_id = ? AND b.deleted_at_ms IS NULL ORDER BY a.key",
            [agent_id.as_str()],
            of_row,
        )
    }

    /// The block that is called `label` in a thread: the conversation's own, else the agent's; none in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn block_by_label(&self, thread: impl Into<Thread>, label: &str) -> Result<Option<Block>, StoreError> {
        let Thread { agent_id, conversation_id } = thread.into();
        if let Some(conversation_id) = conversation_id {
            let isolated = self.isolated_blocks(&conversation_id)?;
            if let Some(block) = isolated.into_iter().find(|block| block.label == label) {
                return Ok(Some(block));
            }
        }
        self.first(
            "SELECT b.* FROM agent_blocks a JOIN blocks b ON b.id = a.block_id
             WHERE a.agent_id = ? AND b.label = ? AND b.deleted_at_ms IS NULL",
            [agent_id.as_str(), label],
            of_row,
        )
    }

    /// The blocks that are in the bin, or those that are not, in the order in which they were made.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn all_blocks(&self, deleted: bool) -> Result<Vec<Block>, StoreError> {
        self.all("SELECT * FROM blocks WHERE (deleted_at_ms IS NOT NULL) = ? ORDER BY key", [deleted], of_row)
    }

    /// The agents that a block is attached to, also those in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn agents_of_block(&self, id: &BlockId) -> Result<Vec<AgentId>, StoreError> {
        self.all("SELECT agent_id FROM agent_blocks WHERE block_id = ? ORDER BY key", [id.as_str()], |row| {
            row.get(0).map(AgentId)
        })
    }

    /// Which blocks outside the bin are attached to which agents, also to those in the bin; a block that no agent has
    /// is not among them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn block_attachments(&self) -> Result<Vec<(BlockId, AgentId)>, StoreError> {
        self.all(
            "SELECT a.block_id, a.agent_id FROM agent_blocks a JOIN blocks b ON b.id = a.block_id
             WHERE b.deleted_at_ms IS NULL ORDER BY a.key",
            [],
            |row| Ok((BlockId(row.get(0)?), AgentId(row.get(1)?))),
        )
    }

    /// The revisions of a block, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn block_revisions(&self, id: &BlockId) -> Result<Vec<BlockRevision>, StoreError> {
        self.all(
            &format!("{SELECT_REVISION} WHERE r.block_id = ? ORDER BY r.number DESC"),
            [id.as_str()],
            revision_of_row,
        )
    }

    /// The revision `number` of a block.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn block_revision(&self, id: &BlockId, number: i64) -> Result<Option<BlockRevision>, StoreError> {
        self.first(
            &format!("{SELECT_REVISION} WHERE r.block_id = ? AND r.number = ?"),
            params![id.as_str(), number],
            revision_of_row,
        )
    }

    /// The last revision of a block.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn latest_block_revision(&self, id: &BlockId) -> Result<Option<BlockRevision>, StoreError> {
        self.first(
            &format!("{SELECT_REVISION} WHERE r.block_id = ? ORDER BY r.number DESC LIMIT 1"),
            [id.as_str()],
            revision_of_row,
        )
    }

    /// The revisions written in `turns`, turn by turn, in the order in which they were written.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn block_revisions_of_turns(&self, turns: &[TurnId]) -> Result<Vec<BlockRevision>, StoreError> {
        let sql = format!("{SELECT_REVISION} WHERE r.turn_id = ? ORDER BY r.rowid");
        let mut revisions = Vec::new();
        for turn in turns {
            revisions.extend(self.all(&sql, [turn.as_str()], revision_of_row)?);
        }
        Ok(revisions)
    }
}

impl Writer<'_> {
    /// Adds a block, attached to no agent yet, and its revision 1.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id is taken.
    pub fn insert_block(&mut self, block: &Block, provenance: &Provenance) -> Result<BlockRevision, StoreError> {
        let name = ("block", block.id.as_str());
        self.insert(
            name,
            name,
            "INSERT INTO blocks (id, label, description, value, limit_chars, read_only, metadata, letta,
                                 created_at_ms, updated_at_ms, deleted_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                block.id.as_str(),
                block.label,
                block.description,
                block.value,
                limit_of(block),
                block.read_only,
                Json(&block.metadata),
                Json(&block.letta),
                block.created_at_ms,
                block.updated_at_ms,
                block.deleted_at_ms,
            ],
        )?;
        let revision = BlockRevision {
            block_id: block.id.clone(),
            number: 1,
            before: None,
            after: block.value.clone(),
            provenance: provenance.clone(),
            created_at_ms: block.created_at_ms,
        };
        self.insert_block_revision(&revision)?;
        Ok(revision)
    }

    /// Attaches a block to an agent, last in its prompt. It is no error when it is attached already.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when the agent has another block of that label; [`StoreError::NotFound`] when there is
    /// no such agent or block.
    pub fn attach_block(&mut self, agent_id: &AgentId, id: &BlockId) -> Result<(), StoreError> {
        let block = self.existing_block(id)?;
        if block.deleted_at_ms.is_none() {
            self.refuse_second_label(agent_id, &block)?;
        }
        if self.agents_of_block(id)?.contains(agent_id) {
            return Ok(());
        }
        self.insert(
            ("attached block", id.as_str()),
            ("agent", agent_id.as_str()),
            "INSERT INTO agent_blocks (agent_id, block_id) VALUES (?, ?)",
            [agent_id.as_str(), id.as_str()],
        )?;
        Ok(())
    }

    /// Attaches blocks that are not in the bin to an agent, in this order, last in its prompt: for many at once, whose
    /// labels are looked at once.
    ///
    /// # Errors
    /// As for [`Writer::attach_block`], and [`StoreError::Duplicate`] when one of them is attached already.
    pub fn attach_blocks(&mut self, agent_id: &AgentId, ids: &[BlockId]) -> Result<(), StoreError> {
        let mut labels: HashSet<String> =
            self.attached_blocks(agent_id)?.into_iter().map(|block| block.label).collect();
        for id in ids {
            let block = self.existing_block(id)?;
            if !labels.insert(block.label.clone()) {
                return Err(StoreError::Duplicate { what: "block with the label", id: block.label });
            }
            self.insert(
                ("attached block", id.as_str()),
                ("agent", agent_id.as_str()),
                "INSERT INTO agent_blocks (agent_id, block_id) VALUES (?, ?)",
                [agent_id.as_str(), id.as_str()],
            )?;
        }
        Ok(())
    }

    /// Detaches a block from an agent. It is no error when it is not attached.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn detach_block(&mut self, agent_id: &AgentId, id: &BlockId) -> Result<(), StoreError> {
        self.execute("DELETE FROM agent_blocks WHERE agent_id = ? AND block_id = ?", [agent_id.as_str(), id.as_str()])?;
        Ok(())
    }

    /// Writes a block's label, description, limit, read-only mark, metadata and time of change; its value has
    /// [`Writer::write_block_value`].
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when an agent has another block of the new label; [`StoreError::NotFound`] when there
    /// is no such block.
    pub fn update_block_meta(&mut self, block: &Block) -> Result<(), StoreError> {
        if self.existing_block(&block.id)?.deleted_at_ms.is_none() {
            self.refuse_second_label_anywhere(block)?;
        }
        self.change(
            ("block", block.id.as_str()),
            "UPDATE blocks SET label = ?, description = ?, limit_chars = ?, read_only = ?, metadata = ?,
                               letta = ?, updated_at_ms = ? WHERE id = ?",
            params![
                block.label,
                block.description,
                limit_of(block),
                block.read_only,
                Json(&block.metadata),
                Json(&block.letta),
                block.updated_at_ms,
                block.id.as_str(),
            ],
        )
    }

    /// Gives a block a value, and makes the revision that says so. Limits and read-only marks are the caller's business.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such block.
    pub fn write_block_value(
        &mut self,
        id: &BlockId,
        value: &str,
        provenance: &Provenance,
        at_ms: i64,
    ) -> Result<BlockRevision, StoreError> {
        let before = self.existing_block(id)?.value;
        self.execute(
            "UPDATE blocks SET value = ?, updated_at_ms = ? WHERE id = ?",
            params![value, at_ms, id.as_str()],
        )?;
        let last: i64 =
            self.value("SELECT COALESCE(MAX(number), 0) FROM block_revisions WHERE block_id = ?", [id.as_str()])?;
        let revision = BlockRevision {
            block_id: id.clone(),
            number: last + 1,
            before: Some(before),
            after: value.to_owned(),
            provenance: provenance.clone(),
            created_at_ms: at_ms,
        };
        self.insert_block_revision(&revision)?;
        Ok(revision)
    }

    /// Moves a block to the bin (with the time) or back (with `None`) to the agents that it was attached to.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when it comes back to an agent that has another block of its label by now;
    /// [`StoreError::NotFound`] when there is no such block.
    pub fn set_block_deleted(&mut self, id: &BlockId, at_ms: Option<i64>) -> Result<(), StoreError> {
        let block = self.existing_block(id)?;
        if at_ms.is_none() {
            self.refuse_second_label_anywhere(&block)?;
        }
        self.change(
            ("block", id.as_str()),
            "UPDATE blocks SET deleted_at_ms = ? WHERE id = ?",
            params![at_ms, id.as_str()],
        )
    }

    /// Removes a block and its revisions for good.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such block.
    pub fn purge_block(&mut self, id: &BlockId) -> Result<(), StoreError> {
        self.change(("block", id.as_str()), "DELETE FROM blocks WHERE id = ?", [id.as_str()])
    }

    fn existing_block(&self, id: &BlockId) -> Result<Block, StoreError> {
        self.block(id)?.ok_or_else(|| StoreError::NotFound { what: "block", id: id.to_string() })
    }

    fn refuse_second_label_anywhere(&self, block: &Block) -> Result<(), StoreError> {
        self.agents_of_block(&block.id)?.iter().try_for_each(|agent| self.refuse_second_label(agent, block))
    }

    fn refuse_second_label(&self, agent_id: &AgentId, block: &Block) -> Result<(), StoreError> {
        match self.block_by_label(agent_id, &block.label)? {
            Some(other) if other.id != block.id => {
                Err(StoreError::Duplicate { what: "block with the label", id: block.label.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn insert_block_revision(&mut self, revision: &BlockRevision) -> Result<(), StoreError> {
        let (actor, agent, turn, message, tool) = revision.provenance.values();
        self.execute(
            "INSERT INTO block_revisions (block_id, number, after, created_at_ms, actor, by_agent_id, turn_id,
                                          message_id, tool) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                revision.block_id.as_str(),
                revision.number,
                revision.after,
                revision.created_at_ms,
                actor,
                agent,
                turn,
                message,
                tool,
            ],
        )?;
        Ok(())
    }
}
