//! Compares the local language model with llama.cpp on the same file, or the embedder with onnxruntime, in one run:
//! `cargo xtask bench inference` and `bench embedding` build this program, prepare the Python that the other lives in,
//! and call it.
//!
//! The two take turns, round after round, so that whatever else the computer does meets both; medians are compared.
//! Resident is asked as the agent asks it, through the ports of language models and embedders. llama.cpp is called by
//! its C interface, with the same numbers of tokens and the likeliest token each time.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task speaks to the person who started it")]

mod embedding;
mod model;
mod peer;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::{Value, json};

/// Compare local inference with other programs.
#[derive(Parser)]
struct Arguments {
    /// What is compared.
    #[command(subcommand)]
    what: What,
    /// Threads of both.
    #[arg(long, global = true, default_value_t = 2)]
    threads: usize,
    /// How often everything is measured.
    #[arg(long, global = true, default_value_t = 5)]
    rounds: usize,
    /// Where the rows go.
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The Python that has the other; without it Resident is measured alone.
    #[arg(long, global = true)]
    python: Option<PathBuf>,
}

#[derive(Subcommand)]
enum What {
    /// A language model, with llama.cpp.
    Model {
        /// The GGUF file.
        file: PathBuf,
    },
    /// An embedder, with onnxruntime on the same model in eight bits.
    Embedding {
        /// The folder with the model.
        folder: PathBuf,
    },
}

/// Why the comparison could not be made.
#[derive(Debug, thiserror::Error)]
enum BenchError {
    /// The rows could not be written.
    #[error("could not write `{path}`: {source}")]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The other program failed.
    #[error("{peer} stopped: {reason}")]
    Peer {
        /// Which.
        peer: &'static str,
        /// What is known.
        reason: String,
    },
    /// Resident failed.
    #[error(transparent)]
    Model(#[from] resident_agent::ModelError),
    /// Resident failed.
    #[error(transparent)]
    Embedder(#[from] resident_memory::EmbedError),
    /// A model did not do what is measured.
    #[error("{0}")]
    Unusable(String),
}

/// A figure of both, round by round.
struct Case {
    name: String,
    unit: &'static str,
    more_is_better: bool,
    ours: Vec<f64>,
    peer: Vec<f64>,
}

impl Case {
    /// One that nothing was measured of yet.
    fn new(name: impl Into<String>, unit: &'static str, more_is_better: bool) -> Self {
        Self { name: name.into(), unit, more_is_better, ours: Vec::new(), peer: Vec::new() }
    }

    /// Adds a round.
    fn add(&mut self, ours: f64, peer: Option<f64>) {
        self.ours.push(ours);
        self.peer.extend(peer);
    }
}

fn main() -> ExitCode {
    match compare(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\x1b[31merror:\x1b[0m {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> Result<(), BenchError> {
    let (cases, what, peer) = match &arguments.what {
        What::Model { file } => (model::compare(arguments, file)?, file, "llama.cpp"),
        What::Embedding { folder } => (embedding::compare(arguments, folder)?, folder, "onnxruntime int8"),
    };
    println!("\n{}, {} threads, {} rounds", what.display(), arguments.threads, arguments.rounds);
    print(&cases, peer);
    match &arguments.json {
        Some(path) => write(&cases, path),
        None => Ok(()),
    }
}

/// The most memory that this process has had; `None` where the system does not tell.
fn peak_memory_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        length => (sorted[(length - 1) / 2] + sorted[length / 2]) / 2.0,
    }
}

impl Case {
    /// How many times better ours is.
    fn ratio(&self) -> f64 {
        let (ours, peer) = (median(&self.ours), median(&self.peer));
        if self.more_is_better { ours / peer } else { peer / ours }
    }
}

fn print(cases: &[Case], peer: &str) {
    println!("{:50} {:>24} {:>24} {:>7}", "", "Resident", peer, "ratio");
    let spread = |values: &[f64]| {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if values.is_empty() { String::new() } else { format!("{:.1} ({least:.1}-{most:.1})", median(values)) }
    };
    for case in cases {
        let ratio = if case.peer.is_empty() { String::new() } else { format!("{:.2}", case.ratio()) };
        let name = format!("{} [{}]", case.name, case.unit);
        println!("{name:50} {:>24} {:>24} {ratio:>7}", spread(&case.ours), spread(&case.peer));
    }
}

fn write(cases: &[Case], path: &Path) -> Result<(), BenchError> {
    let rows: Vec<Value> = cases
        .iter()
        .map(|case| {
            let (ours, peer) = (median(&case.ours), median(&case.peer));
            json!({"case": format!("{} [{}]", case.name, case.unit), "ours": ours, "peer": peer, "ratio": case.ratio()})
        })
        .collect();
    let text = format!("{:#}\n", Value::from(rows));
    std::fs::write(path, text).map_err(|source| BenchError::Write { path: path.to_owned(), source })
}
