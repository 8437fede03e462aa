//! Whether a turn goes on after a step, and what must be done before it may end: tools that a rule requires, and the
//! memory write that the user asked for.
//!
//! An explicit request is never lost. Where the turn would end without a memory write, the model gets a step (and a
//! second try) in which only memory tools can be called. Should that fail too, Resident itself makes the call with the
//! user's own words, so that nothing depends on a model's goodwill.

use resident_store::{AgentType, ToolCall, TurnStatus};
use serde_json::json;

use super::state::{Narrow, PendingCall, StepOutcome, TurnState};
use super::{Answer, Effect, NoteKind, StopReason, TurnEnd};
use crate::guidance::{MemoryRequest, Purpose};
use crate::tools;

/// How many steps with only memory tools a model gets before Resident writes itself.
const MOST_FORCED_STEPS: usize = 2;

impl TurnState {
    pub(super) fn after_step(&mut self) -> Vec<Effect> {
        let done = |stop_reason| TurnEnd { status: TurnStatus::Completed, stop_reason, error: None };
        // What is not there cannot be forgotten, and what is there need not be written again.
        self.nothing_to_write |= matches!(self.purpose, Some(Purpose::NothingToForget | Purpose::AlreadyKnown));
        if self.saved_verbatim {
            return self.after_forced_step();
        }
        match std::mem::replace(&mut self.narrow, Narrow::Nothing) {
            Narrow::Memory => return self.after_forced_step(),
            Narrow::Nothing | Narrow::Required(_) => {}
        }
        if self.step.exits {
            return self.conclude(done(StopReason::ToolRule));
        }
        if !self.step.called {
            return self.conclude(done(StopReason::EndTurn));
        }
        if self.intent.is_some() {
            return match self.purpose {
                Some(Purpose::Write | Purpose::Search) => self.begin_step(),
                Some(Purpose::Speak | Purpose::NothingToForget | Purpose::AlreadyKnown) | None if self.step.failed => {
                    self.begin_step()
                }
                Some(Purpose::Speak | Purpose::NothingToForget | Purpose::AlreadyKnown) | None => {
                    self.conclude(done(StopReason::EndTurn))
                }
            };
        }
        match self.plan.agent_type {
            AgentType::LettaV1Agent => self.begin_step(),
            AgentType::MemgptAgent => {
                let Some(reason) = heartbeat_reason(&self.step) else {
                    return self.conclude(done(StopReason::EndTurn));
                };
                self.go_on(NoteKind::Heartbeat, reason.to_owned())
            }
        }
    }

    fn go_on(&mut self, kind: NoteKind, text: String) -> Vec<Effect> {
        let next = self.begin_step();
        if !matches!(next.last(), Some(Effect::Measure(_))) {
            return next;
        }
        let mut effects = vec![Effect::RecordNote { kind, text }];
        effects.extend(next);
        effects
    }

    fn after_forced_step(&mut self) -> Vec<Effect> {
        let end = self.ending.take().unwrap_or(TurnEnd {
            status: TurnStatus::Completed,
            stop_reason: StopReason::EndTurn,
            error: None,
        });
        let may_speak = end.stop_reason == StopReason::EndTurn && self.steps < self.plan.max_steps;
        if self.wrote_memory && !self.spoke && may_speak {
            return self.begin_step();
        }
        self.conclude(end)
    }

    /// Ends the turn as `end` says, once nothing is left that must come before.
    pub(super) fn conclude(&mut self, end: TurnEnd) -> Vec<Effect> {
        let unmet = self.plan.rules.unmet_before_exit(&self.plan.attached, &self.history);
        let may_call = !self.plan.rules.menu(&self.plan.attached, &self.history).is_empty();
        if !unmet.is_empty() && may_call && end.status == TurnStatus::Completed && self.steps < self.plan.max_steps {
            let text = format!("The turn cannot end before these tools were called: {}.", unmet.join(", "));
            self.narrow = Narrow::Required(unmet);
            return self.go_on(NoteKind::RuleReminder, text);
        }
        match self.plan.request.filter(|_| !self.wrote_memory && !self.nothing_to_write) {
            Some(request) => self.insist(request, end),
            None => vec![Effect::EndTurn(end)],
        }
    }

    /// The user asked for a memory write and there is none yet.
    fn insist(&mut self, request: MemoryRequest, end: TurnEnd) -> Vec<Effect> {
        if self.memory_menu().is_empty() || self.saved_verbatim {
            return vec![Effect::EndTurn(end)];
        }
        // A model that writes nothing, or nothing that can be read, will not write a memory either.
        let able = end.status == TurnStatus::Completed && self.malformed_in_a_row == 0;
        if able && self.forced_memory_steps < MOST_FORCED_STEPS {
            self.ending = Some(end);
            self.forced_memory_steps += 1;
            self.narrow = Narrow::Memory;
            return self.go_on(NoteKind::MemoryReminder, reminder(request).to_owned());
        }
        let Some(call) = self.verbatim_call(request) else { return vec![Effect::EndTurn(end)] };
        self.ending = Some(end);
        self.saved_verbatim = true;
        self.step = StepOutcome { called: true, ..StepOutcome::default() };
        let mut pending = vec![PendingCall { call, malformed: None, approved: false }];
        self.name_calls(&mut pending);
        let calls = pending.iter().map(|pending| pending.call.clone()).collect();
        self.pending = pending.into();
        let mut effects = vec![Effect::RecordAnswer(Answer { calls, ..Answer::default() })];
        effects.extend(self.next_call());
        effects
    }

    /// The tools with which the user's request can be met now.
    pub(super) fn memory_menu(&self) -> Vec<String> {
        let menu = self.plan.rules.menu(&self.plan.attached, &self.history);
        let Some(request) = self.plan.request else { return Vec::new() };
        let fitting = |names: &[&str]| -> Vec<String> {
            menu.iter().filter(|name| names.contains(&name.as_str())).cloned().collect()
        };
        let (first_choice, otherwise): (&[&str], &[&str]) = match request {
            MemoryRequest::Remember => (tools::ADDING, tools::WRITING),
            MemoryRequest::Correct => (tools::WRITING, &[]),
            // Whatever adds text would keep what the user wants gone.
            MemoryRequest::Forget => (tools::REPLACING, &[]),
            MemoryRequest::Archive => (&[tools::ARCHIVAL_MEMORY_INSERT], tools::ADDING),
        };
        let menu = fitting(first_choice);
        if menu.is_empty() { fitting(otherwise) } else { menu }
    }

    /// The call that keeps the user's own words. There is none that forgets: what to remove, only a reader can say.
    fn verbatim_call(&self, request: MemoryRequest) -> Option<ToolCall> {
        if request == MemoryRequest::Forget {
            return None;
        }
        let menu = self.memory_menu();
        let text = &self.plan.user_text;
        let calls = [
            (tools::ARCHIVAL_MEMORY_INSERT, json!({ "content": text })),
            (tools::CORE_MEMORY_APPEND, json!({ "label": "human", "content": text })),
            (tools::MEMORY_INSERT, json!({ "label": "human", "new_string": text })),
        ];
        let (name, arguments) = calls.into_iter().find(|(name, _)| menu.iter().any(|admitted| admitted == name))?;
        Some(ToolCall { id: String::new(), name: name.to_owned(), arguments })
    }
}

/// Why a `memgpt_agent` gets another step, if it does.
fn heartbeat_reason(step: &StepOutcome) -> Option<&'static str> {
    if step.failed {
        Some("A tool call failed; read its result and try again or go on.")
    } else if step.heartbeat {
        Some("You asked for a heartbeat: control returns to you.")
    } else if step.continues {
        Some("A tool rule asks for another step: control returns to you.")
    } else {
        None
    }
}

fn reminder(request: MemoryRequest) -> &'static str {
    match request {
        MemoryRequest::Remember => {
            "The user asked you to remember something, and nothing was written to memory yet. Write it to memory now."
        }
        MemoryRequest::Correct => {
            "The user corrected something, and memory was not changed yet. Correct it in memory now."
        }
        MemoryRequest::Forget => {
            "The user asked you to forget something, and memory was not changed yet. Remove it from memory now."
        }
        MemoryRequest::Archive => {
            "The user asked you to save something for later, and it is not saved yet. Save it to memory now."
        }
    }
}
