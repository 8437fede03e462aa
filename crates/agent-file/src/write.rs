//! Writing: a graph to the bytes of a file that V1's schema accepts and that holds everything Resident knows.
//!
//! V1 has a place for all messages of an agent's own thread, so that is where they are written, with the ones in context
//! named; what it has no place for is in the section `resident`. The same graph always gives the same bytes.

use serde_json::{Map, Value};

use crate::graph::{Agent, AgentFile, Block, File, FileView, Folder, Group, McpServer, Out, Skill, Tool};
use crate::links::{Order, renumber};
use crate::{kept, secrets, strict};

/// What is written of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOptions {
    /// Whether messages, conversations and summaries go along.
    pub messages: bool,
    /// Whether the values of secrets go along; their names always do.
    pub secrets: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { messages: true, secrets: false }
    }
}

/// The bytes of the file. Ids are numbered anew (`agent-0`, `message-12`); references that lead nowhere are left out.
pub fn write(file: &AgentFile, options: &WriteOptions) -> Vec<u8> {
    let mut file = file.clone();
    if !options.messages {
        without_messages(&mut file);
    }
    if !options.secrets {
        secrets::blank(&mut file);
    }
    renumber(&mut file, Order::Lists);
    let Value::Object(mut object) = value(&file) else { unreachable!("a file is written as an object") };
    let kept = kept::set_aside(&mut object, strict::set_aside);
    if !kept.is_empty() || !file.resident.is_empty() {
        let mut section = file.resident.write();
        if let (false, Some(section)) = (kept.is_empty(), section.as_object_mut()) {
            section.insert("kept".to_owned(), Value::Array(kept));
        }
        object.insert("resident".to_owned(), section);
    }
    serde_json::to_vec(&Value::Object(object)).expect("a JSON value can be written to memory")
}

fn without_messages(file: &mut AgentFile) {
    for agent in &mut file.agents {
        agent.messages.clear();
        agent.in_context_message_ids.clear();
    }
    for of_agent in &mut file.resident.agents {
        of_agent.summaries.clear();
        of_agent.conversations.clear();
    }
}

fn value(file: &AgentFile) -> Value {
    let AgentFile {
        agents,
        groups,
        blocks,
        files,
        folders,
        tools,
        mcp_servers,
        skills,
        metadata,
        created_at,
        resident: _,
        extra,
    } = file;
    let folder_of: std::collections::HashMap<&str, &str> =
        files.iter().map(|file| (file.id.as_str(), file.folder_id.as_str())).collect();
    let mut views = 0;
    let mut agent = |agent: &Agent| {
        let written = |view: &FileView| {
            views += 1;
            let folder = folder_of.get(view.file_id.as_str()).copied().unwrap_or_default();
            view.write(format!("file_agent-{}", views - 1), &agent.id, folder)
        };
        agent.write(agent.file_views.iter().map(written).collect())
    };
    let agents: Vec<Value> = agents.iter().map(&mut agent).collect();
    let mut out = Out::default();
    out.put("agents", agents);
    out.things("groups", groups, Group::write);
    out.things("blocks", blocks, Block::write);
    out.things("files", files, File::write);
    out.things("sources", folders, Folder::write);
    out.things("tools", tools, Tool::write);
    out.things("mcp_servers", mcp_servers, McpServer::write);
    out.things("skills", skills, Skill::write);
    out.put("metadata", Map::clone(metadata));
    out.some("created_at", created_at.as_ref());
    out.with(extra)
}
