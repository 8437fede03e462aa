//! Composes the prompt of a step and measures it against the window.

use serde_json::json;

use super::Driver;
use super::trace::OpenStep;
use crate::AgentError;
use crate::guidance::Purpose;
use crate::model::{GenerateOptions, Prompt, ToolChoice};
use crate::sleeptime::tidying_step;
use crate::step::{Event, Measured, StepRequest, TurnPlan};
use crate::window::{Fitted, Frame, compose_prompt_messages, fit, shown};

impl Driver<'_> {
    pub(super) fn measure(&mut self, request: &StepRequest) -> Result<Event, AgentError> {
        self.open_step(request);
        let window = self.window()?;
        self.seen.clone_from(&window.blocks);
        let TurnPlan { guided, tidies, .. } = *self.state.plan();
        if guided && tidies {
            self.tidying = Some(tidying_step(&window.blocks, &request.menu));
            return Ok(Event::Measured(Measured::nothing()));
        }
        let window_tokens = self.window_tokens();
        let room_tokens = self.room_tokens();
        let (evictable, warned) = (window.is_evictable(), window.was_warned());
        let (mut prompt, options, tokens, used_tokens, too_long, purpose) = match request.guided {
            Some(intent) => {
                let step = self.plan_guided(&window, request, intent, room_tokens);
                let model = self.context.model;
                let used_tokens = match step.too_long {
                    Some((message_tokens, _)) => message_tokens,
                    None => {
                        let (whole, frame) = window.read_by(model, self.zone.clone());
                        shown(model, &whole, &frame, room_tokens).tokens
                    }
                };
                (step.prompt, step.options, step.tokens, used_tokens, step.too_long, Some(step.purpose))
            }
            None => {
                let menu = window.schemas(&request.menu);
                let frame = Frame { menu, choice: request.choice, zone: self.zone.clone() };
                let Fitted { prompt, used_tokens, tokens, too_long } =
                    fit(self.context.model, &window, &frame, room_tokens);
                (prompt, self.options(request.number), tokens, used_tokens, too_long, None)
            }
        };
        self.note_prompt(&mut prompt, purpose, (tokens, used_tokens));
        self.prepared = Some((prompt, options));
        Ok(Event::Measured(Measured {
            used_tokens,
            window_tokens,
            pressure_tokens: self.settings.pressure_tokens(window_tokens),
            compaction_tokens: room_tokens,
            evictable,
            warned,
            too_long: too_long
                .map(|(message_tokens, room_tokens)| AgentError::TooLong { message_tokens, room_tokens }.to_string()),
            purpose,
        }))
    }

    /// The warning is the newest message of the prompt that was just measured.
    pub(super) fn recompose_after_warning(&mut self) -> Result<(), AgentError> {
        let window = self.window()?;
        let guided = self.state.plan().guided;
        let room_tokens = self.room_tokens();
        let Some((prompt, _)) = self.prepared.as_mut().filter(|_| !guided) else { return Ok(()) };
        let mut warned = prompt.clone();
        warned.messages = compose_prompt_messages(&window, &self.zone);
        // Where the warning itself does not fit, compaction is next anyway.
        if self.context.model.count_prompt_tokens(&warned) <= room_tokens {
            *prompt = warned;
        }
        Ok(())
    }

    pub(super) fn window_tokens(&self) -> usize {
        self.settings.window_tokens(self.context.model.info().context_window_tokens)
    }

    /// Tokens that a prompt may have. Where the model refused a prompt that should have fitted, its count is not to be
    /// trusted, and the next one is made smaller.
    pub(super) fn room_tokens(&self) -> usize {
        let room = self.settings.compaction_tokens(self.window_tokens());
        (0..self.overflows).fold(room, |room, _| room * 3 / 4)
    }

    pub(super) fn options(&self, number: usize) -> GenerateOptions {
        let seed = self.context.seed.wrapping_add(u64::try_from(number).unwrap_or(u64::MAX));
        self.settings.generate_options(self.window_tokens(), seed)
    }

    fn open_step(&mut self, request: &StepRequest) {
        if self.open.as_ref().is_some_and(|open| open.number() == request.number) {
            return;
        }
        let model = self.context.model.info().handle;
        let mut open = OpenStep::new(self.agent.id.clone(), request.number, model, self.store.now_ms());
        self.step_id = Some(open.id.clone());
        if let Some(routed) = &self.routed {
            open.note("intent", super::guided::describe_routed(routed));
        }
        if let Some(retrieved) = self.retrieved.take() {
            open.note("retrieved", retrieved);
        }
        self.open = Some(open);
    }

    fn note_prompt(&mut self, prompt: &mut Prompt, purpose: Option<Purpose>, (total, used_tokens): (usize, usize)) {
        let model = self.context.model;
        let system = model.count_tokens(&prompt.system);
        let tools = if prompt.menu.is_empty() {
            0
        } else {
            // Schemas are large: they are lent for the count instead of copied.
            let menu = std::mem::take(&mut prompt.menu);
            let alone = Prompt { menu, describe_tools: prompt.describe_tools, ..Prompt::default() };
            let tokens =
                model.count_prompt_tokens(&alone).saturating_sub(model.count_prompt_tokens(&Prompt::default()));
            prompt.menu = alone.menu;
            tokens
        };
        let window_tokens = self.window_tokens();
        let Some(open) = &mut self.open else { return };
        let menu: Vec<_> = prompt.menu.iter().map(|schema| schema.name.as_str()).collect();
        open.note("menu", json!(menu));
        open.note("tool_choice", json!(choice_name(prompt.tool_choice)));
        if let Some(purpose) = purpose {
            open.note("purpose", json!(super::guided::purpose_name(purpose)));
        }
        open.note(
            "prompt",
            json!({
                "system_tokens": system,
                "tools_tokens": tools,
                "messages_tokens": total.saturating_sub(system + tools),
                "total_tokens": total,
                "used_tokens": used_tokens,
                "window_tokens": window_tokens,
            }),
        );
    }
}

fn choice_name(choice: ToolChoice) -> &'static str {
    match choice {
        ToolChoice::Auto => "auto",
        ToolChoice::None => "none",
        ToolChoice::Required => "required",
    }
}
