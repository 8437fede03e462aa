//! From a client's request to the log of a turn: a turn that begins now, or, where the client sends again what it sent
//! before, the turn that it began then.

use std::sync::Arc;

use axum::http::HeaderMap;
use resident_app::App;
use resident_app::api::{ApiError, Nothing, TurnView};
use resident_app::records::{
    Decision, Message, PendingCalls, Role, Said, Thread, ToolStatus, Turn, TurnRequest, TurnStatus,
};
use serde_json::{Value, json};

use super::request::{self, Asking, Decided, MessageRequest, Speaker, Word};
use crate::error::Problem;
use crate::run_log::RunLog;
use crate::runs::{Asked, BeginTurn, NotBegun};
use crate::state::Shared;
use crate::v1::runs::log_of;

/// What an SDK counts up when it sends a request again.
const RETRY_COUNT: &str = "x-stainless-retry-count";

/// A request as it came.
pub(in crate::v1) struct Request<'a> {
    pub(in crate::v1) thread: Thread,
    pub(in crate::v1) body: &'a MessageRequest,
    pub(in crate::v1) bytes: &'a [u8],
    pub(in crate::v1) headers: &'a HeaderMap,
    /// Whether a conversation that is busy is refused, as V1 does, instead of waited for.
    pub(in crate::v1) refuse_busy: bool,
    /// Kept with the turn beside what it was asked.
    pub(in crate::v1) marks: Value,
}

/// The log of the turn that a request asks for.
pub(in crate::v1) async fn ask(shared: &Shared, request: Request<'_>) -> Result<Arc<RunLog>, Problem> {
    let Request { thread, body, bytes, headers, refuse_busy, marks } = request;
    let asking = body.asking()?;
    let place = thread.conversation_id.as_ref().map_or(thread.agent_id.as_str(), |id| id.as_str()).to_owned();
    let key = body.key(&place, bytes);
    let retries = headers.get(RETRY_COUNT).and_then(|count| count.to_str().ok()).unwrap_or("0");
    let joins = retries != "0" || body.is_named();
    let asking = match asking {
        // Nothing is to be known before its turn begins, so that one visit to a thread is enough.
        Asking::Say(said) if !joins && !refuse_busy => {
            let request = turn_request(shared, thread.clone(), body, said, (&key, marks)).await?;
            let begin: BeginTurn = Arc::new(move |app| begin_unless_pending(app, &request));
            return Ok(shared.runs.begin(shared, Asked { thread, key, joins, begin }));
        }
        asking => asking,
    };
    let begun_here = shared.runs.of_key(&key).filter(|_| joins);
    let request_key = (joins && begun_here.is_none()).then(|| key.clone());
    let asked_of = thread.clone();
    let Standing { turn, busy, pending } = shared.ask(move |app| standing(app, &asked_of, request_key)).await?;
    if begun_here.is_some() || turn.is_some() {
        tracing::info!(agent_id = %thread.agent_id, %retries, "a request came again; it gets the answer of the first");
    }
    if let Some(log) = begun_here {
        return Ok(log);
    }
    if let Some(turn) = turn {
        return begun_before(shared, thread, key, turn).await;
    }
    if refuse_busy && busy {
        return Err(Problem::conflict("Another turn of this conversation runs."));
    }
    let begin: BeginTurn = match (asking, pending) {
        (Asking::Say(said), None) => {
            let request = turn_request(shared, thread.clone(), body, said, (&key, marks)).await?;
            Arc::new(move |app| Ok(app.begin_turn(&request)?))
        }
        (Asking::Say(_), Some(pending)) => return Err(still_pending(&pending)),
        (Asking::Decide(words, said), Some(pending)) => {
            let decisions = decisions(words, &pending)?;
            let besides: Vec<Said> = said.into_iter().map(said_of).collect();
            Arc::new(move |app| Ok(app.decide(&pending.turn_id, &decisions, &besides)?))
        }
        (Asking::Decide(words, _), None) => return decided_before(shared, thread, words).await,
    };
    Ok(shared.runs.begin(shared, Asked { thread, key, joins, begin }))
}

/// Begins a turn that needs nothing but that no call of its thread waits for the client.
fn begin_unless_pending(app: &Arc<App>, request: &TurnRequest) -> Result<TurnView, NotBegun> {
    match standing(app, &request.thread, None)?.pending {
        Some(pending) => Err(NotBegun::Refused(still_pending(&pending))),
        None => Ok(app.begin_turn(request)?),
    }
}

/// How things stand with a thread when a request for it comes.
struct Standing {
    /// The turn that the same request began.
    turn: Option<Turn>,
    busy: bool,
    pending: Option<PendingCalls>,
}

fn standing(app: &App, thread: &Thread, request_key: Option<String>) -> Result<Standing, ApiError> {
    let agent = app.agent_record(thread.agent_id.as_str())?;
    let turn = match request_key {
        Some(key) => app.turn_of_request(agent.id.as_str(), &key)?,
        None => None,
    };
    let latest = app.latest_turn_of(thread)?;
    Ok(Standing {
        turn,
        busy: latest.as_ref().is_some_and(|turn| turn.status == TurnStatus::Running),
        pending: latest.map(|turn| app.pending_calls_of(turn)).transpose()?.flatten(),
    })
}

/// The log of a turn that an earlier request began, as the store has it. One that was interrupted begins anew, so that the
/// retry finishes what the first try did not.
async fn begun_before(shared: &Shared, thread: Thread, key: String, turn: Turn) -> Result<Arc<RunLog>, Problem> {
    if turn.status != TurnStatus::Interrupted {
        return log_of(shared, turn.id.as_str()).await;
    }
    let begin: BeginTurn = Arc::new(move |app| Ok(app.begin_anew(turn.id.as_str())?));
    Ok(shared.runs.begin(shared, Asked { thread, key, joins: true, begin }))
}

async fn turn_request(
    shared: &Shared,
    thread: Thread,
    body: &MessageRequest,
    said: Vec<request::Said>,
    (key, marks): (&str, Value),
) -> Result<TurnRequest, Problem> {
    let mut options = json!({
        "max_steps": body.max_steps,
        "system": body.override_system,
        "background": body.background == Some(true),
        "stream_tokens": body.stream_tokens == Some(true),
        "request_config": {
            "use_assistant_message": body.wanted().spoken,
            "assistant_message_tool_name": "send_message",
            "assistant_message_tool_kwarg": "message",
            "include_return_message_types": body.wanted().kinds,
        },
    });
    if let Some(tools) = &body.client_tools {
        options["client_tools"] = json!(tools);
    }
    if let Some(handle) = body.override_model.clone() {
        options["model"] = shared.ask(move |app| known_model(app, handle)).await?;
    }
    if let (Some(options), Value::Object(marks)) = (options.as_object_mut(), marks) {
        options.extend(marks);
        options.retain(|_, value| !value.is_null());
    }
    let messages = said.into_iter().map(said_of).collect();
    Ok(TurnRequest { thread, messages, request_key: Some(key.to_owned()), options })
}

pub(in crate::v1) fn said_of(message: request::Said) -> Said {
    let role = match message.role {
        Speaker::User => Role::User,
        Speaker::System => Role::System,
        Speaker::Assistant => Role::Assistant,
    };
    Said { role, otid: message.otid, sender_id: message.sender_id, ..Said::by_user(&message.text) }
}

/// A handle that is here; another one is answered by the agent's model.
fn known_model(app: &Arc<App>, handle: String) -> Result<Value, ApiError> {
    let known = app.list_models(Nothing {})?.iter().any(|model| model.handle == handle);
    if !known {
        tracing::info!(%handle, "a client asked for a model that is not here; the agent's answers");
    }
    Ok(if known { json!(handle) } else { Value::Null })
}

fn still_pending(pending: &PendingCalls) -> Problem {
    let message = "A call waits for approval or for its result. Answer it before you send another message.";
    let detail = json!({ "code": "PENDING_APPROVAL", "message": message, "pending_request_id": pending.message_id });
    Problem { status: axum::http::StatusCode::CONFLICT, detail }
}

/// The client's words, each with its call: one for every call that waits, and none for others.
fn decisions(words: Vec<Word>, pending: &PendingCalls) -> Result<Vec<(String, Decision)>, Problem> {
    let wanted: Vec<&str> = pending.calls.iter().map(|call| call.id.as_str()).collect();
    let unmatched = || {
        Problem::bad_request(format!("Invalid tool call IDs. Expected one word for each of: {}.", wanted.join(", ")))
    };
    let mut decided: Vec<(String, Decision)> = Vec::new();
    for Word { tool_call_id, what } in words {
        let id = match (tool_call_id, wanted.as_slice()) {
            (Some(id), _) => id,
            (None, [only]) => (*only).to_owned(),
            (None, _) => return Err(unmatched()),
        };
        if !wanted.contains(&id.as_str()) || decided.iter().any(|(known, _)| *known == id) {
            return Err(unmatched());
        }
        decided.push((id, decision(what)));
    }
    if decided.len() == wanted.len() { Ok(decided) } else { Err(unmatched()) }
}

fn decision(what: Decided) -> Decision {
    match what {
        Decided::Allowed => Decision::Approve,
        Decided::Refused(reason) => Decision::Deny { reason },
        Decided::Returned { text, failed } => {
            Decision::Result { status: if failed { ToolStatus::Failed } else { ToolStatus::Ok }, text }
        }
    }
}

/// A word that was given before gets the turn that it was given to; one on nothing is refused.
async fn decided_before(shared: &Shared, thread: Thread, words: Vec<Word>) -> Result<Arc<RunLog>, Problem> {
    let latest = shared.ask(move |app| latest_with_messages(app, &thread)).await?;
    let named: Vec<String> = words.into_iter().filter_map(|word| word.tool_call_id).collect();
    if let Some((turn, messages)) = latest {
        let answered = |id: &String| messages.iter().any(|message| message.tool_call_id.as_ref() == Some(id));
        if !named.is_empty() && named.iter().all(answered) {
            return log_of(shared, turn.id.as_str()).await;
        }
    }
    Err(Problem::bad_request("Cannot process approval response: No tool call is currently awaiting approval."))
}

fn latest_with_messages(app: &Arc<App>, thread: &Thread) -> Result<Option<(Turn, Vec<Message>)>, ApiError> {
    let Some(turn) = app.latest_turn_of(thread)? else { return Ok(None) };
    let messages = app.messages_of_turn(turn.id.as_str())?;
    Ok(Some((turn, messages)))
}
