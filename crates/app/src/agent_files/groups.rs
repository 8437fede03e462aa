//! Groups of a file: a group that Resident can run becomes one; any other is carried with its agents.

use std::collections::HashSet;

use resident_agent_file::{self as graph, AgentFile, Extra};
use resident_store::{AgentId, BlockId, Group, GroupId, ManagerType, Reader, Writer};
use serde_json::{Map, Value, json};

use crate::api::ApiError;

/// Writes the groups of a file that Resident can run.
pub(super) fn write(writer: &mut Writer<'_>, file: &AgentFile, now_ms: i64) -> Result<(), ApiError> {
    for group in file.groups.iter().filter_map(|group| row_of(group, now_ms)) {
        // What was said before the file was written is no reason to tidy.
        let last = match &group.manager_agent_id {
            Some(manager) if group.manager_type.is_sleeptime() => writer.last_message(manager)?,
            Some(_) | None => None,
        };
        writer.insert_group(&Group { processed_seq: last.map_or(0, |last| last.seq), ..group })?;
    }
    Ok(())
}

/// Adds the groups to `file` of which all agents are in it. A message is said in no other.
pub(super) fn add(reader: &Reader<'_>, file: &mut AgentFile) -> Result<(), ApiError> {
    let here: HashSet<String> = file.agents.iter().map(|agent| agent.id.clone()).collect();
    let mut added = HashSet::new();
    for agent in &mut file.agents {
        for group in reader.groups_of_agent(&AgentId(agent.id.clone()))? {
            if !ids_of(&group).all(|id| here.contains(id.as_str())) {
                continue;
            }
            if group.manager_agent_id.as_ref().is_some_and(|id| id.0 == agent.id) {
                agent.group_ids.push(group.id.0.clone());
            }
            if added.insert(group.id.0.clone()) {
                file.groups.push(group_of(group));
            }
        }
    }
    let conversations = file.resident.agents.iter_mut().flat_map(|of_agent| &mut of_agent.conversations);
    let of_conversations = conversations.flat_map(|conversation| &mut conversation.messages);
    for message in file.agents.iter_mut().flat_map(|agent| &mut agent.messages).chain(of_conversations) {
        if message.group_id.as_ref().is_some_and(|id| !added.contains(id)) {
            (message.group_id, message.origin_id) = (None, None);
        }
    }
    Ok(())
}

/// The agents of a group, with the one that leads it.
pub(super) fn ids_of(group: &Group) -> impl Iterator<Item = &AgentId> {
    group.manager_agent_id.iter().chain(&group.agent_ids)
}

/// The row of a group, where Resident can run it.
fn row_of(group: &graph::Group, now_ms: i64) -> Option<Group> {
    let manager_type: ManagerType = serde_json::from_value(json!(group.manager.kind)).ok()?;
    let manager = group.manager.agent_id.clone();
    let distinct: HashSet<&String> = group.agent_ids.iter().chain(&manager).collect();
    let whole = !group.agent_ids.is_empty()
        && distinct.len() == group.agent_ids.len() + usize::from(manager.is_some())
        && manager.is_some() == (manager_type != ManagerType::RoundRobin);
    let number = |name: &str| group.manager.extra.get(name).and_then(Value::as_i64).filter(|number| *number > 0);
    whole.then(|| Group {
        id: GroupId(group.id.clone()),
        manager_type,
        description: group.description.clone(),
        agent_ids: group.agent_ids.iter().cloned().map(AgentId).collect(),
        manager_agent_id: manager.map(AgentId),
        shared_block_ids: group.shared_block_ids.iter().cloned().map(BlockId).collect(),
        max_turns: number("max_turns"),
        termination_token: group.manager.extra.get("termination_token").and_then(Value::as_str).map(str::to_owned),
        sleeptime_agent_frequency: number("sleeptime_agent_frequency"),
        processed_seq: 0,
        letta: Value::Object(group.extra.clone()),
        created_at_ms: now_ms,
        updated_at_ms: now_ms,
        deleted_at_ms: None,
    })
}

/// A group as files have it.
fn group_of(row: Group) -> graph::Group {
    let mut extra: Extra = Map::new();
    let mut put = |name: &str, value: Option<Value>| extra.extend(value.map(|value| (name.to_owned(), value)));
    put("max_turns", row.max_turns.map(Value::from));
    put("termination_token", row.termination_token.map(Value::from));
    put("sleeptime_agent_frequency", row.sleeptime_agent_frequency.map(Value::from));
    let kind = json!(row.manager_type).as_str().unwrap_or_default().to_owned();
    graph::Group {
        id: row.id.0,
        description: row.description,
        agent_ids: row.agent_ids.into_iter().map(|id| id.0).collect(),
        manager: graph::Manager { kind, agent_id: row.manager_agent_id.map(|id| id.0), extra },
        shared_block_ids: row.shared_block_ids.into_iter().map(|id| id.0).collect(),
        extra: super::ours::object(row.letta),
    }
}
