//! The llama family of decoders: Llama (arXiv 2302.13971), Mistral, SmolLM2, Qwen2 and Qwen3, from GGUF.
//!
//! A layer is `x += o(attention(rope(q), rope(k), v))` of the normed `x`, then `x += down(silu(gate) * up)` of the
//! normed `x`. The families differ in how heads are rotated, in biases of q, k and v (Qwen2) and in norms of q and k
//! (Qwen3), which are used where the file has them. Activations are plain `f32` slices that are reused from token to
//! token; weights stay quantised. It runs on the processor: a device with its own memory wants another file beside
//! this one.

use rayon::prelude::*;

use crate::cache::KeyValues;
use crate::error::LoadError;
use crate::gguf::{Gguf, Hyperparameters};
use crate::kernels::{
    Attention, Matrix, Rope, Simd, add, attend, multiply, rms_norm, rms_norm_in_place, silu_multiply,
};
use crate::linear::Linear;

/// Rows of activations that a thread takes at a time in the functions between the products.
const ROWS_PER_TASK: usize = 16;

/// A decoder with its weights.
#[derive(Debug)]
pub(crate) struct Decoder {
    parameters: Hyperparameters,
    simd: Simd,
    rope: Rope,
    /// `(vocabulary, width)`
    embedding: Matrix,
    layers: Vec<Layer>,
    output_norm: Vec<f32>,
    /// `(vocabulary, width)`; the embedding where the file ties them.
    output: Option<Matrix>,
}

#[derive(Debug)]
struct Layer {
    attention_norm: Vec<f32>,
    /// Width to the queries, keys and values, one after another.
    query_key_value: Linear,
    query_norm: Option<Vec<f32>>,
    key_norm: Option<Vec<f32>>,
    attention_output: Linear,
    feed_forward_norm: Vec<f32>,
    /// Width to the gate and up.
    gate_up: Linear,
    down: Linear,
}

/// Reads the named matrices, `(rows, columns)` each, with the biases that the file has.
fn read_linear(gguf: &mut Gguf, names: &[(String, usize)], columns: usize) -> Result<Linear, LoadError> {
    let parts = names.iter().map(|(name, rows)| {
        let matrix = gguf.matrix(&format!("{name}.weight"), *rows, columns)?;
        let bias = format!("{name}.bias");
        let bias = gguf.has(&bias).then(|| gguf.vector(&bias, *rows)).transpose()?;
        Ok((matrix, bias))
    });
    Ok(Linear::new(parts.collect::<Result<Vec<_>, LoadError>>()?))
}

/// Activations, kept from call to call so that a token allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    /// `(tokens, width)`
    x: Vec<f32>,
    normed: Vec<f32>,
    /// `(tokens, queries + keys + values)`
    query_key_value: Vec<f32>,
    queries: Vec<f32>,
    attended: Vec<f32>,
    /// `(tokens, 2 * feed_forward_width)`
    gate_up: Vec<f32>,
    gated: Vec<f32>,
    /// `(vocabulary)`
    logits: Vec<f32>,
}

impl Decoder {
    /// Reads the weights of an opened file.
    ///
    /// # Errors
    /// When a tensor is missing, has another shape than the metadata says, or cannot be read.
    pub(crate) fn load(gguf: &mut Gguf, parameters: Hyperparameters) -> Result<Self, LoadError> {
        let Hyperparameters { width, vocabulary, head_dimensions, rope_dimensions, .. } = parameters;
        let factors = if gguf.has("rope_freqs.weight") {
            Some(gguf.vector("rope_freqs.weight", rope_dimensions / 2)?)
        } else {
            (parameters.rope_scale != 1.0).then(|| vec![parameters.rope_scale; rope_dimensions / 2])
        };
        let style = parameters.architecture.rope_style();
        let rope = Rope::new(style, rope_dimensions, parameters.rope_base, factors.as_deref());
        let embedding = gguf.matrix("token_embd.weight", vocabulary, width)?;
        let output_norm = gguf.vector("output_norm.weight", width)?;
        let output =
            if gguf.has("output.weight") { Some(gguf.matrix("output.weight", vocabulary, width)?) } else { None };
        let queries = parameters.heads * head_dimensions;
        let keys = parameters.key_value_heads * head_dimensions;
        let feed_forward = parameters.feed_forward_width;
        let layers = (0..parameters.layers)
            .map(|index| {
                let name = |part: &str| format!("blk.{index}.{part}");
                let head_norm = |gguf: &mut Gguf, part: &str| {
                    let name = name(part);
                    gguf.has(&name).then(|| gguf.vector(&name, head_dimensions)).transpose()
                };
                Ok(Layer {
                    attention_norm: gguf.vector(&name("attn_norm.weight"), width)?,
                    query_key_value: read_linear(
                        gguf,
                        &[(name("attn_q"), queries), (name("attn_k"), keys), (name("attn_v"), keys)],
                        width,
                    )?,
                    query_norm: head_norm(gguf, "attn_q_norm.weight")?,
                    key_norm: head_norm(gguf, "attn_k_norm.weight")?,
                    attention_output: read_linear(gguf, &[(name("attn_output"), width)], queries)?,
                    feed_forward_norm: gguf.vector(&name("ffn_norm.weight"), width)?,
                    gate_up: read_linear(
                        gguf,
                        &[(name("ffn_gate"), feed_forward), (name("ffn_up"), feed_forward)],
                        width,
                    )?,
                    down: read_linear(gguf, &[(name("ffn_down"), width)], feed_forward)?,
                })
            })
            .collect::<Result<Vec<_>, LoadError>>()?;
        Ok(Self { parameters, simd: Simd::detect(), rope, embedding, layers, output_norm, output })
    }

    /// Its numbers.
    pub(crate) fn parameters(&self) -> &Hyperparameters {
        &self.parameters
    }

    /// Evaluates `tokens` after what `cache` holds, and appends their keys and values to it. If they are wanted, the
    /// logits that follow the last of them are in the activations then. Runs on the rayon pool that it is called in.
    pub(crate) fn forward(
        &self,
        tokens: &[u32],
        cache: &mut KeyValues,
        activations: &mut Activations,
        wants_logits: bool,
    ) {
        let Hyperparameters { width, norm_epsilon, .. } = self.parameters;
        activations.resize(tokens.len(), &self.parameters);
        for (token, row) in tokens.iter().zip(activations.x.chunks_exact_mut(width)) {
            // A token beyond the vocabulary cannot come from the tokenizer.
            self.embedding.copy_row((*token as usize).min(self.parameters.vocabulary - 1), row);
        }
        for (layer, cache) in self.layers.iter().zip(&mut cache.layers) {
            self.attention(layer, cache, activations);
            self.feed_forward(layer, activations);
        }
        if !wants_logits {
            return;
        }
        let last = &activations.x[activations.x.len() - width..];
        let normed = &mut activations.normed[..width];
        rms_norm(last, &self.output_norm, norm_epsilon, normed);
        activations.logits.resize(self.parameters.vocabulary, 0.0);
        let output = self.output.as_ref().unwrap_or(&self.embedding);
        multiply(self.simd, output, normed, &mut activations.logits, (self.parameters.vocabulary, 0));
    }

    /// `x += o(attention(norm(x)))`
    fn attention(&self, layer: &Layer, cache: &mut crate::cache::Layer, activations: &mut Activations) {
        let Hyperparameters { width, heads, key_value_heads, head_dimensions, norm_epsilon, .. } = self.parameters;
        let Activations { x, normed, query_key_value, queries, attended, .. } = activations;
        let (query_width, key_width) = (heads * head_dimensions, key_value_heads * head_dimensions);
        let past = cache.keys.len() / key_width;

        norm_rows(x, &layer.attention_norm, norm_epsilon, normed);
        layer.query_key_value.forward(self.simd, normed, query_key_value);
        for (row, queries) in
            query_key_value.chunks_exact(layer.query_key_value.rows()).zip(queries.chunks_exact_mut(query_width))
        {
            queries.copy_from_slice(&row[..query_width]);
            cache.keys.extend_from_slice(&row[query_width..query_width + key_width]);
            cache.values.extend_from_slice(&row[query_width + key_width..]);
        }
        let new_keys = &mut cache.keys[past * key_width..];
        if let Some(weight) = &layer.query_norm {
            rms_norm_in_place(queries, weight, norm_epsilon);
        }
        if let Some(weight) = &layer.key_norm {
            rms_norm_in_place(new_keys, weight, norm_epsilon);
        }
        self.rope.rotate(queries, query_width, head_dimensions, past);
        self.rope.rotate(new_keys, key_width, head_dimensions, past);
        let attention = Attention {
            queries,
            keys: &cache.keys,
            values: &cache.values,
            heads,
            key_value_heads,
            head_dimensions,
            causal: true,
        };
        attend(self.simd, attention, attended);
        let projected = &mut normed[..x.len()];
        debug_assert_eq!(projected.len() % width, 0, "whole rows");
        layer.attention_output.forward(self.simd, attended, projected);
        add(x, projected);
    }

    /// `x += down(silu(gate(norm(x))) * up(norm(x)))`
    fn feed_forward(&self, layer: &Layer, activations: &mut Activations) {
        let Hyperparameters { feed_forward_width, norm_epsilon, .. } = self.parameters;
        let Activations { x, normed, gate_up, gated, .. } = activations;
        norm_rows(x, &layer.feed_forward_norm, norm_epsilon, normed);
        layer.gate_up.forward(self.simd, normed, gate_up);
        gated
            .par_chunks_mut(ROWS_PER_TASK * feed_forward_width)
            .zip(gate_up.par_chunks(ROWS_PER_TASK * 2 * feed_forward_width))
            .for_each(|(gated, gate_up)| silu_multiply(gate_up, feed_forward_width, gated));
        layer.down.forward(self.simd, gated, normed);
        add(x, normed);
    }
}

fn norm_rows(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    let task = ROWS_PER_TASK * weight.len();
    out.par_chunks_mut(task).zip(x.par_chunks(task)).for_each(|(out, x)| rms_norm(x, weight, epsilon, out));
}

impl Activations {
    /// The logits of the last evaluation that wanted them, `(vocabulary)`.
    pub(crate) fn logits(&self) -> &[f32] {
        &self.logits
    }

    fn resize(&mut self, tokens: usize, parameters: &Hyperparameters) {
        let queries = parameters.heads * parameters.head_dimensions;
        let keys = parameters.key_value_heads * parameters.head_dimensions;
        self.x.resize(tokens * parameters.width, 0.0);
        self.normed.resize(tokens * parameters.width, 0.0);
        self.query_key_value.resize(tokens * (queries + 2 * keys), 0.0);
        self.queries.resize(tokens * queries, 0.0);
        self.attended.resize(tokens * queries, 0.0);
        self.gate_up.resize(tokens * 2 * parameters.feed_forward_width, 0.0);
        self.gated.resize(tokens * parameters.feed_forward_width, 0.0);
    }
}

#[cfg(test)]
mod tests;
