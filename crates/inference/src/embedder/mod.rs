//! Sentence embedders of the BERT kind, from a folder with `model.safetensors`, `tokenizer.json` and `config.json`:
//! all-MiniLM-L6-v2 and its relatives (mean pooling, unit length).
//!
//! Texts are embedded in batches of similar length, so that little is computed for padding. What is longer than 256
//! tokens is cut there, as the model was trained; whoever wants more of a text embeds it in pieces.

mod bert;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;
use resident_memory::{EmbedError, Embedder};
use sha2::{Digest, Sha256};
use tokenizers::{Tokenizer, TruncationParams};

use crate::error::panic_message;
use bert::{Bert, Config, WEIGHTS, mean_pool};

/// What all-MiniLM-L6-v2 reads of a text (its card, and `max_seq_length` of its configuration).
const MAX_TOKENS: usize = 256;

/// Texts that are embedded together.
const BATCH: usize = 32;

/// A sentence embedder on this computer's processor.
pub struct MiniLmEmbedder {
    id: String,
    dimension: usize,
    tokenizer: Tokenizer,
    model: Bert,
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
        let (kind, device) = WEIGHTS;
        let damaged = |error: candle_core::Error| format!("`model.safetensors` cannot be used: {error}");
        let weights = VarBuilder::from_buffered_safetensors(weights, kind, device).map_err(damaged)?;
        let model = Bert::load(weights, &config).map_err(damaged)?;
        Ok(Self { id, dimension: config.hidden_size, tokenizer, model })
    }

    fn embed_batch(&self, batch: &[Vec<u32>]) -> candle_core::Result<Vec<Vec<f32>>> {
        let longest = batch.iter().map(Vec::len).max().unwrap_or_default();
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for text in batch {
            let padding = longest - text.len();
            ids.extend(text.iter().copied().chain(std::iter::repeat_n(0, padding)));
            mask.extend(text.iter().map(|_| 1f32).chain(std::iter::repeat_n(0.0, padding)));
        }
        let shape = (batch.len(), longest);
        let ids = Tensor::from_vec(ids, shape, &Device::Cpu)?;
        let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
        mean_pool(&self.model.forward(&ids, &mask)?, &mask)?.to_vec2()
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
        let mut by_length: Vec<(usize, Vec<u32>)> =
            encodings.iter().map(|encoding| encoding.get_ids().to_vec()).enumerate().collect();
        by_length.sort_by_key(|(_, ids)| ids.len());
        let (order, ids): (Vec<usize>, Vec<Vec<u32>>) = by_length.into_iter().unzip();

        let mut vectors = vec![Vec::new(); texts.len()];
        for (places, batch) in order.chunks(BATCH).zip(ids.chunks(BATCH)) {
            let embedded = catch_unwind(AssertUnwindSafe(|| self.embed_batch(batch)))
                .map_err(|panic| self.error(panic_message(&*panic)))?
                .map_err(|error| self.error(error.to_string()))?;
            for (place, vector) in places.iter().zip(embedded) {
                vectors[*place] = vector;
            }
        }
        Ok(vectors)
    }
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
