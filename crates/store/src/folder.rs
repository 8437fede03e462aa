//! Folders of files, which agents can open, search and read. Each has an archive of its own, in which the text of its
//! files lies in passages, so that files are searched as passages are.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::page::{Listing, Page};
use crate::sql::{Json, Reader, Writer};
use crate::{AgentId, Archive, ArchiveId, ArchiveKind, FileId, FolderId, StoreError};

/// One folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Folder {
    /// Its id.
    pub id: FolderId,
    /// Its name; unique among the folders that are not in the bin.
    pub name: String,
    /// What is in it, told to agents.
    pub description: String,
    /// How agents are to use it, told to them.
    pub instructions: String,
    /// What clients of Letta's API set and only they read, as a JSON object.
    pub letta: Value,
    /// Where the text of its files lies.
    pub archive_id: ArchiveId,
    /// When it was created.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When it was moved to the bin, with its files.
    pub deleted_at_ms: Option<i64>,
}

/// Which folders are listed; those in the bin never are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FolderListing {
    /// Of exactly this name.
    pub name: Option<String>,
    /// Attached to this agent.
    pub agent_id: Option<AgentId>,
    /// Which part.
    pub page: Page,
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE folders (
    key           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    description   TEXT NOT NULL,
    instructions  TEXT NOT NULL,
    letta         TEXT NOT NULL,
    archive_id    TEXT NOT NULL REFERENCES archives (id) ON DELETE CASCADE,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    deleted_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX folders_by_name ON folders (name) WHERE deleted_at_ms IS NULL;
CREATE INDEX folders_of_archive ON folders (archive_id);

CREATE TABLE folder_agents (
    key       INTEGER PRIMARY KEY,
    folder_id TEXT NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
    agent_id  TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    UNIQUE (folder_id, agent_id)
) STRICT;
CREATE INDEX folders_of_agent ON folder_agents (agent_id);
";

pub(crate) fn of_row(row: &Row<'_>) -> rusqlite::Result<Folder> {
    Ok(Folder {
        id: FolderId(row.get("id")?),
        name: row.get("name")?,
        description: row.get("description")?,
        instructions: row.get("instructions")?,
        letta: row.get::<_, Json<_>>("letta")?.0,
        archive_id: ArchiveId(row.get("archive_id")?),
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
        deleted_at_ms: row.get("deleted_at_ms")?,
    })
}

impl Reader<'_> {
    /// The folder called `id`, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn folder(&self, id: &FolderId) -> Result<Option<Folder>, StoreError> {
        self.first("SELECT * FROM folders WHERE id = ?", [id.as_str()], of_row)
    }

    /// A part of the folders that `listing` means.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_folders(&self, listing: &FolderListing) -> Result<Vec<Folder>, StoreError> {
        let FolderListing { name, agent_id, page } = listing;
        let mut asked = Listing::of("folders", "key").and("deleted_at_ms IS NULL");
        if let Some(name) = name {
            asked = asked.and_is("name", name);
        }
        if let Some(agent_id) = agent_id {
            let attached = "id IN (SELECT folder_id FROM folder_agents WHERE agent_id = ?)";
            asked = asked.and_with(attached, agent_id.to_string());
        }
        self.page(asked, page, of_row)
    }

    /// The folders attached to an agent that are not in the bin, in the order in which they were attached.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn folders_of(&self, agent_id: &AgentId) -> Result<Vec<Folder>, StoreError> {
        self.all(
            "SELECT folders.* FROM folder_agents JOIN folders ON folders.id = folder_id
             WHERE agent_id = ? AND deleted_at_ms IS NULL ORDER BY folder_agents.key",
            [agent_id.as_str()],
            of_row,
        )
    }

    /// The agents that a folder is attached to, also those in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn agents_of_folder(&self, id: &FolderId) -> Result<Vec<AgentId>, StoreError> {
        let sql = "SELECT agent_id FROM folder_agents WHERE folder_id = ? ORDER BY key";
        self.all(sql, [id.as_str()], |row| row.get(0).map(AgentId))
    }
}

impl Writer<'_> {
    /// Adds a folder and its archive.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when an id or the name is taken.
    pub fn insert_folder(&mut self, folder: &Folder) -> Result<(), StoreError> {
        self.refuse_second_folder(folder)?;
        self.insert_archive(&Archive {
            id: folder.archive_id.clone(),
            name: folder.name.clone(),
            description: String::new(),
            kind: ArchiveKind::Folder,
            letta: json!({}),
            agent_id: None,
            created_at_ms: folder.created_at_ms,
            updated_at_ms: folder.created_at_ms,
            deleted_at_ms: None,
        })?;
        let name = ("folder", folder.id.as_str());
        self.insert(
            name,
            name,
            "INSERT INTO folders (id, name, description, instructions, letta, archive_id, created_at_ms,
                                  updated_at_ms, deleted_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                folder.id.as_str(),
                folder.name,
                folder.description,
                folder.instructions,
                Json(&folder.letta),
                folder.archive_id.as_str(),
                folder.created_at_ms,
                folder.updated_at_ms,
                folder.deleted_at_ms,
            ],
        )?;
        Ok(())
    }

    /// Writes a folder's name, description, instructions, what clients keep with it, and the time of change.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when another has the new name; [`StoreError::NotFound`] when there is no such folder.
    pub fn update_folder(&mut self, folder: &Folder) -> Result<(), StoreError> {
        self.refuse_second_folder(folder)?;
        self.change(
            ("folder", folder.id.as_str()),
            "UPDATE folders SET name = ?, description = ?, instructions = ?, letta = ?, updated_at_ms = ? WHERE id = ?",
            params![
                folder.name,
                folder.description,
                folder.instructions,
                Json(&folder.letta),
                folder.updated_at_ms,
                folder.id.as_str(),
            ],
        )
    }

    /// Moves a folder with its files to the bin, or back what went there with it.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when it comes back while another has its name; [`StoreError::NotFound`] when there is no
    /// such folder.
    pub fn set_folder_deleted(&mut self, id: &FolderId, at_ms: Option<i64>) -> Result<(), StoreError> {
        let folder = self.folder(id)?.ok_or_else(|| StoreError::NotFound { what: "folder", id: id.to_string() })?;
        if at_ms.is_none() {
            self.refuse_second_folder(&folder)?;
        }
        self.set_archive_deleted(&folder.archive_id, at_ms)?;
        let (from, to) = (folder.deleted_at_ms, at_ms);
        self.execute(
            "UPDATE files SET deleted_at_ms = ? WHERE folder_id = ? AND deleted_at_ms IS ?",
            params![to, id.as_str(), from],
        )?;
        self.change(
            ("folder", id.as_str()),
            "UPDATE folders SET deleted_at_ms = ? WHERE id = ?",
            params![at_ms, id.as_str()],
        )
    }

    /// Attaches a folder to an agent. It is no error when it is attached already.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such agent or folder.
    pub fn attach_folder(&mut self, agent_id: &AgentId, id: &FolderId) -> Result<(), StoreError> {
        if self.folder(id)?.is_none() {
            return Err(StoreError::NotFound { what: "folder", id: id.to_string() });
        }
        if self.agents_of_folder(id)?.contains(agent_id) {
            return Ok(());
        }
        self.insert(
            ("attached folder", id.as_str()),
            ("agent", agent_id.as_str()),
            "INSERT INTO folder_agents (folder_id, agent_id) VALUES (?, ?)",
            [id.as_str(), agent_id.as_str()],
        )?;
        Ok(())
    }

    /// Detaches a folder from an agent, and closes its files for it. It is no error when it is not attached.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn detach_folder(&mut self, agent_id: &AgentId, id: &FolderId) -> Result<(), StoreError> {
        let both = [agent_id.as_str(), id.as_str()];
        self.execute(
            "DELETE FROM file_views WHERE agent_id = ? AND file_id IN (SELECT id FROM files WHERE folder_id = ?)",
            both,
        )?;
        self.execute("DELETE FROM folder_agents WHERE agent_id = ? AND folder_id = ?", both)?;
        Ok(())
    }

    /// Moves a file to the bin, with its passages.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such file.
    pub fn delete_file(&mut self, id: &FileId, at_ms: i64) -> Result<(), StoreError> {
        let passages = self.all(
            "SELECT id FROM passages WHERE file_id = ? AND deleted_at_ms IS NULL ORDER BY key",
            [id.as_str()],
            |row| row.get(0).map(crate::PassageId),
        )?;
        passages.iter().try_for_each(|passage| self.set_passage_deleted(passage, Some(at_ms)))?;
        self.execute("DELETE FROM file_views WHERE file_id = ?", [id.as_str()])?;
        self.change(
            ("file", id.as_str()),
            "UPDATE files SET deleted_at_ms = ? WHERE id = ?",
            params![at_ms, id.as_str()],
        )
    }

    fn refuse_second_folder(&self, folder: &Folder) -> Result<(), StoreError> {
        let named = FolderListing { name: Some(folder.name.clone()), ..FolderListing::default() };
        match self.list_folders(&named)?.first() {
            Some(other) if other.id != folder.id => {
                Err(StoreError::Duplicate { what: "folder with the name", id: folder.name.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }
}
