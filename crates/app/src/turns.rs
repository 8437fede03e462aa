//! Running a turn: the model is loaded, the agent's driver runs, and what it reports becomes events.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use resident_agent::{
    AgentEvent, AgentSettings, Cancel, Compaction, LanguageModel, OutsideTools, TurnContext, TurnOptions,
};
use resident_store::{Agent, AgentId, Message, Thread, Turn, TurnStatus};

use crate::App;
use crate::api::{ApiError, CompactionView, EventKind, TurnView};
use crate::changes::memory_change;
use crate::event_log::About;
use crate::groups::Others;
use crate::settings::Settings;
use crate::views::{AgentNames, message_view, step_view, turn_view};

impl App {
    /// Tells of a turn that was begun and hands it to its agent's driver.
    pub(crate) fn start_turn(self: &Arc<Self>, turn: Turn, messages: impl IntoIterator<Item = Message>) -> TurnView {
        let about = About::turn(&turn);
        self.send(about.clone(), EventKind::TurnStarted { turn: turn_view(turn.clone()) });
        for message in messages {
            let window_start_seq = message.seq;
            self.send(about.clone(), EventKind::MessageRecorded { message: message_view(message, window_start_seq) });
        }
        self.drive(turn)
    }

    /// Lets a turn that waited for the user go on.
    pub(crate) fn resume_turn(self: &Arc<Self>, turn: Turn) -> TurnView {
        let about = About::turn(&turn);
        self.send(about, EventKind::TurnStarted { turn: turn_view(turn.clone()) });
        self.drive(turn)
    }

    fn drive(self: &Arc<Self>, turn: Turn) -> TurnView {
        self.memory.notify_written();
        let view = turn_view(turn.clone());
        let cancel = self.drivers.register(&turn.id);
        let app = self.clone();
        self.drivers.run(Thread::from(&turn), Box::new(move || app.run_turn(turn, &cancel)));
        view
    }

    fn run_turn(self: &Arc<Self>, turn: Turn, cancel: &Cancel) {
        let running = self.memory.begin_turn();
        let about = About::turn(&turn);
        let ended = match self.try_turn(&turn, cancel, &about) {
            Ok(ended) => ended,
            Err(error) => self.fail_turn(turn, error),
        };
        self.drivers.release(&ended.id);
        drop(running);
        self.memory.notify_written();
        self.send(about, EventKind::TurnEnded { turn: turn_view(ended.clone()) });
        self.after_turn(&ended);
    }

    fn try_turn(self: &Arc<Self>, turn: &Turn, cancel: &Cancel, about: &About) -> Result<Turn, ApiError> {
        let (agent, settings) = self.store.read::<_, ApiError>(|reader| {
            let agent = reader.agent(&turn.agent_id)?;
            let agent = agent.ok_or_else(|| ApiError::not_found("agent", turn.agent_id.as_str()))?;
            Ok((agent, Settings::read(reader)?.for_agents()))
        })?;
        // A turn may ask for another model than its agent's.
        let model = TurnOptions::of(turn).model.or(agent.model.clone());
        let model = self.model_of(&Agent { model, ..agent }, about)?;
        let others = Others(self.clone());
        let context = TurnContext { others: Some(&others), ..self.turn_context(model.as_ref(), &settings) };
        let mut report = |event| self.report(event, about);
        Ok(resident_agent::run_turn(&context, turn, cancel, &mut report)?)
    }

    /// The model that answers for an agent, loaded if it is not.
    pub(crate) fn model_of(&self, agent: &Agent, about: &About) -> Result<Arc<dyn LanguageModel>, ApiError> {
        let handle = agent.model.clone().map_or_else(|| self.default_model(), Ok)?;
        self.models.language(&handle, about)
    }

    pub(crate) fn turn_context<'a>(
        &'a self,
        model: &'a dyn LanguageModel,
        settings: &'a AgentSettings,
    ) -> TurnContext<'a> {
        // A hasher of its own is the standard library's source of a random number.
        let seed = self.seed.unwrap_or_else(|| RandomState::new().hash_one(0));
        let outside = Some(self as &dyn OutsideTools);
        TurnContext { memory: &self.memory, model, router: Some(&self.router), settings, outside, others: None, seed }
    }

    /// A turn that could not even begin (no model, for instance) ends with its error; what was said is safe.
    fn fail_turn(&self, turn: Turn, error: ApiError) -> Turn {
        tracing::warn!(turn = %turn.id, %error, "a turn failed");
        let ended = Turn {
            status: TurnStatus::Failed,
            stop_reason: Some("error".to_owned()),
            error: Some(error.to_string()),
            ended_at_ms: Some(self.store.now_ms()),
            ..turn
        };
        if let Err(error) = self.store.write::<_, ApiError>(|writer| Ok(writer.update_turn(&ended)?)) {
            tracing::error!(turn = %ended.id, %error, "the end of a turn could not be recorded");
        }
        ended
    }

    /// Makes an event of what the agent's driver reports.
    pub(crate) fn report(&self, event: AgentEvent, about: &About) {
        let what = match event {
            AgentEvent::Reading { tokens, of } => EventKind::PromptReading { tokens, of },
            AgentEvent::Searching { query } => EventKind::Searching { query },
            AgentEvent::Text { step_id, text } => EventKind::TextDelta { step_id: step_id.0, text },
            AgentEvent::Thoughts { step_id, text } => EventKind::ThoughtsDelta { step_id: step_id.0, text },
            AgentEvent::ToolCall { step_id, index, name, arguments_delta } => {
                EventKind::ToolCallDelta { step_id: step_id.0, index, name, arguments_delta }
            }
            AgentEvent::Recorded(message) => {
                let window_start_seq = message.seq;
                EventKind::MessageRecorded { message: message_view(message, window_start_seq) }
            }
            AgentEvent::Changed(change) => {
                let names = self.store.read(AgentNames::read).unwrap_or_else(|error| {
                    tracing::warn!(%error, "who wrote a memory is told without a name");
                    AgentNames::default()
                });
                EventKind::MemoryChanged { change: memory_change(change, &names, false) }
            }
            AgentEvent::Pressure { used_tokens, window_tokens } => {
                EventKind::MemoryPressure { used_tokens, window_tokens }
            }
            AgentEvent::Compacted(compaction) => EventKind::Compacted { compaction: compaction_view(compaction) },
            AgentEvent::StepEnded(step) => EventKind::StepEnded { step: step_view(step) },
        };
        self.send(about.clone(), what);
    }

    pub(crate) fn agent(&self, agent_id: &str) -> Result<Agent, ApiError> {
        let id = AgentId::from(agent_id);
        self.store
            .read::<_, ApiError>(|reader| reader.agent(&id)?.ok_or_else(|| ApiError::not_found("agent", agent_id)))
    }
}

pub(crate) fn compaction_view(compaction: Compaction) -> CompactionView {
    let Compaction { evicted_messages, tokens_before, tokens_after, summary } = compaction;
    CompactionView {
        evicted_messages,
        tokens_before,
        tokens_after,
        extractive: summary.kind == resident_store::SummaryKind::Extractive,
        summary: summary.text,
    }
}
