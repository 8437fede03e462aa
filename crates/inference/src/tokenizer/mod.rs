//! Text to tokens and back, from the vocabulary inside a GGUF file.
//!
//! Special tokens are matched here and not by the tokenizer library, so that text which a person or a tool wrote can
//! be encoded without them: a pasted `<|im_end|>` stays text and cannot end a message. Decoding gives bytes, since a
//! token may end inside a character.

mod byte_level;
mod sentence_piece;

use toktrie::{TokEnv, TokRxInfo, TokTrie, TokenizerEnv};

use crate::error::LoadError;
use crate::gguf::Gguf;

/// A mark that is put inside of special tokens' names where they occur in text that must not be read as special. It
/// is a noncharacter, so no text has it for itself; [`Tokenizer::encode`] takes it out again.
const GUARD: char = '\u{fdd0}';

/// Token types of GGUF.
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;
const BYTE: u64 = 6;

/// The names of tokens that end a message in the templates of the supported families.
const MESSAGE_ENDS: [&str; 7] =
    ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|eom_id|>", "</s>", "<end_of_turn>"];

/// A vocabulary with its rules.
pub(crate) struct Tokenizer {
    text: tokenizers::Tokenizer,
    /// What each token writes; empty for control tokens.
    bytes: Vec<Vec<u8>>,
    /// Names of tokens that are matched before anything else, longest first.
    specials: Vec<(String, u32)>,
    /// Bytes that a special token's name begins with.
    special_begins: [bool; 256],
    control: Vec<bool>,
    ends: Vec<u32>,
    begin: Option<u32>,
}

impl Tokenizer {
    /// The tokenizer of an opened file.
    ///
    /// # Errors
    /// When the file has none, or one of a kind that is not supported.
    pub(crate) fn read(gguf: &Gguf) -> Result<Self, LoadError> {
        let missing = |key: &str, expected| LoadError::Metadata { key: key.to_owned(), expected };
        let model = gguf.text("tokenizer.ggml.model").ok_or_else(|| missing("tokenizer.ggml.model", "a text"))?;
        let is_byte_level = match model {
            "gpt2" => true,
            "llama" => false,
            other => {
                let what = format!("a tokenizer of type `{}`", other.chars().take(40).collect::<String>());
                let supported = "byte-level BPE (`gpt2`) and SentencePiece (`llama`)";
                return Err(LoadError::Unsupported { what, supported });
            }
        };
        let key = "tokenizer.ggml.tokens";
        let tokens = gguf.texts(key).ok_or_else(|| missing(key, "a list of texts"))?;
        let kinds = gguf.integers("tokenizer.ggml.token_type").unwrap_or_default();
        let kind = |id: usize| kinds.get(id).copied().unwrap_or(1);
        let text =
            if is_byte_level { byte_level::build(gguf, &tokens)? } else { sentence_piece::build(gguf, &tokens)? };
        let control: Vec<bool> = (0..tokens.len()).map(|id| kind(id) == CONTROL).collect();
        let bytes = tokens
            .iter()
            .enumerate()
            .map(|(id, token)| match kind(id) {
                CONTROL => Vec::new(),
                USER_DEFINED => token.as_bytes().to_vec(),
                _ if is_byte_level => byte_level::bytes_of(token),
                kind => sentence_piece::bytes_of(token, kind == BYTE),
            })
            .collect();
        let mut specials: Vec<(String, u32)> = tokens
            .iter()
            .enumerate()
            .filter(|(id, token)| matches!(kind(*id), CONTROL | USER_DEFINED) && token.len() > 1)
            .map(|(id, token)| ((*token).to_owned(), id as u32))
            .collect();
        specials.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        let id_at = |key: &str| gguf.integer(key).filter(|id| (*id as usize) < tokens.len()).map(|id| id as u32);
        let mut ends: Vec<u32> = MESSAGE_ENDS
            .iter()
            .filter_map(|name| specials.iter().find(|(special, _)| special == name).map(|(_, id)| *id))
            .chain(id_at("tokenizer.ggml.eos_token_id"))
            .chain(id_at("tokenizer.ggml.eot_token_id"))
            .collect();
        ends.sort_unstable();
        ends.dedup();
        if ends.is_empty() {
            return Err(missing("tokenizer.ggml.eos_token_id", "a token of the vocabulary"));
        }
        let adds_begin = gguf.flag("tokenizer.ggml.add_bos_token").unwrap_or(false);
        let begin = id_at("tokenizer.ggml.bos_token_id").filter(|_| adds_begin);
        let mut special_begins = [false; 256];
        for (name, _) in &specials {
            special_begins[usize::from(name.as_bytes()[0])] = true;
        }
        Ok(Self { text, bytes, specials, special_begins, control, ends, begin })
    }

    /// Tokens of a rendered prompt: special tokens are matched, except where [`Self::guard`] has marked them.
    pub(crate) fn encode_prompt(&self, prompt: &str) -> Vec<u32> {
        let mut tokens = self.encode_prompt_part(prompt);
        if let Some(begin) = self.begin
            && tokens.first() != Some(&begin)
        {
            tokens.insert(0, begin);
        }
        tokens
    }

    /// Tokens of text that goes on in a prompt: as [`Self::encode_prompt`], without the token that begins one.
    pub(crate) fn encode_prompt_part(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::with_capacity(text.len() / 3);
        let mut at = 0;
        while let Some((start, name, id)) = self.next_special(text, at) {
            self.encode_into(&text[at..start], &mut tokens);
            tokens.push(id);
            at = start + name.len();
        }
        self.encode_into(&text[at..], &mut tokens);
        tokens
    }

    /// Tokens of text in which nothing is special.
    pub(crate) fn encode(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::with_capacity(text.len() / 3);
        self.encode_into(text, &mut tokens);
        tokens
    }

    fn encode_into(&self, text: &str, tokens: &mut Vec<u32>) {
        if text.is_empty() {
            return;
        }
        let encoded = if text.contains(GUARD) {
            self.text.encode_fast(text.replace(GUARD, ""), false)
        } else {
            self.text.encode_fast(text, false)
        };
        match encoded {
            Ok(encoding) => tokens.extend_from_slice(encoding.get_ids()),
            // Both kinds have a token for every byte, so there is no text that they cannot encode.
            Err(error) => tracing::error!(%error, "a text could not be encoded"),
        }
    }

    fn next_special(&self, text: &str, from: usize) -> Option<(usize, &str, u32)> {
        let rest = &text.as_bytes()[from..];
        rest.iter().enumerate().filter(|(_, byte)| self.special_begins[usize::from(**byte)]).find_map(|(at, _)| {
            let found = self.specials.iter().find(|(name, _)| rest[at..].starts_with(name.as_bytes()))?;
            Some((from + at, found.0.as_str(), found.1))
        })
    }

    /// `text` with its special tokens' names marked, so that a prompt which it is put into keeps them as text.
    pub(crate) fn guard(&self, text: &str) -> String {
        let mut guarded = text.replace(GUARD, "");
        for (name, _) in &self.specials {
            if guarded.contains(name.as_str()) {
                let mut marked = String::with_capacity(name.len() + 4);
                let mut characters = name.chars();
                marked.extend(characters.next());
                marked.push(GUARD);
                marked.extend(characters);
                guarded = guarded.replace(name.as_str(), &marked);
            }
        }
        guarded
    }

    /// What a token writes.
    pub(crate) fn bytes(&self, token: u32) -> &[u8] {
        self.bytes.get(token as usize).map_or(&[], Vec::as_slice)
    }

    /// Whether the token ends a message.
    pub(crate) fn is_end(&self, token: u32) -> bool {
        self.ends.binary_search(&token).is_ok()
    }

    /// Whether the token steers the conversation and is never text.
    pub(crate) fn is_control(&self, token: u32) -> bool {
        self.control.get(token as usize).copied().unwrap_or(true)
    }

    /// The vocabulary as the grammar engine walks it.
    pub(crate) fn grammar_environment(self: &std::sync::Arc<Self>) -> TokEnv {
        let words: Vec<Vec<u8>> = (0..self.bytes.len())
            .map(|id| {
                if self.control[id] || self.ends.binary_search(&(id as u32)).is_ok() {
                    let name = self.specials.iter().find(|(_, special)| *special as usize == id);
                    let name = name.map_or_else(|| format!("<{id}>"), |(name, _)| name.clone());
                    [&[TokTrie::SPECIAL_TOKEN_MARKER], name.as_bytes()].concat()
                } else {
                    self.bytes[id].clone()
                }
            })
            .collect();
        let info = TokRxInfo::new(words.len() as u32, self.ends[0]);
        let trie = TokTrie::from(&info, &words).with_eos_tokens(&self.ends);
        std::sync::Arc::new(GrammarEnvironment { tokenizer: self.clone(), trie })
    }
}

struct GrammarEnvironment {
    tokenizer: std::sync::Arc<Tokenizer>,
    trie: TokTrie,
}

impl TokenizerEnv for GrammarEnvironment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<toktrie::TokenId> {
        self.trie.tokenize_with_greedy_fallback(bytes, |text| self.tokenizer.encode(text))
    }
}

#[cfg(test)]
mod tests;
