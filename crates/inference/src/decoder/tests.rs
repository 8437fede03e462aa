//! The decoder against the same mathematics written naively in double precision, on tiny random models of each family
//! that are written to GGUF and read back.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::{Activations, Decoder};
use crate::cache::SequenceCache;
use crate::gguf::{Gguf, Hyperparameters};
use crate::kernels::Team;

const WIDTH: usize = 64;
const FEED_FORWARD: usize = 96;
const HEADS: usize = 4;
const KEY_VALUE_HEADS: usize = 2;
const VOCABULARY: usize = 48;
const LAYERS: usize = 2;

/// Largest difference of a logit; the logits are of the order of 1. Keys and values are rounded to half precision, and
/// with quantised weights the activations to two bytes.
fn tolerance(kind: GgmlDType) -> f64 {
    match kind {
        GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16 => 5e-3,
        _ => 2e-2,
    }
}

/// A tiny model: its file, and its weights as the file's quantisation leaves them.
struct Tiny {
    _folder: tempfile::TempDir,
    gguf: Gguf,
    weights: HashMap<String, Vec<f64>>,
    head_dimensions: usize,
    halves: bool,
}

fn tiny(architecture: &str, kind: GgmlDType) -> Tiny {
    let head_dimensions = if architecture == "qwen3" { 32 } else { 16 };
    let (queries, keys) = (HEADS * head_dimensions, KEY_VALUE_HEADS * head_dimensions);
    let mut shapes: Vec<(String, Vec<usize>)> =
        vec![("token_embd.weight".into(), vec![VOCABULARY, WIDTH]), ("output_norm.weight".into(), vec![WIDTH])];
    if architecture != "llama" {
        shapes.push(("output.weight".into(), vec![VOCABULARY, WIDTH]));
    }
    for layer in 0..LAYERS {
        let mut add = |name: &str, shape: &[usize]| shapes.push((format!("blk.{layer}.{name}"), shape.to_vec()));
        add("attn_norm.weight", &[WIDTH]);
        add("ffn_norm.weight", &[WIDTH]);
        for (name, rows) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
            add(&format!("{name}.weight"), &[rows, WIDTH]);
            if architecture == "qwen2" {
                add(&format!("{name}.bias"), &[rows]);
            }
        }
        if architecture == "qwen3" {
            add("attn_q_norm.weight", &[head_dimensions]);
            add("attn_k_norm.weight", &[head_dimensions]);
        }
        add("attn_output.weight", &[WIDTH, queries]);
        add("ffn_gate.weight", &[FEED_FORWARD, WIDTH]);
        add("ffn_up.weight", &[FEED_FORWARD, WIDTH]);
        add("ffn_down.weight", &[WIDTH, FEED_FORWARD]);
    }
    let mut state = 17u64;
    let (mut tensors, mut weights) = (Vec::new(), HashMap::new());
    for (name, shape) in shapes {
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let noise = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
                if name.contains("norm") { 1.0 + noise / 4.0 } else { noise / 4.0 }
            })
            .collect();
        let tensor = Tensor::from_vec(values, shape.clone(), &Device::Cpu).unwrap();
        let kind = if shape.len() == 2 { kind } else { GgmlDType::F32 };
        let tensor = QTensor::quantize(&tensor, kind).unwrap();
        let kept = tensor.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        weights.insert(name.clone(), kept.into_iter().map(f64::from).collect());
        tensors.push((name, tensor));
    }
    let integer = |value: usize| Value::U32(value as u32);
    let mut metadata = vec![
        ("general.architecture".to_owned(), Value::String(architecture.to_owned())),
        (
            "tokenizer.ggml.tokens".to_owned(),
            Value::Array((0..VOCABULARY).map(|id| Value::String(format!("t{id}"))).collect()),
        ),
    ];
    for (key, value) in [
        ("block_count", integer(LAYERS)),
        ("embedding_length", integer(WIDTH)),
        ("feed_forward_length", integer(FEED_FORWARD)),
        ("attention.head_count", integer(HEADS)),
        ("attention.head_count_kv", integer(KEY_VALUE_HEADS)),
        ("attention.key_length", integer(head_dimensions)),
        ("context_length", integer(128)),
        ("rope.freq_base", Value::F32(10_000.0)),
        ("attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
    ] {
        metadata.push((format!("{architecture}.{key}"), value));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    let mut file = std::fs::File::create(&path).unwrap();
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    gguf_file::write(&mut file, &metadata, &tensors).unwrap();
    let gguf = Gguf::open(&path).unwrap();
    Tiny { _folder: folder, gguf, weights, head_dimensions, halves: architecture != "llama" }
}

type Rows = Vec<Vec<f64>>;

impl Tiny {
    fn weight(&self, name: &str) -> &[f64] {
        &self.weights[name]
    }

    fn linear(&self, x: &Rows, name: &str) -> Rows {
        let columns = x[0].len();
        let bias = self.weights.get(&format!("{name}.bias"));
        let rows = self.weight(&format!("{name}.weight")).chunks_exact(columns).enumerate();
        let rows: Vec<(usize, &[f64])> = rows.collect();
        let dot = |x: &[f64], row: &[f64]| x.iter().zip(row).map(|(x, w)| x * w).sum::<f64>();
        x.iter()
            .map(|x| rows.iter().map(|(at, row)| dot(x, row) + bias.map_or(0.0, |bias| bias[*at])).collect())
            .collect()
    }

    fn norm(&self, x: &Rows, name: &str) -> Rows {
        let weight = self.weight(name);
        let norm = |x: &[f64]| {
            let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
            x.iter().zip(weight).map(|(x, weight)| x * weight / (mean + 1e-5).sqrt()).collect::<Vec<_>>()
        };
        x.iter().map(|row| row.chunks_exact(weight.len()).flat_map(norm).collect()).collect()
    }

    fn rotate(&self, x: &mut Rows) {
        let size = self.head_dimensions;
        for (position, row) in x.iter_mut().enumerate() {
            for head in row.chunks_exact_mut(size) {
                for pair in 0..size / 2 {
                    let angle = position as f64 * 10_000f64.powf(-2.0 * pair as f64 / size as f64);
                    let (a, b) = if self.halves { (pair, pair + size / 2) } else { (2 * pair, 2 * pair + 1) };
                    let (x, y) = (head[a], head[b]);
                    head[a] = x * angle.cos() - y * angle.sin();
                    head[b] = x * angle.sin() + y * angle.cos();
                }
            }
        }
    }

    fn attention(&self, x: &Rows, layer: &str) -> Rows {
        let mut queries = self.linear(x, &format!("{layer}.attn_q"));
        let mut keys = self.linear(x, &format!("{layer}.attn_k"));
        let values = self.linear(x, &format!("{layer}.attn_v"));
        if self.weights.contains_key(&format!("{layer}.attn_q_norm.weight")) {
            queries = self.norm(&queries, &format!("{layer}.attn_q_norm.weight"));
            keys = self.norm(&keys, &format!("{layer}.attn_k_norm.weight"));
        }
        self.rotate(&mut queries);
        self.rotate(&mut keys);
        let size = self.head_dimensions;
        let mut attended = vec![vec![0.0; HEADS * size]; x.len()];
        for token in 0..x.len() {
            for head in 0..HEADS {
                let shared = head / (HEADS / KEY_VALUE_HEADS) * size;
                let query = &queries[token][head * size..][..size];
                let score = |key: &Vec<f64>| {
                    let dot: f64 = query.iter().zip(&key[shared..]).map(|(q, k)| q * k).sum();
                    (dot / (size as f64).sqrt()).exp()
                };
                let total: f64 = keys[..=token].iter().map(score).sum();
                for (key, value) in keys[..=token].iter().zip(&values) {
                    for at in 0..size {
                        attended[token][head * size + at] += score(key) / total * value[shared + at];
                    }
                }
            }
        }
        self.linear(&attended, &format!("{layer}.attn_output"))
    }

    fn logits(&self, tokens: &[u32]) -> Vec<f64> {
        let row = |token: &u32| self.weight("token_embd.weight")[*token as usize * WIDTH..][..WIDTH].to_vec();
        let mut x: Rows = tokens.iter().map(row).collect();
        let add = |x: &mut Rows, other: Rows| {
            x.iter_mut().flatten().zip(other.into_iter().flatten()).for_each(|(x, other)| *x += other);
        };
        for layer in 0..LAYERS {
            let layer = format!("blk.{layer}");
            let attended = self.attention(&self.norm(&x, &format!("{layer}.attn_norm.weight")), &layer);
            add(&mut x, attended);
            let normed = self.norm(&x, &format!("{layer}.ffn_norm.weight"));
            let mut gate = self.linear(&normed, &format!("{layer}.ffn_gate"));
            let up = self.linear(&normed, &format!("{layer}.ffn_up"));
            for (gate, up) in gate.iter_mut().flatten().zip(up.into_iter().flatten()) {
                *gate *= up / (1.0 + (-*gate).exp());
            }
            add(&mut x, self.linear(&gate, &format!("{layer}.ffn_down")));
        }
        let last = vec![self.norm(&x, "output_norm.weight").pop().unwrap()];
        let output = if self.weights.contains_key("output.weight") { "output" } else { "token_embd" };
        self.linear(&last, output).remove(0)
    }
}

fn check(architecture: &str, kind: GgmlDType) {
    let mut tiny = tiny(architecture, kind);
    let parameters = Hyperparameters::read(&tiny.gguf).unwrap();
    let decoder = Decoder::load(&mut tiny.gguf, parameters).unwrap();
    let tokens: Vec<u32> = (0..40).map(|at| at * 7 % VOCABULARY as u32).collect();
    let expected = tiny.logits(&tokens);
    // All at once, and in pieces of uneven sizes.
    let mut seen: Option<Vec<f32>> = None;
    for pieces in [vec![40], vec![1, 5, 33, 1], vec![39, 1]] {
        let mut sequence = SequenceCache::new(LAYERS, KEY_VALUE_HEADS * tiny.head_dimensions, 128).take(&tokens, 0);
        let mut activations = Activations::default();
        let mut rest = tokens.as_slice();
        for piece in pieces {
            let (now, later) = rest.split_at(piece);
            let key_values = &mut sequence.key_values;
            Team::gather(|team| {
                decoder.forward(team, now, key_values, &mut activations);
                decoder.finish(team, &mut activations);
            });
            rest = later;
        }
        for (got, expected) in activations.logits().iter().zip(&expected) {
            assert!((f64::from(*got) - expected).abs() < tolerance(kind), "{architecture} {kind:?}: {got} {expected}");
        }
        let logits = activations.logits().to_vec();
        assert_eq!(*seen.get_or_insert_with(|| logits.clone()), logits, "the same bits however it was cut");
    }
}

#[test]
fn llama_equals_the_naive_decoder() {
    check("llama", GgmlDType::F32);
    check("llama", GgmlDType::F16);
    check("llama", GgmlDType::BF16);
    check("llama", GgmlDType::Q8_0);
    check("llama", GgmlDType::Q4_0);
    check("llama", GgmlDType::Q4_1);
    check("llama", GgmlDType::Q5_0);
    check("llama", GgmlDType::Q5_1);
}

#[test]
fn qwen2_with_its_biases_equals_the_naive_decoder() {
    check("qwen2", GgmlDType::F32);
    check("qwen2", GgmlDType::Q8_0);
}

#[test]
fn qwen3_with_its_head_norms_equals_the_naive_decoder() {
    check("qwen3", GgmlDType::F32);
    check("qwen3", GgmlDType::Q8_0);
}

#[test]
fn a_tensor_of_another_shape_is_refused() {
    let mut tiny = tiny("llama", GgmlDType::Q8_0);
    let parameters = Hyperparameters { feed_forward_width: 128, ..Hyperparameters::read(&tiny.gguf).unwrap() };
    let error = Decoder::load(&mut tiny.gguf, parameters).unwrap_err().to_string();
    assert!(error.contains("`blk.0.ffn_gate.weight` has the shape [96, 64]"), "{error}");
}
