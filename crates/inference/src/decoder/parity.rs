//! The decoder against llama.cpp on real files: the logits after a prompt, and 64 tokens, each the likeliest.
//!
//! llama.cpp rounds activations to one byte where the decoder rounds to two, so that their logits differ by some tenths.
//! Where llama.cpp's likeliest token leads by less than that, the two may go on differently; that is the only reason
//! that is let pass. Its answers are in `tests/fixtures`, with the script that asked for them.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Activations, Decoder};
use crate::cache::SequenceCache;
use crate::gguf::{Gguf, Hyperparameters};
use crate::kernels::Team;
use crate::tokenizer::Tokenizer;

/// A lead that rounding can turn around.
const NARROW: f32 = 0.6;

/// The likeness of the likeliest logits.
const LEAST_COSINE: f64 = 0.9995;

#[derive(Deserialize)]
struct Case {
    prompt: String,
    tokens: Vec<u32>,
    /// Tokens with their logits.
    likeliest: Vec<(u32, f32)>,
    written: Vec<u32>,
    /// How far each written token was ahead of the next.
    leads: Vec<f32>,
}

fn likeliest(logits: &[f32]) -> u32 {
    (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap() as u32
}

fn agree(model: &Path, cases: &str) {
    let cases: Vec<Case> = serde_json::from_str(cases).unwrap();
    let mut gguf = Gguf::open(model).unwrap();
    let tokenizer = Tokenizer::read(&gguf).unwrap();
    let parameters = Hyperparameters::read(&gguf).unwrap();
    let decoder = Decoder::load(&mut gguf, parameters).unwrap();
    let Hyperparameters { layers, key_value_heads, head_dimensions, .. } = *decoder.parameters();
    let mut activations = Activations::default();
    for case in cases {
        assert_eq!(tokenizer.encode_prompt(&case.prompt), case.tokens, "{:?}", case.prompt);
        let mut cache = SequenceCache::new(layers, key_value_heads * head_dimensions, 2_048);
        let mut sequence = cache.take(&case.tokens, case.written.len());
        let mut next = |tokens: &[u32]| {
            Team::gather(|team| {
                decoder.forward(team, tokens, &mut sequence.key_values, &mut activations);
                decoder.finish(team, &mut activations);
            });
            activations.logits().to_vec()
        };
        let mut logits = next(&case.tokens);
        let (mut dot, mut ours, mut theirs) = (0f64, 0f64, 0f64);
        for (token, logit) in &case.likeliest {
            let (own, other) = (f64::from(logits[*token as usize]), f64::from(*logit));
            (dot, ours, theirs) = (dot + own * other, ours + own * own, theirs + other * other);
        }
        let cosine = dot / (ours.sqrt() * theirs.sqrt());
        let mut same = 0;
        for (expected, lead) in case.written.iter().zip(&case.leads) {
            let written = likeliest(&logits);
            if written != *expected {
                assert!(*lead < NARROW, "{:?}: {written} after {same} tokens, and not {expected}", case.prompt);
                break;
            }
            same += 1;
            logits = next(&[written]);
        }
        println!("{:?}: cosine {cosine:.6}, {same} of {} tokens", case.prompt, case.written.len());
        assert!(cosine > LEAST_COSINE, "{:?}: {cosine}", case.prompt);
    }
}

fn weights() -> PathBuf {
    std::env::var_os("RESIDENT_MODELS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/weights"), PathBuf::from)
}

#[test]
fn smollm2_goes_on_as_in_llama_cpp() {
    let model = weights().join("smollm2-135m-instruct-q4_1/SmolLM2-135M-Instruct.Q4_1.gguf");
    agree(&model, include_str!("../../tests/fixtures/llama_cpp_smollm2.json"));
}

/// The file is not among the default models; `RESIDENT_GEMMA3` says where it is.
#[test]
fn gemma3_goes_on_as_in_llama_cpp() {
    let Some(model) = std::env::var_os("RESIDENT_GEMMA3") else {
        println!("skipped: `RESIDENT_GEMMA3` does not say where Gemma 3 270M (Q4_K_M) is");
        return;
    };
    agree(Path::new(&model), include_str!("../../tests/fixtures/llama_cpp_gemma3.json"));
}
