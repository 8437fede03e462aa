//! `cargo xtask run`: sets up what is missing and opens the window; where there is no display, it starts the server and
//! prints the address of the same interface for a browser, from where it can also be reached through a tunnel. Both use
//! the same profile.

use std::path::Path;

use crate::error::TaskResult;
use crate::packages::Needs;
use crate::process::{command, run as run_command, say};
use crate::setup;

/// Runs Resident; `arguments` go to the program that is started.
///
/// # Errors
/// When setting up fails, or the program ends with an error.
pub(crate) fn run(root: &Path, arguments: &[String]) -> TaskResult {
    setup::prepare(root, Needs::Build)?;
    setup::build(root)?;
    setup::fetch_models(root)?;
    let mut program = if has_display() {
        command(root, &setup::program(root, "resident-desktop").to_string_lossy(), arguments)
    } else {
        say("There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set): starting the server instead. \
             `resident chat` talks in this terminal.");
        let words = std::iter::once("server").chain(arguments.iter().map(String::as_str));
        command(root, &setup::program(root, "resident").to_string_lossy(), words)
    };
    run_command(program.env("RESIDENT_MODELS", setup::weights(root)))
}

fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}
