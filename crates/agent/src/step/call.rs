//! From the model's message to its calls: what is recorded, which call runs next, which is refused and how.

use std::collections::HashSet;

use resident_store::{AgentType, ToolCall, ToolStatus, TurnStatus};
use serde_json::{Map, Value};

use super::state::{Narrow, PendingCall, TurnState};
use super::{Answer, Effect, StopReason, ToolEnd, TurnEnd};
use crate::model::{Finish, Generation};
use crate::rules::PastCall;
use crate::tools::{REQUEST_HEARTBEAT, SEND_MESSAGE, THINKING};

/// How often in a turn a model may answer with nothing at all before the turn fails.
const MOST_EMPTY_ANSWERS: usize = 2;

impl TurnState {
    pub(super) fn generated(&mut self, generation: Generation) -> Vec<Effect> {
        let Generation { text, thoughts, tool_calls, malformed_calls, finish, usage: _ } = generation;
        if finish == Finish::Cancelled {
            return self.cancelled(text, thoughts);
        }
        self.malformed_in_a_row = match (malformed_calls.is_empty(), tool_calls.is_empty()) {
            (true, _) | (false, false) => 0,
            (false, true) => self.malformed_in_a_row + 1,
        };
        let well_formed = tool_calls.into_iter().map(|call| PendingCall { call, malformed: None, approved: false });
        let malformed = malformed_calls.into_iter().map(|wrong| PendingCall {
            call: ToolCall { id: wrong.id, name: wrong.name, arguments: Value::Object(Map::new()) },
            malformed: Some(wrong.error),
            approved: false,
        });
        let mut pending: Vec<_> = well_formed.chain(malformed).collect();
        let mut text = text.trim().to_owned();
        if pending.is_empty() && self.spoke && self.narrow == Narrow::Memory {
            // It was asked for a memory call after its answer, and promised once more: nothing that the user needs.
            self.step.called = false;
            let mut effects = vec![Effect::EndStep];
            effects.extend(self.after_step());
            return effects;
        }
        if pending.is_empty() && text.is_empty() {
            return self.answered_nothing(finish);
        }
        if pending.is_empty() && self.speaks_through_send_message() {
            // It forgot the tool through which it speaks; what it wrote is still meant for the user.
            pending.push(self.say(std::mem::take(&mut text)));
        }
        self.name_calls(&mut pending);
        self.step.called = !pending.is_empty();
        self.step.heartbeat = pending.iter().any(|pending| asks_for_heartbeat(&pending.call));
        let answer = self.compose_answer(text, thoughts, &pending);
        self.spoke |= !answer.text.is_empty();
        if pending.is_empty() && finish == Finish::Length {
            return self.ended_early(answer);
        }
        self.pending = pending.into();
        let mut effects = vec![Effect::RecordAnswer(answer)];
        effects.extend(self.next_call());
        effects
    }

    /// The answer was cut off by the limit on its length: what there is stands, and says so in the stop reason.
    fn ended_early(&mut self, answer: Answer) -> Vec<Effect> {
        let mut effects = vec![Effect::RecordAnswer(answer), Effect::EndStep];
        effects.extend(self.conclude(TurnEnd {
            status: TurnStatus::Completed,
            stop_reason: StopReason::MaxTokensExceeded,
            error: None,
        }));
        effects
    }

    fn answered_nothing(&mut self, finish: Finish) -> Vec<Effect> {
        self.empty_answers += 1;
        let mut effects = vec![Effect::EndStep];
        effects.extend(if self.spoke {
            self.conclude(TurnEnd { status: TurnStatus::Completed, stop_reason: StopReason::EndTurn, error: None })
        } else if self.empty_answers < MOST_EMPTY_ANSWERS {
            self.begin_step()
        } else {
            let stop_reason = match finish {
                Finish::Length => StopReason::MaxTokensExceeded,
                Finish::Stop | Finish::Cancelled => StopReason::InvalidLlmResponse,
            };
            let error = Some("the model answered nothing".to_owned());
            self.conclude(TurnEnd { status: TurnStatus::Failed, stop_reason, error })
        });
        effects
    }

    fn speaks_through_send_message(&self) -> bool {
        self.plan.agent_type == AgentType::MemgptAgent
            && self.plan.rules.admits(SEND_MESSAGE, &self.plan.attached, &self.history)
    }

    fn say(&self, text: String) -> PendingCall {
        let arguments = Map::from_iter([("message".to_owned(), Value::String(text))]);
        let call = ToolCall { id: String::new(), name: SEND_MESSAGE.to_owned(), arguments: Value::Object(arguments) };
        PendingCall { call, malformed: None, approved: false }
    }

    /// Gives an id to each call that has none of its own within this message. Ids are made from the turn's, so that no
    /// randomness is needed.
    pub(super) fn name_calls(&mut self, pending: &mut [PendingCall]) {
        let turn = self.plan.turn_id.as_str().trim_start_matches("run-").to_owned();
        let mut taken = HashSet::new();
        for PendingCall { call, .. } in pending {
            if call.id.is_empty() || !taken.insert(call.id.clone()) {
                call.id = format!("call-{turn}-{}", self.calls_made);
                taken.insert(call.id.clone());
            }
            self.calls_made += 1;
        }
    }

    /// For an agent that speaks through `send_message`, plain text beside a call is thought, not speech.
    fn compose_answer(&self, text: String, thoughts: Option<String>, pending: &[PendingCall]) -> Answer {
        let menu = self.request.as_ref().map(|request| request.menu.as_slice()).unwrap_or_default();
        let said = pending.iter().filter(|pending| pending.call.name == SEND_MESSAGE && pending.malformed.is_none());
        let mut said: Vec<_> = said
            .filter(|_| menu.is_empty() || menu.iter().any(|name| name == SEND_MESSAGE))
            .filter_map(|pending| pending.call.arguments.get("message")?.as_str())
            .map(str::to_owned)
            .collect();
        let mut thoughts: Vec<_> = thoughts.into_iter().collect();
        thoughts.extend(pending.iter().filter_map(|pending| thought_of(&pending.call)));
        if self.plan.agent_type == AgentType::MemgptAgent && !pending.is_empty() {
            thoughts.insert(0, text);
        } else {
            said.insert(0, text);
        }
        thoughts.retain(|thought| !thought.trim().is_empty());
        said.retain(|text| !text.trim().is_empty());
        Answer {
            text: said.join("\n\n"),
            thoughts: (!thoughts.is_empty()).then(|| thoughts.join("\n")),
            calls: pending.iter().map(|pending| pending.call.clone()).collect(),
        }
    }

    /// Goes through the calls that wait: refuses what may not run, up to the first that runs or needs the user.
    pub(super) fn next_call(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(PendingCall { call, malformed, approved }) = self.pending.pop_front() {
            if let Some(reason) = malformed.map(|error| malformed_reason(&call, &error)).or_else(|| self.refusal(&call))
            {
                self.step.failed = true;
                effects.push(Effect::RefuseCall { call, reason });
                continue;
            }
            let is_the_clients = self.plan.client_tools.contains(&call.name);
            if is_the_clients || (self.plan.rules.requires_approval(&call.name) && !approved) {
                self.pending.clear();
                effects.push(Effect::EndStep);
                effects.push(Effect::EndTurn(TurnEnd {
                    status: TurnStatus::Completed,
                    stop_reason: StopReason::RequiresApproval,
                    error: None,
                }));
                return effects;
            }
            effects.push(Effect::RunTool(call));
            return effects;
        }
        effects.push(Effect::EndStep);
        effects.extend(self.after_step());
        effects
    }

    /// Why a call may not run, worded so that the model can make a better one.
    fn refusal(&self, call: &ToolCall) -> Option<String> {
        let plan = &self.plan;
        if plan.rules.admits(&call.name, &plan.attached, &self.history) {
            return None;
        }
        let menu = plan.rules.menu(&plan.attached, &self.history);
        let now = if menu.is_empty() {
            "No tool can be called now; answer in plain text.".to_owned()
        } else {
            format!("Tools that can be called now: {}.", menu.join(", "))
        };
        Some(if plan.attached.contains(&call.name) {
            format!("{} cannot be called now, because a tool rule forbids it. {now}", call.name)
        } else {
            format!("There is no tool named {}. {now}", call.name)
        })
    }

    pub(super) fn tool_ended(&mut self, end: ToolEnd) -> Vec<Effect> {
        let ToolEnd { name, status, output, wrote_memory } = end;
        self.wrote_memory |= wrote_memory;
        match status {
            ToolStatus::Ok => {
                self.step.exits |= self.plan.rules.exits_after(&name);
                self.step.continues |= self.plan.rules.continues_after(&name);
            }
            ToolStatus::Failed => self.step.failed = true,
        }
        if name != SEND_MESSAGE {
            self.guided_calls += 1;
        }
        self.history.push(PastCall { name, output });
        self.next_call()
    }

    pub(super) fn cancelled(&mut self, text: String, thoughts: Option<String>) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !text.trim().is_empty() {
            effects.push(Effect::RecordAnswer(Answer { text, thoughts, calls: Vec::new() }));
        }
        effects.push(Effect::EndStep);
        effects.push(Effect::EndTurn(TurnEnd {
            status: TurnStatus::Cancelled,
            stop_reason: StopReason::Cancelled,
            error: None,
        }));
        effects
    }
}

fn malformed_reason(call: &ToolCall, error: &str) -> String {
    format!(
        "The arguments of {} are not a JSON object that can be read: {error}. Call it again, with one JSON object and \
         nothing else as its arguments.",
        call.name
    )
}

/// The inner thoughts that a call carries, under the names that models were taught.
fn thought_of(call: &ToolCall) -> Option<String> {
    let thought = call.arguments.get(THINKING).or_else(|| call.arguments.get("inner_thoughts"))?;
    thought.as_str().map(str::to_owned)
}

fn asks_for_heartbeat(call: &ToolCall) -> bool {
    match call.arguments.get(REQUEST_HEARTBEAT) {
        Some(Value::Bool(wanted)) => *wanted,
        Some(Value::String(word)) => word.eq_ignore_ascii_case("true"),
        Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => false,
    }
}
