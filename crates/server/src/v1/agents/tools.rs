//! The tools of an agent.

use axum::extract::State;
use resident_app::records::AgentChanges;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::tool_names;
use super::shape::{AgentBody, body};
use crate::error::Answer;
use crate::extract::{AgentKey, Body, Id, Path, Query, ToolKey};
use crate::state::Shared;
use crate::v1::page::{Order, PageQuery};
use crate::v1::tools::{self, ToolBody};

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list_tools))
        .routes(routes!(attach_tool))
        .routes(routes!(detach_tool))
        .routes(routes!(update_approval))
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
            let record = app.agent_record(agent.as_str())?;
            let mut tools = record.tools;
            let had = tools.contains(&name);
            change(&mut tools, name.clone());
            // A tool whose calls wait for a person by default brings that rule along.
            let guarded = tools::all(app)?.iter().any(|tool| tool.name == name && tool.waits_by_default());
            let tool_rules = if guarded && !had && tools.contains(&name) {
                let mut rules = record.tool_rules.as_array().cloned().unwrap_or_default();
                rules.push(json!({ "type": "requires_approval", "tool_name": name }));
                Some(Value::Array(rules))
            } else {
                None
            };
            let changes = AgentChanges { tools: Some(tools), tool_rules, ..AgentChanges::default() };
            app.update_agent_record(agent.as_str(), changes)?;
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
