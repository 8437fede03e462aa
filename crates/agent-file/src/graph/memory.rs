//! Memory with its history, as the section `resident` carries it: archives of passages, revisions of passages and of
//! blocks, and where each came from.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Extra, Out};
use crate::AgentFileError;
use crate::fields::{Context, Fields};

/// A store of passages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Archive {
    /// Names it within the file.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The agent whose own archive it is.
    pub owner_id: Option<String>,
    /// The agents that it is attached to, the owner among them.
    pub agent_ids: Vec<String>,
    /// What is in it, oldest first.
    pub passages: Vec<Passage>,
    /// When it was created.
    pub created_at_ms: Option<i64>,
    /// Other keys.
    pub extra: Extra,
}

/// One fact or piece of a document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// Names it within the file.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// The document that it is a piece of.
    pub document: Option<String>,
    /// From when it was true, where that is known.
    pub valid_from_ms: Option<i64>,
    /// Until when it was true; none while it is.
    pub valid_to_ms: Option<i64>,
    /// The passage that took its place.
    pub superseded_by: Option<String>,
    /// Where it came from.
    pub provenance: Provenance,
    /// When it was saved.
    pub created_at_ms: i64,
    /// What it was before and is now, in the order of the numbers; empty where it was never changed.
    pub revisions: Vec<PassageRevision>,
    /// Other keys.
    pub extra: Extra,
}

/// One version of a passage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PassageRevision {
    /// Counts from 1.
    pub number: i64,
    /// Its text.
    pub text: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Where it came from.
    pub provenance: Provenance,
    /// When it was written.
    pub created_at_ms: i64,
    /// Other keys.
    pub extra: Extra,
}

/// One version of a block.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockRevision {
    /// The block.
    pub block_id: String,
    /// Counts from 1 for each block. The value before is that of the number before.
    pub number: i64,
    /// The value.
    pub after: String,
    /// Where it came from.
    pub provenance: Provenance,
    /// When it was written.
    pub created_at_ms: i64,
    /// Other keys.
    pub extra: Extra,
}

/// Which actor, turn and tool wrote a memory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Who acted: `user`, `agent` or `system`.
    pub actor: String,
    /// The agent that wrote it.
    pub agent_id: Option<String>,
    /// The turn in which it was written, as messages name it.
    pub turn_id: Option<String>,
    /// The message that led to it.
    pub message_id: Option<String>,
    /// The tool that wrote it, or the action of the interface.
    pub tool: Option<String>,
    /// Other keys.
    pub extra: Extra,
}

impl Archive {
    pub(super) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let passages = fields.things(("passages", "passages"), cx.limits.passages, cx, |fields, cx| {
            cx.count_passages(&fields.place, 1)?;
            Passage::read(fields, cx)
        })?;
        Ok(Self {
            id: fields.text_or_empty("id", cx)?,
            name: fields.text_or_empty("name", cx)?,
            description: fields.text_or_empty("description", cx)?,
            owner_id: fields.text("owner_id", cx)?,
            agent_ids: fields.texts("agent_ids")?,
            passages,
            created_at_ms: fields.whole("created_at_ms", cx)?,
            extra: fields.rest(),
        })
    }

    pub(super) fn write(&self) -> Value {
        let Self { id, name, description, owner_id, agent_ids, passages, created_at_ms, extra } = self;
        let mut out = Out::default();
        out.put("id", id.as_str());
        out.put("name", name.as_str());
        out.put("description", description.as_str());
        out.some("owner_id", owner_id.as_ref());
        out.put("agent_ids", agent_ids.clone());
        out.things("passages", passages, Passage::write);
        out.some("created_at_ms", created_at_ms.as_ref());
        out.with(extra)
    }
}

impl Passage {
    pub(super) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        Ok(Self {
            id: fields.text_or_empty("id", cx)?,
            text: fields.text_or_empty("text", cx)?,
            tags: fields.texts("tags")?,
            document: fields.text("document", cx)?,
            valid_from_ms: fields.whole("valid_from_ms", cx)?,
            valid_to_ms: fields.whole("valid_to_ms", cx)?,
            superseded_by: fields.text("superseded_by", cx)?,
            provenance: Provenance::of(&mut fields, cx)?,
            created_at_ms: fields.whole("created_at_ms", cx)?.unwrap_or_default(),
            revisions: fields.things(("revisions", "revisions"), cx.limits.entities, cx, PassageRevision::read)?,
            extra: fields.rest(),
        })
    }

    pub(super) fn write(&self) -> Value {
        let Self {
            id,
            text,
            tags,
            document,
            valid_from_ms,
            valid_to_ms,
            superseded_by,
            provenance,
            created_at_ms,
            revisions,
            extra,
        } = self;
        let mut out = Out::default();
        out.put("id", id.as_str());
        out.put("text", text.as_str());
        out.list("tags", tags);
        out.some("document", document.as_ref());
        out.some("valid_from_ms", valid_from_ms.as_ref());
        out.some("valid_to_ms", valid_to_ms.as_ref());
        out.some("superseded_by", superseded_by.as_ref());
        out.put("provenance", provenance.write());
        out.put("created_at_ms", *created_at_ms);
        if !revisions.is_empty() {
            out.things("revisions", revisions, PassageRevision::write);
        }
        out.with(extra)
    }
}

impl PassageRevision {
    pub(super) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        Ok(Self {
            number: fields.whole("number", cx)?.unwrap_or_default(),
            text: fields.text_or_empty("text", cx)?,
            tags: fields.texts("tags")?,
            provenance: Provenance::of(&mut fields, cx)?,
            created_at_ms: fields.whole("created_at_ms", cx)?.unwrap_or_default(),
            extra: fields.rest(),
        })
    }

    pub(super) fn write(&self) -> Value {
        let Self { number, text, tags, provenance, created_at_ms, extra } = self;
        let mut out = Out::default();
        out.put("number", *number);
        out.put("text", text.as_str());
        out.list("tags", tags);
        out.put("provenance", provenance.write());
        out.put("created_at_ms", *created_at_ms);
        out.with(extra)
    }
}

impl BlockRevision {
    pub(super) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        Ok(Self {
            block_id: fields.text_or_empty("block_id", cx)?,
            number: fields.whole("number", cx)?.unwrap_or_default(),
            after: fields.text_or_empty("after", cx)?,
            provenance: Provenance::of(&mut fields, cx)?,
            created_at_ms: fields.whole("created_at_ms", cx)?.unwrap_or_default(),
            extra: fields.rest(),
        })
    }

    pub(super) fn write(&self) -> Value {
        let Self { block_id, number, after, provenance, created_at_ms, extra } = self;
        let mut out = Out::default();
        out.put("block_id", block_id.as_str());
        out.put("number", *number);
        out.put("after", after.as_str());
        out.put("provenance", provenance.write());
        out.put("created_at_ms", *created_at_ms);
        out.with(extra)
    }
}

impl Provenance {
    /// The provenance among the fields of a memory; where there is none, nobody but the program can have written it.
    fn of(fields: &mut Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let map = fields.object("provenance")?.unwrap_or_default();
        let mut fields = Fields::new(Value::Object(map), fields.place.key("provenance"))?;
        Ok(Self {
            actor: fields.text("actor", cx)?.unwrap_or_else(|| "system".to_owned()),
            agent_id: fields.text("agent_id", cx)?,
            turn_id: fields.text("turn_id", cx)?,
            message_id: fields.text("message_id", cx)?,
            tool: fields.text("tool", cx)?,
            extra: fields.rest(),
        })
    }

    pub(super) fn write(&self) -> Value {
        let Self { actor, agent_id, turn_id, message_id, tool, extra } = self;
        let mut out = Out::default();
        out.put("actor", actor.as_str());
        out.some("agent_id", agent_id.as_ref());
        out.some("turn_id", turn_id.as_ref());
        out.some("message_id", message_id.as_ref());
        out.some("tool", tool.as_ref());
        out.with(extra)
    }
}
