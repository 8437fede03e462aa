//! Core and archival memory: blocks with their revisions, archives with their passages, out of the store and into it.

use std::collections::HashSet;

use resident_agent_file::{self as graph, Extra};
use resident_memory::core::default_limit;
use resident_store::{
    Actor, AgentId, Archive, ArchiveId, ArchiveKind, ArchiveListing, Block, BlockId, MessageId, Passage, PassageFilter,
    PassageId, Provenance, Reader, TurnId, Writer,
};
use serde_json::Value;

use super::ours::object;
use crate::api::ApiError;

/// The action by which an import writes a memory that says nothing of where it came from.
const IMPORT: &str = "import";

pub(super) fn block_of(row: Block) -> graph::Block {
    graph::Block {
        id: row.id.0,
        label: row.label,
        value: row.value,
        description: Some(row.description).filter(|text| !text.is_empty()),
        limit_chars: u64::try_from(row.limit_chars).ok(),
        read_only: row.read_only,
        metadata: object(row.metadata),
        extra: without_nulls(row.letta),
    }
}

/// The revisions of a block, oldest first.
pub(super) fn revisions_of(reader: &Reader<'_>, id: &BlockId) -> Result<Vec<graph::BlockRevision>, ApiError> {
    let rows = reader.block_revisions(id)?.into_iter().rev();
    Ok(rows
        .map(|row| graph::BlockRevision {
            block_id: row.block_id.0,
            number: row.number,
            after: row.after,
            provenance: provenance_of(row.provenance),
            created_at_ms: row.created_at_ms,
            extra: Extra::new(),
        })
        .collect())
}

/// The archives attached to agents, with those of the agents that are meant, in the order in which they were made.
pub(super) fn archives_of(reader: &Reader<'_>, agent_ids: &[AgentId]) -> Result<Vec<graph::Archive>, ApiError> {
    let mut wanted: HashSet<ArchiveId> = HashSet::new();
    for agent_id in agent_ids {
        wanted.extend(reader.archives_in(&agent_id.into())?);
    }
    let rows = reader.list_archives(&ArchiveListing::default())?;
    rows.into_iter().filter(|row| wanted.contains(&row.id)).map(|row| archive_of(reader, row, agent_ids)).collect()
}

fn archive_of(reader: &Reader<'_>, row: Archive, agent_ids: &[AgentId]) -> Result<graph::Archive, ApiError> {
    // In the order in which they were saved, which says more than their times.
    let mut rowids = reader.passage_rowids(&PassageFilter::of(&row.id), usize::MAX)?;
    rowids.sort_unstable();
    let passages = reader.passages_by_rowid(&rowids)?.into_iter();
    let attached = reader.agents_of_archive(&row.id)?;
    Ok(graph::Archive {
        name: row.name,
        description: row.description,
        owner_id: row.agent_id.filter(|id| agent_ids.contains(id)).map(|id| id.0),
        agent_ids: attached.into_iter().filter(|id| agent_ids.contains(id)).map(|id| id.0).collect(),
        passages: passages.map(|(_, passage)| passage_of(reader, passage)).collect::<Result<_, _>>()?,
        created_at_ms: Some(row.created_at_ms),
        extra: without_nulls(row.letta),
        id: row.id.0,
    })
}

fn passage_of(reader: &Reader<'_>, row: Passage) -> Result<graph::Passage, ApiError> {
    let mut revisions = reader.passage_revisions(&row.id)?;
    revisions.reverse();
    let was_changed = revisions.len() > 1;
    let revisions = revisions.into_iter().filter(|_| was_changed).map(|revision| graph::PassageRevision {
        number: revision.number,
        text: revision.after,
        tags: revision.tags,
        provenance: provenance_of(revision.provenance),
        created_at_ms: revision.created_at_ms,
        extra: Extra::new(),
    });
    Ok(graph::Passage {
        id: row.id.0,
        text: row.text,
        tags: row.tags,
        document: row.document,
        valid_from_ms: row.valid_from_ms,
        valid_to_ms: row.valid_to_ms,
        superseded_by: row.superseded_by.map(|id| id.0),
        provenance: provenance_of(row.provenance),
        created_at_ms: row.created_at_ms,
        revisions: revisions.collect(),
        extra: Extra::new(),
    })
}

fn provenance_of(row: Provenance) -> graph::Provenance {
    let Provenance { actor, agent_id, turn_id, message_id, tool } = row;
    graph::Provenance {
        actor: match actor {
            Actor::User => "user",
            Actor::Agent => "agent",
            Actor::System => "system",
        }
        .to_owned(),
        agent_id: agent_id.map(|id| id.0),
        turn_id: turn_id.map(|id| id.0),
        message_id: message_id.map(|id| id.0),
        tool,
        extra: Extra::new(),
    }
}

fn provenance_row(provenance: &graph::Provenance) -> Provenance {
    Provenance {
        actor: match provenance.actor.as_str() {
            "user" => Actor::User,
            "agent" => Actor::Agent,
            _ => Actor::System,
        },
        agent_id: provenance.agent_id.clone().map(AgentId),
        turn_id: provenance.turn_id.clone().map(TurnId),
        message_id: provenance.message_id.clone().map(MessageId),
        tool: provenance.tool.clone(),
    }
}

/// Writes a block with its revisions; one that comes without them has one, by the import.
pub(super) fn write_block(
    writer: &mut Writer<'_>,
    block: &graph::Block,
    revisions: &[&graph::BlockRevision],
    now_ms: i64,
) -> Result<(), ApiError> {
    let clean = |text: &str| text.replace('\0', "");
    let value = clean(&block.value);
    let imported = Provenance::system(IMPORT);
    let first = revisions.first();
    let created_at_ms = first.map_or(now_ms, |first| first.created_at_ms);
    let limit = block.limit_chars.and_then(|limit| usize::try_from(limit).ok());
    let row = Block {
        id: BlockId(block.id.clone()),
        label: clean(&block.label),
        description: clean(block.description.as_deref().unwrap_or_default()),
        value: first.map_or_else(|| value.clone(), |first| clean(&first.after)),
        limit_chars: limit.unwrap_or_else(|| default_limit(&block.label)),
        read_only: block.read_only,
        metadata: Value::Object(block.metadata.clone()),
        letta: Value::Object(block.extra.clone()),
        created_at_ms,
        updated_at_ms: created_at_ms,
        deleted_at_ms: None,
    };
    let by = first.map_or_else(|| imported.clone(), |first| provenance_row(&first.provenance));
    writer.insert_block(&row, &by)?;
    for revision in revisions.iter().skip(1) {
        let by = provenance_row(&revision.provenance);
        writer.write_block_value(&row.id, &clean(&revision.after), &by, revision.created_at_ms)?;
    }
    let last = revisions.last().map_or(&value, |last| &last.after);
    if clean(last) != value {
        writer.write_block_value(&row.id, &value, &imported, now_ms)?;
    }
    Ok(())
}

/// Writes an archive with its passages, attached to its agents. `coming` are all passages that come in; one may refer to
/// another that is written later.
pub(super) fn write_archive(
    writer: &mut Writer<'_>,
    archive: &graph::Archive,
    coming: &HashSet<&str>,
    now_ms: i64,
) -> Result<(), ApiError> {
    let created_at_ms = archive.created_at_ms.unwrap_or(now_ms);
    let id = ArchiveId(archive.id.clone());
    writer.insert_archive(&Archive {
        id: id.clone(),
        name: archive.name.clone(),
        description: archive.description.clone(),
        kind: ArchiveKind::Passages,
        letta: Value::Object(archive.extra.clone()),
        agent_id: archive.owner_id.clone().map(AgentId),
        created_at_ms,
        updated_at_ms: created_at_ms,
        deleted_at_ms: None,
    })?;
    for agent_id in &archive.agent_ids {
        writer.attach_archive(&AgentId(agent_id.clone()), &id)?;
    }
    for passage in &archive.passages {
        let successor = passage.superseded_by.as_deref().filter(|by| coming.contains(by) && *by != passage.id);
        write_passage(writer, &id, passage, successor)?;
    }
    Ok(())
}

fn write_passage(
    writer: &mut Writer<'_>,
    archive_id: &ArchiveId,
    passage: &graph::Passage,
    successor: Option<&str>,
) -> Result<(), ApiError> {
    let clean = |text: &str| text.replace('\0', "");
    let first = passage.revisions.first();
    let row = Passage {
        id: PassageId(passage.id.clone()),
        archive_id: archive_id.clone(),
        agent_id: None,
        file_id: None,
        text: clean(first.map_or(&passage.text, |first| &first.text)),
        tags: first.map_or(&passage.tags, |first| &first.tags).clone(),
        provenance: provenance_row(&passage.provenance),
        document: passage.document.clone(),
        valid_from_ms: passage.valid_from_ms,
        valid_to_ms: passage.valid_to_ms,
        superseded_by: successor.map(PassageId::from),
        created_at_ms: passage.created_at_ms,
        updated_at_ms: passage.created_at_ms,
        deleted_at_ms: None,
    };
    writer.insert_passage(&row)?;
    for revision in passage.revisions.iter().skip(1) {
        let by = provenance_row(&revision.provenance);
        writer.update_passage(&row.id, &clean(&revision.text), &revision.tags, &by, revision.created_at_ms)?;
    }
    if let Some(last) = passage.revisions.last().filter(|last| last.text != passage.text || last.tags != passage.tags) {
        let by = Provenance::system(IMPORT);
        writer.update_passage(&row.id, &clean(&passage.text), &passage.tags, &by, last.created_at_ms)?;
    }
    Ok(())
}

/// What clients set; a key without a value says nothing.
pub(super) fn without_nulls(value: Value) -> Extra {
    let mut extra = object(value);
    extra.retain(|_, value| !value.is_null());
    extra
}
