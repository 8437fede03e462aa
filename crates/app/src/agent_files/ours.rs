//! The graph of agents as the store has them, with the store's ids. It is made of columns alone; what else files said of
//! these things is put back by [`super::carry`].

use std::collections::HashSet;

use resident_agent_file::{self as graph, AgentFile, AgentSettings, Extra, time};
use resident_memory::core::render;
use resident_store::{
    Agent, AgentId, AgentType, Block, McpServer, McpServerKind, Reader, Thread, ToolDefinition, ToolType,
};
use serde_json::{Map, Value, json};

use super::plan::prompt_id;
use super::{folders, memory, threads};
use crate::App;
use crate::api::ApiError;
use crate::records::{BuiltinTool, RETURN_CHARS, builtin, builtin_id, builtin_type};

/// What of [`Agent::letta`] has a field of its own in a file.
const NAMED: [&str; 10] = [
    "agent_type",
    "llm_config",
    "embedding_config",
    "model",
    "embedding",
    "model_settings",
    "compaction_settings",
    "timezone",
    "message_buffer_autoclear",
    "enable_sleeptime",
];

/// Where V1's instructions want the blocks; without it they come after the instructions.
const CORE_MEMORY_MARK: &str = "{CORE_MEMORY}";

/// The agents called `ids` with all that belongs to them.
pub(super) fn graph(app: &App, reader: &Reader<'_>, ids: &[AgentId]) -> Result<AgentFile, ApiError> {
    let mut file = AgentFile::default();
    let mut tools = Tools::default();
    let mut blocks = HashSet::new();
    for id in ids {
        let row = reader.agent(id)?.ok_or_else(|| ApiError::not_found("agent", id.as_str()))?;
        let own = Thread::own(id);
        let of_agent = reader.blocks_of(&own)?;
        let mut agent = agent_of(app, &row)?;
        agent.block_ids = of_agent.iter().map(|block| block.id.0.clone()).collect();
        agent.tool_ids = tools.add(reader, &row.tools)?;
        folders::add(reader, id, &mut agent, &mut file)?;
        let by_call = row.agent_type == AgentType::MemgptAgent;
        let (messages, in_context) = threads::messages_of(reader, &own, by_call)?;
        let prompt = prompt_of(&row, &of_agent);
        agent.in_context_message_ids = std::iter::once(prompt.id.clone()).chain(in_context).collect();
        agent.messages = std::iter::once(prompt).chain(messages).collect();
        let conversations = threads::conversations_of(reader, id, by_call)?;
        let mut isolated = Vec::new();
        for conversation in &conversations {
            for id in &conversation.block_ids {
                isolated.extend(reader.block(&id.as_str().into())?);
            }
        }
        for block in of_agent.into_iter().chain(isolated) {
            if blocks.insert(block.id.clone()) {
                file.resident.block_revisions.extend(memory::revisions_of(reader, &block.id)?);
                file.blocks.push(memory::block_of(block));
            }
        }
        file.resident.agents.push(AgentSettings {
            agent_id: id.0.clone(),
            model: row.model,
            settings: object(row.settings),
            summaries: threads::summaries_of(reader, &own)?,
            conversations,
            created_at_ms: Some(row.created_at_ms),
            extra: Extra::new(),
        });
        file.agents.push(agent);
    }
    super::groups::add(reader, &mut file)?;
    file.resident.archives = memory::archives_of(reader, ids)?;
    (file.tools, file.mcp_servers) = tools.listed(reader)?;
    Ok(file)
}

/// The fields of an agent that its row has.
fn agent_of(app: &App, row: &Agent) -> Result<graph::Agent, ApiError> {
    let mut letta = object(row.letta.clone());
    let mut named: Map<String, Value> = Map::new();
    for name in NAMED {
        named.extend(letta.shift_remove_entry(name).filter(|(_, value)| !value.is_null()));
    }
    letta.retain(|_, value| !value.is_null());
    let text = |name: &str| named.get(name).and_then(Value::as_str).map(str::to_owned);
    let map = |name: &str| named.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let agent_type = text("agent_type").unwrap_or_else(|| {
        match row.agent_type {
            AgentType::MemgptAgent => "memgpt_agent",
            AgentType::LettaV1Agent => "letta_v1_agent",
        }
        .to_owned()
    });
    let asked = map("llm_config");
    Ok(graph::Agent {
        id: row.id.0.clone(),
        name: row.name.clone(),
        description: Some(row.description.clone()).filter(|text| !text.is_empty()),
        agent_type,
        system: Some(row.system.clone()),
        tool_rules: row
            .tool_rules
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|rule| rule.as_object().cloned())
            .collect(),
        tags: row.tags.clone(),
        metadata: object(row.metadata.clone()),
        model: text("model"),
        embedding: text("embedding"),
        llm_config: if asked.is_empty() { llm_config(app, row)? } else { asked },
        embedding_config: map("embedding_config"),
        model_settings: map("model_settings"),
        compaction_settings: map("compaction_settings"),
        context_window_limit: row.settings["context_window_limit"].as_u64(),
        timezone: text("timezone"),
        enable_sleeptime: named.get("enable_sleeptime").and_then(Value::as_bool),
        message_buffer_autoclear: named.get("message_buffer_autoclear").and_then(Value::as_bool).unwrap_or_default(),
        extra: letta,
        ..graph::Agent::default()
    })
}

/// A description of the model that answers, in the form that V1 needs to make an agent.
fn llm_config(app: &App, row: &Agent) -> Result<Extra, ApiError> {
    let handle = app.model_handle_of(row)?;
    let (provider, model) = handle.split_once('/').unwrap_or(("local", &handle));
    Ok(object(json!({
        "model": model,
        "model_endpoint_type": "openai",
        "provider_name": provider,
        "provider_category": "base",
        "context_window": app.window_tokens_of(row)?,
        "handle": handle,
        "put_inner_thoughts_in_kwargs": row.agent_type == AgentType::MemgptAgent,
    })))
}

/// The instructions with the blocks in them, which V1 keeps as the first message of an agent.
fn prompt_of(row: &Agent, blocks: &[Block]) -> graph::Message {
    let core = render(blocks);
    let text = if row.system.contains(CORE_MEMORY_MARK) {
        row.system.replacen(CORE_MEMORY_MARK, &core, 1)
    } else {
        format!("{}\n\n{core}", row.system)
    };
    graph::Message {
        id: prompt_id(row.id.as_str()),
        role: graph::Role::System,
        content: vec![graph::Part::text(text.trim())],
        created_at: Some(time::text_of(row.created_at_ms)),
        ..graph::Message::default()
    }
}

/// The fields of a JSON object; none of anything else.
pub(super) fn object(value: Value) -> Extra {
    match value {
        Value::Object(fields) => fields,
        _ => Extra::new(),
    }
}

/// The tools of agents, each once.
#[derive(Default)]
struct Tools {
    known: HashSet<String>,
    builtin: Vec<BuiltinTool>,
    described: Vec<ToolDefinition>,
}

impl Tools {
    /// The ids of the tools called `names`; those that there are no longer are left out.
    fn add(&mut self, reader: &Reader<'_>, names: &[String]) -> Result<Vec<String>, ApiError> {
        let mut ids = Vec::new();
        let mut named = HashSet::new();
        for name in names {
            let own = resident_agent::tool(name).and_then(|tool| builtin(tool.name));
            let id = match own {
                Some(own) => {
                    let id = builtin_id(name);
                    if self.known.insert(id.clone()) {
                        self.builtin.push(own);
                    }
                    id
                }
                None => {
                    let Some(described) = reader.tool_by_name(name)? else { continue };
                    let id = described.id.0.clone();
                    if self.known.insert(id.clone()) {
                        self.described.push(described);
                    }
                    id
                }
            };
            if named.insert(id.clone()) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// All of them, and the servers that they come from.
    fn listed(self, reader: &Reader<'_>) -> Result<(Vec<graph::Tool>, Vec<graph::McpServer>), ApiError> {
        let mut servers = Vec::new();
        let mut seen = HashSet::new();
        for id in self.described.iter().filter_map(|tool| tool.mcp_server_id.as_ref()).filter(|id| seen.insert(*id)) {
            let known = reader.mcp_server(id)?.filter(|server| server.deleted_at_ms.is_none());
            servers.extend(known.map(server_of));
        }
        let tools = self.builtin.into_iter().map(builtin_of).chain(self.described.into_iter().map(tool_of));
        Ok((tools.collect(), servers))
    }
}

fn builtin_of(tool: BuiltinTool) -> graph::Tool {
    let BuiltinTool { name, description, parameters } = tool;
    graph::Tool {
        id: builtin_id(name),
        name: name.to_owned(),
        description: Some(description.to_owned()),
        tool_type: builtin_type(name).to_owned(),
        source_type: Some("python".to_owned()),
        json_schema: object(json!({ "name": name, "description": description, "parameters": parameters })),
        tags: vec![builtin_type(name).to_owned()],
        return_char_limit: u64::try_from(RETURN_CHARS).ok(),
        ..graph::Tool::default()
    }
}

/// What of a tool's metadata is metadata for clients, and not a key of the tool.
const METADATA: &str = "metadata_";

fn tool_of(tool: ToolDefinition) -> graph::Tool {
    let mut extra = object(tool.metadata);
    let metadata = object(extra.shift_remove(METADATA).unwrap_or_default());
    graph::Tool {
        id: tool.id.0,
        name: tool.name,
        description: Some(tool.description),
        tool_type: match tool.tool_type {
            ToolType::Custom => "custom",
            ToolType::ExternalMcp => "external_mcp",
        }
        .to_owned(),
        source_code: tool.source_code,
        source_type: tool.source_type,
        json_schema: object(tool.json_schema),
        tags: tool.tags,
        return_char_limit: u64::try_from(tool.return_char_limit).ok(),
        default_requires_approval: Some(tool.default_requires_approval),
        mcp_server_id: tool.mcp_server_id.map(|id| id.0),
        metadata,
        extra,
    }
}

/// The row of a tool that comes in.
pub(super) fn tool_row(tool: &graph::Tool, server_here: bool, now_ms: i64) -> ToolDefinition {
    let mut metadata = tool.extra.clone();
    metadata.insert(METADATA.to_owned(), Value::Object(tool.metadata.clone()));
    let of_schema = tool.json_schema.get("description").and_then(Value::as_str).map(str::to_owned);
    let limit = tool.return_char_limit.and_then(|limit| usize::try_from(limit).ok());
    let mut json_schema = tool.json_schema.clone();
    json_schema.entry("name").or_insert_with(|| tool.name.clone().into());
    ToolDefinition {
        id: tool.id.as_str().into(),
        name: tool.name.clone(),
        description: tool.description.clone().or(of_schema).unwrap_or_default(),
        json_schema: Value::Object(json_schema),
        source_code: tool.source_code.clone(),
        source_type: tool.source_type.clone(),
        tags: tool.tags.clone(),
        tool_type: if server_here { ToolType::ExternalMcp } else { ToolType::Custom },
        default_requires_approval: tool.default_requires_approval.unwrap_or_default(),
        return_char_limit: limit.unwrap_or(RETURN_CHARS).clamp(1, 1_000_000),
        mcp_server_id: tool.mcp_server_id.as_deref().filter(|_| server_here).map(Into::into),
        metadata: Value::Object(metadata),
        created_at_ms: now_ms,
        updated_at_ms: now_ms,
        deleted_at_ms: None,
    }
}

/// A server as files describe it.
pub(super) fn server_of(server: McpServer) -> graph::McpServer {
    let config = object(server.config);
    let (server_type, server_url, stdio_config) = match server.kind {
        McpServerKind::Stdio => ("stdio", None, Some(config)),
        McpServerKind::StreamableHttp => ("streamable_http", url_in(&config), None),
        McpServerKind::Sse => ("sse", url_in(&config), None),
    };
    graph::McpServer {
        id: server.id.0,
        name: server.name,
        server_type: server_type.to_owned(),
        server_url,
        stdio_config,
        ..graph::McpServer::default()
    }
}

fn url_in(config: &Extra) -> Option<String> {
    config.get("server_url").and_then(Value::as_str).map(str::to_owned)
}
