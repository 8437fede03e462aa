//! Blocks as their rows are.

use resident_memory::core;
use resident_store::{AgentId, Block, BlockId, Provenance, Writer};
use serde_json::{Value, json};

use crate::App;
use crate::api::{ApiError, BlockRef, BlockView, UpdateBlock};
use crate::requests::{checked_label, checked_limit, checked_value};

/// A block to be made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewBlock {
    /// Its label.
    pub label: String,
    /// Its text.
    pub value: String,
    /// What it is for; the usual words for its label when left out.
    pub description: Option<String>,
    /// Characters it may have; the default of its label when left out.
    pub limit_chars: Option<usize>,
    /// Whether agents may not write to it.
    pub read_only: bool,
    /// Whatever a client wants to keep with it.
    pub metadata: Option<Value>,
    /// What only Letta's clients read; see [`Block::letta`].
    pub letta: Option<Value>,
}

/// Changes to a block; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BlockChanges {
    /// New label.
    pub label: Option<String>,
    /// New text.
    pub value: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// New limit.
    pub limit_chars: Option<usize>,
    /// Whether agents may not write to it.
    pub read_only: Option<bool>,
    /// New metadata.
    pub metadata: Option<Value>,
    /// Fields to set in [`Block::letta`].
    pub letta: Option<Value>,
}

impl App {
    /// Every block that is not in the bin, oldest first.
    pub fn block_records(&self) -> Result<Vec<Block>, ApiError> {
        self.store.read(|reader| Ok(reader.all_blocks(false)?))
    }

    /// A block that is not in the bin.
    pub fn block_record(&self, block_id: &str) -> Result<Block, ApiError> {
        let id = BlockId::from(block_id);
        let block = self.store.read::<_, ApiError>(|reader| Ok(reader.block(&id)?))?;
        block.filter(|block| block.deleted_at_ms.is_none()).ok_or_else(|| ApiError::not_found("block", block_id))
    }

    /// The block that an agent calls `label`.
    pub fn block_of_agent(&self, agent_id: &str, label: &str) -> Result<Block, ApiError> {
        let agent = self.agent_record(agent_id)?;
        let block = self.store.read::<_, ApiError>(|reader| Ok(reader.block_by_label(&agent.id, label)?))?;
        block.ok_or_else(|| ApiError::not_found("block", label))
    }

    /// The agents that have a block.
    pub fn agents_of_block(&self, block_id: &str) -> Result<Vec<AgentId>, ApiError> {
        let block = self.block_record(block_id)?;
        self.store.read(|reader| Ok(reader.agents_of_block(&block.id)?))
    }

    /// Makes a block that no agent has yet.
    pub fn create_block_record(&self, new: NewBlock) -> Result<Block, ApiError> {
        let block = self.write(|writer| self.insert_block(writer, new, &Provenance::user("create")))?;
        self.block_changed(&block.id)?;
        Ok(block)
    }

    /// Changes a block: what it holds and what stands beside it, together or not at all.
    pub fn update_block_record(&self, block_id: &str, changes: BlockChanges) -> Result<Block, ApiError> {
        let BlockChanges { label, value, description, limit_chars, read_only, metadata, letta } = changes;
        let block = self.block_record(block_id)?;
        if metadata.is_some() || letta.is_some() {
            let block = Block {
                metadata: metadata.unwrap_or_else(|| block.metadata.clone()),
                letta: letta.map_or_else(|| block.letta.clone(), |fields| with_fields(&block.letta, &fields)),
                ..block
            };
            self.write(|writer| Ok(writer.update_block_meta(&block)?))?;
        }
        let block_id = block_id.to_owned();
        let _: BlockView = self.update_block(UpdateBlock {
            block_id: block_id.clone(),
            label,
            description,
            value,
            limit_chars,
            read_only,
            seen_revision: None,
        })?;
        self.block_record(&block_id)
    }

    /// Moves a block to the bin.
    pub fn delete_block_record(&self, block_id: &str) -> Result<(), ApiError> {
        self.block_record(block_id)?;
        self.delete_block(BlockRef { block_id: block_id.to_owned() })?;
        Ok(())
    }

    pub(crate) fn insert_block(
        &self,
        writer: &mut Writer<'_>,
        new: NewBlock,
        provenance: &Provenance,
    ) -> Result<Block, ApiError> {
        let NewBlock { label, value, description, limit_chars, read_only, metadata, letta } = new;
        let label = checked_label(&label)?;
        let now_ms = self.store.now_ms();
        let description = description.filter(|text| !text.trim().is_empty());
        let mut block = Block {
            id: BlockId::new(),
            description: description.unwrap_or_else(|| core::default_description(&label).to_owned()),
            value: String::new(),
            limit_chars: checked_limit(limit_chars.unwrap_or_else(|| core::default_limit(&label)))?,
            label,
            read_only,
            metadata: metadata.unwrap_or_else(|| json!({})),
            letta: letta.unwrap_or_else(|| json!({})),
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            deleted_at_ms: None,
        };
        block.value = checked_value(&block, &value)?;
        writer.insert_block(&block, provenance)?;
        Ok(block)
    }
}

/// An object with the fields of another put over its own.
pub(crate) fn with_fields(object: &Value, fields: &Value) -> Value {
    let mut merged = object.as_object().cloned().unwrap_or_default();
    merged.extend(fields.as_object().cloned().unwrap_or_default());
    Value::Object(merged)
}
