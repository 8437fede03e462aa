//! Evaluations: how well local models use their memory, and what memory finds. They run the product itself (a profile in a temporary folder,
//! the application API, the models that `cargo xtask setup` fetched) and print what they saw.

pub(crate) mod retrieval;
pub(crate) mod router;
pub(crate) mod tools;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Why an evaluation cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvalError {
    /// The cases cannot be read.
    #[error("could not read the cases: {0}")]
    Cases(#[from] toml::de::Error),
    /// The application refused a request.
    #[error("the application said: {0}")]
    App(#[from] resident_app::api::ApiError),
    /// The store refused what an evaluation prepares.
    #[error("could not prepare a case: {0}")]
    Store(#[from] resident_store::StoreError),
    /// The embedder failed.
    #[error("could not embed: {0}")]
    Embed(#[from] resident_memory::EmbedError),
    /// A file could not be read or written.
    #[error("could not {action} `{path}`: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What was measured has no JSON form.
    #[error("could not write the report: {0}")]
    Report(#[from] serde_json::Error),
    /// A corpus cannot be read.
    #[error("`{path}`, line {line}: {details}")]
    Corpus {
        /// The file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        details: String,
    },
    /// A corpus has nothing to measure.
    #[error("there is no conversation of that split in `{path}`")]
    NoConversations {
        /// The file.
        path: PathBuf,
    },
    /// Memory refused something.
    #[error("memory said: {0}")]
    Memory(#[from] resident_memory::MemoryError),
    /// The embedder did not get done.
    #[error("not everything could be embedded; the log says why")]
    NotEmbedded,
    /// A turn did not end.
    #[error("the turn for `{text}` did not end within {seconds} seconds")]
    Stuck {
        /// What was said.
        text: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The models are not there.
    #[error("the models are not there; `cargo xtask setup` fetches them")]
    NoModels,
}

/// Measure how well local models use their memory, and what memory finds.
#[derive(Parser)]
#[command(bin_name = "cargo xtask eval", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    evaluation: Evaluation,
}

#[derive(Subcommand)]
enum Evaluation {
    /// Requests to remember, correct, forget, save and look up, and questions about what is remembered.
    Tools(tools::ToolsArguments),
    /// Questions to recall memory about the conversations of a corpus.
    Retrieval(retrieval::RetrievalArguments),
    /// The same with the turns as passages of archival memory.
    Archival(retrieval::RetrievalArguments),
    /// Print a made-up corpus for these two.
    Corpus(retrieval::CorpusArguments),
}

/// Runs the evaluation that `arguments` name.
///
/// # Errors
/// See [`EvalError`]. Wrong arguments end the program with a usage message.
pub(crate) fn run(arguments: &[&str]) -> Result<(), EvalError> {
    let arguments = Arguments::parse_from(std::iter::once("eval").chain(arguments.iter().copied()));
    match arguments.evaluation {
        Evaluation::Tools(arguments) => tools::run(&arguments),
        Evaluation::Retrieval(arguments) => retrieval::recall(&arguments),
        Evaluation::Archival(arguments) => retrieval::archival(&arguments),
        Evaluation::Corpus(arguments) => {
            retrieval::corpus(&arguments);
            Ok(())
        }
    }
}

/// The folder with the models, as `cargo xtask` names it.
fn models_folder() -> Result<PathBuf, EvalError> {
    std::env::var_os("RESIDENT_MODELS").map(PathBuf::from).filter(|folder| folder.is_dir()).ok_or(EvalError::NoModels)
}
