//! Archival memory: the edits of passages, each inside a transaction of the caller. Searching is in `search`.
//!
//! A fact that changed is superseded, not overwritten: the old passage keeps its text and gets an end of validity, so
//! that "what was true then" has an answer.

mod chunk;

use resident_store::{Actor, ArchiveId, FileId, Passage, PassageId, Writer};

use self::chunk::chunks;
use crate::{MemoryError, clean, core::EditContext};

/// What is to be saved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewPassages {
    /// The text; a long one is cut into several passages.
    pub text: String,
    /// Tags for each of them.
    pub tags: Vec<String>,
    /// Into which archive; the agent's when `None`.
    pub archive_id: Option<ArchiveId>,
    /// The file that the text is.
    pub file_id: Option<FileId>,
    /// The document that the text is.
    pub document: Option<String>,
    /// From when it is true, where that is known.
    pub valid_from_ms: Option<i64>,
}

/// Saves a text, in several passages where it is long, and returns them in its order.
///
/// # Errors
/// When the text is empty.
pub fn insert(w: &mut Writer<'_>, edit: &EditContext<'_>, new: NewPassages) -> Result<Vec<Passage>, MemoryError> {
    let NewPassages { text, tags, archive_id, file_id, document, valid_from_ms } = new;
    let text = clean(&text);
    let tags = normal_tags(&tags);
    let mut saved = Vec::new();
    if text.trim().is_empty() {
        return Err(MemoryError::EmptyArgument { argument: "content" });
    }
    let archive_id = match archive_id {
        Some(archive_id) => archive_id,
        None => w.default_archive(edit.agent_id, edit.now_ms)?,
    };
    let owner = w.archive(&archive_id)?.and_then(|archive| archive.agent_id);
    for piece in chunks(&text) {
        let passage = Passage {
            agent_id: owner.clone(),
            file_id: file_id.clone(),
            document: document.clone(),
            valid_from_ms,
            ..blank_passage(edit, &archive_id, piece.to_owned(), tags.clone())
        };
        w.insert_passage(&passage)?;
        saved.push(passage);
    }
    if saved.is_empty() {
        return Err(MemoryError::EmptyArgument { argument: "content" });
    }
    Ok(saved)
}

/// Changes text or tags of a passage; what is `None` stays.
///
/// # Errors
/// When the passage is unknown or its new text empty.
pub fn edit(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    id: &PassageId,
    text: Option<&str>,
    tags: Option<&[String]>,
) -> Result<Passage, MemoryError> {
    let mut passage = known(w, edit, id)?;
    if let Some(text) = text {
        passage.text = nonempty(text)?;
    }
    if let Some(tags) = tags {
        passage.tags = normal_tags(tags);
    }
    w.update_passage(id, &passage.text, &passage.tags, edit.provenance, edit.now_ms)?;
    passage.updated_at_ms = edit.now_ms;
    Ok(passage)
}

/// Moves passages to the bin and returns them.
///
/// # Errors
/// When one of them is unknown.
pub fn delete(w: &mut Writer<'_>, edit: &EditContext<'_>, ids: &[PassageId]) -> Result<Vec<Passage>, MemoryError> {
    set_deleted(w, edit, ids, Some(edit.now_ms))
}

/// Brings passages back from the bin and returns them.
///
/// # Errors
/// When one of them is unknown.
pub fn restore(w: &mut Writer<'_>, edit: &EditContext<'_>, ids: &[PassageId]) -> Result<Vec<Passage>, MemoryError> {
    set_deleted(w, edit, ids, None)
}

/// Saves a new fact in the place of an old one, which stays, valid until now. Without tags it takes the old one's.
///
/// # Errors
/// When the old passage is unknown or has a successor already, or the new text is empty.
pub fn supersede(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    old: &PassageId,
    new_text: &str,
    tags: &[String],
) -> Result<Passage, MemoryError> {
    let old = known(w, edit, old)?;
    // A successor in the bin has given the place back: then the old one is open again.
    if let (Some(by), Some(_)) = (old.superseded_by, old.valid_to_ms) {
        return Err(MemoryError::AlreadySuperseded { id: old.id, by });
    }
    let tags = if tags.is_empty() { old.tags } else { normal_tags(tags) };
    let text = nonempty(new_text)?;
    let new = Passage {
        agent_id: old.agent_id,
        valid_from_ms: Some(edit.now_ms),
        ..blank_passage(edit, &old.archive_id, text, tags)
    };
    w.insert_passage(&new)?;
    w.supersede_passage(&old.id, &new.id, edit.now_ms)?;
    Ok(new)
}

/// Moves a passage to the bin, and with it those whose place it took: what it told before goes too. The passage is the
/// last of those returned.
///
/// # Errors
/// When the passage is unknown.
pub fn forget(w: &mut Writer<'_>, edit: &EditContext<'_>, id: &PassageId) -> Result<Vec<Passage>, MemoryError> {
    let mut line = vec![known(w, edit, id)?];
    let mut at = 0;
    while let Some(passage) = line.get(at) {
        let before = w.passages_superseded_by(&passage.id)?;
        line.extend(before.into_iter().filter(|passage| passage.deleted_at_ms.is_none()));
        at += 1;
    }
    line.reverse();
    let ids: Vec<_> = line.into_iter().map(|passage| passage.id).collect();
    delete(w, edit, &ids)
}

fn set_deleted(
    w: &mut Writer<'_>,
    edit: &EditContext<'_>,
    ids: &[PassageId],
    deleted_at_ms: Option<i64>,
) -> Result<Vec<Passage>, MemoryError> {
    ids.iter()
        .map(|id| {
            let passage = own(w, edit, id)?;
            w.set_passage_deleted(id, deleted_at_ms)?;
            Ok(Passage { deleted_at_ms, ..passage })
        })
        .collect()
}

/// The passage, in the bin or not. For an agent it has to be in its archival memory; people edit all there is.
fn own(w: &Writer<'_>, edit: &EditContext<'_>, id: &PassageId) -> Result<Passage, MemoryError> {
    let unknown = || MemoryError::UnknownPassage { id: id.clone() };
    let passage = w.passage(id)?.ok_or_else(unknown)?;
    let reachable = match edit.provenance.actor {
        Actor::Agent => w.archives_in(&edit.agent_id.into())?.contains(&passage.archive_id),
        Actor::User | Actor::System => true,
    };
    if reachable { Ok(passage) } else { Err(unknown()) }
}

/// The passage that the actor may edit, not in the bin.
fn known(w: &Writer<'_>, edit: &EditContext<'_>, id: &PassageId) -> Result<Passage, MemoryError> {
    let passage = own(w, edit, id)?;
    if passage.deleted_at_ms.is_some() {
        return Err(MemoryError::UnknownPassage { id: id.clone() });
    }
    Ok(passage)
}

fn blank_passage(edit: &EditContext<'_>, archive_id: &ArchiveId, text: String, tags: Vec<String>) -> Passage {
    Passage {
        id: PassageId::new(),
        archive_id: archive_id.clone(),
        agent_id: None,
        file_id: None,
        text,
        tags,
        provenance: edit.provenance.clone(),
        document: None,
        valid_from_ms: None,
        valid_to_ms: None,
        superseded_by: None,
        created_at_ms: edit.now_ms,
        updated_at_ms: edit.now_ms,
        deleted_at_ms: None,
    }
}

fn nonempty(text: &str) -> Result<String, MemoryError> {
    let text = clean(text).trim().to_owned();
    if text.is_empty() { Err(MemoryError::EmptyArgument { argument: "content" }) } else { Ok(text) }
}

/// Tags without surrounding or repeated white space, empty ones and duplicates, in the order given.
fn normal_tags(tags: &[String]) -> Vec<String> {
    let mut normal: Vec<String> = Vec::new();
    for tag in tags {
        let tag = clean(tag).split_whitespace().collect::<Vec<_>>().join(" ");
        if !tag.is_empty() && !normal.contains(&tag) {
            normal.push(tag);
        }
    }
    normal
}
