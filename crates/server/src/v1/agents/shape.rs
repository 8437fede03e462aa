//! How an agent looks to clients of V1.

use std::collections::HashMap;

use resident_app::App;
use resident_app::api::ApiError;
use resident_app::records::{Agent, AgentId, AgentType, Block, Group, IdentityListing, MessageRow, Thread};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::v1::folders::{FolderBody, folder_body};
use crate::v1::groups::group_body;
use crate::v1::identities::{IdentityBody, identity_body};
use crate::v1::messages::shape::{Wanted, listed};
use crate::v1::schema::{BlockBody, EMBEDDER, USER_ID, agent_type_name, block_body, embedding_config, kept, time};
use crate::v1::tools::{self, ToolBody};

/// Files that may be open at once and how much of each is shown, by the size of the window.
const FILE_LIMITS: [(usize, usize, usize); 5] =
    [(8_000, 3, 5_000), (32_000, 5, 15_000), (128_000, 10, 25_000), (200_000, 10, 40_000), (usize::MAX, 15, 40_000)];

/// Tools that an agent has while it has a folder.
const FILE_TOOLS: [&str; 3] = ["open_files", "grep_files", "semantic_search_files"];

/// An agent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AgentBody {
    pub(super) id: String,
    pub(super) name: String,
    agent_type: String,
    system: String,
    description: Option<String>,
    #[schema(value_type = Object)]
    metadata: Value,
    pub(super) tags: Vec<String>,
    blocks: Vec<BlockBody>,
    #[schema(value_type = Object)]
    memory: Value,
    pub(super) tools: Vec<ToolBody>,
    #[schema(value_type = Vec<Object>)]
    tool_rules: Value,
    sources: Vec<FolderBody>,
    #[schema(value_type = Object)]
    llm_config: Value,
    #[schema(value_type = Object)]
    embedding_config: Value,
    model: String,
    embedding: String,
    message_ids: Vec<String>,
    pub(super) identity_ids: Vec<String>,
    identities: Vec<IdentityBody>,
    secrets: Vec<Value>,
    tool_exec_environment_variables: Vec<Value>,
    pub(super) created_by_id: &'static str,
    last_updated_by_id: &'static str,
    created_at: String,
    pub(super) updated_at: String,
    pub(super) last_run_completion: Option<String>,
    last_run_duration_ms: Option<i64>,
    pub(super) last_stop_reason: Option<String>,
    max_files_open: usize,
    per_file_view_window_char_limit: usize,
    /// Fields that are kept for clients.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub(super) kept: Map<String, Value>,
}

impl AgentBody {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

/// How an agent looks to clients of V1.
pub(crate) fn body(app: &App, agent_id: &str) -> Result<AgentBody, ApiError> {
    let agent = app.agent_record(agent_id)?;
    let mut bodies = bodies(app, vec![agent])?;
    bodies.pop().ok_or_else(|| ApiError::not_found("agent", agent_id))
}

/// How agents look to clients of V1, in their order.
pub(crate) fn bodies(app: &App, agents: Vec<Agent>) -> Result<Vec<AgentBody>, ApiError> {
    let ids: Vec<AgentId> = agents.iter().map(|agent| agent.id.clone()).collect();
    let mut blocks = app.blocks_of_agents(&ids)?;
    let tools: HashMap<String, ToolBody> = tools::all(app)?.into_iter().map(|tool| (tool.name.clone(), tool)).collect();
    let bodies = agents.into_iter().map(|agent| {
        let blocks = blocks.remove(&agent.id).unwrap_or_default();
        agent_body(app, agent, blocks, &tools)
    });
    bodies.collect()
}

fn agent_body(
    app: &App,
    agent: Agent,
    blocks: Vec<Block>,
    tools: &HashMap<String, ToolBody>,
) -> Result<AgentBody, ApiError> {
    let window_tokens = app.window_tokens_of(&agent)?;
    let handle = match kept(&agent.letta, "model") {
        Value::String(asked) => asked,
        _ => app.model_handle_of(&agent)?,
    };
    let embedding = kept(&agent.letta, "embedding").as_str().unwrap_or(EMBEDDER).to_owned();
    let limits = FILE_LIMITS.iter().find(|(most, ..)| window_tokens <= *most);
    let (files, file_chars) = limits.map_or((15, 40_000), |(_, files, chars)| (*files, *chars));
    let number = |field: &str, default: usize| {
        kept(&agent.letta, field).as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(default)
    };
    let (max_files_open, per_file) =
        (number("max_files_open", files), number("per_file_view_window_char_limit", file_chars));
    let shown = ["model_settings", "compaction_settings", "response_format", "timezone", "message_buffer_autoclear"];
    let rest = ["hidden", "project_id", "template_id", "base_template_id"];
    let mut kept_fields: Map<String, Value> =
        shown.iter().chain(&rest).map(|field| ((*field).to_owned(), kept(&agent.letta, field))).collect();
    for (field, default) in [("timezone", json!("UTC")), ("message_buffer_autoclear", json!(false))] {
        let value = kept_fields.entry(field).or_insert(Value::Null);
        if value.is_null() {
            *value = default;
        }
    }
    for field in ["deployment_id", "entity_id"] {
        kept_fields.insert(field.to_owned(), Value::Null);
    }
    let leads = |group: &Group| group.manager_agent_id.as_ref() == Some(&agent.id);
    let led = app.groups_of_agent(&agent.id)?.into_iter().find(leads);
    let tidied = led.as_ref().is_some_and(|group| group.manager_type.is_sleeptime());
    kept_fields.insert("enable_sleeptime".to_owned(), json!(tidied));
    let led = led.map_or(Value::Null, |group| json!(group_body(group)));
    kept_fields.insert("managed_group".to_owned(), led.clone());
    kept_fields.insert("multi_agent_group".to_owned(), led);
    let pending = match app.pending_calls(&Thread::own(&agent.id))? {
        Some(pending) => asked(&app.message_row(&pending.message_id)?),
        None => Value::Null,
    };
    kept_fields.insert("pending_approval".to_owned(), pending);
    let of_agent = IdentityListing { agent_id: Some(agent.id.clone()), ..IdentityListing::default() };
    let identities = app.identity_records(&of_agent)?;
    let sources: Vec<FolderBody> = app.folders_of_agent(agent.id.as_str())?.into_iter().map(folder_body).collect();
    // Tools for files come with a folder and need not be attached.
    let for_files = if sources.is_empty() { &[][..] } else { &FILE_TOOLS[..] };
    let mut names: Vec<&str> = agent.tools.iter().map(String::as_str).collect();
    names.extend(for_files.iter().filter(|name| !agent.tools.iter().any(|tool| tool == *name)));
    let shown_tools: Vec<ToolBody> = names.into_iter().filter_map(|name| tools.get(name).cloned()).collect();
    let agent_type = agent_type_name(&agent);
    let blocks: Vec<BlockBody> = blocks.into_iter().map(block_body).collect();
    let latest = app.latest_turn_record(agent.id.as_str())?;
    let ended = latest.as_ref().and_then(|turn| turn.ended_at_ms);
    Ok(AgentBody {
        memory: json!({ "agent_type": agent_type, "git_enabled": false, "blocks": blocks, "file_blocks": [], "prompt_template": "" }),
        tools: shown_tools,
        llm_config: llm_config(&agent, &handle, window_tokens),
        embedding_config: embedding_config(&embedding),
        message_ids: app.window_message_ids(&Thread::own(&agent.id))?,
        identity_ids: identities.iter().map(|identity| identity.id.0.clone()).collect(),
        last_run_completion: ended.map(time),
        last_run_duration_ms: latest.as_ref().and_then(|turn| turn.ended_at_ms.map(|end| end - turn.started_at_ms)),
        last_stop_reason: latest.and_then(|turn| turn.stop_reason),
        created_at: time(agent.created_at_ms),
        updated_at: time(agent.updated_at_ms),
        id: agent.id.0,
        name: agent.name,
        system: agent.system,
        description: Some(agent.description),
        metadata: agent.metadata,
        tags: agent.tags,
        tool_rules: agent.tool_rules,
        agent_type,
        blocks,
        sources,
        model: handle,
        embedding,
        identities: identities.into_iter().map(identity_body).collect(),
        secrets: Vec::new(),
        tool_exec_environment_variables: Vec::new(),
        created_by_id: USER_ID,
        last_updated_by_id: USER_ID,
        max_files_open,
        per_file_view_window_char_limit: per_file,
        kept: kept_fields,
    })
}

/// How many files an agent may have open at once.
pub(crate) fn most_open_files(app: &App, agent_id: &str) -> Result<usize, ApiError> {
    Ok(body(app, agent_id)?.max_files_open)
}

/// The message in which a row asks for calls to be allowed.
fn asked(row: &MessageRow) -> Value {
    let only = Wanted { kinds: Some(vec!["approval_request_message".to_owned()]), ..Wanted::default() };
    listed(row, &only).pop().unwrap_or(Value::Null)
}

fn llm_config(agent: &Agent, handle: &str, window_tokens: usize) -> Value {
    let (provider, model) = handle.split_once('/').unwrap_or(("local", handle));
    let mut config = json!({
        "model": model,
        "model_endpoint_type": "openai",
        "model_endpoint": null,
        "provider_name": provider,
        "provider_category": "base",
        "context_window": window_tokens,
        "handle": handle,
        "put_inner_thoughts_in_kwargs": agent.agent_type == AgentType::MemgptAgent,
        "temperature": agent.settings.get("temperature").cloned().unwrap_or(json!(0.7)),
        "max_tokens": agent.settings.get("max_answer_tokens"),
        "enable_reasoner": false,
    });
    if let (Some(config), Value::Object(asked)) = (config.as_object_mut(), kept(&agent.letta, "llm_config")) {
        for (field, value) in asked {
            config.entry(field).or_insert(value);
        }
    }
    config
}
