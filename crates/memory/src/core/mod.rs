//! Core memory: the edits of blocks, each inside a transaction of the caller, so that a change of memory and the tool
//! result that reports it are committed together or not at all.
//!
//! Agents name blocks by label, people by id. Every change of a value makes a revision with its provenance; undo makes
//! a new one. Limits and `read_only` are enforced here (`read_only` binds agents, not the person whose memory it is).

mod guard;
mod merge;
mod patch;
mod render;
mod text;

use resident_store::{
    AgentId, Alteration, Block, BlockAlteration, BlockId, BlockRevision, ConversationId, Provenance, Thread, Writer,
};
use serde_json::json;

use self::guard::{changed_meanwhile, check_limit, check_read_only, keeps_what_the_user_wrote, valid_label};
use self::patch::PatchOperation;
pub use self::render::render;
use crate::{MemoryError, clean};

/// Who edits, for whom, when.
#[derive(Debug, Clone, Copy)]
pub struct EditContext<'a> {
    /// The agent whose memory is edited.
    pub agent_id: &'a AgentId,
    /// The conversation in which it is edited: what it has blocks of its own for is edited there.
    pub conversation_id: Option<&'a ConversationId>,
    /// Who edits, in which turn, with which tool.
    pub provenance: &'a Provenance,
    /// The time of the edit.
    pub now_ms: i64,
    /// The blocks as whoever edits read them; those that are not here are taken to be as they are now. What others wrote
    /// since is kept: an edit is made to the text that was read, and both changes are brought together.
    pub seen: &'a [Block],
    /// Whether the edit only tidies: what the user wrote by hand may be moved then, and not dropped.
    pub tidies: bool,
}

impl<'a> EditContext<'a> {
    /// An edit outside of conversations, of the blocks as they are now.
    pub fn new(agent_id: &'a AgentId, provenance: &'a Provenance, now_ms: i64) -> Self {
        Self { agent_id, conversation_id: None, provenance, now_ms, seen: &[], tidies: false }
    }

    /// The thread in which is edited.
    pub fn thread(&self) -> Thread {
        Thread { agent_id: self.agent_id.clone(), conversation_id: self.conversation_id.cloned() }
    }
}

/// A block that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockEdit {
    /// The block afterwards.
    pub block: Block,
    /// The revision that the edit made.
    pub revision: BlockRevision,
}

/// A block to which something was done besides writing it.
#[derive(Debug, Clone, PartialEq)]
pub struct AlteredBlock {
    /// The block afterwards.
    pub block: Block,
    /// What was done, as it was kept.
    pub alteration: BlockAlteration,
}

/// What one operation of a patch did.
#[derive(Debug, Clone, PartialEq)]
pub enum BlockChange {
    /// The text of a block changed, or the block is new.
    Written(BlockEdit),
    /// A block was renamed or removed from the agent; see [`rename`] and [`delete`].
    Altered(AlteredBlock),
}

/// The limit of a new block, in characters: V1's numbers.
pub fn default_limit(label: &str) -> usize {
    match label {
        "persona" | "human" => 20_000,
        _ => 100_000,
    }
}

/// What a new block is for, where nobody says it.
pub fn default_description(label: &str) -> &'static str {
    match label {
        "persona" => {
            "Who you are: your name, character and manner, and what you have resolved about how to act. Keep it up to date \
             as you develop."
        }
        "human" => {
            "What you know about the person you talk with: name, preferences, plans and the people around them. Keep it up \
             to date as you learn more."
        }
        _ => "",
    }
}

/// Adds `content` on a new line at the end of a block.
///
/// # Errors
/// When the label is unknown, the block read-only, the content empty, or the value over its limit.
pub fn append(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    label: &str,
    content: &str,
) -> Result<BlockEdit, MemoryError> {
    let content = clean(content);
    if content.trim().is_empty() {
        return Err(MemoryError::EmptyArgument { argument: "content" });
    }
    // A line more goes well with whatever others wrote.
    let current = EditContext { seen: &[], ..*edit };
    change(w, &current, label, |value| Ok(text::append(value, &content)))
}

/// Replaces every occurrence of `old_content`, which must be there exactly; an empty `new_content` removes it.
///
/// # Errors
/// When the label is unknown, the block read-only, the old content not there, or the value over its limit.
pub fn replace_all(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    label: &str,
    old_content: &str,
    new_content: &str,
) -> Result<BlockEdit, MemoryError> {
    let (old, new) = (clean(old_content), clean(new_content));
    change(w, edit, label, |value| text::replace_all(label, value, &old, &new))
}

/// Replaces the only occurrence of `old_string`; an empty `new_string` removes it.
///
/// # Errors
/// When the label is unknown, the block read-only, the old string not there exactly once or copied with line numbers,
/// or the value over its limit.
pub fn replace_once(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    label: &str,
    old_string: &str,
    new_string: &str,
) -> Result<BlockEdit, MemoryError> {
    let (old, new) = (clean(old_string), clean(new_string));
    change(w, edit, label, |value| text::replace_once(label, value, &old, &new))
}

/// Inserts `new_string` after line `insert_line`: 0 is before the first line, -1 at the end.
///
/// # Errors
/// When the label is unknown, the block read-only, the line not there, the text empty or copied with line numbers, or
/// the value over its limit.
pub fn insert(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    label: &str,
    new_string: &str,
    insert_line: i64,
) -> Result<BlockEdit, MemoryError> {
    let new = clean(new_string);
    if new.is_empty() {
        return Err(MemoryError::EmptyArgument { argument: "new_string" });
    }
    change(w, edit, label, |value| text::insert(value, &new, insert_line))
}

/// Rewrites a block from its first to its last character; makes the block where the agent has none of that label.
///
/// # Errors
/// When the block is read-only, the label invalid, or the value over its limit.
pub fn rethink(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    label: &str,
    new_memory: &str,
) -> Result<BlockEdit, MemoryError> {
    let new = clean(new_memory);
    text::refuse_line_numbers("new_memory", &new)?;
    if w.block_by_label(edit.thread(), label)?.is_none() {
        return create(w, edit, label, default_description(label), &new);
    }
    change(w, edit, label, |_| Ok(new.clone()))
}

/// Applies a unified diff to block `label`, or the sections of a patch to the blocks that they name.
///
/// # Errors
/// When the patch cannot be read or does not fit, and for each section as the edit it stands for. Roll the transaction
/// back then: earlier sections have been applied in it.
pub fn apply_patch(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    label: &str,
    patch: &str,
) -> Result<Vec<BlockChange>, MemoryError> {
    let mut changes = Vec::new();
    for operation in patch::parse(label, &clean(patch))? {
        match operation {
            PatchOperation::Add { label, value } => {
                let description = default_description(&label);
                changes.push(BlockChange::Written(create(w, edit, &label, description, &value)?));
            }
            PatchOperation::Delete { label } => changes.push(BlockChange::Altered(delete(w, edit, &label)?)),
            PatchOperation::Update { label, move_to, hunks } => {
                if !hunks.is_empty() || move_to.is_none() {
                    let edited = change(w, edit, &label, |value| {
                        let patched = patch::apply(&label, value, &hunks)?;
                        // A patch cannot help ending its lines; a block that was empty does not keep the last break.
                        Ok(if value.is_empty() { patched.trim_end_matches('\n').to_owned() } else { patched })
                    })?;
                    changes.push(BlockChange::Written(edited));
                }
                if let Some(new_label) = move_to {
                    changes.push(BlockChange::Altered(rename(w, edit, &label, &new_label)?));
                }
            }
        }
    }
    Ok(changes)
}

/// Makes a block and attaches it to the agent. An empty description becomes the label's default.
///
/// # Errors
/// When the label is invalid or taken, or the value over its limit.
pub fn create(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    label: &str,
    description: &str,
    value: &str,
) -> Result<BlockEdit, MemoryError> {
    let label = valid_label(label)?;
    if w.block_by_label(edit.thread(), &label)?.is_some() {
        return Err(MemoryError::LabelTaken { label });
    }
    let description = clean(description);
    let block = Block {
        id: BlockId::new(),
        description: if description.is_empty() { default_description(&label).to_owned() } else { description },
        value: clean(value),
        limit_chars: default_limit(&label),
        label,
        read_only: false,
        metadata: json!({}),
        letta: json!({}),
        created_at_ms: edit.now_ms,
        updated_at_ms: edit.now_ms,
        deleted_at_ms: None,
    };
    check_limit(&block, &block.value)?;
    let revision = w.insert_block(&block, edit.provenance)?;
    w.attach_block(edit.agent_id, &block.id)?;
    Ok(BlockEdit { block, revision })
}

/// Removes a block from the agent and returns it. A block that other agents share is only detached; another goes to the
/// bin, where its attachment is kept, so that restoring brings it back.
///
/// # Errors
/// When the label is unknown or the block read-only.
pub fn delete(w: &mut Writer<'_>, edit: &EditContext<'_>, label: &str) -> Result<AlteredBlock, MemoryError> {
    let mut block = editable(w, edit, label)?;
    if w.agents_of_block(&block.id)?.len() > 1 {
        w.detach_block(edit.agent_id, &block.id)?;
    } else {
        w.set_block_deleted(&block.id, Some(edit.now_ms))?;
        block.deleted_at_ms = Some(edit.now_ms);
    }
    let before = block.label.clone();
    alter(w, edit, block, (Alteration::Removed, before, String::new()))
}

/// Gives a block another label and returns it.
///
/// # Errors
/// When the old label is unknown, the block read-only, or the new label invalid or taken (also in another agent that
/// shares the block).
pub fn rename(w: &mut Writer<'_>, edit: &EditContext<'_>, old: &str, new: &str) -> Result<AlteredBlock, MemoryError> {
    let mut block = editable(w, edit, old)?;
    let label = valid_label(new)?;
    if label == block.label {
        return Err(MemoryError::Unchanged { label });
    }
    let holders = w.agents_of_block(&block.id)?;
    for thread in holders.iter().map(Thread::own).chain([edit.thread()]) {
        if w.block_by_label(thread, &label)?.is_some() {
            return Err(MemoryError::LabelTaken { label });
        }
    }
    let before = std::mem::replace(&mut block.label, label.clone());
    block.updated_at_ms = edit.now_ms;
    w.update_block_meta(&block)?;
    alter(w, edit, block, (Alteration::Renamed, before, label))
}

/// Gives a block another description and returns it.
///
/// # Errors
/// When the label is unknown or the block read-only.
pub fn describe(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    label: &str,
    description: &str,
) -> Result<AlteredBlock, MemoryError> {
    let mut block = editable(w, edit, label)?;
    let description = clean(description);
    let before = std::mem::replace(&mut block.description, description.clone());
    block.updated_at_ms = edit.now_ms;
    w.update_block_meta(&block)?;
    alter(w, edit, block, (Alteration::Described, before, description))
}

fn alter(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    block: Block,
    (what, before, after): (Alteration, String, String),
) -> Result<AlteredBlock, MemoryError> {
    let alteration = BlockAlteration {
        block_id: block.id.clone(),
        agent_id: edit.agent_id.clone(),
        what,
        before,
        after,
        provenance: edit.provenance.clone(),
        created_at_ms: edit.now_ms,
    };
    w.insert_block_alteration(&alteration)?;
    Ok(AlteredBlock { block, alteration })
}

/// Writes a whole value, as a person does in an editor. `seen_revision` is the revision that the editor showed. An
/// unchanged value makes no revision; the newest is returned.
///
/// # Errors
/// [`MemoryError::Conflict`] when `seen_revision` is not the newest any more; also when the block is unknown, read-only
/// for this actor, or the value over its limit.
pub fn write(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    block_id: &BlockId,
    value: &str,
    seen_revision: Option<i64>,
) -> Result<BlockEdit, MemoryError> {
    let block = editable_by_id(w, edit, block_id)?;
    let newest = w.latest_block_revision(block_id)?;
    if seen_revision.is_some_and(|seen| newest.as_ref().is_some_and(|newest| newest.number != seen)) {
        return Err(MemoryError::Conflict { label: block.label });
    }
    let value = clean(value);
    match newest {
        Some(revision) if value == block.value => Ok(BlockEdit { block, revision }),
        Some(_) | None => save(w, edit, block, value),
    }
}

/// Takes back what revision `number` of a block changed, with a new revision. Later changes of other lines are kept.
/// Taking back the revision that made the block empties it.
///
/// # Errors
/// [`MemoryError::Conflict`] when the same lines were changed since, [`MemoryError::Unchanged`] when the change is not
/// there any more; also when block or revision are unknown, or the block read-only for this actor.
pub fn undo(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    block_id: &BlockId,
    number: i64,
) -> Result<BlockEdit, MemoryError> {
    let block = editable_by_id(w, edit, block_id)?;
    let Some(revision) = w.block_revision(block_id, number)? else {
        return Err(MemoryError::UnknownRevision { label: block.label, number });
    };
    let before = revision.before.as_deref().unwrap_or_default();
    match merge::merge(&revision.after, &block.value, before) {
        None => Err(MemoryError::Conflict { label: block.label }),
        Some(value) if value == block.value => Err(MemoryError::Unchanged { label: block.label }),
        Some(value) => {
            let undone = save(w, edit, block, value)?;
            w.mark_undo(block_id, undone.revision.number, number)?;
            Ok(undone)
        }
    }
}

/// Finds the block, lets `transform` make its new value, and saves it.
fn change(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    label: &str,
    transform: impl FnOnce(&str) -> Result<String, MemoryError>,
) -> Result<BlockEdit, MemoryError> {
    let block = editable(w, edit, label)?;
    let value = match edit.seen.iter().find(|seen| seen.id == block.id) {
        Some(seen) if seen.value != block.value => {
            let wanted = transform(&seen.value)?;
            match merge::merge(&seen.value, &block.value, &wanted) {
                Some(merged) => merged,
                None => return Err(changed_meanwhile(w, block)?),
            }
        }
        Some(_) | None => transform(&block.value)?,
    };
    if value == block.value {
        return Err(MemoryError::Unchanged { label: block.label });
    }
    save(w, edit, block, value)
}

fn save(w: &mut Writer<'_>, edit: &EditContext<'_>, mut block: Block, value: String) -> Result<BlockEdit, MemoryError> {
    check_limit(&block, &value)?;
    if edit.tidies {
        keeps_what_the_user_wrote(w, &block, &value)?;
    }
    let revision = w.write_block_value(&block.id, &value, edit.provenance, edit.now_ms)?;
    block.value = value;
    block.updated_at_ms = edit.now_ms;
    Ok(BlockEdit { block, revision })
}

fn editable(w: &Writer<'_>, edit: &EditContext<'_>, label: &str) -> Result<Block, MemoryError> {
    let label = label.trim();
    let Some(block) = w.block_by_label(edit.thread(), label)? else {
        let known = w.blocks_of(edit.thread())?.into_iter().map(|block| block.label).collect();
        return Err(MemoryError::UnknownLabel { label: label.to_owned(), known });
    };
    check_read_only(edit, block)
}

fn editable_by_id(w: &Writer<'_>, edit: &EditContext<'_>, id: &BlockId) -> Result<Block, MemoryError> {
    match w.block(id)? {
        Some(block) if block.deleted_at_ms.is_none() => check_read_only(edit, block),
        Some(_) | None => Err(MemoryError::UnknownBlock { id: id.clone() }),
    }
}
