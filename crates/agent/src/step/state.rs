//! The state of a turn, and what happens in it up to the model's message: routing, measuring, pressure, compaction.

use std::collections::VecDeque;

use resident_store::{AgentType, ToolCall, TurnId, TurnStatus};

use super::{Effect, GenerationFailure, Measured, Resumed, StepRequest, StopReason, TurnEnd};
use crate::guidance::{Intent, MemoryRequest, Purpose};
use crate::model::ToolChoice;
use crate::rules::{PastCall, ToolRules};
use crate::tools::SEND_MESSAGE;

/// A guided model that called so many tools in a turn is asked to speak.
const MOST_GUIDED_CALLS: usize = 4;

/// After so many messages in a row with calls that do not parse, the model is asked for plain text.
const MOST_MALFORMED: usize = 3;

/// A prompt is compacted at most so often for one model call; what does not fit then is cut.
const MOST_COMPACTIONS: usize = 2;

/// What a turn is to do; fixed when it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnPlan {
    /// The turn; ids of calls are made from it.
    pub turn_id: TurnId,
    /// How the agent speaks and chains.
    pub agent_type: AgentType,
    /// The tools that are attached and exist.
    pub attached: Vec<String>,
    /// Those of them that the client runs itself.
    pub client_tools: Vec<String>,
    /// Its tool rules.
    pub rules: ToolRules,
    /// The most steps.
    pub max_steps: usize,
    /// What the user said.
    pub user_text: String,
    /// What of it is an explicit request to write to memory.
    pub request: Option<MemoryRequest>,
    /// Whether the model must be led.
    pub guided: bool,
    /// Whether the turn is there to tidy memory: nobody asked anything.
    pub tidies: bool,
}

/// What narrows the next step beyond the tool rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Narrow {
    /// Nothing.
    Nothing,
    /// Only memory tools: the user asked for a memory write.
    Memory,
    /// Only these tools: they are required before the turn may end.
    Required(Vec<String>),
}

/// A call that has not run yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PendingCall {
    pub(super) call: ToolCall,
    /// What was wrong with its arguments, where they did not parse.
    pub(super) malformed: Option<String>,
    pub(super) approved: bool,
}

/// Where a turn stands.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnState {
    pub(super) plan: TurnPlan,
    pub(super) history: Vec<PastCall>,
    pub(super) pending: VecDeque<PendingCall>,
    pub(super) request: Option<StepRequest>,
    pub(super) intent: Option<Intent>,
    pub(super) purpose: Option<Purpose>,
    pub(super) narrow: Narrow,
    pub(super) steps: usize,
    pub(super) calls_made: usize,
    pub(super) guided_calls: usize,
    pub(super) compactions: usize,
    pub(super) malformed_in_a_row: usize,
    pub(super) empty_answers: usize,
    pub(super) forced_memory_steps: usize,
    pub(super) spoke: bool,
    pub(super) wrote_memory: bool,
    /// Resident wrote the user's own words down, since the model would not.
    pub(super) saved_verbatim: bool,
    /// What the user asked to be kept is kept already, or what is to be forgotten is not there.
    pub(super) nothing_to_write: bool,
    pub(super) step: StepOutcome,
    /// How the turn will end once what must come before is done.
    pub(super) ending: Option<TurnEnd>,
    pub(super) ended: bool,
}

/// What happened in the current step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct StepOutcome {
    pub(super) called: bool,
    pub(super) failed: bool,
    pub(super) heartbeat: bool,
    pub(super) exits: bool,
    pub(super) continues: bool,
}

impl TurnState {
    /// A turn that has not begun.
    pub fn new(plan: TurnPlan) -> Self {
        Self {
            plan,
            history: Vec::new(),
            pending: VecDeque::new(),
            request: None,
            intent: None,
            purpose: None,
            narrow: Narrow::Nothing,
            steps: 0,
            calls_made: 0,
            guided_calls: 0,
            compactions: 0,
            malformed_in_a_row: 0,
            empty_answers: 0,
            forced_memory_steps: 0,
            spoke: false,
            wrote_memory: false,
            saved_verbatim: false,
            nothing_to_write: false,
            step: StepOutcome::default(),
            ending: None,
            ended: false,
        }
    }

    /// What the turn is to do.
    pub fn plan(&self) -> &TurnPlan {
        &self.plan
    }

    /// Whether the turn is over.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn begun(&mut self) -> Vec<Effect> {
        if self.plan.guided && !self.plan.tidies { vec![Effect::Route] } else { self.begin_step() }
    }

    pub(super) fn resumed(&mut self, past: Resumed) -> Vec<Effect> {
        let Resumed { calls, waiting, approved_call_ids, steps, spoke } = past;
        // A guided turn that waited has its tool calls behind it: the intent that led to them was served.
        self.intent = self.plan.guided.then_some(Intent::Converse);
        self.purpose = self.plan.guided.then_some(Purpose::Write);
        self.steps = steps;
        self.spoke = spoke;
        self.calls_made = calls.len() + waiting.len();
        self.step = StepOutcome { called: true, ..StepOutcome::default() };
        for end in calls {
            self.wrote_memory |= end.wrote_memory;
            // Whether the last one was the call that the user refused does not matter: the model goes on either way.
            self.step.failed = end.status == resident_store::ToolStatus::Failed;
            // The client ran it so that the agent hears what came of it.
            self.step.continues |= self.plan.client_tools.contains(&end.name);
            self.history.push(PastCall { name: end.name, output: end.output });
        }
        self.pending = waiting
            .into_iter()
            .map(|call| {
                let approved = approved_call_ids.contains(&call.id);
                PendingCall { call, malformed: None, approved }
            })
            .collect();
        self.next_call()
    }

    pub(super) fn routed(&mut self, intent: Intent) -> Vec<Effect> {
        self.intent = Some(intent);
        match intent {
            Intent::Recall | Intent::Converse => vec![Effect::Retrieve],
            Intent::Remember | Intent::Correct | Intent::Forget | Intent::Archive => self.begin_step(),
        }
    }

    /// The next step, or the end of the turn at the step limit. A step that an explicit request needs is beyond it.
    pub(super) fn begin_step(&mut self) -> Vec<Effect> {
        if self.steps >= self.plan.max_steps && self.narrow != Narrow::Memory {
            return self.conclude(TurnEnd {
                status: TurnStatus::Completed,
                stop_reason: StopReason::MaxSteps,
                error: None,
            });
        }
        let request = self.next_request();
        self.steps += 1;
        self.compactions = 0;
        self.step = StepOutcome::default();
        self.request = Some(request.clone());
        vec![Effect::Measure(request)]
    }

    fn next_request(&self) -> StepRequest {
        let number = self.steps;
        let mut menu = self.plan.rules.menu(&self.plan.attached, &self.history);
        let mut forced = self.plan.rules.forces_a_call(&self.plan.attached, &self.history);
        match &self.narrow {
            Narrow::Nothing => {}
            Narrow::Memory => {
                menu = self.memory_menu();
                forced = true;
            }
            Narrow::Required(names) => {
                if menu.iter().any(|name| names.contains(name)) {
                    menu.retain(|name| names.contains(name));
                }
                forced = true;
            }
        }
        let guided = match self.narrow {
            Narrow::Memory => self.plan.request.filter(|_| self.plan.guided).map(Intent::from),
            Narrow::Nothing | Narrow::Required(_) => self.intent.filter(|_| self.plan.guided),
        };
        if guided.is_some() && self.guided_calls >= MOST_GUIDED_CALLS && self.narrow == Narrow::Nothing {
            menu.retain(|name| name == SEND_MESSAGE);
        }
        if self.malformed_in_a_row >= MOST_MALFORMED {
            menu.clear();
        }
        let choice = if menu.is_empty() {
            ToolChoice::None
        } else if forced || self.plan.agent_type == AgentType::MemgptAgent {
            ToolChoice::Required
        } else {
            ToolChoice::Auto
        };
        StepRequest { number, menu, choice, guided }
    }

    pub(super) fn measured(&mut self, measured: Measured) -> Vec<Effect> {
        let Some(request) = self.request.clone() else { return Vec::new() };
        self.purpose = measured.purpose;
        let overflows = measured.used_tokens > measured.compaction_tokens;
        if overflows && measured.evictable && self.compactions < MOST_COMPACTIONS {
            self.compactions += 1;
            return vec![Effect::Compact];
        }
        if let Some(error) = measured.too_long {
            return self.fail(StopReason::ContextWindowOverflow, error);
        }
        if measured.used_tokens >= measured.pressure_tokens && !measured.warned {
            let Measured { used_tokens, window_tokens, .. } = measured;
            return vec![Effect::Warn { used_tokens, window_tokens }, Effect::Generate(request)];
        }
        vec![Effect::Generate(request)]
    }

    pub(super) fn compacted(&mut self) -> Vec<Effect> {
        self.request.clone().map(Effect::Measure).into_iter().collect()
    }

    pub(super) fn generation_failed(&mut self, failure: GenerationFailure) -> Vec<Effect> {
        if failure.overflow && self.compactions < MOST_COMPACTIONS {
            self.compactions += 1;
            return vec![Effect::Compact];
        }
        self.fail(failure.stop_reason, failure.message)
    }

    pub(super) fn fail(&mut self, stop_reason: StopReason, error: String) -> Vec<Effect> {
        vec![Effect::EndStep, Effect::EndTurn(TurnEnd { status: TurnStatus::Failed, stop_reason, error: Some(error) })]
    }
}
