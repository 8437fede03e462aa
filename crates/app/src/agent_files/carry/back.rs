//! Puts what is carried back into a graph that is made of rows.

use std::collections::{HashMap, HashSet};

use resident_agent_file::{self as graph, AgentFile, AgentSettings, Extra, Group, Resident};
use resident_store::{AgentId, Carried, Reader};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::groups::ids_of;
use super::super::kept::Kept;
use super::super::ours::server_of;
use super::{FILE, Loose, members, revisions_about, settings_about};
use crate::api::ApiError;
use crate::records::builtin_id;

/// What is carried with agents, by what it is about. What several of them carry is the first one's.
fn carried(reader: &Reader<'_>, ids: &[AgentId]) -> Result<HashMap<String, Kept>, ApiError> {
    let mut all = HashMap::new();
    for id in ids {
        for Carried { about, value } in reader.carried(id)? {
            // What an older version carried in a form that is no longer known is let go.
            let Ok(kept) = serde_json::from_value::<Kept>(value) else { continue };
            let about = if about == FILE { format!("{FILE} of {id}") } else { about };
            all.entry(about).or_insert(kept);
        }
    }
    Ok(all)
}

fn groups(kept: &HashMap<String, Kept>) -> Vec<Group> {
    let mut groups: Vec<Group> = kept
        .iter()
        .filter(|(about, _)| about.starts_with("group-"))
        .filter_map(|(_, kept)| kept.read_whole())
        .collect();
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    groups
}

/// Agents with those that are in groups with them and not in the bin.
pub(in super::super) fn with_companions(reader: &Reader<'_>, mut ids: Vec<AgentId>) -> Result<Vec<AgentId>, ApiError> {
    let mut at = 0;
    while at < ids.len() {
        let rows = reader.groups_of_agent(&ids[at])?;
        let of_rows = rows.iter().map(|group| ids_of(group).cloned().collect());
        let of_carried = groups(&carried(reader, &ids[at..=at])?);
        let of_carried = of_carried.iter().map(|group| members(group).into_iter().map(AgentId).collect());
        let together: Vec<Vec<AgentId>> = of_rows.chain(of_carried).collect();
        for group in together {
            for id in group {
                let here = reader.agent(&id)?.is_some_and(|agent| agent.deleted_at_ms.is_none());
                if here && !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        at += 1;
    }
    Ok(ids)
}

/// `file`, made of rows alone, with all that is carried about it.
pub(in super::super) fn restored(reader: &Reader<'_>, mut file: AgentFile) -> Result<AgentFile, ApiError> {
    let ids: Vec<AgentId> = file.agents.iter().map(|agent| AgentId(agent.id.clone())).collect();
    let kept = carried(reader, &ids)?;
    let here: HashSet<&str> = ids.iter().map(AgentId::as_str).collect();
    restore_all(&mut file.groups, &kept, |group| &group.id);
    let carried = groups(&kept).into_iter().filter(|group| members(group).iter().all(|id| here.contains(id.as_str())));
    file.groups.extend(carried);
    restore_agents(&mut file, &kept);
    restore_memory(&mut file, &kept);
    restore_all(&mut file.folders, &kept, |folder| &folder.id);
    restore_all(&mut file.files, &kept, |file| &file.id);
    restore_all(&mut file.tools, &kept, |tool| &tool.id);
    restore_all(&mut file.mcp_servers, &kept, |server| &server.id);
    add_tools(&mut file, &kept);
    for id in &ids {
        let loose = kept.get(&format!("{FILE} of {id}")).and_then(Kept::read_whole::<Loose>);
        if let Some(Loose { file: loose, server_ids }) = loose {
            add_loose(reader, &mut file, loose, &server_ids)?;
        }
    }
    restore_all(&mut file.mcp_servers, &kept, |server| &server.id);
    Ok(file)
}

fn restore<T: Clone + Serialize + DeserializeOwned>(thing: &mut T, kept: Option<&Kept>) {
    if let Some(kept) = kept {
        *thing = kept.restore(thing.clone());
    }
}

fn restore_all<T: Clone + Serialize + DeserializeOwned>(
    things: &mut [T],
    kept: &HashMap<String, Kept>,
    id: impl Fn(&T) -> &String,
) {
    for thing in things {
        let of_thing = kept.get(id(thing));
        restore(thing, of_thing);
    }
}

fn restore_agents(file: &mut AgentFile, kept: &HashMap<String, Kept>) {
    for agent in &mut file.agents {
        let mut messages = std::mem::take(&mut agent.messages);
        let of_agent = kept.get(&agent.id);
        restore(agent, of_agent);
        restore_thread(&mut messages, &mut agent.in_context_message_ids, kept);
        agent.messages = messages;
    }
    for of_agent in &mut file.resident.agents {
        let mut conversations = std::mem::take(&mut of_agent.conversations);
        restore(of_agent, kept.get(&settings_about(&of_agent.agent_id)));
        for conversation in &mut conversations {
            let mut messages = std::mem::take(&mut conversation.messages);
            restore(conversation, kept.get(&conversation.id));
            restore_thread(&mut messages, &mut conversation.in_context_message_ids, kept);
            conversation.messages = messages;
        }
        of_agent.conversations = conversations;
    }
    // What the file did not say goes out only once there is something to say.
    file.resident.agents.retain(|of_agent| {
        let blank = AgentSettings { agent_id: of_agent.agent_id.clone(), ..AgentSettings::default() };
        *of_agent != blank
    });
}

fn restore_thread(messages: &mut Vec<graph::Message>, in_context: &mut Vec<String>, kept: &HashMap<String, Kept>) {
    let silent = messages.len() <= 1;
    let absent = |id: &String| match kept.get(id) {
        Some(Kept::Absent { while_silent }) => silent || !while_silent,
        Some(Kept::Fields(_) | Kept::List(..) | Kept::Whole(_)) | None => false,
    };
    messages.retain(|message| !absent(&message.id));
    in_context.retain(|id| !absent(id));
    restore_all(messages, kept, |message| &message.id);
}

fn restore_memory(file: &mut AgentFile, kept: &HashMap<String, Kept>) {
    restore_all(&mut file.blocks, kept, |block| &block.id);
    let mut revisions = Vec::new();
    let mut by_block: Vec<(String, Vec<graph::BlockRevision>)> = Vec::new();
    for revision in std::mem::take(&mut file.resident.block_revisions) {
        match by_block.last_mut().filter(|(id, _)| *id == revision.block_id) {
            Some((_, of_block)) => of_block.push(revision),
            None => by_block.push((revision.block_id.clone(), vec![revision])),
        }
    }
    for (block_id, mut of_block) in by_block {
        restore(&mut of_block, kept.get(&revisions_about(&block_id)));
        revisions.extend(of_block);
    }
    file.resident.block_revisions = revisions;
    for archive in &mut file.resident.archives {
        let mut passages = std::mem::take(&mut archive.passages);
        let of_archive = kept.get(&archive.id);
        restore(archive, of_archive);
        restore_all(&mut passages, kept, |passage| &passage.id);
        archive.passages = passages;
    }
}

/// Adds the tools that agents have and Resident has not, and takes out those of Resident that no agent names.
fn add_tools(file: &mut AgentFile, kept: &HashMap<String, Kept>) {
    let here: HashSet<String> = file.tools.iter().map(|tool| tool.id.clone()).collect();
    let mut named: HashSet<String> = HashSet::new();
    for id in file.agents.iter().flat_map(|agent| &agent.tool_ids) {
        if named.insert(id.clone()) && !here.contains(id) {
            file.tools.extend(kept.get(id).and_then(Kept::read_whole::<graph::Tool>));
        }
    }
    file.tools.retain(|tool| named.contains(&tool.id) || tool.id != builtin_id(&tool.name));
}

/// Adds what hangs on no agent.
fn add_loose(
    reader: &Reader<'_>,
    file: &mut AgentFile,
    loose: AgentFile,
    server_ids: &[String],
) -> Result<(), ApiError> {
    fn extend<T>(list: &mut Vec<T>, more: Vec<T>, id: impl Fn(&T) -> &String) {
        let known: HashSet<String> = list.iter().map(|thing| id(thing).clone()).collect();
        list.extend(more.into_iter().filter(|thing| !known.contains(id(thing))));
    }
    let AgentFile { blocks, files, folders, tools, mcp_servers, skills, metadata, resident, extra, .. } = loose;
    let Resident { archives, block_revisions, extra: of_resident, .. } = resident;
    extend(&mut file.blocks, blocks, |block| &block.id);
    extend(&mut file.files, files, |file| &file.id);
    extend(&mut file.folders, folders, |folder| &folder.id);
    extend(&mut file.tools, tools, |tool| &tool.id);
    extend(&mut file.mcp_servers, mcp_servers, |server| &server.id);
    extend(&mut file.resident.archives, archives, |archive| &archive.id);
    let listed: HashSet<String> = file.mcp_servers.iter().map(|server| server.id.clone()).collect();
    for id in server_ids.iter().filter(|id| !listed.contains(*id)) {
        let row = reader.mcp_server(&id.as_str().into())?.filter(|server| server.deleted_at_ms.is_none());
        file.mcp_servers.extend(row.map(server_of));
    }
    file.resident.block_revisions.extend(block_revisions);
    file.skills.extend(skills);
    let more = |into: &mut Extra, from: Extra| {
        for (key, value) in from {
            into.entry(key).or_insert(value);
        }
    };
    more(&mut file.metadata, metadata);
    more(&mut file.extra, extra);
    more(&mut file.resident.extra, of_resident);
    Ok(())
}
