//! `cargo xtask bench search`: the index against other programs that find nearest vectors. They come from whatever
//! registry pip is set up for, into an environment of their own under the target folder.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::error::{AtPath, TaskResult};
use crate::process::{command, run, say};
use crate::setup;

/// The others, in the versions that the committed figures are of; the SQLite that comes with many a Python cannot load
/// extensions, so sqlite-vec is called through apsw.
const PACKAGES: [&str; 5] =
    ["sqlite-vec==0.1.9", "apsw==3.54.1.0", "faiss-cpu==1.15.1", "usearch==2.26.6", "numpy==2.4.6"];

/// What to compare.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Find the nearest of many vectors, against sqlite-vec, faiss and usearch.
    Search(SearchArguments),
}

/// How to compare searches.
#[derive(Args)]
pub(crate) struct SearchArguments {
    /// How many vectors.
    #[arg(long, default_value_t = 100_000)]
    size: usize,
    /// How many questions.
    #[arg(long, default_value_t = 200)]
    queries: usize,
    /// Write rows of `{"case", "ours", "peer", "ratio"}` there; the ratio is how many times better ours is.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only these of the others, separated by commas: sqlite-vec, faiss, usearch.
    #[arg(long, value_name = "NAMES")]
    peers: Option<String>,
    /// Leave out one that builds its index for longer than this.
    #[arg(long, value_name = "SECONDS", default_value_t = 1_800)]
    patience: usize,
}

/// Compares.
///
/// # Errors
/// When the others cannot be installed, or the comparison fails.
pub(crate) fn bench(root: &Path, what: &Bench) -> TaskResult {
    match what {
        Bench::Search(arguments) => search(root, arguments),
    }
}

fn search(root: &Path, arguments: &SearchArguments) -> TaskResult {
    let python = environment(root)?;
    let mut cargo = setup::cargo_command(root, &["run", "--quiet", "--release", "--package", "xtask"]);
    cargo.args(["--bin", "xtask-search", "--features", "xtask/search", "--"]);
    cargo.arg("--python").arg(python).arg("--folder").arg(folder(root));
    cargo.args(["--size", &arguments.size.to_string(), "--queries", &arguments.queries.to_string()]);
    cargo.args(["--patience-s", &arguments.patience.to_string()]);
    if let Some(json) = &arguments.json {
        cargo.arg("--json").arg(std::path::absolute(json).at("find", json)?);
    }
    if let Some(peers) = &arguments.peers {
        cargo.args(["--peers", peers]);
    }
    run(&mut cargo)
}

fn folder(root: &Path) -> PathBuf {
    setup::target(root).join("bench-search")
}

/// The Python that has the others. A file in its folder says that it is whole, so that an installation that was broken
/// off is no obstacle; packages of another version are another folder.
fn environment(root: &Path) -> TaskResult<PathBuf> {
    let place = folder(root).join(format!("python-{}", PACKAGES.join("-").replace("==", "-")));
    let installed = place.join("installed");
    let python =
        if cfg!(windows) { place.join("Scripts").join("python.exe") } else { place.join("bin").join("python") };
    if installed.is_file() {
        return Ok(python);
    }
    say("Fetching sqlite-vec, faiss and usearch");
    if place.is_dir() {
        fs::remove_dir_all(&place).at("remove", &place)?;
    }
    fs::create_dir_all(folder(root)).at("create", folder(root))?;
    run(command(root, "python3", ["-m", "venv"]).arg(&place))?;
    let mut pip = command(root, &python.to_string_lossy(), ["-m", "pip", "install", "--quiet"]);
    run(pip.arg("--disable-pip-version-check").args(PACKAGES))?;
    fs::write(&installed, "").at("write", &installed)?;
    Ok(python)
}
