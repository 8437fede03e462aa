//! Takes down what a file says and the new rows do not.

use std::collections::{HashMap, HashSet};

use resident_agent_file::{self as graph, AgentFile, AgentSettings, Resident};
use resident_store::{AgentId, Writer};
use serde::Serialize;

use super::super::kept::Kept;
use super::super::plan::{Plan, prompt_id};
use super::{FILE, Loose, members, revisions_about, settings_about};
use crate::api::ApiError;

/// Takes down what `theirs` has and `ours`, made of the new rows, has not. `more` are rows that are no messages of it.
pub(in super::super) fn take_down(
    writer: &mut Writer<'_>,
    plan: &Plan,
    ours: AgentFile,
    more: &HashMap<String, Vec<String>>,
) -> Result<(), ApiError> {
    let theirs = &plan.file;
    let mut down = Down { owners: Owners::of(theirs), kept: Vec::new() };
    down.agents(theirs, &ours, more);
    down.things(plan, &ours);
    down.memory(theirs, &ours);
    let Some(first) = theirs.agents.first() else { return Ok(()) };
    down.keep(vec![first.id.clone()], FILE.to_owned(), Some(Kept::whole(&loose(theirs, &ours))));
    for (owner, about, kept) in down.kept {
        let value = serde_json::to_value(kept).expect("what is kept is plain data");
        writer.carry(&AgentId(owner), &about, &value)?;
    }
    Ok(())
}

/// What of `theirs` is not among `ours` and hangs on no agent.
fn loose(theirs: &AgentFile, ours: &AgentFile) -> Loose {
    let tools: HashSet<&str> =
        theirs.agents.iter().flat_map(|agent| agent.tool_ids.iter().map(String::as_str)).collect();
    let of_tools: HashSet<&str> = ours.tools.iter().filter_map(|tool| tool.mcp_server_id.as_deref()).collect();
    let file = AgentFile {
        blocks: missing(&theirs.blocks, &ours.blocks, |block| &block.id),
        files: missing(&theirs.files, &ours.files, |file| &file.id),
        folders: missing(&theirs.folders, &ours.folders, |folder| &folder.id),
        tools: theirs.tools.iter().filter(|tool| !tools.contains(tool.id.as_str())).cloned().collect(),
        mcp_servers: missing(&theirs.mcp_servers, &ours.mcp_servers, |server| &server.id),
        skills: theirs.skills.clone(),
        metadata: theirs.metadata.clone(),
        resident: Resident {
            archives: missing(&theirs.resident.archives, &ours.resident.archives, |archive| &archive.id),
            block_revisions: {
                let known: HashSet<&str> = ours.blocks.iter().map(|block| block.id.as_str()).collect();
                let all = theirs.resident.block_revisions.iter();
                all.filter(|revision| !known.contains(revision.block_id.as_str())).cloned().collect()
            },
            extra: theirs.resident.extra.clone(),
            ..Resident::default()
        },
        extra: theirs.extra.clone(),
        ..AgentFile::default()
    };
    let server_ids = theirs.mcp_servers.iter().map(|server| server.id.clone());
    Loose { file, server_ids: server_ids.filter(|id| !of_tools.contains(id.as_str())).collect() }
}

fn missing<T: Clone>(theirs: &[T], ours: &[T], id: impl Fn(&T) -> &String) -> Vec<T> {
    let known: HashSet<&String> = ours.iter().map(&id).collect();
    theirs.iter().filter(|thing| !known.contains(id(thing))).cloned().collect()
}

/// The agents that something belongs to.
#[derive(Default)]
struct Owners {
    first: Vec<String>,
    by_thing: HashMap<String, Vec<String>>,
}

impl Owners {
    fn of(file: &AgentFile) -> Self {
        let first = file.agents.first().map(|agent| agent.id.clone());
        let mut owners = Self { first: first.into_iter().collect(), by_thing: HashMap::new() };
        for agent in &file.agents {
            let lists = [&agent.block_ids, &agent.tool_ids, &agent.folder_ids];
            lists.into_iter().flatten().for_each(|id| owners.add(id, &agent.id));
        }
        for of_agent in &file.resident.agents {
            let blocks = of_agent.conversations.iter().flat_map(|conversation| &conversation.block_ids);
            blocks.for_each(|id| owners.add(id, &of_agent.agent_id));
        }
        for from in &file.files {
            owners.like(&from.id, &from.folder_id);
        }
        for tool in &file.tools {
            if let Some(server) = &tool.mcp_server_id {
                owners.like(server, &tool.id);
            }
        }
        for archive in &file.resident.archives {
            archive.agent_ids.iter().for_each(|id| owners.add(&archive.id, id));
            archive.passages.iter().for_each(|passage| owners.like(&passage.id, &archive.id));
        }
        owners
    }

    fn add(&mut self, thing: &str, owner: &str) {
        let owners = self.by_thing.entry(thing.to_owned()).or_default();
        if !owners.iter().any(|known| known == owner) {
            owners.push(owner.to_owned());
        }
    }

    fn like(&mut self, thing: &str, other: &str) {
        for owner in self.by_thing.get(other).cloned().unwrap_or_default() {
            self.add(thing, &owner);
        }
    }

    fn owners(&self, thing: &str) -> Vec<String> {
        self.by_thing.get(thing).cloned().unwrap_or_else(|| self.first.clone())
    }
}

/// What is taken down.
struct Down {
    owners: Owners,
    /// With which agent, about what, and what.
    kept: Vec<(String, String, Kept)>,
}

impl Down {
    fn keep(&mut self, owners: Vec<String>, about: String, kept: Option<Kept>) {
        if let Some(kept) = kept {
            self.kept.extend(owners.into_iter().map(|owner| (owner, about.clone(), kept.clone())));
        }
    }

    /// Agents, their threads and settings.
    fn agents(&mut self, theirs: &AgentFile, ours: &AgentFile, more: &HashMap<String, Vec<String>>) {
        for agent in &ours.agents {
            let Some(theirs) = theirs.agents.iter().find(|theirs| theirs.id == agent.id) else { continue };
            let owner = || vec![agent.id.clone()];
            let bare = |agent: &graph::Agent| graph::Agent { messages: Vec::new(), ..agent.clone() };
            self.keep(owner(), agent.id.clone(), Kept::of_fields(&bare(agent), &bare(theirs)));
            self.messages(&agent.id, &theirs.messages, &agent.messages);
            let prompt = prompt_id(&agent.id);
            if theirs.messages.iter().all(|message| message.id != prompt) {
                let while_silent = theirs.messages.is_empty();
                self.keep(owner(), prompt, Some(Kept::Absent { while_silent }));
            }
            for id in more.get(&agent.id).into_iter().flatten() {
                self.keep(owner(), id.clone(), Some(Kept::Absent { while_silent: false }));
            }
        }
        for of_agent in &ours.resident.agents {
            let blank = AgentSettings { agent_id: of_agent.agent_id.clone(), ..AgentSettings::default() };
            let theirs = theirs.resident.agents.iter().find(|theirs| theirs.agent_id == of_agent.agent_id);
            let theirs = theirs.unwrap_or(&blank);
            let owner = || vec![of_agent.agent_id.clone()];
            let about = settings_about(&of_agent.agent_id);
            let bare = |of_agent: &AgentSettings| AgentSettings { conversations: Vec::new(), ..of_agent.clone() };
            self.keep(owner(), about, Kept::of_fields(&bare(of_agent), &bare(theirs)));
            for (ours, theirs) in of_agent.conversations.iter().zip(&theirs.conversations) {
                let bare = |conversation: &graph::Conversation| graph::Conversation {
                    messages: Vec::new(),
                    ..conversation.clone()
                };
                self.keep(owner(), ours.id.clone(), Kept::of_fields(&bare(ours), &bare(theirs)));
                self.messages(&of_agent.agent_id, &theirs.messages, &ours.messages);
            }
        }
    }

    fn messages(&mut self, agent_id: &str, theirs: &[graph::Message], ours: &[graph::Message]) {
        let ours: HashMap<&str, &graph::Message> = ours.iter().map(|ours| (ours.id.as_str(), ours)).collect();
        for theirs in theirs {
            let kept = ours.get(theirs.id.as_str()).and_then(|ours| Kept::of_fields(*ours, theirs));
            self.keep(vec![agent_id.to_owned()], theirs.id.clone(), kept);
        }
    }

    fn pairs<T: Serialize>(&mut self, theirs: &[T], ours: &[T], id: impl Fn(&T) -> &String) {
        let ours: HashMap<&String, &T> = ours.iter().map(|ours| (id(ours), ours)).collect();
        for theirs in theirs {
            let kept = ours.get(id(theirs)).and_then(|ours| Kept::of_fields(*ours, theirs));
            self.keep(self.owners.owners(id(theirs)), id(theirs).clone(), kept);
        }
    }

    /// Groups, blocks, folders, files, tools and servers.
    fn things(&mut self, plan: &Plan, ours: &AgentFile) {
        let theirs = &plan.file;
        for group in &theirs.groups {
            let kept = match ours.groups.iter().find(|ours| ours.id == group.id) {
                Some(ours) => Kept::of_fields(ours, group),
                None => Some(Kept::whole(group)),
            };
            self.keep(members(group), group.id.clone(), kept);
        }
        self.pairs(&theirs.blocks, &ours.blocks, |block| &block.id);
        self.pairs(&theirs.folders, &ours.folders, |folder| &folder.id);
        self.pairs(&theirs.files, &ours.files, |file| &file.id);
        self.pairs(&theirs.tools, &ours.tools, |tool| &tool.id);
        self.pairs(&theirs.mcp_servers, &ours.mcp_servers, |server| &server.id);
        let here: HashSet<&str> = ours.tools.iter().map(|tool| tool.id.as_str()).collect();
        for tool in theirs.tools.iter().filter(|tool| !here.contains(tool.id.as_str())) {
            if let Some(owners) = self.owners.by_thing.get(&tool.id).cloned() {
                self.keep(owners, tool.id.clone(), Some(Kept::whole(tool)));
            }
        }
    }

    /// Archives, passages and revisions of blocks.
    fn memory(&mut self, theirs: &AgentFile, ours: &AgentFile) {
        let by_block = |file: &AgentFile| {
            let mut by_block: HashMap<String, Vec<graph::BlockRevision>> = HashMap::new();
            for revision in &file.resident.block_revisions {
                by_block.entry(revision.block_id.clone()).or_default().push(revision.clone());
            }
            by_block
        };
        let (mut of_theirs, of_ours) = (by_block(theirs), by_block(ours));
        for (block_id, ours) in of_ours {
            let theirs = of_theirs.remove(&block_id).unwrap_or_default();
            self.keep(self.owners.owners(&block_id), revisions_about(&block_id), Kept::of_list(&ours, &theirs));
        }
        let bare = |archives: &[graph::Archive]| -> Vec<graph::Archive> {
            archives.iter().map(|archive| graph::Archive { passages: Vec::new(), ..archive.clone() }).collect()
        };
        let (theirs, ours) = (&theirs.resident.archives, &ours.resident.archives);
        self.pairs(&bare(theirs), &bare(ours), |archive| &archive.id);
        let passages = |archives: &[graph::Archive]| -> Vec<graph::Passage> {
            archives.iter().flat_map(|archive| archive.passages.clone()).collect()
        };
        self.pairs(&passages(theirs), &passages(ours), |passage| &passage.id);
    }
}
