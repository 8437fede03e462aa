//! What V1 has no place for: the section `resident` of a file.
//!
//! V1 reads a file without looking at this key, so that a file with it goes everywhere. It has a version of its own; what
//! a later version adds is kept as it came. Times are milliseconds since the Unix epoch. Ids are the file's.
//!
//! ```json
//! {
//!   "version": 1,
//!   "agents": [{"agent_id": "agent-0", "model": "local/x", "settings": {}, "summaries": [], "conversations": []}],
//!   "archives": [{"id": "archive-0", "name": "…", "owner_id": "agent-0", "agent_ids": ["agent-0"], "passages": []}],
//!   "block_revisions": [{"block_id": "block-0", "number": 1, "after": "…", "provenance": {"actor": "user"}}]
//! }
//! ```
//!
//! A key `kept` holds what V1's schema would refuse where it belongs (see `strict`); readers put it back in its place.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Archive, BlockRevision, Extra, Message, Out};
use crate::fields::{Context, Fields};
use crate::{AgentFileError, NoticeKind};

/// The section `resident`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resident {
    /// What belongs to agents.
    pub agents: Vec<AgentSettings>,
    /// Archival memory.
    pub archives: Vec<Archive>,
    /// The history of core memory, each block's in the order of its numbers.
    pub block_revisions: Vec<BlockRevision>,
    /// Other keys.
    pub extra: Extra,
}

/// What V1 has no place for of one agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AgentSettings {
    /// The agent.
    pub agent_id: String,
    /// The handle of its language model in Resident.
    pub model: Option<String>,
    /// Settings that override the profile's.
    pub settings: Extra,
    /// Summaries of its own thread, oldest first.
    pub summaries: Vec<Summary>,
    /// Its conversations beside its own thread.
    pub conversations: Vec<Conversation>,
    /// When it was created.
    pub created_at_ms: Option<i64>,
    /// Other keys.
    pub extra: Extra,
}

/// What was said before the window begins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its text.
    pub text: String,
    /// How it was made: `recursive` or `extractive`.
    pub kind: String,
    /// The first message that it does not cover.
    pub first_message_id: Option<String>,
    /// How many messages were evicted for it.
    pub evicted_messages: i64,
    /// When it was written.
    pub created_at_ms: i64,
    /// Other keys.
    pub extra: Extra,
}

/// A thread of messages beside the agent's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Names it within the file.
    pub id: String,
    /// What it is about.
    pub name: Option<String>,
    /// Its messages, in order.
    pub messages: Vec<Message>,
    /// Those of them that are in its window, in order.
    pub in_context_message_ids: Vec<String>,
    /// Blocks of its own, which stand in the place of the agent's of the same labels.
    pub block_ids: Vec<String>,
    /// Its summaries, oldest first.
    pub summaries: Vec<Summary>,
    /// When it was created.
    pub created_at_ms: Option<i64>,
    /// Other keys.
    pub extra: Extra,
}

impl Resident {
    /// The version that is written.
    pub const VERSION: i64 = 1;

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let version = fields.whole("version", cx)?.unwrap_or(Self::VERSION);
        if version > Self::VERSION {
            let text = format!(
                "This part was written by a newer version of Resident (format {version}, known is {}). What is known of it is read.",
                Self::VERSION
            );
            cx.notices.add(NoticeKind::NotAdopted, &fields.place, text);
        }
        let most = cx.limits.entities;
        Ok(Self {
            agents: fields.things(("agents", "agents"), cx.limits.agents, cx, AgentSettings::read)?,
            archives: fields.things(("archives", "archives"), most, cx, Archive::read)?,
            // Each block may have many.
            block_revisions: fields.things(
                ("block_revisions", "revisions"),
                cx.limits.messages,
                cx,
                BlockRevision::read,
            )?,
            extra: fields.rest(),
        })
    }

    pub(crate) fn write(&self) -> Value {
        let Self { agents, archives, block_revisions, extra } = self;
        let mut out = Out::default();
        out.put("version", Self::VERSION);
        out.things("agents", agents, AgentSettings::write);
        out.things("archives", archives, Archive::write);
        out.things("block_revisions", block_revisions, BlockRevision::write);
        out.with(extra)
    }
}

impl AgentSettings {
    fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let most = cx.limits.entities;
        Ok(Self {
            agent_id: fields.text_or_empty("agent_id", cx)?,
            model: fields.text("model", cx)?,
            settings: fields.object("settings")?.unwrap_or_default(),
            summaries: fields.things(("summaries", "summaries"), most, cx, Summary::read)?,
            conversations: fields.things(("conversations", "conversations"), most, cx, Conversation::read)?,
            created_at_ms: fields.whole("created_at_ms", cx)?,
            extra: fields.rest(),
        })
    }

    fn write(&self) -> Value {
        let Self { agent_id, model, settings, summaries, conversations, created_at_ms, extra } = self;
        let mut out = Out::default();
        out.put("agent_id", agent_id.as_str());
        out.some("model", model.as_ref());
        out.put("settings", settings.clone());
        out.things("summaries", summaries, Summary::write);
        out.things("conversations", conversations, |conversation| conversation.write(agent_id));
        out.some("created_at_ms", created_at_ms.as_ref());
        out.with(extra)
    }
}

impl Summary {
    fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        Ok(Self {
            text: fields.text_or_empty("text", cx)?,
            kind: fields.text("kind", cx)?.unwrap_or_else(|| "recursive".to_owned()),
            first_message_id: fields.text("first_message_id", cx)?,
            evicted_messages: fields.whole("evicted_messages", cx)?.unwrap_or_default(),
            created_at_ms: fields.whole("created_at_ms", cx)?.unwrap_or_default(),
            extra: fields.rest(),
        })
    }

    fn write(&self) -> Value {
        let Self { text, kind, first_message_id, evicted_messages, created_at_ms, extra } = self;
        let mut out = Out::default();
        out.put("text", text.as_str());
        out.put("kind", kind.as_str());
        out.some("first_message_id", first_message_id.as_ref());
        out.put("evicted_messages", *evicted_messages);
        out.put("created_at_ms", *created_at_ms);
        out.with(extra)
    }
}

impl Conversation {
    fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let most = cx.limits.messages;
        let messages = fields.things(("messages", "messages"), most, cx, |fields, cx| {
            cx.count_messages(&fields.place, 1)?;
            Message::read(fields, cx)
        })?;
        Ok(Self {
            id: fields.text_or_empty("id", cx)?,
            name: fields.text("name", cx)?,
            messages,
            in_context_message_ids: fields.texts("in_context_message_ids")?,
            block_ids: fields.texts("block_ids")?,
            summaries: fields.things(("summaries", "summaries"), cx.limits.entities, cx, Summary::read)?,
            created_at_ms: fields.whole("created_at_ms", cx)?,
            extra: fields.rest(),
        })
    }

    fn write(&self, agent_id: &str) -> Value {
        let Self { id, name, messages, in_context_message_ids, block_ids, summaries, created_at_ms, extra } = self;
        let mut out = Out::default();
        out.put("id", id.as_str());
        out.some("name", name.as_ref());
        out.things("messages", messages, |message| message.write(agent_id));
        out.put("in_context_message_ids", in_context_message_ids.clone());
        out.list("block_ids", block_ids);
        out.things("summaries", summaries, Summary::write);
        out.some("created_at_ms", created_at_ms.as_ref());
        out.with(extra)
    }
}
