//! Steps that write to memory.

use crate::model::{Prompt, PromptMessage, ToolChoice, ToolSchema};

use resident_store::{Block, Role};

use super::Intent;
use super::correction::corrected;
use super::examples;
use super::notes::PERSONA;
use super::payload::payload;
use super::phrase::{Phrase, third_person};
use super::plan::{GuidedStep, NoteSource, Purpose, Situation};
use super::query;
use super::speak;
use super::tools::{self, Kind};
use super::words::{content_stems, overlap, words};

/// The next step of a turn that should write.
pub(super) fn step(situation: &Situation<'_>) -> GuidedStep {
    let failed = situation.done.iter().filter(|call| call.failed && call.kind != Kind::Search).count();
    let wrote = [Kind::Append, Kind::Replace, Kind::Archive].into_iter().any(|kind| situation.has_done(kind));
    if wrote {
        let next = if wants_all_forgotten(situation) { forget(situation) } else { None };
        return next.unwrap_or_else(|| speak::confirm_step(situation));
    }
    if failed > 1 {
        return speak::failed_step(situation);
    }
    let planned = match situation.input.intent {
        // A block that refused the text (it may be full) leaves archival memory.
        _ if failed == 1 => archive(situation),
        Intent::Correct => correct(situation).or_else(|| remember(situation)),
        Intent::Forget => return forget(situation).unwrap_or_else(|| speak::nothing_to_forget_step(situation)),
        Intent::Archive => archive(situation).or_else(|| remember(situation)),
        Intent::Remember | Intent::Recall | Intent::Converse => remember(situation),
    };
    planned.unwrap_or_else(|| speak::failed_step(situation))
}

/// "Forget everything about …" may take more than one line.
fn wants_all_forgotten(situation: &Situation<'_>) -> bool {
    situation.input.intent == Intent::Forget
        && words(situation.input.user_text)
            .iter()
            .any(|word| matches!(word.as_str(), "everything" | "all" | "anything"))
}

/// A longer text goes to archival memory, even when it is only asked to be remembered.
const LONGEST_FACT_WORDS: usize = 90;

/// The longest text that is archived, in characters: a model writes it token by token.
const LONGEST_ARCHIVED_CHARS: usize = 4_000;

fn remember(situation: &Situation<'_>) -> Option<GuidedStep> {
    let input = situation.input;
    let fact = payload(Intent::Remember, input.user_text, situation.said_before);
    if fact.split_whitespace().count() > LONGEST_FACT_WORDS
        && let Some(step) = archive(situation)
    {
        return Some(step);
    }
    let phrase = third_person(&shortened(&fact));
    let block = target_block(input.blocks, input.user_text, &fact);
    let schema = block.and_then(|block| tools::append(input.allowed_tools, &block.label, &phrase.pattern()));
    match schema {
        Some(schema) => Some(write_step(situation, schema, &phrase)),
        None => archive(situation),
    }
}

fn archive(situation: &Situation<'_>) -> Option<GuidedStep> {
    let input = situation.input;
    let text = payload(Intent::Archive, input.user_text, situation.said_before);
    let phrase = Phrase::fixed(shortened(&text));
    let schema = tools::archive(input.allowed_tools, &phrase.pattern())?;
    Some(write_step(situation, schema, &phrase))
}

/// `text` up to the longest that is written, cut between words. The whole message stays in recall memory.
fn shortened(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(LONGEST_ARCHIVED_CHARS) else { return text.to_owned() };
    let end = text[..end].rfind(char::is_whitespace).unwrap_or(end);
    format!("{}…", text[..end].trim_end())
}

/// The least relevance that makes a line the one that a correction means; below it the fact is new. This and the
/// next were set by judgement: all development requests of `cargo xtask eval tools` pass, other values were not tried.
const LEAST_RELEVANCE_TO_CORRECT: f32 = 0.3;

/// The least relevance that makes a line the one to forget.
const LEAST_RELEVANCE_TO_FORGET: f32 = 0.3;

fn correct(situation: &Situation<'_>) -> Option<GuidedStep> {
    let input = situation.input;
    let (block, line) = best_line(situation, LEAST_RELEVANCE_TO_CORRECT)?;
    let statement = payload(Intent::Correct, input.user_text, None);
    let phrase = corrected(line, &statement);
    // A line that another line contains is told apart by the line break before or after it.
    let (before, after) =
        if block.value.matches(line).count() > 1 { surroundings(&block.value, line) } else { ("", "") };
    let pattern = format!("{before}{}{after}", phrase.pattern());
    let schema = tools::replace(input.allowed_tools, &block.label, &format!("{before}{line}{after}"), &pattern)?;
    Some(write_step(situation, schema, &phrase))
}

fn forget(situation: &Situation<'_>) -> Option<GuidedStep> {
    let input = situation.input;
    // "Everything you know about me" is about every line.
    let every_line = wants_all_forgotten(situation) && query::is_without_topic(input.user_text);
    let least = if every_line { f32::MIN } else { LEAST_RELEVANCE_TO_FORGET };
    let (block, line) = best_line(situation, least)?;
    let (before, after) = surroundings(&block.value, line);
    // One line break goes with the line.
    let old = if after.is_empty() { format!("{before}{line}") } else { format!("{line}{after}") };
    let schema = tools::replace(input.allowed_tools, &block.label, &old, "")?;
    Some(write_step(situation, schema, &Phrase::fixed("")))
}

/// The line breaks around a line that stands in `value`.
fn surroundings(value: &str, line: &str) -> (&'static str, &'static str) {
    let at = value.match_indices(line).map(|(at, _)| at).find(|at| {
        let end = at + line.len();
        (*at == 0 || value[..*at].ends_with('\n')) && (end == value.len() || value[end..].starts_with('\n'))
    });
    let Some(at) = at else { return ("", "") };
    let before = if at > 0 { "\n" } else { "" };
    let after = if at + line.len() < value.len() { "\n" } else { "" };
    (before, after)
}

/// The line of a block that the message is about, if one is near enough.
fn best_line<'a>(situation: &'a Situation<'_>, least: f32) -> Option<(&'a Block, &'a str)> {
    situation.notes.iter().filter(|note| note.source == NoteSource::Block && note.relevance >= least).find_map(|note| {
        let holds = |block: &&Block| !block.read_only && block.value.lines().any(|line| line.trim() == note.text);
        Some((situation.input.blocks.iter().find(holds)?, note.text.as_str()))
    })
}

/// The block for a fact: one that the message names, the persona for what the agent itself is, else the human block.
fn target_block<'a>(blocks: &'a [Block], text: &str, fact: &str) -> Option<&'a Block> {
    let writable = || blocks.iter().filter(|block| !block.read_only);
    let named = writable().find(|block| {
        !matches!(block.label.as_str(), "human" | PERSONA) && {
            let label = content_stems(&block.label.replace(['_', '-'], " "));
            !label.is_empty() && overlap(&label, text) >= 1.0
        }
    });
    let folded = super::words::fold(fact);
    let of_itself = ["your name is", "you are called", "you're called", "you are now", "your job is", "your role is"]
        .iter()
        .any(|start| folded.starts_with(start));
    named
        .or_else(|| if of_itself { writable().find(|block| block.label == PERSONA) } else { None })
        .or_else(|| writable().find(|block| block.label == "human"))
        .or_else(|| writable().find(|block| block.label != PERSONA))
        .or_else(|| writable().next())
}

fn write_step(situation: &Situation<'_>, schema: ToolSchema, phrase: &Phrase) -> GuidedStep {
    let mut messages = examples::of_writing(&schema);
    messages.push(PromptMessage::text(Role::User, situation.input.user_text));
    let prompt = Prompt {
        system: speak::instructions(situation.input),
        messages,
        menu: vec![schema],
        tool_choice: ToolChoice::Required,
        describe_tools: false,
    };
    // What must be written is known to a word, so room for it can be told: a token is at least one byte.
    let max_tokens = ROOM_FOR_A_CALL_TOKENS + phrase.likeliest().len();
    GuidedStep { prompt, options: speak::options(max_tokens), purpose: Purpose::Write }
}

/// For the call around the text: its name, its label, the line that is replaced.
const ROOM_FOR_A_CALL_TOKENS: usize = 512;
