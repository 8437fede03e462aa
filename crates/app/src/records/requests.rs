//! Turns as clients ask for them: several messages, options of the turn, word on calls that wait, and requests that are
//! known again.

use std::sync::Arc;

use resident_agent::{
    Decision, Said, TurnOptions, TurnRequest, begin_request, begin_retry, calls_to_decide, decide_calls,
    reset_messages, system_text,
};
use resident_store::{AgentId, Message, Role, Thread, ToolCall, Turn, TurnId, TurnStatus};

use crate::App;
use crate::api::{ApiError, EventKind, TurnView};
use crate::event_log::About;
use crate::requests::check_size;
use crate::views::turn_view;

/// Calls of a turn that wait for a client.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingCalls {
    /// The turn.
    pub turn_id: TurnId,
    /// The message that makes the calls.
    pub message_id: String,
    /// The calls, in their order.
    pub calls: Vec<ToolCall>,
}

impl App {
    /// Records what is said and begins the turn that answers it; the turn goes on in events.
    pub fn begin_turn(self: &Arc<Self>, request: &TurnRequest) -> Result<TurnView, ApiError> {
        self.agent_in_use(request.thread.agent_id.as_str())?;
        for said in &request.messages {
            check_size(&said.text)?;
        }
        let options: TurnOptions = serde_json::from_value(request.options.clone())
            .map_err(|error| ApiError::invalid(format!("What is asked of the turn cannot be read: {error}.")))?;
        self.checked_model(options.model)?;
        let (turn, messages) = begin_request(&self.store, request)?;
        Ok(self.start_turn(turn, messages))
    }

    /// Begins a turn anew that was interrupted or failed.
    pub fn begin_anew(self: &Arc<Self>, turn_id: &str) -> Result<TurnView, ApiError> {
        let (turn, message) = begin_retry(&self.store, &TurnId::from(turn_id))?;
        self.send(About::agent(turn.agent_id.as_str()), EventKind::MessagesChanged);
        Ok(self.start_turn(turn, [message]))
    }

    /// The turn that a client's request began, when it was asked before.
    pub fn turn_of_request(&self, agent_id: &str, request_key: &str) -> Result<Option<Turn>, ApiError> {
        self.store.read(|reader| Ok(reader.turn_by_request_key(&AgentId::from(agent_id), request_key)?))
    }

    /// The calls for which a thread's latest turn waits.
    pub fn pending_calls(&self, thread: &Thread) -> Result<Option<PendingCalls>, ApiError> {
        self.latest_turn_of(thread)?.map(|turn| self.pending_calls_of(turn)).transpose().map(Option::flatten)
    }

    /// The calls for which a turn waits, which is the latest of its thread.
    pub fn pending_calls_of(&self, turn: Turn) -> Result<Option<PendingCalls>, ApiError> {
        let calls = calls_to_decide(&self.store, &turn)?;
        let Some(first) = calls.first() else { return Ok(None) };
        let messages = self.store.read::<_, ApiError>(|reader| Ok(reader.messages_of_turn(&turn.id)?))?;
        let asking = messages.into_iter().rfind(|message| message.tool_calls.contains(first));
        Ok(asking.map(|message| PendingCalls { turn_id: turn.id, message_id: message.id.0, calls }))
    }

    /// Records the word on calls that wait, and what is said besides; their turn goes on in events.
    pub fn decide(
        self: &Arc<Self>,
        turn_id: &TurnId,
        decisions: &[(String, Decision)],
        besides: &[Said],
    ) -> Result<TurnView, ApiError> {
        let (turn, recorded) = decide_calls(&self.store, turn_id, decisions, besides)?;
        let denied = |message: &Message| {
            let decision = decisions.iter().find(|(id, _)| message.tool_call_id.as_ref() == Some(id));
            decision.is_none_or(|(_, decision)| matches!(decision, Decision::Deny { .. }))
        };
        // What a client brought itself it need not be told; that a call did not run it must.
        let told = recorded.into_iter().filter(|message| message.role != Role::System && denied(message));
        Ok(self.start_turn(turn, told))
    }

    /// Ends a turn that waits: none of its calls will run.
    pub fn cancel_waiting(&self, pending: &PendingCalls) -> Result<(), ApiError> {
        let deny = Decision::Deny { reason: Some("The turn was cancelled.".to_owned()) };
        let decisions: Vec<_> = pending.calls.iter().map(|call| (call.id.clone(), deny.clone())).collect();
        let (turn, _) = decide_calls(&self.store, &pending.turn_id, &decisions, &[])?;
        let ended = Turn {
            status: TurnStatus::Cancelled,
            stop_reason: Some("cancelled".to_owned()),
            ended_at_ms: Some(self.store.now_ms()),
            ..turn
        };
        self.write(|writer| Ok(writer.update_turn(&ended)?))?;
        self.send(About::turn(&ended), EventKind::TurnEnded { turn: turn_view(ended) });
        Ok(())
    }

    /// Empties the window of a thread; what was said stays in recall memory.
    pub fn reset_thread(&self, thread: &Thread, initial: &[Said]) -> Result<(), ApiError> {
        reset_messages(&self.store, thread, initial)?;
        self.send(About::agent(thread.agent_id.as_str()), EventKind::MessagesChanged);
        Ok(())
    }

    /// The instructions of a thread as its model reads them, with its blocks.
    pub fn system_text(&self, thread: &Thread) -> Result<String, ApiError> {
        Ok(system_text(&self.store, thread)?)
    }

    /// Whether a turn of the thread runs, begun through any door.
    pub fn thread_is_busy(&self, thread: &Thread) -> Result<bool, ApiError> {
        let latest = self.store.read::<_, ApiError>(|reader| Ok(reader.latest_turn(thread)?))?;
        Ok(latest.is_some_and(|turn| turn.status == TurnStatus::Running))
    }
}
