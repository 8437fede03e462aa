//! Turns and messages.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use resident_agent::{TurnOptions, waiting_calls, word_on_call};
use resident_store::{
    AgentId, Message, MessageId, MessageListing, Page, Reader, Step, StepId, StepListing, Thread, ToolCall, Turn,
    TurnId, TurnListing,
};
use serde_json::{Value, json};

use crate::App;
use crate::api::{ApiError, MessageView, StepView, ToolCallView, TurnView};
use crate::views::{message_view, step_view, tool_call_view, turn_view};

impl App {
    /// The message called `id` that is not in the bin.
    pub fn message_record(&self, message_id: &str) -> Result<Message, ApiError> {
        let id = MessageId::from(message_id);
        let message = self.store.read::<_, ApiError>(|reader| Ok(reader.message(&id)?))?;
        message
            .filter(|message| message.deleted_at_ms.is_none())
            .ok_or_else(|| ApiError::not_found("message", message_id))
    }

    /// A turn with its messages that are not in the bin, oldest first, and its steps in their order.
    pub fn turn_in_full(&self, turn_id: &str) -> Result<(TurnView, Vec<MessageView>, Vec<StepView>), ApiError> {
        let id = TurnId::from(turn_id);
        self.store.read(|reader| {
            let turn = reader.turn(&id)?.ok_or_else(|| ApiError::not_found("run", turn_id))?;
            let steps = reader.steps_of_turn(&id)?.into_iter().map(step_view).collect();
            let messages = reader.messages_of_turn(&id)?.into_iter();
            let start = reader.agent(&turn.agent_id)?.map_or(0, |agent| agent.window_start_seq);
            Ok((turn_view(turn), messages.map(|message| message_view(message, start)).collect(), steps))
        })
    }

    /// Turns, of any agents.
    pub fn turn_records(&self, listing: &TurnListing) -> Result<Vec<Turn>, ApiError> {
        self.store.read(|reader| Ok(reader.list_turns(listing)?))
    }

    /// A turn.
    pub fn turn_record(&self, turn_id: &str) -> Result<Turn, ApiError> {
        let turn = self.store.read::<_, ApiError>(|reader| Ok(reader.turn(&TurnId::from(turn_id))?))?;
        turn.ok_or_else(|| ApiError::not_found("run", turn_id))
    }

    /// Steps, of any agents.
    pub fn step_records(&self, listing: &StepListing) -> Result<Vec<Step>, ApiError> {
        self.store.read(|reader| Ok(reader.list_steps(listing)?))
    }

    /// A step.
    pub fn step_record(&self, step_id: &str) -> Result<Step, ApiError> {
        let step = self.store.read::<_, ApiError>(|reader| Ok(reader.step(&StepId::from(step_id))?))?;
        step.ok_or_else(|| ApiError::not_found("step", step_id))
    }

    /// Keeps a note with a step, beside what it saw and did.
    pub fn note_on_step(&self, step_id: &str, name: &str, value: Value) -> Result<Step, ApiError> {
        let mut step = self.step_record(step_id)?;
        if !step.trace.is_object() {
            step.trace = json!({});
        }
        step.trace[name] = value;
        self.write(|writer| Ok(writer.update_step_trace(&step.id, &step.trace)?))?;
        Ok(step)
    }

    /// The messages of a turn that are not in the bin, oldest first.
    pub fn rows_of_turn(&self, turn_id: &str) -> Result<Vec<MessageRow>, ApiError> {
        let turn = self.turn_record(turn_id)?;
        self.store.read(|reader| rows(reader, reader.messages_of_turn(&turn.id)?))
    }

    /// Messages of any agents that are not in the bin, oldest first: those after and before others, at most so many from
    /// the newer or the older end.
    pub fn message_rows(
        &self,
        listing: MessageListing,
        after_id: Option<&str>,
        before_id: Option<&str>,
        (limit, newest): (usize, bool),
    ) -> Result<Vec<MessageRow>, ApiError> {
        for id in after_id.into_iter().chain(before_id) {
            self.message_record(id)?;
        }
        let page = Page {
            newer_than: after_id.map(str::to_owned),
            older_than: before_id.map(str::to_owned),
            // Bounded on one side only, a page is what stands next to that bound; here the end is chosen all the same.
            newest_first: newest,
            limit,
        };
        self.store.read(|reader| {
            let mut messages = reader.list_messages(&MessageListing { page, ..listing })?;
            messages.sort_by_key(|message| message.seq);
            rows(reader, messages)
        })
    }

    /// A message with its calls that wait.
    pub fn message_row(&self, message_id: &str) -> Result<MessageRow, ApiError> {
        let message = self.message_record(message_id)?;
        let mut found = self.store.read(|reader| rows(reader, vec![message]))?;
        found.pop().ok_or_else(|| ApiError::not_found("message", message_id))
    }

    /// The turn of an agent, in its own thread, that began last.
    pub fn latest_turn_record(&self, agent_id: &str) -> Result<Option<Turn>, ApiError> {
        self.latest_turn_of(&Thread::own(&AgentId::from(agent_id)))
    }

    /// The turn of a thread that began last.
    pub fn latest_turn_of(&self, thread: &Thread) -> Result<Option<Turn>, ApiError> {
        self.store.read(|reader| Ok(reader.latest_turn(thread)?))
    }

    /// The messages of a turn that are not in the bin, with the words on its calls.
    pub fn messages_of_turn(&self, turn_id: &str) -> Result<Vec<Message>, ApiError> {
        self.store.read(|reader| Ok(reader.messages_of_turn(&TurnId::from(turn_id))?))
    }
}

/// A message as clients of V1 are told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRow {
    /// The message.
    pub message: MessageView,
    /// The conversation; `None` is the agent's own thread.
    pub conversation_id: Option<String>,
    /// Its calls that had, or have, to be allowed or to be run by a client.
    pub guarded: Vec<ToolCallView>,
    /// Whether a call may run, where the message is a person's word on one.
    pub word: Option<bool>,
}

fn rows(reader: &Reader<'_>, messages: Vec<Message>) -> Result<Vec<MessageRow>, ApiError> {
    let mut guarded: HashMap<TurnId, Vec<String>> = HashMap::new();
    let calling = messages.iter().filter(|message| !message.tool_calls.is_empty());
    for turn_id in calling.filter_map(|message| message.turn_id.clone()) {
        if let Entry::Vacant(place) = guarded.entry(turn_id) {
            let calls = guarded_calls(reader, place.key())?;
            place.insert(calls);
        }
    }
    let row = |message: Message| {
        let of_turn = message.turn_id.as_ref().and_then(|id| guarded.get(id));
        let is_guarded = |call: &&ToolCall| of_turn.is_some_and(|ids| ids.contains(&call.id));
        let calls = message.tool_calls.iter().filter(is_guarded).cloned().map(tool_call_view).collect();
        MessageRow {
            guarded: calls,
            conversation_id: message.conversation_id.clone().map(|id| id.0),
            word: word_on_call(&message),
            message: message_view(message, i64::MAX),
        }
    };
    Ok(messages.into_iter().map(row).collect())
}

/// The ids of the calls of a turn that a person was, or is, asked about, and of those that a client runs.
fn guarded_calls(reader: &Reader<'_>, turn_id: &TurnId) -> Result<Vec<String>, ApiError> {
    let Some(turn) = reader.turn(turn_id)? else { return Ok(Vec::new()) };
    let messages = reader.messages_of_turn(turn_id)?;
    let asked = messages.iter().filter(|message| word_on_call(message).is_some());
    let mut ids: Vec<String> = asked.filter_map(|message| message.tool_call_id.clone()).collect();
    if turn.stop_reason.as_deref() == Some("requires_approval") {
        ids.extend(waiting_calls(&messages).into_iter().map(|call| call.id));
    }
    let clients = TurnOptions::of(&turn).client_tools;
    let calls = messages.iter().flat_map(|message| &message.tool_calls);
    ids.extend(calls.filter(|call| clients.iter().any(|tool| tool.name == call.name)).map(|call| call.id.clone()));
    Ok(ids)
}
