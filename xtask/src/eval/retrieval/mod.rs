//! `cargo xtask eval retrieval` and `eval archival`: does memory find what was said?
//!
//! Each conversation of a corpus becomes an agent of a temporary profile: its turns are recorded as messages (or saved
//! as passages) with their dates and speakers, and embedded by the real embedder; its questions go through the search
//! behind `conversation_search` (or `archival_memory_search`). No language model is involved.
//!
//! The metric is turn recall at k: the mean over questions of the share of the evidence turns that are among the first
//! k found. A question without evidence measures nothing and is left out.

mod corpus;
mod dates;
mod profile;
mod report;
mod synthetic;

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use resident_memory::Signals;

use super::EvalError;
use corpus::{Conversation, Corpus};
use profile::{Kind, Profile};
use report::{Answer, Report};

/// How many turns are asked for: as many as the deepest figure (R@20) looks at.
const FOUND: usize = 20;

/// Options of both evaluations.
#[derive(Args)]
pub(crate) struct RetrievalArguments {
    /// The corpus: a conversation in JSON on each line, with its sessions, turns and questions.
    file: PathBuf,
    /// Only the conversations of this split.
    #[arg(long)]
    split: Option<String>,
    /// Rank without this part, to see what it is worth; may be given several times.
    #[arg(long, value_name = "PART")]
    without: Vec<Part>,
    /// Write the figures to this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Show the questions whose evidence is not all among the first ten.
    #[arg(long)]
    verbose: bool,
}

/// Options of the making of a corpus.
#[derive(Args)]
pub(crate) struct CorpusArguments {
    /// Which.
    kind: synthetic::Corpus,
}

/// Prints a corpus of our own, which both evaluations read.
pub(crate) fn corpus(arguments: &CorpusArguments) {
    for line in synthetic::lines(arguments.kind) {
        println!("{line}");
    }
}

/// A part of ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Similarity of meaning.
    Dense,
    /// The messages beside a message.
    Neighbours,
    /// Who speaks.
    Speaker,
    /// When it was said.
    Date,
    /// What else was said in the same session.
    Session,
    /// Token vectors compared one by one. They did not pay for their space, so that nothing changes without them.
    LateInteraction,
}

/// All parts but those in `without`.
fn signals(without: &[Part]) -> Signals {
    let mut signals = Signals::default();
    for part in without {
        match part {
            Part::Dense => signals.dense = false,
            Part::Neighbours => signals.neighbours = false,
            Part::Speaker => signals.speaker = false,
            Part::Date => signals.date = false,
            Part::Session => signals.session = false,
            Part::LateInteraction => println!("late interaction is not part of the ranking: nothing is left out"),
        }
    }
    signals
}

/// Measures recall memory.
///
/// # Errors
/// When the corpus is broken, the embedder is missing or the product fails.
pub(crate) fn recall(arguments: &RetrievalArguments) -> Result<(), EvalError> {
    run(arguments, Kind::Messages)
}

/// Measures archival memory.
///
/// # Errors
/// As [`recall`].
pub(crate) fn archival(arguments: &RetrievalArguments) -> Result<(), EvalError> {
    run(arguments, Kind::Passages)
}

fn run(arguments: &RetrievalArguments, kind: Kind) -> Result<(), EvalError> {
    let corpus = Corpus::read(&arguments.file, arguments.split.as_deref())?;
    let mut profile = Profile::create(kind, signals(&arguments.without))?;
    let mut report = Report::new(arguments.verbose);
    println!("{} conversations, {} turns", corpus.conversations.len(), corpus.turns());
    if corpus.dates_not_understood > 0 {
        println!("{} dates of sessions were not understood and count as empty", corpus.dates_not_understood);
    }
    let recording = Instant::now();
    for conversation in &corpus.conversations {
        profile.record(conversation)?;
    }
    report.recorded(recording.elapsed());
    let embedding = Instant::now();
    profile.embed()?;
    report.embedded(embedding.elapsed(), profile.size_bytes()?);
    for conversation in &corpus.conversations {
        ask(&mut profile, conversation, &mut report)?;
    }
    report.print();
    match &arguments.json {
        Some(path) => report.write(path),
        None => Ok(()),
    }
}

/// Asks the questions of a conversation, as if on the day after its last turn.
fn ask(profile: &mut Profile, conversation: &Conversation, report: &mut Report) -> Result<(), EvalError> {
    profile.go_past(conversation)?;
    // The first search of an agent reads its vectors into memory, which is not what a question costs.
    profile.find(conversation, "anything", 1)?;
    for question in &conversation.questions {
        if question.evidence.is_empty() {
            report.left_out();
            continue;
        }
        let began = Instant::now();
        let found = profile.find(conversation, &question.text, FOUND)?;
        report.add(Answer { conversation, question, found: &found, took: began.elapsed() });
    }
    Ok(())
}
