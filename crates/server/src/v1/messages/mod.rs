//! Messages of agents: asking for a turn in every way V1 knows, and reading what was said.

pub(super) mod ask;
pub(super) mod request;
pub(super) mod shape;
pub(super) mod stream;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use resident_app::App;
use resident_app::api::{ApiError, TurnRef, TurnState};
use resident_app::records::{AgentId, MessageListing, Thread};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::ask::{Request, ask};
use self::request::MessageRequest;
use self::shape::{Wanted, listed};
use self::stream::StreamForm;
use super::agents::{self, AgentBody};
use super::page::Order;
use super::runs::{RunBody, run_body};
use crate::error::Problem;
use crate::extract::{AgentKey, Id, Path, Query, read_json};
use crate::run_log::RunLog;
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(create_stream))
        .routes(routes!(create_async))
        .routes(routes!(cancel))
        .routes(routes!(compact))
        .routes(routes!(reset))
}

/// Sends messages to an agent and answers with what it says, whole or as a stream.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/messages", tag = "agents", params(("agent_id" = String, Path)),
    request_body = MessageRequest, responses((status = 200, body = Object), (status = 404), (status = 409))
)]
async fn create(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let request: MessageRequest = read_json(&body)?;
    let streaming = request.streaming == Some(true);
    if !streaming && (request.stream_tokens == Some(true) || request.background == Some(true)) {
        return Err(Problem::invalid(&["body", "streaming"], "`stream_tokens` and `background` need `streaming`"));
    }
    let log = ask_agent(&shared, &id, &request, (&headers, &body), Value::Null).await?;
    Ok(if streaming {
        stream::stream(log, form_of(&request)).await
    } else {
        stream::answer(log, request.wanted()).await
    })
}

/// Sends messages to an agent and streams what it says.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/messages/stream", tag = "agents", params(("agent_id" = String, Path)),
    request_body = MessageRequest, responses((status = 200, content_type = "text/event-stream"), (status = 404))
)]
async fn create_stream(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let request: MessageRequest = read_json(&body)?;
    let log = ask_agent(&shared, &id, &request, (&headers, &body), Value::Null).await?;
    Ok(stream::stream(log, form_of(&request)).await)
}

pub(super) fn form_of(request: &MessageRequest) -> StreamForm {
    StreamForm {
        wanted: request.wanted(),
        pings: request.include_pings != Some(false),
        numbered: request.background == Some(true),
        after: 0,
    }
}

async fn ask_agent(
    shared: &Shared,
    id: &Id<AgentKey>,
    body: &MessageRequest,
    (headers, bytes): (&HeaderMap, &[u8]),
    marks: Value,
) -> Result<Arc<RunLog>, Problem> {
    let thread = Thread::own(&AgentId::from(id.as_str()));
    ask(shared, Request { thread, body, bytes, headers, refuse_busy: false, marks }).await
}

/// Sends messages to an agent and answers with the run at once.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/messages/async", tag = "agents", params(("agent_id" = String, Path)),
    request_body = MessageRequest, responses((status = 200, body = RunBody), (status = 404))
)]
async fn create_async(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<RunBody>, Problem> {
    let request: MessageRequest = read_json(&body)?;
    let marks = json!({ "background": true, "async": true });
    let turn_id = ask_agent(&shared, &id, &request, (&headers, &body), marks).await?.begun().await?;
    Ok(axum::Json(run_body(shared.ask(move |app| app.turn_record(&turn_id)).await?)))
}

/// Which messages.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct MessageQuery {
    /// Only rows newer than this message.
    after: Option<String>,
    /// Only rows older than this message.
    before: Option<String>,
    /// At most so many rows; one may give several messages.
    limit: Option<usize>,
    /// From which end the limit counts. The answer is always oldest first.
    #[param(inline)]
    order: Option<Order>,
    /// A conversation, or `default`; all of the agent when left out.
    conversation_id: Option<String>,
    use_assistant_message: Option<bool>,
    #[serde(default)]
    include_return_message_types: Vec<String>,
}

/// Lists messages, oldest first.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/messages", tag = "agents", params(("agent_id" = String, Path), MessageQuery),
    responses((status = 200, body = Vec<Object>), (status = 404))
)]
async fn list(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    Query(query): Query<MessageQuery>,
) -> Result<axum::Json<Vec<Value>>, Problem> {
    let MessageQuery {
        after,
        before,
        limit,
        order,
        conversation_id,
        use_assistant_message,
        include_return_message_types,
    } = query;
    let newest = order != Some(Order::Asc);
    let limit = limit.unwrap_or(100).min(1000);
    let rows = shared
        .ask(move |app| {
            // Without a conversation, those of all are meant.
            let thread = match conversation_id.as_deref() {
                Some(name) => Some(thread_of(app, id.as_str(), Some(name))?),
                None => None,
            };
            let agent_id = Some(app.agent_record(id.as_str())?.id);
            let listing = MessageListing { agent_id, thread, ..MessageListing::default() };
            app.message_rows(listing, after.as_deref(), before.as_deref(), (limit, newest))
        })
        .await?;
    let wanted = Wanted {
        spoken: use_assistant_message != Some(false),
        kinds: if include_return_message_types.is_empty() { None } else { Some(include_return_message_types) },
        pieces: false,
    };
    Ok(axum::Json(rows.iter().flat_map(|row| listed(row, &wanted)).collect()))
}

/// Which turns to stop.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct CancelRequest {
    pub(super) run_ids: Option<Vec<String>>,
}

/// Stops the turns of an agent that run.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/messages/cancel", tag = "agents", params(("agent_id" = String, Path)),
    request_body = CancelRequest, responses((status = 200, body = Object), (status = 404), (status = 409))
)]
async fn cancel(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    body: Bytes,
) -> Result<axum::Json<Value>, Problem> {
    let CancelRequest { run_ids } = read_json(&body)?;
    let asked = shared.ask(move |app| stop_turns(app, &thread_of(app, id.as_str(), None)?, run_ids)).await?;
    stopped(asked)
}

/// Stops the turns named, or the one of the thread that runs.
pub(super) fn stop_turns(
    app: &App,
    thread: &Thread,
    run_ids: Option<Vec<String>>,
) -> Result<Map<String, Value>, ApiError> {
    let latest = app.latest_turn_of(thread)?.map(|turn| turn.id.0).into_iter().collect();
    let mut stopped = Map::new();
    if let Some(pending) = app.pending_calls(thread)?
        && run_ids.as_ref().is_none_or(|ids| ids.contains(&pending.turn_id.0))
    {
        app.cancel_waiting(&pending)?;
        stopped.insert(pending.turn_id.0, json!("cancelled"));
    }
    for turn_id in run_ids.unwrap_or(latest) {
        let (turn, ..) = app.turn_in_full(&turn_id)?;
        if turn.state == TurnState::Running {
            app.cancel_turn(TurnRef { turn_id: turn_id.clone() })?;
            stopped.insert(turn_id, json!("cancelled"));
        }
    }
    Ok(stopped)
}

/// What was stopped; nothing is a conflict, in V1's terms.
pub(super) fn stopped(turns: Map<String, Value>) -> Result<axum::Json<Value>, Problem> {
    if turns.is_empty() {
        return Err(Problem::conflict("No turn runs here."));
    }
    Ok(axum::Json(Value::Object(turns)))
}

/// The thread that a client names: a conversation, or the agent's own.
pub(super) fn thread_of(app: &App, agent_id: &str, conversation_id: Option<&str>) -> Result<Thread, ApiError> {
    let agent = app.agent_record(agent_id)?;
    match conversation_id.filter(|id| *id != "default") {
        None => Ok(Thread::own(&agent.id)),
        Some(id) => {
            let conversation = app.conversation_record(id)?;
            if conversation.agent_id != agent.id {
                return Err(ApiError::not_found("conversation of this agent", id));
            }
            Ok(Thread::from(&conversation))
        }
    }
}

/// What a compaction did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Compacted {
    summary: String,
    num_messages_before: usize,
    num_messages_after: usize,
}

/// Evicts the oldest part of a thread's window. One turn or less cannot be made shorter; that is no error of the client's.
pub(super) fn compact_thread(app: &App, thread: &Thread) -> Result<Compacted, ApiError> {
    let before = app.window_message_ids(thread)?.len();
    let summary = app.compact_thread(thread)?.map(|done| done.summary).unwrap_or_default();
    let after = app.window_message_ids(thread)?.len();
    Ok(Compacted { summary, num_messages_before: before, num_messages_after: after })
}

/// Evicts the oldest part of an agent's window now, and says what of it stands in the summary.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/summarize", tag = "agents", params(("agent_id" = String, Path)),
    responses((status = 200, body = Compacted), (status = 404), (status = 409))
)]
async fn compact(State(shared): State<Shared>, Path(id): Path<Id<AgentKey>>) -> Result<axum::Json<Compacted>, Problem> {
    let done = shared.ask(move |app| compact_thread(app, &thread_of(app, id.as_str(), None)?)).await?;
    Ok(axum::Json(done))
}

/// Empties an agent's window; what was said stays in recall memory. Agents here begin without a message, so that there is
/// none to add, whatever the body says.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/reset-messages", tag = "agents", params(("agent_id" = String, Path)),
    request_body = Object, responses((status = 200, body = AgentBody), (status = 404), (status = 409))
)]
async fn reset(State(shared): State<Shared>, Path(id): Path<Id<AgentKey>>) -> Result<axum::Json<AgentBody>, Problem> {
    let body = shared
        .ask(move |app| {
            app.reset_thread(&thread_of(app, id.as_str(), None)?, &[])?;
            agents::body(app, id.as_str())
        })
        .await?;
    Ok(axum::Json(body))
}
