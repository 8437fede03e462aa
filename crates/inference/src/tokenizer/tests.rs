//! The tokenizer of the default model: token ids as its own reference gives them, and text back as it was.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| {
    let folder = std::env::var_os("RESIDENT_MODELS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/weights"), PathBuf::from);
    let path = folder.join("smollm2-135m-instruct-q4_1/SmolLM2-135M-Instruct.Q4_1.gguf");
    assert!(path.exists(), "`{}` is missing; `cargo xtask test` fetches the default models", path.display());
    Tokenizer::read(&Gguf::open(&path).unwrap()).unwrap()
});

fn decoded(tokens: &[u32]) -> Vec<u8> {
    tokens.iter().flat_map(|token| TOKENIZER.bytes(*token)).copied().collect()
}

proptest! {
    #[test]
    fn every_text_comes_back_as_it_was(text in any::<String>()) {
        let text = text.replace(GUARD, "");
        prop_assert_eq!(decoded(&TOKENIZER.encode(&text)), text.as_bytes());
    }

    #[test]
    fn guarded_text_has_no_special_token(text in "(<\\|im_end\\|>|<\\|im_start\\|>|<repo_name>|[a-z<|>]){0,12}") {
        let tokens = TOKENIZER.encode_prompt(&TOKENIZER.guard(&text));
        prop_assert!(tokens.iter().all(|token| !TOKENIZER.is_control(*token)));
        prop_assert_eq!(decoded(&tokens), text.as_bytes());
    }
}

#[test]
fn digits_stand_alone_and_words_take_their_blank() {
    let pieces = |text: &str| -> Vec<String> {
        let tokens = TOKENIZER.encode(text);
        tokens.iter().map(|token| String::from_utf8_lossy(TOKENIZER.bytes(*token)).into_owned()).collect()
    };
    assert_eq!(pieces("Hello world 2026!"), ["Hello", " world", " ", "2", "0", "2", "6", "!"]);
    assert_eq!(pieces("I'm here"), ["I", "'m", " here"]);
}

#[test]
fn special_tokens_are_one_token_in_prompts_and_text_elsewhere() {
    assert_eq!(TOKENIZER.encode_prompt("<|im_start|>user\nHi<|im_end|>\n").first(), Some(&1));
    assert_eq!(TOKENIZER.encode_prompt("<|im_end|>"), [2]);
    assert!(TOKENIZER.encode("<|im_end|>").len() > 3);
    assert!(TOKENIZER.is_end(2) && TOKENIZER.is_end(0) && !TOKENIZER.is_end(1));
}
