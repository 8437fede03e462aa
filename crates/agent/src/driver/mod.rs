//! The driver: runs a turn to its end by doing what the step machine asks for. Everything that touches the world is
//! here (store, model, clock, ids); every decision is in [`crate::step`]. It is synchronous: whoever wants turns side by
//! side gives each its thread.

mod generate;
mod guided;
mod measure;
mod record;
mod stream;
mod tools;
mod trace;

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use resident_memory::Memory;
use resident_store::{Agent, Block, Message, Role, StepId, Store, Thread, ToolStatus, Turn, TurnStatus};

use crate::AgentError;
use crate::events::{AgentEvent, Compaction};
use crate::guidance::{self, Note, Routed};
use crate::model::{Cancel, GenerateOptions, Generation, Guidance, LanguageModel, Prompt};
use crate::options::TurnOptions;
use crate::others::OtherAgents;
use crate::outside::OutsideTools;
use crate::settings::AgentSettings;
use crate::step::{Effect, Event, Resumed, StopReason, ToolEnd, TurnEnd, TurnPlan, TurnState, step};
use crate::tools::tool;
use crate::turns::{waiting_calls, word_on_call};
use crate::window::{self, CompactionRequest, ContextOverview, PRESSURE, Window};
use record::Unsaved;
use trace::OpenStep;

/// What a turn runs with.
#[derive(Clone, Copy)]
pub struct TurnContext<'a> {
    /// Memory, and the store below it.
    pub memory: &'a Memory,
    /// The model that answers.
    pub model: &'a dyn LanguageModel,
    /// Finds the intent of messages for models that must be led; without it, words alone decide.
    pub router: Option<&'a guidance::Router>,
    /// The profile's settings; the agent's own override them.
    pub settings: &'a AgentSettings,
    /// Tools that something outside of Resident runs, where there are any.
    pub outside: Option<&'a dyn OutsideTools>,
    /// The other agents, where this one can talk with them.
    pub others: Option<&'a dyn OtherAgents>,
    /// Seeds the sampler; the same seed, prompt and model give the same text.
    pub seed: u64,
}

impl std::fmt::Debug for TurnContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnContext").field("settings", self.settings).field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// Runs `turn` to its end and returns it as it ended. A model that fails ends the turn as failed, with everything
/// recorded that was there before.
///
/// # Errors
/// When the turn does not run, or the store fails so that not even its end can be recorded.
pub fn run_turn(
    context: &TurnContext<'_>,
    turn: &Turn,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(AgentEvent),
) -> Result<Turn, AgentError> {
    if turn.status != TurnStatus::Running {
        return Err(AgentError::NotRunning(turn.id.clone()));
    }
    let run = Driver::open(context, turn, cancel, on_event).and_then(Driver::run);
    run.or_else(|error| {
        tracing::warn!(turn = %turn.id, %error, "the turn failed");
        let end =
            TurnEnd { status: TurnStatus::Failed, stop_reason: StopReason::Error, error: Some(error.to_string()) };
        let store: &Store = context.memory.store();
        let ended = record::ended(turn, end, store.now_ms());
        store.write(|w| Ok::<_, AgentError>(w.update_turn(&ended)?))?;
        Ok(ended)
    })
}

/// Whether a message of `text` can be answered by the model at all: a check before it is recorded.
///
/// # Errors
/// [`AgentError::TooLong`] when it is larger than the window.
pub fn check_length(context: &TurnContext<'_>, agent: &Agent, text: &str) -> Result<(), AgentError> {
    let settings = context.settings.for_agent(agent);
    let window_tokens = settings.window_tokens(context.model.info().context_window_tokens);
    let room_tokens = settings.compaction_tokens(window_tokens);
    let message_tokens = message_tokens(context.model, text, room_tokens);
    if message_tokens > room_tokens { Err(AgentError::TooLong { message_tokens, room_tokens }) } else { Ok(()) }
}

/// Tokens of `text`; of one that surely does not fit, at least how many.
fn message_tokens(model: &dyn LanguageModel, text: &str, room_tokens: usize) -> usize {
    // No vocabulary has tokens this long; a megabyte need not be counted to be refused.
    const LONGEST_TOKEN_BYTES: usize = 64;
    let surely = text.len() / LONGEST_TOKEN_BYTES;
    if surely > room_tokens { surely } else { model.count_tokens(text) }
}

/// What the next prompt of an agent in a thread would be.
///
/// # Errors
/// When there is no such agent or conversation, or the store fails.
pub fn context(context: &TurnContext<'_>, thread: impl Into<Thread>) -> Result<ContextOverview, AgentError> {
    let window = Window::load(context.memory.store(), &thread.into())?;
    let settings = context.settings.for_agent(&window.agent);
    let window = window.limit_files(settings.window_tokens(context.model.info().context_window_tokens));
    Ok(window::overview(context.model, &window, &settings))
}

/// The text that opens the prompt of a thread: instructions, blocks and summary.
///
/// # Errors
/// When there is no such agent or conversation, or the store fails.
pub fn system_text(store: &Store, thread: impl Into<Thread>) -> Result<String, AgentError> {
    Ok(window::compose_system(&Window::load(store, &thread.into())?))
}

/// Evicts the oldest part of the window of a thread now.
///
/// # Errors
/// [`AgentError::Busy`] while a turn runs, [`AgentError::NothingToCompact`] when the window holds a single turn,
/// [`AgentError::Cancelled`].
pub fn compact_now(
    context: &TurnContext<'_>,
    thread: impl Into<Thread>,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(AgentEvent),
) -> Result<Compaction, AgentError> {
    let thread = thread.into();
    let agent_id = &thread.agent_id;
    let store = context.memory.store();
    let (agent, latest) =
        store.read(|reader| Ok::<_, AgentError>((reader.agent(agent_id)?, reader.latest_turn(&thread)?)))?;
    let agent = agent.ok_or_else(|| AgentError::AgentNotFound(agent_id.clone()))?;
    if latest.is_some_and(|turn| turn.status == TurnStatus::Running) {
        return Err(AgentError::Busy { agent_id: agent_id.clone() });
    }
    let settings = context.settings.for_agent(&agent);
    let request =
        CompactionRequest { memory: context.memory, model: context.model, settings: &settings, thread: &thread };
    let done = window::compact(&request, cancel)?.ok_or_else(|| AgentError::NothingToCompact(agent_id.clone()))?;
    on_event(AgentEvent::Compacted(done.clone()));
    Ok(done)
}

/// A turn while it runs.
struct Driver<'a> {
    context: &'a TurnContext<'a>,
    store: &'a Store,
    turn: &'a Turn,
    thread: Thread,
    options: TurnOptions,
    agent: Agent,
    settings: AgentSettings,
    zone: TimeZone,
    /// What the user said.
    asked: Message,
    cancel: &'a Cancel,
    on_event: &'a mut dyn FnMut(AgentEvent),
    state: TurnState,
    routed: Option<Routed>,
    notes: Vec<Note>,
    /// What was found and why, for the trace of the next step.
    retrieved: Option<serde_json::Value>,
    /// What a model that must be led writes in this step of tidying.
    tidying: Option<Generation>,
    /// The blocks as the model read them in the prompt of this step.
    seen: Vec<Block>,
    /// The prompt that was measured last.
    prepared: Option<(Prompt, GenerateOptions)>,
    /// The window as it stood when the turn began, until it is used or something is written.
    opened: Option<Window>,
    open: Option<OpenStep>,
    unsaved: Unsaved,
    /// The step to which messages belong.
    step_id: Option<StepId>,
    /// How often the model said that a prompt was too long that should have fitted.
    overflows: u32,
    first_event: Event,
}

impl<'a> Driver<'a> {
    fn open(
        context: &'a TurnContext<'a>,
        turn: &'a Turn,
        cancel: &'a Cancel,
        on_event: &'a mut dyn FnMut(AgentEvent),
    ) -> Result<Self, AgentError> {
        let store: &Store = context.memory.store();
        let thread = Thread::from(turn);
        let options = TurnOptions::of(turn);
        let message_id = turn.message_id.as_ref().ok_or_else(|| AgentError::TurnNotFound(turn.id.clone()))?;
        let (window, asked, said, steps) = store.read(|reader| {
            let window = Window::read(reader, &thread)?;
            let asked = reader.message(message_id)?.ok_or_else(|| AgentError::MessageNotFound(message_id.clone()))?;
            Ok::<_, AgentError>((window, asked, reader.messages_of_turn(&turn.id)?, reader.steps_of_turn(&turn.id)?))
        })?;
        let settings = context.settings.for_agent(&window.agent);
        let window = window.limit_files(settings.window_tokens(context.model.info().context_window_tokens));
        let window = with_options(window, &options, context.outside);
        let guided = match context.model.info().guidance {
            Guidance::Full => true,
            Guidance::None => false,
        };
        let plan = TurnPlan {
            turn_id: turn.id.clone(),
            agent_type: window.agent.agent_type,
            attached: window.attached_tools(),
            rules: window.rules()?,
            client_tools: options.client_tools.iter().map(|tool| tool.name.clone()).collect(),
            max_steps: options.max_steps.unwrap_or(settings.max_steps).max(1),
            user_text: asked.content.clone(),
            request: guidance::explicit_request(&asked.content).filter(|_| !options.tidies),
            guided,
            tidies: options.tidies,
        };
        // What the turn answers came with no step.
        let began = said.iter().any(|message| message.step_id.is_some());
        let first_event = if began { Event::Resumed(resumed(&said, steps.len())) } else { Event::Begun };
        Ok(Self {
            context,
            store,
            turn,
            thread,
            options,
            zone: settings.zone(),
            settings,
            asked,
            agent: window.agent.clone(),
            cancel,
            on_event,
            state: TurnState::new(plan),
            routed: None,
            notes: Vec::new(),
            retrieved: None,
            tidying: None,
            seen: Vec::new(),
            prepared: None,
            opened: Some(window),
            open: None,
            unsaved: Unsaved::default(),
            step_id: steps.last().map(|step| step.id.clone()),
            overflows: 0,
            first_event,
        })
    }

    fn run(mut self) -> Result<Turn, AgentError> {
        let first = self.first_event.clone();
        let mut effects: VecDeque<_> = step(&mut self.state, first).into();
        while let Some(effect) = effects.pop_front() {
            if let Effect::EndTurn(end) = effect {
                let ended = record::ended(self.turn, end, self.store.now_ms());
                self.unsaved.end = Some(ended.clone());
                self.save()?;
                return Ok(ended);
            }
            // What is only recorded is one transaction with what is recorded next.
            if asks(&effect) {
                self.save()?;
            }
            let stops = self.cancel.is_cancelled() && asks(&effect);
            let event = if stops { Some(cancelled()) } else { self.perform(effect)? };
            if let Some(event) = event {
                effects = step(&mut self.state, event).into();
            }
        }
        unreachable!("the step machine ends every turn with EndTurn")
    }

    fn perform(&mut self, effect: Effect) -> Result<Option<Event>, AgentError> {
        match effect {
            Effect::Route => self.route().map(Some),
            Effect::Retrieve => self.retrieve().map(Some),
            Effect::Measure(request) => self.measure(&request).map(Some),
            Effect::Compact => self.compact().map(Some),
            Effect::Warn { used_tokens, window_tokens } => self.warn(used_tokens, window_tokens).map(|()| None),
            Effect::Generate(request) => Ok(Some(self.generate(&request))),
            Effect::RunTool(call) => self.run_tool(&call).map(Some),
            Effect::RecordAnswer(answer) => {
                self.record_answer(answer);
                Ok(None)
            }
            Effect::RecordNote { kind, text } => {
                self.record_note(kind, text);
                Ok(None)
            }
            Effect::RefuseCall { call, reason } => {
                self.record_result(&call, ToolStatus::Failed, reason);
                Ok(None)
            }
            Effect::EndStep => {
                self.end_step();
                Ok(None)
            }
            Effect::EndTurn(_) => Ok(None),
        }
    }

    /// What stands in the window now, as this turn sees it.
    fn window(&mut self) -> Result<Window, AgentError> {
        if let Some(window) = self.opened.take() {
            return Ok(window);
        }
        let window = Window::load(self.store, &self.thread)?.limit_files(self.window_tokens());
        Ok(with_options(window, &self.options, self.context.outside))
    }

    fn emit(&mut self, event: AgentEvent) {
        (self.on_event)(event);
    }

    fn memory(&self) -> &'a Memory {
        self.context.memory
    }

    fn compact(&mut self) -> Result<Event, AgentError> {
        self.opened = None;
        let request = CompactionRequest {
            memory: self.context.memory,
            model: self.context.model,
            settings: &self.settings,
            thread: &self.thread,
        };
        match window::compact(&request, self.cancel) {
            Ok(Some(done)) => {
                if let Some(open) = &mut self.open {
                    open.note(
                        "compacted",
                        serde_json::json!({
                            "evicted_messages": done.evicted_messages,
                            "tokens_before": done.tokens_before,
                            "tokens_after": done.tokens_after,
                        }),
                    );
                }
                self.emit(AgentEvent::Compacted(done));
                Ok(Event::Compacted)
            }
            Ok(None) => Ok(Event::Compacted),
            Err(AgentError::Cancelled) => Ok(cancelled()),
            Err(error) => Err(error),
        }
    }

    fn warn(&mut self, used_tokens: usize, window_tokens: usize) -> Result<(), AgentError> {
        let text = format!(
            "Your context window is nearly full: {used_tokens} of {window_tokens} tokens are used. When it is full, the \
             oldest messages leave it; they stay searchable in recall memory, and a short summary takes their place. \
             Save to your memory now what you must not lose sight of. Do not mention this to the user."
        );
        let mut message = self.draft(Role::System, text);
        message.name = Some(PRESSURE.to_owned());
        self.unsaved.messages.push(message);
        self.save()?;
        self.emit(AgentEvent::Pressure { used_tokens, window_tokens });
        self.recompose_after_warning()
    }
}

/// The window with what the request of the turn puts in the place of the agent's.
fn with_options(mut window: Window, options: &TurnOptions, outside: Option<&dyn OutsideTools>) -> Window {
    if let Some(system) = &options.system {
        window.agent.system.clone_from(system);
    }
    window.brought_tools = options.client_schemas();
    window.agent.tools.extend(options.tools.iter().cloned());
    let foreign = window.agent.tools.iter().filter(|name| tool(name).is_none() && !options.has_client_tool(name));
    let foreign: Vec<String> = foreign.cloned().collect();
    if let (Some(outside), false) = (outside, foreign.is_empty()) {
        window.brought_tools.extend(outside.schemas(&foreign));
    }
    window
}

/// Whether an effect begins something new; what is only to be recorded is recorded even when the turn is stopped.
fn asks(effect: &Effect) -> bool {
    match effect {
        Effect::Route
        | Effect::Retrieve
        | Effect::Measure(_)
        | Effect::Compact
        | Effect::Warn { .. }
        | Effect::Generate(_)
        | Effect::RunTool(_) => true,
        Effect::RecordAnswer(_)
        | Effect::RecordNote { .. }
        | Effect::RefuseCall { .. }
        | Effect::EndStep
        | Effect::EndTurn(_) => false,
    }
}

fn cancelled() -> Event {
    Event::Cancelled { text: String::new(), thoughts: None }
}

/// What a turn did before it waited for the user, read from its messages.
fn resumed(said: &[Message], steps: usize) -> Resumed {
    let results = said.iter().filter(|message| message.role == Role::Tool);
    let calls = results.map(|message| {
        let name = message.name.clone().unwrap_or_default();
        let status = message.tool_status.unwrap_or(ToolStatus::Ok);
        let writes = crate::tools::tool(&name).is_some_and(crate::tools::Tool::writes_memory);
        ToolEnd { wrote_memory: writes && status == ToolStatus::Ok, name, status, output: message.content.clone() }
    });
    let approvals = said.iter().filter(|message| word_on_call(message) == Some(true));
    Resumed {
        calls: calls.collect(),
        waiting: waiting_calls(said),
        approved_call_ids: approvals.filter_map(|message| message.tool_call_id.clone()).collect(),
        steps,
        spoke: said
            .iter()
            .any(|message| message.step_id.is_some() && message.role == Role::Assistant && !message.content.is_empty()),
    }
}
