//! Turns and messages.

use resident_store::{
    AgentId, Message, MessageId, MessageListing, Step, StepId, StepListing, Thread, ToolCall, Turn, TurnId, TurnListing,
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
        self.store.read(|reader| {
            let mut messages = reader.messages_of_turn(&turn.id)?;
            let waits = turn.stop_reason.as_deref() == Some("requires_approval");
            let waiting = if waits { resident_agent::waiting_calls(&messages) } else { Vec::new() };
            messages.retain(|message| message.name.as_deref() != Some(APPROVAL));
            let start = reader.agent(&turn.agent_id)?.map_or(0, |agent| agent.window_start_seq);
            Ok(messages.into_iter().map(|message| message_row(message, &waiting, start)).collect())
        })
    }

    /// Messages of any agents that are not in the bin.
    pub fn rows_of_all(&self, listing: &MessageListing) -> Result<Vec<MessageRow>, ApiError> {
        self.store.read(|reader| {
            let mut messages = reader.list_messages(listing)?;
            messages.retain(|message| message.name.as_deref() != Some(APPROVAL));
            Ok(messages.into_iter().map(|message| message_row(message, &[], i64::MAX)).collect())
        })
    }

    /// A message with its calls that wait.
    pub fn message_row(&self, message_id: &str) -> Result<MessageRow, ApiError> {
        let message = self.message_record(message_id)?;
        let rows = match &message.turn_id {
            Some(turn_id) => self.rows_of_turn(turn_id.as_str())?,
            None => Vec::new(),
        };
        let row = rows.into_iter().find(|row| row.message.id == message_id);
        Ok(row.unwrap_or_else(|| message_row(message, &[], i64::MAX)))
    }

    /// Messages of a thread, oldest first: those after and before others, at most so many from the newer or the older end.
    pub fn message_rows(
        &self,
        thread: &Thread,
        after_id: Option<&str>,
        before_id: Option<&str>,
        (limit, newest): (usize, bool),
    ) -> Result<Vec<MessageRow>, ApiError> {
        self.agent_record(thread.agent_id.as_str())?;
        let seq = |id: Option<&str>| id.map(|id| self.message_record(id).map(|message| message.seq)).transpose();
        let (after, before) = (seq(after_id)?, seq(before_id)?);
        self.store.read(|reader| {
            let mut messages = if newest {
                let mut messages = reader.messages_before(thread, before, limit)?;
                messages.retain(|message| after.is_none_or(|seq| message.seq > seq));
                messages
            } else {
                let mut messages = reader.messages_after(thread, after.unwrap_or(i64::MIN), limit)?;
                messages.retain(|message| before.is_none_or(|seq| message.seq < seq));
                messages
            };
            messages.retain(|message| message.name.as_deref() != Some(APPROVAL));
            let window_start = reader.window_start(thread)?;
            let latest = reader.latest_turn(thread)?;
            let waiting = latest.filter(|turn| turn.stop_reason.as_deref() == Some("requires_approval"));
            let waiting = match waiting {
                Some(turn) => resident_agent::waiting_calls(&reader.messages_of_turn(&turn.id)?),
                None => Vec::new(),
            };
            let rows = messages.into_iter().map(|message| message_row(message, &waiting, window_start));
            Ok(rows.collect())
        })
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

/// The name under which a person's word on a call is recorded; it is no message of the conversation.
const APPROVAL: &str = "approval";

fn message_row(message: Message, waiting: &[ToolCall], window_start_seq: i64) -> MessageRow {
    let calls = message.tool_calls.iter().filter(|call| waiting.contains(call)).cloned();
    let waiting = calls.map(tool_call_view).collect();
    let conversation_id = message.conversation_id.clone().map(|id| id.0);
    MessageRow { waiting, conversation_id, message: message_view(message, window_start_seq) }
}

/// A message, and those of its calls that wait for a person or a client.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRow {
    /// The message.
    pub message: MessageView,
    /// The conversation; `None` is the agent's own thread.
    pub conversation_id: Option<String>,
    /// Its calls that wait.
    pub waiting: Vec<ToolCallView>,
}
