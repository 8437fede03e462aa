//! Folders and their files, out of the store and into it. A file is its text, which is cut into passages as that of an
//! upload is.

use std::collections::{HashMap, HashSet};

use resident_agent_file::{self as graph, AgentFile, Extra, IdKind};
use resident_memory::files::{self, NewFile};
use resident_store::{AgentId, ArchiveId, FileListing, Folder, FolderFile, FolderListing, Provenance, Reader, Writer};
use serde_json::Value;

use super::memory::without_nulls;
use super::ours::object;
use super::plan::Names;
use crate::api::ApiError;
use crate::documents::media_type;

/// Keys under which clients' metadata and the name of an upload lie among what clients set.
const METADATA: &str = "metadata";
const ORIGINAL_NAME: &str = "original_file_name";

/// Adds the folders of an agent to `file`, with their files, and to `agent` what it has open of them.
pub(super) fn add(
    reader: &Reader<'_>,
    agent_id: &AgentId,
    agent: &mut graph::Agent,
    file: &mut AgentFile,
) -> Result<(), ApiError> {
    let mut listed: HashSet<String> = file.folders.iter().map(|folder| folder.id.clone()).collect();
    for folder in reader.folders_of(agent_id)? {
        agent.folder_ids.push(folder.id.0.clone());
        if !listed.insert(folder.id.0.clone()) {
            continue;
        }
        let listing = FileListing { folder_id: Some(folder.id.clone()), ..FileListing::default() };
        for row in reader.list_files(&listing)? {
            let text = reader.file_text(&row.id)?;
            file.files.push(file_of(row, text));
        }
        file.folders.push(folder_of(folder));
    }
    let opened = reader.files_of(agent_id)?.into_iter().filter(|view| view.accessed_at_ms.is_some());
    agent.file_views = opened
        .map(|view| graph::FileView {
            file_name: view.path(),
            file_id: view.file.id.0,
            open: view.open,
            visible_content: None,
            extra: Extra::new(),
        })
        .collect();
    Ok(())
}

fn folder_of(row: Folder) -> graph::Folder {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let mut extra = without_nulls(row.letta);
    graph::Folder {
        id: row.id.0,
        name: row.name,
        description: some(row.description),
        instructions: some(row.instructions),
        metadata: object(extra.shift_remove(METADATA).unwrap_or_default()),
        extra,
    }
}

fn file_of(row: FolderFile, text: Option<String>) -> graph::File {
    let mut extra = without_nulls(row.letta);
    let original = extra.shift_remove(ORIGINAL_NAME);
    graph::File {
        id: row.id.0,
        folder_id: row.folder_id.0,
        name: row.name,
        original_name: original.and_then(|name| name.as_str().map(str::to_owned)),
        file_type: Some(row.file_type),
        size_bytes: u64::try_from(row.size_bytes).ok(),
        content: text,
        extra,
    }
}

/// Writes the folders that agents have, with their files. Names that are taken get a number; files have the ids that the
/// store gives them from then on, in `file`, too.
pub(super) fn write(writer: &mut Writer<'_>, file: &mut AgentFile, now_ms: i64) -> Result<(), ApiError> {
    let wanted: HashSet<&str> =
        file.agents.iter().flat_map(|agent| agent.folder_ids.iter().map(String::as_str)).collect();
    let known = writer.list_folders(&FolderListing::default())?;
    let mut folder_names = Names::taken(known.into_iter().map(|folder| folder.name));
    let mut by_folder: HashMap<&str, Vec<&graph::File>> = HashMap::new();
    file.files.iter().for_each(|from| by_folder.entry(&from.folder_id).or_default().push(from));
    let mut renamed: HashMap<String, String> = HashMap::new();
    for folder in file.folders.iter().filter(|folder| wanted.contains(folder.id.as_str())) {
        let row = folder_row(folder, folder_names.free(&folder.name), now_ms);
        writer.insert_folder(&row)?;
        let mut names = Names::default();
        for from in by_folder.remove(folder.id.as_str()).unwrap_or_default() {
            let new = new_file(from, &row, names.free(&from.name));
            let (added, _) = files::add(writer, new, &Provenance::system("import"), now_ms)?;
            renamed.insert(from.id.clone(), added.id.0);
        }
    }
    file.rename(|kind, id| match kind {
        IdKind::File => renamed.get(id).cloned().unwrap_or_else(|| id.to_owned()),
        _ => id.to_owned(),
    });
    Ok(())
}

fn folder_row(folder: &graph::Folder, name: String, now_ms: i64) -> Folder {
    let mut letta = folder.extra.clone();
    if !folder.metadata.is_empty() {
        letta.insert(METADATA.to_owned(), Value::Object(folder.metadata.clone()));
    }
    Folder {
        id: folder.id.as_str().into(),
        name,
        description: folder.description.clone().unwrap_or_default(),
        instructions: folder.instructions.clone().unwrap_or_default(),
        letta: Value::Object(letta),
        archive_id: ArchiveId::new(),
        created_at_ms: now_ms,
        updated_at_ms: now_ms,
        deleted_at_ms: None,
    }
}

fn new_file(from: &graph::File, folder: &Folder, name: String) -> NewFile {
    let text = from.content.clone().unwrap_or_default();
    let mut letta = from.extra.clone();
    if let Some(original) = &from.original_name {
        letta.insert(ORIGINAL_NAME.to_owned(), original.clone().into());
    }
    NewFile {
        folder_id: folder.id.clone(),
        file_type: from.file_type.clone().unwrap_or_else(|| media_type(&name, None)),
        name,
        size_bytes: from.size_bytes.and_then(|size| usize::try_from(size).ok()).unwrap_or(text.len()),
        text,
        letta: Value::Object(letta),
    }
}
