//! What a GGUF file is, without loading its weights: for the verdict whether a machine can run it.

use std::path::Path;

use super::{Gguf, Hyperparameters};
use crate::error::LoadError;

/// What a GGUF file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GgufSummary {
    /// Such as `llama`.
    pub architecture: String,
    /// The name in the file, where it has one.
    pub name: Option<String>,
    /// Weights of the model.
    pub parameters: u64,
    /// The longest sequence that it was trained for, in tokens.
    pub context_window_tokens: usize,
    /// The type of most of its weights, such as `Q4_K`.
    pub quantisation: String,
    /// Bytes of its weights in memory.
    pub weight_bytes: u64,
    /// Bytes that each token of the context takes in memory.
    pub cache_bytes_per_token: u64,
}

impl GgufSummary {
    /// Reads the header of the file at `path`, some megabytes.
    ///
    /// # Errors
    /// When the file cannot be read or is not one that the decoder can run.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let gguf = Gguf::open(path)?;
        let parameters = Hyperparameters::read(&gguf)?;
        let (count, weight_bytes) = gguf.weights();
        Ok(Self {
            architecture: gguf.text("general.architecture").unwrap_or_default().to_owned(),
            name: gguf.text("general.name").map(str::to_owned),
            parameters: count,
            context_window_tokens: parameters.context_tokens,
            quantisation: gguf.quantisation(),
            weight_bytes,
            cache_bytes_per_token: parameters.cache_bytes_per_token(),
        })
    }

    /// Bytes of memory that the model takes with `context_tokens` of conversation.
    pub fn memory_bytes(&self, context_tokens: usize) -> u64 {
        self.weight_bytes.saturating_add(self.cache_bytes_per_token.saturating_mul(context_tokens as u64))
    }
}
