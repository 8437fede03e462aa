//! Files of folders, and what each agent has open of them. A file is its text: what it was made from (a PDF, say) is not
//! kept. The text is long, so that it is read by itself and not with every list.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::page::{Listing, Page};
use crate::sql::{Json, Reader, Writer, row_limit};
use crate::{AgentId, FileId, FolderId, StoreError};

/// One file, without its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FolderFile {
    /// Its id.
    pub id: FileId,
    /// Its folder.
    pub folder_id: FolderId,
    /// Its name; unique among the files of its folder that are not in the bin.
    pub name: String,
    /// Its media type, such as `text/markdown`.
    pub file_type: String,
    /// The size of what was uploaded.
    pub size_bytes: i64,
    /// What clients of Letta's API set and only they read, as a JSON object.
    pub letta: Value,
    /// When it was created.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When it was moved to the bin.
    pub deleted_at_ms: Option<i64>,
}

/// A file as an agent sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct FileView {
    /// The file.
    pub file: FolderFile,
    /// The name of its folder.
    pub folder_name: String,
    /// Whether it is open, so that its text stands in the prompt.
    pub open: bool,
    /// The first line that is shown, counted from 0.
    pub first_line: usize,
    /// How many lines are shown; all that follow when `None`.
    pub lines: Option<usize>,
    /// When the agent last opened it.
    pub accessed_at_ms: Option<i64>,
}

impl FileView {
    /// The name by which agents call the file: its folder's and its own.
    pub fn path(&self) -> String {
        format!("{}/{}", self.folder_name, self.file.name)
    }
}

/// Which files are listed; those in the bin never are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileListing {
    /// Of which folder.
    pub folder_id: Option<FolderId>,
    /// Of exactly this name.
    pub name: Option<String>,
    /// Which part.
    pub page: Page,
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE files (
    key           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    folder_id     TEXT NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    file_type     TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    letta         TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    deleted_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX files_by_name ON files (folder_id, name) WHERE deleted_at_ms IS NULL;

CREATE TABLE file_texts (
    file_id TEXT NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
    text    TEXT NOT NULL
) STRICT;

CREATE TABLE file_views (
    agent_id       TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    file_id        TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    open           INTEGER NOT NULL,
    first_line     INTEGER NOT NULL,
    lines          INTEGER,
    accessed_at_ms INTEGER NOT NULL,
    PRIMARY KEY (agent_id, file_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX views_of_file ON file_views (file_id);
";

fn of_row(row: &Row<'_>) -> rusqlite::Result<FolderFile> {
    Ok(FolderFile {
        id: FileId(row.get("id")?),
        folder_id: FolderId(row.get("folder_id")?),
        name: row.get("name")?,
        file_type: row.get("file_type")?,
        size_bytes: row.get("size_bytes")?,
        letta: row.get::<_, Json<_>>("letta")?.0,
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
        deleted_at_ms: row.get("deleted_at_ms")?,
    })
}

fn view_of_row(row: &Row<'_>) -> rusqlite::Result<FileView> {
    let count = |number: i64| usize::try_from(number).unwrap_or_default();
    Ok(FileView {
        file: of_row(row)?,
        folder_name: row.get("folder_name")?,
        open: row.get::<_, Option<bool>>("open")?.unwrap_or(false),
        first_line: row.get::<_, Option<i64>>("first_line")?.map_or(0, count),
        lines: row.get::<_, Option<i64>>("lines")?.map(count),
        accessed_at_ms: row.get("accessed_at_ms")?,
    })
}

impl Reader<'_> {
    /// The file called `id`, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn file(&self, id: &FileId) -> Result<Option<FolderFile>, StoreError> {
        self.first("SELECT * FROM files WHERE id = ?", [id.as_str()], of_row)
    }

    /// The text of a file, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn file_text(&self, id: &FileId) -> Result<Option<String>, StoreError> {
        self.first("SELECT text FROM file_texts WHERE file_id = ?", [id.as_str()], |row| row.get(0))
    }

    /// A part of the files that `listing` means.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_files(&self, listing: &FileListing) -> Result<Vec<FolderFile>, StoreError> {
        let FileListing { folder_id, name, page } = listing;
        let mut asked = Listing::of("files", "key").and("deleted_at_ms IS NULL");
        if let Some(folder_id) = folder_id {
            asked = asked.and_is("folder_id", folder_id.as_str());
        }
        if let Some(name) = name {
            asked = asked.and_is("name", name);
        }
        self.page(asked, page, of_row)
    }

    /// The files of the folders attached to an agent, in the order of the folders and then of their making, each with
    /// what the agent has open of it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn files_of(&self, agent_id: &AgentId) -> Result<Vec<FileView>, StoreError> {
        self.all(
            "SELECT files.*, folders.name AS folder_name, open, first_line, lines, accessed_at_ms
             FROM folder_agents JOIN folders ON folders.id = folder_agents.folder_id
             JOIN files ON files.folder_id = folders.id
             LEFT JOIN file_views ON file_views.file_id = files.id AND file_views.agent_id = folder_agents.agent_id
             WHERE folder_agents.agent_id = ? AND folders.deleted_at_ms IS NULL AND files.deleted_at_ms IS NULL
             ORDER BY folder_agents.key, files.key",
            [agent_id.as_str()],
            view_of_row,
        )
    }
}

impl Writer<'_> {
    /// Adds a file with its text.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id is taken, or its name in its folder; [`StoreError::NotFound`] when the folder
    /// is not there.
    pub fn insert_file(&mut self, file: &FolderFile, text: &str) -> Result<(), StoreError> {
        let (folder_id, name) = (Some(file.folder_id.clone()), Some(file.name.clone()));
        if !self.list_files(&FileListing { folder_id, name, ..FileListing::default() })?.is_empty() {
            return Err(StoreError::Duplicate { what: "file with the name", id: file.name.clone() });
        }
        self.insert(
            ("file", file.id.as_str()),
            ("folder", file.folder_id.as_str()),
            "INSERT INTO files (id, folder_id, name, file_type, size_bytes, letta, created_at_ms, updated_at_ms,
                                deleted_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                file.id.as_str(),
                file.folder_id.as_str(),
                file.name,
                file.file_type,
                file.size_bytes,
                Json(&file.letta),
                file.created_at_ms,
                file.updated_at_ms,
                file.deleted_at_ms,
            ],
        )?;
        self.execute("INSERT INTO file_texts (file_id, text) VALUES (?, ?)", [file.id.as_str(), text])?;
        Ok(())
    }

    /// Opens lines of a file for an agent, in the place of those that were open of it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such agent or file.
    pub fn open_file(
        &mut self,
        agent_id: &AgentId,
        id: &FileId,
        (first_line, lines): (usize, Option<usize>),
        at_ms: i64,
    ) -> Result<(), StoreError> {
        if self.file(id)?.is_none() {
            return Err(StoreError::NotFound { what: "file", id: id.to_string() });
        }
        self.execute("DELETE FROM file_views WHERE agent_id = ? AND file_id = ?", [agent_id.as_str(), id.as_str()])?;
        self.insert(
            ("open file", id.as_str()),
            ("agent", agent_id.as_str()),
            "INSERT INTO file_views (agent_id, file_id, open, first_line, lines, accessed_at_ms)
             VALUES (?, ?, 1, ?, ?, ?)",
            params![agent_id.as_str(), id.as_str(), row_limit(first_line), lines.map(row_limit), at_ms],
        )?;
        Ok(())
    }

    /// Closes a file for an agent. It is no error when it is not open.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn close_file(&mut self, agent_id: &AgentId, id: &FileId) -> Result<(), StoreError> {
        let sql = "UPDATE file_views SET open = 0 WHERE agent_id = ? AND file_id = ?";
        self.execute(sql, [agent_id.as_str(), id.as_str()])?;
        Ok(())
    }

    /// Closes all files of an agent but the `kept` that it opened last, and says which those were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn close_files_but(&mut self, agent_id: &AgentId, kept: usize) -> Result<Vec<FileId>, StoreError> {
        let closed = self.all(
            "SELECT file_id FROM file_views WHERE agent_id = ? AND open ORDER BY accessed_at_ms DESC, file_id
             LIMIT -1 OFFSET ?",
            params![agent_id.as_str(), row_limit(kept)],
            |row| row.get(0).map(FileId),
        )?;
        closed.iter().try_for_each(|id| self.close_file(agent_id, id))?;
        Ok(closed)
    }
}
