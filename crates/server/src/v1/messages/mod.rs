//! Messages of agents: asking for a turn in every way V1 knows, and reading what was said.

mod request;
pub(super) mod shape;
pub(super) mod stream;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use resident_app::api::{AgentRef, SendMessage, TurnRef, TurnState};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::request::{Asking, MessageRequest};
use self::shape::{Wanted, listed};
use self::stream::StreamForm;
use super::agents::{self, AgentBody};
use super::page::Order;
use crate::error::Problem;
use crate::extract::{AgentKey, Id, Path, Query, read_json};
use crate::runs::{Asked, RunLog};
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(create_stream))
        .routes(routes!(cancel))
        .routes(routes!(compact))
}

/// What an SDK counts up when it sends a request again.
const RETRY_COUNT: &str = "x-stainless-retry-count";

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
    let log = ask(&shared, id.as_str(), &request, &headers, &body).await?;
    Ok(if streaming { stream::stream(log, form_of(&request)).await } else { stream::answer(log, request.wanted()).await })
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
    let log = ask(&shared, id.as_str(), &request, &headers, &body).await?;
    Ok(stream::stream(log, form_of(&request)).await)
}

fn form_of(request: &MessageRequest) -> StreamForm {
    StreamForm {
        wanted: request.wanted(),
        pings: request.include_pings != Some(false),
        numbered: request.background == Some(true),
        after: 0,
    }
}

/// The log of the turn that a request asks for: a new one, or, where a client sends the same again, the one it asked
/// for before.
async fn ask(
    shared: &Shared,
    agent_id: &str,
    request: &MessageRequest,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Arc<RunLog>, Problem> {
    let asking = request.asking()?;
    let id = agent_id.to_owned();
    shared.ask(move |app| app.agent_record(&id)).await?;
    let key = request.key(agent_id, body);
    let retries = headers.get(RETRY_COUNT).and_then(|count| count.to_str().ok()).unwrap_or("0");
    if (retries != "0" || request.is_named())
        && let Some(log) = shared.runs.of_key(&key)
    {
        tracing::info!(%agent_id, %retries, "a request came again; it gets the answer of the first");
        return Ok(log);
    }
    let Asking::Say(said) = asking else {
        return Err(Problem::not_offered("Approvals over this API are not offered yet."));
    };
    let text = said.into_iter().map(|message| message.text).collect::<Vec<_>>().join("\n\n");
    let agent_id = agent_id.to_owned();
    let asked = Asked {
        thread: agent_id.clone(),
        key,
        agent_id: agent_id.clone(),
        begin: Arc::new(move |app| app.send_message(SendMessage { agent_id: agent_id.clone(), text: text.clone() })),
    };
    Ok(shared.runs.begin(shared, asked))
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
    let MessageQuery { after, before, limit, order, use_assistant_message, include_return_message_types } = query;
    let newest = order != Some(Order::Asc);
    let limit = limit.unwrap_or(100).min(1000);
    let rows = shared
        .ask(move |app| app.message_rows(id.as_str(), after.as_deref(), before.as_deref(), (limit, newest)))
        .await?;
    let wanted = Wanted {
        spoken: use_assistant_message != Some(false),
        kinds: if include_return_message_types.is_empty() { None } else { Some(include_return_message_types) },
        pieces: false,
    };
    Ok(axum::Json(rows.iter().flat_map(|row| listed(&row.message, &row.waiting, &wanted)).collect()))
}

/// Which turns to stop.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct CancelRequest {
    run_ids: Option<Vec<String>>,
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
    let stopped = shared
        .ask(move |app| {
            app.agent_record(id.as_str())?;
            let latest = app.latest_turn_record(id.as_str())?.map(|turn| turn.id.0).into_iter().collect();
            let mut stopped = Map::new();
            for turn_id in run_ids.unwrap_or(latest) {
                let (turn, ..) = app.turn_in_full(&turn_id)?;
                if turn.state == TurnState::Running {
                    app.cancel_turn(TurnRef { turn_id: turn_id.clone() })?;
                    stopped.insert(turn_id, json!("cancelled"));
                }
            }
            Ok(stopped)
        })
        .await?;
    if stopped.is_empty() {
        return Err(Problem::conflict("No turn of this agent runs."));
    }
    Ok(axum::Json(Value::Object(stopped)))
}

/// What a compaction did.
#[derive(Debug, Serialize, ToSchema)]
struct Compacted {
    summary: String,
    num_messages_before: usize,
    num_messages_after: usize,
}

/// Evicts the oldest part of an agent's window now, and says what of it stands in the summary.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/summarize", tag = "agents", params(("agent_id" = String, Path)),
    responses((status = 200, body = Compacted), (status = 404), (status = 409))
)]
async fn compact(State(shared): State<Shared>, Path(id): Path<Id<AgentKey>>) -> Result<Response, Problem> {
    let compacted = shared
        .ask(move |app| {
            let agent = app.agent_record(id.as_str())?;
            let before = app.window_message_ids(agent.id.as_str())?.len();
            // One turn or less cannot be made shorter; that is no error of the client's.
            let summary = match app.compact_now(AgentRef { agent_id: agent.id.0.clone() }) {
                Ok(done) => done.summary,
                Err(error) if error.code == resident_app::api::ErrorCode::Invalid => String::new(),
                Err(error) => return Err(error),
            };
            let after = app.window_message_ids(agent.id.as_str())?.len();
            Ok(Compacted { summary, num_messages_before: before, num_messages_after: after })
        })
        .await?;
    Ok(axum::Json(compacted).into_response())
}

/// Empties an agent's window; what was said stays in recall memory.
#[expect(dead_code, reason = "waits for the store")]
async fn reset(shared: Shared, id: Id<AgentKey>) -> Result<axum::Json<AgentBody>, Problem> {
    Ok(axum::Json(shared.ask(move |app| agents::body(app, id.as_str())).await?))
}
