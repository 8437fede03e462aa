//! SentencePiece vocabularies of the BPE kind (Llama 2, Gemma): blanks are letters, whatever is not in the vocabulary is
//! written byte by byte, and instead of merges each token has a score.

use tokenizers::Tokenizer;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::{Prepend, Replace, Sequence};

use crate::error::LoadError;
use crate::gguf::Gguf;

/// What a blank is written as.
const BLANK: char = '\u{2581}';

/// The tokenizer for plain text of an opened file; it knows no special tokens.
pub(super) fn build(gguf: &Gguf, tokens: &[&str]) -> Result<Tokenizer, LoadError> {
    let failed = |message: String| LoadError::Tokenizer { message };
    let key = "tokenizer.ggml.scores";
    let scores = gguf
        .floats(key)
        .filter(|scores| scores.len() == tokens.len())
        .ok_or_else(|| LoadError::Metadata { key: key.to_owned(), expected: "a number for each token" })?;
    let vocabulary: Vocab = tokens.iter().enumerate().map(|(id, token)| ((*token).to_owned(), id as u32)).collect();
    let merges = merges(tokens, &scores, &vocabulary);
    let bpe = BPE::builder()
        .vocab_and_merges(vocabulary, merges)
        .byte_fallback(true)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let mut tokenizer = Tokenizer::new(bpe);
    let blanks = Replace::new(" ", BLANK.to_string()).map_err(|error| failed(error.to_string()))?;
    let mut steps = Vec::new();
    if gguf.flag("tokenizer.ggml.add_space_prefix").unwrap_or(true) {
        steps.push(Prepend::new(BLANK.to_string()).into());
    }
    steps.push(blanks.into());
    tokenizer.with_normalizer(Some(Sequence::new(steps))).map_err(|error| failed(error.to_string()))?;
    Ok(tokenizer)
}

/// Every way to make a token of two others, the one with the highest score first.
fn merges(tokens: &[&str], scores: &[f32], vocabulary: &Vocab) -> Vec<(String, String)> {
    let mut found: Vec<(f32, u32, u32)> = Vec::new();
    for (token, score) in tokens.iter().zip(scores) {
        let cuts = token.char_indices().skip(1).map(|(at, _)| token.split_at(at));
        for (left, right) in cuts {
            if let (Some(left), Some(right)) = (vocabulary.get(left), vocabulary.get(right)) {
                found.push((*score, *left, *right));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
    let text = |id: u32| tokens[id as usize].to_owned();
    found.into_iter().map(|(_, left, right)| (text(left), text(right))).collect()
}

/// The bytes that a token stands for: `<0x0A>` for a byte, where its kind says that it is one.
pub(super) fn bytes_of(token: &str, is_byte: bool) -> Vec<u8> {
    let byte = || {
        let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
        u8::from_str_radix(digits, 16).ok()
    };
    match byte().filter(|_| is_byte) {
        Some(byte) => vec![byte],
        None => token.replace(BLANK, " ").into_bytes(),
    }
}
