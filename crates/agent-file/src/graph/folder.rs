//! Folders (`sources` in a file), their files, and what each agent has open of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Extra, Out};
use crate::fields::{Context, Fields};
use crate::{AgentFileError, safe_file_name};

/// A folder of files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Folder {
    /// Names it within the file.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub description: Option<String>,
    /// How agents are to use it.
    pub instructions: Option<String>,
    /// Whatever a client keeps with it.
    pub metadata: Extra,
    /// Other keys.
    pub extra: Extra,
}

/// A file of a folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// Names it within the agent file.
    pub id: String,
    /// Its folder.
    pub folder_id: String,
    /// Its name: harmless, a relative path at most.
    pub name: String,
    /// The name that it was uploaded with: harmless, too.
    pub original_name: Option<String>,
    /// Its media type.
    pub file_type: Option<String>,
    /// The size of what was uploaded.
    pub size_bytes: Option<u64>,
    /// Its text.
    pub content: Option<String>,
    /// Other keys.
    pub extra: Extra,
}

/// A file as an agent sees it (`files_agents` in a file).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FileView {
    /// The file.
    pub file_id: String,
    /// What the agent calls it.
    pub file_name: String,
    /// Whether the agent has it open.
    pub open: bool,
    /// What the agent sees of it.
    pub visible_content: Option<String>,
    /// Other keys.
    pub extra: Extra,
}

impl Folder {
    pub(crate) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let name = fields.text("name", cx)?.unwrap_or_else(|| "Files".to_owned());
        Ok(Self {
            id: fields.text_or_empty("id", cx)?,
            name: harmless(name, &fields, "name", cx),
            description: fields.text("description", cx)?,
            instructions: fields.text("instructions", cx)?,
            metadata: fields.object("metadata")?.unwrap_or_default(),
            extra: fields.rest(),
        })
    }

    pub(crate) fn write(&self) -> Value {
        let Self { id, name, description, instructions, metadata, extra } = self;
        let mut out = Out::default();
        out.put("id", id.as_str());
        out.put("name", name.as_str());
        out.some("description", description.as_ref());
        out.some("instructions", instructions.as_ref());
        out.map("metadata", metadata);
        out.with(extra)
    }
}

impl File {
    pub(crate) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let original = fields.text("original_file_name", cx)?;
        let original_name = original.map(|name| harmless(name, &fields, "original_file_name", cx));
        let name = fields.text("file_name", cx)?.or_else(|| original_name.clone()).unwrap_or_default();
        Ok(Self {
            id: fields.text_or_empty("id", cx)?,
            folder_id: fields.text_or_empty("source_id", cx)?,
            name: harmless(name, &fields, "file_name", cx),
            original_name,
            file_type: fields.text("file_type", cx)?,
            size_bytes: fields.count("file_size", cx)?,
            content: fields.text("content", cx)?,
            extra: fields.rest(),
        })
    }

    pub(crate) fn write(&self) -> Value {
        let Self { id, folder_id, name, original_name, file_type, size_bytes, content, extra } = self;
        let mut out = Out::default();
        out.put("id", id.as_str());
        out.put("source_id", folder_id.as_str());
        out.put("file_name", name.as_str());
        out.some("original_file_name", original_name.as_ref());
        out.some("file_type", file_type.as_ref());
        out.some("file_size", size_bytes.as_ref());
        out.some("content", content.as_ref());
        out.with(extra)
    }
}

impl FileView {
    pub(crate) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        // Its own id, its agent and the folder of its file follow from where it stands.
        for implied in ["id", "agent_id", "source_id"] {
            fields.take(implied);
        }
        let name = fields.text_or_empty("file_name", cx)?;
        Ok(Self {
            file_id: fields.text_or_empty("file_id", cx)?,
            file_name: harmless(name, &fields, "file_name", cx),
            open: fields.flag("is_open", cx)?.unwrap_or(true),
            visible_content: fields.text("visible_content", cx)?,
            extra: fields.rest(),
        })
    }

    /// The object with its own id, of an agent, for a file of a folder.
    pub(crate) fn write(&self, id: String, agent_id: &str, folder_id: &str) -> Value {
        let Self { file_id, file_name, open, visible_content, extra } = self;
        let mut out = Out::default();
        out.put("id", id);
        out.put("agent_id", agent_id);
        out.put("file_id", file_id.as_str());
        out.put("source_id", folder_id);
        out.put("file_name", file_name.as_str());
        out.put("is_open", *open);
        out.some("visible_content", visible_content.as_ref());
        out.with(extra)
    }
}

/// A name of a file that leads nowhere.
pub(super) fn harmless(name: String, fields: &Fields<'_>, key: &str, cx: &mut Context<'_>) -> String {
    let safe = safe_file_name(&name);
    if safe == name.as_str() {
        return name;
    }
    let safe = safe.into_owned();
    if !name.is_empty() {
        let text = format!(
            "The name {} could lead out of its folder or be misread; it is {safe:?} here.",
            crate::json::quoted(&name)
        );
        let wording = "Names of files that could lead out of their folder.";
        cx.notices.add_as(crate::NoticeKind::Mended, &fields.place.key(key), wording, text);
    }
    safe
}
