//! What speaks for a candidate: which terms of the query stand in it and around it, what it tells, who said it and when.
//! The candidates of a query are looked at together, since sessions and "the latest" are about several of them.

use std::collections::{HashMap, HashSet};

use resident_store::{ConversationId, Message, Reader, StoreError, TextTable, WordPlace};

use super::question::{Question, Tense};
use super::rank::{
    BESIDE, Evidence, Found, IN_SESSION, NEWER_NOW, NEWER_PRESENT, Signals, TOLD_ENOUGH, TWO_AWAY, rarity,
};
use super::terms::{TermFinder, TermSet, words_told};
use super::words::words;

/// Messages with a longer pause between them belong to two sessions.
const PAUSE_MS: i64 = 60 * 60 * 1_000;

/// So many rows with a term are counted; counting on would cost more than it tells.
const MOST_COUNTED: usize = 4_096;

/// A message that may answer, and what stands around it.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) message: Message,
    /// Up to two messages before it, oldest first.
    pub(super) before: Vec<Message>,
    /// Up to two messages after it, oldest first.
    pub(super) after: Vec<Message>,
    pub(super) found: Found,
}

/// The terms of a query with their weights; those of the terms that occur sum up to 1 at most.
pub(super) struct WeightedTerms {
    finder: TermFinder,
    weights: Vec<f64>,
}

impl WeightedTerms {
    /// The terms weighed by how rare they are in `table`. Those in `left_out` have no weight unless all are.
    pub(super) fn read(
        r: &Reader<'_>,
        table: TextTable,
        terms: &[String],
        left_out: &HashSet<String>,
    ) -> Result<Self, StoreError> {
        let rows = r.highest_row(table)?;
        let all_left_out = terms.iter().all(|term| left_out.contains(term));
        let mut weights = Vec::with_capacity(terms.len());
        let (mut present, mut missing) = (0.0, 0.0);
        for term in terms {
            if left_out.contains(term) && !all_left_out {
                weights.push(0.0);
                continue;
            }
            let rows_with = r.estimate_rows_with(table, WordPlace::Text, term, MOST_COUNTED)?;
            let weight = rarity(rows, rows_with);
            *(if rows_with > 0 { &mut present } else { &mut missing }) += weight;
            weights.push(weight);
        }
        // What nothing has makes every match a partial one, but a pasted page of it does not drown the one word that
        // is there.
        let sum = present + missing.min(present);
        if sum > 0.0 {
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        Ok(Self { finder: TermFinder::new(terms), weights })
    }

    /// How much of the query the piece of a text that has most of it covers, with what stands around it.
    pub(super) fn covered(&self, around: &Around) -> f64 {
        let pieces = &around.pieces;
        let piece_at = |at: Option<usize>| at.and_then(|at| pieces.get(at)).copied().unwrap_or_default();
        let whole = pieces.iter().fold(0, |whole, piece| whole | piece);
        let of_piece = |(at, own): (usize, &TermSet)| -> f64 {
            let beside = piece_at(at.checked_sub(1)) | piece_at(at.checked_add(1)) | around.beside;
            let share = |term: usize| {
                let stands_in = |set: TermSet| set >> term & 1 == 1;
                match () {
                    () if stands_in(*own) => 1.0,
                    () if stands_in(beside) => BESIDE,
                    () if stands_in(around.two_away) => TWO_AWAY,
                    () if stands_in(whole | around.session) => IN_SESSION,
                    () => 0.0,
                }
            };
            self.weights.iter().enumerate().map(|(term, weight)| weight * share(term)).sum()
        };
        pieces.iter().enumerate().map(of_piece).fold(0.0, f64::max)
    }

    /// The terms of each piece of a text that stands alone.
    pub(super) fn alone(&self, text: &str) -> Around {
        Around { pieces: self.finder.pieces(text), ..Around::default() }
    }
}

/// Which terms stand where.
#[derive(Debug, Clone, Default)]
pub(super) struct Around {
    pieces: Vec<TermSet>,
    beside: TermSet,
    two_away: TermSet,
    session: TermSet,
}

/// The evidence of each candidate, in their order. `similarity` tells that of a message to the query, where it is known.
pub(super) fn of_messages(
    question: &Question,
    terms: &WeightedTerms,
    candidates: &[Candidate],
    similarity: &HashMap<i64, f32>,
    signals: Signals,
) -> Vec<Evidence> {
    let sessions = sessions(candidates);
    let arounds = arounds(terms, candidates, &sessions, signals);
    let best_of_session = best_by_session(candidates, &sessions);
    let speakers = Speakers::asked_for(question, candidates);
    // What is not embedded yet is taken to be as similar as the others are.
    let known: Vec<f32> = candidates.iter().filter_map(|one| similarity.get(&one.message.seq).copied()).collect();
    let usual = f64::from(known.iter().sum::<f32>()) / known.len().max(1) as f64;
    let similarity_of = |message: &Message| similarity.get(&message.seq).map_or(usual, |s| f64::from(s.max(0.0)));
    let mut evidence: Vec<Evidence> = candidates
        .iter()
        .zip(&arounds)
        .zip(&sessions)
        .map(|((candidate, around), session)| {
            let message = &candidate.message;
            let beside = candidate.before.last().into_iter().chain(candidate.after.first());
            Evidence {
                covered: terms.covered(around),
                session: if signals.session { best_of_session[session] } else { 0.0 },
                similarity: similarity_of(message),
                beside: if signals.neighbours { beside.map(similarity_of).fold(0.0, f64::max) } else { 0.0 },
                told: told(&message.content),
                speaker: if signals.speaker && speakers.include(message) { 1.0 } else { 0.0 },
                time: question
                    .dates
                    .filter(|_| signals.date)
                    .map_or(0.0, |dates| dates.nearness(message.created_at_ms)),
                newer: 0.0,
            }
        })
        .collect();
    if signals.date {
        let order: Vec<i64> = candidates.iter().map(|candidate| candidate.message.seq).collect();
        prefer_newer(question, &mut evidence, &order);
    }
    evidence
}

/// How much a text tells, 0..1; the first words count most.
pub(super) fn told(text: &str) -> f64 {
    (1.0 + words_told(text, TOLD_ENOUGH) as f64).ln() / (1.0 + TOLD_ENOUGH as f64).ln()
}

/// Where the query asks about now, sets `newer`: the later in `order` the more, for those that cover the query best.
pub(super) fn prefer_newer(question: &Question, evidence: &mut [Evidence], order: &[i64]) {
    let worth = match question.tense {
        Tense::Now => 1.0,
        Tense::Present => NEWER_PRESENT / NEWER_NOW,
        Tense::Any => return,
    };
    let best = evidence.iter().map(|one| one.covered).fold(f64::MIN_POSITIVE, f64::max);
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1).max(1) as f64;
    for (one, key) in evidence.iter_mut().zip(order) {
        let rank = sorted.partition_point(|other| other < key) as f64;
        one.newer = worth * rank / last * (one.covered / best).powi(2);
    }
}

/// The names of whoever said one of the candidates, word by word: they say who, and not what about.
pub(super) fn names(candidates: &[Candidate]) -> HashSet<String> {
    candidates.iter().flat_map(|candidate| words(speaker(&candidate.message))).collect()
}

fn speaker(message: &Message) -> &str {
    message.name.as_deref().unwrap_or(message.role.word())
}

/// By whom the query wants to have been told.
enum Speakers<'a> {
    /// By nobody in particular.
    Anybody,
    /// By the one whom it names.
    Named(&'a str),
    /// By whoever has this role, as its pronouns say.
    Role(resident_store::Role),
}

impl<'a> Speakers<'a> {
    fn asked_for(question: &Question, candidates: &'a [Candidate]) -> Self {
        let known: HashSet<&str> = candidates.iter().map(|candidate| speaker(&candidate.message)).collect();
        let mut named = known.into_iter().filter(|name| words(name).any(|word| question.terms.contains(&word)));
        match (named.next(), named.next()) {
            (Some(name), None) => Self::Named(name),
            (Some(_), Some(_)) => Self::Anybody,
            (None, _) => question.said_by.map_or(Self::Anybody, Self::Role),
        }
    }

    fn include(&self, message: &Message) -> bool {
        match self {
            Self::Anybody => false,
            Self::Named(name) => speaker(message) == *name,
            Self::Role(role) => message.name.is_none() && message.role == *role,
        }
    }
}

/// A number for the session of each candidate.
fn sessions(candidates: &[Candidate]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|at| {
        let Message { conversation_id, seq, .. } = &candidates[*at].message;
        (conversation_id.as_ref().map(ConversationId::as_str), *seq)
    });
    let mut sessions = vec![0; candidates.len()];
    let mut session = 0;
    for pair in order.windows(2) {
        let (earlier, later) = (&candidates[pair[0]].message, &candidates[pair[1]].message);
        let pause_ms = later.created_at_ms.saturating_sub(earlier.created_at_ms).saturating_abs();
        session += usize::from(earlier.conversation_id != later.conversation_id || pause_ms > PAUSE_MS);
        sessions[pair[1]] = session;
    }
    sessions
}

fn arounds(terms: &WeightedTerms, candidates: &[Candidate], sessions: &[usize], signals: Signals) -> Vec<Around> {
    let mut of_session: HashMap<usize, TermSet> = HashMap::new();
    let mut arounds = Vec::with_capacity(candidates.len());
    for (candidate, session) in candidates.iter().zip(sessions) {
        let mut around = terms.alone(&candidate.message.content);
        *of_session.entry(*session).or_default() |= around.pieces.iter().fold(0, |whole, piece| whole | piece);
        if signals.neighbours {
            let before = candidate.before.iter().rev().map(|message| terms.finder.end(&message.content));
            let after = candidate.after.iter().map(|message| terms.finder.beginning(&message.content));
            for (distance, set) in before.enumerate().chain(after.enumerate()) {
                match distance {
                    0 => around.beside |= set,
                    _ => around.two_away |= set,
                }
            }
        }
        arounds.push(around);
    }
    if signals.session {
        for (around, session) in arounds.iter_mut().zip(sessions) {
            around.session = of_session[session];
        }
    }
    arounds
}

/// The best match by words in each session.
fn best_by_session(candidates: &[Candidate], sessions: &[usize]) -> HashMap<usize, f64> {
    let mut best: HashMap<usize, f64> = HashMap::new();
    for (candidate, session) in candidates.iter().zip(sessions) {
        let of_session = best.entry(*session).or_default();
        *of_session = of_session.max(candidate.found.words);
    }
    best
}
