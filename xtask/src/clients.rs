//! Tries the server with real clients: the versions of `letta-client` that `tests/sdk/clients.txt` names. Each is
//! installed into a folder of its own, from whatever registry pip is set up for, when it is not there yet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::error::{AtPath, TaskError, TaskResult};
use crate::process::{Tally, command, run, run_tests, say};
use crate::setup;

/// What to try.
#[derive(Args, Default)]
pub(crate) struct ClientsArguments {
    /// Write docs/letta-compatibility.md instead of comparing it.
    #[arg(long)]
    bless: bool,
    /// Only checks with this in their name.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Only this version of the client.
    #[arg(long, value_name = "VERSION")]
    client: Option<String>,
}

/// Builds the server and tries it.
///
/// # Errors
/// When the build fails, a client cannot be installed, or a check fails.
pub(crate) fn clients(root: &Path, arguments: &ClientsArguments) -> TaskResult {
    run(&mut setup::cargo_command(root, &["build", "--package", "resident-cli"]))?;
    let (_, succeeded) = tests(root, arguments)?;
    if succeeded { Ok(()) } else { Err(TaskError::Checks("letta-client".to_owned())) }
}

/// Tries the server that was built.
///
/// # Errors
/// When a client cannot be installed.
pub(crate) fn tests(root: &Path, arguments: &ClientsArguments) -> TaskResult<(Tally, bool)> {
    let suite = root.join("tests").join("sdk");
    let versions = suite.join("clients.txt");
    for version in fs::read_to_string(&versions).at("read", &versions)?.split_whitespace() {
        install(root, version)?;
    }
    let mut python = python(root);
    python.arg(suite.join("run.py")).arg("--server").arg(setup::program(root, "resident"));
    python.arg("--models").arg(setup::weights(root)).arg("--clients").arg(folder(root));
    if arguments.bless {
        python.arg("--bless");
    }
    for (option, value) in [("--only", &arguments.only), ("--client", &arguments.client)] {
        if let Some(value) = value {
            python.args([option, value]);
        }
    }
    run_tests(&mut python)
}

/// Where the clients are.
fn folder(root: &Path) -> PathBuf {
    setup::target(root).join("sdk")
}

/// A Python that leaves no compiled files beside the sources.
fn python(root: &Path) -> Command {
    command(root, "python3", ["-B"])
}

/// Installs a version. It gets its name when it is whole, so that an installation that was broken off is no obstacle.
fn install(root: &Path, version: &str) -> TaskResult {
    let place = folder(root).join(version);
    if place.is_dir() {
        return Ok(());
    }
    say(&format!("Fetching letta-client {version}"));
    let part = folder(root).join(format!("{version}.partial"));
    if part.is_dir() {
        fs::remove_dir_all(&part).at("remove", &part)?;
    }
    let mut pip = python(root);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-conflicts", "--target"]);
    pip.arg(&part).arg(format!("letta-client=={version}")).env("PIP_ROOT_USER_ACTION", "ignore");
    run(&mut pip)?;
    fs::rename(&part, &place).at("rename", &part)
}
