//! Runs, which are turns, and their steps.

use axum::extract::State;
use axum::response::Response;
use resident_app::App;
use resident_app::api::{ApiError, StepView};
use resident_app::records::{AgentId, ConversationId, Page, Step, StepListing, Turn, TurnListing, TurnStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::messages::shape::{Wanted, listed};
use super::messages::stream::{StreamForm, stream, usage_body};
use super::page::{Order, PageQuery};
use super::schema::{Moment, time};
use crate::error::{Answer, Problem};
use crate::extract::{Body, Id, Path, Query, RunKey, StepKey};
use crate::run_log::{RunLog, Usage};
use crate::runs::read_turn;
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(retrieve))
        .routes(routes!(messages))
        .routes(routes!(steps_of))
        .routes(routes!(usage))
        .routes(routes!(trace))
        .routes(routes!(resume))
        .routes(routes!(list_steps))
        .routes(routes!(retrieve_step))
        .routes(routes!(step_messages))
        .routes(routes!(step_metrics))
        .routes(routes!(step_trace))
        .routes(routes!(feedback))
}

/// A run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RunBody {
    id: String,
    agent_id: String,
    conversation_id: Option<String>,
    status: &'static str,
    stop_reason: Option<String>,
    background: bool,
    created_at: String,
    completed_at: Option<String>,
    #[schema(value_type = Object)]
    metadata: Value,
    #[schema(value_type = Object)]
    request_config: Value,
    callback_url: Option<String>,
    callback_sent_at: Option<String>,
    callback_status_code: Option<u16>,
    callback_error: Option<String>,
    ttft_ns: Option<i64>,
    total_duration_ns: Option<i64>,
    base_template_id: Option<String>,
}

const NS_PER_MS: i64 = 1_000_000;

pub(super) fn run_body(turn: Turn) -> RunBody {
    let status = match turn.status {
        TurnStatus::Running => "running",
        TurnStatus::Completed => "completed",
        TurnStatus::Cancelled => "cancelled",
        TurnStatus::Interrupted | TurnStatus::Failed => "failed",
    };
    let kept = |field: &str| turn.options.get(field).cloned().unwrap_or(Value::Null);
    RunBody {
        status,
        stop_reason: match turn.status {
            TurnStatus::Interrupted => Some("error".to_owned()),
            TurnStatus::Running => None,
            TurnStatus::Completed | TurnStatus::Cancelled | TurnStatus::Failed => turn.stop_reason,
        },
        background: kept("background").as_bool().unwrap_or(false),
        created_at: time(turn.started_at_ms),
        completed_at: turn.ended_at_ms.map(time),
        metadata: json!({
            "run_type": if kept("async") == json!(true) { "send_message_async" } else { "send_message" },
            "error": turn.error,
            "interrupted": turn.status == TurnStatus::Interrupted,
        }),
        request_config: kept("request_config"),
        callback_url: None,
        callback_sent_at: None,
        callback_status_code: None,
        callback_error: None,
        ttft_ns: None,
        total_duration_ns: turn.ended_at_ms.map(|end| (end - turn.started_at_ms) * NS_PER_MS),
        base_template_id: None,
        id: turn.id.0,
        agent_id: turn.agent_id.0,
        conversation_id: turn.conversation_id.map(|id| id.0),
    }
}

/// A step.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct StepBody {
    id: String,
    run_id: String,
    agent_id: String,
    status: &'static str,
    stop_reason: Option<String>,
    model: String,
    model_handle: String,
    model_endpoint: Option<String>,
    provider_name: String,
    provider_category: &'static str,
    provider_id: Option<String>,
    context_window_limit: Option<usize>,
    prompt_tokens: i64,
    completion_tokens: i64,
    total_tokens: i64,
    cached_input_tokens: i64,
    cache_write_tokens: Option<i64>,
    reasoning_tokens: Option<i64>,
    tags: Vec<String>,
    #[schema(value_type = Option<String>)]
    feedback: Value,
    messages: Vec<Value>,
    origin: Option<String>,
    tid: Option<String>,
    trace_id: Option<String>,
    request_id: Option<String>,
    project_id: Option<String>,
    error_type: Option<String>,
}

fn step_body(step: Step) -> StepBody {
    let (provider, model) = step.model.split_once('/').unwrap_or(("local", &step.model));
    StepBody {
        status: "success",
        stop_reason: None,
        model: model.to_owned(),
        model_endpoint: None,
        provider_name: provider.to_owned(),
        provider_category: "base",
        provider_id: None,
        context_window_limit: None,
        total_tokens: step.prompt_tokens + step.completion_tokens,
        prompt_tokens: step.prompt_tokens,
        completion_tokens: step.completion_tokens,
        cached_input_tokens: step.cached_tokens,
        cache_write_tokens: None,
        reasoning_tokens: None,
        tags: Vec::new(),
        feedback: step.trace.get("feedback").cloned().unwrap_or(Value::Null),
        messages: Vec::new(),
        origin: None,
        tid: None,
        trace_id: None,
        request_id: None,
        project_id: None,
        error_type: None,
        id: step.id.0,
        run_id: step.turn_id.0,
        agent_id: step.agent_id.0,
        model_handle: step.model,
    }
}

/// The part of a list that a page asks for, as the store is asked.
pub(super) fn store_page(page: &PageQuery, default: (Order, usize)) -> Page {
    let newest_first = page.order(default.0) == Order::Desc;
    let (after, before) = (page.after.clone(), page.before.clone());
    // "After" is further down the list, whichever way it goes.
    let (newer_than, older_than) = if newest_first { (before, after) } else { (after, before) };
    Page { newer_than, older_than, newest_first, limit: page.limit.unwrap_or(default.1).min(1000) }
}

/// Which runs.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct RunQuery {
    agent_id: Option<String>,
    #[serde(default)]
    agent_ids: Vec<String>,
    #[serde(default)]
    statuses: Vec<String>,
    active: Option<bool>,
    background: Option<bool>,
    stop_reason: Option<String>,
    conversation_id: Option<String>,
}

/// Lists runs.
#[utoipa::path(get, path = "/v1/runs", tag = "runs", params(RunQuery, PageQuery), responses((status = 200, body = [RunBody])))]
async fn list(
    State(shared): State<Shared>,
    Query(query): Query<RunQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<RunBody>> {
    let mut statuses: Vec<TurnStatus> = Vec::new();
    for status in &query.statuses {
        match status.as_str() {
            "created" | "running" => statuses.push(TurnStatus::Running),
            "completed" => statuses.push(TurnStatus::Completed),
            "failed" => statuses.extend([TurnStatus::Failed, TurnStatus::Interrupted]),
            "cancelled" => statuses.push(TurnStatus::Cancelled),
            other => return Err(Problem::invalid(&["query", "statuses"], format!("`{other}` is not a status"))),
        }
    }
    if query.active == Some(true) {
        statuses = vec![TurnStatus::Running];
    }
    let listing = TurnListing {
        agent_ids: query.agent_id.into_iter().chain(query.agent_ids).map(AgentId).collect(),
        conversation_id: query.conversation_id.map(ConversationId),
        statuses,
        stop_reason: query.stop_reason,
        background: query.background,
        page: store_page(&page, (Order::Desc, 100)),
    };
    let turns = shared.ask(move |app| app.turn_records(&listing)).await?;
    Ok(axum::Json(turns.into_iter().map(run_body).collect()))
}

/// One run.
#[utoipa::path(get, path = "/v1/runs/{run_id}", tag = "runs", params(("run_id" = String, Path)), responses((status = 200, body = RunBody), (status = 404)))]
async fn retrieve(State(shared): State<Shared>, Path(id): Path<Id<RunKey>>) -> Answer<RunBody> {
    Ok(axum::Json(run_body(shared.ask(move |app| app.turn_record(id.as_str())).await?)))
}

/// The messages of a run, oldest first, the user's among them.
#[utoipa::path(
    get, path = "/v1/runs/{run_id}/messages", tag = "runs", params(("run_id" = String, Path), PageQuery),
    responses((status = 200, body = Vec<Object>), (status = 404))
)]
async fn messages(
    State(shared): State<Shared>,
    Path(id): Path<Id<RunKey>>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<Value>> {
    let rows = shared.ask(move |app| app.rows_of_turn(id.as_str())).await?;
    let rows = page.cut(rows, (Order::Asc, 100), "message", |row| &row.message.id)?;
    let wanted = Wanted::default();
    Ok(axum::Json(rows.iter().flat_map(|row| listed(row, &wanted)).collect()))
}

/// The steps of a run.
#[utoipa::path(
    get, path = "/v1/runs/{run_id}/steps", tag = "runs", params(("run_id" = String, Path), PageQuery),
    responses((status = 200, body = [StepBody]), (status = 404))
)]
async fn steps_of(
    State(shared): State<Shared>,
    Path(id): Path<Id<RunKey>>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<StepBody>> {
    let steps = shared
        .ask(move |app| {
            let turn = app.turn_record(id.as_str())?;
            app.step_records(&StepListing { turn_id: Some(turn.id), ..StepListing::default() })
        })
        .await?;
    let steps: Vec<StepBody> = steps.into_iter().map(step_body).collect();
    Ok(axum::Json(page.cut(steps, (Order::Desc, 100), "step", |step| &step.id)?))
}

/// What a run took.
#[utoipa::path(
    get, path = "/v1/runs/{run_id}/usage", tag = "runs", params(("run_id" = String, Path)),
    responses((status = 200, body = Object), (status = 404))
)]
async fn usage(State(shared): State<Shared>, Path(id): Path<Id<RunKey>>) -> Answer<Value> {
    let (turn, _, steps) = read_turn(&shared, id.as_str()).await?;
    Ok(axum::Json(usage_body(total(&steps), Some(&turn.id))))
}

fn total(steps: &[StepView]) -> Usage {
    let mut usage = Usage::default();
    for step in steps {
        usage.add(step);
    }
    usage
}

/// What the steps of a run saw and did.
#[utoipa::path(
    get, path = "/v1/runs/{run_id}/trace", tag = "runs", params(("run_id" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 404))
)]
async fn trace(State(shared): State<Shared>, Path(id): Path<Id<RunKey>>) -> Answer<Vec<Value>> {
    let (_, _, steps) = read_turn(&shared, id.as_str()).await?;
    let spans = steps.into_iter().map(|step| {
        json!({ "step_id": step.id, "number": step.number, "model": step.model, "started_at": time(step.started_at_ms),
                "duration_ms": step.duration_ms, "trace": step.trace })
    });
    Ok(axum::Json(spans.collect()))
}

/// From where a stream is taken up again.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct Resume {
    /// Only messages with a larger `seq_id`.
    pub(super) starting_after: Option<u64>,
    pub(super) include_pings: Option<bool>,
}

/// Streams a run that was begun in the background, from any of its messages on.
#[utoipa::path(
    post, path = "/v1/runs/{run_id}/stream", tag = "runs", params(("run_id" = String, Path)), request_body = Resume,
    responses((status = 200, content_type = "text/event-stream"), (status = 400), (status = 404))
)]
async fn resume(
    State(shared): State<Shared>,
    Path(id): Path<Id<RunKey>>,
    Body(request): Body<Resume>,
) -> Result<Response, Problem> {
    resume_run(&shared, id.into_string(), request).await
}

pub(super) async fn resume_run(shared: &Shared, id: String, request: Resume) -> Result<Response, Problem> {
    let asked = id.clone();
    let turn = shared.ask(move |app| app.turn_record(&asked)).await?;
    let option = |name: &str| turn.options.get(name).and_then(Value::as_bool).unwrap_or(false);
    if !option("background") {
        return Err(Problem::bad_request(format!("{id} was not begun in the background.")));
    }
    let log = log_of(shared, &id).await?;
    let form = StreamForm {
        wanted: Wanted { pieces: option("stream_tokens"), ..Wanted::default() },
        pings: request.include_pings != Some(false),
        numbered: true,
        after: request.starting_after.unwrap_or(0),
    };
    Ok(stream(log, form).await)
}

/// The log of a turn: as it is followed, or as the store has it.
pub(super) async fn log_of(shared: &Shared, turn_id: &str) -> Result<std::sync::Arc<RunLog>, Problem> {
    if let Some(log) = shared.runs.of_turn(turn_id) {
        return Ok(log);
    }
    let (turn, messages, steps) = read_turn(shared, turn_id).await?;
    Ok(RunLog::of_record(&turn, messages, &steps))
}

/// Which steps.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct StepQuery {
    agent_id: Option<String>,
    model: Option<String>,
    start_date: Option<Moment>,
    end_date: Option<Moment>,
    #[serde(default)]
    trace_ids: Vec<String>,
    feedback: Option<String>,
    has_feedback: Option<bool>,
}

/// Lists steps.
#[utoipa::path(get, path = "/v1/steps", tag = "steps", params(StepQuery, PageQuery), responses((status = 200, body = [StepBody])))]
async fn list_steps(
    State(shared): State<Shared>,
    Query(query): Query<StepQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<StepBody>> {
    if !query.trace_ids.is_empty() {
        return Ok(axum::Json(Vec::new()));
    }
    let listing = StepListing {
        agent_id: query.agent_id.map(AgentId),
        turn_id: None,
        model: query.model,
        from_ms: query.start_date.map(Moment::as_ms),
        to_ms: query.end_date.map(Moment::as_ms),
        page: store_page(&page, (Order::Desc, 50)),
    };
    let steps = shared.ask(move |app| app.step_records(&listing)).await?;
    let mut bodies: Vec<StepBody> = steps.into_iter().map(step_body).collect();
    bodies.retain(|body| {
        query.has_feedback.is_none_or(|has| has != body.feedback.is_null())
            && query.feedback.as_ref().is_none_or(|word| body.feedback == json!(word))
    });
    Ok(axum::Json(bodies))
}

/// One step.
#[utoipa::path(get, path = "/v1/steps/{step_id}", tag = "steps", params(("step_id" = String, Path)), responses((status = 200, body = StepBody), (status = 404)))]
async fn retrieve_step(State(shared): State<Shared>, Path(id): Path<Id<StepKey>>) -> Answer<StepBody> {
    Ok(axum::Json(step_body(shared.ask(move |app| app.step_record(id.as_str())).await?)))
}

/// The messages of a step, oldest first.
#[utoipa::path(
    get, path = "/v1/steps/{step_id}/messages", tag = "steps", params(("step_id" = String, Path), PageQuery),
    responses((status = 200, body = Vec<Object>), (status = 404))
)]
async fn step_messages(
    State(shared): State<Shared>,
    Path(id): Path<Id<StepKey>>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<Value>> {
    let rows = shared
        .ask(move |app| {
            let step = app.step_record(id.as_str())?;
            let mut rows = app.rows_of_turn(step.turn_id.as_str())?;
            rows.retain(|row| row.message.step_id.as_deref() == Some(step.id.as_str()));
            Ok(rows)
        })
        .await?;
    let rows = page.cut(rows, (Order::Asc, 100), "message", |row| &row.message.id)?;
    let wanted = Wanted::default();
    Ok(axum::Json(rows.iter().flat_map(|row| listed(row, &wanted)).collect()))
}

/// How long a step took.
#[utoipa::path(get, path = "/v1/steps/{step_id}/metrics", tag = "steps", params(("step_id" = String, Path)), responses((status = 200, body = Object), (status = 404)))]
async fn step_metrics(State(shared): State<Shared>, Path(id): Path<Id<StepKey>>) -> Answer<Value> {
    let step = shared.ask(move |app| app.step_record(id.as_str())).await?;
    let start_ns = step.started_at_ms.saturating_mul(NS_PER_MS);
    let generated_ns = step.trace["timing"]["generate_ms"].as_i64().map(|ms| ms * NS_PER_MS);
    Ok(axum::Json(json!({
        "id": step.id.0, "run_id": step.turn_id.0, "agent_id": step.agent_id.0, "provider_id": null,
        "step_start_ns": start_ns, "step_ns": step.duration_ms * NS_PER_MS, "llm_request_start_ns": start_ns,
        "llm_request_ns": generated_ns, "tool_execution_ns": step.trace["timing"]["tools_ms"].as_i64().map(|ms| ms * NS_PER_MS), "organization_id": null, "project_id": null,
        "template_id": null, "base_template_id": null,
    })))
}

/// What a step saw and did.
#[utoipa::path(get, path = "/v1/steps/{step_id}/trace", tag = "steps", params(("step_id" = String, Path)), responses((status = 200, body = Object), (status = 404)))]
async fn step_trace(State(shared): State<Shared>, Path(id): Path<Id<StepKey>>) -> Answer<Value> {
    let step = shared.ask(move |app| app.step_record(id.as_str())).await?;
    Ok(axum::Json(json!({
        "id": step.id.0, "step_id": step.id.0, "created_at": time(step.started_at_ms),
        "request_json": { "model": step.model, "trace": step.trace },
        "response_json": { "prompt_tokens": step.prompt_tokens, "completion_tokens": step.completion_tokens },
    })))
}

/// A person's word on a step.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct Feedback {
    feedback: Option<String>,
}

/// Keeps a person's word on a step, or takes it away.
#[utoipa::path(
    patch, path = "/v1/steps/{step_id}/feedback", tag = "steps", params(("step_id" = String, Path)),
    request_body = Feedback, responses((status = 200, body = StepBody), (status = 404))
)]
async fn feedback(
    State(shared): State<Shared>,
    Path(id): Path<Id<StepKey>>,
    Body(Feedback { feedback }): Body<Feedback>,
) -> Answer<StepBody> {
    if let Some(word) = &feedback
        && !["positive", "negative"].contains(&word.as_str())
    {
        return Err(Problem::invalid(&["body", "feedback"], format!("`{word}` is neither `positive` nor `negative`")));
    }
    let step = shared.ask(move |app| keep_feedback(app, id.as_str(), feedback)).await?;
    Ok(axum::Json(step_body(step)))
}

fn keep_feedback(app: &App, step_id: &str, feedback: Option<String>) -> Result<Step, ApiError> {
    app.note_on_step(step_id, "feedback", feedback.map_or(Value::Null, Value::String))
}
