//! Files of folders: the text is kept whole for reading, and in chunks, as passages of the folder's archive, for
//! searching.

use resident_store::{AgentId, FileId, FolderFile, FolderId, Passage, Provenance, StoreError, Writer};
use serde_json::Value;

use crate::{EditContext, MemoryError, NewPassages, archival, clean};

/// A file to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFile {
    /// Its folder.
    pub folder_id: FolderId,
    /// Its name.
    pub name: String,
    /// Its media type.
    pub file_type: String,
    /// The size of what was uploaded.
    pub size_bytes: usize,
    /// Its text.
    pub text: String,
    /// See [`FolderFile::letta`].
    pub letta: Value,
}

/// Adds a file to its folder and returns it with its passages. An empty file has none.
///
/// # Errors
/// When there is no such folder, or it has a file of that name.
pub fn add(
    w: &mut Writer<'_>,
    new: NewFile,
    provenance: &Provenance,
    now_ms: i64,
) -> Result<(FolderFile, Vec<Passage>), MemoryError> {
    let NewFile { folder_id, name, file_type, size_bytes, text, letta } = new;
    let folder = w.folder(&folder_id)?.filter(|folder| folder.deleted_at_ms.is_none());
    let folder = folder.ok_or(StoreError::NotFound { what: "folder", id: folder_id.0 })?;
    let text = clean(&text);
    let file = FolderFile {
        id: FileId::new(),
        folder_id: folder.id,
        name,
        file_type,
        size_bytes: i64::try_from(size_bytes).unwrap_or(i64::MAX),
        letta,
        created_at_ms: now_ms,
        updated_at_ms: now_ms,
        deleted_at_ms: None,
    };
    w.insert_file(&file, &text)?;
    if text.trim().is_empty() {
        return Ok((file, Vec::new()));
    }
    // A folder belongs to no agent.
    let nobody = AgentId(String::new());
    let edit = EditContext::new(&nobody, provenance, now_ms);
    let new = NewPassages {
        text,
        archive_id: Some(folder.archive_id),
        file_id: Some(file.id.clone()),
        document: Some(file.name.clone()),
        ..NewPassages::default()
    };
    let passages = archival::insert(w, &edit, new)?;
    Ok((file, passages))
}
