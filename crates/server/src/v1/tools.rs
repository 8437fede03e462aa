//! Tools: those that Resident brings, with ids made from their names, and those that clients bring as schemas.

use axum::extract::State;
use resident_app::records::BuiltinTool;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::page::{Order, PageQuery};
use crate::error::Problem;
use crate::extract::{Id, Path, Query, ToolKey};
use crate::state::Shared;

/// The characters of a result that V1 lets a tool return.
const RETURN_CHARS: usize = 50_000;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(retrieve))
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

/// The id of a tool that Resident brings: the same in every profile.
pub(super) fn builtin_id(name: &str) -> String {
    // V1 wants the form of a random UUID, so the version of one made from a name is overwritten.
    let mut bytes = *uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("resident/tool/{name}").as_bytes()).as_bytes();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    format!("tool-{}", uuid::Uuid::from_bytes(bytes))
}

/// V1's kinds of tools.
fn tool_type(name: &str) -> &'static str {
    match name {
        "send_message" | "conversation_search" | "archival_memory_insert" | "archival_memory_search" => "letta_core",
        "memory_finish_edits" => "letta_sleeptime_core",
        "open_files" | "grep_files" | "semantic_search_files" => "letta_files_core",
        name if name.starts_with("send_message_to_") => "letta_multi_agent_core",
        _ => "letta_memory_core",
    }
}

pub(super) fn builtin_body(tool: BuiltinTool) -> ToolBody {
    let BuiltinTool { name, description, parameters } = tool;
    ToolBody {
        id: builtin_id(name),
        tool_type: tool_type(name).to_owned(),
        description: Some(description.to_owned()),
        source_type: Some("python".to_owned()),
        name: name.to_owned(),
        tags: vec![tool_type(name).to_owned()],
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
}

/// Lists tools.
#[utoipa::path(get, path = "/v1/tools", tag = "tools", params(ToolQuery, PageQuery), responses((status = 200, body = [ToolBody])))]
async fn list(State(shared): State<Shared>, Query(query): Query<ToolQuery>, Query(page): Query<PageQuery>) -> Result<axum::Json<Vec<ToolBody>>, Problem> {
    let ToolQuery { name, names, tool_ids, search, tool_types, exclude_tool_types } = query;
    let search = search.map(|words| words.to_lowercase());
    let wanted = |tool: &ToolBody| {
        name.as_ref().is_none_or(|name| *name == tool.name)
            && (names.is_empty() || names.contains(&tool.name))
            && (tool_ids.is_empty() || tool_ids.contains(&tool.id))
            && search.as_ref().is_none_or(|words| tool.name.to_lowercase().contains(words))
            && (tool_types.is_empty() || tool_types.contains(&tool.tool_type))
            && !exclude_tool_types.contains(&tool.tool_type)
    };
    let tools: Vec<_> = shared.app.builtin_tools().into_iter().map(builtin_body).filter(wanted).collect();
    Ok(axum::Json(page.cut(tools, (Order::Desc, 50), "tool", |tool| &tool.id)?))
}

/// One tool.
#[utoipa::path(
    get, path = "/v1/tools/{tool_id}", tag = "tools", params(("tool_id" = String, Path)),
    responses((status = 200, body = ToolBody), (status = 404))
)]
async fn retrieve(State(shared): State<Shared>, Path(id): Path<Id<ToolKey>>) -> Result<axum::Json<ToolBody>, Problem> {
    let tool = shared.app.builtin_tools().into_iter().map(builtin_body).find(|tool| tool.id == id.as_str());
    tool.map(axum::Json).ok_or_else(|| Problem::not_found("tool", id.as_str()))
}
