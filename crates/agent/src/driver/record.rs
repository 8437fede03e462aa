//! What a turn records of itself. Records wait until the driver turns to something else (the model, a tool, the end) and
//! are then one transaction, so that an answer, its step and the end of its turn are there together or not at all.

use resident_store::{NewMessage, Role, Step, ToolCall, ToolStatus, Turn};

use super::Driver;
use super::trace::OpenStep;
use crate::AgentError;
use crate::events::AgentEvent;
use crate::step::{Answer, NoteKind, TurnEnd};
use crate::turns::new_message;

/// What is to be recorded and is not yet.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    pub(super) messages: Vec<NewMessage>,
    pub(super) step: Option<Step>,
    pub(super) end: Option<Turn>,
}

impl Driver<'_> {
    /// Records what waits for it, and tells of it.
    pub(super) fn save(&mut self) -> Result<(), AgentError> {
        let Unsaved { messages, step, end } = std::mem::take(&mut self.unsaved);
        if messages.is_empty() && step.is_none() && end.is_none() {
            return Ok(());
        }
        self.opened = None;
        let recorded = self.store.write(|w| {
            let recorded: Result<Vec<_>, _> = messages.iter().map(|message| w.append_message(message)).collect();
            step.iter().try_for_each(|step| w.insert_step(step))?;
            end.iter().try_for_each(|turn| w.update_turn(turn))?;
            Ok::<_, AgentError>(recorded?)
        })?;
        if !recorded.is_empty() {
            self.memory().notify_written();
        }
        for message in recorded {
            self.emit(AgentEvent::Recorded(message));
        }
        if let Some(step) = step {
            self.emit(AgentEvent::StepEnded(step));
        }
        Ok(())
    }

    pub(super) fn record_answer(&mut self, answer: Answer) {
        let Answer { text, thoughts, calls } = answer;
        let mut message = self.draft(Role::Assistant, text);
        // Readers of the stream know the message before it is recorded: it has its step's UUID.
        if let Some(id) = self.open.as_mut().and_then(OpenStep::answer_id) {
            message.id = id;
        }
        message.thoughts = thoughts;
        message.tool_calls = calls;
        self.unsaved.messages.push(message);
    }

    pub(super) fn record_note(&mut self, kind: NoteKind, text: String) {
        let mut message = self.draft(Role::System, text);
        message.name = Some(kind.name().to_owned());
        self.unsaved.messages.push(message);
    }

    pub(super) fn record_result(&mut self, call: &ToolCall, status: ToolStatus, text: String) {
        let message = self.result_message(call, status, text);
        if let Some(open) = &mut self.open {
            open.called(&call.name, status);
        }
        self.unsaved.messages.push(message);
    }

    /// A message of the step that is open, or was last.
    pub(super) fn draft(&self, role: Role, text: String) -> NewMessage {
        let mut message = new_message(&self.thread, Some(&self.turn.id), role, text, self.store.now_ms());
        message.step_id = self.step_id.clone();
        message.group_id = self.options.group_id.clone();
        message
    }

    pub(super) fn end_step(&mut self) {
        if let Some(open) = self.open.take() {
            self.unsaved.step = Some(open.close(self.turn, self.store.now_ms()));
        }
    }
}

/// The turn as it ended.
pub(super) fn ended(turn: &Turn, end: TurnEnd, now_ms: i64) -> Turn {
    let TurnEnd { status, stop_reason, error } = end;
    Turn {
        status,
        stop_reason: Some(stop_reason.as_str().to_owned()),
        error,
        ended_at_ms: Some(now_ms),
        ..turn.clone()
    }
}
