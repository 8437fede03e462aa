//! Questions whose answer would have to be inferred from what is known of the user: "Can I eat shrimp?"
//!
//! A small model invents such answers, and about food and medicine an invented answer can harm. So it gives none: what
//! the user has told that is nearest is repeated, and the conclusion is left to the user. Where nothing is known, that
//! is said. Questions about the world stay with the model.

use super::intent::is_question;
use super::patterns::patterns;
use super::plan::{Note, NoteSource, Situation};
use super::speak::spoken_note;
use super::words::fold;

patterns! {
    /// Asks what would be right for the one who asks.
    FOR_ME = r"(?x)
        ^(?:(?:and|so|but|ok|okay|hey|hi|well|hmm)[\ ,]+)*(?:
            (?:can|could|may|should|shouldn't|must|might|am|would|do|will)\ (?:i|we|my|our)\b
            | is\ (?:it|that|this|there|.{1,40})\ (?:ok|okay|safe|fine|good|bad|healthy|unhealthy|dangerous|harmful|allowed|suitable|right|anything|any|something|a\ problem|too\ much)\b.*\b(?:i|me|my|we|us|our)\b
            | (?:is|are)\ (?:there|.{1,30})\b.*\b(?:i|we)\ (?:can|can't|should|shouldn't|may|must|mustn't|ought|need)\b
            | (?:what|which)\b.*\b(?:should|shouldn't|can|can't|must|may)\ (?:i|we)\b
            | (?:should|can)\ (?:you\ )?(?:cook|order|make|serve|give)\b.*\bme\b
            | anything\b.*\b(?:i|we)\ (?:should|shouldn't|can't|mustn't)\b
        )";
    /// Is answered with yes or no, or with what must not be.
    CLOSED = r"(?x)^(?:(?:and|so|but|ok|okay|hey|hi|well|hmm)[\ ,]+)*(?:can|could|may|should|shouldn't|must|am|is|are|do|will|would|anything)\b|\b(?:shouldn't|can't|mustn't|not)\b";
    /// Asks for a decision that hangs on the user's own affairs.
    OPINION = r"(?x)^(?:(?:and|so|but|ok|okay|hey|hi|well|hmm)[\ ,]+)*(?:should|shouldn't|must|may|am|do)\ (?:i|we)\b";
    /// Is about food, drink or medicine.
    HEALTH = r"\b(?:eat|eating|ate|drink|drinking|swallow|food|foods|snack|meal|dish|ingredients?|allerg\w+|medicines?|medications?|meds|drugs?|pills?|tablets?|antibiotics?|vaccines?|vaccinat\w+|painkillers?|aspirin|ibuprofen|paracetamol|acetaminophen|penicillin|amoxicillin|dose|dosage|diets?|alcohol|wine|beer|coffee|milk|cheese|nuts|peanuts?|shrimps?|prawns?|seafood|fish|meat|gluten|bread|sugar|eggs?|juice|fruit|grapefruit|tea|chocolate|soup|stew|cake|dessert|pizza|curry|sushi|sauce|supplements?|vitamins?|symptoms?|pregnan\w+|exercise|workout)\b";
    /// Is about medicine.
    MEDICINE = r"\b(?:medicines?|medications?|meds|drugs?|pills?|tablets?|antibiotics?|vaccines?|vaccinat\w+|painkillers?|aspirin|ibuprofen|paracetamol|acetaminophen|penicillin|amoxicillin|dose|dosage|supplements?|symptoms?)\b";
    /// Tells of something that matters for food and medicine.
    HAZARD = r"(?i)\b(?:allerg\w+|intoleran\w+|diabet\w+|vegetarian|vegan|pescatarian|pregnan\w+|asthma\w*|c(?:o)?eliac|halal|kosher|blood (?:pressure|thinner)\w*|heart|kidney|liver|epilep\w+|medicat\w+|medicines?|prescri\w+|(?:can't|cannot|can not|doesn't|don't|does not|must not|mustn't|shouldn't|never) (?:eats?|drinks?|takes?|have|tolerate|touch)|on a diet|fasting|sober|gluten|lactose)\b";
}

/// How near a note must be to a question about anything but food and medicine to be repeated. The questions of the
/// development set that ask for an inference lie above it, questions about the world below.
const LEAST_RELEVANCE_TO_REPEAT: f32 = 0.4;

/// A note on what the user must not have is repeated although the question names another thing: "shrimp", "shellfish".
const LEAST_RELEVANCE_OF_HAZARDS: f32 = 0.12;

/// How many notes are repeated.
const MOST_REPEATED: usize = 2;

/// The answer to a question that asks for an inference about the user, as a pattern; none when it asks for no such thing
/// or is harmless to leave to the model.
pub(super) fn answer(situation: &Situation<'_>) -> Option<String> {
    let question = fold(situation.input.user_text);
    if !is_question(situation.input.user_text) || !FOR_ME.is_match(&question) {
        return None;
    }
    let about_health = HEALTH.is_match(&question);
    let told = |note: &&Note| note.source != NoteSource::AgentMessage;
    let near: Vec<&Note> = situation
        .notes
        .iter()
        .filter(told)
        .filter(|note| {
            let hazard = about_health && HAZARD.is_match(&note.text);
            note.relevance >= if hazard { LEAST_RELEVANCE_OF_HAZARDS } else { LEAST_RELEVANCE_TO_REPEAT }
        })
        .collect();
    let hazards: Vec<&Note> = near.iter().copied().filter(|note| about_health && HAZARD.is_match(&note.text)).collect();
    let repeated = if hazards.is_empty() { near } else { hazards };
    let Some(best) = repeated.first() else {
        let unknown = if about_health && CLOSED.is_match(&question) {
            Some(UNKNOWN)
        } else {
            OPINION.is_match(&question).then_some(NO_OPINION)
        };
        return unknown.map(str::to_owned);
    };
    // What was said and what was kept of it are one thing.
    let mut spoken = vec![spoken_note(best, &question)];
    for note in repeated.iter().skip(1).filter(|note| note.source == NoteSource::Block && note.relevance > 0.0) {
        let another = spoken_note(note, &question);
        if spoken.len() < MOST_REPEATED && about_health && !spoken.contains(&another) {
            spoken.push(another);
        }
    }
    let after = if MEDICINE.is_match(&question) {
        " What follows from that I can't judge\\. Please ask a doctor or a pharmacist\\."
    } else if about_health {
        " What follows from that I can't judge for you\\."
    } else {
        ""
    };
    Some(format!("You told me: {}{after}", spoken.join(" ")))
}

const NO_OPINION: &str = "I can't tell\\. You have told me nothing that would answer it\\.";

const UNKNOWN: &str = "I don't know whether that is right for you\\. You have told me nothing about it, and I can't give \
    medical advice\\.";
