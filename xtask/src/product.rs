//! The tasks that have to know the product: generated bindings and evaluations. `cargo xtask` builds this program and
//! calls it; it is not meant to be started by hand.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task speaks to the person who started it")]

mod bindings;
mod eval;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace");
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result: Result<(), Box<dyn std::error::Error>> = match words.as_slice() {
        ["bindings"] => bindings::write(root).map_err(Into::into),
        ["eval", arguments @ ..] => eval::run(arguments).map_err(Into::into),
        ["train-router"] => eval::router::train(root).map_err(Into::into),
        ["bindings", "--check"] => bindings::check(root).map_err(Into::into),
        _ => Err(format!("there is no task `{}`", words.join(" ")).into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\x1b[31merror:\x1b[0m {error}");
            ExitCode::FAILURE
        }
    }
}
