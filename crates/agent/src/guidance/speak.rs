//! Steps that search and speak: confirmations, answers, conversation.
//!
//! A confirmation and an answer are made of what is kept, turned to the user, so that nothing false can be said.
//! Conversation is free.

use resident_store::{Message, Role};

use crate::model::{GenerateOptions, Prompt, PromptMessage, ToolChoice, ToolSchema};

use super::dates::undated;
use super::examples;
use super::intent::{Intent, MemoryRequest, explicit_request, is_question};
use super::notes::PERSONA;
use super::payload::payload;
use super::phrase::{second_person, second_person_clause};
use super::plan::{
    GuidanceInput, GuidedStep, LEAST_SHARE_OF_WHAT_IS_GONE, Note, NoteSource, Purpose, Situation, tells_what_is_gone,
};
use super::query;
use super::tools::{self, Kind};
use super::words::{content_stems, overlap, sentences, tells};

/// Low, since guided steps copy more than they make up; not 0, so that another seed is another try.
const TEMPERATURE: f32 = 0.4;

/// Options with room for `max_tokens`.
pub(super) fn options(max_tokens: usize) -> GenerateOptions {
    // A penalty on repetition would punish a memory for using the words of the message.
    GenerateOptions { max_tokens, temperature: TEMPERATURE, repetition_penalty: 1.0, ..GenerateOptions::default() }
}

/// The instructions of every guided step: who the agent is and what it knows. The same in each step of a turn, so that
/// the model need not read it again.
pub(super) fn instructions(input: &GuidanceInput<'_>) -> String {
    instructions_with(input, &|_| true)
}

/// What is remembered but has nothing to do with the message leads a small model astray: it answers with it.
fn is_near(situation: &Situation<'_>, line: &str) -> bool {
    situation.notes.iter().any(|note| note.text == line.trim() && note.relevance >= LEAST_RELEVANCE_TO_SHOW)
}

/// What a free answer may draw on.
const LEAST_RELEVANCE_TO_SHOW: f32 = 0.3;

/// The instructions with those lines about the user that `shows` admits.
fn instructions_with(input: &GuidanceInput<'_>, shows: &dyn Fn(&str) -> bool) -> String {
    let user = input.user_name.unwrap_or("the user");
    let mut text = format!(
        "You are {}, a friendly personal assistant on {user}'s own computer. You remember what {user} tells you. \
         Answer briefly.",
        input.agent_name
    );
    for block in input.blocks {
        let shown: Vec<&str> = block.value.lines().filter(|line| block.label == PERSONA || shows(line)).collect();
        let shown = shown.join("\n");
        let value = excerpt(shown.trim());
        if value.is_empty() {
            continue;
        }
        if block.label == PERSONA {
            text += &format!("\n\nAbout you:\n{value}");
        } else {
            text += &format!("\n\nWhat you remember ({}):\n{value}", block.label);
        }
    }
    text
}

/// The longest part of a block that a small model is shown, in characters: more of it takes seconds to read. The latest
/// lines stand at the end.
const LONGEST_EXCERPT_CHARS: usize = 1_500;

fn excerpt(value: &str) -> &str {
    let Some((cut, _)) = value.char_indices().rev().nth(LONGEST_EXCERPT_CHARS) else { return value };
    value[cut..].split_once('\n').map_or(&value[cut..], |(_, lines)| lines)
}

/// Says what was written.
pub(super) fn confirm_step(situation: &Situation<'_>) -> GuidedStep {
    // What was said to be true is told, rather than what else had to change for it.
    let last = situation.done.iter().find(|call| !call.failed && call.kind != Kind::Search);
    let old = last.and_then(|call| replaced_text(situation, call.arguments));
    let several = told_together(situation);
    let removed = situation.done.iter().filter(|call| !call.failed && call.kind == Kind::Replace);
    let removed = removed.filter(|call| tools::written(call.arguments).is_none()).count();
    let pattern = match last.map(|call| (call.kind, tools::written(call.arguments), old.as_deref())) {
        Some((Kind::Replace, None, Some(old))) if old.trim().lines().count() > 1 || removed > 1 => {
            let left = situation.notes.iter().any(|note| note.source == NoteSource::Passage) && removed == 1;
            let left = if left { " What you saved for later is still in the archive\\." } else { "" };
            format!("(?:Okay, |)I(?:'ve| have) forgotten all of that\\.{left}")
        }
        Some((Kind::Append, Some(text), _)) => confirmation("(?:Got it\\. |Okay\\. |)I'll remember", text),
        Some((Kind::Replace, Some(text), _)) => {
            confirmation("(?:I've updated that|Updated|Thanks, I've corrected that)", text)
        }
        Some((Kind::Replace, None, Some(old))) => confirmation("(?:Okay, |)I(?:'ve| have) forgotten", old),
        Some((Kind::Archive, _, _)) => {
            "(?:Saved\\. You can ask me for it any time\\.|I've saved that in my archive\\.|Saved to my archive\\.)"
                .to_owned()
        }
        Some((Kind::Append | Kind::Replace | Kind::Search | Kind::Speak, _, _)) | None => {
            "(?:Done\\.|Okay\\.)".to_owned()
        }
    };
    spoken(situation, &several.unwrap_or(pattern), Purpose::Speak)
}

/// What a message of several facts made the turn write, where more than one call was needed.
fn told_together(situation: &Situation<'_>) -> Option<String> {
    let done = situation.done.iter().filter(|call| !call.failed && call.kind != Kind::Search);
    let written: Vec<&str> = done.filter_map(|call| tools::written(call.arguments)).collect();
    let chars: usize = written.iter().map(|text| text.chars().count()).sum();
    if situation.input.intent != Intent::Remember || written.len() < 2 || chars > LONGEST_REPEATED_CHARS {
        return None;
    }
    let told: Vec<_> = written.iter().flat_map(|text| text.lines()).map(|line| second_person(line).pattern()).collect();
    Some(format!("(?:Got it\\. |Okay\\. |)I'll remember: {}", told.join(" ")))
}

/// The text that a call replaced: a line that it names, or the passage.
pub(super) fn replaced_text(situation: &Situation<'_>, arguments: &serde_json::Value) -> Option<String> {
    if let Some(line) = tools::replaced(arguments) {
        return Some(line.trim().to_owned());
    }
    let id = tools::replaced_passage(arguments)?;
    let passage =
        situation.input.notes.iter().find(|note| note.passage_id.as_ref().is_some_and(|of| of.as_str() == id));
    passage.map(|note| note.text.clone())
}

/// Says that `known` stands in memory already.
pub(super) fn already_known_step(situation: &Situation<'_>, known: &str) -> GuidedStep {
    let pattern = if known.chars().count() <= LONGEST_REPEATED_CHARS {
        format!("I have that in my memory already: {}", second_person(known).pattern())
    } else {
        "I have that in my memory already\\.".to_owned()
    };
    spoken(situation, &pattern, Purpose::AlreadyKnown)
}

/// Says what `pattern` admits, and ends the turn.
pub(super) fn told_step(situation: &Situation<'_>, pattern: &str) -> GuidedStep {
    spoken(situation, pattern, Purpose::Speak)
}

/// The longest memory that a confirmation repeats, in characters.
const LONGEST_REPEATED_CHARS: usize = 240;

fn confirmation(opening: &str, memory: &str) -> String {
    let lines: Vec<&str> = memory.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [line] if line.chars().count() <= LONGEST_REPEATED_CHARS && opening.ends_with(['r', 'n']) => {
            format!("{opening} that {}", second_person_clause(line).pattern())
        }
        lines if memory.chars().count() <= LONGEST_REPEATED_CHARS => {
            let lines: Vec<_> = lines.iter().map(|line| second_person(line).pattern()).collect();
            format!("{opening}: {}", lines.join(" "))
        }
        _ => format!("{opening}\\."),
    }
}

/// Says that nothing kept matches what should be forgotten.
pub(super) fn nothing_to_forget_step(situation: &Situation<'_>) -> GuidedStep {
    let pattern = "(?:I don't have anything about that in my notes, so there is nothing to forget\\.|\
                   There is nothing about that in my notes\\.)";
    spoken(situation, pattern, Purpose::NothingToForget)
}

/// Says that it could not be written, and why.
pub(super) fn failed_step(situation: &Situation<'_>) -> GuidedStep {
    let why = situation.done.iter().rev().find(|call| call.failed).map(|call| call.result.trim());
    let pattern = match why {
        Some(why) if why.chars().count() <= LONGEST_REPEATED_CHARS => {
            format!("I could not write that to my memory: {}", regex::escape(why))
        }
        Some(_) | None => "I could not write that to my memory\\.".to_owned(),
    };
    spoken(situation, &pattern, Purpose::Speak)
}

/// Below this the notes do not answer the question. Raised from 0.2, where questions about things never mentioned were
/// answered with whatever line was nearest ("Your name is …").
const LEAST_RELEVANCE_TO_ANSWER: f32 = 0.4;

/// For a question that is not surely about the user, what is remembered must be this near. Chosen so that questions
/// about the world stay with the model.
const LEAST_RELEVANCE_TO_TAKE_OVER: f32 = 0.66;

/// Whether a message that need not be about the user is answered by what is remembered.
pub(super) fn is_answered_by_notes(situation: &Situation<'_>) -> bool {
    let question = situation.input.user_text;
    let has_topic = content_stems(question).len() > 1;
    let answers =
        |note: &Note| note.relevance >= LEAST_RELEVANCE_TO_TAKE_OVER || has_topic && tells(&note.text, question);
    is_question(question) && situation.notes.iter().any(|note| note.source != NoteSource::AgentMessage && answers(note))
}

/// Searches, then answers from what was found.
pub(super) fn recall_step(situation: &Situation<'_>) -> GuidedStep {
    let input = situation.input;
    let [first, second] = query::search_tools(input.user_text);
    let found = situation.notes.iter().any(|note| note.relevance >= LEAST_RELEVANCE_TO_ANSWER);
    let next = if !situation.has_done(Kind::Search) && !situation.has_called(first) {
        tools::search(input.allowed_tools, first, &query::pattern(input.user_text)).or_else(|| {
            let called = situation.has_called(second);
            if called { None } else { tools::search(input.allowed_tools, second, &query::pattern(input.user_text)) }
        })
    } else if !found && !situation.has_called(second) {
        tools::search(input.allowed_tools, second, &query::pattern(input.user_text))
    } else {
        None
    };
    match next {
        Some(schema) => search_step(situation, schema),
        None => spoken(situation, &answer(situation), Purpose::Speak),
    }
}

fn search_step(situation: &Situation<'_>, schema: ToolSchema) -> GuidedStep {
    let mut messages = examples::of_searching(&schema);
    messages.push(PromptMessage::text(Role::User, situation.input.user_text));
    let prompt = Prompt {
        system: instructions(situation.input),
        messages,
        menu: vec![schema],
        tool_choice: ToolChoice::Required,
        describe_tools: false,
    };
    let max_tokens = ROOM_FOR_A_QUERY_TOKENS + query::LONGEST_QUERY_CHARS;
    GuidedStep { prompt, options: options(max_tokens), purpose: Purpose::Search }
}

/// For the call around the query.
const ROOM_FOR_A_QUERY_TOKENS: usize = 64;

/// How many lines an answer to "what do you know about me?" has.
const OVERVIEW_LINES: usize = 8;

/// A note this near to the best one may be the answer as well.
const NEARLY_AS_GOOD: f32 = 0.97;

/// The answers that the notes give, as a pattern.
fn answer(situation: &Situation<'_>) -> String {
    let question = situation.input.user_text;
    if query::asks_for_everything(question) {
        let lines: Vec<_> = situation
            .notes
            .iter()
            .filter(|note| note.source == NoteSource::Block)
            .take(OVERVIEW_LINES)
            .map(|note| second_person(&note.text).pattern())
            .collect();
        if !lines.is_empty() {
            return lines.join(" ");
        }
    }
    // What is near to a fact that was forgotten must share its words, or it is an answer to another question.
    let stems = content_stems(question);
    let is_gone = situation.input.gone.iter().any(|gone| overlap(&stems, gone) >= LEAST_SHARE_OF_WHAT_IS_GONE);
    let mut told = situation.notes.iter().filter(|note| {
        note.relevance >= LEAST_RELEVANCE_TO_ANSWER
            && note.source != NoteSource::AgentMessage
            && (!is_gone || overlap(&stems, &note.text) > 0.0)
    });
    let Some(best) = told.next() else {
        return "(?:I don't have anything about that in my memory\\.|I don't remember anything about that\\.)"
            .to_owned();
    };
    let mut answer = spoken_note(best, question);
    let says_more = |note: &&Note| overlap(&content_stems(&undated(&told_part(note))), &best.text) < 1.0;
    if let Some(other) = told.find(says_more).filter(|note| note.relevance >= best.relevance * NEARLY_AS_GOOD) {
        answer += &format!(" {}", spoken_note(other, question));
    }
    answer
}

/// A note as it is told to the user, as a pattern.
pub(super) fn spoken_note(note: &Note, question: &str) -> String {
    second_person(&nearest_part(&told_part(note), question)).pattern()
}

/// What a note tells: "Remember I prefer dark mode" was said, that the user prefers dark mode is told.
fn told_part(note: &Note) -> String {
    if note.source != NoteSource::UserMessage {
        return note.text.clone();
    }
    let archived = explicit_request(&note.text) == Some(MemoryRequest::Archive);
    payload(if archived { Intent::Archive } else { Intent::Remember }, &note.text, None)
}

/// The sentences of a longer note that are nearest to the question, in their order.
fn nearest_part(text: &str, question: &str) -> String {
    if text.chars().count() <= LONGEST_REPEATED_CHARS {
        return text.to_owned();
    }
    let stems = content_stems(question);
    let sentences = sentences(text);
    let best = sentences
        .iter()
        .enumerate()
        .max_by(|(one_at, one), (other_at, other)| {
            overlap(&stems, one).total_cmp(&overlap(&stems, other)).then(other_at.cmp(one_at))
        })
        .map_or(0, |(at, _)| at);
    sentences[best..].iter().take(2).copied().collect::<Vec<_>>().join(" ")
}

/// How much of the conversation is shown, in messages and in characters of each.
const SHOWN_MESSAGES: usize = 6;
const SHOWN_CHARS: usize = 600;

/// The longest free answer, in tokens.
const LONGEST_ANSWER_TOKENS: usize = 320;

/// What was said in earlier turns that only talked. A small model would go on with what was remembered or looked up there,
/// whatever it is asked.
fn talked(before: &[Message]) -> Vec<&Message> {
    let mut shown = Vec::new();
    let starts: Vec<usize> = (0..before.len()).filter(|at| before[*at].role == Role::User).collect();
    for (at, start) in starts.iter().enumerate() {
        let end = starts.get(at + 1).copied().unwrap_or(before.len());
        let turn = &before[*start..end];
        let used_memory =
            turn.iter().flat_map(|message| &message.tool_calls).any(|call| call.name != crate::tools::SEND_MESSAGE);
        let spoken = |message: &&Message| {
            matches!(message.role, Role::User | Role::Assistant) && !message.content.trim().is_empty()
        };
        if !used_memory {
            shown.extend(turn.iter().filter(spoken));
        }
    }
    shown
}

/// Talks.
pub(super) fn converse_step(situation: &Situation<'_>) -> GuidedStep {
    let input = situation.input;
    let schema = tools::speak(input.allowed_tools, None);
    let mut messages = examples::of_talking(schema.as_ref());
    let turn_start = input.recent.iter().rposition(|message| message.role == Role::User).unwrap_or(input.recent.len());
    let shown = talked(&input.recent[..turn_start]);
    // What was corrected or forgotten would be told again.
    let shown: Vec<_> = shown.into_iter().filter(|message| !tells_what_is_gone(&message.content, input)).collect();
    for message in &shown[shown.len().saturating_sub(SHOWN_MESSAGES)..] {
        let text: String = message.content.chars().take(SHOWN_CHARS).collect();
        messages.push(match message.role {
            Role::Assistant => examples::said(schema.as_ref(), &text),
            Role::User | Role::System | Role::Tool => PromptMessage::text(message.role, text),
        });
    }
    messages.push(PromptMessage::text(Role::User, input.user_text));
    let tool_choice = if schema.is_some() { ToolChoice::Required } else { ToolChoice::None };
    let prompt = Prompt {
        system: instructions_with(input, &|line| is_near(situation, line)),
        messages,
        menu: schema.into_iter().collect(),
        tool_choice,
        describe_tools: false,
    };
    let options = GenerateOptions {
        max_tokens: LONGEST_ANSWER_TOKENS,
        temperature: TEMPERATURE,
        repetition_penalty: 1.15,
        ..GenerateOptions::default()
    };
    GuidedStep { prompt, options, purpose: Purpose::Speak }
}

/// A step that says what `pattern` admits, through `send_message` where there is one.
fn spoken(situation: &Situation<'_>, pattern: &str, purpose: Purpose) -> GuidedStep {
    let input = situation.input;
    let notes: Vec<_> = situation.notes.iter().take(3).map(|note| format!("- {}", note.text)).collect();
    let schema = tools::speak(input.allowed_tools, Some(pattern));
    let mut messages = examples::of_answering(schema.as_ref());
    messages.push(PromptMessage::text(Role::User, examples::beside(&notes, input.user_text)));
    let mut options = options(ROOM_FOR_AN_ANSWER_TOKENS + pattern.len());
    let tool_choice = if schema.is_some() {
        ToolChoice::Required
    } else {
        options.text_pattern = Some(pattern.to_owned());
        ToolChoice::None
    };
    let prompt = Prompt {
        system: instructions(input),
        messages,
        menu: schema.into_iter().collect(),
        tool_choice,
        describe_tools: false,
    };
    GuidedStep { prompt, options, purpose }
}

/// For the call around the answer.
const ROOM_FOR_AN_ANSWER_TOKENS: usize = 64;
