//! The port to an embedder: text in, unit vectors out. `inference` and `remote` implement it.

use thiserror::Error;

/// Turns texts into vectors whose dot product is their similarity.
pub trait Embedder: Send + Sync {
    /// What its vectors are tagged with in the store; changes whenever the vectors would.
    fn id(&self) -> &str;

    /// Components of a vector.
    fn dimension(&self) -> usize;

    /// One unit vector for each text, in the order given.
    ///
    /// # Errors
    /// When the embedder cannot be reached or fails; nothing is returned for any of the texts then.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError>;
}

/// Why a text could not be embedded.
#[derive(Debug, Error)]
#[error("could not embed with {embedder}: {message}")]
pub struct EmbedError {
    /// The embedder's id.
    pub embedder: String,
    /// What happened.
    pub message: String,
    /// Whether trying again later may help.
    pub transient: bool,
}
