//! Conversations: threads of an agent beside its own, with a window and turns of their own. `default` stands for the
//! agent's own thread, where the agent is named beside it.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use resident_app::App;
use resident_app::api::ApiError;
use resident_app::records::{
    Conversation, ConversationChanges, MessageListing, NewConversation, Page, Thread, TurnListing, TurnStatus,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::messages::ask::{Request, ask};
use super::messages::request::MessageRequest;
use super::messages::shape::{Wanted, listed};
use super::messages::{self, CancelRequest, Compacted, compact_thread, form_of, stop_turns, stopped, thread_of};
use super::page::Order;
use super::runs::{Resume, resume_run};
use super::schema::{USER_ID, kept, time};
use crate::error::{Answer, Problem};
use crate::extract::{AgentKey, Body, ConversationKey, Id, Path, Query, read_json};
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(retrieve, update, delete))
        .routes(routes!(list_messages, send))
        .routes(routes!(resume))
        .routes(routes!(fork))
        .routes(routes!(cancel))
        .routes(routes!(recompile))
        .routes(routes!(compact))
}

/// What only clients read of a conversation.
const KEPT: [&str; 7] =
    ["model", "model_settings", "context_window_limit", "description", "archived", "archived_at", "hidden"];

/// A conversation.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct ConversationBody {
    id: String,
    agent_id: String,
    summary: Option<String>,
    in_context_message_ids: Vec<String>,
    isolated_block_ids: Vec<String>,
    created_at: String,
    updated_at: String,
    last_message_at: Option<String>,
    created_by_id: &'static str,
    last_updated_by_id: &'static str,
    /// Fields that are kept for clients.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    kept: Map<String, Value>,
}

fn body(app: &App, conversation: Conversation) -> Result<ConversationBody, ApiError> {
    let mut fields: Map<String, Value> =
        KEPT.iter().map(|field| ((*field).to_owned(), kept(&conversation.letta, field))).collect();
    if fields.get("archived").is_none_or(Value::is_null) {
        fields.insert("archived".to_owned(), json!(false));
    }
    Ok(ConversationBody {
        in_context_message_ids: app.window_message_ids(&Thread::from(&conversation))?,
        isolated_block_ids: conversation.isolated_block_ids.into_iter().map(|id| id.0).collect(),
        created_at: time(conversation.created_at_ms),
        updated_at: time(conversation.updated_at_ms),
        last_message_at: conversation.last_message_at_ms.map(time),
        created_by_id: USER_ID,
        last_updated_by_id: USER_ID,
        kept: fields,
        id: conversation.id.0,
        agent_id: conversation.agent_id.0,
        summary: conversation.name,
    })
}

/// Whose.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct AgentQuery {
    agent_id: Option<String>,
}

fn agent_of(agent_id: Option<String>) -> Result<Id<AgentKey>, Problem> {
    let missing = || Problem::invalid(&["query", "agent_id"], "the agent is missing");
    Id::parse(&agent_id.ok_or_else(missing)?).map_err(|error| Problem::invalid(&["query", "agent_id"], error))
}

/// A conversation to be begun, or changed.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct ConversationRequest {
    summary: Option<String>,
    isolated_block_labels: Option<Vec<String>>,
    archived: Option<bool>,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    rest: Map<String, Value>,
}

impl ConversationRequest {
    fn kept(&mut self) -> Value {
        let mut fields = std::mem::take(&mut self.rest);
        fields.retain(|name, value| KEPT.contains(&name.as_str()) && !value.is_null());
        if let Some(archived) = self.archived {
            fields.insert("archived".to_owned(), json!(archived));
            let at = if archived { json!(jiff::Timestamp::now().to_string()) } else { Value::Null };
            fields.insert("archived_at".to_owned(), at);
        }
        Value::Object(fields)
    }
}

/// Begins a conversation with an agent.
#[utoipa::path(
    post, path = "/v1/conversations", tag = "conversations", params(AgentQuery), request_body = ConversationRequest,
    responses((status = 200, body = ConversationBody), (status = 404))
)]
async fn create(
    State(shared): State<Shared>,
    Query(AgentQuery { agent_id }): Query<AgentQuery>,
    Body(mut request): Body<ConversationRequest>,
) -> Answer<ConversationBody> {
    let agent = agent_of(agent_id)?;
    let new = NewConversation {
        letta: request.kept(),
        name: request.summary,
        isolated_labels: request.isolated_block_labels.unwrap_or_default(),
    };
    let made = shared.ask(move |app| body(app, app.create_conversation(agent.as_str(), new)?)).await?;
    Ok(axum::Json(made))
}

/// Which conversations.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct ListQuery {
    agent_id: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
    #[param(inline)]
    order: Option<Order>,
    summary_search: Option<String>,
    archive_status: Option<String>,
}

/// Lists conversations.
#[utoipa::path(get, path = "/v1/conversations", tag = "conversations", params(ListQuery), responses((status = 200, body = [ConversationBody])))]
async fn list(State(shared): State<Shared>, Query(query): Query<ListQuery>) -> Answer<Vec<ConversationBody>> {
    let ListQuery { agent_id, limit, after, order, summary_search, archive_status } = query;
    let newest_first = order != Some(Order::Asc);
    let (newer_than, older_than) = if newest_first { (None, after) } else { (after, None) };
    let page = Page { newer_than, older_than, newest_first, limit: limit.unwrap_or(50).min(1000) };
    let found = shared
        .ask(move |app| {
            let found = app.conversation_records(agent_id.as_deref(), summary_search, page)?;
            found.into_iter().map(|conversation| body(app, conversation)).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let is_archived = |body: &ConversationBody| body.kept.get("archived") == Some(&json!(true));
    let wanted = |body: &ConversationBody| match archive_status.as_deref() {
        Some("archived") => is_archived(body),
        Some("all") => true,
        Some(_) | None => !is_archived(body),
    };
    Ok(axum::Json(found.into_iter().filter(wanted).collect()))
}

/// One conversation.
#[utoipa::path(
    get, path = "/v1/conversations/{conversation_id}", tag = "conversations", params(("conversation_id" = String, Path)),
    responses((status = 200, body = ConversationBody), (status = 404))
)]
async fn retrieve(State(shared): State<Shared>, Path(id): Path<Id<ConversationKey>>) -> Answer<ConversationBody> {
    Ok(axum::Json(shared.ask(move |app| body(app, app.conversation_record(id.as_str())?)).await?))
}

/// Changes a conversation.
#[utoipa::path(
    patch, path = "/v1/conversations/{conversation_id}", tag = "conversations",
    params(("conversation_id" = String, Path)), request_body = ConversationRequest,
    responses((status = 200, body = ConversationBody), (status = 404))
)]
async fn update(
    State(shared): State<Shared>,
    Path(id): Path<Id<ConversationKey>>,
    Body(mut request): Body<ConversationRequest>,
) -> Answer<ConversationBody> {
    let changes = ConversationChanges { letta: Some(request.kept()), name: request.summary };
    Ok(axum::Json(shared.ask(move |app| body(app, app.update_conversation(id.as_str(), changes)?)).await?))
}

/// Moves a conversation and what was said in it to the bin.
#[utoipa::path(
    delete, path = "/v1/conversations/{conversation_id}", tag = "conversations",
    params(("conversation_id" = String, Path)), responses((status = 200), (status = 404))
)]
async fn delete(State(shared): State<Shared>, Path(id): Path<Id<ConversationKey>>) -> Answer<Value> {
    shared.ask(move |app| app.delete_conversation(id.as_str())).await?;
    Ok(axum::Json(Value::Null))
}

/// The thread that a path names: a conversation, `default` with the agent beside it, or (V1's older form) the agent.
fn thread_named(app: &App, name: &str, agent_id: Option<&str>) -> Result<Thread, ApiError> {
    if name.starts_with("agent-") {
        return thread_of(app, name, None);
    }
    if name == "default" {
        let agent_id = agent_id.ok_or_else(|| ApiError::not_found("conversation without its `agent_id`", name))?;
        return thread_of(app, agent_id, None);
    }
    Ok(Thread::from(&app.conversation_record(name)?))
}

fn check_name(name: &str) -> Result<(), Problem> {
    let is_agent = Id::<AgentKey>::parse(name).is_ok();
    match Id::<ConversationKey>::parse(name) {
        Err(error) if !is_agent => Err(Problem::invalid(&["path", "conversation_id"], error)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The agent, where a body names it.
#[derive(Debug, Default, Deserialize)]
struct NamedAgent {
    agent_id: Option<String>,
}

/// Sends messages to a conversation and streams what is said; as one answer where `streaming` is false.
#[utoipa::path(
    post, path = "/v1/conversations/{conversation_id}/messages", tag = "conversations",
    params(("conversation_id" = String, Path)), request_body = MessageRequest,
    responses((status = 200, content_type = "text/event-stream"), (status = 404), (status = 409))
)]
async fn send(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    check_name(&name)?;
    let request: MessageRequest = read_json(&bytes)?;
    let NamedAgent { agent_id } = read_json(&bytes)?;
    let thread = shared.ask(move |app| thread_named(app, &name, agent_id.as_deref())).await?;
    let asked =
        Request { thread, body: &request, bytes: &bytes, headers: &headers, refuse_busy: true, marks: Value::Null };
    let log = ask(&shared, asked).await?;
    Ok(if request.streaming == Some(false) {
        messages::stream::answer(log, request.wanted()).await
    } else {
        messages::stream::stream(log, form_of(&request)).await
    })
}

/// Which messages.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct MessageQuery {
    agent_id: Option<String>,
    after: Option<String>,
    before: Option<String>,
    limit: Option<usize>,
    #[param(inline)]
    order: Option<Order>,
    #[serde(default)]
    include_return_message_types: Vec<String>,
}

/// Lists the messages of a conversation: the newest first, or with `order=asc` the oldest.
#[utoipa::path(
    get, path = "/v1/conversations/{conversation_id}/messages", tag = "conversations",
    params(("conversation_id" = String, Path), MessageQuery), responses((status = 200, body = Vec<Object>), (status = 404))
)]
async fn list_messages(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(query): Query<MessageQuery>,
) -> Answer<Vec<Value>> {
    check_name(&name)?;
    let MessageQuery { agent_id, after, before, limit, order, include_return_message_types } = query;
    let newest_first = order != Some(Order::Asc);
    // In V1 "after" means newer in every order, so that iterating the newest first would never end. Here it goes on down
    // the list, as in every other list.
    let (newer, older) = if newest_first { (before, after) } else { (after, before) };
    let limit = limit.unwrap_or(100).min(1000);
    let mut rows = shared
        .ask(move |app| {
            let thread = thread_named(app, &name, agent_id.as_deref())?;
            let listing = MessageListing { thread: Some(thread), ..MessageListing::default() };
            app.message_rows(listing, newer.as_deref(), older.as_deref(), (limit, newest_first))
        })
        .await?;
    if newest_first {
        rows.reverse();
    }
    let kinds = if include_return_message_types.is_empty() { None } else { Some(include_return_message_types) };
    let wanted = Wanted { kinds, ..Wanted::default() };
    Ok(axum::Json(rows.iter().flat_map(|row| listed(row, &wanted)).collect()))
}

/// Where a stream of a conversation is taken up again.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct ResumeRequest {
    agent_id: Option<String>,
    run_id: Option<String>,
    starting_after: Option<u64>,
    include_pings: Option<bool>,
}

/// Streams the conversation's newest turn that was begun in the background.
#[utoipa::path(
    post, path = "/v1/conversations/{conversation_id}/stream", tag = "conversations",
    params(("conversation_id" = String, Path)), request_body = ResumeRequest,
    responses((status = 200, content_type = "text/event-stream"), (status = 400), (status = 404))
)]
async fn resume(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Body(request): Body<ResumeRequest>,
) -> Result<Response, Problem> {
    check_name(&name)?;
    let ResumeRequest { agent_id, run_id, starting_after, include_pings } = request;
    let found = shared
        .ask(move |app| {
            let thread = thread_named(app, &name, agent_id.as_deref())?;
            let page = Page { newest_first: true, ..Page::default() };
            let turns = app.turn_records(&TurnListing {
                agent_ids: vec![thread.agent_id.clone()],
                background: Some(true),
                page,
                ..TurnListing::default()
            })?;
            let mut own = turns.into_iter().filter(|turn| turn.conversation_id == thread.conversation_id);
            Ok(own
                .find(|turn| run_id.as_deref().map_or(turn.status == TurnStatus::Running, |id| turn.id.as_str() == id)))
        })
        .await?;
    let turn = found.ok_or_else(|| Problem::bad_request("No active runs found for this conversation."))?;
    resume_run(&shared, turn.id.0, Resume { starting_after, include_pings }).await
}

/// Begins a conversation that goes on from where another is now.
#[utoipa::path(
    post, path = "/v1/conversations/{conversation_id}/fork", tag = "conversations",
    params(("conversation_id" = String, Path), AgentQuery), responses((status = 200, body = ConversationBody), (status = 404))
)]
async fn fork(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(AgentQuery { agent_id }): Query<AgentQuery>,
) -> Answer<ConversationBody> {
    check_name(&name)?;
    let made = shared
        .ask(move |app| {
            let thread = thread_named(app, &name, agent_id.as_deref())?;
            body(app, app.fork_thread(&thread)?)
        })
        .await?;
    Ok(axum::Json(made))
}

/// Stops the turn of a conversation that runs.
#[utoipa::path(
    post, path = "/v1/conversations/{conversation_id}/cancel", tag = "conversations",
    params(("conversation_id" = String, Path), AgentQuery), responses((status = 200, body = Object), (status = 409))
)]
async fn cancel(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(AgentQuery { agent_id }): Query<AgentQuery>,
    bytes: Bytes,
) -> Answer<Value> {
    check_name(&name)?;
    let CancelRequest { run_ids } = read_json(&bytes)?;
    let turns =
        shared.ask(move |app| stop_turns(app, &thread_named(app, &name, agent_id.as_deref())?, run_ids)).await?;
    stopped(turns)
}

/// The agent, where a thread is `default`.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct ThreadRequest {
    agent_id: Option<String>,
}

/// The instructions of a conversation as the model sees them.
#[utoipa::path(
    post, path = "/v1/conversations/{conversation_id}/recompile", tag = "conversations",
    params(("conversation_id" = String, Path)), request_body = ThreadRequest,
    responses((status = 200, body = String), (status = 404))
)]
async fn recompile(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Body(ThreadRequest { agent_id }): Body<ThreadRequest>,
) -> Answer<String> {
    check_name(&name)?;
    let text = shared.ask(move |app| app.system_text(&thread_named(app, &name, agent_id.as_deref())?)).await?;
    Ok(axum::Json(text))
}

/// Evicts the oldest part of a conversation's window now.
#[utoipa::path(
    post, path = "/v1/conversations/{conversation_id}/compact", tag = "conversations",
    params(("conversation_id" = String, Path)), request_body = ThreadRequest,
    responses((status = 200, body = Compacted), (status = 404), (status = 409))
)]
async fn compact(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Body(ThreadRequest { agent_id }): Body<ThreadRequest>,
) -> Answer<Compacted> {
    check_name(&name)?;
    let done = shared.ask(move |app| compact_thread(app, &thread_named(app, &name, agent_id.as_deref())?)).await?;
    Ok(axum::Json(done))
}
