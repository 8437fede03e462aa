//! Folders of files, and what agents have open of them.

use resident_memory::files::{self, NewFile};
use resident_store::{
    Agent, ArchiveId, FileId, FileListing, FileView, Folder, FolderFile, FolderId, FolderListing, Provenance,
};
use serde_json::{Value, json};

use crate::App;
use crate::api::{ApiError, ErrorCode, EventKind};
use crate::documents::{media_type, text_of};
use crate::event_log::About;
use crate::settings::checked_name;

/// A folder to be made, or changed where something is given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FolderFields {
    /// Its name.
    pub name: Option<String>,
    /// What is in it.
    pub description: Option<String>,
    /// How agents are to use it.
    pub instructions: Option<String>,
    /// What only Letta's clients read.
    pub letta: Option<Value>,
}

/// A file as it is uploaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// Its name.
    pub name: String,
    /// Its type, as the client says.
    pub media_type: Option<String>,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// What happens when the folder has a file of that name.
    pub duplicate: Duplicate,
}

/// What happens with a name that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicate {
    /// The new file gets another name.
    Suffix,
    /// The file that is there stays, and is the answer.
    Skip,
    /// It is refused.
    Refuse,
    /// The file that is there goes to the bin.
    Replace,
}

/// More names of the form `name_(1).txt` are not tried.
const MOST_SUFFIXES: usize = 10_000;

impl App {
    /// Folders, those of one agent or all.
    pub fn folder_records(&self, listing: &FolderListing) -> Result<Vec<Folder>, ApiError> {
        self.store.read(|reader| Ok(reader.list_folders(listing)?))
    }

    /// A folder that is not in the bin.
    pub fn folder_record(&self, id: &str) -> Result<Folder, ApiError> {
        let found = self.store.read::<_, ApiError>(|reader| Ok(reader.folder(&FolderId::from(id))?))?;
        found.filter(|folder| folder.deleted_at_ms.is_none()).ok_or_else(|| ApiError::not_found("folder", id))
    }

    /// Makes a folder.
    pub fn create_folder(&self, fields: FolderFields) -> Result<Folder, ApiError> {
        let now_ms = self.store.now_ms();
        let folder = Folder {
            id: FolderId::new(),
            name: checked_name(&fields.name.unwrap_or_default())?,
            description: fields.description.unwrap_or_default(),
            instructions: fields.instructions.unwrap_or_default(),
            letta: fields.letta.filter(Value::is_object).unwrap_or_else(|| json!({})),
            archive_id: ArchiveId::new(),
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            deleted_at_ms: None,
        };
        self.write(|writer| Ok(writer.insert_folder(&folder)?))?;
        Ok(folder)
    }

    /// Changes a folder.
    pub fn update_folder(&self, id: &str, fields: FolderFields) -> Result<Folder, ApiError> {
        let mut folder = self.folder_record(id)?;
        if let Some(name) = fields.name {
            folder.name = checked_name(&name)?;
        }
        folder.description = fields.description.unwrap_or(folder.description);
        folder.instructions = fields.instructions.unwrap_or(folder.instructions);
        folder.letta = fields.letta.filter(Value::is_object).unwrap_or(folder.letta);
        folder.updated_at_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.update_folder(&folder)?))?;
        Ok(folder)
    }

    /// Moves a folder with its files to the bin.
    pub fn delete_folder(&self, id: &str) -> Result<(), ApiError> {
        let folder = self.folder_record(id)?;
        let now_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.set_folder_deleted(&folder.id, Some(now_ms))?))
    }

    /// The agents that have a folder.
    pub fn agents_of_folder(&self, id: &str) -> Result<Vec<Agent>, ApiError> {
        let folder = self.folder_record(id)?;
        let ids = self.store.read::<_, ApiError>(|reader| Ok(reader.agents_of_folder(&folder.id)?))?;
        Ok(self.agent_records()?.into_iter().filter(|agent| ids.contains(&agent.id)).collect())
    }

    /// The folders of an agent.
    pub fn folders_of_agent(&self, agent_id: &str) -> Result<Vec<Folder>, ApiError> {
        let agent = self.agent_record(agent_id)?;
        self.store.read(|reader| Ok(reader.folders_of(&agent.id)?))
    }

    /// Lets an agent have a folder, or no longer.
    pub fn attach_folder(&self, agent_id: &str, folder_id: &str, attached: bool) -> Result<(), ApiError> {
        let (agent, folder) = (self.agent_record(agent_id)?, self.folder_record(folder_id)?);
        self.write(|writer| {
            if attached {
                writer.attach_folder(&agent.id, &folder.id)?;
            } else {
                writer.detach_folder(&agent.id, &folder.id)?;
            }
            Ok::<_, ApiError>(())
        })?;
        self.send(About::agent(agent_id), EventKind::AgentsChanged);
        Ok(())
    }

    /// Adds a file to a folder: its text is read at once, and found by its meaning once it is embedded. The flag says
    /// whether it is new.
    pub fn upload_file(&self, folder_id: &str, upload: Upload) -> Result<(FolderFile, bool), ApiError> {
        let folder = self.folder_record(folder_id)?;
        let Upload { name, media_type: said, bytes, duplicate } = upload;
        let name = checked_file_name(&name)?;
        let kind = media_type(&name, said.as_deref());
        let text = text_of(&name, &kind, &bytes)?;
        let provenance = Provenance::user("upload");
        let now_ms = self.store.now_ms();
        let added = self.write(|writer| {
            let listing = FileListing { folder_id: Some(folder.id.clone()), ..FileListing::default() };
            let known = writer.list_files(&listing)?;
            let taken = known.iter().find(|file| file.name == name);
            let name = match (taken, duplicate) {
                (None, _) => name.clone(),
                (Some(file), Duplicate::Skip) => return Ok((file.clone(), false)),
                (Some(file), Duplicate::Replace) => {
                    writer.delete_file(&file.id, now_ms)?;
                    name.clone()
                }
                (Some(_), Duplicate::Suffix) => free_name(&name, &known)?,
                (Some(_), Duplicate::Refuse) => {
                    return Err(ApiError::invalid(format!("The folder has a file named {name} already.")));
                }
            };
            let size_bytes = bytes.len();
            let folder_id = folder.id.clone();
            let new =
                NewFile { folder_id, name, file_type: kind.clone(), size_bytes, text: text.clone(), letta: json!({}) };
            let (file, _) = files::add(writer, new, &provenance, now_ms)?;
            Ok::<_, ApiError>((file, true))
        })?;
        self.send(About::default(), EventKind::PassagesChanged);
        Ok(added)
    }

    /// Files of a folder.
    pub fn file_records(&self, listing: &FileListing) -> Result<Vec<FolderFile>, ApiError> {
        self.store.read(|reader| Ok(reader.list_files(listing)?))
    }

    /// A file of a folder with its text.
    pub fn file_record(&self, folder_id: &str, file_id: &str) -> Result<(FolderFile, String), ApiError> {
        let folder = self.folder_record(folder_id)?;
        let id = FileId::from(file_id);
        self.store.read(|reader| {
            let own = reader.file(&id)?.filter(|file| file.folder_id == folder.id && file.deleted_at_ms.is_none());
            let file = own.ok_or_else(|| ApiError::not_found("file", file_id))?;
            Ok((file, reader.file_text(&id)?.unwrap_or_default()))
        })
    }

    /// Moves a file to the bin.
    pub fn delete_file(&self, folder_id: &str, file_id: &str) -> Result<(), ApiError> {
        let (file, _) = self.file_record(folder_id, file_id)?;
        let now_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.delete_file(&file.id, now_ms)?))
    }

    /// The files of an agent's folders, with what it has open.
    pub fn files_of_agent(&self, agent_id: &str) -> Result<Vec<FileView>, ApiError> {
        let agent = self.agent_record(agent_id)?;
        self.store.read(|reader| Ok(reader.files_of(&agent.id)?))
    }

    /// The text of a file.
    pub fn file_text(&self, file_id: &FileId) -> Result<String, ApiError> {
        self.store.read(|reader| Ok(reader.file_text(file_id)?.unwrap_or_default()))
    }

    /// Opens a file for an agent, from its start; those beyond `most` open ones are closed, the longest unused first, and
    /// named.
    pub fn open_file(&self, agent_id: &str, file_id: &str, most: usize) -> Result<Vec<String>, ApiError> {
        let agent = self.agent_record(agent_id)?;
        let view = self.file_of_agent(agent_id, file_id)?;
        let now_ms = self.store.now_ms();
        let closed = self.write(|writer| {
            writer.open_file(&agent.id, &view.file.id, (0, None), now_ms)?;
            Ok::<_, ApiError>(writer.close_files_but(&agent.id, most.max(1))?)
        })?;
        self.names_of(agent_id, &closed)
    }

    /// Closes a file for an agent.
    pub fn close_file(&self, agent_id: &str, file_id: &str) -> Result<(), ApiError> {
        let agent = self.agent_record(agent_id)?;
        let view = self.file_of_agent(agent_id, file_id)?;
        self.write(|writer| Ok(writer.close_file(&agent.id, &view.file.id)?))
    }

    /// Closes all files of an agent, and names them.
    pub fn close_files(&self, agent_id: &str) -> Result<Vec<String>, ApiError> {
        let agent = self.agent_record(agent_id)?;
        let closed = self.write(|writer| Ok::<_, ApiError>(writer.close_files_but(&agent.id, 0)?))?;
        self.names_of(agent_id, &closed)
    }

    fn file_of_agent(&self, agent_id: &str, file_id: &str) -> Result<FileView, ApiError> {
        let mut files = self.files_of_agent(agent_id)?.into_iter();
        let found = files.find(|view| view.file.id.as_str() == file_id);
        found.ok_or_else(|| ApiError::not_found("file of this agent", file_id))
    }

    fn names_of(&self, agent_id: &str, ids: &[FileId]) -> Result<Vec<String>, ApiError> {
        let files = self.files_of_agent(agent_id)?.into_iter();
        Ok(files.filter(|view| ids.contains(&view.file.id)).map(|view| view.file.name).collect())
    }
}

/// A name without its path and without what no file system would take.
fn checked_file_name(name: &str) -> Result<String, ApiError> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|letter| !letter.is_control()).take(200).collect();
    let name = name.trim().to_owned();
    if name.is_empty() || name == "." || name == ".." {
        return Err(ApiError::new(ErrorCode::Invalid, "A file needs a name."));
    }
    Ok(name)
}

/// `name_(1).txt`, or the first of these that is free.
fn free_name(name: &str, known: &[FolderFile]) -> Result<String, ApiError> {
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    let mut names = (1..MOST_SUFFIXES).map(|number| format!("{stem}_({number}){ending}"));
    let free = names.find(|name| known.iter().all(|file| file.name != *name));
    free.ok_or_else(|| ApiError::invalid(format!("The folder has too many files named {name}.")))
}
