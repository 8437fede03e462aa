//! Measures memory as an agent uses it, at any size: the search of messages and of passages with the question embedded,
//! recording, and opening. `cargo xtask bench memory` builds this program and calls it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task speaks to the person who started it")]

mod profile;
mod texts;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use resident_inference::MiniLmEmbedder;
use resident_memory::{ArchivalQuery, Memory, RecallQuery, Sort};
use resident_store::{NewMessage, PassageFilter, Role, Store, SystemClock};
use serde_json::{Value, json};

use profile::{MESSAGE_WORDS, agent_id, topic_of};
use texts::{Dice, Texts};

/// Hits that the agent's tools ask for.
const HITS: usize = 10;

/// Searches before those that count, as an agent that has been used for a while has done.
const WARM_UP: usize = 30;

/// An index may be built from the database first.
const PATIENCE: Duration = Duration::from_secs(600);

/// Measure memory.
#[derive(Parser)]
struct Arguments {
    /// How many messages, and as many passages.
    #[arg(long, default_value_t = 100_000)]
    size: usize,
    /// How many searches of each kind.
    #[arg(long, default_value_t = 200)]
    queries: usize,
    /// How many messages are recorded.
    #[arg(long, default_value_t = 500)]
    recorded: usize,
    /// Where the figures go.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where the profile is made, or was made before.
    #[arg(long)]
    folder: PathBuf,
    /// Let the profile be for the next time.
    #[arg(long)]
    keep: bool,
    /// The folder of the embedding model.
    #[arg(long)]
    model: PathBuf,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
enum MemoryError {
    /// A file could not be written or removed.
    #[error("could not {action} `{path}`: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] resident_store::StoreError),
    /// A search failed.
    #[error(transparent)]
    Search(#[from] resident_memory::MemoryError),
    /// The embedder failed.
    #[error(transparent)]
    Embed(#[from] resident_memory::EmbedError),
    /// The model could not be loaded.
    #[error("could not load the embedding model: {0}")]
    Model(String),
    /// The indexes were not ready in time.
    #[error("the indexes were not up to date within {} s", PATIENCE.as_secs())]
    Index,
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\x1b[31merror:\x1b[0m {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), MemoryError> {
    let folder = arguments.folder.join(format!("profile-{}", arguments.size));
    let made = folder.with_extension("made");
    let model = MiniLmEmbedder::load(&arguments.model).map_err(|error| MemoryError::Model(error.to_string()))?;
    let model = Arc::new(model);
    if !made.is_file() {
        if folder.is_dir() {
            fs::remove_dir_all(&folder).map_err(at("remove", &folder))?;
        }
        println!("Making {} messages and as many passages", arguments.size);
        profile::make(&folder, arguments.size, &model)?;
        // One of today, so that none is made while searches are measured.
        Store::open(&folder, Arc::new(SystemClock))?.backup_now()?;
        fs::write(&made, "").map_err(at("write", &made))?;
    }
    let mut figures = Vec::new();
    let mut say = |case: &str, ms: &mut [f64]| {
        let (p50, p95, most) = quantiles(ms);
        println!("| {case} | {p50:.1} | {p95:.1} | {most:.1} |");
        figures.push(json!({"case": case, "size": arguments.size, "p50_ms": p50, "p95_ms": p95, "most_ms": most}));
    };
    println!("\n| {} messages and passages | p50 ms | p95 ms | most ms |\n|---|---|---|---|", arguments.size);

    // Once without index files, so that the next start finds them.
    let (memory, _) = open(&folder)?;
    memory.set_embedder(Some(model.clone()), Arc::new(|_| {}));
    let begun = Instant::now();
    search(&memory, Kind::Messages, "anything")?;
    search(&memory, Kind::Passages, "anything")?;
    if !memory.wait_until_embedded(PATIENCE) {
        return Err(MemoryError::Index);
    }
    let built_ms = ms_since(begun);
    close(memory);
    say("both indexes built from the database", &mut [built_ms]);

    let (memory, opened_ms) = open(&folder)?;
    say("open the profile", &mut [opened_ms]);
    memory.set_embedder(Some(model), Arc::new(|_| {}));
    let texts = Texts::new();
    let mut dice = Dice::new(0xA5_C0DE);
    let mut question = || texts.question(topic_of(dice.below(arguments.size)), &mut dice);
    for kind in [Kind::Messages, Kind::Passages] {
        let first = search(&memory, kind, &question())?;
        say(kind.first(), &mut [first]);
        for _ in 0..WARM_UP {
            search(&memory, kind, &question())?;
        }
        let mut times = Vec::with_capacity(arguments.queries);
        let mut slowest = (0.0, String::new());
        let before_ms = processor_ms();
        for _ in 0..arguments.queries {
            let question = question();
            let ms = search(&memory, kind, &question)?;
            times.push(ms);
            if ms > slowest.0 {
                slowest = (ms, question);
            }
        }
        let spent_ms = processor_ms().zip(before_ms).map(|(after, before)| after - before);
        say(kind.search(), &mut times);
        if let Some(spent_ms) = spent_ms {
            let mean_ms = spent_ms / arguments.queries as f64;
            println!("  processor time a search: {mean_ms:.1} ms; the slowest: {}", slowest.1);
        }
    }
    let mut times = record(&memory, &texts, arguments.recorded)?;
    say("record a message", &mut times);
    close(memory);
    if !arguments.keep {
        fs::remove_dir_all(&folder).map_err(at("remove", &folder))?;
        fs::remove_file(&made).map_err(at("remove", &made))?;
    }
    match &arguments.json {
        Some(path) => fs::write(path, format!("{:#}\n", Value::from(figures))).map_err(at("write", path)),
        None => Ok(()),
    }
}

/// What is searched.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Messages,
    Passages,
}

impl Kind {
    fn search(self) -> &'static str {
        match self {
            Self::Messages => "conversation_search",
            Self::Passages => "archival_memory_search",
        }
    }

    fn first(self) -> &'static str {
        match self {
            Self::Messages => "conversation_search, the first after a start",
            Self::Passages => "archival_memory_search, the first after a start",
        }
    }
}

fn open(folder: &Path) -> Result<(Memory, f64), MemoryError> {
    let begun = Instant::now();
    let store = Store::open(folder, Arc::new(SystemClock))?;
    let ms = ms_since(begun);
    Ok((Memory::new(Arc::new(store)), ms))
}

fn close(memory: Memory) {
    memory.set_embedder(None, Arc::new(|_| {}));
}

fn search(memory: &Memory, kind: Kind, question: &str) -> Result<f64, MemoryError> {
    let (agent, text) = (agent_id(), question.to_owned());
    let begun = Instant::now();
    match kind {
        Kind::Messages => {
            memory.search_messages(&agent, &RecallQuery { text, limit: HITS, ..RecallQuery::default() })?;
        }
        Kind::Passages => {
            let filter = PassageFilter { limit: HITS, ..PassageFilter::of(&agent) };
            memory.search_passages(&agent, &ArchivalQuery { text, filter, sort: Sort::Relevance })?;
        }
    }
    Ok(ms_since(begun))
}

/// The times of recording messages, each a transaction, in a turn, as messages are recorded.
fn record(memory: &Memory, texts: &Texts, count: usize) -> Result<Vec<f64>, MemoryError> {
    let _turn = memory.begin_turn();
    let mut dice = Dice::new(0x00C0_FFEE);
    let mut times = Vec::with_capacity(count);
    for number in 0..count {
        let text = texts.text(topic_of(number), MESSAGE_WORDS, &mut dice);
        let said = NewMessage::said(&agent_id(), Role::User, text, memory.store().now_ms());
        let begun = Instant::now();
        memory.store().write(|w| w.append_message(&said))?;
        memory.notify_written();
        times.push(ms_since(begun));
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(times)
}

/// The time that the processors have spent on this process, which other programs do not lengthen; `None` where the system
/// does not tell it in a file.
fn processor_ms() -> Option<f64> {
    /// Linux counts in hundredths of a second.
    const TICK_MS: f64 = 10.0;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // After the name of the program, which may hold anything in its parentheses.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) * TICK_MS)
}

fn ms_since(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

/// The median, the 95th percentile and the most.
fn quantiles(ms: &mut [f64]) -> (f64, f64, f64) {
    ms.sort_by(f64::total_cmp);
    let at = |share: f64| ms[((ms.len() - 1) as f64 * share).round() as usize];
    (at(0.5), at(0.95), at(1.0))
}

/// Says what was tried with a file that failed.
fn at(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> MemoryError {
    let path = path.to_owned();
    move |source| MemoryError::File { action, path, source }
}
