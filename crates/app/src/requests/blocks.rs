//! Requests about core memory.

use resident_memory::core::{self, EditContext};
use resident_store::{AgentId, Block, BlockId, Provenance, Writer};

use crate::App;
use crate::api::{
    ApiError, AttachBlock, BlockRef, BlockView, CreateBlock, ErrorCode, EventKind, ListBlocks, Nothing, RevisionView,
    UndoRevision, UpdateBlock,
};
use crate::event_log::About;
use crate::views::AgentNames;

/// A block may be given any limit up to this, in characters.
const MOST_LIMIT_CHARS: usize = 1_000_000;

impl App {
    /// Blocks of an agent in the order of its prompt, or all.
    pub fn list_blocks(&self, request: ListBlocks) -> Result<Vec<BlockView>, ApiError> {
        self.store.read(|reader| {
            let blocks = match (request.agent_id, request.deleted) {
                (Some(agent_id), false) => reader.blocks_of(&AgentId(agent_id))?,
                (_, deleted) => reader.all_blocks(deleted)?,
            };
            let names = AgentNames::read(reader)?;
            Ok(blocks.into_iter().map(|block| names.block(reader, block)).collect::<Result<_, _>>()?)
        })
    }

    /// Creates a block and attaches it.
    pub fn create_block(&self, request: CreateBlock) -> Result<BlockView, ApiError> {
        let CreateBlock { agent_id, label, description, value, limit_chars, read_only } = request;
        let agent = self.agent_in_use(&agent_id)?;
        let label = checked_label(&label)?;
        let limit_chars = checked_limit(limit_chars.unwrap_or_else(|| core::default_limit(&label)))?;
        let now_ms = self.store.now_ms();
        let description =
            if description.trim().is_empty() { core::default_description(&label).to_owned() } else { description };
        let block = Block {
            id: BlockId::new(),
            label,
            description,
            value: String::new(),
            limit_chars,
            read_only,
            metadata: serde_json::json!({}),
            letta: serde_json::json!({}),
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            deleted_at_ms: None,
        };
        self.write(|writer| {
            let value = checked_value(&block, &value)?;
            writer.insert_block(&Block { value, ..block.clone() }, &Provenance::user("create"))?;
            Ok(writer.attach_block(&agent.id, &block.id)?)
        })?;
        self.block_changed(&block.id)
    }

    /// Changes a block. The value and the rest are changed together or not at all.
    pub fn update_block(&self, request: UpdateBlock) -> Result<BlockView, ApiError> {
        let UpdateBlock { block_id, label, description, value, limit_chars, read_only, seen_revision } = request;
        let id = BlockId(block_id);
        self.write_block(&id, |writer| {
            let mut block = existing(writer, &id)?;
            if let Some(label) = label {
                block.label = checked_label(&label)?;
            }
            if let Some(description) = description {
                block.description = description;
            }
            if let Some(limit_chars) = limit_chars {
                block.limit_chars = checked_limit(limit_chars)?;
            }
            if let Some(read_only) = read_only {
                block.read_only = read_only;
            }
            checked_value(&block, value.as_deref().unwrap_or(&block.value))?;
            block.updated_at_ms = self.store.now_ms();
            writer.update_block_meta(&block)?;
            if let Some(value) = value {
                self.as_person(writer, &id, "edit", |writer, edit| {
                    core::write(writer, edit, &id, &value, seen_revision)
                })?;
            }
            Ok(())
        })?;
        self.block_changed(&id)
    }

    /// Moves a block to the bin.
    pub fn delete_block(&self, request: BlockRef) -> Result<Nothing, ApiError> {
        let id = BlockId(request.block_id);
        let now_ms = self.store.now_ms();
        self.write_block(&id, |writer| {
            existing(writer, &id)?;
            Ok(writer.set_block_deleted(&id, Some(now_ms))?)
        })?;
        self.send(About::default(), EventKind::BlocksChanged);
        Ok(Nothing {})
    }

    /// Takes a block out of the bin, attached as it was.
    pub fn restore_block(&self, request: BlockRef) -> Result<BlockView, ApiError> {
        let id = BlockId(request.block_id);
        self.write_block(&id, |writer| {
            existing(writer, &id)?;
            Ok(writer.set_block_deleted(&id, None)?)
        })?;
        self.block_changed(&id)
    }

    /// Shares a block with an agent.
    pub fn attach_block(&self, request: AttachBlock) -> Result<BlockView, ApiError> {
        let agent = self.agent_in_use(&request.agent_id)?;
        let id = BlockId(request.block_id);
        self.write_block(&id, |writer| {
            existing(writer, &id)?;
            Ok(writer.attach_block(&agent.id, &id)?)
        })?;
        self.block_changed(&id)
    }

    /// Ends the sharing of a block with an agent.
    pub fn detach_block(&self, request: AttachBlock) -> Result<BlockView, ApiError> {
        let id = BlockId(request.block_id);
        self.write_block(&id, |writer| {
            existing(writer, &id)?;
            Ok(writer.detach_block(&AgentId(request.agent_id), &id)?)
        })?;
        self.block_changed(&id)
    }

    /// Versions of a block, newest first.
    pub fn list_revisions(&self, request: BlockRef) -> Result<Vec<RevisionView>, ApiError> {
        self.store.read(|reader| {
            let names = AgentNames::read(reader)?;
            let revisions = reader.block_revisions(&BlockId(request.block_id))?;
            Ok(revisions.into_iter().map(|revision| names.revision(revision)).collect())
        })
    }

    /// Undoes one revision, with a new one.
    pub fn undo_revision(&self, request: UndoRevision) -> Result<BlockView, ApiError> {
        let id = BlockId(request.block_id);
        self.write_block(&id, |writer| {
            self.as_person(writer, &id, "undo", |writer, edit| core::undo(writer, edit, &id, request.number))
        })?;
        self.block_changed(&id)
    }

    /// Runs an edit in the name of the person at the computer.
    fn as_person<T, E: Into<ApiError>>(
        &self,
        writer: &mut Writer<'_>,
        block_id: &BlockId,
        tool: &str,
        edit: impl FnOnce(&mut Writer<'_>, &EditContext<'_>) -> Result<T, E>,
    ) -> Result<T, ApiError> {
        let provenance = Provenance::user(tool);
        let agent_id = writer.agents_of_block(block_id)?.into_iter().next().unwrap_or_else(|| AgentId(String::new()));
        let now_ms = self.store.now_ms();
        let context = EditContext::new(&agent_id, &provenance, now_ms);
        edit(writer, &context).map_err(Into::into)
    }

    pub(crate) fn block_changed(&self, id: &BlockId) -> Result<BlockView, ApiError> {
        self.send(About::default(), EventKind::BlocksChanged);
        self.store.read(|reader| {
            let block = reader.block(id)?.ok_or_else(|| ApiError::not_found("block", id.as_str()))?;
            Ok(AgentNames::read(reader)?.block(reader, block)?)
        })
    }
}

fn existing(writer: &Writer<'_>, id: &BlockId) -> Result<Block, ApiError> {
    writer.block(id)?.ok_or_else(|| ApiError::not_found("block", id.as_str()))
}

/// Labels are names that a model writes in its calls: letters, digits, and what paths are made of.
pub(crate) fn checked_label(label: &str) -> Result<String, ApiError> {
    let label = label.trim();
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '/' | ' ');
    if label.is_empty() || label.chars().count() > 60 || !label.chars().all(fits) {
        return Err(ApiError::invalid("A label has up to 60 letters, digits, spaces, and the signs _ - . and /."));
    }
    Ok(label.to_owned())
}

/// A value that fits into the block, without null bytes.
pub(crate) fn checked_value(block: &Block, value: &str) -> Result<String, ApiError> {
    let value = value.replace('\0', "");
    let chars = value.chars().count();
    if chars > block.limit_chars {
        let message = format!("{} would have {chars} characters; its limit is {}.", block.label, block.limit_chars);
        return Err(ApiError::new(ErrorCode::OverLimit, message));
    }
    Ok(value)
}

pub(crate) fn checked_limit(limit_chars: usize) -> Result<usize, ApiError> {
    if !(1..=MOST_LIMIT_CHARS).contains(&limit_chars) {
        return Err(ApiError::invalid(format!("A limit has to be between 1 and {MOST_LIMIT_CHARS} characters.")));
    }
    Ok(limit_chars)
}
