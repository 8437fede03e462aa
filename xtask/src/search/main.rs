//! Compares the index with other programs that find nearest vectors, in one run, on the same vectors and questions.
//! `cargo xtask bench search` builds this program, prepares the Python that the others live in, and calls it.
//!
//! The programs take turns, a few questions each, so that whatever else the computer does meets all of them. What is
//! right is what a comparison of all components in 32 bits finds.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task speaks to the person who started it")]

mod ours;
mod peers;
mod report;
mod truth;
mod vectors;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use peers::{PEERS, Peer};
use report::{Measured, Report};
use truth::Truth;
use vectors::Vectors;

/// Hits that are asked for.
const NEAREST: usize = 10;

/// Questions that a program answers before it is the next one's turn.
const TURN: usize = 10;

/// A program that has answered for so long, and some turns, is asked no more.
const PATIENCE_MS: f64 = 20_000.0;

/// Turns that even the slowest takes.
const LEAST_TURNS: usize = 2;

/// Compare the index with others.
#[derive(Parser)]
struct Arguments {
    /// How many vectors.
    #[arg(long, default_value_t = 100_000)]
    size: usize,
    /// How many questions.
    #[arg(long, default_value_t = 200)]
    queries: usize,
    /// Where the rows go.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The Python that has the others.
    #[arg(long)]
    python: PathBuf,
    /// Where the vectors and the others' files go, until the end.
    #[arg(long)]
    folder: PathBuf,
    /// Which others, of sqlite-vec, faiss and usearch.
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// One that builds its index for longer than so many seconds is left out.
    #[arg(long)]
    patience_s: usize,
}

/// Why the comparison could not be made.
#[derive(Debug, thiserror::Error)]
enum SearchError {
    /// A file could not be read or written.
    #[error("could not {action} `{path}`: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another program failed.
    #[error("{peer} stopped: {reason}")]
    Peer {
        /// Which.
        peer: &'static str,
        /// What is known.
        reason: String,
    },
    /// The index refused something.
    #[error(transparent)]
    Index(#[from] resident_index::IndexError),
    /// The index could not be kept in a file.
    #[error(transparent)]
    Keep(#[from] resident_index::FileError),
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let result = match words.as_slice() {
        [word, path] if word == ours::OPENED_ALONE => ours::print_memory_of_opened(path.as_ref()),
        _ => compare(&Arguments::parse()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\x1b[31merror:\x1b[0m {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> Result<(), SearchError> {
    let folder = &arguments.folder.join(format!("vectors-{}", arguments.size));
    fs::create_dir_all(folder).map_err(at("create", folder))?;
    println!("Making {} vectors of {} components", arguments.size, vectors::DIMENSION);
    let vectors = Vectors::make(arguments.size, arguments.queries);
    let (stored, asked) = (folder.join("stored.f32"), folder.join("asked.f32"));
    vectors::write(&stored, &vectors.stored).map_err(at("write", &stored))?;
    vectors::write(&asked, &vectors.asked).map_err(at("write", &asked))?;
    println!("Finding what is right");
    let truth = Truth::find(&vectors, NEAREST);

    println!("Building Resident's index");
    let mut ours = ours::Ours::build(&vectors, &folder.join("resident.index"))?;
    drop(vectors.stored);
    let wanted = |name: &str| arguments.peers.is_empty() || arguments.peers.iter().any(|peer| name.contains(peer));
    let mut peers = Vec::new();
    for &name in PEERS.iter().filter(|name| wanted(name)) {
        println!("Building {name}");
        peers.extend(Peer::start(name, arguments, folder)?);
    }
    fs::remove_file(&stored).map_err(at("remove", &stored))?;

    let mut measured: Vec<Measured> = peers.iter().map(|peer| Measured::new(peer.name, peer.built)).collect();
    let mut own = Measured::new("Resident", ours.built);
    for (turn, start) in (0..arguments.queries).step_by(TURN).enumerate() {
        let questions = start..arguments.queries.min(start + TURN);
        for question in questions.clone() {
            let (ms, found) = ours.search(vectors::row(&vectors.asked, question), NEAREST)?;
            own.add(ms, truth.recall(question, &found));
        }
        for (peer, measured) in peers.iter_mut().zip(&mut measured) {
            if turn < LEAST_TURNS || measured.spent_ms() < PATIENCE_MS {
                for (question, (ms, found)) in questions.clone().zip(peer.search(questions.clone())?) {
                    measured.add(ms, truth.recall(question, &found));
                }
            }
        }
    }
    for (peer, measured) in peers.iter_mut().zip(&mut measured) {
        measured.open_ms = Some(peer.open()?);
    }
    own.open_ms = Some(ours.open()?);
    let report = Report { size: arguments.size, kernel: ours.kernel(), own, peers: measured };
    report.print();
    drop(peers);
    fs::remove_dir_all(folder).map_err(at("remove", folder))?;
    match &arguments.json {
        Some(path) => report.write(path).map_err(at("write", path)),
        None => Ok(()),
    }
}

/// Says what was tried with a file that failed.
fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SearchError {
    let path = path.to_owned();
    move |source| SearchError::File { action, path, source }
}
