//! The form of 2025: one agent, with its blocks, messages and tools in itself and without ids. Messages in context are
//! named by their positions, secrets and tags are lists of objects, and the fields of tables stand where later versions
//! have their own names (`core_memory`, `metadata_`).

use serde_json::{Map, Value};

use crate::fields::{Context, Fields, wrong};
use crate::graph::{Agent, AgentFile, Block, Extra, Tool};
use crate::place::Place;
use crate::settle::settle;
use crate::{AgentFileError, NoticeKind};

/// Whether the object is an agent of the legacy form.
pub(crate) fn is_legacy(fields: &mut Fields<'_>) -> bool {
    let has = |key| fields.has(key);
    has("core_memory") || (has("messages") && (has("agent_type") || has("system") || has("llm_config")))
}

/// The file that has this one agent.
pub(crate) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<AgentFile, AgentFileError> {
    let most = cx.limits.entities;
    let blocks = blocks(&mut fields, cx)?;
    let names = tool_names(&mut fields)?;
    let tools = fields.things(("tools", "tools"), most, cx, Tool::read)?;
    fields.put_back("tools", Value::Array(names));
    let in_context = positions(&mut fields, cx)?;
    let tags = tags(&mut fields, cx)?;
    fields.put_back("tags", Value::Array(tags));
    for (legacy, today) in [("metadata_", "metadata")] {
        if let Some(value) = fields.take(legacy) {
            fields.put_back(today, value);
        }
    }
    name_messages(&mut fields)?;
    if fields.has("multi_agent_group") {
        let text = "The other agents of its group are not part of the file; it comes in without the group.";
        cx.notices.add(NoticeKind::NotAdopted, &fields.place.key("multi_agent_group"), text);
    }
    let mut metadata = Extra::new();
    for (key, kept) in [("version", "legacy_version"), ("created_at", "legacy_created_at")] {
        if let Some(value @ Value::String(_)) = fields.take(key) {
            metadata.insert(kept.to_owned(), value);
        }
    }
    // Of the rest, these are references into the database that the file came from.
    for row in ["id", "multi_agent_group", "updated_at", "message_ids", "organization_id", "identities", "sources"] {
        fields.take(row);
    }
    let mut read = Agent::read(fields, cx)?;
    let agent = &mut read.agent;
    agent.id = "agent-0".to_owned();
    agent.block_ids.clear();
    agent.group_ids.clear();
    agent.folder_ids.clear();
    agent.tool_ids = (0..tools.len()).map(|at| format!("tool-{at}")).collect();
    agent.in_context_message_ids = in_context
        .unwrap_or_else(|| (0..agent.messages.len()).collect())
        .into_iter()
        .map(|position| format!("message-{position}"))
        .collect();
    let tools = tools.into_iter().enumerate().map(|(at, tool)| Tool { id: format!("tool-{at}"), ..tool }).collect();
    let mut inline = read.blocks;
    inline.splice(0..0, blocks);
    let mut file = AgentFile { agents: vec![read.agent], tools, metadata, ..AgentFile::default() };
    settle(&mut file, vec![inline], cx)?;
    Ok(file)
}

/// The blocks: a list, or an object by their labels as the first versions had it.
fn blocks(fields: &mut Fields<'_>, cx: &mut Context<'_>) -> Result<Vec<Block>, AgentFileError> {
    let place = fields.place;
    let place = place.key("core_memory");
    match fields.take("core_memory") {
        Some(Value::Object(mut map)) => {
            let by_label = map.shift_remove("memory").or_else(|| map.shift_remove("blocks"));
            match by_label {
                Some(list @ Value::Array(_)) => fields.put_back("core_memory", list),
                Some(Value::Object(map)) => return by_labels(map, &place, cx),
                Some(_) | None => return by_labels(map, &place, cx),
            }
        }
        Some(other) => fields.put_back("core_memory", other),
        None => {}
    }
    fields.things(("core_memory", "blocks"), cx.limits.entities, cx, Block::read)
}

fn by_labels(map: Map<String, Value>, place: &Place<'_>, cx: &mut Context<'_>) -> Result<Vec<Block>, AgentFileError> {
    crate::fields::within(place, map.len(), "blocks", cx.limits.entities)?;
    let blocks = map.into_iter().map(|(label, block)| match block {
        Value::Object(mut map) => {
            map.entry("label").or_insert_with(|| label.clone().into());
            Block::read(Fields::new(Value::Object(map), place.key(&label))?, cx)
        }
        Value::String(value) => Ok(Block { label, value, ..Block::default() }),
        other => Err(wrong(&place.key(&label), "a block", &other)),
    });
    blocks.collect()
}

/// The tools that are only named, taken out of the list of tools.
fn tool_names(fields: &mut Fields<'_>) -> Result<Vec<Value>, AgentFileError> {
    let (names, tools) = fields.list("tools")?.into_iter().partition(Value::is_string);
    fields.put_back("tools", Value::Array(tools));
    Ok(names)
}

/// The positions of the messages in context.
fn positions(fields: &mut Fields<'_>, cx: &mut Context<'_>) -> Result<Option<Vec<usize>>, AgentFileError> {
    if !fields.has("in_context_message_indices") {
        return Ok(None);
    }
    let place = fields.place;
    let place = place.key("in_context_message_indices");
    let list = fields.list("in_context_message_indices")?;
    crate::fields::within(&place, list.len(), "messages in context", cx.limits.messages)?;
    let positions = list.into_iter().enumerate().map(|(at, value)| {
        let position = value.as_u64().and_then(|position| usize::try_from(position).ok());
        position.ok_or_else(|| wrong(&place.index(at), "the position of a message", &value))
    });
    positions.collect::<Result<Vec<_>, _>>().map(Some)
}

/// The tags, which were rows of a table: `{"tag": …}`.
fn tags(fields: &mut Fields<'_>, cx: &mut Context<'_>) -> Result<Vec<Value>, AgentFileError> {
    let place = fields.place;
    let place = place.key("tags");
    let mut tags = Vec::new();
    for (at, value) in fields.list("tags")?.into_iter().enumerate() {
        match value {
            tag @ Value::String(_) => tags.push(tag),
            row => tags.push(Fields::new(row, place.index(at))?.required_text("tag", cx)?.into()),
        }
    }
    Ok(tags)
}

/// Calls messages by their positions, which is how the file refers to them.
fn name_messages(fields: &mut Fields<'_>) -> Result<(), AgentFileError> {
    let mut messages = fields.list("messages")?;
    for (at, message) in messages.iter_mut().enumerate() {
        if let Value::Object(message) = message {
            message.insert("id".to_owned(), format!("message-{at}").into());
            // Rows have two dates; the later one says when the database last touched them.
            message.shift_remove("updated_at");
        }
    }
    fields.put_back("messages", Value::Array(messages));
    Ok(())
}
