//! One guided step: prompt, menu and pattern.

use resident_memory::Embedder;
use resident_store::{Block, Message};

use crate::model::{GenerateOptions, Prompt, ToolSchema};

use super::Intent;

/// Something remembered that may help to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// Its text.
    pub text: String,
    /// Where it is kept.
    pub source: NoteSource,
    /// How near it is to the question, 0 to 1, as [`rank_notes`] sets it; give 0 before.
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
    /// What was found for the message, best first (see [`rank_notes`]). Lines of blocks and the search results that
    /// stand in `recent` need not be in it; `plan` reads them itself.
    pub notes: &'a [Note],
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
}

/// The next step of a guided turn.
pub fn plan(input: &GuidanceInput<'_>) -> GuidedStep {
    let _ = input;
    GuidedStep { prompt: Prompt::default(), options: GenerateOptions::default(), purpose: Purpose::Speak }
}

/// Orders what was found by nearness to `question`, best first, and sets `relevance`: meaning where there is an
/// embedder, and words.
pub fn rank_notes(question: &str, notes: Vec<Note>, embedder: Option<&dyn Embedder>) -> Vec<Note> {
    let _ = (question, embedder);
    notes
}
