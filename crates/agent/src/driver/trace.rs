//! What a step saw and did, kept with it for the Why pane: the intent and how it was found, what was retrieved and why,
//! the menu, the layout of the prompt in tokens, the calls, the timing.

use resident_store::{AgentId, MessageId, Step, StepId, ToolStatus, Turn};
use serde_json::{Map, Value, json};

use crate::model::Usage;

/// A step that is not over.
#[derive(Debug)]
pub(super) struct OpenStep {
    pub(super) id: StepId,
    agent_id: AgentId,
    number: usize,
    model: String,
    usage: Usage,
    started_at_ms: i64,
    /// When the model was called last, and when it ended.
    generated: Option<(i64, i64)>,
    calls: Vec<Value>,
    notes: Map<String, Value>,
    answered: bool,
}

impl OpenStep {
    pub(super) fn new(agent_id: AgentId, number: usize, model: String, now_ms: i64) -> Self {
        Self {
            id: StepId::new(),
            agent_id,
            number,
            model,
            usage: Usage::default(),
            started_at_ms: now_ms,
            generated: None,
            calls: Vec::new(),
            notes: Map::new(),
            answered: false,
        }
    }

    /// The id of the step's answer, with the UUID of the step; none when it has answered already.
    pub(super) fn answer_id(&mut self) -> Option<MessageId> {
        let first = !std::mem::replace(&mut self.answered, true);
        first.then(|| MessageId(self.id.as_str().replacen("step-", "message-", 1)))
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Keeps `value` under `name`.
    pub(super) fn note(&mut self, name: &str, value: Value) {
        self.notes.insert(name.to_owned(), value);
    }

    pub(super) fn generated(&mut self, usage: Usage, from_ms: i64, to_ms: i64) {
        self.usage = usage;
        self.generated = Some((from_ms, to_ms));
    }

    pub(super) fn called(&mut self, name: &str, status: ToolStatus) {
        self.calls.push(json!({ "name": name, "status": status }));
    }

    pub(super) fn close(self, turn: &Turn, now_ms: i64) -> Step {
        let Self { id, agent_id, number, model, usage, started_at_ms, generated, calls, notes: mut trace, answered: _ } =
            self;
        if !calls.is_empty() {
            trace.insert("calls".to_owned(), Value::Array(calls));
        }
        let (from_ms, to_ms) = generated.unwrap_or((now_ms, now_ms));
        trace.insert(
            "timing".to_owned(),
            json!({
                "prepare_ms": from_ms - started_at_ms,
                "generate_ms": to_ms - from_ms,
                "tools_ms": now_ms - to_ms,
            }),
        );
        let count = |tokens: usize| i64::try_from(tokens).unwrap_or(i64::MAX);
        Step {
            id,
            turn_id: turn.id.clone(),
            agent_id,
            number: count(number),
            model,
            prompt_tokens: count(usage.prompt_tokens),
            cached_tokens: count(usage.cached_tokens),
            completion_tokens: count(usage.completion_tokens),
            duration_ms: now_ms - started_at_ms,
            trace: Value::Object(trace),
            started_at_ms,
        }
    }
}
