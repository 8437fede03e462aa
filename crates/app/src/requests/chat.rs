//! Requests about messages and turns.

use std::collections::HashSet;
use std::sync::Arc;

use resident_agent::{Decision, begin_edit, begin_retry, begin_turn, check_length};
use resident_memory::{RecallHit, RecallQuery};
use resident_store::{Agent, AgentId, Message, MessageId, Reader, Role, TurnId};

use crate::App;
use crate::api::{
    ApiError, DecideApproval, EditMessage, EventKind, ListMessages, ListSteps, MessageHit, MessagePage, MessageRef,
    MessageView, Nothing, SearchMessages, SendMessage, StepView, TurnRef, TurnView,
};
use crate::changes::changes_of_turns;
use crate::event_log::About;
use crate::views::{message_view, role, step_view, turn_view};

/// No page is longer than this.
const MOST_MESSAGES: usize = 500;

/// A message larger than this is refused before it is recorded; 1 MB pasted is far below any window that could hold it,
/// and gets the clearer answer that names the window.
const MOST_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

impl App {
    /// A page of messages with the turns they belong to and what those changed.
    pub fn list_messages(&self, request: ListMessages) -> Result<MessagePage, ApiError> {
        let ListMessages { agent_id, before_seq, after_seq, around_message_id, limit } = request;
        let limit = limit.clamp(1, MOST_MESSAGES);
        let agent = self.agent(&agent_id)?;
        self.store.read(|reader| {
            let messages = match (around_message_id, after_seq) {
                (Some(id), _) => around(reader, &agent.id, &MessageId(id), limit)?,
                (None, Some(after_seq)) => reader.messages_after(&agent.id, after_seq, limit)?,
                (None, None) => reader.messages_before(&agent.id, before_seq, limit)?,
            };
            let first = messages.first().map(|message| message.seq);
            let last = messages.last().map(|message| message.seq);
            let has_more_before = match first {
                Some(seq) => !reader.messages_before(&agent.id, Some(seq), 1)?.is_empty(),
                None => false,
            };
            let has_more_after = match last {
                Some(seq) => !reader.messages_after(&agent.id, seq, 1)?.is_empty(),
                None => false,
            };
            let mut seen = HashSet::new();
            let turn_ids = messages.iter().filter_map(|message| message.turn_id.clone());
            let turn_ids: Vec<TurnId> = turn_ids.filter(|id| seen.insert(id.clone())).collect();
            Ok(MessagePage {
                turns: reader.turns(&turn_ids)?.into_iter().map(turn_view).collect(),
                changes: changes_of_turns(reader, &turn_ids)?,
                messages: messages.into_iter().map(|message| message_view(message, agent.window_start_seq)).collect(),
                has_more_before,
                has_more_after,
            })
        })
    }

    /// Records a message and begins a turn; the turn goes on in events.
    pub fn send_message(self: &Arc<Self>, request: SendMessage) -> Result<TurnView, ApiError> {
        let agent = self.agent_in_use(&request.agent_id)?;
        check_size(&request.text)?;
        self.check_fits(&agent, &request.text)?;
        let (turn, message) = begin_turn(&self.store, &agent.id, &request.text)?;
        Ok(self.start_turn(turn, [message]))
    }

    /// Refuses what no answer could come of, where that is known without loading a model; otherwise the turn says so.
    fn check_fits(&self, agent: &Agent, text: &str) -> Result<(), ApiError> {
        let handle = agent.model.clone().map_or_else(|| self.default_model(), Ok)?;
        let Some(model) = self.models.language_if_loaded(&handle) else { return Ok(()) };
        let settings = self.settings()?.for_agents();
        Ok(check_length(&self.turn_context(model.as_ref(), &settings), agent, text)?)
    }

    /// Stops a turn.
    pub fn cancel_turn(&self, request: TurnRef) -> Result<Nothing, ApiError> {
        let id = TurnId(request.turn_id);
        if !self.drivers.cancel(&id) && self.store.read::<_, ApiError>(|reader| Ok(reader.turn(&id)?))?.is_none() {
            return Err(ApiError::not_found("turn", id.as_str()));
        }
        Ok(Nothing {})
    }

    /// Begins a turn anew: what it answered goes to the bin, what it remembered stays.
    pub fn retry_turn(self: &Arc<Self>, request: TurnRef) -> Result<TurnView, ApiError> {
        let (turn, message) = begin_retry(&self.store, &TurnId(request.turn_id))?;
        self.send(About::agent(turn.agent_id.as_str()), EventKind::MessagesChanged);
        Ok(self.start_turn(turn, [message]))
    }

    /// Allows or denies the tool call that a turn waits with; the turn goes on in events.
    pub fn decide_approval(self: &Arc<Self>, request: DecideApproval) -> Result<TurnView, ApiError> {
        let DecideApproval { turn_id, approve, reason } = request;
        let decision = if approve { Decision::Approve } else { Decision::Deny { reason } };
        let turn = resident_agent::decide_approval(&self.store, &TurnId(turn_id), &decision)?;
        Ok(self.resume_turn(turn))
    }

    /// Says a message anew: it and all that followed go to the bin, and a turn begins.
    pub fn edit_message(self: &Arc<Self>, request: EditMessage) -> Result<TurnView, ApiError> {
        check_size(&request.text)?;
        let (turn, message) = begin_edit(&self.store, &MessageId(request.message_id), &request.text)?;
        self.send(About::agent(turn.agent_id.as_str()), EventKind::MessagesChanged);
        Ok(self.start_turn(turn, [message]))
    }

    /// Moves a message to the bin.
    pub fn delete_message(&self, request: MessageRef) -> Result<Nothing, ApiError> {
        self.set_message_deleted(&request.message_id, Some(self.store.now_ms()))?;
        Ok(Nothing {})
    }

    /// Takes a message out of the bin.
    pub fn restore_message(&self, request: MessageRef) -> Result<MessageView, ApiError> {
        let message = self.set_message_deleted(&request.message_id, None)?;
        let agent = self.agent(message.agent_id.as_str())?;
        Ok(message_view(message, agent.window_start_seq))
    }

    fn set_message_deleted(&self, message_id: &str, at_ms: Option<i64>) -> Result<Message, ApiError> {
        let id = MessageId::from(message_id);
        let message = self.write(|writer| {
            writer.set_message_deleted(&id, at_ms)?;
            writer.message(&id)?.ok_or_else(|| ApiError::not_found("message", message_id))
        })?;
        self.send(About::agent(message.agent_id.as_str()), EventKind::MessagesChanged);
        Ok(message)
    }

    /// Searches everything said.
    pub fn search_messages(&self, request: SearchMessages) -> Result<Vec<MessageHit>, ApiError> {
        let SearchMessages { agent_id, query, roles, from_ms, to_ms, limit } = request;
        let agent = self.agent(&agent_id)?;
        let roles: Vec<Role> = roles.into_iter().map(role).collect();
        let query = RecallQuery {
            text: query,
            roles,
            from_ms,
            to_ms,
            conversation_id: None,
            limit: limit.clamp(1, MOST_MESSAGES),
            exclude_turn: None,
        };
        let view = |message| message_view(message, agent.window_start_seq);
        let hits = self.memory.search_messages(&agent.id, &query)?;
        Ok(hits
            .into_iter()
            .map(|RecallHit { message, score, reasons, before, after }| MessageHit {
                message: view(message),
                score,
                reasons: reasons.iter().map(ToString::to_string).collect(),
                neighbours: before.into_iter().chain(after).map(view).collect(),
            })
            .collect())
    }

    /// Steps with what they saw and did.
    pub fn list_steps(&self, request: ListSteps) -> Result<Vec<StepView>, ApiError> {
        let ListSteps { agent_id, turn_id, limit } = request;
        self.store.read(|reader| {
            let steps = match turn_id {
                Some(turn_id) => reader.steps_of_turn(&TurnId(turn_id))?,
                None => reader.latest_steps(&AgentId(agent_id), limit.clamp(1, MOST_MESSAGES))?,
            };
            Ok(steps.into_iter().map(step_view).collect())
        })
    }
}

pub(crate) fn check_size(text: &str) -> Result<(), ApiError> {
    if text.len() > MOST_MESSAGE_BYTES {
        return Err(ApiError::new(
            crate::api::ErrorCode::TooLong,
            format!("A message has at most {} MB.", MOST_MESSAGE_BYTES / (1024 * 1024)),
        )
        .with_hint("Add it to the archive as a document instead."));
    }
    Ok(())
}

/// A page with a message in its middle.
fn around(reader: &Reader<'_>, agent_id: &AgentId, id: &MessageId, limit: usize) -> Result<Vec<Message>, ApiError> {
    let middle = reader.message(id)?.filter(|message| &message.agent_id == agent_id);
    let middle = middle.ok_or_else(|| ApiError::not_found("message", id.as_str()))?;
    let mut messages = reader.messages_before(agent_id, Some(middle.seq), limit / 2)?;
    messages.extend(reader.messages_after(agent_id, middle.seq - 1, limit - limit / 2)?);
    Ok(messages)
}
