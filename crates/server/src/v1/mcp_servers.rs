//! Servers of the Model Context Protocol. A client describes them; that one may be started or contacted is the word of
//! the person who runs Resident, and cannot be given here.

use axum::extract::State;
use axum::http::StatusCode;
use resident_app::records::{McpServer, McpServerFields, McpServerKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tools::{ToolBody, definition_body};
use crate::error::{Answer, Problem};
use crate::extract::{Body, Id, McpServerKey, Path, ToolKey};
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(retrieve, update, delete))
        .routes(routes!(refresh))
        .routes(routes!(list_tools))
        .routes(routes!(retrieve_tool))
        .routes(routes!(run_tool))
}

/// A server; its address stands beside its name, and its secrets nowhere.
fn body(server: McpServer) -> Value {
    let mut body = server.config.as_object().cloned().unwrap_or_default();
    let kind = match server.kind {
        McpServerKind::StreamableHttp => "streamable_http",
        McpServerKind::Stdio => "stdio",
        McpServerKind::Sse => "sse",
    };
    body.insert("id".to_owned(), json!(server.id.0));
    body.insert("server_name".to_owned(), json!(server.name));
    body.insert("mcp_server_type".to_owned(), json!(kind));
    body.insert("allowed".to_owned(), json!(server.allowed));
    Value::Object(body)
}

/// Lists servers.
#[utoipa::path(get, path = "/v1/mcp-servers", tag = "mcp_servers", responses((status = 200, body = Vec<Object>)))]
async fn list(State(shared): State<Shared>) -> Answer<Vec<Value>> {
    let servers = shared.ask(|app| app.mcp_server_records()).await?;
    Ok(axum::Json(servers.into_iter().map(body).collect()))
}

/// A server to be described, or described anew.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct McpServerRequest {
    server_name: Option<String>,
    #[schema(value_type = Option<Object>)]
    config: Option<Map<String, Value>>,
}

impl McpServerRequest {
    fn fields(self) -> Result<McpServerFields, Problem> {
        let Some(mut config) = self.config else {
            return Ok(McpServerFields { name: self.server_name, config: None });
        };
        let kind = config.remove("mcp_server_type");
        let kind = match kind.as_ref().and_then(Value::as_str) {
            Some("stdio") => McpServerKind::Stdio,
            Some("streamable_http") => McpServerKind::StreamableHttp,
            Some("sse") => McpServerKind::Sse,
            other => {
                let message = format!("`{}` is not a kind of server", other.unwrap_or_default());
                return Err(Problem::invalid(&["body", "config", "mcp_server_type"], message));
            }
        };
        Ok(McpServerFields { name: self.server_name, config: Some((kind, config)) })
    }
}

/// Keeps the description of a server.
#[utoipa::path(post, path = "/v1/mcp-servers", tag = "mcp_servers", request_body = McpServerRequest, responses((status = 200, body = Object), (status = 409)))]
async fn create(State(shared): State<Shared>, Body(request): Body<McpServerRequest>) -> Answer<Value> {
    if request.server_name.is_none() {
        return Err(Problem::invalid(&["body", "server_name"], "a server needs a name"));
    }
    let fields = request.fields()?;
    Ok(axum::Json(body(shared.ask(move |app| app.create_mcp_server(fields)).await?)))
}

/// One server.
#[utoipa::path(get, path = "/v1/mcp-servers/{mcp_server_id}", tag = "mcp_servers", params(("mcp_server_id" = String, Path)), responses((status = 200, body = Object), (status = 404)))]
async fn retrieve(State(shared): State<Shared>, Path(id): Path<Id<McpServerKey>>) -> Answer<Value> {
    Ok(axum::Json(body(shared.ask(move |app| app.mcp_server_record(id.as_str())).await?)))
}

/// Changes the description of a server. With another address it has to be allowed anew.
#[utoipa::path(
    patch, path = "/v1/mcp-servers/{mcp_server_id}", tag = "mcp_servers", params(("mcp_server_id" = String, Path)),
    request_body = McpServerRequest, responses((status = 200, body = Object), (status = 404))
)]
async fn update(
    State(shared): State<Shared>,
    Path(id): Path<Id<McpServerKey>>,
    Body(request): Body<McpServerRequest>,
) -> Answer<Value> {
    let fields = request.fields()?;
    Ok(axum::Json(body(shared.ask(move |app| app.update_mcp_server(id.as_str(), fields)).await?)))
}

/// Removes a server with its tools.
#[utoipa::path(delete, path = "/v1/mcp-servers/{mcp_server_id}", tag = "mcp_servers", params(("mcp_server_id" = String, Path)), responses((status = 204), (status = 404)))]
async fn delete(State(shared): State<Shared>, Path(id): Path<Id<McpServerKey>>) -> Result<StatusCode, Problem> {
    shared.ask(move |app| app.delete_mcp_server(id.as_str())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a look at a server's tools changed, by their names.
#[derive(Debug, Serialize, ToSchema)]
struct Refreshed {
    deleted: Vec<String>,
    updated: Vec<String>,
    added: Vec<String>,
}

/// Asks a server that was allowed for its tools.
#[utoipa::path(patch, path = "/v1/mcp-servers/{mcp_server_id}/refresh", tag = "mcp_servers", params(("mcp_server_id" = String, Path)), responses((status = 200, body = Refreshed), (status = 403), (status = 404)))]
async fn refresh(State(shared): State<Shared>, Path(id): Path<Id<McpServerKey>>) -> Answer<Refreshed> {
    let found = shared.ask(move |app| app.refresh_mcp_server(id.as_str())).await?;
    Ok(axum::Json(Refreshed { deleted: found.deleted, updated: found.updated, added: found.added }))
}

/// The tools of a server, as it said when it was asked last.
#[utoipa::path(get, path = "/v1/mcp-servers/{mcp_server_id}/tools", tag = "mcp_servers", params(("mcp_server_id" = String, Path)), responses((status = 200, body = [ToolBody]), (status = 404)))]
async fn list_tools(State(shared): State<Shared>, Path(id): Path<Id<McpServerKey>>) -> Answer<Vec<ToolBody>> {
    let tools = shared.ask(move |app| app.tools_of_mcp_server(id.as_str())).await?;
    Ok(axum::Json(tools.into_iter().map(definition_body).collect()))
}

/// One tool of a server.
#[utoipa::path(
    get, path = "/v1/mcp-servers/{mcp_server_id}/tools/{tool_id}", tag = "mcp_servers",
    params(("mcp_server_id" = String, Path), ("tool_id" = String, Path)), responses((status = 200, body = ToolBody), (status = 404))
)]
async fn retrieve_tool(
    State(shared): State<Shared>,
    Path((server, tool)): Path<(Id<McpServerKey>, Id<ToolKey>)>,
) -> Answer<ToolBody> {
    let tools = shared.ask(move |app| app.tools_of_mcp_server(server.as_str())).await?;
    let found = tools.into_iter().find(|found| found.id.as_str() == tool.as_str());
    found.map(definition_body).map(axum::Json).ok_or_else(|| Problem::not_found("tool", tool.as_str()))
}

/// What to call a tool with.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct RunRequest {
    #[serde(default)]
    #[schema(value_type = Object)]
    args: Map<String, Value>,
}

/// Calls a tool of a server that was allowed.
#[utoipa::path(
    post, path = "/v1/mcp-servers/{mcp_server_id}/tools/{tool_id}/run", tag = "mcp_servers",
    params(("mcp_server_id" = String, Path), ("tool_id" = String, Path)), request_body = RunRequest,
    responses((status = 200, body = Object), (status = 403), (status = 404))
)]
async fn run_tool(
    State(shared): State<Shared>,
    Path((server, tool)): Path<(Id<McpServerKey>, Id<ToolKey>)>,
    Body(RunRequest { args }): Body<RunRequest>,
) -> Answer<Value> {
    let outcome = shared.ask(move |app| app.call_mcp_tool(server.as_str(), tool.as_str(), &args)).await?;
    let (status, stderr) = if outcome.failed { ("error", vec![outcome.text.clone()]) } else { ("success", Vec::new()) };
    Ok(axum::Json(json!({
        "status": status, "func_return": outcome.text, "stdout": [], "stderr": stderr, "agent_state": null,
        "sandbox_config_fingerprint": null,
    })))
}
