//! `cargo xtask eval tools`: does a local model call the right memory tool with the right words?
//!
//! Forty requests and forty questions (`cases.toml`) go through the application as a person's messages would, each in a
//! conversation of its own, with several seeds. `--dev` takes the cases that were tuned on instead.

mod assistant;
mod cases;
mod report;
mod score;

use std::path::PathBuf;

use clap::Args;

use super::EvalError;
use assistant::Assistant;
use cases::Cases;
use report::{Report, Run};

/// Options of the evaluation.
#[derive(Args)]
pub(crate) struct ToolsArguments {
    /// How often each case is run, each time with another seed.
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// Show every case, not only those that went wrong.
    #[arg(long)]
    verbose: bool,
    /// Write what was measured to this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The cases that were tuned on, instead of those that are measured.
    #[arg(long)]
    dev: bool,
    /// Agents that speak through `send_message` instead of in plain text.
    #[arg(long)]
    memgpt: bool,
}

/// Runs it and prints the report.
///
/// # Errors
/// When the models are missing or the application fails; a case that goes wrong is a figure, not an error.
pub(crate) fn run(arguments: &ToolsArguments) -> Result<(), EvalError> {
    let cases = if arguments.dev { Cases::dev()? } else { Cases::measured()? };
    let mut report = Report::new(arguments.seeds, arguments.verbose);
    for seed in 1..=arguments.seeds {
        let assistant = Assistant::open(seed, arguments.memgpt)?;
        for case in &cases.requests {
            let seen = assistant.ask(&case.setting(), &case.text)?;
            let run = Run { seed, kind: case.kind.name(), text: &case.text };
            report.add(run, &seen, score::request(case, &seen));
        }
        for case in &cases.questions {
            let seen = assistant.ask(&case.setting(), &case.text)?;
            let run = Run { seed, kind: "question", text: &case.text };
            report.add(run, &seen, score::question(case, &seen));
        }
    }
    report.print();
    match &arguments.json {
        Some(path) => report.write(path),
        None => Ok(()),
    }
}
