//! What turns changed in memory, as a conversation shows it: each change with whether it has been undone since, and the
//! word to every reader of the stream when that changes, whoever did it and wherever.
//!
//! Whether a change is undone is read off memory as it is, and not kept beside it, so that the two cannot disagree.

use std::collections::BTreeSet;

use resident_agent::MemoryChange as Change;
use resident_memory::core::AlteredBlock;
use resident_store::{
    Alteration, Block, BlockAlteration, BlockId, BlockRevision, Passage, Reader, StoreError, TurnId, Writer,
};

use crate::App;
use crate::api::{ApiError, EventKind, MemoryChange, MemoryChangeKind};
use crate::event_log::About;
use crate::views::AgentNames;

/// A change as the chat shows it.
pub(crate) fn memory_change(change: Change, names: &AgentNames, undone: bool) -> MemoryChange {
    let (provenance, at_ms, what) = match change {
        Change::Block { revision, label, block_id } => {
            let kind = MemoryChangeKind::Block {
                block_id: block_id.0,
                label,
                revision: revision.number,
                before: revision.before,
                after: revision.after,
            };
            (revision.provenance, revision.created_at_ms, kind)
        }
        Change::BlockAltered(AlteredBlock { block, alteration }) => {
            let BlockAlteration { block_id, agent_id, what, before, after, provenance, created_at_ms } = alteration;
            let block_id = block_id.0;
            let kind = match what {
                Alteration::Renamed => MemoryChangeKind::BlockRenamed { block_id, before, after },
                Alteration::Described => {
                    MemoryChangeKind::BlockDescribed { block_id, label: block.label, before, after }
                }
                Alteration::Removed => {
                    MemoryChangeKind::BlockRemoved { block_id, agent_id: agent_id.0, label: before, text: block.value }
                }
            };
            (provenance, created_at_ms, kind)
        }
        Change::PassageSaved(passage) => {
            let kind = MemoryChangeKind::PassageSaved { passage: names.passage(passage.clone()) };
            (passage.provenance, passage.created_at_ms, kind)
        }
        Change::PassageDeleted(passage) => {
            let kind = MemoryChangeKind::PassageDeleted { passage: names.passage(passage.clone()) };
            (passage.provenance, passage.updated_at_ms, kind)
        }
    };
    MemoryChange {
        turn_id: provenance.turn_id.as_ref().map(|id| id.0.clone()),
        provenance: names.provenance(provenance),
        what,
        at_ms,
        undone,
    }
}

/// What turns changed in memory, in the order in which they did.
pub(crate) fn changes_of_turns(reader: &Reader<'_>, turn_ids: &[TurnId]) -> Result<Vec<MemoryChange>, ApiError> {
    let names = AgentNames::read(reader)?;
    let mut changes = Vec::new();
    for revision in reader.block_revisions_of_turns(turn_ids)? {
        if let Some(block) = reader.block(&revision.block_id)? {
            changes.push(of_revision(reader, &names, (block, revision))?);
        }
    }
    for alteration in reader.block_alterations_of_turns(turn_ids)? {
        if let Some(block) = reader.block(&alteration.block_id)? {
            changes.push(of_alteration(reader, &names, (block, alteration))?);
        }
    }
    changes.extend(reader.passages_of_turns(turn_ids)?.into_iter().map(|passage| of_passage(&names, passage)));
    changes.sort_by_key(|change| change.at_ms);
    Ok(changes)
}

fn of_revision(
    reader: &Reader<'_>,
    names: &AgentNames,
    (block, revision): (Block, BlockRevision),
) -> Result<MemoryChange, StoreError> {
    let undone = undone(reader, &block)?.contains(&Mark::Revision(revision.number));
    let change = Change::Block { revision, label: block.label, block_id: block.id };
    Ok(memory_change(change, names, undone))
}

fn of_alteration(
    reader: &Reader<'_>,
    names: &AgentNames,
    (block, alteration): (Block, BlockAlteration),
) -> Result<MemoryChange, StoreError> {
    let undone = is_undone(reader, &block, &alteration)?;
    Ok(memory_change(Change::BlockAltered(AlteredBlock { block, alteration }), names, undone))
}

fn of_passage(names: &AgentNames, passage: Passage) -> MemoryChange {
    let undone = passage.deleted_at_ms.is_some();
    memory_change(Change::PassageSaved(passage), names, undone)
}

/// Tells the changes of one block apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Revision(i64),
    /// By its place among those of the block.
    Alteration(usize),
}

/// The changes of a block that have been undone. Making a block is undone by removing it.
fn undone(reader: &Reader<'_>, block: &Block) -> Result<BTreeSet<Mark>, StoreError> {
    let mut undone: BTreeSet<Mark> = reader.undone_revisions(&block.id)?.into_iter().map(Mark::Revision).collect();
    if block.deleted_at_ms.is_some() {
        undone.insert(Mark::Revision(1));
    }
    for (place, alteration) in reader.block_alterations(&block.id)?.iter().enumerate() {
        if is_undone(reader, block, alteration)? {
            undone.insert(Mark::Alteration(place));
        }
    }
    Ok(undone)
}

fn is_undone(reader: &Reader<'_>, block: &Block, alteration: &BlockAlteration) -> Result<bool, StoreError> {
    Ok(match alteration.what {
        Alteration::Renamed => block.label == alteration.before,
        Alteration::Described => block.description == alteration.before,
        Alteration::Removed => {
            block.deleted_at_ms.is_none() && reader.agents_of_block(&block.id)?.contains(&alteration.agent_id)
        }
    })
}

impl App {
    /// Runs a write to a block, and tells which changes of turns it has undone or brought back.
    pub(crate) fn write_block<T>(
        &self,
        id: &BlockId,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let (result, marked) = self.write(|writer| {
            let before = undone_of(writer, id)?;
            let result = work(writer)?;
            let after = undone_of(writer, id)?;
            let marks: Vec<&Mark> = before.symmetric_difference(&after).collect();
            let marked = if marks.is_empty() { Vec::new() } else { changes_of_marks(writer, id, &marks)? };
            Ok((result, marked))
        })?;
        self.tell_marked(marked);
        Ok(result)
    }

    /// Tells that passages which turns saved went to the bin or came back.
    pub(crate) fn tell_passages_marked(&self, passages: Vec<Passage>) -> Result<(), ApiError> {
        let names = self.store.read::<_, ApiError>(|reader| Ok(AgentNames::read(reader)?))?;
        self.tell_marked(passages.into_iter().map(|passage| of_passage(&names, passage)).collect());
        Ok(())
    }

    fn tell_marked(&self, changes: Vec<MemoryChange>) {
        for change in changes {
            if let (Some(agent_id), Some(turn_id)) = (&change.provenance.agent_id, &change.turn_id) {
                self.send(About::of_turn(agent_id, turn_id), EventKind::MemoryChangeMarked { change });
            }
        }
    }
}

fn undone_of(reader: &Reader<'_>, id: &BlockId) -> Result<BTreeSet<Mark>, ApiError> {
    let block = reader.block(id)?.ok_or_else(|| ApiError::not_found("block", id.as_str()))?;
    Ok(undone(reader, &block)?)
}

fn changes_of_marks(reader: &Reader<'_>, id: &BlockId, marks: &[&Mark]) -> Result<Vec<MemoryChange>, ApiError> {
    let block = reader.block(id)?.ok_or_else(|| ApiError::not_found("block", id.as_str()))?;
    let names = AgentNames::read(reader)?;
    let mut changes = Vec::new();
    for mark in marks {
        match mark {
            Mark::Revision(number) => {
                if let Some(revision) = reader.block_revision(id, *number)? {
                    changes.push(of_revision(reader, &names, (block.clone(), revision))?);
                }
            }
            Mark::Alteration(place) => {
                if let Some(alteration) = reader.block_alterations(id)?.into_iter().nth(*place) {
                    changes.push(of_alteration(reader, &names, (block.clone(), alteration))?);
                }
            }
        }
    }
    Ok(changes)
}
