//! What the driver does for a model that must be led: finds the intent, searches memory, and has the next step planned
//! so that its prompt fits.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use resident_memory::{ArchivalHit, ArchivalQuery, Reason, RecallQuery, Sort};
use resident_store::{Message, PassageFilter, Role};
use serde_json::{Value, json};

use super::Driver;
use crate::AgentError;
use crate::events::AgentEvent;
use crate::guidance::{
    GuidanceInput, Intent, Note, NoteSource, Purpose, Routed, RoutedBy, block_notes, explicit_request, names_no_topic,
    plan, rank_notes, read_part, tells_of_somebody_known,
};
use crate::model::{GenerateOptions, Prompt};
use crate::step::{Event, StepRequest};
use crate::window::{Window, turn_starts};

/// The confidence of a rule that is right more often than not.
const LIKELY: f32 = 0.7;

/// How many hits of each kind of memory stand by for an answer.
const MOST_HITS: usize = 6;

/// Messages before the current turn that a guided step may look back on; small models are only confused by more.
const MOST_EARLIER_MESSAGES: usize = 8;

/// A guided step that fits, or the reason why none does.
pub(super) struct GuidedPrompt {
    pub(super) prompt: Prompt,
    pub(super) options: GenerateOptions,
    pub(super) purpose: Purpose,
    /// Tokens of the prompt.
    pub(super) tokens: usize,
    pub(super) too_long: Option<(usize, usize)>,
}

impl Driver<'_> {
    pub(super) fn route(&mut self) -> Result<Event, AgentError> {
        let asked = self.asked.content.clone();
        let text = &*read_part(&asked);
        let embedder = self.memory().embedder();
        let routed = match self.context.router {
            Some(router) => router.route(text, embedder.as_deref()),
            None => {
                let asked = explicit_request(text);
                let confidence = if asked.is_some() { 1.0 } else { 0.0 };
                Routed { intent: asked.map_or(Intent::Converse, Intent::from), by: RoutedBy::Words, confidence }
            }
        };
        let lines = self.lines();
        let known: Vec<&str> = lines.iter().map(|note| note.text.as_str()).collect();
        let routed = if routed.intent == Intent::Converse && tells_of_somebody_known(text, &known) {
            Routed { intent: Intent::Remember, by: RoutedBy::Words, confidence: LIKELY }
        } else {
            routed
        };
        let intent = routed.intent;
        match intent {
            // What is to be written may stand in memory already, or change what stands there.
            Intent::Remember | Intent::Correct | Intent::Forget | Intent::Archive => {
                // "Actually it's on Friday" is about what was spoken of before.
                let topic = if names_no_topic(text) { self.said_before()? } else { None };
                let about = topic.map_or_else(|| text.to_owned(), |before| format!("{} {text}", read_part(&before)));
                let mut notes = lines;
                notes.extend(self.found_passages(&about)?.into_iter().map(passage_note));
                self.notes = rank_notes(&about, notes, embedder.as_deref());
            }
            Intent::Recall | Intent::Converse => {}
        }
        self.routed = Some(routed);
        Ok(Event::Routed(intent))
    }

    /// What the user said before this message.
    fn said_before(&self) -> Result<Option<String>, AgentError> {
        const NEAR: usize = 12;
        let before = self.store.read::<_, AgentError>(|reader| {
            Ok(reader.messages_before(&self.agent.id, Some(self.asked.seq), NEAR)?)
        })?;
        let said = before.into_iter().rev().find(|message| message.role == Role::User);
        Ok(said.map(|message| message.content))
    }

    fn found_passages(&self, text: &str) -> Result<Vec<ArchivalHit>, AgentError> {
        let query = ArchivalQuery {
            text: text.to_owned(),
            filter: PassageFilter { limit: MOST_HITS, ..PassageFilter::of(&self.agent.id) },
            sort: Sort::Relevance,
        };
        Ok(self.memory().search_passages(&self.agent.id, &query)?.hits)
    }

    /// The time of the user's message where the user is.
    fn said_at(&self) -> DateTime {
        let at = Timestamp::from_millisecond(self.asked.created_at_ms).unwrap_or_default();
        at.to_zoned(self.zone.clone()).datetime()
    }

    pub(super) fn retrieve(&mut self) -> Result<Event, AgentError> {
        let question = read_part(&self.asked.content).into_owned();
        let recalls = self.routed.is_some_and(|routed| routed.intent == Intent::Recall);
        if recalls {
            self.emit(AgentEvent::Searching { query: question.clone() });
        }
        let passages = self.found_passages(&question)?;
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
        for hit in passages {
            retrieved.push(describe_hit("passage", hit.passage.id.as_str(), &hit.passage.text, &hit.reasons));
            notes.push(passage_note(hit));
        }
        for hit in messages.into_iter().filter(|hit| hit.message.id != self.asked.id) {
            let source = match hit.message.role {
                Role::User => NoteSource::UserMessage,
                Role::Assistant => NoteSource::AgentMessage,
                Role::System | Role::Tool => continue,
            };
            retrieved.push(describe_hit("message", hit.message.id.as_str(), &hit.message.content, &hit.reasons));
            notes.push(Note { text: hit.message.content, source, passage_id: None, relevance: 0.0 });
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

    /// Lines that were taken out of the agent's blocks and passages that are no longer true or in the bin, newest first:
    /// what was corrected or forgotten since it was said.
    fn lines_gone(&self) -> Vec<String> {
        let gone = self.store.read::<_, AgentError>(|reader| {
            let mut gone = Vec::new();
            let mut sources = HashSet::new();
            for block in reader.blocks_of(&self.thread)? {
                let is_kept = |line: &&str| block.value.lines().any(|kept| kept == *line);
                for revision in reader.block_revisions(&block.id)?.into_iter().take(MOST_REVISIONS) {
                    let before = revision.before.unwrap_or_default();
                    gone.extend(before.lines().filter(|line| !is_kept(line)).map(str::to_owned));
                    let came = |line: &&str| !before.lines().any(|earlier| earlier == *line);
                    if revision.after.lines().any(|line| came(&line) && !is_kept(&line)) {
                        sources.extend(revision.provenance.message_id);
                    }
                }
            }
            for passage in reader.passages_gone(&self.agent.id, self.store.now_ms(), MOST_PASSAGES_GONE)? {
                gone.push(passage.text);
                sources.extend(passage.provenance.message_id);
            }
            // The messages from which it was written tell it in other words.
            for id in sources {
                gone.extend(reader.message(&id)?.map(|message| message.content));
            }
            Ok(gone)
        });
        gone.unwrap_or_else(|error| {
            tracing::warn!(%error, "the earlier lines of the blocks could not be read");
            Vec::new()
        })
    }

    /// The tokens of the message and the room, where the message alone is surely longer: nothing else need be read then.
    fn too_long(&self, room_tokens: usize) -> Option<(usize, usize)> {
        match read_part(&self.asked.content) {
            Cow::Borrowed(_) => None,
            Cow::Owned(_) => {
                let message_tokens = super::message_tokens(self.context.model, &self.asked.content, room_tokens);
                (message_tokens > room_tokens).then_some((message_tokens, room_tokens))
            }
        }
    }

    /// The next guided step. Where it is too long, it looks back on less, then on fewer notes.
    pub(super) fn plan_guided(
        &self,
        window: &Window,
        request: &StepRequest,
        intent: Intent,
        room_tokens: usize,
    ) -> GuidedPrompt {
        if let Some(too_long) = self.too_long(room_tokens) {
            let nothing = GenerateOptions::default();
            return GuidedPrompt {
                prompt: Prompt::default(),
                options: nothing,
                purpose: Purpose::Speak,
                tokens: 0,
                too_long: Some(too_long),
            };
        }
        let allowed_tools = window.schemas(&request.menu);
        let start = turn_starts(&window.messages).last().copied().unwrap_or(0);
        let (before, current) = window.messages.split_at(start);
        let spoken = |message: &&Arc<Message>| matches!(message.role, Role::User | Role::Assistant);
        let earlier: Vec<_> = before.iter().filter(spoken).cloned().collect();
        let mut look_back = earlier.len().min(MOST_EARLIER_MESSAGES);
        let mut notes = self.notes.as_slice();
        let gone = self.lines_gone();
        loop {
            let recent = earlier[earlier.len() - look_back..].iter().chain(current);
            let recent: Vec<_> = recent.map(|message| Message::clone(message)).collect();
            let step = plan(&GuidanceInput {
                intent,
                user_text: &self.asked.content,
                blocks: &window.blocks,
                notes,
                gone: &gone,
                now: self.said_at(),
                recent: &recent,
                agent_name: &self.agent.name,
                user_name: self.settings.user_name.as_deref(),
                allowed_tools: &allowed_tools,
            });
            let mut options = step.options;
            let defaults = self.options(request.number);
            options.seed = defaults.seed;
            // A call whose words are given has the room that they need; only what is said is limited.
            match step.purpose {
                Purpose::Speak | Purpose::NothingToForget | Purpose::AlreadyKnown => {
                    options.max_tokens = options.max_tokens.min(defaults.max_tokens);
                }
                Purpose::Write | Purpose::Search => {}
            }
            let tokens = self.context.model.count_prompt_tokens(&step.prompt);
            let mut done = GuidedPrompt { prompt: step.prompt, options, purpose: step.purpose, tokens, too_long: None };
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
const MOST_PASSAGES_GONE: usize = 100;

fn passage_note(hit: ArchivalHit) -> Note {
    let ArchivalHit { passage, score: _, reasons: _ } = hit;
    Note { text: passage.text, source: NoteSource::Passage, passage_id: Some(passage.id), relevance: 0.0 }
}

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
        Purpose::AlreadyKnown => "already_known",
    }
}

/// The longest piece of a hit that the trace keeps: the whole text stands where it was found.
const TRACED_CHARS: usize = 240;

fn describe_hit(source: &str, id: &str, text: &str, reasons: &[Reason]) -> Value {
    let text: String = text.chars().take(TRACED_CHARS).collect();
    let reasons: Vec<_> = reasons.iter().map(ToString::to_string).collect();
    json!({ "source": source, "id": id, "text": text, "reasons": reasons })
}
