//! The numbers that make a decoder, from the metadata, each within limits.
//!
//! The limits are generous (several times the largest published model of the supported families) and there so that a
//! crafted file cannot make the program allocate without bound or divide by zero.

use super::Gguf;
use crate::error::LoadError;
use crate::kernels::{BLOCK, RopeStyle};

/// Families that the decoder runs. They differ in how heads are rotated; biases and head norms are used where the
/// file has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Architecture {
    /// Llama, Mistral, SmolLM2 and others of the same shape.
    Llama,
    /// Qwen 2 and 2.5.
    Qwen2,
    /// Qwen 3.
    Qwen3,
    /// Gemma 3, without its eyes.
    Gemma3,
}

impl Architecture {
    const SUPPORTED: &str = "llama, qwen2, qwen3 and gemma3";

    /// The architecture that the file names.
    ///
    /// # Errors
    /// When it names none, or one that the decoder does not run.
    pub(crate) fn read(gguf: &Gguf) -> Result<Self, LoadError> {
        match gguf.text("general.architecture") {
            Some("llama") => Ok(Self::Llama),
            Some("qwen2") => Ok(Self::Qwen2),
            Some("qwen3") => Ok(Self::Qwen3),
            Some("gemma3") => Ok(Self::Gemma3),
            Some(other) => Err(LoadError::Unsupported {
                what: format!("the architecture `{}`", other.chars().take(40).collect::<String>()),
                supported: Self::SUPPORTED,
            }),
            None => Err(LoadError::Metadata { key: "general.architecture".to_owned(), expected: "a text" }),
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Gemma3 => "gemma3",
        }
    }

    pub(crate) fn rope_style(self) -> RopeStyle {
        match self {
            Self::Llama => RopeStyle::Neighbours,
            Self::Qwen2 | Self::Qwen3 | Self::Gemma3 => RopeStyle::Halves,
        }
    }
}

/// Layers that see only the last positions; every so many layers, one sees all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sliding {
    /// Positions that they see, the token's own among them.
    pub(crate) window: usize,
    /// The last layer of every `period` sees all positions.
    pub(crate) period: usize,
    /// Their rotary base.
    pub(crate) rope_base: f32,
}

/// The numbers of a decoder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hyperparameters {
    pub(crate) architecture: Architecture,
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) feed_forward_width: usize,
    pub(crate) heads: usize,
    pub(crate) key_value_heads: usize,
    pub(crate) head_dimensions: usize,
    pub(crate) rope_dimensions: usize,
    pub(crate) rope_base: f32,
    /// Positions are divided by this.
    pub(crate) rope_scale: f32,
    /// Layers that see a part of the positions only.
    pub(crate) sliding: Option<Sliding>,
    pub(crate) norm_epsilon: f32,
    pub(crate) vocabulary: usize,
    /// The longest sequence it was trained for.
    pub(crate) context_tokens: usize,
}

impl Hyperparameters {
    /// Reads and checks them.
    ///
    /// # Errors
    /// When one is missing, outside its limits, or asks for something that the decoder does not do.
    pub(crate) fn read(gguf: &Gguf) -> Result<Self, LoadError> {
        let architecture = Architecture::read(gguf)?;
        let keys = Keys { gguf, prefix: architecture.prefix() };
        if gguf.integer(&keys.named("expert_count")).unwrap_or(0) > 0 {
            let what = "a mixture of experts".to_owned();
            return Err(LoadError::Unsupported { what, supported: "dense models" });
        }
        let scaling = gguf.text(&keys.named("rope.scaling.type")).unwrap_or("none");
        if !matches!(scaling, "none" | "linear") {
            let what = format!("rope scaling of type `{}`", scaling.chars().take(40).collect::<String>());
            return Err(LoadError::Unsupported { what, supported: "none and linear" });
        }
        let width = keys.integer("embedding_length", 32..=65_536)?;
        let heads = keys.integer("attention.head_count", 1..=1_024)?;
        let key_value_heads = keys.integer_or("attention.head_count_kv", heads, 1..=1_024)?;
        let head_dimensions = keys.integer_or("attention.key_length", width / heads, 16..=512)?;
        let rope_dimensions = keys.integer_or("rope.dimension_count", head_dimensions, 2..=512)?;
        let parameters = Self {
            architecture,
            layers: keys.integer("block_count", 1..=512)?,
            width,
            feed_forward_width: keys.integer("feed_forward_length", 32..=1 << 20)?,
            heads,
            key_value_heads,
            head_dimensions,
            rope_dimensions,
            rope_base: keys.positive("rope.freq_base", 10_000.0)?,
            rope_scale: if scaling == "linear" { keys.positive("rope.scaling.factor", 1.0)? } else { 1.0 },
            sliding: match architecture {
                Architecture::Gemma3 => Some(Sliding {
                    window: keys.integer_or("attention.sliding_window", 512, 1..=1 << 24)?,
                    period: 6,
                    rope_base: keys.positive("rope.freq_base_swa", 10_000.0)?,
                }),
                Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => None,
            },
            norm_epsilon: keys.positive("attention.layer_norm_rms_epsilon", 1e-5)?,
            vocabulary: Self::vocabulary(gguf)?,
            context_tokens: keys.integer("context_length", 64..=1 << 24)?,
        };
        parameters.check_divisions(&keys)?;
        Ok(parameters)
    }

    fn vocabulary(gguf: &Gguf) -> Result<usize, LoadError> {
        let key = "tokenizer.ggml.tokens";
        let length = gguf
            .length(key)
            .ok_or_else(|| LoadError::Metadata { key: key.to_owned(), expected: "the list of tokens" })?;
        within(key, length as u64, 2..=1 << 20)
    }

    fn check_divisions(&self, keys: &Keys<'_>) -> Result<(), LoadError> {
        let refuse = |key: &str, value: usize, allowed: String| {
            Err(LoadError::Limit { key: keys.named(key), value: value as u64, allowed })
        };
        if !self.heads.is_multiple_of(self.key_value_heads) {
            let allowed = format!("a divisor of the {} heads", self.heads);
            return refuse("attention.head_count_kv", self.key_value_heads, allowed);
        }
        if !self.head_dimensions.is_multiple_of(16) {
            return refuse("attention.key_length", self.head_dimensions, "a multiple of 16".to_owned());
        }
        if self.rope_dimensions > self.head_dimensions || !self.rope_dimensions.is_multiple_of(2) {
            let allowed = format!("even, and at most the {} of a head", self.head_dimensions);
            return refuse("rope.dimension_count", self.rope_dimensions, allowed);
        }
        for (key, value) in [("embedding_length", self.width), ("feed_forward_length", self.feed_forward_width)] {
            if !value.is_multiple_of(BLOCK) {
                return refuse(key, value, format!("a multiple of {BLOCK}"));
            }
        }
        Ok(())
    }

    /// Bytes that a token takes in the cache of keys and values.
    pub(crate) fn cache_bytes_per_token(&self) -> u64 {
        (self.layers * 2 * self.key_value_heads * self.head_dimensions * size_of::<u16>()) as u64
    }
}

struct Keys<'a> {
    gguf: &'a Gguf,
    prefix: &'static str,
}

impl Keys<'_> {
    fn named(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }

    fn integer(&self, key: &str, allowed: std::ops::RangeInclusive<u64>) -> Result<usize, LoadError> {
        let key = self.named(key);
        match self.gguf.integer(&key) {
            Some(value) => within(&key, value, allowed),
            None => Err(LoadError::Metadata { key, expected: "a whole number" }),
        }
    }

    fn integer_or(
        &self,
        key: &str,
        default: usize,
        allowed: std::ops::RangeInclusive<u64>,
    ) -> Result<usize, LoadError> {
        let key = self.named(key);
        within(&key, self.gguf.integer(&key).unwrap_or(default as u64), allowed)
    }

    fn positive(&self, key: &str, default: f32) -> Result<f32, LoadError> {
        let value = self.gguf.float(&self.named(key)).unwrap_or(default);
        if value.is_finite() && value > 0.0 {
            return Ok(value);
        }
        Err(LoadError::Metadata { key: self.named(key), expected: "a number above zero" })
    }
}

fn within(key: &str, value: u64, allowed: std::ops::RangeInclusive<u64>) -> Result<usize, LoadError> {
    if allowed.contains(&value) {
        return Ok(value as usize);
    }
    let allowed = format!("from {} to {}", allowed.start(), allowed.end());
    Err(LoadError::Limit { key: key.to_owned(), value, allowed })
}
