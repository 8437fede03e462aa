//! From a message to its intent.
//!
//! Words come first: what leaves no doubt is settled by [`super::explicit_request`] and the traps beside it. The rest is
//! decided by a softmax regression over the embedder's vector of the message and a few features of its words. Its
//! weights are made by `cargo xtask train-router` from `router/examples.txt` and come with the crate. They belong to one
//! embedder (all-MiniLM-L6-v2); with another, with none, or when it fails, the features of the words decide alone.

use std::sync::LazyLock;

use resident_memory::Embedder;
use serde::{Deserialize, Serialize};

use super::intent::{self, Intent};
use super::patterns::{List, list};
use super::small_talk;
use super::words;

/// Says what a message asks: words first, then a classifier over the embedder's vector.
#[derive(Debug, Clone)]
pub struct Router {
    weights: RouterWeights,
}

/// What a message asks, and how that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Routed {
    /// What it asks.
    pub intent: Intent,
    /// How that was found.
    pub by: RoutedBy,
    /// 0 to 1; 1 for words that leave no doubt.
    pub confidence: f32,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoutedBy {
    /// Words of the message.
    Words,
    /// The classifier.
    Classifier,
}

/// The classifier's weights: for each intent, in the order of [`Intent::ALL`], one for each component of the vector, one
/// for each feature of [`word_features`], and a bias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouterWeights {
    /// The components of the embedder's vectors.
    pub dimension: usize,
    /// Six rows.
    pub rows: Vec<Vec<f32>>,
}

/// The written examples that the bundled weights were made from.
pub fn router_examples() -> impl Iterator<Item = (Intent, &'static str)> {
    let mut intent = Intent::Converse;
    include_str!("router/examples.txt").lines().filter_map(move |line| {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            intent = Intent::ALL.into_iter().find(|intent| intent.name() == name).unwrap_or(intent);
            return None;
        }
        (!line.is_empty()).then_some((intent, line))
    })
}

static BUNDLED: LazyLock<RouterWeights> =
    LazyLock::new(|| serde_json::from_str(include_str!("router/weights.json")).expect("the bundled weights are valid"));

/// How many features [`word_features`] gives.
pub const WORD_FEATURES: usize = 12;

/// What the words of `text` say, each 0 or 1.
pub fn word_features(text: &str) -> [f32; WORD_FEATURES] {
    let folded = words::fold(text);
    let words = words::words(text);
    let has = |candidates: &[&str]| words.iter().any(|word| candidates.contains(&word.as_str()));
    let starts = |candidates: &[&str]| words.first().is_some_and(|word| candidates.contains(&word.as_str()));
    let asked = folded.ends_with('?');
    let question_word = starts(&["what", "what's", "who", "who's", "where", "when", "which", "why", "how", "whose"]);
    let first_person = has(&["i", "i'm", "my", "me", "we", "our", "i've", "us", "mine", "i'd", "we're"]);
    [
        asked,
        question_word,
        first_person,
        (asked || question_word) && first_person,
        has(&["you", "your"]),
        has(&["not", "no", "isn't", "don't", "anymore", "wrong", "instead"]) || folded.contains("any more"),
        starts(&["actually", "no", "sorry", "wait", "correction", "nope"]),
        has(&["forget", "delete", "remove", "erase", "wipe", "drop"]),
        has(&["save", "store", "archive", "later", "keep"]),
        intent::takes_back(text),
        intent::asks_to_recall(text),
        intent::states_a_fact(text),
    ]
    .map(|holds| if holds { 1.0 } else { 0.0 })
}

impl Default for Router {
    fn default() -> Self {
        Self::bundled()
    }
}

impl Router {
    /// The router with the weights that come with this crate.
    pub fn bundled() -> Self {
        Self { weights: BUNDLED.clone() }
    }

    /// A router with other weights.
    pub fn new(weights: RouterWeights) -> Self {
        Self { weights }
    }

    /// What `text` asks. Without an embedder, or when it fails, words alone decide.
    pub fn route(&self, text: &str, embedder: Option<&dyn Embedder>) -> Routed {
        if let Some(request) = intent::explicit_request(text) {
            return Routed { intent: request.into(), by: RoutedBy::Words, confidence: 1.0 };
        }
        if small_talk::is_small_talk(text) || intent::is_about_memory(text) {
            return Routed { intent: Intent::Converse, by: RoutedBy::Words, confidence: 1.0 };
        }
        if intent::surely_asks_to_recall(text) {
            return Routed { intent: Intent::Recall, by: RoutedBy::Words, confidence: 0.95 };
        }
        if intent::surely_takes_back(text) {
            return Routed { intent: Intent::Correct, by: RoutedBy::Words, confidence: 0.9 };
        }
        if intent::names_the_assistant(text) || intent::as_introduction(text).is_some() {
            return Routed { intent: Intent::Remember, by: RoutedBy::Words, confidence: 0.95 };
        }
        if intent::corrects_by_value(text) {
            return Routed { intent: Intent::Correct, by: RoutedBy::Words, confidence: 0.8 };
        }
        let routed = self.classify(text, embedder).unwrap_or_else(|| by_words(text));
        if routed.intent == Intent::Recall && intent::asks_how_to(text) {
            // What is known of it takes over where there is something.
            return Routed { intent: Intent::Converse, ..routed };
        }
        routed
    }

    fn classify(&self, text: &str, embedder: Option<&dyn Embedder>) -> Option<Routed> {
        let embedder = embedder.filter(|embedder| embedder.dimension() == self.weights.dimension)?;
        let start: String = text.chars().take(LONGEST_READ_CHARS).collect();
        let vector = match embedder.embed(&[&start]) {
            Ok(vectors) => vectors.into_iter().next()?,
            Err(error) => {
                tracing::debug!(%error, "the router goes by words alone");
                return None;
            }
        };
        let inputs: Vec<f32> = vector.into_iter().chain(word_features(&start)).chain([1.0]).collect();
        let scores: Vec<f32> = self
            .weights
            .rows
            .iter()
            .map(|row| row.iter().zip(&inputs).map(|(weight, input)| weight * input).sum())
            .collect();
        let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = scores.iter().map(|score| (score - highest).exp()).sum();
        let admitted = Intent::ALL.into_iter().zip(scores).filter(|(intent, _)| is_possible(*intent, text));
        let (intent, score) = admitted.max_by(|(_, one), (_, other)| one.total_cmp(other))?;
        Some(Routed { intent, by: RoutedBy::Classifier, confidence: (score - highest).exp() / total })
    }
}

/// What the classifier may say of `text`: a question tells nothing, and without a word for it nothing is archived or
/// forgotten.
fn is_possible(intent: Intent, text: &str) -> bool {
    let says = |candidates: &[&str]| words::words(text).iter().any(|word| candidates.contains(&word.as_str()));
    match intent {
        Intent::Remember | Intent::Correct => !intent::is_question(text),
        // A wrong guess would remove something, so this needs a word for removing, or a "not" with one for keeping.
        Intent::Forget => {
            !intent::is_question(text)
                && (says(&REMOVING) || says(&KEEPING) && says(&NEGATING))
                && !says(&["can't", "cannot"])
        }
        Intent::Archive => !intent::is_question(text) && says(&ARCHIVING),
        Intent::Recall | Intent::Converse => true,
    }
}

static REMOVING: List = list!("lists/removing_words.txt");

static KEEPING: List = list!("lists/keeping_words.txt");

static NEGATING: List = list!("lists/negating_words.txt");

static ARCHIVING: List = list!("lists/archiving_words.txt");

/// What a message asks stands at its beginning; the embedder reads about this much.
const LONGEST_READ_CHARS: usize = 600;

fn by_words(text: &str) -> Routed {
    let (intent, confidence) = if intent::asks_to_recall(text) {
        (Intent::Recall, 0.7)
    } else if intent::is_question(text) {
        (Intent::Converse, 0.6)
    } else if intent::takes_back(text) {
        (Intent::Correct, 0.6)
    } else if intent::states_a_fact(text) {
        (Intent::Remember, 0.6)
    } else {
        (Intent::Converse, 0.5)
    };
    Routed { intent, by: RoutedBy::Words, confidence }
}
