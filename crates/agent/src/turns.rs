//! How turns begin: with a message or several, anew, with an edited message, or with word on the calls that wait. Each is
//! one transaction, committed before anything else happens, so that nothing that was typed depends on what follows.
//!
//! A turn belongs to a thread. While one runs, no other begins in its thread; those of other threads run beside it.

use resident_store::{
    Agent, AgentId, Message, MessageId, NewMessage, Role, Store, Thread, ToolCall, ToolStatus, Turn, TurnId,
    TurnStatus, Writer,
};
use serde_json::{Value, json};

use crate::AgentError;
use crate::options::TurnOptions;
use crate::rules::ToolRules;
use crate::step::StopReason;
use crate::tools::cut_result;

/// The name under which the user's approval of a call is recorded.
pub(crate) const APPROVAL: &str = "approval";

/// The setting of an agent whose window begins anew with each turn; V1's name for it.
const AUTOCLEAR: &str = "message_buffer_autoclear";

/// Something that is said to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Who speaks: the user, the system, or (where a client tells an earlier conversation) the assistant.
    pub role: Role,
    /// What is said.
    pub text: String,
    /// The client's own name for it.
    pub otid: Option<String>,
    /// Who of those that the client speaks for, or the agent that speaks.
    pub sender_id: Option<String>,
    /// The name of who speaks, where that is not the user of the agent.
    pub name: Option<String>,
    /// The message that this tells to another agent.
    pub origin_id: Option<MessageId>,
}

impl Said {
    /// Said by the user.
    pub fn by_user(text: &str) -> Self {
        Self { role: Role::User, text: text.to_owned(), otid: None, sender_id: None, name: None, origin_id: None }
    }

    /// Said by another agent.
    pub fn by_agent(agent: &Agent, text: &str) -> Self {
        Self { sender_id: Some(agent.id.0.clone()), name: Some(agent.name.clone()), ..Self::by_user(text) }
    }

    /// A note of Resident of the kind `name`.
    pub fn note(name: &str, text: &str) -> Self {
        Self { role: Role::System, name: Some(name.to_owned()), ..Self::by_user(text) }
    }
}

/// What begins a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnRequest {
    /// Where.
    pub thread: Thread,
    /// What is said, at least one message.
    pub messages: Vec<Said>,
    /// Names the request, so that the same request sent again finds its turn.
    pub request_key: Option<String>,
    /// What is asked of this turn alone; see [`TurnOptions`].
    pub options: Value,
}

impl TurnRequest {
    /// The user says `text` in a thread.
    pub fn of(thread: impl Into<Thread>, text: &str) -> Self {
        let messages = vec![Said::by_user(text)];
        Self { thread: thread.into(), messages, request_key: None, options: json!({}) }
    }
}

/// Records what the user said in the agent's own thread and the turn that answers it.
///
/// # Errors
/// As for [`begin_request`].
pub fn begin_turn(store: &Store, agent_id: &AgentId, text: &str) -> Result<(Turn, Message), AgentError> {
    let (turn, mut messages) = begin_request(store, &TurnRequest::of(agent_id, text))?;
    let message = messages.pop().ok_or(AgentError::Empty)?;
    Ok((turn, message))
}

/// Records what is said and the turn that answers it.
///
/// # Errors
/// [`AgentError::Empty`] when nothing is said, or a message has no text; [`AgentError::Busy`] while another turn of the
/// thread runs; when there is no such agent or conversation.
pub fn begin_request(store: &Store, request: &TurnRequest) -> Result<(Turn, Vec<Message>), AgentError> {
    let now_ms = store.now_ms();
    store.write(|w| begin_request_in(w, request, now_ms))
}

/// The same within a transaction of the caller, in which what led to the request is settled.
///
/// # Errors
/// As for [`begin_request`].
pub fn begin_request_in(
    w: &mut Writer<'_>,
    request: &TurnRequest,
    now_ms: i64,
) -> Result<(Turn, Vec<Message>), AgentError> {
    let TurnRequest { thread, messages, request_key, options } = request;
    let messages = messages.iter().map(|said| Ok(Said { text: clean(&said.text)?, ..said.clone() }));
    let messages: Vec<Said> = messages.collect::<Result<_, AgentError>>()?;
    let clears = require_thread(w, thread)?;
    require_idle(w, thread)?;
    let turn = Turn {
        request_key: request_key.clone(),
        options: options.clone(),
        ..running_turn(thread, MessageId::new(), now_ms)
    };
    say(w, turn, messages, clears)
}

/// Begins a turn anew: what followed that which it answers goes to the bin, what it changed in memory stays.
///
/// # Errors
/// When there is no such turn, its message is gone, or a turn of the thread runs.
pub fn begin_retry(store: &Store, turn_id: &TurnId) -> Result<(Turn, Message), AgentError> {
    let now_ms = store.now_ms();
    store.write(|w| {
        let old = w.turn(turn_id)?.ok_or_else(|| AgentError::TurnNotFound(turn_id.clone()))?;
        let thread = Thread::from(&old);
        require_idle(w, &thread)?;
        let message_id = old.message_id.ok_or_else(|| AgentError::TurnNotFound(turn_id.clone()))?;
        let message = live_message(w, &message_id)?;
        // What came with the message (no step of the agent made it) is answered with it.
        let of_turn = w.messages_of_turn(message.turn_id.as_ref().unwrap_or(turn_id))?;
        let asked = of_turn.iter().take_while(|message| message.step_id.is_none()).map(|message| message.seq).max();
        w.delete_messages_from(&thread, asked.unwrap_or(message.seq).max(message.seq) + 1, now_ms)?;
        bring_into_window(w, &message)?;
        let turn = Turn {
            request_key: old.request_key,
            options: old.options,
            ..running_turn(&thread, message.id.clone(), now_ms)
        };
        w.insert_turn(&turn)?;
        Ok((turn, message))
    })
}

/// Says a message anew: it and all that followed in its thread go to the bin, and a turn begins with `text`.
///
/// # Errors
/// When it is not a message of the user, `text` is empty, or a turn of the thread runs.
pub fn begin_edit(store: &Store, message_id: &MessageId, text: &str) -> Result<(Turn, Message), AgentError> {
    let text = clean(text)?;
    let now_ms = store.now_ms();
    store.write(|w| {
        let old = live_message(w, message_id)?;
        if old.role != Role::User {
            return Err(AgentError::NotUserMessage(message_id.clone()));
        }
        let thread = Thread::from(&old);
        require_idle(w, &thread)?;
        w.delete_messages_from(&thread, old.seq, now_ms)?;
        let (turn, mut messages) =
            say(w, running_turn(&thread, MessageId::new(), now_ms), vec![Said::by_user(&text)], false)?;
        Ok((turn, messages.pop().ok_or(AgentError::Empty)?))
    })
}

/// Empties the window of a thread: what was said stays in recall memory, its summary is no longer shown, and `initial` is
/// what was said in it.
///
/// # Errors
/// [`AgentError::Busy`] while a turn of the thread runs; when there is no such agent or conversation.
pub fn reset_messages(store: &Store, thread: impl Into<Thread>, initial: &[Said]) -> Result<Vec<Message>, AgentError> {
    let thread = thread.into();
    let now_ms = store.now_ms();
    store.write(|w| {
        require_thread(w, &thread)?;
        require_idle(w, &thread)?;
        if let Some(last) = w.last_message(&thread)? {
            w.set_window_start(&thread, last.seq + 1)?;
        }
        w.delete_summaries(&thread)?;
        initial.iter().map(|said| Ok(w.append_message(&said_message(&thread, None, said, now_ms))?)).collect()
    })
}

/// The word on a call that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may run.
    Approve,
    /// It may not.
    Deny {
        /// Why; told to the agent.
        reason: Option<String>,
    },
    /// The client ran it.
    Result {
        /// How it ended.
        status: ToolStatus,
        /// What it returned; told to the agent.
        text: String,
    },
}

/// Records the user's word on the first call for which the turn waits. The turn runs again: hand it to
/// [`crate::run_turn`].
///
/// # Errors
/// [`AgentError::NotPending`] unless the turn is the latest of its thread and waits.
pub fn decide_approval(store: &Store, turn_id: &TurnId, decision: &Decision) -> Result<Turn, AgentError> {
    let said = store.read::<_, AgentError>(|reader| Ok(reader.messages_of_turn(turn_id)?))?;
    let first = waiting_calls(&said).into_iter().next().map(|call| (call.id, decision.clone()));
    Ok(decide_calls(store, turn_id, first.as_slice(), &[])?.0)
}

/// Records the word on calls for which the turn waits, each by the id of its call, and what is said besides. The turn
/// runs again: hand it to [`crate::run_turn`]. A call without a word waits on, unless nobody has to be asked about it.
///
/// # Errors
/// [`AgentError::NotPending`] unless the turn is the latest of its thread and waits, and with every call named.
pub fn decide_calls(
    store: &Store,
    turn_id: &TurnId,
    decisions: &[(String, Decision)],
    besides: &[Said],
) -> Result<(Turn, Vec<Message>), AgentError> {
    let now_ms = store.now_ms();
    store.write(|w| {
        let turn = w.turn(turn_id)?.ok_or_else(|| AgentError::TurnNotFound(turn_id.clone()))?;
        let thread = Thread::from(&turn);
        require_idle(w, &thread)?;
        let is_latest = w.latest_turn(&thread)?.is_some_and(|latest| latest.id == turn.id);
        let waits = turn.stop_reason.as_deref() == Some(StopReason::RequiresApproval.as_str());
        let waiting = waiting_calls(&w.messages_of_turn(turn_id)?);
        if decisions.is_empty() || !is_latest || !waits {
            return Err(AgentError::NotPending(turn_id.clone()));
        }
        let mut decided: Vec<&str> = Vec::new();
        let mut recorded = Vec::new();
        for (call_id, decision) in decisions {
            let call = waiting.iter().find(|call| call.id == *call_id && !decided.contains(&call_id.as_str()));
            let call = call.ok_or_else(|| AgentError::NotPending(turn_id.clone()))?;
            for message in decided_messages(&turn, call, decision, now_ms) {
                recorded.push(w.append_message(&message)?);
            }
            decided.push(call_id);
        }
        for said in besides {
            let said = Said { text: clean(&said.text)?, ..said.clone() };
            recorded.push(w.append_message(&said_message(&thread, Some(&turn.id), &said, now_ms))?);
        }
        let turn = Turn { status: TurnStatus::Running, stop_reason: None, error: None, ended_at_ms: None, ..turn };
        w.update_turn(&turn)?;
        Ok((turn, recorded))
    })
}

/// The user's word on a call, as it is recorded, and the result that the model reads where the call does not run.
fn decided_messages(turn: &Turn, call: &ToolCall, decision: &Decision, now_ms: i64) -> Vec<NewMessage> {
    let word = |approve: bool, reason: Option<&str>| {
        let content = json!({ "approve": approve, "tool_call_id": call.id, "reason": reason }).to_string();
        (Role::System, APPROVAL.to_owned(), None, content)
    };
    let result = |status: ToolStatus, content: String| (Role::Tool, call.name.clone(), Some(status), content);
    let parts = match decision {
        Decision::Approve => vec![word(true, None)],
        Decision::Deny { reason } => {
            let reason = reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
            let content = match reason {
                Some(reason) => format!("The user did not allow this call: {reason}"),
                None => "The user did not allow this call.".to_owned(),
            };
            vec![word(false, reason), result(ToolStatus::Failed, content)]
        }
        Decision::Result { status, text } => vec![result(*status, cut_result(text.replace('\0', "")))],
    };
    let message = |(role, name, tool_status, content)| NewMessage {
        name: Some(name),
        tool_call_id: Some(call.id.clone()),
        tool_status,
        ..new_message(&Thread::from(turn), Some(&turn.id), role, content, now_ms)
    };
    parts.into_iter().map(message).collect()
}

/// The calls of a turn about which the client has to be asked, in their order: those that need an approval, and those
/// that the client runs itself.
///
/// # Errors
/// When the turn's agent is not there, or its rules cannot be read.
pub fn calls_to_decide(store: &Store, turn: &Turn) -> Result<Vec<ToolCall>, AgentError> {
    if turn.stop_reason.as_deref() != Some(StopReason::RequiresApproval.as_str()) {
        return Ok(Vec::new());
    }
    let (agent, said) = store.read(|reader| {
        let agent = reader.agent(&turn.agent_id)?;
        let agent = agent.ok_or_else(|| AgentError::AgentNotFound(turn.agent_id.clone()))?;
        Ok::<_, AgentError>((agent, reader.messages_of_turn(&turn.id)?))
    })?;
    let rules = ToolRules::from_json(&agent.tool_rules)
        .map_err(|source| AgentError::ToolRules { agent_id: agent.id.clone(), source })?;
    let options = TurnOptions::of(turn);
    let asks = |call: &ToolCall| rules.requires_approval(&call.name) || options.has_client_tool(&call.name);
    Ok(waiting_calls(&said).into_iter().filter(asks).collect())
}

/// Whether a message is the user's word that a call may run, or may not; `None` for every other message.
pub fn word_on_call(message: &Message) -> Option<bool> {
    if message.name.as_deref() != Some(APPROVAL) {
        return None;
    }
    let word: Value = serde_json::from_str(&message.content).unwrap_or_default();
    Some(word["approve"].as_bool().unwrap_or(false))
}

/// The calls of the last assistant message that have no result yet.
pub fn waiting_calls(messages: &[Message]) -> Vec<ToolCall> {
    let Some(asked) = messages.iter().rposition(|message| !message.tool_calls.is_empty()) else { return Vec::new() };
    let answered = |call: &&ToolCall| {
        !messages[asked..]
            .iter()
            .any(|message| message.role == Role::Tool && message.tool_call_id.as_deref() == Some(call.id.as_str()))
    };
    messages[asked].tool_calls.iter().filter(answered).cloned().collect()
}

/// A message of a turn without anything but its text.
pub(crate) fn new_message(
    thread: &Thread,
    turn_id: Option<&TurnId>,
    role: Role,
    content: String,
    now_ms: i64,
) -> NewMessage {
    NewMessage {
        conversation_id: thread.conversation_id.clone(),
        turn_id: turn_id.cloned(),
        ..NewMessage::said(&thread.agent_id, role, content, now_ms)
    }
}

fn said_message(thread: &Thread, turn_id: Option<&TurnId>, said: &Said, now_ms: i64) -> NewMessage {
    let Said { role, text, otid, sender_id, name, origin_id } = said.clone();
    NewMessage { otid, sender_id, name, origin_id, ..new_message(thread, turn_id, role, text, now_ms) }
}

fn clean(text: &str) -> Result<String, AgentError> {
    let text = text.replace('\0', "");
    if text.trim().is_empty() { Err(AgentError::Empty) } else { Ok(text) }
}

/// Refuses a thread that is not there or in the bin; whether its window begins anew with each turn.
fn require_thread(w: &Writer<'_>, thread: &Thread) -> Result<bool, AgentError> {
    let Thread { agent_id, conversation_id } = thread;
    let agent = w.agent(agent_id)?.filter(|agent| agent.deleted_at_ms.is_none());
    let agent = agent.ok_or_else(|| AgentError::AgentNotFound(agent_id.clone()))?;
    if let Some(id) = conversation_id {
        let live = w.conversation(id)?.filter(|found| found.deleted_at_ms.is_none() && found.agent_id == *agent_id);
        live.ok_or_else(|| AgentError::ConversationNotFound(id.clone()))?;
    }
    Ok(agent.settings.get(AUTOCLEAR).and_then(Value::as_bool).unwrap_or(false))
}

fn require_idle(w: &Writer<'_>, thread: &Thread) -> Result<(), AgentError> {
    let busy = w.latest_turn(thread)?.is_some_and(|turn| turn.status == TurnStatus::Running);
    if busy { Err(AgentError::Busy { agent_id: thread.agent_id.clone() }) } else { Ok(()) }
}

fn live_message(w: &Writer<'_>, id: &MessageId) -> Result<Message, AgentError> {
    let message = w.message(id)?.filter(|message| message.deleted_at_ms.is_none());
    message.ok_or_else(|| AgentError::MessageNotFound(id.clone()))
}

/// A message that was evicted is answered anew only if it can be seen.
fn bring_into_window(w: &mut Writer<'_>, message: &Message) -> Result<(), AgentError> {
    if message.seq < w.window_start(message)? {
        w.set_window_start(message, message.seq)?;
    }
    Ok(())
}

/// Records what is said and the turn that answers the last thing that the user said of it, else the last of all.
fn say(w: &mut Writer<'_>, turn: Turn, messages: Vec<Said>, clears: bool) -> Result<(Turn, Vec<Message>), AgentError> {
    let thread = Thread::from(&turn);
    let asked = messages.iter().rposition(|said| said.role == Role::User).or(messages.len().checked_sub(1));
    let asked = asked.ok_or(AgentError::Empty)?;
    let group_id = TurnOptions::of(&turn).group_id;
    let message = |said| NewMessage {
        group_id: group_id.clone(),
        ..said_message(&thread, Some(&turn.id), said, turn.started_at_ms)
    };
    let new: Vec<_> = messages.iter().map(message).collect();
    let turn = Turn { message_id: Some(new[asked].id.clone()), ..turn };
    w.insert_turn(&turn)?;
    let messages: Vec<_> = new.iter().map(|message| w.append_message(message)).collect::<Result<_, _>>()?;
    if let Some(first) = messages.first().filter(|_| clears) {
        w.set_window_start(&thread, first.seq)?;
    }
    Ok((turn, messages))
}

fn running_turn(thread: &Thread, message_id: MessageId, now_ms: i64) -> Turn {
    Turn {
        id: TurnId::new(),
        agent_id: thread.agent_id.clone(),
        conversation_id: thread.conversation_id.clone(),
        message_id: Some(message_id),
        status: TurnStatus::Running,
        stop_reason: None,
        error: None,
        request_key: None,
        options: json!({}),
        started_at_ms: now_ms,
        ended_at_ms: None,
    }
}
