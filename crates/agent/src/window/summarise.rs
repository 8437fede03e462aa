//! The recursive summary: the model writes a new one from the old one and the messages that are evicted. What it
//! writes is judged before it is trusted, since a garbled summary is in every prompt from then on; where it fails, or
//! the model does, sentences that were really said take its place.

use std::collections::HashSet;
use std::sync::Arc;

use resident_store::{Message, Role, SummaryKind};

use super::extract::{clip, extract, words};
use crate::model::{Cancel, Finish, GenerateOptions, LanguageModel, Prompt, PromptMessage, ToolChoice};

/// What a summary is made from.
pub(super) struct SummaryRequest<'a> {
    pub(super) old_summary: Option<&'a str>,
    pub(super) evicted: &'a [Arc<Message>],
    pub(super) window_tokens: usize,
}

/// A summary may take this share of the window.
const SUMMARY_SHARE: usize = 8;

/// V1 caps the summaries of a sliding window at 300 words, which are about so many tokens.
const LONGEST_SUMMARY_TOKENS: usize = 400;

/// What is evicted is read in at most so many parts; more would keep the user waiting.
const MOST_PARTS: usize = 4;

/// A single message gives at most so many characters to the summary (then less, until it all fits).
const LONGEST_MESSAGE_CHARS: usize = 2000;
const SHORTEST_MESSAGE_CHARS: usize = 120;

/// English text has about four bytes a token; used where exactness does not matter.
const CHARS_A_TOKEN: usize = 4;

const INSTRUCTIONS: &str = "You keep the notes of a conversation between a user and an assistant. You are given the \
notes so far and what was said since. Write the new notes: facts about the user, what was decided, what is still open. \
Keep what still matters of the old notes, with names, numbers and dates. Write short plain sentences about the user in \
the third person. Write nothing that was not said, and nothing but the notes.";

/// A summary and how it was made, or nothing when the user stopped it.
pub(super) fn summarise(
    model: &dyn LanguageModel,
    request: &SummaryRequest<'_>,
    cancel: &Cancel,
) -> Option<(String, SummaryKind)> {
    let most_tokens = (request.window_tokens / SUMMARY_SHARE).clamp(1, LONGEST_SUMMARY_TOKENS);
    let written = write_recursively(model, request, most_tokens, cancel);
    if cancel.is_cancelled() {
        return None;
    }
    Some(match written {
        Ok(summary) => (summary, SummaryKind::Recursive),
        Err(flaw) => {
            tracing::info!(?flaw, "the model's summary was replaced by sentences that were said");
            let text = extract(request.old_summary, request.evicted, most_tokens * CHARS_A_TOKEN);
            (text, SummaryKind::Extractive)
        }
    })
}

/// What is wrong with a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It says nothing.
    Empty,
    /// It says the same again and again.
    Repeated,
    /// It is longer than what it summarises.
    LongerThanSource,
    /// Most of its words were never said.
    Unfounded,
    /// The model did not finish it, or failed.
    NotWritten,
    /// There is too much to read.
    TooMuch,
}

fn write_recursively(
    model: &dyn LanguageModel,
    request: &SummaryRequest<'_>,
    most_tokens: usize,
    cancel: &Cancel,
) -> Result<String, Flaw> {
    // Half of what the instructions, the old notes and the answer leave, since tokens are estimated from characters.
    let frame_tokens = model.count_tokens(INSTRUCTIONS) + 2 * most_tokens + 64;
    let part_chars = request.window_tokens.saturating_sub(frame_tokens) * CHARS_A_TOKEN / 2;
    let parts = transcript_parts(request.evicted, part_chars).ok_or(Flaw::TooMuch)?;
    let mut summary = clip(request.old_summary.unwrap_or_default(), most_tokens * CHARS_A_TOKEN);
    for part in parts {
        let written = write(model, &summary, &part, most_tokens, cancel)?;
        let source = format!("{summary}\n{part}");
        if let Some(flaw) = judge(&written, &source) {
            return Err(flaw);
        }
        summary = written;
    }
    Ok(summary)
}

fn write(
    model: &dyn LanguageModel,
    old: &str,
    said: &str,
    most_tokens: usize,
    cancel: &Cancel,
) -> Result<String, Flaw> {
    let old = if old.is_empty() { "(none yet)" } else { old };
    let question = format!("Notes so far:\n{old}\n\nWhat was said since:\n{said}\n\nThe new notes:");
    let prompt = Prompt {
        system: INSTRUCTIONS.to_owned(),
        messages: vec![PromptMessage::text(Role::User, question)],
        menu: Vec::new(),
        tool_choice: ToolChoice::None,
        describe_tools: false,
    };
    // Greedy: a summary should be likely, not lively.
    let options = GenerateOptions { max_tokens: most_tokens, temperature: 0.0, ..GenerateOptions::default() };
    let generation = model.generate(&prompt, &options, cancel, &mut |_| {}).map_err(|error| {
        tracing::warn!(%error, "the summary could not be written");
        Flaw::NotWritten
    })?;
    match generation.finish {
        Finish::Stop => Ok(generation.text.trim().to_owned()),
        // What there is may be good up to its last whole sentence.
        Finish::Length => {
            let text = generation.text.trim();
            let end =
                text.rfind(['.', '!', '\n', '。']).map(|at| at + text[at..].chars().next().map_or(1, char::len_utf8));
            Ok(text[..end.unwrap_or(0)].trim().to_owned())
        }
        Finish::Cancelled => Err(Flaw::NotWritten),
    }
}

/// What was said, in parts of at most `part_chars` characters; `None` when that is more than a model should read now.
fn transcript_parts(messages: &[Arc<Message>], part_chars: usize) -> Option<Vec<String>> {
    let mut message_chars = LONGEST_MESSAGE_CHARS.min(part_chars);
    loop {
        let mut parts = vec![String::new()];
        for line in messages.iter().filter_map(|message| transcript_line(message, message_chars)) {
            let part = parts.last_mut().expect("begins with one part");
            if !part.is_empty() && part.chars().count() + line.chars().count() > part_chars {
                parts.push(line);
            } else {
                part.push_str(&line);
            }
        }
        if parts.len() <= MOST_PARTS {
            return Some(parts);
        }
        message_chars /= 2;
        if message_chars < SHORTEST_MESSAGE_CHARS {
            return None;
        }
    }
}

fn transcript_line(message: &Message, most_chars: usize) -> Option<String> {
    let speaker = match message.role {
        Role::User => "User",
        Role::Assistant => "Assistant",
        Role::System | Role::Tool => return None,
    };
    let content = message.content.trim();
    (!content.is_empty()).then(|| format!("{speaker}: {}\n", clip(content, most_chars.saturating_sub(16))))
}

/// What is wrong with `summary`, if anything is.
pub(super) fn judge(summary: &str, source: &str) -> Option<Flaw> {
    let said = words(summary);
    if summary.chars().filter(|character| character.is_alphanumeric()).count() < 8 {
        return Some(Flaw::Empty);
    }
    if summary.chars().count() > source.chars().count() {
        return Some(Flaw::LongerThanSource);
    }
    let triples: Vec<_> = said.windows(3).collect();
    let distinct: HashSet<_> = triples.iter().collect();
    // Human text repeats few of its word triples; a model that loops repeats most of them.
    if triples.len() >= 12 && distinct.len() * 10 < triples.len() * 7 {
        return Some(Flaw::Repeated);
    }
    // A short beginning stands for the word, so that "moved" is founded on "moving". Only words of Latin letters are
    // looked at: other scripts do not divide words by spaces.
    let stem = |word: &String| word.chars().take(4).collect::<String>();
    let stems: HashSet<_> = words(source).iter().map(stem).collect();
    let content: Vec<_> = said.iter().filter(|word| word.is_ascii() && word.len() >= 4).collect();
    let founded = content.iter().filter(|word| stems.contains(&stem(word))).count();
    if content.len() >= 8 && founded * 100 < content.len() * 35 {
        return Some(Flaw::Unfounded);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "User: I am moving to Oslo in May with my two cats, Pip and Mo.\nAssistant: That sounds exciting! \
        Do you need help with the move?\nUser: Yes, please find out what papers the cats need for the journey.";

    #[test]
    fn a_summary_of_what_was_said_is_accepted() {
        let summary = "The user moves to Oslo in May with two cats, Pip and Mo. Open: which papers the cats need.";
        assert_eq!(judge(summary, SOURCE), None);
    }

    #[test]
    fn garbled_summaries_are_told_apart() {
        assert_eq!(judge("", SOURCE), Some(Flaw::Empty));
        assert_eq!(judge("...!", SOURCE), Some(Flaw::Empty));
        assert_eq!(judge(&"The user moves to Oslo. ".repeat(7), SOURCE), Some(Flaw::Repeated));
        assert_eq!(judge(&format!("{SOURCE} And so on and on."), SOURCE), Some(Flaw::LongerThanSource));
        let invented = "Quarterly revenue increased thanks to strong demand for industrial pumps across Asian markets.";
        assert_eq!(judge(invented, SOURCE), Some(Flaw::Unfounded));
    }

    #[test]
    fn a_long_conversation_is_read_in_a_few_parts() {
        let message = || Arc::new(crate::testing::message(Role::User, &"word ".repeat(300)));
        let messages: Vec<_> = (0..40).map(|_| message()).collect();
        let parts = transcript_parts(&messages, 4000).unwrap();
        assert!(parts.len() <= MOST_PARTS);
        assert!(parts.iter().all(|part| part.chars().count() <= 4000));
        assert!(transcript_parts(&messages, 100).is_none());
    }
}
