//! Tools: those that Resident brings, with ids made from their names, and those that clients bring as schemas. Their
//! source is kept and shown, and never run.

mod signature;

use axum::extract::State;
use resident_app::App;
use resident_app::api::ApiError;
use resident_app::records::{BuiltinTool, ToolDefinition, ToolDescription, ToolType, builtin_id, builtin_type};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::page::{Order, PageQuery};
use crate::error::{Answer, Problem};
use crate::extract::{AgentKey, Body, Id, Path, Query, ToolKey};
use crate::state::Shared;

/// The characters of a result that V1 lets a tool return.
const RETURN_CHARS: usize = 50_000;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create, upsert))
        .routes(routes!(count))
        .routes(routes!(search))
        .routes(routes!(retrieve, update, delete))
        .routes(routes!(run))
}

/// A tool.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ToolBody {
    pub(super) id: String,
    tool_type: String,
    description: Option<String>,
    source_type: Option<String>,
    pub(super) name: String,
    tags: Vec<String>,
    source_code: Option<String>,
    #[schema(value_type = Object)]
    json_schema: Value,
    #[schema(value_type = Option<Object>)]
    args_json_schema: Value,
    return_char_limit: usize,
    pip_requirements: Vec<Value>,
    npm_requirements: Vec<Value>,
    default_requires_approval: Option<bool>,
    enable_parallel_execution: bool,
    #[schema(value_type = Object)]
    metadata_: Value,
}

impl ToolBody {
    /// Whether its calls wait for a person where an agent says nothing else.
    pub(super) fn waits_by_default(&self) -> bool {
        self.default_requires_approval == Some(true)
    }
}

pub(super) fn builtin_body(tool: BuiltinTool) -> ToolBody {
    let BuiltinTool { name, description, parameters } = tool;
    ToolBody {
        id: builtin_id(name),
        tool_type: builtin_type(name).to_owned(),
        description: Some(description.to_owned()),
        source_type: Some("python".to_owned()),
        name: name.to_owned(),
        tags: vec![builtin_type(name).to_owned()],
        source_code: None,
        json_schema: json!({ "name": name, "description": description, "parameters": parameters }),
        args_json_schema: Value::Null,
        return_char_limit: RETURN_CHARS,
        pip_requirements: Vec::new(),
        npm_requirements: Vec::new(),
        default_requires_approval: None,
        enable_parallel_execution: false,
        metadata_: json!({}),
    }
}

pub(super) fn definition_body(tool: ToolDefinition) -> ToolBody {
    let kept = |field: &str| tool.metadata.get(field).cloned().unwrap_or(Value::Null);
    let list = |field: &str| kept(field).as_array().cloned().unwrap_or_default();
    let (pip_requirements, npm_requirements) = (list("pip_requirements"), list("npm_requirements"));
    let (parallel, args_json_schema, metadata_) =
        (kept("enable_parallel_execution") == json!(true), kept("args_json_schema"), kept("metadata_"));
    ToolBody {
        id: tool.id.0,
        tool_type: match tool.tool_type {
            ToolType::Custom => "custom",
            ToolType::ExternalMcp => "external_mcp",
        }
        .to_owned(),
        description: Some(tool.description),
        source_type: tool.source_type,
        name: tool.name,
        tags: tool.tags,
        source_code: tool.source_code,
        json_schema: tool.json_schema,
        args_json_schema,
        return_char_limit: tool.return_char_limit,
        pip_requirements,
        npm_requirements,
        default_requires_approval: Some(tool.default_requires_approval),
        enable_parallel_execution: parallel,
        metadata_: if metadata_.is_object() { metadata_ } else { json!({}) },
    }
}

/// All tools there are, Resident's own first, then those of clients in the order in which they came.
pub(super) fn all(app: &App) -> Result<Vec<ToolBody>, ApiError> {
    let own = app.builtin_tools().into_iter().map(builtin_body);
    Ok(own.chain(app.tool_definitions()?.into_iter().map(definition_body)).collect())
}

/// Which tools.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct ToolQuery {
    name: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    tool_ids: Vec<String>,
    search: Option<String>,
    #[serde(default)]
    tool_types: Vec<String>,
    #[serde(default)]
    exclude_tool_types: Vec<String>,
    return_only_letta_tools: Option<bool>,
}

/// Lists tools.
#[utoipa::path(get, path = "/v1/tools", tag = "tools", params(ToolQuery, PageQuery), responses((status = 200, body = [ToolBody])))]
async fn list(
    State(shared): State<Shared>,
    Query(query): Query<ToolQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<ToolBody>> {
    let ToolQuery { name, names, tool_ids, search, tool_types, exclude_tool_types, return_only_letta_tools } = query;
    let search = search.map(|words| words.to_lowercase());
    // Lists come as repeated names or with commas.
    let words = |list: &[String]| list.iter().flat_map(|part| part.split(',')).map(str::to_owned).collect::<Vec<_>>();
    let (tool_types, excluded) = (words(&tool_types), words(&exclude_tool_types));
    if let Some(wrong) = tool_types.iter().chain(&excluded).find(|word| !TOOL_TYPES.contains(&word.as_str())) {
        return Err(Problem::bad_request(format!("`{wrong}` is not a kind of tool.")));
    }
    let mut tools = shared.ask(|app| all(app)).await?;
    tools.retain(|tool| {
        name.as_ref().is_none_or(|name| *name == tool.name)
            && (names.is_empty() || names.contains(&tool.name))
            && (tool_ids.is_empty() || tool_ids.contains(&tool.id))
            && search.as_ref().is_none_or(|words| tool.name.to_lowercase().contains(words))
            && (tool_types.is_empty() || tool_types.contains(&tool.tool_type))
            && !excluded.contains(&tool.tool_type)
            && (return_only_letta_tools != Some(true) || tool.tool_type.starts_with("letta_"))
    });
    Ok(axum::Json(page.cut(tools, (Order::Desc, 50), "tool", |tool| &tool.id)?))
}

/// V1's kinds of tools.
const TOOL_TYPES: [&str; 11] = [
    "custom",
    "letta_core",
    "letta_memory_core",
    "letta_multi_agent_core",
    "letta_sleeptime_core",
    "letta_voice_sleeptime_core",
    "letta_builtin",
    "letta_files_core",
    "external_langchain",
    "external_composio",
    "external_mcp",
];

/// Counts tools.
#[utoipa::path(get, path = "/v1/tools/count", tag = "tools", responses((status = 200, body = usize)))]
async fn count(State(shared): State<Shared>) -> Answer<usize> {
    Ok(axum::Json(shared.ask(|app| all(app)).await?.len()))
}

/// A tool that a client describes.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct ToolRequest {
    source_code: Option<String>,
    source_type: Option<String>,
    #[schema(value_type = Option<Object>)]
    json_schema: Option<Value>,
    #[schema(value_type = Option<Object>)]
    args_json_schema: Option<Value>,
    description: Option<String>,
    tags: Option<Vec<String>>,
    return_char_limit: Option<usize>,
    default_requires_approval: Option<bool>,
    #[schema(value_type = Option<Object>)]
    metadata_: Option<Value>,
    #[schema(value_type = Option<Vec<Object>>)]
    pip_requirements: Option<Value>,
    #[schema(value_type = Option<Vec<Object>>)]
    npm_requirements: Option<Value>,
    enable_parallel_execution: Option<bool>,
}

impl ToolRequest {
    /// The description of the tool; its schema is read from its source where it was not sent.
    fn description(self) -> Result<ToolDescription, Problem> {
        let is_python = self.source_type.as_deref().is_none_or(|kind| kind == "python");
        let mut json_schema = self.json_schema.filter(Value::is_object);
        if let (None, Some(source)) = (&json_schema, &self.source_code) {
            if !is_python {
                return Err(Problem::invalid(&["body", "json_schema"], "a tool that is not Python needs its schema"));
            }
            let mut schema = signature::schema_of_python(source)
                .map_err(|error| Problem::bad_request(format!("The schema of the tool cannot be made: {error}.")))?;
            if let Some(arguments) = self.args_json_schema.clone().filter(Value::is_object) {
                schema["parameters"] = arguments;
            }
            json_schema = Some(schema);
        }
        // What only clients read.
        let fields = [
            ("metadata_", self.metadata_.filter(Value::is_object)),
            ("args_json_schema", self.args_json_schema),
            ("pip_requirements", self.pip_requirements),
            ("npm_requirements", self.npm_requirements),
            ("enable_parallel_execution", self.enable_parallel_execution.map(Value::Bool)),
        ];
        let kept: Value = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.filter(|value| !value.is_null())?)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        Ok(ToolDescription {
            json_schema,
            description: self.description,
            source_code: self.source_code,
            source_type: self.source_type,
            tags: self.tags,
            default_requires_approval: self.default_requires_approval,
            return_char_limit: self.return_char_limit,
            metadata: Some(kept),
        })
    }
}

/// Keeps a tool as a schema; one of the same name is changed.
#[utoipa::path(post, path = "/v1/tools", tag = "tools", request_body = ToolRequest, responses((status = 200, body = ToolBody), (status = 400)))]
async fn create(State(shared): State<Shared>, Body(request): Body<ToolRequest>) -> Answer<ToolBody> {
    keep(shared, request).await
}

/// Keeps a tool as a schema; one of the same name is changed.
#[utoipa::path(put, path = "/v1/tools", tag = "tools", request_body = ToolRequest, responses((status = 200, body = ToolBody), (status = 400)))]
async fn upsert(State(shared): State<Shared>, Body(request): Body<ToolRequest>) -> Answer<ToolBody> {
    keep(shared, request).await
}

async fn keep(shared: Shared, request: ToolRequest) -> Answer<ToolBody> {
    if request.source_code.is_none() && request.json_schema.is_none() {
        return Err(Problem::invalid(&["body", "source_code"], "a tool needs its source or its schema"));
    }
    let mut description = request.description()?;
    if description.source_type.is_none() {
        description.source_type = Some("python".to_owned());
    }
    Ok(axum::Json(definition_body(shared.ask(move |app| app.describe_tool(description)).await?)))
}

/// One tool.
#[utoipa::path(
    get, path = "/v1/tools/{tool_id}", tag = "tools", params(("tool_id" = String, Path)),
    responses((status = 200, body = ToolBody), (status = 404))
)]
async fn retrieve(State(shared): State<Shared>, Path(id): Path<Id<ToolKey>>) -> Answer<ToolBody> {
    let tools = shared.ask(|app| all(app)).await?;
    let tool = tools.into_iter().find(|tool| tool.id == id.as_str());
    tool.map(axum::Json).ok_or_else(|| Problem::not_found("tool", id.as_str()))
}

/// Changes a tool that a client described.
#[utoipa::path(
    patch, path = "/v1/tools/{tool_id}", tag = "tools", params(("tool_id" = String, Path)),
    request_body = ToolRequest, responses((status = 200, body = ToolBody), (status = 404))
)]
async fn update(
    State(shared): State<Shared>,
    Path(id): Path<Id<ToolKey>>,
    Body(request): Body<ToolRequest>,
) -> Answer<ToolBody> {
    refuse_own(&shared, &id)?;
    let description = request.description()?;
    Ok(axum::Json(definition_body(shared.ask(move |app| app.change_tool(id.as_str(), description)).await?)))
}

/// Moves a tool that a client described to the bin.
#[utoipa::path(
    delete, path = "/v1/tools/{tool_id}", tag = "tools", params(("tool_id" = String, Path)),
    responses((status = 200), (status = 404))
)]
async fn delete(State(shared): State<Shared>, Path(id): Path<Id<ToolKey>>) -> Answer<Value> {
    refuse_own(&shared, &id)?;
    shared.ask(move |app| app.delete_tool(id.as_str())).await?;
    Ok(axum::Json(Value::Null))
}

/// Refuses changes of a tool that Resident brings.
fn refuse_own(shared: &Shared, id: &Id<ToolKey>) -> Result<(), Problem> {
    match shared.app.builtin_tools().iter().find(|tool| builtin_id(tool.name) == id.as_str()) {
        Some(tool) => {
            Err(Problem::bad_request(format!("`{}` is a tool of Resident's own and stays as it is.", tool.name)))
        }
        None => Ok(()),
    }
}

/// A search for tools.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct SearchRequest {
    query: Option<String>,
    tool_types: Option<Vec<String>>,
    tags: Option<Vec<String>>,
    limit: Option<usize>,
}

/// A tool that was found.
#[derive(Debug, Serialize, ToSchema)]
struct FoundTool {
    tool: ToolBody,
    embedded_text: Option<String>,
    fts_rank: Option<usize>,
    vector_rank: Option<usize>,
    combined_score: f32,
}

/// Searches tools by the words of their names and descriptions.
#[utoipa::path(post, path = "/v1/tools/search", tag = "tools", request_body = SearchRequest, responses((status = 200, body = [FoundTool])))]
async fn search(State(shared): State<Shared>, Body(request): Body<SearchRequest>) -> Answer<Vec<FoundTool>> {
    let query = request.query.unwrap_or_default().to_lowercase();
    let words: Vec<&str> = query.split_whitespace().collect();
    let share = |tool: &ToolBody| {
        let text = format!("{} {}", tool.name, tool.description.as_deref().unwrap_or_default()).to_lowercase();
        let found = words.iter().filter(|word| text.contains(**word)).count();
        if words.is_empty() { 1.0 } else { found as f32 / words.len() as f32 }
    };
    let tools = shared.ask(|app| all(app)).await?.into_iter().filter(|tool| {
        request.tool_types.as_ref().is_none_or(|types| types.contains(&tool.tool_type))
            && request.tags.as_ref().is_none_or(|tags| tags.iter().all(|tag| tool.tags.contains(tag)))
    });
    let mut found: Vec<(f32, ToolBody)> =
        tools.map(|tool| (share(&tool), tool)).filter(|(score, _)| *score > 0.0).collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let ranked = found.into_iter().take(request.limit.unwrap_or(50).min(100)).enumerate();
    let ranked = ranked.map(|(place, (combined_score, tool))| FoundTool {
        tool,
        embedded_text: None,
        fts_rank: Some(place + 1),
        vector_rank: None,
        combined_score,
    });
    Ok(axum::Json(ranked.collect()))
}

/// What to call a tool with.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct RunRequest {
    #[schema(value_type = Option<Object>)]
    args: Option<Value>,
}

/// Runs a tool that Resident brings for an agent that has it, as the user.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/tools/{tool_name}/run", tag = "agents",
    params(("agent_id" = String, Path), ("tool_name" = String, Path)), request_body = RunRequest,
    responses((status = 200, body = Object), (status = 404))
)]
async fn run(
    State(shared): State<Shared>,
    Path((agent, tool)): Path<(Id<AgentKey>, String)>,
    Body(RunRequest { args }): Body<RunRequest>,
) -> Answer<Value> {
    let args = args.unwrap_or_else(|| json!({}));
    let result = shared.ask(move |app| app.run_tool_of_agent(agent.as_str(), &tool, &args)).await?;
    let (status, value, stderr) = match result {
        Ok(text) => ("success", json!(text), Vec::new()),
        Err(error) => ("error", Value::Null, vec![error]),
    };
    Ok(axum::Json(json!({
        "status": status, "func_return": value, "stdout": [], "stderr": stderr, "agent_state": null,
        "sandbox_config_fingerprint": null,
    })))
}
