//! How turns begin: with a message, anew, with an edited message, or with the user's word on a call that waits. Each is
//! one transaction, committed before anything else happens, so that nothing the user typed depends on what follows.

use resident_store::{
    AgentId, Message, MessageId, NewMessage, Role, Store, ToolCall, ToolStatus, Turn, TurnId, TurnStatus, Writer,
};
use serde_json::json;

use crate::AgentError;
use crate::step::StopReason;

/// The name under which the user's approval of a call is recorded.
pub(crate) const APPROVAL: &str = "approval";

/// Records what the user said and the turn that answers it.
///
/// # Errors
/// [`AgentError::Empty`] without text, [`AgentError::Busy`] while another turn of the agent runs.
pub fn begin_turn(store: &Store, agent_id: &AgentId, text: &str) -> Result<(Turn, Message), AgentError> {
    let text = clean(text)?;
    let now_ms = store.now_ms();
    store.write(|w| {
        require_agent(w, agent_id)?;
        require_idle(w, agent_id)?;
        say(w, agent_id, text, now_ms)
    })
}

/// Begins a turn anew: what followed its user message goes to the bin, what it changed in memory stays.
///
/// # Errors
/// When there is no such turn, its message is gone, or a turn of the agent runs.
pub fn begin_retry(store: &Store, turn_id: &TurnId) -> Result<(Turn, Message), AgentError> {
    let now_ms = store.now_ms();
    store.write(|w| {
        let old = w.turn(turn_id)?.ok_or_else(|| AgentError::TurnNotFound(turn_id.clone()))?;
        require_idle(w, &old.agent_id)?;
        let message_id = old.message_id.ok_or_else(|| AgentError::TurnNotFound(turn_id.clone()))?;
        let message = user_message(w, &message_id)?;
        w.delete_messages_from(&old.agent_id, message.seq + 1, now_ms)?;
        bring_into_window(w, &message)?;
        let turn = insert_turn(w, &old.agent_id, &message.id, now_ms)?;
        Ok((turn, message))
    })
}

/// Says a message anew: it and all that followed go to the bin, and a turn begins with `text`.
///
/// # Errors
/// When it is not a message of the user, `text` is empty, or a turn of the agent runs.
pub fn begin_edit(store: &Store, message_id: &MessageId, text: &str) -> Result<(Turn, Message), AgentError> {
    let text = clean(text)?;
    let now_ms = store.now_ms();
    store.write(|w| {
        let old = user_message(w, message_id)?;
        require_idle(w, &old.agent_id)?;
        w.delete_messages_from(&old.agent_id, old.seq, now_ms)?;
        say(w, &old.agent_id, text, now_ms)
    })
}

/// What the user says of a call that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may run.
    Approve,
    /// It may not.
    Deny {
        /// Why; told to the agent.
        reason: Option<String>,
    },
}

/// Records the user's word on the call for which the turn waits. The turn runs again: hand it to [`crate::run_turn`].
///
/// # Errors
/// [`AgentError::NotPending`] unless the turn is the agent's latest and waits.
pub fn decide_approval(store: &Store, turn_id: &TurnId, decision: &Decision) -> Result<Turn, AgentError> {
    let now_ms = store.now_ms();
    store.write(|w| {
        let turn = w.turn(turn_id)?.ok_or_else(|| AgentError::TurnNotFound(turn_id.clone()))?;
        require_idle(w, &turn.agent_id)?;
        let is_latest = w.latest_turn(&turn.agent_id)?.is_some_and(|latest| latest.id == turn.id);
        let waits = turn.stop_reason.as_deref() == Some(StopReason::RequiresApproval.as_str());
        let call = waiting_calls(&w.messages_of_turn(turn_id)?).into_iter().next();
        let (Some(call), true) = (call, is_latest && waits) else {
            return Err(AgentError::NotPending(turn_id.clone()));
        };
        let message = match decision {
            Decision::Approve => {
                let content = json!({ "approve": true, "tool_call_id": call.id }).to_string();
                let mut message = new_message(&turn.agent_id, Some(&turn.id), Role::System, content, now_ms);
                message.name = Some(APPROVAL.to_owned());
                message.tool_call_id = Some(call.id);
                message
            }
            Decision::Deny { reason } => {
                let reason = reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
                let content = match reason {
                    Some(reason) => format!("The user did not allow this call: {reason}"),
                    None => "The user did not allow this call.".to_owned(),
                };
                let mut message = new_message(&turn.agent_id, Some(&turn.id), Role::Tool, content, now_ms);
                message.name = Some(call.name);
                message.tool_call_id = Some(call.id);
                message.tool_status = Some(ToolStatus::Failed);
                message
            }
        };
        w.append_message(&message)?;
        let turn = Turn { status: TurnStatus::Running, stop_reason: None, error: None, ended_at_ms: None, ..turn };
        w.update_turn(&turn)?;
        Ok(turn)
    })
}

/// The calls of the last assistant message that have no result yet.
pub(crate) fn waiting_calls(messages: &[Message]) -> Vec<ToolCall> {
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
    agent_id: &AgentId,
    turn_id: Option<&TurnId>,
    role: Role,
    content: String,
    now_ms: i64,
) -> NewMessage {
    NewMessage {
        id: MessageId::new(),
        agent_id: agent_id.clone(),
        conversation_id: None,
        turn_id: turn_id.cloned(),
        step_id: None,
        role,
        content,
        thoughts: None,
        tool_calls: Vec::new(),
        tool_call_id: None,
        name: None,
        tool_status: None,
        otid: None,
        sender_id: None,
        created_at_ms: now_ms,
    }
}

fn clean(text: &str) -> Result<String, AgentError> {
    let text = text.replace('\0', "");
    if text.trim().is_empty() { Err(AgentError::Empty) } else { Ok(text) }
}

fn require_agent(w: &Writer<'_>, agent_id: &AgentId) -> Result<(), AgentError> {
    let agent = w.agent(agent_id)?.filter(|agent| agent.deleted_at_ms.is_none());
    agent.map(drop).ok_or_else(|| AgentError::AgentNotFound(agent_id.clone()))
}

fn require_idle(w: &Writer<'_>, agent_id: &AgentId) -> Result<(), AgentError> {
    let busy = w.latest_turn(agent_id)?.is_some_and(|turn| turn.status == TurnStatus::Running);
    if busy { Err(AgentError::Busy { agent_id: agent_id.clone() }) } else { Ok(()) }
}

fn user_message(w: &Writer<'_>, id: &MessageId) -> Result<Message, AgentError> {
    let message = w.message(id)?.filter(|message| message.deleted_at_ms.is_none());
    let message = message.ok_or_else(|| AgentError::MessageNotFound(id.clone()))?;
    if message.role == Role::User { Ok(message) } else { Err(AgentError::NotUserMessage(id.clone())) }
}

/// A message that was evicted is answered anew only if it can be seen.
fn bring_into_window(w: &mut Writer<'_>, message: &Message) -> Result<(), AgentError> {
    let start = w.agent(&message.agent_id)?.map_or(0, |agent| agent.window_start_seq);
    if message.seq < start {
        w.set_window_start(&message.agent_id, message.seq)?;
    }
    Ok(())
}

fn say(w: &mut Writer<'_>, agent_id: &AgentId, text: String, now_ms: i64) -> Result<(Turn, Message), AgentError> {
    let turn_id = TurnId::new();
    let message = new_message(agent_id, Some(&turn_id), Role::User, text, now_ms);
    let turn = running_turn(turn_id, agent_id, &message.id, now_ms);
    w.insert_turn(&turn)?;
    let message = w.append_message(&message)?;
    Ok((turn, message))
}

fn insert_turn(
    w: &mut Writer<'_>,
    agent_id: &AgentId,
    message_id: &MessageId,
    now_ms: i64,
) -> Result<Turn, AgentError> {
    let turn = running_turn(TurnId::new(), agent_id, message_id, now_ms);
    w.insert_turn(&turn)?;
    Ok(turn)
}

fn running_turn(id: TurnId, agent_id: &AgentId, message_id: &MessageId, now_ms: i64) -> Turn {
    Turn {
        id,
        agent_id: agent_id.clone(),
        conversation_id: None,
        message_id: Some(message_id.clone()),
        status: TurnStatus::Running,
        stop_reason: None,
        error: None,
        request_key: None,
        options: serde_json::json!({}),
        started_at_ms: now_ms,
        ended_at_ms: None,
    }
}
