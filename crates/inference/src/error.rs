//! What goes wrong inside this crate; at its edge these become the ports' `ModelError` and `EmbedError`.

use std::path::{Path, PathBuf};

use resident_agent::ModelError;
use thiserror::Error;

/// Why a model file cannot be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file is not there or cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not GGUF at all.
    #[error("`{}` is not a GGUF file (it begins with {found:02x?})", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// The file's description of itself cannot be read.
    #[error("the header of `{}` is damaged: {message}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The file ends before its last tensor.
    #[error("`{}` is cut short: `{tensor}` ends at byte {needed}, the file at {size}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The first tensor that is not whole.
        tensor: String,
        /// Where it would end.
        needed: u64,
        /// Where the file ends.
        size: u64,
    },
    /// A key of the metadata is missing or has another type.
    #[error("`{key}` is missing from the file, or is not {expected}")]
    Metadata {
        /// The key.
        key: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A number of the metadata is outside of what a model can have.
    #[error("`{key}` is {value}; it may be {allowed}")]
    Limit {
        /// The key.
        key: String,
        /// What the file says.
        value: u64,
        /// What is accepted.
        allowed: String,
    },
    /// Resident does not know how to run this.
    #[error("{what} is not supported; supported are {supported}")]
    Unsupported {
        /// What the file asks for.
        what: String,
        /// What could be run.
        supported: &'static str,
    },
    /// A tensor is missing or has another shape than the metadata says.
    #[error("tensor `{name}` {problem}")]
    Tensor {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The tokenizer in the file cannot be built.
    #[error("its tokenizer cannot be built: {message}")]
    Tokenizer {
        /// What is wrong.
        message: String,
    },
    /// The chat template does not parse.
    #[error("its chat template cannot be used: {message}")]
    Template {
        /// What is wrong.
        message: String,
    },
    /// candle could not read the weights.
    #[error("its weights cannot be read")]
    Weights(#[from] candle_core::Error),
    /// A thread could not be started.
    #[error("no thread could be started for it: {message}")]
    Threads {
        /// What the system said.
        message: String,
    },
    /// The loader failed where it should not have.
    #[error("the loader failed: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
}

impl LoadError {
    pub(crate) fn into_model_error(self, model: impl Into<String>) -> ModelError {
        let mut message = self.to_string();
        if let Self::Weights(source) = &self {
            message = format!("{message}: {source}");
        }
        ModelError::Load { model: model.into(), message }
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}

/// Opens a file for reading.
pub(crate) fn open(path: &Path) -> Result<std::fs::File, LoadError> {
    std::fs::File::open(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })
}
