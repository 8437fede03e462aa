//! All that has to be there before the product can be started or tested: system packages, the UI's packages and
//! bundle, the build, and the default models. Each step looks first and does only what is missing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::TaskResult;
use crate::packages::{self, Needs};
use crate::process::{command, run, say};
use crate::{node, process};

/// Programs that `run` needs. `xtask` itself is left out: a program that runs cannot be replaced on every system.
const PROGRAMS: &[&str] = &["resident-desktop", "resident", "xtask-models"];

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace").to_owned()
}

/// The cargo that started this.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A cargo command at the workspace's root.
pub(crate) fn cargo_command(root: &Path, args: &[&str]) -> process::Command {
    command(root, &cargo().to_string_lossy(), args)
}

/// A program that a debug build made.
pub(crate) fn program(root: &Path, name: &str) -> PathBuf {
    target(root).join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// Cargo's target folder.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

/// The folder of the models' files.
pub(crate) fn weights(root: &Path) -> PathBuf {
    root.join("models").join("weights")
}

/// System packages and the interface: what both building and testing need.
///
/// # Errors
/// When something is missing and cannot be installed, or the interface does not build.
pub(crate) fn prepare(root: &Path, needs: Needs) -> TaskResult {
    packages::ensure(root, needs)?;
    node::ensure_packages(root)?;
    node::ensure_bundle(root)
}

/// Builds the window, the command and the model fetcher.
///
/// # Errors
/// When the build fails.
pub(crate) fn build(root: &Path) -> TaskResult {
    say("Building Resident");
    let mut arguments = vec!["build", "--features", "xtask/models"];
    arguments.extend(["--package", "resident-desktop", "--package", "resident-cli", "--package", "xtask"]);
    arguments.extend(PROGRAMS.iter().flat_map(|name| ["--bin", name]));
    run(&mut cargo_command(root, &arguments))
}

/// Fetches the default models that are not there yet; the build must have been made.
///
/// # Errors
/// When a model can be had from nowhere, or its hash is wrong.
pub(crate) fn fetch_models(root: &Path) -> TaskResult {
    fetch_models_into(root, &weights(root))
}

/// The same, into a folder of its own.
///
/// # Errors
/// As [`fetch_models`].
pub(crate) fn fetch_models_into(root: &Path, folder: &Path) -> TaskResult {
    let fetcher = program(root, "xtask-models");
    run(&mut command(root, &fetcher.to_string_lossy(), [folder]))
}
