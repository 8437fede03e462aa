//! Agents: how they are set up, what they have, and their own thread of messages.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Block, Extra, FileView, Message, Out};
use crate::fields::{Context, Fields, within, wrong};
use crate::place::Place;
use crate::{AgentFileError, NoticeKind, json};

/// The kinds of agents that V1 knows.
pub const AGENT_TYPES: [&str; 9] = [
    "memgpt_agent",
    "memgpt_v2_agent",
    "letta_v1_agent",
    "react_agent",
    "workflow_agent",
    "split_thread_agent",
    "sleeptime_agent",
    "voice_convo_agent",
    "voice_sleeptime_agent",
];

/// The kind that V1 makes where none is named, and what an unknown kind counts as.
const DEFAULT_TYPE: &str = "letta_v1_agent";

/// One agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// Names it within the file.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// One of [`AGENT_TYPES`].
    pub agent_type: String,
    /// Its instructions, without blocks filled in.
    pub system: Option<String>,
    /// Its blocks, in the order of its prompt.
    pub block_ids: Vec<String>,
    /// Its tools.
    pub tool_ids: Vec<String>,
    /// Tools that it names and the file does not describe.
    pub tool_names: Vec<String>,
    /// Its rules for tools, in V1's form (`{"type": "exit_loop", "tool_name": …}`).
    pub tool_rules: Vec<Extra>,
    /// Words under which clients find it.
    pub tags: Vec<String>,
    /// Whatever a client keeps with it.
    pub metadata: Extra,
    /// Its language model by its handle (`provider/name`).
    pub model: Option<String>,
    /// Its embedding model by its handle.
    pub embedding: Option<String>,
    /// Its language model as older clients set it. Endpoints in it are never adopted.
    pub llm_config: Extra,
    /// Its embedding model as older clients set it. Endpoints in it are never adopted.
    pub embedding_config: Extra,
    /// Settings of its language model.
    pub model_settings: Extra,
    /// Settings of compaction.
    pub compaction_settings: Extra,
    /// The most tokens that its prompt may have.
    pub context_window_limit: Option<u64>,
    /// Values that its tools are run with, by name (`secrets`, and `tool_exec_environment_variables` before that).
    pub secrets: BTreeMap<String, String>,
    /// Its time zone by its IANA name.
    pub timezone: Option<String>,
    /// Whether a background agent tidies its memory.
    pub enable_sleeptime: Option<bool>,
    /// Whether it forgets each message once it is answered.
    pub message_buffer_autoclear: bool,
    /// The folders that it can read.
    pub folder_ids: Vec<String>,
    /// What it has open of their files.
    pub file_views: Vec<FileView>,
    /// The groups that it leads.
    pub group_ids: Vec<String>,
    /// The messages of its own thread, in order.
    pub messages: Vec<Message>,
    /// Those of them that are in its context window, in order.
    pub in_context_message_ids: Vec<String>,
    /// Other keys.
    pub extra: Extra,
}

/// An agent as it is read, with blocks that stand in it and not in the file's list.
pub(crate) struct ReadAgent {
    pub(crate) agent: Agent,
    pub(crate) blocks: Vec<Block>,
}

impl Agent {
    pub(crate) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<ReadAgent, AgentFileError> {
        let place = fields.place;
        let blocks = fields.things(("memory_blocks", "blocks"), cx.limits.entities, cx, Block::read)?;
        let messages_place = place.key("messages");
        let messages = fields.list("messages")?;
        cx.count_messages(&messages_place, messages.len())?;
        let messages = messages
            .into_iter()
            .enumerate()
            .map(|(index, value)| Message::read(Fields::new(value, messages_place.index(index))?, cx))
            .collect::<Result<Vec<_>, _>>()?;
        let agent = Self {
            id: fields.text_or_empty("id", cx)?,
            name: name(&mut fields, cx)?,
            description: fields.text("description", cx)?,
            agent_type: agent_type(&mut fields, cx)?,
            system: fields.text("system", cx)?,
            block_ids: fields.texts("block_ids")?,
            tool_ids: fields.texts("tool_ids")?,
            tool_names: fields.texts("tools")?,
            tool_rules: tool_rules(&mut fields, cx)?,
            tags: fields.texts("tags")?,
            metadata: fields.object("metadata")?.unwrap_or_default(),
            model: fields.text("model", cx)?,
            embedding: fields.text("embedding", cx)?,
            llm_config: fields.object("llm_config")?.unwrap_or_default(),
            embedding_config: fields.object("embedding_config")?.unwrap_or_default(),
            model_settings: fields.object("model_settings")?.unwrap_or_default(),
            compaction_settings: fields.object("compaction_settings")?.unwrap_or_default(),
            context_window_limit: fields.count("context_window_limit", cx)?,
            secrets: secrets(&mut fields, cx)?,
            timezone: fields.text("timezone", cx)?,
            enable_sleeptime: fields.flag("enable_sleeptime", cx)?,
            message_buffer_autoclear: fields.flag("message_buffer_autoclear", cx)?.unwrap_or_default(),
            folder_ids: folder_ids(&mut fields)?,
            file_views: fields.things(("files_agents", "files"), cx.limits.entities, cx, FileView::read)?,
            group_ids: fields.texts("group_ids")?,
            in_context_message_ids: fields.texts("in_context_message_ids")?,
            messages,
            extra: {
                if !fields.texts("identity_ids")?.is_empty() {
                    let text =
                        "The people that it belongs to are not part of the file; the references to them are left out.";
                    cx.notices.add(NoticeKind::NotAdopted, &place.key("identity_ids"), text);
                }
                fields.rest()
            },
        };
        let listed = [&agent.block_ids, &agent.tool_ids, &agent.tool_names, &agent.folder_ids, &agent.group_ids];
        for list in listed {
            within(&place, list.len(), "references", cx.limits.entities)?;
        }
        within(&place, agent.in_context_message_ids.len(), "messages in context", cx.limits.messages)?;
        Ok(ReadAgent { agent, blocks })
    }

    /// The object of the agent; `views` are what it has open, as they are written.
    pub(crate) fn write(&self, views: Vec<Value>) -> Value {
        let Self {
            id,
            name,
            description,
            agent_type,
            system,
            block_ids,
            tool_ids,
            tool_names,
            tool_rules,
            tags,
            metadata,
            model,
            embedding,
            llm_config,
            embedding_config,
            model_settings,
            compaction_settings,
            context_window_limit,
            secrets,
            timezone,
            enable_sleeptime,
            message_buffer_autoclear,
            folder_ids,
            file_views: _,
            group_ids,
            messages,
            in_context_message_ids,
            extra,
        } = self;
        let mut out = Out::default();
        out.put("id", id.as_str());
        out.put("name", name.as_str());
        out.some("description", description.as_ref());
        out.put("agent_type", agent_type.as_str());
        out.some("system", system.as_ref());
        out.put("memory_blocks", Value::Array(Vec::new()));
        out.put("tools", tool_names.clone());
        out.put("tool_ids", tool_ids.clone());
        out.put("source_ids", folder_ids.clone());
        out.put("block_ids", block_ids.clone());
        out.put("tool_rules", tool_rules.clone());
        out.put("tags", tags.clone());
        out.map("metadata", metadata);
        out.map("llm_config", llm_config);
        out.map("embedding_config", embedding_config);
        out.some("model", model.as_ref());
        out.some("embedding", embedding.as_ref());
        out.map("model_settings", model_settings);
        out.map("compaction_settings", compaction_settings);
        out.some("context_window_limit", context_window_limit.as_ref());
        let values: Map<String, Value> =
            secrets.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        out.map("secrets", &values);
        out.put("tool_exec_environment_variables", values);
        out.some("timezone", timezone.as_ref());
        out.some("enable_sleeptime", enable_sleeptime.as_ref());
        out.put("message_buffer_autoclear", *message_buffer_autoclear);
        for (key, value) in &AS_IT_IS {
            out.put(key, extra.get(*key).cloned().unwrap_or(Value::Bool(*value)));
        }
        out.put("in_context_message_ids", in_context_message_ids.clone());
        out.things("messages", messages, |message| message.write(id));
        out.put("files_agents", views);
        out.put("group_ids", group_ids.clone());
        out.with(extra)
    }
}

/// What V1 would add to an agent that it makes unless it is told not to: a file describes an agent as it is.
pub(crate) const AS_IT_IS: [(&str, bool); 4] = [
    ("include_base_tools", false),
    ("include_multi_agent_tools", false),
    ("include_base_tool_rules", false),
    ("include_default_source", false),
];

fn name(fields: &mut Fields<'_>, cx: &mut Context<'_>) -> Result<String, AgentFileError> {
    Ok(fields.text("name", cx)?.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "Agent".to_owned()))
}

fn agent_type(fields: &mut Fields<'_>, cx: &mut Context<'_>) -> Result<String, AgentFileError> {
    let Some(found) = fields.text("agent_type", cx)? else { return Ok(DEFAULT_TYPE.to_owned()) };
    if AGENT_TYPES.contains(&found.as_str()) {
        return Ok(found);
    }
    let text =
        format!("{} is no kind of agent that is known here; it counts as `{DEFAULT_TYPE}`.", json::quoted(&found));
    cx.mended(&fields.place.key("agent_type"), text);
    Ok(DEFAULT_TYPE.to_owned())
}

fn tool_rules(fields: &mut Fields<'_>, cx: &Context<'_>) -> Result<Vec<Extra>, AgentFileError> {
    let place = fields.place;
    let place = place.key("tool_rules");
    let rules = fields.list("tool_rules")?;
    within(&place, rules.len(), "rules", cx.limits.entities)?;
    let rules = rules.into_iter().enumerate().map(|(index, rule)| match rule {
        Value::Object(rule) => Ok(rule),
        other => Err(wrong(&place.index(index), "an object", &other)),
    });
    rules.collect()
}

/// Folders under both of their names.
fn folder_ids(fields: &mut Fields<'_>) -> Result<Vec<String>, AgentFileError> {
    let mut ids = fields.texts("source_ids")?;
    ids.extend(fields.texts("folder_ids")?);
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    Ok(ids)
}

/// Secrets in all forms that files have: an object of texts, or a list of `{key, value}`.
fn secrets(fields: &mut Fields<'_>, cx: &mut Context<'_>) -> Result<BTreeMap<String, String>, AgentFileError> {
    let place = fields.place;
    let mut secrets = BTreeMap::new();
    for key in ["tool_exec_environment_variables", "secrets"] {
        let place = place.key(key);
        match fields.take(key) {
            None => {}
            Some(Value::Object(map)) => {
                for (name, value) in map {
                    let value = secret(value, &place.key(&name))?;
                    keep(&mut secrets, name, value);
                }
            }
            Some(Value::Array(list)) => {
                for (index, entry) in list.into_iter().enumerate() {
                    let mut entry = Fields::new(entry, place.index(index))?;
                    let name = entry.required_text("key", cx)?;
                    keep(&mut secrets, name, entry.text_or_empty("value", cx)?);
                }
            }
            Some(other) => return Err(wrong(&place, "an object", &other)),
        }
    }
    if secrets.values().any(|value| !value.is_empty()) {
        cx.notices.add(NoticeKind::Secret, &place, "The file carries values of secrets of this agent's tools.");
    }
    Ok(secrets)
}

/// Keeps a secret; a name without its value does not take the place of one with it.
fn keep(secrets: &mut BTreeMap<String, String>, name: String, value: String) {
    let kept = secrets.entry(name).or_default();
    if !value.is_empty() {
        *kept = value;
    }
}

fn secret(value: Value, place: &Place<'_>) -> Result<String, AgentFileError> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(wrong(place, "a text", &other)),
    }
}
