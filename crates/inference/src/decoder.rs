//! The llama family of decoders: Llama (arXiv 2302.13971), Mistral, SmolLM2, Qwen2, Qwen3 and Gemma 3, from GGUF.
//!
//! A layer is `x += o(attention(rope(q), rope(k), v))` of the normed `x`, then `x += down(silu(gate) * up)` of the
//! normed `x`. The families differ in how heads are rotated, in biases of q, k and v (Qwen2) and in norms of q and k
//! (Qwen3, Gemma 3) and of what is added to `x` (Gemma 3), which are used where the file has them; Gemma 3 scales its
//! embeddings, has another gate, and most of its layers see the last positions only (arXiv 2503.19786). Activations are plain `f32` slices that are reused from token to
//! token; weights stay quantised. It runs on the processor: a device with its own memory wants another file beside
//! this one.

use crate::cache::LayerKeyValues;
use crate::error::LoadError;
use crate::gguf::{Architecture, Gguf, Hyperparameters};
use crate::kernels::{
    Attention, KeyValueRows, KeyValues, Matrix, Operand, Place, Rope, Simd, Team, add, attend, for_each_chunk,
    gelu_multiply, multiply, rms_norm, rms_norm_heads, silu_multiply,
};
use crate::linear::Linear;

/// A decoder with its weights.
#[derive(Debug)]
pub(crate) struct Decoder {
    parameters: Hyperparameters,
    simd: Simd,
    rope: Rope,
    /// For the layers that see the last positions only, where there are any.
    sliding_rope: Option<Rope>,
    /// `(vocabulary, width)`
    embedding: Matrix,
    /// What embeddings are multiplied with.
    embedding_scale: f32,
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
    attention_output: Addition,
    feed_forward_norm: Vec<f32>,
    /// Width to the gate and up.
    gate_up: Linear,
    down: Addition,
    /// Positions that a token sees, where it does not see all.
    window: Option<usize>,
}

/// A matrix whose output is added to `x`, and the norm of that output, where the file has one.
#[derive(Debug)]
struct Addition {
    linear: Linear,
    norm: Option<Vec<f32>>,
    norm_epsilon: f32,
}

impl Addition {
    /// `x += norm(linear(operand))`; `added` is scratch.
    fn add_to(&self, (team, simd): (&Team, Simd), x: &mut [f32], operand: &Operand, added: &mut Vec<f32>) {
        let Some(norm) = &self.norm else {
            return self.linear.forward((team, simd), operand, x, true);
        };
        added.resize(x.len(), 0.0);
        self.linear.forward((team, simd), operand, added, false);
        for_each_chunk(team, added, norm.len(), |_, row| {
            simd.vectorise(|| rms_norm_heads(row, norm, self.norm_epsilon));
        });
        simd.vectorise(|| add(x, added));
    }
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
    /// What the next matrix is multiplied with.
    operand: Operand,
    /// `(tokens, queries + keys + values)`
    query_key_value: Vec<f32>,
    /// Sines and cosines, `(tokens, pairs)`.
    turns: Vec<(f32, f32)>,
    sliding_turns: Vec<(f32, f32)>,
    attention: Vec<f32>,
    /// `(tokens, queries)`
    attended: Vec<f32>,
    /// `(tokens, 2 * feed_forward_width)`
    gate_up: Vec<f32>,
    /// `(tokens, width)`; only where what is added to `x` is normed.
    added: Vec<f32>,
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
        let sliding = parameters.sliding;
        let sliding_rope = sliding.map(|sliding| Rope::new(style, rope_dimensions, sliding.rope_base, None));
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
                let norm = |gguf: &mut Gguf, part: &str, width: usize| {
                    let name = name(part);
                    gguf.has(&name).then(|| gguf.vector(&name, width)).transpose()
                };
                Ok(Layer {
                    attention_norm: gguf.vector(&name("attn_norm.weight"), width)?,
                    query_key_value: read_linear(
                        gguf,
                        &[(name("attn_q"), queries), (name("attn_k"), keys), (name("attn_v"), keys)],
                        width,
                    )?,
                    query_norm: norm(gguf, "attn_q_norm.weight", head_dimensions)?,
                    key_norm: norm(gguf, "attn_k_norm.weight", head_dimensions)?,
                    attention_output: Addition {
                        linear: read_linear(gguf, &[(name("attn_output"), width)], queries)?,
                        norm: norm(gguf, "post_attention_norm.weight", width)?,
                        norm_epsilon: parameters.norm_epsilon,
                    },
                    feed_forward_norm: gguf.vector(&name("ffn_norm.weight"), width)?,
                    gate_up: read_linear(
                        gguf,
                        &[(name("ffn_gate"), feed_forward), (name("ffn_up"), feed_forward)],
                        width,
                    )?,
                    down: Addition {
                        linear: read_linear(gguf, &[(name("ffn_down"), width)], feed_forward)?,
                        norm: norm(gguf, "post_ffw_norm.weight", width)?,
                        norm_epsilon: parameters.norm_epsilon,
                    },
                    window: sliding
                        .filter(|sliding| !(index + 1).is_multiple_of(sliding.period))
                        .map(|sliding| sliding.window),
                })
            })
            .collect::<Result<Vec<_>, LoadError>>()?;
        let embedding_scale = match parameters.architecture {
            Architecture::Gemma3 => (width as f32).sqrt(),
            Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => 1.0,
        };
        let simd = Simd::detect();
        Ok(Self { parameters, simd, rope, sliding_rope, embedding, embedding_scale, layers, output_norm, output })
    }

    /// Its numbers.
    pub(crate) fn parameters(&self) -> &Hyperparameters {
        &self.parameters
    }

    /// Evaluates `tokens` after what `cache` holds, and appends their keys and values to it.
    pub(crate) fn forward(
        &self,
        team: &Team,
        tokens: &[u32],
        cache: &mut LayerKeyValues,
        activations: &mut Activations,
    ) {
        let Hyperparameters { width, vocabulary, .. } = self.parameters;
        let on = (team, self.simd);
        activations.resize(tokens.len(), &self.parameters);
        for_each_chunk(team, &mut activations.x, width, |index, row| {
            // A token beyond the vocabulary cannot come from the tokenizer.
            self.embedding.copy_row((tokens[index] as usize).min(vocabulary - 1), row);
            row.iter_mut().for_each(|value| *value *= self.embedding_scale);
        });
        let past = cache.0.first().map_or(0, KeyValues::positions);
        self.rope.turns(past..past + tokens.len(), &mut activations.turns);
        if let Some(rope) = &self.sliding_rope {
            rope.turns(past..past + tokens.len(), &mut activations.sliding_turns);
        }
        for (layer, cache) in self.layers.iter().zip(&mut cache.0) {
            self.attention(on, layer, cache, activations);
            self.feed_forward(on, layer, activations);
        }
    }

    /// Makes the logits that follow the last of the evaluated tokens.
    pub(crate) fn finish(&self, team: &Team, activations: &mut Activations) {
        let Hyperparameters { width, vocabulary, norm_epsilon, .. } = self.parameters;
        let on = (team, self.simd);
        let Activations { x, operand, logits, .. } = activations;
        let (last, output) = (&x[x.len() - width..], self.output.as_ref().unwrap_or(&self.embedding));
        operand.fill(on, (1, width), output.is_quantised(), |_, out| {
            rms_norm(last, &self.output_norm, norm_epsilon, out);
        });
        logits.resize(vocabulary, 0.0);
        multiply(on, output, operand, logits, Place { stride: vocabulary, column: 0, adds: false });
    }

    /// `x += o(attention(norm(x)))`
    fn attention(&self, on: (&Team, Simd), layer: &Layer, cache: &mut KeyValues, activations: &mut Activations) {
        let Hyperparameters { width, heads, key_value_heads, head_dimensions, norm_epsilon, .. } = self.parameters;
        let Activations { x, operand, query_key_value, turns, sliding_turns, attention, attended, added, .. } =
            activations;
        let (rope, turns) = match (&self.sliding_rope, layer.window) {
            (Some(rope), Some(_)) => (rope, sliding_turns),
            (_, None) | (None, Some(_)) => (&self.rope, turns),
        };
        let (query_width, key_width) = (heads * head_dimensions, key_value_heads * head_dimensions);
        let (tokens, stride) = (x.len() / width, layer.query_key_value.rows());

        operand.fill(on, (tokens, width), layer.query_key_value.is_quantised(), |token, out| {
            rms_norm(&x[token * width..][..width], &layer.attention_norm, norm_epsilon, out);
        });
        layer.query_key_value.forward(on, operand, query_key_value, false);
        for_each_chunk(on.0, query_key_value, stride, |token, row| {
            on.1.vectorise(|| {
                let (queries, rest) = row.split_at_mut(query_width);
                let keys = &mut rest[..key_width];
                if let Some(weight) = &layer.query_norm {
                    rms_norm_heads(queries, weight, norm_epsilon);
                }
                if let Some(weight) = &layer.key_norm {
                    rms_norm_heads(keys, weight, norm_epsilon);
                }
                let turns = &turns[token * rope.pairs()..][..rope.pairs()];
                rope.rotate(queries, head_dimensions, turns);
                rope.rotate(keys, head_dimensions, turns);
            });
        });
        let (key, value) = (query_width, query_width + key_width);
        cache.append(on, KeyValueRows { rows: query_key_value, stride, key, value });
        let over = Attention {
            queries: query_key_value,
            stride,
            key_values: cache,
            heads,
            key_value_heads,
            head_dimensions,
            scale: 1.0 / (head_dimensions as f32).sqrt(),
            causal: true,
            window: layer.window,
        };
        attend(on, over, attention, attended);
        operand.fill(on, (tokens, query_width), layer.attention_output.linear.is_quantised(), |token, out| {
            out.copy_from_slice(&attended[token * query_width..][..query_width]);
        });
        layer.attention_output.add_to(on, x, operand, added);
    }

    /// `x += down(activation(gate(norm(x))) * up(norm(x)))`
    fn feed_forward(&self, on: (&Team, Simd), layer: &Layer, activations: &mut Activations) {
        let Hyperparameters { width, feed_forward_width, norm_epsilon, .. } = self.parameters;
        let Activations { x, operand, gate_up, added, .. } = activations;
        let gate = match self.parameters.architecture {
            Architecture::Gemma3 => gelu_multiply,
            Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => silu_multiply,
        };
        let tokens = x.len() / width;
        operand.fill(on, (tokens, width), layer.gate_up.is_quantised(), |token, out| {
            rms_norm(&x[token * width..][..width], &layer.feed_forward_norm, norm_epsilon, out);
        });
        layer.gate_up.forward(on, operand, gate_up, false);
        operand.fill(on, (tokens, feed_forward_width), layer.down.linear.is_quantised(), |token, out| {
            gate(&gate_up[token * 2 * feed_forward_width..][..2 * feed_forward_width], out);
        });
        layer.down.add_to(on, x, operand, added);
    }
}

impl Activations {
    /// The logits that were made last, `(vocabulary)`.
    pub(crate) fn logits(&self) -> &[f32] {
        &self.logits
    }

    fn resize(&mut self, tokens: usize, parameters: &Hyperparameters) {
        let queries = parameters.heads * parameters.head_dimensions;
        let keys = parameters.key_value_heads * parameters.head_dimensions;
        self.x.resize(tokens * parameters.width, 0.0);
        self.query_key_value.resize(tokens * (queries + 2 * keys), 0.0);
        self.attended.resize(tokens * queries, 0.0);
        self.gate_up.resize(tokens * 2 * parameters.feed_forward_width, 0.0);
    }
}

#[cfg(test)]
mod parity;
#[cfg(test)]
mod tests;
