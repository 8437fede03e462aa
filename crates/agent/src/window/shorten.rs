//! Instructions, blocks and summary that alone would fill the window are shown shortened, and the agent is told. What is
//! stored stays whole: a block that an import or an edit made too large must not silence the agent that could tidy it.

use std::borrow::Cow;

use super::compose::{Frame, compose, compose_system};
use super::{Directories, Window};
use crate::model::{LanguageModel, Prompt};

/// The share of the room that instructions, blocks and summary may take: the conversation needs the rest.
const SYSTEM_SHARE: (usize, usize) = (3, 4);

/// A window as it is shown, the prompt that it becomes, and the tokens of that.
#[derive(Debug)]
pub(crate) struct Shown<'w> {
    pub(crate) window: Cow<'w, Window>,
    pub(crate) prompt: Prompt,
    pub(crate) tokens: usize,
}

impl<'w> Shown<'w> {
    fn of(model: &dyn LanguageModel, window: Cow<'w, Window>, frame: &Frame) -> Self {
        let prompt = compose(&window, frame);
        Self { tokens: model.count_prompt_tokens(&prompt), window, prompt }
    }
}

/// The window as it is shown in a prompt of about `room_tokens`: as it is where it fits, otherwise with what stands
/// before the messages kept within its share. Open files are shortened first, evenly, then blocks, then the
/// summary, at last the instructions.
pub(crate) fn shown<'w>(model: &dyn LanguageModel, window: &'w Window, frame: &Frame, room_tokens: usize) -> Shown<'w> {
    let whole = Shown::of(model, Cow::Borrowed(window), frame);
    if whole.tokens <= room_tokens {
        return whole;
    }
    let tools = Prompt { menu: frame.menu.clone(), describe_tools: true, ..Prompt::default() };
    let room = room_tokens.saturating_sub(model.count_prompt_tokens(&tools)) * SYSTEM_SHARE.0 / SYSTEM_SHARE.1;
    if model.count_tokens(&compose_system(window)) <= room {
        return whole;
    }
    // The messages take no part in this, and are many.
    let head = Window { messages: Vec::new(), shortened: true, ..window.clone() };
    let shortened = Window { messages: window.messages.clone(), ..shorten_head(model, &head, room) };
    Shown::of(model, Cow::Owned(shortened), frame)
}

fn shorten_head(model: &dyn LanguageModel, head: &Window, room: usize) -> Window {
    let files_cut = |chars: usize| {
        let mut head = head.clone();
        if let Some(directories) = &mut head.directories {
            directories.limits.chars = directories.limits.chars.min(chars);
        }
        head
    };
    if let Some(longest) = head.directories.as_ref().map(Directories::longest)
        && let Some(fitting) = largest_that_fits(model, longest, room, files_cut)
    {
        return fitting;
    }
    let head = &files_cut(0);
    let blocks_cut = |chars: usize| {
        let mut head = head.clone();
        for block in &mut head.blocks {
            block.value = shorten(&block.value, chars);
        }
        head
    };
    let longest = head.blocks.iter().map(|block| block.value.chars().count()).max().unwrap_or(0);
    if let Some(fitting) = largest_that_fits(model, longest, room, blocks_cut) {
        return fitting;
    }
    let bare = blocks_cut(0);
    let summary_cut = |chars: usize| {
        let mut head = bare.clone();
        if let Some(summary) = &mut head.summary {
            summary.text = shorten(&summary.text, chars);
        }
        head
    };
    let longest = bare.summary.as_ref().map_or(0, |summary| summary.text.chars().count());
    if let Some(fitting) = largest_that_fits(model, longest, room, summary_cut) {
        return fitting;
    }
    let instructions_cut = |chars: usize| {
        let mut head = Window { summary: None, ..bare.clone() };
        head.agent.system = shorten(&head.agent.system, chars);
        head
    };
    let longest = bare.agent.system.chars().count();
    largest_that_fits(model, longest, room, instructions_cut).unwrap_or_else(|| instructions_cut(0))
}

/// The window for the largest number of characters up to `longest` whose system prompt takes at most `room` tokens, if
/// any does.
fn largest_that_fits(
    model: &dyn LanguageModel,
    longest: usize,
    room: usize,
    cut: impl Fn(usize) -> Window,
) -> Option<Window> {
    let fits = |chars: usize| Some(cut(chars)).filter(|head| model.count_tokens(&compose_system(head)) <= room);
    let mut best = fits(0)?;
    let (mut low, mut high) = (0, longest);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match fits(middle) {
            Some(head) => (best, low) = (head, middle),
            None => high = middle - 1,
        }
    }
    Some(best)
}

/// The first `chars` characters, and a word on what is missing.
pub(super) fn shorten(text: &str, chars: usize) -> String {
    let all = text.chars().count();
    if all <= chars {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars).collect();
    format!("{kept}… [shortened: {chars} of {all} characters are shown]")
}
