//! Steps that write to memory.

use crate::model::{Prompt, PromptMessage, ToolChoice, ToolSchema};

use resident_store::{Block, Role};

use super::Intent;
use super::correction::{corrected, corrected_passage};
use super::dates::{dated, undated};
use super::examples;
use super::facts;
use super::notes::PERSONA;
use super::payload::payload;
use super::phrase::{Phrase, third_person};
use super::plan::{GuidedStep, Note, NoteSource, Purpose, Situation};
use super::query;
use super::slots::{self, Change};
use super::speak;
use super::tools::{self, Kind};
use super::words::{content_stems, overlap, sentences, tells, words};

/// The next step of a turn that should write.
pub(super) fn step(situation: &Situation<'_>) -> GuidedStep {
    let failed = situation.done.iter().filter(|call| call.failed && call.kind != Kind::Search).count();
    let written = situation.done.iter().filter(|call| !call.failed && is_write(call.kind)).count();
    if written > 0 {
        let next = match situation.input.intent {
            _ if failed > 0 || written >= MOST_WRITES => None,
            Intent::Remember => remember_more(situation, written),
            Intent::Correct if situation.has_done(Kind::Replace) => correct(situation),
            Intent::Correct => None,
            Intent::Forget => forget(situation),
            Intent::Archive | Intent::Recall | Intent::Converse => None,
        };
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
        Intent::Archive => match known_passage(situation) {
            Some(known) => return speak::already_known_step(situation, &known),
            None => archive(situation).or_else(|| remember(situation)),
        },
        Intent::Remember | Intent::Recall | Intent::Converse => remember(situation),
    };
    planned.unwrap_or_else(|| speak::failed_step(situation))
}

/// The calls that a turn makes to memory at most; one more speaks.
const MOST_WRITES: usize = 3;

fn is_write(kind: Kind) -> bool {
    match kind {
        Kind::Append | Kind::Replace | Kind::Archive => true,
        Kind::Search | Kind::Speak => false,
    }
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
    let fact = fact(situation);
    if fact.split_whitespace().count() > LONGEST_FACT_WORDS
        && let Some(step) = archive(situation)
    {
        return Some(step);
    }
    let lines = third_person(&fact).lines();
    let unknown: Vec<&Phrase> = lines.iter().filter(|line| known_line(situation, line).is_none()).collect();
    if unknown.is_empty()
        && let Some(known) = lines.first().and_then(|line| known_line(situation, line))
    {
        return Some(speak::already_known_step(situation, known));
    }
    if let Some(step) = unknown.iter().find_map(|line| replace_contradicted(situation, line)) {
        return Some(step);
    }
    let phrase = Phrase::of_lines(unknown.into_iter().cloned());
    let block = target_block(input.blocks, input.user_text, &fact);
    let schema = block.and_then(|block| tools::append(input.allowed_tools, &block.label, &phrase.pattern()));
    match schema {
        Some(schema) => Some(write_step(situation, schema, &phrase)),
        None => archive(situation),
    }
}

/// After a line that was contradicted was replaced, the other facts of the message.
fn remember_more(situation: &Situation<'_>, written: usize) -> Option<GuidedStep> {
    if situation.has_done(Kind::Append) || situation.has_done(Kind::Archive) {
        return None;
    }
    let lines = third_person(&fact(situation)).lines();
    let missing = lines.iter().filter(|line| known_line(situation, line).is_none()).count();
    (missing > 0 && written < lines.len()).then(|| remember(situation)).flatten()
}

/// What the message tells, with the dates of the days that it names.
fn fact(situation: &Situation<'_>) -> String {
    let input = situation.input;
    let fact = payload(Intent::Remember, input.user_text, situation.said_before);
    dated(&shortened(&fact), input.now.date())
}

/// The line of a block that says what `fact` says.
fn known_line<'a>(situation: &Situation<'a>, fact: &Phrase) -> Option<&'a str> {
    facts::is_known(fact, situation.input.blocks.iter().flat_map(|block| block.value.lines()))
}

/// The passage that says what is to be archived.
fn known_passage(situation: &Situation<'_>) -> Option<String> {
    let text = payload(Intent::Archive, situation.input.user_text, situation.said_before);
    let passages = situation.notes.iter().filter(|note| note.source == NoteSource::Passage);
    passages.map(|note| note.text.as_str()).find(|saved| facts::says_the_same(saved, &text)).map(str::to_owned)
}

/// Puts `fact` in the place of the line or the passage that cannot be true beside it.
fn replace_contradicted(situation: &Situation<'_>, fact: &Phrase) -> Option<GuidedStep> {
    let new = fact.likeliest();
    let phrase = |change| match change {
        Change::Whole => fact.clone(),
        Change::Value(line) => Phrase::fixed(line),
    };
    let mut writable = situation.input.blocks.iter().filter(|block| !block.read_only);
    let in_block = writable.find_map(|block| {
        let (line, change) = block
            .value
            .lines()
            .find_map(|line| slots::change(&undated(line), &undated(&new)).map(|change| (line, change)))?;
        replace_line(situation, block, line, &phrase(change))
    });
    in_block.or_else(|| {
        let passages = situation.notes.iter().filter(|note| note.source == NoteSource::Passage);
        passages.filter(|note| sentences(&note.text).len() == 1).find_map(|note| {
            let was = third_person(&undated(&note.text)).likeliest();
            let changed = slots::change(&was, &undated(&new)).map(phrase)?;
            replace_passage(situation, note, &changed)
        })
    })
}

fn archive(situation: &Situation<'_>) -> Option<GuidedStep> {
    let input = situation.input;
    let text = payload(Intent::Archive, input.user_text, situation.said_before);
    let phrase = Phrase::fixed(dated(&shortened(&text), input.now.date()));
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

/// What is archived is longer and of more kinds than a line, so that something near is always found.
const LEAST_RELEVANCE_OF_PASSAGES: f32 = 0.45;

/// Corrects what the message is about, line or passage, and then what else tells the same.
fn correct(situation: &Situation<'_>) -> Option<GuidedStep> {
    let statement = payload(Intent::Correct, situation.input.user_text, None);
    let today = situation.input.now.date();
    let corrected_before = replaced_before(situation);
    situation.notes.iter().filter(|note| is_meant(note, LEAST_RELEVANCE_TO_CORRECT)).find_map(|note| {
        if !corrected_before.is_empty() && !corrected_before.iter().any(|old| facts::says_the_same(old, &note.text)) {
            return None;
        }
        let line = undated(&note.text);
        match note.source {
            NoteSource::Block => {
                let phrase = corrected(&line, &statement).with_dates(today);
                if facts::is_known(&phrase, std::iter::once(note.text.as_str())).is_some() {
                    return Some(speak::already_known_step(situation, &note.text));
                }
                let block = block_of(situation, &note.text)?;
                replace_line(situation, block, &note.text, &phrase)
            }
            NoteSource::Passage => {
                replace_passage(situation, note, &corrected_passage(&line, &statement).with_dates(today))
            }
            NoteSource::UserMessage | NoteSource::AgentMessage => None,
        }
    })
}

/// What this turn replaced or removed.
fn replaced_before(situation: &Situation<'_>) -> Vec<String> {
    let done = situation.done.iter().filter(|call| !call.failed && call.kind == Kind::Replace);
    done.filter_map(|call| speak::replaced_text(situation, call.arguments)).collect()
}

/// Whether a request means this line or passage.
fn is_meant(note: &Note, least: f32) -> bool {
    match note.source {
        NoteSource::Block => note.relevance >= least,
        NoteSource::Passage => note.relevance >= least.max(LEAST_RELEVANCE_OF_PASSAGES),
        NoteSource::UserMessage | NoteSource::AgentMessage => false,
    }
}

/// Takes `line` out of `block` for what `phrase` admits.
fn replace_line(situation: &Situation<'_>, block: &Block, line: &str, phrase: &Phrase) -> Option<GuidedStep> {
    // A line that another line contains is told apart by the line break before or after it.
    let (before, after) =
        if block.value.matches(line).count() > 1 { surroundings(&block.value, line) } else { ("", "") };
    let pattern = format!("{before}{}{after}", phrase.pattern());
    let old = format!("{before}{line}{after}");
    let schema = tools::replace(situation.input.allowed_tools, &block.label, &old, &pattern)?;
    Some(write_step(situation, schema, phrase))
}

fn replace_passage(situation: &Situation<'_>, note: &Note, phrase: &Phrase) -> Option<GuidedStep> {
    let id = note.passage_id.as_ref().filter(|id| !is_done(situation, id.as_str()))?;
    let schema = tools::replace_passage(situation.input.allowed_tools, id.as_str(), &phrase.pattern())?;
    Some(write_step(situation, schema, phrase))
}

/// Whether this turn changed the passage already, or failed to.
fn is_done(situation: &Situation<'_>, id: &str) -> bool {
    situation.done.iter().any(|call| tools::replaced_passage(call.arguments) == Some(id))
}

/// Removes what the message is about, line or passage, and then what else tells the same.
fn forget(situation: &Situation<'_>) -> Option<GuidedStep> {
    let input = situation.input;
    let all = wants_all_forgotten(situation);
    // "Everything you know about me" is the whole block.
    if all && query::is_without_topic(input.user_text) {
        let mut blocks = input.blocks.iter().filter(|block| !block.read_only && block.label != PERSONA);
        let block = blocks.find(|block| !block.value.trim().is_empty())?;
        let schema = tools::replace(input.allowed_tools, &block.label, &block.value, "")?;
        return Some(write_step(situation, schema, &Phrase::fixed(block.value.clone())));
    }
    let forgotten = replaced_before(situation);
    // A passage that has all the words of the topic is meant, however much else it tells.
    let topic = query::topic(input.user_text);
    let is_named = |note: &Note| note.source == NoteSource::Passage && tells(&note.text, &topic);
    let meant = |note: &&Note| is_meant(note, LEAST_RELEVANCE_TO_FORGET) || is_named(note);
    situation.notes.iter().filter(meant).find_map(|note| {
        let tells_same = forgotten.iter().any(|old| tells(&note.text, old) || tells(old, &note.text));
        if !forgotten.is_empty() && !all && !tells_same {
            return None;
        }
        match note.source {
            NoteSource::Block => {
                let block = block_of(situation, &note.text)?;
                let (before, after) = surroundings(&block.value, &note.text);
                // One line break goes with the line.
                let old =
                    if after.is_empty() { format!("{before}{}", note.text) } else { format!("{}{after}", note.text) };
                let schema = tools::replace(input.allowed_tools, &block.label, &old, "")?;
                Some(write_step(situation, schema, &Phrase::fixed("")))
            }
            NoteSource::Passage => replace_passage(situation, note, &Phrase::fixed("")),
            NoteSource::UserMessage | NoteSource::AgentMessage => None,
        }
    })
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

/// The block that may be written and has this line.
fn block_of<'a>(situation: &Situation<'a>, text: &str) -> Option<&'a Block> {
    let holds = |block: &&Block| !block.read_only && block.value.lines().any(|line| line.trim() == text);
    situation.input.blocks.iter().find(holds)
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
