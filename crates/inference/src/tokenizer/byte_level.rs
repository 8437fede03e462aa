//! Byte-level BPE (the GPT-2 family): every byte is a letter of its own alphabet, so that any text can be encoded.

use std::collections::HashMap;
use std::sync::OnceLock;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{PreTokenizerWrapper, Tokenizer};

use crate::error::LoadError;
use crate::gguf::Gguf;

/// How Qwen 2 and 3 cut text before merging.
const QWEN: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// How Llama 3 does; it differs in groups of up to three digits.
const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The tokenizer for plain text of an opened file; it knows no special tokens.
pub(super) fn build(gguf: &Gguf, tokens: &[&str]) -> Result<Tokenizer, LoadError> {
    let failed = |message: String| LoadError::Tokenizer { message };
    let key = "tokenizer.ggml.merges";
    let merges = gguf
        .texts(key)
        .ok_or_else(|| LoadError::Metadata { key: key.to_owned(), expected: "a list of texts" })?
        .into_iter()
        .map(|merge| {
            let (left, right) = merge.split_once(' ').ok_or_else(|| failed(format!("`{merge}` is not a merge")))?;
            Ok((left.to_owned(), right.to_owned()))
        })
        .collect::<Result<Vec<_>, LoadError>>()?;
    let vocabulary: Vocab = tokens.iter().enumerate().map(|(id, token)| ((*token).to_owned(), id as u32)).collect();
    let kind = gguf.text("tokenizer.ggml.pre").unwrap_or("default");
    let whole_words = matches!(kind, "llama-bpe" | "llama3" | "llama-v3");
    let bpe = BPE::builder()
        .vocab_and_merges(vocabulary, merges)
        .ignore_merges(whole_words)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let mut tokenizer = Tokenizer::new(bpe);
    if kind == "qwen2" {
        tokenizer.with_normalizer(Some(NFC)).map_err(|error| failed(error.to_string()))?;
    }
    tokenizer.with_pre_tokenizer(Some(pre_tokenizer(kind).map_err(failed)?));
    Ok(tokenizer)
}

/// What cuts text into the pieces that are merged, by its name in GGUF.
fn pre_tokenizer(kind: &str) -> Result<PreTokenizerWrapper, String> {
    let split = |pattern: &str| {
        let split = Split::new(SplitPattern::Regex(pattern.to_owned()), SplitDelimiterBehavior::Isolated, false);
        split.map_err(|error| error.to_string())
    };
    let bytes_only = ByteLevel::new(false, false, false);
    Ok(match kind {
        "qwen2" => Sequence::new(vec![split(QWEN)?.into(), bytes_only.into()]).into(),
        "llama-bpe" | "llama3" | "llama-v3" | "smaug-bpe" => {
            Sequence::new(vec![split(LLAMA_3)?.into(), bytes_only.into()]).into()
        }
        "smollm" | "starcoder" | "refact" | "command-r" => {
            Sequence::new(vec![Digits::new(true).into(), ByteLevel::new(false, false, true).into()]).into()
        }
        other => {
            if !matches!(other, "default" | "gpt-2") {
                tracing::warn!(kind = other, "unknown pre-tokenizer; text is cut as GPT-2 does");
            }
            ByteLevel::new(false, false, true).into()
        }
    })
}

/// The bytes that a token of the byte alphabet stands for; a token with other letters stands for its own text.
pub(super) fn bytes_of(token: &str) -> Vec<u8> {
    let alphabet = alphabet();
    let bytes: Option<Vec<u8>> = token.chars().map(|letter| alphabet.get(&letter).copied()).collect();
    bytes.unwrap_or_else(|| token.as_bytes().to_vec())
}

/// Printable bytes stand for themselves; the others were given the letters from U+0100 on, in order.
fn alphabet() -> &'static HashMap<char, u8> {
    static ALPHABET: OnceLock<HashMap<char, u8>> = OnceLock::new();
    ALPHABET.get_or_init(|| {
        let itself = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
        let (printable, others): (Vec<u8>, Vec<u8>) = (0..=u8::MAX).partition(itself);
        let letters = ('\u{100}'..).zip(others);
        printable.into_iter().map(|byte| (char::from(byte), byte)).chain(letters).collect()
    })
}
