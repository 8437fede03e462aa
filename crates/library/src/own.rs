//! How a person's own GGUF file is listed: what its header says, and careful guesses for the rest.

use crate::gguf::Header;
use crate::manifest::{FileEntry, GuidanceLevel, ModelEntry, Purpose, is_plain_name};

/// A person's own model with fewer weights than this is led: it writes well and cannot choose among tools.
const GUIDED_BELOW_BYTES: u64 = 700_000_000;

/// The window of a file that does not tell its own, and the widest that a cache is reserved for unasked.
const DEFAULT_WINDOW_TOKENS: u64 = 8192;

/// Working memory of the engine beside weights and cache.
const WORKING_BYTES: u64 = 300_000_000;

/// The entry of a file with this stem, size and header, under an id that is not `taken`.
pub(crate) fn own_entry(stem: &str, bytes: u64, header: &Header, taken: &dyn Fn(&str) -> bool) -> ModelEntry {
    let slug: String = stem
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '.' { letter.to_ascii_lowercase() } else { '-' })
        .take(96)
        .collect();
    let slug = slug.trim_matches(['-', '.']).to_owned();
    let slug = if is_plain_name(&slug) { slug } else { "model".to_owned() };
    let id = std::iter::once(slug.clone())
        .chain((2_u32..).map(|number| format!("{slug}-{number}")))
        .find(|id| !taken(id))
        .expect("one of endlessly many numbers is free");
    let window = header.context_window_tokens.unwrap_or(DEFAULT_WINDOW_TOKENS).clamp(1, DEFAULT_WINDOW_TOKENS);
    let cache = header.cache_bytes_per_token.unwrap_or(0).saturating_mul(window);
    let file = FileEntry { name: format!("{id}.gguf"), bytes, sha256: None, hub_path: None, wheel_member: None };
    ModelEntry {
        // The name in the header is often that of a training run; a person knows the file by its own.
        name: stem.to_owned(),
        id,
        purpose: Purpose::Language,
        description: format!("Your own file, of the {} architecture.", header.architecture),
        parameters: 0,
        context_window_tokens: usize::try_from(window).expect("the default window fits"),
        guidance: if bytes < GUIDED_BELOW_BYTES { GuidanceLevel::Full } else { GuidanceLevel::None },
        demonstration: false,
        memory_bytes: bytes.saturating_add(cache).saturating_add(WORKING_BYTES),
        licence: header.licence.clone().unwrap_or_else(|| "unknown".to_owned()),
        source: String::new(),
        hub: None,
        wheel: None,
        files: vec![file],
    }
}
