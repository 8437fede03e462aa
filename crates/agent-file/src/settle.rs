//! Makes a graph whole that was read from a file: every id is there once, every reference leads somewhere, every file
//! has its folder. What had to be mended for that, or could not be, is said.

use std::collections::{HashMap, HashSet};
use std::fmt::Arguments;

use crate::fields::{Context, within};
use crate::graph::{AgentFile, Block, Folder, Message};
use crate::json::quoted;
use crate::links::{ById, Declared, Fresh, Kind, Visit, walk};
use crate::place::Place;
use crate::{AgentFileError, NoticeKind};

/// Makes `file` whole. `inline` are the blocks that stood in each agent.
pub(crate) fn settle(
    file: &mut AgentFile,
    inline: Vec<Vec<Block>>,
    cx: &mut Context<'_>,
) -> Result<(), AgentFileError> {
    name_all(file)?;
    place_inline_blocks(file, inline, cx)?;
    name_messages(file, cx);
    find_tools(file);
    find_servers(file);
    find_folders(file, cx);
    drop_dangling(file, cx);
    drop_repeated(file);
    label_blocks(file, cx);
    Ok(())
}

/// Gives an id to what has none, and refuses an id that two things of a kind have.
fn name_all(file: &mut AgentFile) -> Result<(), AgentFileError> {
    fn name<'i>(
        kind: Kind,
        list: &'static str,
        ids: impl Iterator<Item = &'i mut String>,
    ) -> Result<(), AgentFileError> {
        let ids: Vec<&mut String> = ids.collect();
        let mut first: HashMap<String, usize> = HashMap::new();
        for (at, id) in ids.iter().enumerate().filter(|(_, id)| !id.is_empty()) {
            if let Some(first) = first.insert((*id).clone(), at) {
                let place = |at: usize| format!("{list}[{at}]");
                return Err(AgentFileError::DuplicateId { place: place(at), id: quoted(id), first: place(first) });
            }
        }
        let mut fresh = Fresh::new(kind, first.into_keys().collect());
        ids.into_iter().filter(|id| id.is_empty()).for_each(|id| *id = fresh.next());
        Ok(())
    }
    name(Kind::Agent, "agents", file.agents.iter_mut().map(|agent| &mut agent.id))?;
    name(Kind::Group, "groups", file.groups.iter_mut().map(|group| &mut group.id))?;
    name(Kind::Block, "blocks", file.blocks.iter_mut().map(|block| &mut block.id))?;
    name(Kind::File, "files", file.files.iter_mut().map(|file| &mut file.id))?;
    name(Kind::Folder, "sources", file.folders.iter_mut().map(|folder| &mut folder.id))?;
    name(Kind::Tool, "tools", file.tools.iter_mut().map(|tool| &mut tool.id))?;
    name(Kind::McpServer, "mcp_servers", file.mcp_servers.iter_mut().map(|server| &mut server.id))?;
    let resident = &mut file.resident;
    let conversations = resident.agents.iter_mut().flat_map(|agent| &mut agent.conversations);
    name(Kind::Conversation, "resident.conversations", conversations.map(|conversation| &mut conversation.id))?;
    name(Kind::Archive, "resident.archives", resident.archives.iter_mut().map(|archive| &mut archive.id))?;
    let passages = resident.archives.iter_mut().flat_map(|archive| &mut archive.passages);
    name(Kind::Passage, "resident.passages", passages.map(|passage| &mut passage.id))
}

/// Lists blocks that stood in agents with the others.
fn place_inline_blocks(file: &mut AgentFile, inline: Vec<Vec<Block>>, cx: &Context<'_>) -> Result<(), AgentFileError> {
    let taken = file.blocks.iter().map(|block| block.id.clone()).collect();
    let mut fresh = Fresh::new(Kind::Block, taken);
    for (agent, blocks) in file.agents.iter_mut().zip(inline) {
        for mut block in blocks {
            // Such a block is the agent's own, whatever id it came with.
            block.id = fresh.next();
            agent.block_ids.push(block.id.clone());
            file.blocks.push(block);
        }
    }
    within(&Place::FILE.key("blocks"), file.blocks.len(), "blocks", cx.limits.entities)
}

/// Gives every message an id that no other has: files count them anew in each agent, or not at all.
fn name_messages(file: &mut AgentFile, cx: &mut Context<'_>) {
    let mut fresh = Fresh::new(Kind::Message, HashSet::new());
    let mut of_agents: HashMap<String, HashMap<String, String>> = HashMap::new();
    for (at, agent) in file.agents.iter_mut().enumerate() {
        let place = format_args!("agents[{at}].messages");
        let renamed = name_thread(&mut agent.messages, &mut fresh, place, cx);
        rename(&mut agent.in_context_message_ids, &renamed);
        keep_own(&mut agent.in_context_message_ids, &agent.messages, place, cx);
        of_agents.insert(agent.id.clone(), renamed);
    }
    for (at, of_agent) in file.resident.agents.iter_mut().enumerate() {
        let own = of_agents.get(&of_agent.agent_id);
        let firsts = of_agent.summaries.iter_mut().filter_map(|summary| summary.first_message_id.as_mut());
        firsts.for_each(|id| rename_one(id, own));
        for (nth, conversation) in of_agent.conversations.iter_mut().enumerate() {
            let place = format_args!("resident.agents[{at}].conversations[{nth}].messages");
            let renamed = name_thread(&mut conversation.messages, &mut fresh, place, cx);
            rename(&mut conversation.in_context_message_ids, &renamed);
            keep_own(&mut conversation.in_context_message_ids, &conversation.messages, place, cx);
            let firsts = conversation.summaries.iter_mut().filter_map(|summary| summary.first_message_id.as_mut());
            firsts.for_each(|id| rename_one(id, Some(&renamed)));
        }
    }
}

/// What the messages of one thread are called now, where that is not what they were called.
fn name_thread(
    messages: &mut [Message],
    fresh: &mut Fresh,
    place: Arguments<'_>,
    cx: &mut Context<'_>,
) -> HashMap<String, String> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut renamed = HashMap::new();
    for (at, message) in messages.iter_mut().enumerate() {
        let first = seen.insert(message.id.clone());
        if fresh.take(&message.id) {
            continue;
        }
        let id = fresh.next();
        if first && !message.id.is_empty() {
            renamed.insert(message.id.clone(), id.clone());
        } else if !message.id.is_empty() {
            let text = "Another message of this thread has this id; both are kept, and references mean the first.";
            cx.mended(&format_args!("{place}[{at}]"), text);
        }
        message.id = id;
    }
    let requests = messages.iter_mut().filter_map(|message| message.approval_request_id.as_mut());
    requests.for_each(|id| rename_one(id, Some(&renamed)));
    renamed
}

/// Takes the messages out of a window that are not of its thread.
fn keep_own(ids: &mut Vec<String>, messages: &[Message], place: Arguments<'_>, cx: &mut Context<'_>) {
    let own: HashSet<&str> = messages.iter().map(|message| message.id.as_str()).collect();
    ids.retain(|id| {
        let is_own = own.contains(id.as_str());
        if !is_own {
            let text =
                format!("{} is in the context window and no message of its thread; it is left out there.", quoted(id));
            let wording = "Messages in context that are no messages of the thread.";
            cx.notices.add_as(NoticeKind::NotAdopted, &place, wording, text);
        }
        is_own
    });
}

fn rename(ids: &mut [String], renamed: &HashMap<String, String>) {
    ids.iter_mut().for_each(|id| rename_one(id, Some(renamed)));
}

fn rename_one(id: &mut String, renamed: Option<&HashMap<String, String>>) {
    if let Some(new) = renamed.and_then(|renamed| renamed.get(id)) {
        id.clone_from(new);
    }
}

/// Takes tools that agents name for those of that name in the file.
fn find_tools(file: &mut AgentFile) {
    let by_name: HashMap<&str, &str> = file.tools.iter().rev().map(|tool| (&*tool.name, &*tool.id)).collect();
    for agent in &mut file.agents {
        agent.tool_names.retain(|name| match by_name.get(name.as_str()) {
            Some(id) => {
                agent.tool_ids.push((*id).to_owned());
                false
            }
            None => true,
        });
    }
}

/// Takes servers of tools for those of that name where the id leads nowhere: V1 writes the id of its database.
fn find_servers(file: &mut AgentFile) {
    let ids: HashSet<&str> = file.mcp_servers.iter().map(|server| &*server.id).collect();
    let by_name: HashMap<&str, &str> =
        file.mcp_servers.iter().rev().map(|server| (&*server.name, &*server.id)).collect();
    for tool in &mut file.tools {
        if !tool.mcp_server_id.as_deref().is_some_and(|id| ids.contains(id)) {
            let named = tool.mcp_server_name().and_then(|name| by_name.get(name));
            if let Some(id) = named {
                tool.mcp_server_id = Some((*id).to_owned());
            }
        }
    }
}

/// Makes a folder for files that have none.
fn find_folders(file: &mut AgentFile, cx: &mut Context<'_>) {
    let folders: HashSet<String> = file.folders.iter().map(|folder| folder.id.clone()).collect();
    let mut fresh = Fresh::new(Kind::Folder, folders.clone());
    let mut made: Option<Folder> = None;
    for (at, homeless) in file.files.iter_mut().enumerate().filter(|(_, file)| !folders.contains(&file.folder_id)) {
        let folder =
            made.get_or_insert_with(|| Folder { id: fresh.next(), name: "Files".to_owned(), ..Folder::default() });
        homeless.folder_id.clone_from(&folder.id);
        cx.mended(
            &format_args!("files[{at}].source_id"),
            "The folder of this file is not there; it lies in one called \"Files\".",
        );
    }
    file.folders.extend(made);
}

/// Takes references away that lead nowhere, and then groups that nobody is in or leads.
fn drop_dangling(file: &mut AgentFile, cx: &mut Context<'_>) {
    loop {
        let mut declared = Declared::default();
        walk(file, &mut declared);
        walk(file, &mut Dangling { declared: declared.0, cx });
        let before = file.groups.len();
        file.groups.retain(|group| {
            let reason = if group.agent_ids.is_empty() {
                "has no agents"
            } else if group.manager.needs_agent() && group.manager.agent_id.is_none() {
                "has no agent that leads it"
            } else {
                return true;
            };
            let text = format!("The group {} {reason}; it is left out.", quoted(&group.id));
            cx.notices.add(NoticeKind::NotAdopted, &"groups", text);
            false
        });
        if file.groups.len() == before {
            return;
        }
    }
}

struct Dangling<'d, 'l> {
    declared: ById<()>,
    cx: &'d mut Context<'l>,
}

impl Visit for Dangling<'_, '_> {
    fn declared(&mut self, _: Kind, _: Arguments<'_>, _: &mut String) {}

    fn referred(&mut self, kind: Kind, place: Arguments<'_>, id: &mut String) -> bool {
        if kind == Kind::Turn || self.declared.of(kind).contains_key(id) {
            return true;
        }
        let what = kind.word();
        let text = format!("{} names no {what} of this file; the reference is left out.", quoted(id));
        let wording = format!("References that name no {what} of this file.");
        self.cx.notices.add_as(NoticeKind::NotAdopted, &place, wording, text);
        false
    }
}

/// Keeps the first of ids that are there twice.
fn once(ids: &mut Vec<String>) {
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
}

/// Takes references away that are there twice.
fn drop_repeated(file: &mut AgentFile) {
    for agent in &mut file.agents {
        [
            &mut agent.block_ids,
            &mut agent.tool_ids,
            &mut agent.folder_ids,
            &mut agent.group_ids,
            &mut agent.in_context_message_ids,
        ]
        .into_iter()
        .for_each(once);
        let mut seen = HashSet::new();
        agent.file_views.retain(|view| seen.insert(view.file_id.clone()));
    }
    for group in &mut file.groups {
        [&mut group.agent_ids, &mut group.shared_block_ids].into_iter().for_each(once);
    }
    for of_agent in &mut file.resident.agents {
        for conversation in &mut of_agent.conversations {
            [&mut conversation.block_ids, &mut conversation.in_context_message_ids].into_iter().for_each(once);
        }
    }
    for archive in &mut file.resident.archives {
        once(&mut archive.agent_ids);
    }
    let mut seen = HashSet::new();
    file.resident.agents.retain(|of_agent| seen.insert(of_agent.agent_id.clone()));
}

/// Gives blocks of one agent labels of their own: an agent calls its blocks by them.
fn label_blocks(file: &mut AgentFile, cx: &mut Context<'_>) {
    let at: HashMap<String, usize> = file.blocks.iter().enumerate().map(|(at, block)| (block.id.clone(), at)).collect();
    for agent in &file.agents {
        let mut labels: HashSet<String> = HashSet::new();
        let mut counts: HashMap<String, usize> = HashMap::new();
        for index in agent.block_ids.iter().filter_map(|id| at.get(id)) {
            let block = &mut file.blocks[*index];
            if labels.insert(block.label.clone()) {
                continue;
            }
            let count = counts.entry(block.label.clone()).or_insert(1);
            let label = loop {
                *count += 1;
                let label = format!("{}_{count}", block.label);
                if labels.insert(label.clone()) {
                    break label;
                }
            };
            let text =
                format!("Two blocks of one agent are called {}; this one is {label:?} now.", quoted(&block.label));
            let wording = "Blocks of one agent with the same label, which have labels of their own now.";
            cx.notices.add_as(NoticeKind::Mended, &format_args!("blocks[{index}].label"), wording, text);
            block.label = label;
        }
    }
}
