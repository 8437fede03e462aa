//! The encoder of BERT (arXiv 1810.04805), as MiniLM uses it: token, position and segment embeddings, then layers of
//! self-attention and a feed-forward part, each added to its input and normed.

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::{Embedding, LayerNorm, Linear, Module, VarBuilder, embedding, layer_norm, linear};
use serde::Deserialize;

/// The numbers of `config.json` that make the encoder.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Config {
    pub(super) vocab_size: usize,
    pub(super) hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    pub(super) max_position_embeddings: usize,
    type_vocab_size: usize,
    layer_norm_eps: f64,
    hidden_act: String,
}

impl Config {
    /// Says what cannot be run, if anything.
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        if self.hidden_act != "gelu" {
            return Err(format!("the activation `{}` is not supported; `gelu` is", self.hidden_act));
        }
        let heads = self.num_attention_heads;
        if heads == 0 || !self.hidden_size.is_multiple_of(heads) {
            return Err(format!("{} dimensions cannot be shared by {heads} heads", self.hidden_size));
        }
        // Several times the largest published encoder of this kind.
        if self.num_hidden_layers > 128 || self.hidden_size > 8_192 || self.vocab_size > 1 << 20 {
            return Err("its dimensions are out of bounds".to_owned());
        }
        Ok(())
    }
}

/// The encoder.
pub(super) struct Bert {
    words: Embedding,
    positions: Embedding,
    segments: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNorm,
    heads: usize,
}

impl Bert {
    /// Takes the weights by the names that `sentence-transformers` saves them under.
    pub(super) fn load(weights: VarBuilder<'_>, config: &Config) -> Result<Self> {
        let Config { hidden_size, layer_norm_eps, .. } = *config;
        let embeddings = weights.pp("embeddings");
        let layers = (0..config.num_hidden_layers)
            .map(|index| Layer::load(weights.pp(format!("encoder.layer.{index}")), config))
            .collect::<Result<_>>()?;
        Ok(Self {
            words: embedding(config.vocab_size, hidden_size, embeddings.pp("word_embeddings"))?,
            positions: embedding(config.max_position_embeddings, hidden_size, embeddings.pp("position_embeddings"))?,
            segments: embedding(config.type_vocab_size, hidden_size, embeddings.pp("token_type_embeddings"))?,
            norm: layer_norm(hidden_size, layer_norm_eps, embeddings.pp("LayerNorm"))?,
            layers,
        })
    }

    /// Token vectors `(batch, tokens, hidden) f32` of token ids `(batch, tokens) u32`. `mask (batch, tokens) f32` is 1
    /// for tokens and 0 for padding.
    pub(super) fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let (_, tokens) = ids.dims2()?;
        let positions = Tensor::arange(0u32, tokens as u32, ids.device())?;
        let segment = self.segments.embeddings().get(0)?;
        let embedded = self.words.forward(ids)?.broadcast_add(&self.positions.forward(&positions)?)?;
        let mut x = self.norm.forward(&embedded.broadcast_add(&segment)?)?;
        // What is added to the scores: nothing for tokens, and too much to matter for padding.
        let bias = ((mask - 1.0)? * 1e9)?.unsqueeze(1)?.unsqueeze(1)?;
        for layer in &self.layers {
            x = layer.forward(&x, &bias)?;
        }
        Ok(x)
    }
}

impl Layer {
    fn load(weights: VarBuilder<'_>, config: &Config) -> Result<Self> {
        let Config { hidden_size, intermediate_size, layer_norm_eps, .. } = *config;
        let own = weights.pp("attention.self");
        let after = weights.pp("attention.output");
        let output = weights.pp("output");
        Ok(Self {
            query: linear(hidden_size, hidden_size, own.pp("query"))?,
            key: linear(hidden_size, hidden_size, own.pp("key"))?,
            value: linear(hidden_size, hidden_size, own.pp("value"))?,
            attention_output: linear(hidden_size, hidden_size, after.pp("dense"))?,
            attention_norm: layer_norm(hidden_size, layer_norm_eps, after.pp("LayerNorm"))?,
            intermediate: linear(hidden_size, intermediate_size, weights.pp("intermediate.dense"))?,
            output: linear(intermediate_size, hidden_size, output.pp("dense"))?,
            output_norm: layer_norm(hidden_size, layer_norm_eps, output.pp("LayerNorm"))?,
            heads: config.num_attention_heads,
        })
    }

    /// `x (batch, tokens, hidden)`, `bias (batch, 1, 1, tokens)`.
    fn forward(&self, x: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let attended = self.attention_output.forward(&self.attend(x, bias)?)?;
        let x = self.attention_norm.forward(&(x + attended)?)?;
        let widened = self.intermediate.forward(&x)?.gelu_erf()?;
        self.output_norm.forward(&(&x + self.output.forward(&widened)?)?)
    }

    fn attend(&self, x: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let (batch, tokens, hidden) = x.dims3()?;
        let split = |projected: Tensor| {
            projected.reshape((batch, tokens, self.heads, hidden / self.heads))?.transpose(1, 2)?.contiguous()
        };
        let scale = ((hidden / self.heads) as f64).sqrt();
        let queries = (split(self.query.forward(x)?)? / scale)?;
        let keys = split(self.key.forward(x)?)?;
        let scores = queries.matmul(&keys.transpose(D::Minus1, D::Minus2)?)?.broadcast_add(bias)?;
        let attended = candle_nn::ops::softmax_last_dim(&scores)?.matmul(&split(self.value.forward(x)?)?)?;
        attended.transpose(1, 2)?.reshape((batch, tokens, hidden))
    }
}

/// Sentence vectors `(batch, hidden)` of unit length: the mean of the token vectors, padding left out.
pub(super) fn mean_pool(tokens: &Tensor, mask: &Tensor) -> Result<Tensor> {
    let mask = mask.unsqueeze(2)?;
    // The division by the count of tokens falls away in the division by the length.
    let sum = tokens.broadcast_mul(&mask)?.sum(1)?;
    sum.broadcast_div(&sum.sqr()?.sum_keepdim(1)?.sqrt()?)
}

/// An empty tensor's type, for reading weights.
pub(super) const WEIGHTS: (DType, &Device) = (DType::F32, &Device::Cpu);
