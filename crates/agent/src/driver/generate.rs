//! Calls the model and passes on what it writes while it writes it.

use serde_json::json;

use super::stream::{FieldStream, Piece};
use super::{Driver, cancelled};
use crate::events::AgentEvent;
use crate::model::{Finish, Generation, Locality, ModelError, Progress};
use crate::step::{Event, GenerationFailure, StepRequest, StopReason};
use crate::tools::SEND_MESSAGE;

/// What was passed on of a message that is being written.
#[derive(Debug, Default)]
struct Streamed {
    text: String,
    thoughts: String,
    calls: Vec<FieldStream>,
}

impl Driver<'_> {
    pub(super) fn generate(&mut self, _request: &StepRequest) -> Event {
        if let Some(generation) = self.tidying.take() {
            return self.received(generation, Streamed::default());
        }
        let Some((prompt, options)) = self.prepared.take() else { return cancelled() };
        let step_id = self.step_id.clone().expect("a step is open while its message is generated");
        let from_ms = self.store.now_ms();
        let mut streamed = Streamed::default();
        let on_event = &mut *self.on_event;
        let result = self.context.model.generate(&prompt, &options, self.cancel, &mut |progress| {
            streamed.pass_on(progress, &step_id, on_event);
        });
        let to_ms = self.store.now_ms();
        match result {
            Ok(generation) => {
                if let Some(open) = &mut self.open {
                    open.generated(generation.usage, from_ms, to_ms);
                    open.note("finish", json!(finish_name(generation.finish)));
                }
                self.received(generation, streamed)
            }
            Err(_) if self.cancel.is_cancelled() => streamed.cancelled(),
            Err(error) => {
                if let Some(open) = &mut self.open {
                    open.generated(crate::model::Usage::default(), from_ms, to_ms);
                    open.note("error", json!(error.to_string()));
                }
                self.failed(&error)
            }
        }
    }

    fn received(&self, generation: Generation, streamed: Streamed) -> Event {
        if generation.finish != Finish::Cancelled {
            return Event::Generated(generation);
        }
        // What was said within an unfinished call was on the screen already, and counts.
        if generation.text.trim().is_empty() {
            return streamed.cancelled();
        }
        Event::Cancelled { text: generation.text, thoughts: generation.thoughts }
    }

    fn failed(&mut self, error: &ModelError) -> Event {
        let overflow = is_overflow(error);
        if overflow {
            self.overflows += 1;
        }
        let stop_reason = match (overflow, &self.context.model.info().locality) {
            (true, _) => StopReason::ContextWindowOverflow,
            (false, Locality::Remote { .. }) => StopReason::LlmApiError,
            (false, Locality::Local) => StopReason::Error,
        };
        Event::GenerationFailed(GenerationFailure { overflow, stop_reason, message: error.to_string() })
    }
}

impl Streamed {
    fn pass_on(&mut self, progress: Progress, step_id: &resident_store::StepId, on_event: &mut dyn FnMut(AgentEvent)) {
        let step_id = step_id.clone();
        match progress {
            Progress::Reading { tokens, of } => on_event(AgentEvent::Reading { tokens, of }),
            Progress::Text(text) => {
                self.text.push_str(&text);
                on_event(AgentEvent::Text { step_id, text });
            }
            Progress::Thoughts(text) => {
                self.thoughts.push_str(&text);
                on_event(AgentEvent::Thoughts { step_id, text });
            }
            Progress::ToolCall { index, name, arguments_delta } => {
                let speaks = name == SEND_MESSAGE;
                while self.calls.len() <= index {
                    self.calls.push(FieldStream::default());
                }
                for piece in self.calls[index].feed(&arguments_delta) {
                    match piece {
                        Piece::Message(text) if speaks => {
                            self.text.push_str(&text);
                            on_event(AgentEvent::Text { step_id: step_id.clone(), text });
                        }
                        Piece::Message(_) => {}
                        Piece::Thought(text) => {
                            self.thoughts.push_str(&text);
                            on_event(AgentEvent::Thoughts { step_id: step_id.clone(), text });
                        }
                    }
                }
                if !speaks {
                    on_event(AgentEvent::ToolCall { step_id, index, name, arguments_delta });
                }
            }
        }
    }

    fn cancelled(self) -> Event {
        Event::Cancelled { text: self.text, thoughts: Some(self.thoughts).filter(|thoughts| !thoughts.is_empty()) }
    }
}

/// Whether the model could not hold the prompt. Endpoints say so in their own words, with a status of their own.
fn is_overflow(error: &ModelError) -> bool {
    match error {
        ModelError::PromptTooLong { .. } => true,
        ModelError::Refused { status: 400 | 413 | 422, message, .. } => {
            let message = message.to_lowercase();
            message.contains("context")
                && ["length", "window", "size", "exceed", "maximum"].iter().any(|word| message.contains(word))
        }
        ModelError::Refused { .. }
        | ModelError::Offline { .. }
        | ModelError::Unreachable { .. }
        | ModelError::Protocol { .. }
        | ModelError::Load { .. }
        | ModelError::Engine { .. } => false,
    }
}

fn finish_name(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Cancelled => "cancelled",
    }
}
