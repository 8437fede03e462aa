//! Archives: where passages lie. Each agent that ever saved a passage has one of its own; an archive may be shared by
//! several agents, and belong to none. What an agent remembers are the passages of all archives attached to it; what it
//! saves goes to the first of them. The text of a folder's files lies in an archive of another kind, which is nobody's
//! archival memory.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::page::{Listing, Page};
use crate::sql::{Json, Reader, Word, Writer};
use crate::{AgentId, ArchiveId, PassageId, StoreError, VectorGroup};

/// What an archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveKind {
    /// What agents and people saved.
    Passages,
    /// The text of a folder's files.
    Folder,
}

/// One archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Archive {
    /// Its id.
    pub id: ArchiveId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it holds.
    pub kind: ArchiveKind,
    /// What clients of Letta's API set and only they read, as a JSON object.
    pub letta: Value,
    /// The agent whose own archive it is.
    pub agent_id: Option<AgentId>,
    /// When it was created.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When it was moved to the bin, with its passages.
    pub deleted_at_ms: Option<i64>,
}

/// Which archives of passages are listed; those in the bin never are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArchiveListing {
    /// Attached to this agent.
    pub agent_id: Option<AgentId>,
    /// Of exactly this name.
    pub name: Option<String>,
    /// Which part.
    pub page: Page,
}

/// Where passages are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassageScope {
    /// In the archival memory of an agent: all archives attached to it.
    Agent(AgentId),
    /// In one archive, in the bin or not.
    Archive(ArchiveId),
    /// In the files of the folders attached to an agent.
    FilesOf(AgentId),
    /// In every archive of passages.
    Everywhere,
}

impl From<&AgentId> for PassageScope {
    fn from(agent_id: &AgentId) -> Self {
        Self::Agent(agent_id.clone())
    }
}

impl From<&ArchiveId> for PassageScope {
    fn from(archive_id: &ArchiveId) -> Self {
        Self::Archive(archive_id.clone())
    }
}

impl From<&Self> for PassageScope {
    fn from(scope: &Self) -> Self {
        scope.clone()
    }
}

impl ArchiveId {
    /// The id of the archive that an agent has of its own, unless that was deleted and it has another by now.
    pub fn own_of(agent_id: &AgentId) -> Self {
        Self(agent_id.as_str().replacen("agent-", "archive-", 1))
    }
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE archives (
    key           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    description   TEXT NOT NULL,
    kind          TEXT NOT NULL,
    letta         TEXT NOT NULL,
    agent_id      TEXT REFERENCES agents (id) ON DELETE SET NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    deleted_at_ms INTEGER
) STRICT;
CREATE INDEX archives_of_owner ON archives (agent_id) WHERE agent_id IS NOT NULL;

CREATE TABLE agent_archives (
    key        INTEGER PRIMARY KEY,
    agent_id   TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    archive_id TEXT NOT NULL REFERENCES archives (id) ON DELETE CASCADE,
    UNIQUE (agent_id, archive_id)
) STRICT;
CREATE INDEX agents_of_archive ON agent_archives (archive_id);

INSERT INTO archives (id, name, description, kind, letta, agent_id, created_at_ms, updated_at_ms)
SELECT REPLACE(id, 'agent-', 'archive-'), name, '', 'passages', '{}', id, created_at_ms, created_at_ms FROM agents
WHERE id IN (SELECT agent_id FROM passages) ORDER BY key;
INSERT INTO agent_archives (agent_id, archive_id) SELECT agent_id, id FROM archives ORDER BY key;
";

fn of_row(row: &Row<'_>) -> rusqlite::Result<Archive> {
    Ok(Archive {
        id: ArchiveId(row.get("id")?),
        name: row.get("name")?,
        description: row.get("description")?,
        kind: row.get::<_, Word<_>>("kind")?.0,
        letta: row.get::<_, Json<_>>("letta")?.0,
        agent_id: row.get::<_, Option<String>>("agent_id")?.map(AgentId),
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
        deleted_at_ms: row.get("deleted_at_ms")?,
    })
}

impl Reader<'_> {
    /// The archive called `id`, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn archive(&self, id: &ArchiveId) -> Result<Option<Archive>, StoreError> {
        self.first("SELECT * FROM archives WHERE id = ?", [id.as_str()], of_row)
    }

    /// A part of the archives of passages that `listing` means.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_archives(&self, listing: &ArchiveListing) -> Result<Vec<Archive>, StoreError> {
        let ArchiveListing { agent_id, name, page } = listing;
        let mut asked = Listing::of("archives", "key").and("deleted_at_ms IS NULL AND kind = 'passages'");
        if let Some(agent_id) = agent_id {
            let attached = "id IN (SELECT archive_id FROM agent_archives WHERE agent_id = ?)";
            asked = asked.and_with(attached, agent_id.to_string());
        }
        if let Some(name) = name {
            asked = asked.and_is("name", name);
        }
        self.page(asked, page, of_row)
    }

    /// The archives that are looked through for a scope, in the order in which they were attached or made.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn archives_in(&self, scope: &PassageScope) -> Result<Vec<ArchiveId>, StoreError> {
        let id = |row: &Row<'_>| row.get(0).map(ArchiveId);
        match scope {
            PassageScope::Archive(archive_id) => Ok(vec![archive_id.clone()]),
            PassageScope::Agent(agent_id) => self.all(
                "SELECT archives.id FROM agent_archives JOIN archives ON archives.id = archive_id
                 WHERE agent_archives.agent_id = ? AND deleted_at_ms IS NULL AND kind = 'passages'
                 ORDER BY agent_archives.key",
                [agent_id.as_str()],
                id,
            ),
            PassageScope::FilesOf(agent_id) => {
                Ok(self.folders_of(agent_id)?.into_iter().map(|folder| folder.archive_id).collect())
            }
            PassageScope::Everywhere => {
                let sql = "SELECT id FROM archives WHERE deleted_at_ms IS NULL AND kind = 'passages' ORDER BY key";
                self.all(sql, [], id)
            }
        }
    }

    /// The archives in the bin, of either kind.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn archives_in_bin(&self) -> Result<Vec<ArchiveId>, StoreError> {
        let sql = "SELECT id FROM archives WHERE deleted_at_ms IS NOT NULL ORDER BY key";
        self.all(sql, [], |row| row.get(0).map(ArchiveId))
    }

    /// The agents that an archive is attached to, also those in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn agents_of_archive(&self, id: &ArchiveId) -> Result<Vec<AgentId>, StoreError> {
        let sql = "SELECT agent_id FROM agent_archives WHERE archive_id = ? ORDER BY key";
        self.all(sql, [id.as_str()], |row| row.get(0).map(AgentId))
    }
}

impl Writer<'_> {
    /// Adds an archive, attached to no agent yet.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id is taken, [`StoreError::NotFound`] when its owner is not there.
    pub fn insert_archive(&mut self, archive: &Archive) -> Result<(), StoreError> {
        self.insert(
            ("archive", archive.id.as_str()),
            ("agent", archive.agent_id.as_ref().map_or("", AgentId::as_str)),
            "INSERT INTO archives (id, name, description, kind, letta, agent_id, created_at_ms, updated_at_ms,
                                   deleted_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                archive.id.as_str(),
                archive.name,
                archive.description,
                Word(archive.kind),
                Json(&archive.letta),
                archive.agent_id.as_ref().map(AgentId::as_str),
                archive.created_at_ms,
                archive.updated_at_ms,
                archive.deleted_at_ms,
            ],
        )?;
        Ok(())
    }

    /// Writes an archive's name, description, what clients keep with it, and the time of change.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such archive.
    pub fn update_archive(&mut self, archive: &Archive) -> Result<(), StoreError> {
        self.change(
            ("archive", archive.id.as_str()),
            "UPDATE archives SET name = ?, description = ?, letta = ?, updated_at_ms = ? WHERE id = ?",
            params![
                archive.name,
                archive.description,
                Json(&archive.letta),
                archive.updated_at_ms,
                archive.id.as_str(),
            ],
        )
    }

    /// Attaches an archive to an agent. It is no error when it is attached already.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such agent or archive.
    pub fn attach_archive(&mut self, agent_id: &AgentId, id: &ArchiveId) -> Result<(), StoreError> {
        self.existing_archive(id)?;
        if self.agents_of_archive(id)?.contains(agent_id) {
            return Ok(());
        }
        self.insert(
            ("attached archive", id.as_str()),
            ("agent", agent_id.as_str()),
            "INSERT INTO agent_archives (agent_id, archive_id) VALUES (?, ?)",
            [agent_id.as_str(), id.as_str()],
        )?;
        Ok(())
    }

    /// Detaches an archive from an agent. It is no error when it is not attached.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn detach_archive(&mut self, agent_id: &AgentId, id: &ArchiveId) -> Result<(), StoreError> {
        let sql = "DELETE FROM agent_archives WHERE agent_id = ? AND archive_id = ?";
        self.execute(sql, [agent_id.as_str(), id.as_str()])?;
        Ok(())
    }

    /// The archive that takes what `agent_id` saves: the first attached to it, or else one of its own, made now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such agent.
    pub fn default_archive(&mut self, agent_id: &AgentId, now_ms: i64) -> Result<ArchiveId, StoreError> {
        if let Some(first) = self.archives_in(&agent_id.into())?.into_iter().next() {
            return Ok(first);
        }
        let agent = self.agent(agent_id)?;
        let agent = agent.ok_or_else(|| StoreError::NotFound { what: "agent", id: agent_id.to_string() })?;
        let own = ArchiveId::own_of(agent_id);
        // One that was detached or deleted is not brought back with what was in it.
        let id = if self.archive(&own)?.is_none() { own } else { ArchiveId::new() };
        self.insert_archive(&Archive {
            id: id.clone(),
            name: agent.name,
            description: String::new(),
            kind: ArchiveKind::Passages,
            letta: json!({}),
            agent_id: Some(agent_id.clone()),
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            deleted_at_ms: None,
        })?;
        self.attach_archive(agent_id, &id)?;
        Ok(id)
    }

    /// Moves an archive and its passages to the bin, or back what went there with it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such archive.
    pub fn set_archive_deleted(&mut self, id: &ArchiveId, at_ms: Option<i64>) -> Result<(), StoreError> {
        let archive = self.existing_archive(id)?;
        match (at_ms, archive.deleted_at_ms) {
            (Some(at_ms), None) => {
                self.forget_passage_words(id)?;
                self.note_passages_binned(id)?;
                self.execute(
                    "UPDATE passages SET deleted_at_ms = ? WHERE archive_id = ? AND deleted_at_ms IS NULL",
                    params![at_ms, id.as_str()],
                )?;
            }
            (None, Some(went_ms)) => {
                let ids = self.all(
                    "SELECT id FROM passages WHERE archive_id = ? AND deleted_at_ms = ? ORDER BY key",
                    params![id.as_str(), went_ms],
                    |row| row.get(0).map(PassageId),
                )?;
                ids.iter().try_for_each(|id| self.set_passage_deleted(id, None))?;
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        self.change(
            ("archive", id.as_str()),
            "UPDATE archives SET deleted_at_ms = ? WHERE id = ?",
            params![at_ms, id.as_str()],
        )
    }

    /// Removes an archive and its passages for good.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such archive.
    pub fn purge_archive(&mut self, id: &ArchiveId) -> Result<(), StoreError> {
        self.forget_passage_words(id)?;
        self.note_group_purged(&VectorGroup::PassagesIn(id.clone()))?;
        self.change(("archive", id.as_str()), "DELETE FROM archives WHERE id = ?", [id.as_str()])
    }

    /// Removes the archives that `agent_id` has of its own and shares with nobody.
    pub(crate) fn purge_own_archives(&mut self, agent_id: &AgentId) -> Result<(), StoreError> {
        let own = self.all(
            "SELECT id FROM archives WHERE agent_id = ?1
             AND NOT EXISTS (SELECT 1 FROM agent_archives WHERE archive_id = archives.id AND agent_id <> ?1)",
            [agent_id.as_str()],
            |row| row.get(0).map(ArchiveId),
        )?;
        own.iter().try_for_each(|id| self.purge_archive(id))
    }

    fn existing_archive(&self, id: &ArchiveId) -> Result<Archive, StoreError> {
        self.archive(id)?.ok_or_else(|| StoreError::NotFound { what: "archive", id: id.to_string() })
    }
}
