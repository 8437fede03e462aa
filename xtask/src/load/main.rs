//! Many agents and many clients at once: is anything lost or doubled, and how long does Resident itself take?
//! `cargo xtask bench load` builds this program and the server, and calls it.
//!
//! The model is a scripted endpoint with a fixed latency. Resident's own share of a turn is the time that the client
//! waited less the time from the moment that the endpoint had the request until it sent the last piece. Clients and
//! endpoint are threads of this one process, which does little else than wait. The end is a number of turns, not a
//! time, so that two runs do the same. Afterwards streams are held open at once.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task speaks to the person who started it")]

mod clients;
mod endpoint;
mod http;
mod report;
mod server;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;

use clients::{check_records, hold_streams, talk, watch_memory};
use endpoint::{Endpoint, MODEL};
use report::Report;
use server::Server;

/// Put a server under load.
#[derive(Parser)]
struct Arguments {
    /// The program `resident`.
    #[arg(long)]
    server: PathBuf,
    /// How many turns in all.
    #[arg(long, default_value_t = 3_000)]
    turns: usize,
    /// How many clients ask at once.
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// How many agents they ask.
    #[arg(long, default_value_t = 50)]
    agents: usize,
    /// How long the endpoint thinks.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 20)]
    latency_ms: u64,
    /// How many streams are held open afterwards.
    #[arg(long, default_value_t = 200)]
    streams: usize,
    /// Where the rows go.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match execute(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("error: something was lost, doubled, out of order or broken off");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the load; whether nothing was lost.
fn execute(arguments: &Arguments) -> io::Result<bool> {
    let home = tempfile::tempdir()?;
    let report = load(arguments, home.path())?;
    print!("{}", report.text());
    if let Some(json) = &arguments.json {
        fs::write(json, format!("{:#}\n", report.rows()))?;
    }
    Ok(report.is_whole())
}

fn load(arguments: &Arguments, home: &Path) -> io::Result<Report> {
    let endpoint = Endpoint::start(Duration::from_millis(arguments.latency_ms))?;
    let server = Server::start(&arguments.server, home, &endpoint.base_url)?;
    let names = (0..arguments.agents.max(1)).map(|number| server.create_agent(&format!("load {number}"), MODEL));
    let agents: Vec<String> = names.collect::<io::Result<_>>()?;
    let clients = arguments.clients.max(1);
    let stop = AtomicBool::new(false);
    let processor = server.processor_time();
    let began = Instant::now();
    let (told, memory) = thread::scope(|scope| {
        let watching = scope.spawn(|| watch_memory(&server, &stop));
        let talking: Vec<_> = (0..clients)
            .map(|number| {
                let (server, agents, turns) = (&server, &agents, arguments.turns / clients);
                scope.spawn(move || talk(server, agents, turns, number))
            })
            .collect();
        let told: Vec<_> = talking.into_iter().filter_map(|client| client.join().ok()).collect();
        stop.store(true, Ordering::Relaxed);
        (told, watching.join().unwrap_or_default())
    });
    let seconds = began.elapsed().as_secs_f64();
    let processor = server.processor_time().zip(processor).map(|(after, before)| after - before);
    let mut said: HashMap<&str, Vec<&str>> = HashMap::new();
    for (agent, text, _) in told.iter().flat_map(|told| &told.turns) {
        said.entry(agent).or_default().push(text);
    }
    let records = check_records(&server, &said)?;
    let streams = hold_streams(&server, arguments.streams)?;
    let took = endpoint.took();
    let own_of =
        |(_, text, waited): &(_, String, Duration)| waited.saturating_sub(took.get(text).copied().unwrap_or_default());
    Ok(Report {
        own: told.iter().map(|told| told.turns.iter().map(own_of).collect()).collect(),
        idle: told.iter().flat_map(|told| told.idle.iter().copied()).collect(),
        errors: told.iter().flat_map(|told| told.errors.iter().cloned()).collect(),
        asked: arguments.turns / clients * clients,
        seconds,
        processor,
        memory,
        records,
        streams_open: arguments.streams,
        streams,
    })
}
