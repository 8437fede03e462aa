//! Agents: how V1 creates, lists and shows them.
//!
//! A client may ask for a model that is not here (`openai/gpt-4o` in every example): the profile's default answers, and
//! the handle is reported back as it was asked for, with a word in the agent's metadata.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use resident_app::App;
use resident_app::api::{ApiError, Nothing};
use resident_app::records::{Agent, AgentChanges, AgentId, AgentType, Block, BlockOfAgent, NewAgent};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::blocks::CreateBlock;
use super::page::{Order, PageQuery};
use super::schema::{BlockBody, USER_ID, agent_type_name, block_body, embedding_config, kept, time};
use super::tools::{self, ToolBody};
use crate::error::Problem;
use crate::extract::{AgentKey, Body, Id, Path, Query, ToolKey};
use crate::state::Shared;

/// The embedder's handle that is reported where a client asked for none.
const EMBEDDER: &str = "local/all-minilm-l6-v2";

/// Files that may be open at once and how much of each is shown, by the size of the window.
const FILE_LIMITS: [(usize, usize, usize); 5] =
    [(8_000, 3, 5_000), (32_000, 5, 15_000), (128_000, 10, 25_000), (200_000, 10, 40_000), (usize::MAX, 15, 40_000)];

/// The names of V1's kinds of agents.
const AGENT_TYPES: [&str; 9] = [
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

/// Fields that only clients of V1 read. They are kept as they came and shown as they are.
const KEPT: [&str; 22] = [
    "llm_config",
    "embedding_config",
    "model",
    "embedding",
    "model_settings",
    "compaction_settings",
    "response_format",
    "timezone",
    "message_buffer_autoclear",
    "enable_sleeptime",
    "max_files_open",
    "per_file_view_window_char_limit",
    "hidden",
    "parallel_tool_calls",
    "identity_ids",
    "project_id",
    "template_id",
    "base_template_id",
    "max_tokens",
    "max_reasoning_tokens",
    "enable_reasoner",
    "reasoning",
];

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(count))
        .routes(routes!(retrieve, update, delete))
        .routes(routes!(recompile))
        .routes(routes!(list_tools))
        .routes(routes!(attach_tool))
        .routes(routes!(detach_tool))
        .routes(routes!(update_approval))
        .routes(routes!(context))
}

/// An agent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct AgentBody {
    id: String,
    name: String,
    agent_type: String,
    system: String,
    description: Option<String>,
    #[schema(value_type = Object)]
    metadata: Value,
    tags: Vec<String>,
    blocks: Vec<BlockBody>,
    #[schema(value_type = Object)]
    memory: Value,
    tools: Vec<ToolBody>,
    #[schema(value_type = Vec<Object>)]
    tool_rules: Value,
    sources: Vec<Value>,
    #[schema(value_type = Object)]
    llm_config: Value,
    #[schema(value_type = Object)]
    embedding_config: Value,
    model: String,
    embedding: String,
    message_ids: Vec<String>,
    identity_ids: Vec<String>,
    identities: Vec<Value>,
    secrets: Vec<Value>,
    tool_exec_environment_variables: Vec<Value>,
    created_by_id: &'static str,
    last_updated_by_id: &'static str,
    created_at: String,
    updated_at: String,
    last_run_completion: Option<String>,
    last_run_duration_ms: Option<i64>,
    last_stop_reason: Option<String>,
    max_files_open: usize,
    per_file_view_window_char_limit: usize,
    /// Fields that are kept for clients.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    kept: Map<String, Value>,
}

impl AgentBody {
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// How an agent looks to clients of V1.
pub(super) fn body(app: &App, agent_id: &str) -> Result<AgentBody, ApiError> {
    let agent = app.agent_record(agent_id)?;
    let mut bodies = bodies(app, vec![agent])?;
    bodies.pop().ok_or_else(|| ApiError::not_found("agent", agent_id))
}

/// How agents look to clients of V1, in their order.
pub(super) fn bodies(app: &App, agents: Vec<Agent>) -> Result<Vec<AgentBody>, ApiError> {
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
    let (max_files_open, per_file) = (number("max_files_open", files), number("per_file_view_window_char_limit", file_chars));
    let shown = ["model_settings", "compaction_settings", "response_format", "timezone", "message_buffer_autoclear"];
    let rest = ["enable_sleeptime", "hidden", "project_id", "template_id", "base_template_id"];
    let mut kept_fields: Map<String, Value> =
        shown.iter().chain(&rest).map(|field| ((*field).to_owned(), kept(&agent.letta, field))).collect();
    for (field, default) in [("timezone", json!("UTC")), ("message_buffer_autoclear", json!(false))] {
        let value = kept_fields.entry(field).or_insert(Value::Null);
        if value.is_null() {
            *value = default;
        }
    }
    for field in ["deployment_id", "entity_id", "managed_group", "multi_agent_group", "pending_approval"] {
        kept_fields.insert(field.to_owned(), Value::Null);
    }
    let agent_type = agent_type_name(&agent);
    let blocks: Vec<BlockBody> = blocks.into_iter().map(block_body).collect();
    let latest = app.latest_turn_record(agent.id.as_str())?;
    let ended = latest.as_ref().and_then(|turn| turn.ended_at_ms);
    Ok(AgentBody {
        memory: json!({ "agent_type": agent_type, "git_enabled": false, "blocks": blocks, "file_blocks": [], "prompt_template": "" }),
        tools: agent.tools.iter().filter_map(|name| tools.get(name).cloned()).collect(),
        llm_config: llm_config(&agent, &handle, window_tokens),
        embedding_config: embedding_config(&embedding),
        message_ids: app.window_message_ids(agent.id.as_str())?,
        identity_ids: serde_json::from_value(kept(&agent.letta, "identity_ids")).unwrap_or_default(),
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
        sources: Vec::new(),
        model: handle,
        embedding,
        identities: Vec::new(),
        secrets: Vec::new(),
        tool_exec_environment_variables: Vec::new(),
        created_by_id: USER_ID,
        last_updated_by_id: USER_ID,
        max_files_open,
        per_file_view_window_char_limit: per_file,
        kept: kept_fields,
    })
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

/// An agent to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct CreateAgent {
    name: Option<String>,
    agent_type: Option<String>,
    description: Option<String>,
    system: Option<String>,
    #[serde(default)]
    memory_blocks: Option<Vec<CreateBlock>>,
    #[serde(default)]
    block_ids: Option<Vec<String>>,
    tools: Option<Vec<String>>,
    tool_ids: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<Object>>)]
    tool_rules: Option<Value>,
    include_base_tools: Option<bool>,
    include_base_tool_rules: Option<bool>,
    tags: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    context_window_limit: Option<usize>,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    rest: Map<String, Value>,
}

/// What of a request is kept for clients, and what of it Resident acts on.
struct Kept {
    letta: Map<String, Value>,
    settings: Map<String, Value>,
    /// The handle of a model that is here.
    model: Option<String>,
    /// Why another model answers than the one asked for.
    note: Option<String>,
}

/// Sorts out what Resident does not name itself.
fn sort_out(app: &App, rest: Map<String, Value>, window_limit: Option<usize>) -> Result<Kept, ApiError> {
    let mut letta: Map<String, Value> = rest.into_iter().filter(|(name, _)| KEPT.contains(&name.as_str())).collect();
    letta.retain(|_, value| !value.is_null());
    let from_config = |config: &str| {
        let config = letta.get(config)?;
        let handle = config.get("handle").and_then(Value::as_str).map(str::to_owned);
        handle.or_else(|| config.get("model").or(config.get("embedding_model"))?.as_str().map(|name| format!("openai/{name}")))
    };
    let asked = letta.get("model").and_then(Value::as_str).map(str::to_owned).or_else(|| from_config("llm_config"));
    let embedding = letta.get("embedding").and_then(Value::as_str).map(str::to_owned).or_else(|| from_config("embedding_config"));
    if let Some(embedding) = embedding {
        letta.insert("embedding".to_owned(), json!(embedding));
    }
    let (mut model, mut note) = (None, None);
    if let Some(asked) = asked {
        let known = app.list_models(Nothing {})?.iter().any(|known| known.handle == asked);
        if known {
            model = Some(asked.clone());
        } else {
            tracing::info!(%asked, "a client asked for a model that is not here; the default answers");
            note = Some(format!("{asked} is not configured here; the default model answers."));
            model = Some(String::new());
        }
        letta.insert("model".to_owned(), json!(asked));
    }
    let mut settings = Map::new();
    let number = |value: Option<&Value>| value.and_then(Value::as_u64);
    let of_config = letta.get("llm_config").and_then(|config| number(config.get("context_window")));
    let window = window_limit.map(|limit| limit as u64).or(of_config);
    if let Some(window) = window {
        settings.insert("context_window_limit".to_owned(), json!(window));
    }
    let of_settings = |field: &str| letta.get("model_settings").and_then(|settings| settings.get(field)).cloned();
    if let Some(temperature) = of_settings("temperature").filter(Value::is_number) {
        settings.insert("temperature".to_owned(), temperature);
    }
    let most = number(letta.get("max_tokens")).or_else(|| number(of_settings("max_output_tokens").as_ref()));
    if let Some(most) = most {
        settings.insert("max_answer_tokens".to_owned(), json!(most));
    }
    if let Some(zone) = letta.get("timezone").filter(|zone| zone.is_string()) {
        settings.insert("time_zone".to_owned(), zone.clone());
    }
    Ok(Kept { letta, settings, model, note })
}

/// V1's word for a kind of agent, and how Resident runs it.
fn read_agent_type(name: Option<&str>) -> Result<AgentType, Problem> {
    match name {
        None => Ok(AgentType::LettaV1Agent),
        Some("memgpt_agent" | "memgpt_v2_agent" | "split_thread_agent") => Ok(AgentType::MemgptAgent),
        Some(name) if AGENT_TYPES.contains(&name) => Ok(AgentType::LettaV1Agent),
        Some(name) => Err(Problem::invalid(&["body", "agent_type"], format!("`{name}` is not a kind of agent"))),
    }
}

/// The names of the tools that a request names by name or by id.
fn tool_names(app: &App, names: Vec<String>, ids: Vec<String>) -> Result<Vec<String>, ApiError> {
    let known = if ids.is_empty() { Vec::new() } else { tools::all(app)? };
    let by_id = ids.into_iter().map(|id| {
        let tool = known.iter().find(|tool| tool.id == id);
        tool.map(|tool| tool.name.clone()).ok_or_else(|| ApiError::not_found("tool", &id))
    });
    let mut all = names;
    all.extend(by_id.collect::<Result<Vec<_>, _>>()?);
    let mut seen = Vec::new();
    all.retain(|name| {
        let new = !seen.contains(name);
        seen.push(name.clone());
        new
    });
    Ok(all)
}

fn new_agent(app: &App, request: CreateAgent, agent_type: AgentType) -> Result<NewAgent, ApiError> {
    let CreateAgent {
        name,
        agent_type: type_name,
        description,
        system,
        memory_blocks,
        block_ids,
        tools,
        tool_ids,
        tool_rules,
        include_base_tools,
        include_base_tool_rules,
        tags,
        metadata,
        context_window_limit,
        rest,
    } = request;
    let Kept { mut letta, settings, model, note } = sort_out(app, rest, context_window_limit)?;
    if let Some(type_name) = type_name {
        letta.insert("agent_type".to_owned(), json!(type_name));
    }
    let base = if include_base_tools == Some(false) { Vec::new() } else { app.base_tools(agent_type) };
    let asked = base.into_iter().chain(tools.unwrap_or_default()).collect();
    let tools = tool_names(app, asked, tool_ids.unwrap_or_default())?;
    let base_rules = include_base_tool_rules != Some(false) && include_base_tools != Some(false);
    let tool_rules = match (tool_rules, base_rules) {
        (Some(Value::Array(rules)), true) => {
            let base = app.base_tool_rules(agent_type).as_array().cloned().unwrap_or_default();
            Some(base.into_iter().chain(rules).collect())
        }
        (Some(rules @ Value::Array(_)), false) => Some(rules),
        (_, true) => None,
        (_, false) => Some(json!([])),
    };
    let mut metadata = metadata.filter(Value::is_object).unwrap_or_else(|| json!({}));
    if let (Some(note), Some(metadata)) = (note, metadata.as_object_mut()) {
        metadata.insert("resident_note".to_owned(), json!(note));
    }
    let made = memory_blocks.unwrap_or_default().into_iter().map(|block| BlockOfAgent::New(block.into()));
    let shared = block_ids.unwrap_or_default().into_iter().map(BlockOfAgent::Shared);
    Ok(NewAgent {
        name: name.unwrap_or_else(|| "Agent".to_owned()),
        agent_type,
        description,
        system,
        model,
        tools: Some(tools),
        tool_rules,
        settings: Value::Object(settings),
        metadata,
        letta: Value::Object(letta),
        tags: tags.unwrap_or_default(),
        blocks: made.chain(shared).collect(),
    })
}

/// Changes to an agent; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct UpdateAgent {
    name: Option<String>,
    description: Option<String>,
    system: Option<String>,
    tool_ids: Option<Vec<String>>,
    block_ids: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<Object>>)]
    tool_rules: Option<Value>,
    tags: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    context_window_limit: Option<usize>,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    rest: Map<String, Value>,
}

fn changes(app: &App, request: UpdateAgent) -> Result<AgentChanges, ApiError> {
    let UpdateAgent { name, description, system, tool_ids, block_ids, tool_rules, tags, metadata, context_window_limit, rest } =
        request;
    let Kept { letta, settings, model, note } = sort_out(app, rest, context_window_limit)?;
    let tools = tool_ids.map(|ids| tool_names(app, Vec::new(), ids)).transpose()?;
    let metadata = match (metadata, note) {
        (Some(Value::Object(mut fields)), Some(note)) => {
            fields.insert("resident_note".to_owned(), json!(note));
            Some(Value::Object(fields))
        }
        (metadata, _) => metadata.filter(Value::is_object),
    };
    Ok(AgentChanges {
        name,
        description,
        system,
        model,
        tools,
        tool_rules: tool_rules.filter(Value::is_array),
        settings: Some(Value::Object(settings)),
        metadata,
        letta: Some(Value::Object(letta)),
        tags,
        block_ids,
    })
}

/// Which agents.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct AgentQuery {
    name: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    match_all_tags: Option<bool>,
    query_text: Option<String>,
    project_id: Option<String>,
    template_id: Option<String>,
    base_template_id: Option<String>,
    identity_id: Option<String>,
    #[serde(default)]
    identifier_keys: Vec<String>,
    last_stop_reason: Option<String>,
    sort_by: Option<String>,
    order_by: Option<String>,
    created_by_id: Option<String>,
    show_hidden_agents: Option<bool>,
}

impl AgentQuery {
    fn wants(&self, body: &AgentBody) -> bool {
        let text = |field: &str| body.kept.get(field).and_then(Value::as_str);
        let has = |tag: &String| body.tags.contains(tag);
        let tagged = match (self.tags.is_empty(), self.match_all_tags) {
            (true, _) => true,
            (false, Some(true)) => self.tags.iter().all(has),
            (false, _) => self.tags.iter().any(has),
        };
        let hidden = body.kept.get("hidden").and_then(Value::as_bool).unwrap_or(false);
        self.name.as_ref().is_none_or(|name| *name == body.name)
            && tagged
            && self.query_text.as_ref().is_none_or(|words| body.name.to_lowercase().contains(&words.to_lowercase()))
            && self.project_id.as_ref().is_none_or(|id| text("project_id") == Some(id))
            && self.template_id.as_ref().is_none_or(|id| text("template_id") == Some(id))
            && self.base_template_id.as_ref().is_none_or(|id| text("base_template_id") == Some(id))
            && self.identity_id.as_ref().is_none_or(|id| body.identity_ids.contains(id))
            && self.identifier_keys.is_empty()
            && self.last_stop_reason.as_ref().is_none_or(|reason| body.last_stop_reason.as_ref() == Some(reason))
            && (!hidden || self.show_hidden_agents == Some(true))
            && self.created_by_id.as_ref().is_none_or(|id| id == body.created_by_id)
    }

    fn sort(&self, bodies: &mut [AgentBody]) {
        match self.order_by.as_deref().or(self.sort_by.as_deref()) {
            Some("updated_at") => bodies.sort_by(|a, b| (&a.updated_at, &a.id).cmp(&(&b.updated_at, &b.id))),
            Some("last_run_completion") => {
                bodies.sort_by(|a, b| (&a.last_run_completion, &a.id).cmp(&(&b.last_run_completion, &b.id)));
            }
            // They come in the order in which they were made.
            Some(_) | None => {}
        }
    }
}

type Answer<T> = Result<axum::Json<T>, Problem>;

/// Lists agents.
#[utoipa::path(get, path = "/v1/agents", tag = "agents", params(AgentQuery, PageQuery), responses((status = 200, body = [AgentBody])))]
async fn list(State(shared): State<Shared>, Query(query): Query<AgentQuery>, Query(page): Query<PageQuery>) -> Answer<Vec<AgentBody>> {
    let mut found = shared.ask(|app| bodies(app, app.agent_records()?)).await?;
    found.retain(|body| query.wants(body));
    query.sort(&mut found);
    Ok(axum::Json(page.cut(found, (Order::Desc, 50), "agent", AgentBody::id)?))
}

/// Counts agents.
#[utoipa::path(get, path = "/v1/agents/count", tag = "agents", responses((status = 200, body = usize)))]
async fn count(State(shared): State<Shared>) -> Answer<usize> {
    Ok(axum::Json(shared.ask(|app| app.agent_records()).await?.len()))
}

/// Makes an agent.
#[utoipa::path(post, path = "/v1/agents", tag = "agents", request_body = CreateAgent, responses((status = 200, body = AgentBody)))]
async fn create(State(shared): State<Shared>, Body(request): Body<CreateAgent>) -> Answer<AgentBody> {
    let agent_type = read_agent_type(request.agent_type.as_deref())?;
    let body = shared
        .ask(move |app| {
            let agent = app.create_agent_record(new_agent(app, request, agent_type)?)?;
            body(app, agent.id.as_str())
        })
        .await?;
    Ok(axum::Json(body))
}

/// One agent.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}", tag = "agents", params(("agent_id" = String, Path)),
    responses((status = 200, body = AgentBody), (status = 404))
)]
async fn retrieve(State(shared): State<Shared>, Path(id): Path<Id<AgentKey>>) -> Answer<AgentBody> {
    Ok(axum::Json(shared.ask(move |app| body(app, id.as_str())).await?))
}

/// Changes an agent.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}", tag = "agents", params(("agent_id" = String, Path)),
    request_body = UpdateAgent, responses((status = 200, body = AgentBody), (status = 404))
)]
async fn update(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    Body(request): Body<UpdateAgent>,
) -> Answer<AgentBody> {
    let body = shared
        .ask(move |app| {
            app.update_agent_record(id.as_str(), changes(app, request)?)?;
            body(app, id.as_str())
        })
        .await?;
    Ok(axum::Json(body))
}

/// Moves an agent to the bin.
#[utoipa::path(
    delete, path = "/v1/agents/{agent_id}", tag = "agents", params(("agent_id" = String, Path)),
    responses((status = 200), (status = 404))
)]
async fn delete(State(shared): State<Shared>, Path(id): Path<Id<AgentKey>>) -> Answer<Value> {
    let message = format!("Agent id={} successfully deleted", id.as_str());
    shared.ask(move |app| app.delete_agent_record(id.as_str())).await?;
    Ok(axum::Json(json!({ "message": message })))
}

/// The instructions as the model sees them, made anew. Resident does that for every turn; nothing has to be asked for.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/recompile", tag = "agents", params(("agent_id" = String, Path)),
    responses((status = 200, body = String), (status = 404))
)]
async fn recompile(State(shared): State<Shared>, Path(id): Path<Id<AgentKey>>) -> Answer<String> {
    Ok(axum::Json(shared.ask(move |app| app.system_text(id.as_str())).await?))
}

/// Lists the tools of an agent.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/tools", tag = "agents", params(("agent_id" = String, Path), PageQuery),
    responses((status = 200, body = [ToolBody]), (status = 404))
)]
async fn list_tools(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<ToolBody>> {
    let tools = shared.ask(move |app| body(app, id.as_str())).await?.tools;
    Ok(axum::Json(page.cut(tools, (Order::Desc, 10), "tool", |tool| &tool.id)?))
}

/// Gives an agent a tool.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/tools/attach/{tool_id}", tag = "agents",
    params(("agent_id" = String, Path), ("tool_id" = String, Path)),
    responses((status = 200, body = AgentBody), (status = 404))
)]
async fn attach_tool(
    State(shared): State<Shared>,
    Path((agent, tool)): Path<(Id<AgentKey>, Id<ToolKey>)>,
) -> Answer<AgentBody> {
    change_tools(shared, agent, tool, |tools, name| {
        if !tools.contains(&name) {
            tools.push(name);
        }
    })
    .await
}

/// Takes a tool from an agent.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/tools/detach/{tool_id}", tag = "agents",
    params(("agent_id" = String, Path), ("tool_id" = String, Path)),
    responses((status = 200, body = AgentBody), (status = 404))
)]
async fn detach_tool(
    State(shared): State<Shared>,
    Path((agent, tool)): Path<(Id<AgentKey>, Id<ToolKey>)>,
) -> Answer<AgentBody> {
    change_tools(shared, agent, tool, |tools, name| tools.retain(|tool| *tool != name)).await
}

async fn change_tools(
    shared: Shared,
    agent: Id<AgentKey>,
    tool: Id<ToolKey>,
    change: impl FnOnce(&mut Vec<String>, String) + Send + 'static,
) -> Answer<AgentBody> {
    let body = shared
        .ask(move |app| {
            let name = tool_names(app, Vec::new(), vec![tool.into_string()])?.remove(0);
            let mut tools = app.agent_record(agent.as_str())?.tools;
            change(&mut tools, name);
            app.update_agent_record(agent.as_str(), AgentChanges { tools: Some(tools), ..AgentChanges::default() })?;
            body(app, agent.as_str())
        })
        .await?;
    Ok(axum::Json(body))
}

/// Whether calls of a tool wait for a person.
#[derive(Debug, Deserialize, ToSchema, IntoParams)]
struct Approval {
    requires_approval: Option<bool>,
}

/// Lets calls of a tool wait for a person, or not any more.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/tools/approval/{tool_name}", tag = "agents",
    params(("agent_id" = String, Path), ("tool_name" = String, Path), Approval),
    request_body = Approval, responses((status = 200, body = AgentBody), (status = 404))
)]
async fn update_approval(
    State(shared): State<Shared>,
    Path((agent, tool)): Path<(Id<AgentKey>, String)>,
    Query(in_query): Query<Approval>,
    Body(in_body): Body<Approval>,
) -> Answer<AgentBody> {
    let wanted = in_body.requires_approval.or(in_query.requires_approval).unwrap_or(false);
    let body = shared
        .ask(move |app| {
            let mut rules = app.agent_record(agent.as_str())?.tool_rules.as_array().cloned().unwrap_or_default();
            let is_this = |rule: &Value| rule["type"] == "requires_approval" && rule["tool_name"] == tool.as_str();
            rules.retain(|rule| !is_this(rule));
            if wanted {
                rules.push(json!({ "type": "requires_approval", "tool_name": tool }));
            }
            let changes = AgentChanges { tool_rules: Some(Value::Array(rules)), ..AgentChanges::default() };
            app.update_agent_record(agent.as_str(), changes)?;
            body(app, agent.as_str())
        })
        .await?;
    Ok(axum::Json(body))
}

/// What is in an agent's context window, by part.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/context", tag = "agents", params(("agent_id" = String, Path)),
    responses((status = 200, body = Object), (status = 404))
)]
async fn context(State(shared): State<Shared>, Path(id): Path<Id<AgentKey>>) -> Result<(StatusCode, axum::Json<Value>), Problem> {
    use resident_app::api::{AgentRef, ContextPartKind};
    let view = shared
        .ask(move |app| {
            app.agent_record(id.as_str())?;
            app.get_context(AgentRef { agent_id: id.into_string() })
        })
        .await?;
    let of = |kind: ContextPartKind| view.parts.iter().filter(move |part| part.kind == kind);
    let tokens = |kind| of(kind).map(|part| part.tokens).sum::<usize>();
    let text = |kind| of(kind).map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n\n");
    let body = json!({
        "context_window_size_max": view.window_tokens,
        "context_window_size_current": view.used_tokens,
        "num_messages": of(ContextPartKind::Message).count(),
        "num_archival_memory": view.archival_passages,
        "num_recall_memory": view.recall_messages,
        "num_tokens_external_memory_summary": 0,
        "external_memory_summary": "",
        "num_tokens_system": tokens(ContextPartKind::Instructions),
        "system_prompt": text(ContextPartKind::Instructions),
        "num_tokens_core_memory": tokens(ContextPartKind::Core),
        "core_memory": text(ContextPartKind::Core),
        "num_tokens_memory_filesystem": 0,
        "memory_filesystem": null,
        "num_tokens_tool_usage_rules": 0,
        "tool_usage_rules": null,
        "num_tokens_directories": 0,
        "directories": null,
        "num_tokens_summary_memory": tokens(ContextPartKind::Summary),
        "summary_memory": text(ContextPartKind::Summary),
        "num_tokens_functions_definitions": tokens(ContextPartKind::Tools),
        "functions_definitions": [],
        "num_tokens_messages": tokens(ContextPartKind::Message),
        "messages": [],
    });
    Ok((StatusCode::OK, axum::Json(body)))
}
