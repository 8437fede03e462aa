//! Agents: how V1 creates, lists and shows them.
//!
//! A client may ask for a model that is not here (`openai/gpt-4o` in every example): the profile's default answers, and
//! the handle is reported back as it was asked for, with a word in the agent's metadata.

mod request;
mod shape;
mod tools;
mod travel;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::request::{CreateAgent, UpdateAgent, changes, new_agent, read_agent_type};
pub(super) use self::shape::{AgentBody, bodies, body, most_open_files};
use super::messages::thread_of;
use super::page::{Order, PageQuery};
use crate::error::{Answer, Problem};
use crate::extract::{AgentKey, Body, Id, Path, Query};
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(count))
        .routes(routes!(retrieve, update, delete))
        .routes(routes!(recompile))
        .routes(routes!(context))
        .merge(tools::routes())
        .merge(travel::routes())
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

/// Lists agents.
#[utoipa::path(get, path = "/v1/agents", tag = "agents", params(AgentQuery, PageQuery), responses((status = 200, body = [AgentBody])))]
async fn list(
    State(shared): State<Shared>,
    Query(query): Query<AgentQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<AgentBody>> {
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
async fn create(State(shared): State<Shared>, Body(mut request): Body<CreateAgent>) -> Answer<AgentBody> {
    let attached = std::mem::take(&mut request.attached);
    let agent_type = read_agent_type(request.agent_type.as_deref())?;
    let body = shared
        .ask(move |app| {
            let agent = app.create_agent_record(new_agent(app, request, agent_type)?)?;
            attached.apply(app, agent.id.as_str())?;
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
    Body(mut request): Body<UpdateAgent>,
) -> Answer<AgentBody> {
    let attached = std::mem::take(&mut request.attached);
    let body = shared
        .ask(move |app| {
            app.update_agent_record(id.as_str(), changes(app, request)?)?;
            attached.apply(app, id.as_str())?;
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
    Ok(axum::Json(shared.ask(move |app| app.system_text(&thread_of(app, id.as_str(), None)?)).await?))
}

/// What is in an agent's context window, by part.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/context", tag = "agents", params(("agent_id" = String, Path)),
    responses((status = 200, body = Object), (status = 404))
)]
async fn context(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
) -> Result<(StatusCode, axum::Json<Value>), Problem> {
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
