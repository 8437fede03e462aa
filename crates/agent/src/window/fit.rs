//! Making a prompt fit that would not. Compaction comes first and is recorded; what is done here concerns one prompt
//! only and changes nothing that is stored: blocks are shown shortened where they alone fill the window, results of
//! tools are cut, earlier turns and steps are left out. So no state is too full to be talked to, and only a message
//! that is by itself larger than the window is refused.

use resident_store::{Block, Message, Role};

use super::compose::{Frame, compose_messages, compose_system};
use super::{Window, turn_starts};
use crate::model::{LanguageModel, Prompt};

/// A prompt that fits, or the reason why none does.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) prompt: Prompt,
    /// Tokens of the whole window, before anything was left out.
    pub(crate) used_tokens: usize,
    /// Tokens of the user's message and of the room for it, where it alone does not fit.
    pub(crate) too_long: Option<(usize, usize)>,
}

/// The share of the room that instructions, blocks and summary may take: the conversation needs the rest.
const SYSTEM_SHARE: (usize, usize) = (3, 4);

/// Below this a cut result says nothing any more.
const SHORTEST_RESULT_CHARS: usize = 200;

/// The window as a prompt of at most `room_tokens`.
pub(crate) fn fit(model: &dyn LanguageModel, window: &Window, frame: &Frame, room_tokens: usize) -> Fitted {
    let mut prompt = super::compose(window, frame);
    let used_tokens = model.count_prompt_tokens(&prompt);
    if used_tokens <= room_tokens {
        return Fitted { prompt, used_tokens, too_long: None };
    }
    prompt.system = fit_system(model, window, frame, room_tokens);
    let counted = |prompt: &Prompt| model.count_prompt_tokens(prompt);
    if counted(&prompt) <= room_tokens {
        return Fitted { prompt, used_tokens, too_long: None };
    }
    let start = turn_starts(&window.messages).last().copied().unwrap_or(0);
    let mut turn = window.messages[start..].to_vec();
    let mut recompose = |turn: &[Message]| {
        prompt.messages = compose_messages(turn, window.agent.agent_type, &frame.zone);
        model.count_prompt_tokens(&prompt)
    };
    let mut tokens = recompose(&turn);
    while tokens > room_tokens && cut_longest_result(&mut turn) {
        tokens = recompose(&turn);
    }
    while tokens > room_tokens && leave_out_oldest_step(&mut turn) {
        tokens = recompose(&turn);
    }
    let too_long = (tokens > room_tokens).then(|| {
        let said: String =
            turn.iter().filter(|message| message.role == Role::User).map(|m| m.content.as_str()).collect();
        let message_tokens = model.count_tokens(&said);
        (message_tokens, room_tokens.saturating_sub(tokens.saturating_sub(message_tokens)))
    });
    Fitted { prompt, used_tokens, too_long }
}

/// The system prompt within its share: block values are shortened, evenly, then the summary and at last the
/// instructions.
fn fit_system(model: &dyn LanguageModel, window: &Window, frame: &Frame, room_tokens: usize) -> String {
    let tools = Prompt { menu: frame.menu.clone(), describe_tools: true, ..Prompt::default() };
    let room = room_tokens.saturating_sub(model.count_prompt_tokens(&tools)) * SYSTEM_SHARE.0 / SYSTEM_SHARE.1;
    let whole = compose_system(window, &window.blocks, None);
    if model.count_tokens(&whole) <= room {
        return whole;
    }
    let longest = window.blocks.iter().map(|block| block.value.chars().count()).max().unwrap_or(0);
    let shortened = |chars: usize| {
        let blocks: Vec<_> = window.blocks.iter().map(|block| shorten_block(block, chars)).collect();
        compose_system(window, &blocks, Some(BLOCKS_SHORTENED))
    };
    if let Some(system) = largest_that_fits(model, longest, room, shortened) {
        return system;
    }
    let longest = window.summary.as_ref().map_or(0, |summary| summary.text.chars().count());
    let blocks: Vec<_> = window.blocks.iter().map(|block| shorten_block(block, 0)).collect();
    let without = |window: &Window| compose_system(window, &blocks, Some(BLOCKS_SHORTENED));
    let summary_cut = |chars: usize| {
        let mut window = window.clone();
        if let Some(summary) = &mut window.summary {
            summary.text = shorten(&summary.text, chars);
        }
        without(&window)
    };
    if let Some(system) = largest_that_fits(model, longest, room, summary_cut) {
        return system;
    }
    let instructions_cut = |chars: usize| {
        let mut window = Window { summary: None, ..window.clone() };
        window.agent.system = shorten(&window.agent.system, chars);
        without(&window)
    };
    let longest = window.agent.system.chars().count();
    largest_that_fits(model, longest, room, instructions_cut).unwrap_or_else(|| instructions_cut(0))
}

const BLOCKS_SHORTENED: &str = "Your memory blocks are larger than your context window has room for, so they are shown \
shortened. Nothing is lost. Shorten them with your memory tools, or ask the user to.";

/// The text for the largest number of characters up to `longest` that takes at most `room` tokens, if any does.
fn largest_that_fits(
    model: &dyn LanguageModel,
    longest: usize,
    room: usize,
    text: impl Fn(usize) -> String,
) -> Option<String> {
    let fits = |chars: usize| Some(text(chars)).filter(|text| model.count_tokens(text) <= room);
    let mut best = fits(0)?;
    let (mut low, mut high) = (0, longest);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match fits(middle) {
            Some(text) => (best, low) = (text, middle),
            None => high = middle - 1,
        }
    }
    Some(best)
}

fn shorten_block(block: &Block, chars: usize) -> Block {
    Block { value: shorten(&block.value, chars), ..block.clone() }
}

/// The first `chars` characters, and a word on what is missing.
fn shorten(text: &str, chars: usize) -> String {
    let all = text.chars().count();
    if all <= chars {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars).collect();
    format!("{kept}… [shortened: {chars} of {all} characters are shown]")
}

/// Halves the longest result of a tool; false when none is long.
fn cut_longest_result(turn: &mut [Message]) -> bool {
    let results = turn.iter_mut().filter(|message| message.role == Role::Tool);
    let Some(longest) = results.max_by_key(|message| message.content.chars().count()) else { return false };
    let chars = longest.content.chars().count();
    if chars < 2 * SHORTEST_RESULT_CHARS {
        return false;
    }
    longest.content = shorten(&longest.content, chars / 2 - SHORTEST_RESULT_CHARS / 2);
    true
}

/// Leaves out the oldest step of a turn (a message of the agent, and all up to its next), but never the last one.
fn leave_out_oldest_step(turn: &mut Vec<Message>) -> bool {
    let mut steps = turn.iter().enumerate().filter(|(_, message)| message.role == Role::Assistant);
    let (Some((first, _)), Some((second, _))) = (steps.next(), steps.next()) else { return false };
    turn.drain(first..second);
    true
}
