//! What the driver does for a model that must be led: finds the intent, searches memory, and has the next step planned
//! so that its prompt fits.

use resident_memory::{ArchivalQuery, Reason, RecallQuery, Sort};
use resident_store::{Message, PassageFilter, Role};
use serde_json::{Value, json};

use super::Driver;
use crate::AgentError;
use crate::events::AgentEvent;
use crate::guidance::{
    GuidanceInput, Intent, Note, NoteSource, Purpose, Routed, RoutedBy, block_notes, explicit_request, plan, rank_notes,
};
use crate::model::{GenerateOptions, Prompt};
use crate::step::{Event, StepRequest};
use crate::window::{Window, turn_starts};

/// How many hits of each kind of memory stand by for an answer.
const MOST_HITS: usize = 6;

/// Messages before the current turn that a guided step may look back on; small models are only confused by more.
const MOST_EARLIER_MESSAGES: usize = 8;

/// A guided step that fits, or the reason why none does.
pub(super) struct GuidedPrompt {
    pub(super) prompt: Prompt,
    pub(super) options: GenerateOptions,
    pub(super) purpose: Purpose,
    pub(super) too_long: Option<(usize, usize)>,
}

impl Driver<'_> {
    pub(super) fn route(&mut self) -> Event {
        let text = &self.asked.content;
        let embedder = self.memory().embedder();
        let routed = match self.context.router {
            Some(router) => router.route(text, embedder.as_deref()),
            None => {
                let asked = explicit_request(text);
                let confidence = if asked.is_some() { 1.0 } else { 0.0 };
                Routed { intent: asked.map_or(Intent::Converse, Intent::from), by: RoutedBy::Words, confidence }
            }
        };
        let intent = routed.intent;
        if matches!(intent, Intent::Correct | Intent::Forget) {
            self.notes = rank_notes(text, self.lines(), embedder.as_deref());
        }
        self.routed = Some(routed);
        Event::Routed(intent)
    }

    pub(super) fn retrieve(&mut self) -> Result<Event, AgentError> {
        let question = self.asked.content.clone();
        let recalls = self.routed.is_some_and(|routed| routed.intent == Intent::Recall);
        if recalls {
            self.emit(AgentEvent::Searching { query: question.clone() });
        }
        let passages = self.memory().search_passages(
            &self.agent.id,
            &ArchivalQuery {
                text: question.clone(),
                filter: PassageFilter { limit: MOST_HITS, ..PassageFilter::of(&self.agent.id) },
                sort: Sort::Relevance,
            },
        )?;
        let messages = self.memory().search_messages(
            &self.agent.id,
            &RecallQuery {
                text: question.clone(),
                roles: vec![Role::User, Role::Assistant],
                from_ms: None,
                to_ms: None,
                conversation_id: None,
                limit: MOST_HITS,
                exclude_turn: Some(self.turn.id.clone()),
            },
        )?;
        let mut notes = self.lines();
        let mut retrieved = Vec::new();
        for hit in passages.hits {
            retrieved.push(describe_hit("passage", hit.passage.id.as_str(), &hit.passage.text, &hit.reasons));
            notes.push(Note { text: hit.passage.text, source: NoteSource::Passage, relevance: 0.0 });
        }
        for hit in messages.into_iter().filter(|hit| hit.message.id != self.asked.id) {
            let source = match hit.message.role {
                Role::User => NoteSource::UserMessage,
                Role::Assistant => NoteSource::AgentMessage,
                Role::System | Role::Tool => continue,
            };
            retrieved.push(describe_hit("message", hit.message.id.as_str(), &hit.message.content, &hit.reasons));
            notes.push(Note { text: hit.message.content, source, relevance: 0.0 });
        }
        let embedder = self.memory().embedder();
        self.notes = rank_notes(&question, notes, embedder.as_deref());
        self.retrieved = Some(Value::Array(retrieved));
        Ok(Event::Retrieved)
    }

    /// The lines of the agent's blocks, among which are the one to correct or forget and many an answer.
    fn lines(&self) -> Vec<Note> {
        let blocks = self.store.read::<_, AgentError>(|reader| Ok(reader.blocks_of(&self.thread)?));
        blocks.map_or_else(
            |error| {
                tracing::warn!(%error, "the lines of the blocks could not be read");
                Vec::new()
            },
            |blocks| block_notes(&blocks),
        )
    }

    /// Lines that were taken out of the agent's blocks, newest first: what was corrected or forgotten since it was said.
    fn lines_gone(&self) -> Vec<String> {
        let gone = self.store.read::<_, AgentError>(|reader| {
            let mut gone = Vec::new();
            for block in reader.blocks_of(&self.thread)? {
                for revision in reader.block_revisions(&block.id)?.into_iter().take(MOST_REVISIONS) {
                    let before = revision.before.unwrap_or_default();
                    let left = before.lines().filter(|line| !block.value.lines().any(|kept| kept == *line));
                    gone.extend(left.map(str::to_owned));
                }
            }
            Ok(gone)
        });
        gone.unwrap_or_else(|error| {
            tracing::warn!(%error, "the earlier lines of the blocks could not be read");
            Vec::new()
        })
    }

    /// The next guided step. Where it is too long, it looks back on less, then on fewer notes.
    pub(super) fn plan_guided(
        &self,
        window: &Window,
        request: &StepRequest,
        intent: Intent,
        room_tokens: usize,
    ) -> GuidedPrompt {
        let allowed_tools = window.schemas(&request.menu);
        let start = turn_starts(&window.messages).last().copied().unwrap_or(0);
        let (before, current) = window.messages.split_at(start);
        let spoken = |message: &&Message| matches!(message.role, Role::User | Role::Assistant);
        let earlier: Vec<_> = before.iter().filter(spoken).cloned().collect();
        let mut look_back = earlier.len().min(MOST_EARLIER_MESSAGES);
        let mut notes = self.notes.as_slice();
        let gone = self.lines_gone();
        loop {
            let recent: Vec<_> = earlier[earlier.len() - look_back..].iter().chain(current).cloned().collect();
            let step = plan(&GuidanceInput {
                intent,
                user_text: &self.asked.content,
                blocks: &window.blocks,
                notes,
                gone: &gone,
                recent: &recent,
                agent_name: &self.agent.name,
                user_name: self.settings.user_name.as_deref(),
                allowed_tools: &allowed_tools,
            });
            let mut options = step.options;
            let defaults = self.options(request.number);
            options.seed = defaults.seed;
            // A call whose words are given has the room that they need; only what is said is limited.
            if matches!(step.purpose, Purpose::Speak | Purpose::NothingToForget) {
                options.max_tokens = options.max_tokens.min(defaults.max_tokens);
            }
            let tokens = self.context.model.count_prompt_tokens(&step.prompt);
            let mut done = GuidedPrompt { prompt: step.prompt, options, purpose: step.purpose, too_long: None };
            if tokens <= room_tokens {
                return done;
            }
            if look_back > 0 {
                look_back /= 2;
            } else if !notes.is_empty() {
                notes = &notes[..notes.len() / 2];
            } else {
                let message_tokens = self.context.model.count_tokens(&self.asked.content);
                let frame_tokens = tokens.saturating_sub(message_tokens);
                done.too_long = Some((message_tokens, room_tokens.saturating_sub(frame_tokens)));
                return done;
            }
        }
    }
}

/// How far back corrections are looked for.
const MOST_REVISIONS: usize = 100;

/// How an intent was found, for the Why pane.
pub(super) fn describe_routed(routed: &Routed) -> Value {
    let by = match routed.by {
        RoutedBy::Words => "words",
        RoutedBy::Classifier => "classifier",
    };
    json!({ "intent": routed.intent.name(), "by": by, "confidence": routed.confidence })
}

pub(super) fn purpose_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Write => "write",
        Purpose::Search => "search",
        Purpose::Speak => "speak",
        Purpose::NothingToForget => "nothing_to_forget",
    }
}

/// The longest piece of a hit that the trace keeps: the whole text stands where it was found.
const TRACED_CHARS: usize = 240;

fn describe_hit(source: &str, id: &str, text: &str, reasons: &[Reason]) -> Value {
    let text: String = text.chars().take(TRACED_CHARS).collect();
    let reasons: Vec<_> = reasons.iter().map(ToString::to_string).collect();
    json!({ "source": source, "id": id, "text": text, "reasons": reasons })
}
