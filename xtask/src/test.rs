//! `cargo xtask test`: everything that has to hold before a change is merged, from a clean clone. A check that fails
//! does not keep the others from running; the last line adds all of them up.

use std::path::Path;

use crate::clients::{self, ClientsArguments};
use crate::error::{TaskError, TaskResult};
use crate::licences::{self, Mode};
use crate::packages::Needs;
use crate::process::{Command, Tally, capture, command, run, run_tests, say};
use crate::setup::{self, cargo_command};

/// Features of the whole workspace's build, the same for every step, so that nothing is compiled twice.
const FEATURES: [&str; 2] =
    ["--features", "xtask/models,xtask/product,xtask/search,xtask/inference,xtask/memory,resident-tests/journeys"];

/// Runs all checks and tests.
///
/// # Errors
/// When setting up fails, or any check does.
pub(crate) fn test(root: &Path) -> TaskResult {
    setup::prepare(root, Needs::Tests)?;
    let mut report = Report::default();
    report.check("cargo fmt", || run(&mut cargo_command(root, &["fmt", "--all", "--check"])));
    report.check("cargo clippy", || run(&mut workspace(root, &["clippy"], &["--all-targets"], &["--", "-Dwarnings"])));
    report.check("cargo build", || run(&mut workspace(root, &["build"], &["--bins", "--tests"], &[])));
    report.check("models", || setup::fetch_models(root));
    report.check("bindings", || product(root, &["bindings", "--check"]));
    report.check("licences", || licences::licences(root, Mode::Check));
    report.tests("cargo tests", || run_tests(&mut cargo_tests(root)));
    if cfg!(unix) {
        report.tests("letta-client", || clients::tests(root, &ClientsArguments::default()));
    }
    report.check("npm run check", || run(&mut command(&root.join("ui"), "npm", ["run", "--silent", "check"])));
    report.tests("npm test", || run_tests(&mut command(&root.join("ui"), "npm", ["run", "--silent", "test"])));
    report.close()
}

/// A cargo command over the whole workspace.
fn workspace(root: &Path, verb: &[&str], targets: &[&str], rest: &[&str]) -> Command {
    let mut command = cargo_command(root, verb);
    command.arg("--workspace").args(FEATURES).args(targets).args(rest);
    command
}

/// The test runner: nextest where it is installed, since it runs tests of all packages side by side.
fn cargo_tests(root: &Path) -> Command {
    let has_nextest = capture(&mut cargo_command(root, &["nextest", "--version"])).is_some();
    let mut tests = if has_nextest {
        workspace(root, &["nextest", "run"], &[], &["--no-fail-fast"])
    } else {
        workspace(root, &["test"], &["--bins", "--tests"], &["--no-fail-fast"])
    };
    tests.env("RESIDENT_MODELS", setup::weights(root));
    tests
}

/// Calls the program that knows the product, which the build has made.
fn product(root: &Path, arguments: &[&str]) -> TaskResult {
    run(&mut command(root, &setup::program(root, "xtask-product").to_string_lossy(), arguments))
}

/// What passed and what failed.
#[derive(Default)]
struct Report {
    tally: Tally,
    failures: Vec<String>,
}

impl Report {
    /// Runs a check; it counts as one test.
    fn check(&mut self, name: &str, check: impl FnOnce() -> TaskResult) {
        say(name);
        match check() {
            Ok(()) => self.tally.passed += 1,
            Err(error) => self.fail(name, &error.to_string(), 1),
        }
    }

    /// Runs a test runner; each of its tests counts.
    fn tests(&mut self, name: &str, tests: impl FnOnce() -> TaskResult<(Tally, bool)>) {
        say(name);
        match tests() {
            Ok((tally, true)) => self.tally.add(tally),
            Ok((tally, false)) => {
                self.tally.add(tally);
                // A runner that fails before its first test has no failed test to count.
                self.fail(name, "some tests failed", usize::from(tally.failed == 0));
            }
            Err(error) => self.fail(name, &error.to_string(), 1),
        }
    }

    fn fail(&mut self, name: &str, message: &str, count: usize) {
        println!("\x1b[31m{name}: {message}\x1b[0m");
        self.tally.failed += count;
        self.failures.push(name.to_owned());
    }

    fn close(self) -> TaskResult {
        let result = if self.failures.is_empty() { Ok(()) } else { Err(TaskError::Checks(self.failures.join(", "))) };
        println!("\n{} passed, {} failed", self.tally.passed, self.tally.failed);
        result
    }
}
