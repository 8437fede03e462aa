//! Sentence embedders of the BERT kind, from a folder with `model.safetensors`, `tokenizer.json` and `config.json`:
//! all-MiniLM-L6-v2 and its relatives (mean pooling, unit length).
//!
//! Texts are embedded in batches without padding. What is longer than 256 tokens is cut there, as the model was
//! trained; whoever wants more of a text embeds it in pieces.

mod bert;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use candle_core::Device;
use rayon::ThreadPool;
use resident_memory::{EmbedError, Embedder};
use sha2::{Digest, Sha256};
use tokenizers::{Tokenizer, TruncationParams};

use crate::error::panic_message;
use crate::kernels::Team;
use crate::pool::pool;
use bert::{Bert, Config, Weights};

/// What all-MiniLM-L6-v2 reads of a text (its card, and `max_seq_length` of its configuration).
const MAX_TOKENS: usize = 256;

/// Tokens that are embedded together: enough to share the weights' way through the caches, few enough that the
/// activations stay in them.
const BATCH_TOKENS: usize = 512;

/// A sentence embedder on this computer's processor.
pub struct MiniLmEmbedder {
    id: String,
    dimension: usize,
    tokenizer: Tokenizer,
    model: Bert,
    pool: ThreadPool,
}

impl MiniLmEmbedder {
    /// Loads the embedder in `folder`.
    ///
    /// # Errors
    /// When a file is missing, damaged, or describes something else than an encoder of the BERT kind.
    pub fn load(folder: &Path) -> Result<Self, EmbedError> {
        let loaded = catch_unwind(AssertUnwindSafe(|| Self::try_load(folder)))
            .unwrap_or_else(|panic| Err(panic_message(&*panic)));
        loaded.map_err(|message| EmbedError { embedder: folder.display().to_string(), message, transient: false })
    }

    fn try_load(folder: &Path) -> Result<Self, String> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))
        };
        let config: Config = serde_json::from_slice(&read("config.json")?)
            .map_err(|error| format!("`config.json` is not the configuration of a BERT encoder: {error}"))?;
        config.check()?;
        let tokenizer = tokenizer(&read("tokenizer.json")?, config.max_position_embeddings)
            .map_err(|error| format!("`tokenizer.json` cannot be used: {error}"))?;
        if tokenizer.get_vocab_size(true) > config.vocab_size {
            return Err("`tokenizer.json` has more tokens than the model".to_owned());
        }
        let weights = read("model.safetensors")?;
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        let id = format!("{name}@{}", fingerprint(&weights));
        let damaged = |error: String| format!("`model.safetensors` cannot be used: {error}");
        let weights = candle_core::safetensors::load_buffer(&weights, &Device::Cpu);
        let weights = Weights(weights.map_err(|error| damaged(error.to_string()))?);
        let dimension = config.hidden_size;
        let model = Bert::load(&weights, config).map_err(damaged)?;
        let pool = pool(None).map_err(|error| format!("no thread could be started for it: {error}"))?;
        Ok(Self { id, dimension, tokenizer, model, pool })
    }

    fn error(&self, message: String) -> EmbedError {
        EmbedError { embedder: self.id.clone(), message, transient: false }
    }
}

impl Embedder for MiniLmEmbedder {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let encodings =
            self.tokenizer.encode_batch_fast(texts.to_vec(), true).map_err(|error| self.error(error.to_string()))?;
        let ids: Vec<&[u32]> = encodings.iter().map(tokenizers::Encoding::get_ids).collect();
        let mut vectors = Vec::with_capacity(texts.len());
        let mut rest = ids.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_length(rest));
            let embedded = catch_unwind(AssertUnwindSafe(|| {
                self.pool.install(|| Team::gather(|team| self.model.embed(team, batch)))
            }));
            vectors.extend(embedded.map_err(|panic| self.error(panic_message(&*panic)))?);
            rest = later;
        }
        Ok(vectors)
    }
}

/// How many of the texts make a batch.
fn batch_length(texts: &[&[u32]]) -> usize {
    let mut tokens = 0;
    let fitting = texts.iter().take_while(|text| {
        tokens += text.len();
        tokens <= BATCH_TOKENS
    });
    fitting.count().max(1)
}

/// The tokenizer with the model's limit and without padding, whatever the file says.
fn tokenizer(json: &[u8], positions: usize) -> Result<Tokenizer, tokenizers::Error> {
    let mut tokenizer = Tokenizer::from_bytes(json)?;
    tokenizer.with_padding(None);
    let truncation = TruncationParams { max_length: MAX_TOKENS.min(positions), ..TruncationParams::default() };
    tokenizer.with_truncation(Some(truncation))?;
    Ok(tokenizer)
}

/// The first digits of the file's SHA-256: other weights make other vectors, which may not be mixed.
fn fingerprint(weights: &[u8]) -> String {
    Sha256::digest(weights).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
