//! Files that are not what they should be: an error that says which and why, and never a crash.

use std::io::Write;
use std::path::{Path, PathBuf};

use resident_agent::{Guidance, ModelError};
use resident_inference::{GgufSummary, LoadOptions, LocalLanguageModel, MiniLmEmbedder};
use tempfile::TempDir;

use crate::models::{smollm2, weights};

fn refusal(path: &Path) -> String {
    let loaded = LocalLanguageModel::load(path, "local/bad", "Bad", Guidance::None, LoadOptions::default());
    match loaded.err() {
        Some(ModelError::Load { model, message }) => {
            assert_eq!(model, "local/bad");
            message
        }
        Some(other) => panic!("{other:?}"),
        None => panic!("`{}` was loaded", path.display()),
    }
}

fn file(folder: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("model.gguf");
    std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
    path
}

/// The first bytes of the default model: its header is about two megabytes.
fn beginning(bytes: usize) -> Vec<u8> {
    use std::io::Read;
    let mut beginning = Vec::with_capacity(bytes);
    std::fs::File::open(smollm2()).unwrap().take(bytes as u64).read_to_end(&mut beginning).unwrap();
    beginning
}

#[test]
fn a_missing_file_is_named() {
    let message = refusal(Path::new("/nowhere/model.gguf"));
    assert!(message.contains("/nowhere/model.gguf") && message.contains("cannot be read"), "{message}");
}

#[test]
fn a_foreign_file_is_called_foreign() {
    let folder = TempDir::new().unwrap();
    for bytes in [&b"PK\x03\x04 this is a zip"[..], b"", b"GG", &[0; 64]] {
        let message = refusal(&file(&folder, bytes));
        assert!(message.contains("is not a GGUF file"), "{message}");
    }
}

#[test]
fn a_truncated_file_is_refused_wherever_it_was_cut() {
    let folder = TempDir::new().unwrap();
    for bytes in [4, 8, 100, 100_000, 1_000_000] {
        let message = refusal(&file(&folder, &beginning(bytes)));
        assert!(message.contains("damaged"), "{bytes}: {message}");
    }
    let message = refusal(&file(&folder, &beginning(40_000_000)));
    assert!(message.contains("is cut short"), "{message}");
}

#[test]
fn damaged_headers_are_errors_and_not_crashes() {
    let folder = TempDir::new().unwrap();
    let good = beginning(4_000);
    for at in (4..3_900).step_by(37) {
        let mut bytes = good.clone();
        bytes[at..at + 8].fill(0xff);
        refusal(&file(&folder, &bytes));
    }
}

/// A GGUF file with the given metadata and no tensors.
fn with_metadata(entries: &[(&str, u64)], texts: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let count = (entries.len() + texts.len()) as u64;
    let mut bytes = [&b"GGUF"[..], &3u32.to_le_bytes(), &0u64.to_le_bytes(), &count.to_le_bytes()].concat();
    for (key, value) in texts {
        bytes.extend([text(key), 8u32.to_le_bytes().to_vec(), text(value)].concat());
    }
    for (key, value) in entries {
        bytes.extend([text(key), 10u32.to_le_bytes().to_vec(), value.to_le_bytes().to_vec()].concat());
    }
    bytes
}

#[test]
fn hostile_numbers_meet_their_limits() {
    let folder = TempDir::new().unwrap();
    let llama = [("general.architecture", "llama")];
    for (bytes, expected) in [
        (with_metadata(&[], &[]), "`general.architecture` is missing"),
        (with_metadata(&[], &[("general.architecture", "mamba")]), "`mamba` is not supported"),
        (with_metadata(&[], &llama), "`llama.embedding_length` is missing"),
        (with_metadata(&[("llama.embedding_length", u64::MAX)], &llama), "may be from 32 to 65536"),
        (
            with_metadata(&[("llama.embedding_length", 64), ("llama.attention.head_count", 0)], &llama),
            "may be from 1 to 1024",
        ),
        (with_metadata(&[("llama.expert_count", 8)], &llama), "mixture of experts"),
    ] {
        let message = refusal(&file(&folder, &bytes));
        assert!(message.contains(expected), "{message}");
    }
    let mut zero_alignment = with_metadata(&[], &llama);
    zero_alignment[16] = 2;
    let key = "general.alignment";
    zero_alignment
        .extend([&(key.len() as u64).to_le_bytes()[..], key.as_bytes(), &4u32.to_le_bytes(), &[0; 4]].concat());
    let _ = refusal(&file(&folder, &zero_alignment));
}

#[test]
fn the_summary_of_the_default_model_needs_no_weights() {
    let summary = GgufSummary::read(&smollm2()).unwrap();
    assert_eq!(summary.architecture, "llama");
    assert_eq!(summary.parameters, 134_515_008);
    assert_eq!(summary.context_window_tokens, 8_192);
    assert_eq!(summary.quantisation, "Q4_1");
    assert!((95_000_000..105_000_000).contains(&summary.weight_bytes), "{summary:?}");
    assert_eq!(summary.memory_bytes(8_192) - summary.weight_bytes, 8_192 * 30 * 2 * 192 * 2);
}

#[test]
fn an_embedder_that_is_not_whole_is_refused() {
    let folder = TempDir::new().unwrap();
    let source = weights("all-minilm-l6-v2");
    let refusal = || MiniLmEmbedder::load(folder.path()).err().unwrap().message;
    assert!(refusal().contains("config.json"), "{}", refusal());
    std::fs::copy(source.join("config.json"), folder.path().join("config.json")).unwrap();
    assert!(refusal().contains("tokenizer.json"), "{}", refusal());
    std::fs::copy(source.join("tokenizer.json"), folder.path().join("tokenizer.json")).unwrap();
    assert!(refusal().contains("model.safetensors"), "{}", refusal());
    std::fs::write(folder.path().join("model.safetensors"), b"\x10\0\0\0\0\0\0\0{\"a\":").unwrap();
    assert!(refusal().contains("model.safetensors"), "{}", refusal());
}
