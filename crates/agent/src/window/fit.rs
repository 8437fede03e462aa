//! Making a prompt fit that would not. Compaction comes first and is recorded; what is done here concerns one prompt
//! only and changes nothing that is stored: blocks are shown shortened where they alone fill the window, results of
//! tools are cut, earlier turns and steps are left out. So no state is too full to be talked to, and only a message
//! that is by itself larger than the window is refused.

use std::sync::Arc;

use resident_store::{Message, Role};

use super::compose::{Frame, compose_messages};
use super::shorten::{Shown, shorten, shown};
use super::{Window, turn_starts};
use crate::model::{LanguageModel, Prompt};

/// A prompt that fits, or the reason why none does.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) prompt: Prompt,
    /// Tokens of the whole window, with its blocks as they are shown, before results were cut or steps left out.
    pub(crate) used_tokens: usize,
    /// Tokens of the prompt.
    pub(crate) tokens: usize,
    /// Tokens of the user's message and of the room for it, where it alone does not fit.
    pub(crate) too_long: Option<(usize, usize)>,
}

/// Below this a cut result says nothing any more.
const SHORTEST_RESULT_CHARS: usize = 200;

/// The window as a prompt of at most `room_tokens`.
pub(crate) fn fit(model: &dyn LanguageModel, window: &Window, frame: &Frame, room_tokens: usize) -> Fitted {
    let Shown { window, mut prompt, tokens: used_tokens } = shown(model, window, frame, room_tokens);
    if used_tokens <= room_tokens {
        return Fitted { prompt, used_tokens, tokens: used_tokens, too_long: None };
    }
    let start = turn_starts(&window.messages).last().copied().unwrap_or(0);
    let mut turn = window.messages[start..].to_vec();
    let mut recompose = |turn: &[Arc<Message>]| {
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
    Fitted { prompt, used_tokens, tokens, too_long }
}

/// Halves the longest result of a tool; false when none is long.
fn cut_longest_result(turn: &mut [Arc<Message>]) -> bool {
    let results = turn.iter_mut().filter(|message| message.role == Role::Tool);
    let Some(longest) = results.max_by_key(|message| message.content.chars().count()) else { return false };
    let chars = longest.content.chars().count();
    if chars < 2 * SHORTEST_RESULT_CHARS {
        return false;
    }
    let shortened = shorten(&longest.content, chars / 2 - SHORTEST_RESULT_CHARS / 2);
    Arc::make_mut(longest).content = shortened;
    true
}

/// Leaves out the oldest step of a turn (a message of the agent, and all up to its next), but never the last one.
fn leave_out_oldest_step(turn: &mut Vec<Arc<Message>>) -> bool {
    let mut steps = turn.iter().enumerate().filter(|(_, message)| message.role == Role::Assistant);
    let (Some((first, _)), Some((second, _))) = (steps.next(), steps.next()) else { return false };
    turn.drain(first..second);
    true
}
