//! The step machine: events in, effects out. It does no IO, reads no clock and draws no randomness; the driver runs
//! its effects and hands it what came of them. So every way a turn can go is decided here and can be tested without a
//! model or a store, and what the driver does is only ever one of the effects below.
//!
//! One function an event. An effect that asks for something (`Route`, `Retrieve`, `Measure`, `Compact`, `Generate`,
//! `RunTool`) stands last in its list, and its answer is the next event; the others are done and bring no event.

mod call;
mod end;
mod state;

use resident_store::{ToolCall, ToolStatus, TurnStatus};

use crate::guidance::{Intent, Purpose};
use crate::model::{Generation, ToolChoice};

pub use state::{TurnPlan, TurnState};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The turn begins.
    Begun,
    /// The turn goes on where it waited for an approval.
    Resumed(Resumed),
    /// The intent of the user's message is known.
    Routed(Intent),
    /// Memory was searched; what was found is with the driver.
    Retrieved,
    /// The prompt of the step was composed and counted.
    Measured(Measured),
    /// The oldest part of the window was evicted, or there was nothing to evict.
    Compacted,
    /// The model wrote a message.
    Generated(Generation),
    /// The model failed.
    GenerationFailed(GenerationFailure),
    /// A tool ran and its result is recorded.
    ToolEnded(ToolEnd),
    /// The user stopped the turn.
    Cancelled {
        /// What the model had written.
        text: String,
        /// What it had thought.
        thoughts: Option<String>,
    },
}

/// What a turn did before it waited.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resumed {
    /// The calls that ran, with their results.
    pub calls: Vec<ToolEnd>,
    /// The calls that wait, in their order.
    pub waiting: Vec<ToolCall>,
    /// Those of them that the user approved.
    pub approved_call_ids: Vec<String>,
    /// Steps so far.
    pub steps: usize,
    /// Whether anything was said to the user.
    pub spoke: bool,
}

/// A composed prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Tokens of the whole window.
    pub used_tokens: usize,
    /// Tokens of the window.
    pub window_tokens: usize,
    /// Where the agent is warned.
    pub pressure_tokens: usize,
    /// Above this the model call would overflow.
    pub compaction_tokens: usize,
    /// Whether there are turns before the current one in the window.
    pub evictable: bool,
    /// Whether the agent was warned since the last compaction.
    pub warned: bool,
    /// What no window can hold: why the turn cannot go on.
    pub too_long: Option<String>,
    /// What a guided step is for.
    pub purpose: Option<Purpose>,
}

impl Measured {
    /// Of a step for which no prompt is read.
    pub fn nothing() -> Self {
        Self {
            used_tokens: 0,
            window_tokens: usize::MAX,
            pressure_tokens: usize::MAX,
            compaction_tokens: usize::MAX,
            evictable: false,
            warned: true,
            too_long: None,
            purpose: None,
        }
    }
}

/// Why a model call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationFailure {
    /// Whether the prompt was too long.
    pub overflow: bool,
    /// In V1's words.
    pub stop_reason: StopReason,
    /// For the user.
    pub message: String,
}

/// A tool call that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolEnd {
    /// The tool.
    pub name: String,
    /// How it ended.
    pub status: ToolStatus,
    /// What it returned.
    pub output: String,
    /// Whether it changed memory.
    pub wrote_memory: bool,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Find the intent of the user's message.
    Route,
    /// Search memory for what belongs to the user's message.
    Retrieve,
    /// Compose the prompt of a step and count it.
    Measure(StepRequest),
    /// Evict the oldest part of the window.
    Compact,
    /// Record the warning that the window is nearly full.
    Warn {
        /// Tokens used.
        used_tokens: usize,
        /// Tokens of the window.
        window_tokens: usize,
    },
    /// Call the model with the prompt of this step.
    Generate(StepRequest),
    /// Record what the model wrote.
    RecordAnswer(Answer),
    /// Record a note of Resident that the model reads.
    RecordNote {
        /// Its kind.
        kind: NoteKind,
        /// Its text.
        text: String,
    },
    /// Run a tool, and record its result and what it changed in one transaction.
    RunTool(ToolCall),
    /// Record that a call was refused.
    RefuseCall {
        /// The call.
        call: ToolCall,
        /// Why, and what to do instead.
        reason: String,
    },
    /// The step is over.
    EndStep,
    /// The turn is over. Always the last effect of a turn.
    EndTurn(TurnEnd),
}

/// One step, as far as the rules decide it.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRequest {
    /// Counts from 0 within the turn.
    pub number: usize,
    /// The tools that may be called.
    pub menu: Vec<String>,
    /// Whether one must be.
    pub choice: ToolChoice,
    /// The intent that a guided step serves; `None` when the model is not guided.
    pub guided: Option<Intent>,
}

/// What the model wrote, as it is recorded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// What is said to the user.
    pub text: String,
    /// What is not.
    pub thoughts: Option<String>,
    /// The calls, each with an id that no other call of the turn has.
    pub calls: Vec<ToolCall>,
}

/// The kinds of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// Control returns to the agent for another step.
    Heartbeat,
    /// The user asked for a memory write and there was none.
    MemoryReminder,
    /// A tool rule keeps the turn from ending.
    RuleReminder,
}

impl NoteKind {
    /// The name under which the note is recorded.
    pub fn name(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::MemoryReminder => "memory_reminder",
            Self::RuleReminder => "tool_rule",
        }
    }
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnEnd {
    /// Where it stands now.
    pub status: TurnStatus,
    /// Why.
    pub stop_reason: StopReason,
    /// What went wrong, for the user.
    pub error: Option<String>,
}

/// V1's stop reasons, those that can happen here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The agent was done.
    EndTurn,
    /// Something failed.
    Error,
    /// A remote model failed.
    LlmApiError,
    /// The model wrote nothing that could be used.
    InvalidLlmResponse,
    /// The step limit was reached.
    MaxSteps,
    /// The model's message was cut off.
    MaxTokensExceeded,
    /// A tool rule ended the turn.
    ToolRule,
    /// The user stopped it.
    Cancelled,
    /// A call waits for the user.
    RequiresApproval,
    /// What must be in the prompt does not fit.
    ContextWindowOverflow,
}

impl StopReason {
    /// The word that V1 has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::Error => "error",
            Self::LlmApiError => "llm_api_error",
            Self::InvalidLlmResponse => "invalid_llm_response",
            Self::MaxSteps => "max_steps",
            Self::MaxTokensExceeded => "max_tokens_exceeded",
            Self::ToolRule => "tool_rule",
            Self::Cancelled => "cancelled",
            Self::RequiresApproval => "requires_approval",
            Self::ContextWindowOverflow => "context_window_overflow_in_system_prompt",
        }
    }
}

/// What is to be done after `event`. Nothing once the turn has ended.
pub fn step(state: &mut TurnState, event: Event) -> Vec<Effect> {
    if state.ended {
        return Vec::new();
    }
    let effects = match event {
        Event::Begun => state.begun(),
        Event::Resumed(past) => state.resumed(past),
        Event::Routed(intent) => state.routed(intent),
        Event::Retrieved => state.begin_step(),
        Event::Measured(measured) => state.measured(measured),
        Event::Compacted => state.compacted(),
        Event::Generated(generation) => state.generated(generation),
        Event::GenerationFailed(failure) => state.generation_failed(failure),
        Event::ToolEnded(end) => state.tool_ended(end),
        Event::Cancelled { text, thoughts } => state.cancelled(text, thoughts),
    };
    state.ended = matches!(effects.last(), Some(Effect::EndTurn(_)));
    effects
}

#[cfg(test)]
mod tests;
