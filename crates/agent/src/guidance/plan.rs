//! One guided step: prompt, menu and pattern.
//!
//! What a turn still has to do is read from its own messages: nothing written yet means write, nothing searched yet means
//! search, and then speak. Everything a rule can decide surely is decided here (the tool, the block, the line to replace,
//! the words that may be used); the model writes it, through the same tools as any other model.

use jiff::civil::DateTime;
use resident_memory::Embedder;
use resident_store::{Block, Message, PassageId, Role, ToolStatus};

use crate::model::{GenerateOptions, Prompt, ToolSchema};

use super::advice;
use super::intent::{Intent, MemoryRequest, asks_about_the_user, explicit_request, is_question};
use super::notes::{block_notes, found_in_results, merged, score_by_words};
use super::small_talk;
use super::speak;
use super::tools::{Kind, kind};
use super::words::{content_stems, overlap, tells};
use super::write;

/// Something remembered that may help to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// Its text.
    pub text: String,
    /// Where it is kept.
    pub source: NoteSource,
    /// The passage, where it is one.
    pub passage_id: Option<PassageId>,
    /// How near it is to the message, 0 to 1, as [`rank_notes`] sets it; give 0 before.
    pub relevance: f32,
}

/// Where a note is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteSource {
    /// A line of a block.
    Block,
    /// A passage of archival memory.
    Passage,
    /// Something the user said.
    UserMessage,
    /// Something the agent said.
    AgentMessage,
}

/// What a guided step is made from. `plan` is called again for every step of the turn with the same intent.
#[derive(Debug, Clone, Copy)]
pub struct GuidanceInput<'a> {
    /// What the message asks, from [`super::Router`].
    pub intent: Intent,
    /// The user's message.
    pub user_text: &'a str,
    /// The agent's blocks as they are now.
    pub blocks: &'a [Block],
    /// What was found for the message, from [`rank_notes`]: the lines of the blocks (see [`super::block_notes`]) and,
    /// for a recall, what the searches gave. Lines and results that are missing here are scored by their words.
    pub notes: &'a [Note],
    /// Lines that were taken out of the blocks and passages that are no longer true: what was corrected or forgotten
    /// since it was said.
    pub gone: &'a [String],
    /// The time of the user's message, in the user's time zone.
    pub now: DateTime,
    /// The latest messages of the window, oldest first, up to now: the user's message of this turn, and after it what
    /// this turn's steps called and got. From these `plan` sees how far the turn is: memory written, searched, …
    pub recent: &'a [Message],
    /// The agent's name.
    pub agent_name: &'a str,
    /// The user's name, if known.
    pub user_name: Option<&'a str>,
    /// The tools that the rules admit in this step, with their full schemas.
    pub allowed_tools: &'a [ToolSchema],
}

/// A step to run: call the model with this prompt and these options (set `options.seed` yourself).
#[derive(Debug, Clone, PartialEq)]
pub struct GuidedStep {
    /// What the model reads, and its menu: one tool with narrowed arguments, or none for plain text.
    pub prompt: Prompt,
    /// How to generate.
    pub options: GenerateOptions,
    /// What the step is for.
    pub purpose: Purpose,
}

/// What a guided step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It writes to memory; another step follows.
    Write,
    /// It searches; another step follows.
    Search,
    /// It speaks to the user (through `send_message` where that is on the menu, else in text) and ends the turn.
    Speak,
    /// It tells the user that nothing kept matches what should be forgotten, and ends the turn: the rule that an
    /// explicit request is never lost is satisfied.
    NothingToForget,
    /// It tells the user that memory says this already, which it does, and ends the turn: nothing is to be written.
    AlreadyKnown,
}

/// The next step of a guided turn.
pub fn plan(input: &GuidanceInput<'_>) -> GuidedStep {
    let situation = Situation::of(input);
    match input.intent {
        Intent::Remember | Intent::Correct | Intent::Forget | Intent::Archive => write::step(&situation),
        Intent::Recall => match advice::answer(&situation) {
            Some(answer) if !speak::is_answered_by_notes(&situation) => speak::told_step(&situation, &answer),
            Some(_) | None => speak::recall_step(&situation),
        },
        Intent::Converse => converse(&situation),
    }
}

fn converse(situation: &Situation<'_>) -> GuidedStep {
    if let Some(answer) = small_talk::answer(situation.input) {
        return speak::told_step(situation, &answer);
    }
    // Whether a question is about the user, only what is remembered can tell: "How old is Leo?"
    if speak::is_answered_by_notes(situation) {
        return speak::recall_step(situation);
    }
    match advice::answer(situation) {
        Some(answer) => speak::told_step(situation, &answer),
        None if asks_about_the_user(situation.input.user_text) || asks_for_what_is_gone(situation.input) => {
            speak::recall_step(situation)
        }
        None => speak::converse_step(situation),
    }
}

/// Orders what was found by nearness to `message`, best first, and sets `relevance`: by meaning where there is an
/// embedder, and by words.
pub fn rank_notes(message: &str, notes: Vec<Note>, embedder: Option<&dyn Embedder>) -> Vec<Note> {
    super::notes::rank(message, notes, embedder)
}

/// The input, with what `recent` tells of this turn.
#[derive(Debug)]
pub(super) struct Situation<'a> {
    pub(super) input: &'a GuidanceInput<'a>,
    /// Lines of blocks and results of searches, best first.
    pub(super) notes: Vec<Note>,
    /// What the user said before this turn.
    pub(super) said_before: Option<&'a str>,
    /// The turn's calls that ended, oldest first.
    pub(super) done: Vec<Done<'a>>,
}

/// A call of this turn and how it ended.
#[derive(Debug)]
pub(super) struct Done<'a> {
    pub(super) kind: Kind,
    pub(super) tool: &'a str,
    pub(super) arguments: &'a serde_json::Value,
    pub(super) failed: bool,
    pub(super) result: &'a str,
}

impl<'a> Situation<'a> {
    fn of(input: &'a GuidanceInput<'a>) -> Self {
        let turn_start = input.recent.iter().rposition(|message| message.role == Role::User);
        let turn = turn_start.map_or(input.recent, |at| &input.recent[at + 1..]);
        let said_before = turn_start.and_then(|at| {
            input.recent[..at]
                .iter()
                .rev()
                .find(|message| message.role == Role::User)
                .map(|message| message.content.as_str())
        });
        let done = calls_done(turn);
        let mut found = block_notes(input.blocks);
        for call in done.iter().filter(|call| call.kind == Kind::Search && !call.failed) {
            found.extend(found_in_results(call.tool, call.result));
        }
        let mut notes = merged(input.notes, score_by_words(input.user_text, found));
        notes.retain(|note| match note.source {
            NoteSource::Block | NoteSource::Passage => true,
            NoteSource::AgentMessage => !tells_what_is_gone(&note.text, input),
            // What was asked before is no answer, nor is what was to be forgotten.
            NoteSource::UserMessage => {
                note.text.trim() != input.user_text.trim()
                    && !is_question(&note.text)
                    && explicit_request(&note.text) != Some(MemoryRequest::Forget)
                    && !tells_what_is_gone(&note.text, input)
            }
        });
        Self { input, notes, said_before, done }
    }

    /// Whether this turn has done a thing of this kind.
    pub(super) fn has_done(&self, kind: Kind) -> bool {
        self.done.iter().any(|call| call.kind == kind && !call.failed)
    }

    /// Whether this turn called a tool of this name.
    pub(super) fn has_called(&self, tool: &str) -> bool {
        self.done.iter().any(|call| call.tool == tool)
    }
}

/// Whether a message tells what a line or a passage told that is gone, and nothing that is kept tells it too. The message
/// stays in recall memory, where a search finds it; it is only no answer any more.
pub(super) fn tells_what_is_gone(message: &str, input: &GuidanceInput<'_>) -> bool {
    let lines = input.blocks.iter().flat_map(|block| block.value.lines());
    let passages = input.notes.iter().filter(|note| note.source == NoteSource::Passage).map(|note| note.text.as_str());
    input.gone.iter().any(|line| tells(message, line)) && !lines.chain(passages).any(|kept| tells(message, kept))
}

/// Whether a question is about something that was corrected or forgotten: a model would make up what it does not find.
fn asks_for_what_is_gone(input: &GuidanceInput<'_>) -> bool {
    let stems = content_stems(input.user_text);
    // One word is enough where it is a name.
    let named = input.user_text.split_whitespace().skip(1).any(|word| word.starts_with(char::is_uppercase));
    is_question(input.user_text)
        && (stems.len() > 1 || named && !stems.is_empty())
        && input.gone.iter().any(|gone| overlap(&stems, gone) >= LEAST_SHARE_OF_WHAT_IS_GONE)
}

/// Two of three words: "how much will the brakes cost" of what the brakes cost.
pub(super) const LEAST_SHARE_OF_WHAT_IS_GONE: f32 = 0.6;

fn calls_done(turn: &[Message]) -> Vec<Done<'_>> {
    let calls = turn.iter().flat_map(|message| &message.tool_calls);
    calls
        .filter_map(|call| {
            let result = turn.iter().find(|message| {
                message.role == Role::Tool && message.tool_call_id.as_deref() == Some(call.id.as_str())
            })?;
            Some(Done {
                kind: kind(&call.name, &call.arguments)?,
                tool: &call.name,
                arguments: &call.arguments,
                failed: result.tool_status == Some(ToolStatus::Failed),
                result: &result.content,
            })
        })
        .collect()
}
