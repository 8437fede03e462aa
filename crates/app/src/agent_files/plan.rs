//! What becomes of a file in this profile, decided before anything is written: new ids for all, which tools run here,
//! which servers and models are here. A preview shows the decisions, an import carries them out, so that the two cannot
//! disagree.

use std::collections::{HashMap, HashSet};

use resident_agent_file::{self as graph, AgentFile, IdKind, Notice, NoticeKind, Read};
use resident_store::{
    AgentId, ArchiveId, BlockId, ConversationId, FileId, FolderId, McpServer, McpServerId, McpServerKind, MessageId,
    Page, PassageId, Reader, ToolId, ToolType, TurnId,
};
use serde_json::{Map, Value, json};

use super::ImportOptions;
use crate::api::ApiError;
use crate::records::builtin_id;

/// What becomes of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolFate {
    /// Resident has it of its own.
    BuiltIn,
    /// The profile has a description of that name, which stays as it is.
    Known,
    /// It comes in as a description.
    New,
    /// It is kept with the file and attached to nobody.
    NotAttached,
}

/// What becomes of a server.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ServerFate {
    /// The profile has the same one, which is not allowed either.
    Known,
    /// It comes in, not allowed.
    New(Box<McpServer>),
    /// It is kept with the file: how it is talked to is not known here.
    Kept,
}

/// What becomes of a file.
pub(super) struct Plan {
    /// What is in it, under the ids that it will have, without the values of secrets.
    pub(super) file: AgentFile,
    /// What a person should know.
    pub(super) notices: Vec<Notice>,
    /// What becomes of each tool.
    pub(super) tools: HashMap<String, ToolFate>,
    /// What becomes of each server.
    pub(super) servers: HashMap<String, ServerFate>,
    /// Messages that are the agents' instructions as V1 compiled them.
    pub(super) prompts: HashSet<String>,
    /// The handles of models that are asked for and here, by agent.
    pub(super) models: HashMap<String, String>,
}

impl Plan {
    /// Decides what becomes of a file. `models` are the handles of the models that are here.
    pub(super) fn new(
        read: Read,
        options: &ImportOptions,
        reader: &Reader<'_>,
        models: &HashSet<String>,
        now_ms: i64,
    ) -> Result<Self, ApiError> {
        let Read { mut file, form: _, mut notices } = read;
        if notices.iter().any(|notice| notice.kind == NoticeKind::Secret) {
            let text = "The values of secrets are not taken over; their names are.";
            notices.push(notice(NoticeKind::NotAdopted, "", text));
        }
        file.blank_secrets();
        options.apply(&mut file);
        let mut servers_by_old = HashMap::new();
        let mut known = HashSet::new();
        let here = reader.list_mcp_servers(&Page::default())?;
        for server in &file.mcp_servers {
            let (id, fate) = fate_of_server(server, &here, now_ms);
            let second = !known.insert(id.clone());
            let fate = if second { (McpServerId::new().0, ServerFate::Kept) } else { (id, fate) };
            servers_by_old.insert(server.id.clone(), fate);
        }
        unique_names(&mut servers_by_old, here);
        let tools_by_old = fates_of_tools(&file, reader, &mut notices)?;
        let prompts_by_old: HashSet<String> = file.agents.iter().filter_map(prompt).map(str::to_owned).collect();
        let agent_of_prompt: HashMap<String, String> =
            file.agents.iter().filter_map(|agent| Some((prompt(agent)?.to_owned(), agent.id.clone()))).collect();
        let mut agents: HashMap<String, String> = HashMap::new();
        file.rename(|kind, old| match kind {
            IdKind::Agent => {
                let id = AgentId::new().0;
                agents.insert(old.to_owned(), id.clone());
                id
            }
            IdKind::Group => format!("group-{}", uuid::Uuid::new_v4()),
            IdKind::Block => BlockId::new().0,
            IdKind::File => FileId::new().0,
            IdKind::Folder => FolderId::new().0,
            IdKind::Tool => tools_by_old.get(old).map_or_else(|| ToolId::new().0, |(id, _)| id.clone()),
            IdKind::McpServer => servers_by_old.get(old).map_or_else(|| McpServerId::new().0, |(id, _)| id.clone()),
            // Agents are met before their messages.
            IdKind::Message => match agent_of_prompt.get(old).and_then(|agent| agents.get(agent)) {
                Some(agent) => prompt_id(agent),
                None => MessageId::new().0,
            },
            IdKind::Turn => TurnId::new().0,
            IdKind::Conversation => ConversationId::new().0,
            IdKind::Archive => ArchiveId::new().0,
            IdKind::Passage => PassageId::new().0,
        });
        let prompts = prompts_by_old
            .iter()
            .filter_map(|old| agents.get(agent_of_prompt.get(old)?).map(|agent| prompt_id(agent)))
            .collect();
        let mut plan = Self {
            file,
            notices,
            tools: tools_by_old.into_values().collect(),
            servers: servers_by_old.into_values().collect(),
            prompts,
            models: HashMap::new(),
        };
        plan.find_models(models);
        Ok(plan)
    }

    /// Finds the models that the agents ask for, and says which are not here.
    fn find_models(&mut self, models: &HashSet<String>) {
        for (at, agent) in self.file.agents.iter().enumerate() {
            let of_agent = self.file.resident.agents.iter().find(|of_agent| of_agent.agent_id == agent.id);
            // Resident's own handle is meant where there is one; where it is not, the profile's default was.
            let asked = match of_agent {
                Some(of_agent) => of_agent.model.clone(),
                None => asked_model(agent),
            };
            let Some(asked) = asked else { continue };
            if models.contains(&asked) {
                self.models.insert(agent.id.clone(), asked);
            } else {
                let text = format!("{asked} is not here; the default model answers for {}.", agent.name);
                self.notices.push(notice(NoticeKind::NotAdopted, &format!("agents[{at}].model"), &text));
            }
        }
    }

    /// The names of the tools that agents can have, by their ids.
    pub(super) fn attached_tools(&self) -> HashMap<String, String> {
        let attached = |tool: &&graph::Tool| {
            matches!(self.tools.get(&tool.id), Some(ToolFate::BuiltIn | ToolFate::Known | ToolFate::New))
        };
        self.file.tools.iter().filter(attached).map(|tool| (tool.id.clone(), tool.name.clone())).collect()
    }
}

pub(super) fn notice(kind: NoticeKind, place: &str, text: &str) -> Notice {
    Notice { place: place.to_owned(), kind, text: text.to_owned() }
}

/// The handle of the model that a file asks for, as clients of V1 set it.
pub(super) fn asked_model(agent: &graph::Agent) -> Option<String> {
    agent.model.clone().or_else(|| handle_in(&agent.llm_config, "model"))
}

/// The handle of the embedding model that a file asks for.
pub(super) fn asked_embedding(agent: &graph::Agent) -> Option<String> {
    agent.embedding.clone().or_else(|| handle_in(&agent.embedding_config, "embedding_model"))
}

fn handle_in(config: &graph::Extra, name: &str) -> Option<String> {
    let text = |key: &str| config.get(key).and_then(Value::as_str).map(str::to_owned);
    text("handle").or_else(|| text(name).map(|name| format!("openai/{name}")))
}

/// The message with the instructions as V1 compiled them: the first of all and the first in context.
fn prompt(agent: &graph::Agent) -> Option<&str> {
    let first = agent.messages.first().filter(|first| first.role == graph::Role::System)?;
    let in_context = agent.in_context_message_ids.first().is_none_or(|id| *id == first.id);
    (in_context && first.tool_calls.is_empty()).then_some(first.id.as_str())
}

/// The id of the compiled instructions of an agent, which are no message of recall memory.
pub(super) fn prompt_id(agent_id: &str) -> String {
    agent_id.replacen("agent-", "message-", 1)
}

/// What becomes of each tool, under which id, by the id in the file.
fn fates_of_tools(
    file: &AgentFile,
    reader: &Reader<'_>,
    notices: &mut Vec<Notice>,
) -> Result<HashMap<String, (String, ToolFate)>, ApiError> {
    let mut fates = HashMap::new();
    let mut names = HashSet::new();
    for (at, tool) in file.tools.iter().enumerate() {
        let mut tell = |text: String| notices.push(notice(NoticeKind::Inert, &format!("tools[{at}]"), &text));
        let second = !names.insert(tool.name.as_str());
        let known = reader.tool_by_name(&tool.name)?;
        let (id, fate) = match (resident_agent::tool(&tool.name), known) {
            _ if second => (ToolId::new().0, ToolFate::NotAttached),
            (Some(_), _) => (builtin_id(&tool.name), ToolFate::BuiltIn),
            // A tool of a server may do what the person allowed for other agents.
            (None, Some(known)) if known.tool_type == ToolType::ExternalMcp => {
                tell(format!("{} is a tool of a server of yours; attach it yourself if you want that.", tool.name));
                (ToolId::new().0, ToolFate::NotAttached)
            }
            (None, Some(known)) => {
                tell(format!("A tool named {} is described here already; that description stays.", tool.name));
                (known.id.0, ToolFate::Known)
            }
            (None, None) if tool.is_built_in() || !is_name(&tool.name) => {
                tell(format!("Resident has no tool named {}: it is not run here.", tool.name));
                (ToolId::new().0, ToolFate::NotAttached)
            }
            (None, None) => (ToolId::new().0, ToolFate::New),
        };
        fates.insert(tool.id.clone(), (id, fate));
    }
    Ok(fates)
}

/// Whether models can call a tool by this name.
fn is_name(name: &str) -> bool {
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    !name.is_empty() && name.len() <= 128 && name.chars().all(fits)
}

fn fate_of_server(server: &graph::McpServer, here: &[McpServer], now_ms: i64) -> (String, ServerFate) {
    let kind = match server.server_type.as_str() {
        "stdio" => McpServerKind::Stdio,
        "streamable_http" => McpServerKind::StreamableHttp,
        "sse" => McpServerKind::Sse,
        _ => return (McpServerId::new().0, ServerFate::Kept),
    };
    let config = config_of(kind, server);
    let same = here
        .iter()
        .find(|known| !known.allowed && known.name == server.name && known.kind == kind && known.config == config);
    if let Some(same) = same {
        return (same.id.0.clone(), ServerFate::Known);
    }
    let new = McpServer {
        id: McpServerId::new(),
        name: server.name.clone(),
        kind,
        config,
        allowed: false,
        created_at_ms: now_ms,
        updated_at_ms: now_ms,
        deleted_at_ms: None,
    };
    (new.id.0.clone(), ServerFate::New(Box::new(new)))
}

/// Where or how a server is reached, without anything secret.
fn config_of(kind: McpServerKind, server: &graph::McpServer) -> Value {
    let mut config = Map::new();
    match kind {
        McpServerKind::Stdio => {
            let of_program = server.stdio_config.clone().unwrap_or_default();
            for name in ["command", "args"] {
                config.extend(of_program.get(name).map(|value| (name.to_owned(), value.clone())));
            }
        }
        McpServerKind::StreamableHttp | McpServerKind::Sse => {
            config.extend(server.server_url.iter().map(|url| ("server_url".to_owned(), json!(url))));
        }
    }
    Value::Object(config)
}

/// Gives new servers names that no other has.
fn unique_names(servers: &mut HashMap<String, (String, ServerFate)>, here: Vec<McpServer>) {
    let mut names = Names::taken(here.into_iter().map(|server| server.name));
    for (_, fate) in servers.values_mut() {
        if let ServerFate::New(server) = fate {
            server.name = names.free(&server.name);
        }
    }
}

/// Names of which each is given once.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// The number that is tried next after a name.
    next: HashMap<String, u64>,
}

impl Names {
    pub(super) fn taken(names: impl Iterator<Item = String>) -> Self {
        Self { taken: names.collect(), next: HashMap::new() }
    }

    /// `name`, or `name (2)`, or the first of these that is not taken; it is taken from then on.
    pub(super) fn free(&mut self, name: &str) -> String {
        let mut free = name.to_owned();
        while !self.taken.insert(free.clone()) {
            let number = self.next.entry(name.to_owned()).or_insert(2);
            free = format!("{name} ({number})");
            *number += 1;
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_given_once() {
        let mut names = Names::taken(["a (2)".to_owned()].into_iter());
        let given: Vec<String> = (0..3).map(|_| names.free("a")).collect();
        assert_eq!(given, ["a", "a (3)", "a (4)"]);
    }
}
