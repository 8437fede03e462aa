//! The encoder of BERT (arXiv 1810.04805), as MiniLM uses it: token, position and segment embeddings, then layers of
//! self-attention and a feed-forward part, each added to its input and normed.
//!
//! The texts of a batch lie one after another without padding; only attention looks at where one ends.

use std::collections::HashMap;
use std::ops::Range;

use candle_core::Tensor;
use serde::Deserialize;

use crate::kernels::{
    Attention, KeyValueRows, KeyValues, Matrix, Operand, Simd, Team, add, attend, for_each_chunk, gelu, layer_norm,
};
use crate::linear::Linear;

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
    layer_norm_eps: f32,
    hidden_act: String,
}

impl Config {
    /// Says what cannot be run, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.hidden_act != "gelu" {
            return Err(format!("the activation `{}` is not supported; `gelu` is", self.hidden_act));
        }
        let heads = self.num_attention_heads;
        if heads == 0 || !self.hidden_size.is_multiple_of(heads * 16) || !self.intermediate_size.is_multiple_of(16) {
            return Err("its heads and layers must be multiples of 16 wide".to_owned());
        }
        // Several times the largest published encoder of this kind.
        if self.num_hidden_layers > 128 || self.hidden_size > 8_192 || self.intermediate_size > 32_768 {
            return Err("its dimensions are out of bounds".to_owned());
        }
        if self.hidden_size == 0 || self.vocab_size == 0 || self.max_position_embeddings == 0 {
            return Err("it has no dimensions".to_owned());
        }
        Ok(())
    }
}

/// The encoder.
pub(super) struct Bert {
    simd: Simd,
    config: Config,
    /// `(vocabulary, hidden)`
    words: Vec<f32>,
    /// `(positions, hidden)`; the one segment that is used is added to them.
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

struct Layer {
    query_key_value: Linear,
    attention_output: Linear,
    attention_norm: Norm,
    intermediate: Linear,
    output: Linear,
    output_norm: Norm,
}

/// The tensors of a file, by name.
pub(super) struct Weights(pub(super) HashMap<String, Tensor>);

impl Weights {
    fn take(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let tensor = self.0.get(name).ok_or_else(|| format!("`{name}` is missing"))?;
        if tensor.dims() != shape {
            return Err(format!("`{name}` has the shape {:?} and not {shape:?}", tensor.dims()));
        }
        let values = tensor.to_dtype(candle_core::DType::F32).and_then(|tensor| tensor.flatten_all()?.to_vec1());
        values.map_err(|error| format!("`{name}` cannot be read: {error}"))
    }

    fn norm(&self, name: &str, width: usize) -> Result<Norm, String> {
        let weight = self.take(&format!("{name}.weight"), &[width])?;
        Ok(Norm { weight, bias: self.take(&format!("{name}.bias"), &[width])? })
    }

    fn linear(&self, names: &[String], rows: usize, columns: usize) -> Result<Linear, String> {
        let parts = names.iter().map(|name| {
            let matrix = Matrix::from_f32(rows, columns, &self.take(&format!("{name}.weight"), &[rows, columns])?);
            Ok((matrix, Some(self.take(&format!("{name}.bias"), &[rows])?)))
        });
        Ok(Linear::new(parts.collect::<Result<Vec<_>, String>>()?))
    }
}

impl Bert {
    /// Takes the weights by the names that `sentence-transformers` saves them under.
    pub(super) fn load(weights: &Weights, config: Config) -> Result<Self, String> {
        let hidden = config.hidden_size;
        let table = |name: &str, rows| weights.take(&format!("embeddings.{name}_embeddings.weight"), &[rows, hidden]);
        let segments = table("token_type", config.type_vocab_size)?;
        let mut positions = table("position", config.max_position_embeddings)?;
        let segment = segments.get(..hidden).ok_or("it has no segment")?;
        positions.chunks_exact_mut(hidden).for_each(|row| add(row, segment));
        let layers = (0..config.num_hidden_layers)
            .map(|index| Layer::load(weights, &format!("encoder.layer.{index}"), &config))
            .collect::<Result<_, String>>()?;
        Ok(Self {
            simd: Simd::detect(),
            words: table("word", config.vocab_size)?,
            positions,
            norm: weights.norm("embeddings.LayerNorm", hidden)?,
            layers,
            config,
        })
    }

    /// Sentence vectors of unit length, one for each text of token ids: the mean of its tokens' vectors. Texts have at
    /// least one token and at most as many as there are positions.
    pub(super) fn embed(&self, team: &Team, texts: &[&[u32]]) -> Vec<Vec<f32>> {
        let hidden = self.config.hidden_size;
        let mut places = Vec::with_capacity(texts.len());
        let mut activations = Activations::default();
        let x = &mut activations.x;
        for text in texts {
            let start = x.len();
            for (token, position) in text.iter().zip(self.positions.chunks_exact(hidden)) {
                let word = &self.words[*token as usize * hidden..][..hidden];
                x.extend(word.iter().zip(position).map(|(word, position)| word + position));
            }
            places.push(start..x.len());
        }
        let on = (team, self.simd);
        self.normed(on, x, &self.norm);
        for layer in &self.layers {
            self.layer(on, layer, &places, &mut activations);
        }
        places.into_iter().map(|place| mean_of_rows(&activations.x[place], hidden)).collect()
    }

    /// The activations through one layer; `places` are the texts' elements.
    fn layer(&self, on: (&Team, Simd), layer: &Layer, places: &[Range<usize>], activations: &mut Activations) {
        let Config { hidden_size: hidden, num_attention_heads: heads, intermediate_size, .. } = self.config;
        let Activations { x, operand, projected, attention, attended, widened } = activations;
        let tokens = x.len() / hidden;
        projected.resize(tokens * 3 * hidden, 0.0);
        attended.resize(x.len(), 0.0);
        widened.resize(tokens * intermediate_size, 0.0);

        let row = |x: &[f32], token: usize, out: &mut [f32]| out.copy_from_slice(&x[token * out.len()..][..out.len()]);
        operand.fill(on, (tokens, hidden), true, |token, out| row(x, token, out));
        layer.query_key_value.forward(on, operand, projected, false);
        for place in places {
            let rows = &projected[place.start * 3..place.end * 3];
            let mut key_values = KeyValues::new(hidden);
            key_values.append(on, KeyValueRows { rows, stride: 3 * hidden, key: hidden, value: 2 * hidden });
            let over = Attention {
                queries: rows,
                stride: 3 * hidden,
                key_values: &key_values,
                heads,
                key_value_heads: heads,
                head_dimensions: hidden / heads,
                scale: 1.0 / ((hidden / heads) as f32).sqrt(),
                causal: false,
                window: None,
            };
            attend(on, over, attention, &mut attended[place.clone()]);
        }
        operand.fill(on, (tokens, hidden), true, |token, out| row(attended, token, out));
        layer.attention_output.forward(on, operand, x, true);
        self.normed(on, x, &layer.attention_norm);

        operand.fill(on, (tokens, hidden), true, |token, out| row(x, token, out));
        layer.intermediate.forward(on, operand, widened, false);
        operand.fill(on, (tokens, intermediate_size), true, |token, out| {
            row(widened, token, out);
            gelu(out);
        });
        layer.output.forward(on, operand, x, true);
        self.normed(on, x, &layer.output_norm);
    }

    fn normed(&self, (team, simd): (&Team, Simd), x: &mut [f32], norm: &Norm) {
        for_each_chunk(team, x, self.config.hidden_size, |_, row| {
            simd.vectorise(|| layer_norm(row, &norm.weight, &norm.bias, self.config.layer_norm_eps));
        });
    }
}

/// Activations, kept from layer to layer.
#[derive(Default)]
struct Activations {
    /// `(tokens, hidden)`
    x: Vec<f32>,
    operand: Operand,
    /// `(tokens, queries + keys + values)`
    projected: Vec<f32>,
    attention: Vec<f32>,
    attended: Vec<f32>,
    /// `(tokens, intermediate)`
    widened: Vec<f32>,
}

impl Layer {
    fn load(weights: &Weights, at: &str, config: &Config) -> Result<Self, String> {
        let Config { hidden_size: hidden, intermediate_size: wide, .. } = *config;
        let own = ["query", "key", "value"].map(|part| format!("{at}.attention.self.{part}"));
        Ok(Self {
            query_key_value: weights.linear(&own, hidden, hidden)?,
            attention_output: weights.linear(&[format!("{at}.attention.output.dense")], hidden, hidden)?,
            attention_norm: weights.norm(&format!("{at}.attention.output.LayerNorm"), hidden)?,
            intermediate: weights.linear(&[format!("{at}.intermediate.dense")], wide, hidden)?,
            output: weights.linear(&[format!("{at}.output.dense")], hidden, wide)?,
            output_norm: weights.norm(&format!("{at}.output.LayerNorm"), hidden)?,
        })
    }
}

/// The mean of the rows, brought to unit length (which makes the division by their count fall away).
fn mean_of_rows(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sum = vec![0f32; width];
    rows.chunks_exact(width).for_each(|row| add(&mut sum, row));
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        sum.iter_mut().for_each(|value| *value /= length);
    }
    sum
}
