//! Runs other programs: with their output passed on, with it captured, or with it passed on and searched for the
//! closing lines of test runners, so that `cargo xtask test` can add up what all of them ran.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
pub(crate) use std::process::Command;
use std::process::Stdio;

use crate::error::{TaskError, TaskResult};

/// Says in bold what begins now.
pub(crate) fn say(text: &str) {
    println!("\x1b[1m▸ {text}\x1b[0m");
}

/// A command that runs in a folder.
pub(crate) fn command<S: AsRef<OsStr>>(folder: &Path, program: &str, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(program_name(program));
    command.current_dir(folder).args(args);
    command
}

/// Programs of Node are scripts on Windows, which only their full name starts.
fn program_name(program: &str) -> String {
    if cfg!(windows) && matches!(program, "npm" | "npx") { format!("{program}.cmd") } else { program.to_owned() }
}

/// The command as one would type it.
fn typed(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn not_started(command: &Command, source: std::io::Error) -> TaskError {
    let program = command.get_program().to_string_lossy().into_owned();
    let hint = match program.as_str() {
        "node" | "npm" | "npx" | "npm.cmd" | "npx.cmd" => "Install Node.js 20 or newer.".to_owned(),
        _ => format!("Install `{program}` and try again."),
    };
    TaskError::NotStarted { program, hint, source }
}

/// Runs a command, its output passed on.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> TaskResult {
    let status = command.status().map_err(|source| not_started(command, source))?;
    if status.success() { Ok(()) } else { Err(TaskError::Failed { command: typed(command), status }) }
}

/// What a command printed, or `None` when it is not there or failed.
pub(crate) fn capture(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a command printed.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn output_of(command: &mut Command) -> TaskResult<Vec<u8>> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|source| not_started(command, source))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(TaskError::Failed { command: typed(command), status: output.status })
    }
}

/// Tests that were run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Those that passed.
    pub(crate) passed: usize,
    /// Those that failed.
    pub(crate) failed: usize,
}

impl Tally {
    /// Adds another tally.
    pub(crate) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Reads the closing line of cargo test, nextest or vitest; any other line is nothing.
    fn of_line(line: &str) -> Tally {
        let closing = line.trim_start();
        if !["test result:", "Summary [", "Tests  "].iter().any(|start| closing.starts_with(start)) {
            return Tally::default();
        }
        Tally { passed: number_before(closing, "passed"), failed: number_before(closing, "failed") }
    }
}

/// The number that stands before a word, as in "12 passed"; 0 where the word is not there.
fn number_before(line: &str, word: &str) -> usize {
    let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

/// Runs a test runner, its output passed on; returns what it ran and whether it succeeded.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn run_tests(command: &mut Command) -> TaskResult<(Tally, bool)> {
    command.env("NO_COLOR", "1").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| not_started(command, source))?;
    let stdout = child.stdout.take().expect("the output was piped above");
    let stderr = child.stderr.take().expect("the error output was piped above");
    // nextest closes on its error output, the others on their output.
    let errors = std::thread::spawn(move || pass_on(stderr));
    let mut tally = pass_on(stdout);
    tally.add(errors.join().expect("passing lines on does not panic"));
    let status = child.wait().map_err(|source| not_started(command, source))?;
    Ok((tally, status.success()))
}

fn pass_on(output: impl std::io::Read) -> Tally {
    let mut tally = Tally::default();
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        tally.add(Tally::of_line(&line));
        // What cannot be printed, as when the disk is full, is no reason to stop counting.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_the_runners_are_added_up() {
        let cases = [
            ("test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s", 5, 0),
            ("test result: FAILED. 5 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out", 5, 2),
            ("     Summary [   3.210s] 120 tests run: 119 passed (2 slow), 1 failed, 2 skipped", 119, 1),
            ("      Tests  2 failed | 30 passed (32)", 30, 2),
            (" Test Files  4 passed (4)", 0, 0),
            ("running 5 tests", 0, 0),
            ("a person has 3 passed exams", 0, 0),
        ];
        for (line, passed, failed) in cases {
            assert_eq!(Tally::of_line(line), Tally { passed, failed }, "{line}");
        }
    }
}
