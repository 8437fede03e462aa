//! Where the tests find the default models.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use resident_agent::{
    Cancel, GenerateOptions, Generation, Guidance, LanguageModel, ModelError, Progress, Prompt, PromptMessage,
    ToolChoice,
};
use resident_inference::{LoadOptions, LocalLanguageModel};
use resident_store::Role;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file or folder of the default models, in `RESIDENT_MODELS` or `models/weights`.
pub(crate) fn weights(name: &str) -> PathBuf {
    let folder = std::env::var_os("RESIDENT_MODELS").map_or_else(|| root().join("models/weights"), PathBuf::from);
    let path = folder.join(name);
    assert!(path.exists(), "`{}` is missing; `cargo xtask test` fetches the default models", path.display());
    path
}

/// The file of the default language model.
pub(crate) fn smollm2() -> PathBuf {
    weights("smollm2-135m-instruct-q4_1/SmolLM2-135M-Instruct.Q4_1.gguf")
}

/// The default language model, loaded once for a test process.
pub(crate) fn model() -> &'static LocalLanguageModel {
    static MODEL: OnceLock<LocalLanguageModel> = OnceLock::new();
    MODEL.get_or_init(fresh_model)
}

/// The default language model with nothing in its caches.
pub(crate) fn fresh_model() -> LocalLanguageModel {
    let loaded =
        LocalLanguageModel::load(&smollm2(), "local/smollm2", "SmolLM2", Guidance::Full, LoadOptions::default());
    loaded.unwrap()
}

/// A prompt with one message of the user.
pub(crate) fn question(system: &str, user: &str) -> Prompt {
    Prompt {
        system: system.to_owned(),
        messages: vec![PromptMessage::text(Role::User, user)],
        tool_choice: ToolChoice::None,
        ..Prompt::default()
    }
}

/// The likeliest answer, of at most `max_tokens`.
pub(crate) fn greedy(max_tokens: usize) -> GenerateOptions {
    GenerateOptions { max_tokens, temperature: 0.0, ..GenerateOptions::default() }
}

/// An answer and everything that was reported of it.
pub(crate) fn generate(
    model: &LocalLanguageModel,
    prompt: &Prompt,
    options: &GenerateOptions,
) -> Result<(Generation, Vec<Progress>), ModelError> {
    let mut reported = Vec::new();
    let generation = model.generate(prompt, options, &Cancel::default(), &mut |progress| reported.push(progress))?;
    Ok((generation, reported))
}
