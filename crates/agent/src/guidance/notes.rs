//! What is remembered, as short texts with a score for the message at hand.

use std::sync::LazyLock;

use regex::Regex;
use resident_memory::Embedder;
use resident_store::{Block, PassageId};
use serde_json::Value;

use super::patterns::{pattern, patterns};
use super::phrase::third_person;
use super::plan::{Note, NoteSource};
use super::words::{content_stems, fold, overlap};

/// The lines of `blocks` as notes, without a score. The persona is the agent's own and answers no question about the
/// user.
pub fn block_notes(blocks: &[Block]) -> Vec<Note> {
    blocks
        .iter()
        .filter(|block| block.label != PERSONA)
        .flat_map(|block| block.value.lines())
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| Note { text: line.to_owned(), source: NoteSource::Block, passage_id: None, relevance: 0.0 })
        .collect()
}

/// The label of the block in which an agent describes itself.
pub(super) const PERSONA: &str = "persona";

/// What a search tool found, from its result's JSON.
pub(super) fn found_in_results(tool: &str, result: &str) -> Vec<Note> {
    let Ok(value) = serde_json::from_str::<Value>(result) else { return Vec::new() };
    let results = value.get("results").unwrap_or(&value);
    let Some(results) = results.as_array() else { return Vec::new() };
    results
        .iter()
        .filter_map(|result| {
            let text = result.get("content").and_then(Value::as_str)?.trim();
            let source = if tool == "archival_memory_search" {
                NoteSource::Passage
            } else if result.get("role").and_then(Value::as_str) == Some("assistant") {
                NoteSource::AgentMessage
            } else {
                NoteSource::UserMessage
            };
            let id = result.get("id").and_then(Value::as_str).filter(|_| source == NoteSource::Passage);
            let passage_id = id.map(PassageId::from);
            (!text.is_empty()).then(|| Note { text: text.to_owned(), source, passage_id, relevance: 0.0 })
        })
        .collect()
}

/// `notes` with `relevance` by the words they share with `message`.
pub(super) fn score_by_words(message: &str, mut notes: Vec<Note>) -> Vec<Note> {
    let stems = content_stems(message);
    for note in &mut notes {
        note.relevance = overlap(&stems, &note.text);
    }
    notes
}

/// What a question's first words ask for, and how a text looks that has it.
static ASKED_FOR: LazyLock<Vec<(Regex, Regex)>> = LazyLock::new(|| {
    [
        (r"^(?:when|what time|what day|which day|on what|until when|by when|what date|what year|which year)\b", r"(?i)\d|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|spring|summer|autumn|winter|morning|noon|evening|night|week|month|year|tomorrow|o'clock)\b"),
        (r"^(?:how (?:much|many|old|long|tall|far|big|high|wide)|what number|which number)\b", r"(?i)\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|hundred|thousand|months?|years?|weeks?|hours?)\b"),
        (r"^(?:where|in (?:which|what) (?:city|town|country|place|street))\b", r"\b(?:in|at|on|near|from|to|behind|under|next to)\s+(?:the |a )?\w"),
    ]
    .map(|(asks, has)| (pattern(asks), pattern(has)))
    .into()
});

patterns! {
    /// Asks for the name of somebody or something of the user's.
    NAME_OF = r"\b(?:my|our) ([\w -]+)'s name\b";
}

/// What a note gains that has what the question asks for, and what a line of a block gains over what was only said: it
/// may have been corrected since.
const BONUS_FOR_SORT: f32 = 0.1;
const BONUS_OF_BLOCKS: f32 = 0.05;

/// `ranked` and those of `others` that are not in it, best first.
pub(super) fn merged(ranked: &[Note], others: Vec<Note>) -> Vec<Note> {
    let mut notes = ranked.to_vec();
    for other in others {
        if !notes.iter().any(|note| note.text.trim() == other.text.trim()) {
            notes.push(other);
        }
    }
    notes.sort_by(|one, other| other.relevance.total_cmp(&one.relevance));
    notes
}

/// See [`super::rank_notes`].
pub(super) fn rank(message: &str, notes: Vec<Note>, embedder: Option<&dyn Embedder>) -> Vec<Note> {
    let mut notes = score_by_words(message, notes);
    if let Some(embedder) = embedder {
        // Notes speak of "the user", so the question is turned to speak of the user too.
        let question = third_person(message).likeliest();
        let mut texts = vec![question.as_str()];
        texts.extend(notes.iter().map(|note| note.text.as_str()));
        match embedder.embed(&texts) {
            Ok(vectors) => {
                if let Some((question, rest)) = vectors.split_first() {
                    for (note, vector) in notes.iter_mut().zip(rest) {
                        let near: f32 = question.iter().zip(vector).map(|(one, other)| one * other).sum();
                        note.relevance = WEIGHT_OF_MEANING * near.max(0.0) + (1.0 - WEIGHT_OF_MEANING) * note.relevance;
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "notes are ranked by their words alone"),
        }
    }
    let folded = fold(message);
    let relation = NAME_OF.captures(&folded).map(|found| content_stems(&found[1]));
    let sort = ASKED_FOR.iter().find(|(asks, _)| asks.is_match(&folded)).map(|(_, has)| has);
    for note in &mut notes {
        let has_sort = sort.is_some_and(|has| has.is_match(&note.text));
        let bonus = if has_sort { BONUS_FOR_SORT } else { 0.0 }
            + if note.source == NoteSource::Block { BONUS_OF_BLOCKS } else { 0.0 };
        // "My daughter's name" is about the daughter: the user's own name is none.
        let about =
            relation.as_ref().map_or(0.0, |relation| if overlap(relation, &note.text) > 0.0 { 0.2 } else { -0.2 });
        note.relevance = (note.relevance + bonus + about).clamp(0.0, 1.0);
    }
    merged(&notes, Vec::new())
}

/// Set by judgement, like the bonuses above; other values were not tried.
const WEIGHT_OF_MEANING: f32 = 0.7;
