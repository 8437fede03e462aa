//! Development tasks, started as `cargo xtask …`. Two of them are all that a new clone needs: `run` and `test`; both do
//! the set-up first. This program has few dependencies, since it is built before anything is installed. What has to
//! know the product is in `product.rs`, a second program that this one builds when it is asked for.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task speaks to the person who started it")]

mod bench;
mod bundle;
mod clients;
mod error;
mod install_test;
mod licences;
mod node;
mod packages;
mod process;
mod run;
mod setup;
mod test;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::TaskResult;
use licences::Mode;
use packages::Needs;

/// Development tasks of Resident.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Set up what is missing, then open the window (without a display: start the server).
    Run {
        /// Arguments for Resident.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Set up what is missing, then run all checks and tests.
    Test,
    /// Try the server with real clients of Letta.
    Clients(clients::ClientsArguments),
    /// Only set up: system packages, the interface's packages, the build, the default models.
    Setup,
    /// Write the TypeScript types of the application API.
    Bindings {
        /// Only say whether the committed ones are up to date.
        #[arg(long)]
        check: bool,
    },
    /// Write the list of licences that the application shows.
    Licences {
        /// Only say whether the committed one is up to date.
        #[arg(long)]
        check: bool,
    },
    /// Make the installers of this system, with the default models inside.
    Bundle(bundle::BundleArguments),
    /// Install the `.deb` on a bare system and try it there without a network (as root, some minutes).
    InstallTest,
    /// Make the weights of the intent router from its written examples.
    TrainRouter,
    /// Compare with other programs.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Measure how well local models use their memory, and what memory finds.
    Eval {
        /// The evaluation and its options; `eval --help` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match execute(&setup::root(), Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\x1b[31merror:\x1b[0m {error}");
            ExitCode::FAILURE
        }
    }
}

fn execute(root: &Path, task: Task) -> TaskResult {
    match task {
        Task::Run { arguments } => run::run(root, &arguments),
        Task::Test => test::test(root),
        Task::Clients(arguments) => clients::clients(root, &arguments),
        Task::Setup => {
            setup::prepare(root, Needs::Tests)?;
            setup::build(root)?;
            setup::fetch_models(root)
        }
        Task::Bindings { check } => product(root, &["bindings"], if check { &["--check"] } else { &[] }, "dev"),
        Task::Licences { check } => licences::licences(root, if check { Mode::Check } else { Mode::Write }),
        Task::Bundle(arguments) => bundle::bundle(root, &arguments),
        Task::InstallTest => install_test::install_test(root),
        Task::TrainRouter => product(root, &["train-router"], &[], "release"),
        Task::Bench(what) => bench::bench(root, &what),
        Task::Eval { arguments } => {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            product(root, &["eval"], &arguments, "release")
        }
    }
}

/// Builds the program that knows the product and calls it.
fn product(root: &Path, verb: &[&str], arguments: &[&str], profile: &str) -> TaskResult {
    let mut cargo = setup::cargo_command(root, &["run", "--quiet", "--package", "xtask", "--bin", "xtask-product"]);
    cargo.args(["--features", "xtask/product", "--profile", profile, "--"]).args(verb).args(arguments);
    process::run(cargo.env("RESIDENT_MODELS", setup::weights(root)))
}
