//! An embedder behind an OpenAI-compatible endpoint.

use resident_library::http::Network;
use resident_memory::{EmbedError, Embedder};
use serde_json::{Value, json};

use crate::endpoint::{Base, RemoteEndpoint};
use crate::error::RemoteError;
use crate::exchange::{Exchange, Patience};

/// Texts of one request; some servers refuse more.
const BATCH: usize = 64;

/// Dimensions of an embedding model are in the hundreds or low thousands.
const MAX_DIMENSION: usize = 16_384;

/// An embedder behind an endpoint.
#[derive(Debug)]
pub struct RemoteEmbedder {
    network: Network,
    endpoint: RemoteEndpoint,
    base: Base,
    model: String,
    id: String,
    dimension: usize,
    patience: Patience,
}

impl RemoteEmbedder {
    /// The embedder `model` of `endpoint`. With no `dimension`, the endpoint is asked for one vector to learn it.
    ///
    /// # Errors
    /// [`RemoteError`] when the base URL cannot be used, or the endpoint had to be asked and failed.
    pub fn new(
        network: Network,
        endpoint: RemoteEndpoint,
        model: impl Into<String>,
        dimension: Option<usize>,
        patience: Patience,
    ) -> Result<Self, RemoteError> {
        let model = model.into();
        let id = format!("remote/{}/{model}", endpoint.id);
        let base = endpoint.base()?;
        let mut embedder = Self { network, endpoint, base, model, id, dimension: dimension.unwrap_or(0), patience };
        if dimension.is_none() {
            let vectors = embedder.request(&["dimension"])?;
            embedder.dimension = vectors.first().map_or(0, Vec::len);
        }
        Ok(embedder)
    }

    fn request(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RemoteError> {
        let exchange =
            Exchange { network: &self.network, key: &self.endpoint.api_key, patience: &self.patience, cancel: None };
        // An empty text is refused by some servers; one with a blank means as little.
        let input: Vec<&str> = texts.iter().map(|text| if text.is_empty() { " " } else { text }).collect();
        let body = json!({ "model": self.model, "input": input, "encoding_format": "float" });
        let value = self.network.block_on(exchange.post(self.base.method("embeddings"), &body))??;
        self.vectors(&value, texts.len()).map_err(|message| RemoteError::Protocol { host: self.base.host(), message })
    }

    fn vectors(&self, value: &Value, expected: usize) -> Result<Vec<Vec<f32>>, String> {
        let data = value.get("data").and_then(Value::as_array).ok_or("it has no embeddings")?;
        if data.len() != expected {
            return Err(format!("{} embeddings came for {expected} texts", data.len()));
        }
        let mut vectors = vec![Vec::new(); expected];
        for (position, item) in data.iter().enumerate() {
            let index = item.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
            let slot = vectors.get_mut(index.unwrap_or(position)).ok_or("an embedding is for no text")?;
            let vector = unit_vector(item.get("embedding").unwrap_or(&Value::Null))?;
            if self.dimension != 0 && vector.len() != self.dimension {
                return Err(format!("an embedding has {} dimensions instead of {}", vector.len(), self.dimension));
            }
            *slot = vector;
        }
        if vectors.iter().any(|vector| vector.is_empty() || vector.len() != vectors[0].len()) {
            return Err("a text has no embedding, or one of another dimension".into());
        }
        Ok(vectors)
    }
}

impl Embedder for RemoteEmbedder {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            vectors.extend(self.request(batch).map_err(|error| error.into_embed(&self.id))?);
        }
        Ok(vectors)
    }
}

fn unit_vector(value: &Value) -> Result<Vec<f32>, String> {
    let numbers = value.as_array().ok_or("an embedding is not a list of numbers")?;
    if numbers.is_empty() || numbers.len() > MAX_DIMENSION {
        return Err(format!("an embedding has {} dimensions", numbers.len()));
    }
    let numbers: Option<Vec<f64>> = numbers.iter().map(Value::as_f64).collect();
    let numbers = numbers.ok_or("an embedding is not a list of numbers")?;
    let length = numbers.iter().map(|number| number * number).sum::<f64>().sqrt();
    if !length.is_finite() || length < f64::from(f32::MIN_POSITIVE) {
        return Err("an embedding has no direction".into());
    }
    #[expect(clippy::cast_possible_truncation, reason = "vectors are f32 everywhere; the division was done in f64")]
    Ok(numbers.into_iter().map(|number| (number / length) as f32).collect())
}
