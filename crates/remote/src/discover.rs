//! What an endpoint has: its models and their windows.
//!
//! The protocol lists models and says no more. Common servers tell the window elsewhere, and what counts is the one
//! that they have loaded the model with, not the one it was trained for: Ollama gives a model 4096 tokens unless told
//! otherwise and cuts longer prompts silently.

use std::time::Duration;

use resident_library::http::Network;
use serde_json::{Value, json};

use crate::endpoint::{Base, RemoteEndpoint};
use crate::error::RemoteError;
use crate::exchange::{Exchange, Patience};

/// What Ollama reserves when neither the model nor the server says otherwise.
const OLLAMA_DEFAULT_TOKENS: usize = 4096;

/// Questions beside the protocol are worth this long a wait.
const PATIENCE: Patience = Patience {
    first_byte: Duration::from_secs(5),
    idle: Duration::from_secs(5),
    retries: 0,
    pause: Duration::ZERO,
    longest_pause: Duration::ZERO,
};

/// A model of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteModel {
    /// Its name in requests.
    pub id: String,
    /// Its window, where the list tells.
    pub context_window_tokens: Option<usize>,
}

/// The models of an endpoint, by name.
///
/// # Errors
/// [`RemoteError`].
pub fn list_models(
    network: &Network,
    endpoint: &RemoteEndpoint,
    patience: &Patience,
) -> Result<Vec<RemoteModel>, RemoteError> {
    let base = endpoint.base()?;
    let exchange = Exchange { network, key: &endpoint.api_key, patience, cancel: None };
    network.block_on(list(&exchange, &base))?
}

/// The window of a model of an endpoint, in tokens; `None` when it does not tell. May take a few seconds.
///
/// # Errors
/// [`RemoteError`] when the endpoint cannot be used; that it does not know a question is no error.
pub fn context_window(network: &Network, endpoint: &RemoteEndpoint, model: &str) -> Result<Option<usize>, RemoteError> {
    let base = endpoint.base()?;
    let exchange = Exchange { network, key: &endpoint.api_key, patience: &PATIENCE, cancel: None };
    network.block_on(async {
        let listed = list(&exchange, &base).await?.into_iter().find(|listed| listed.id == model);
        if let Some(window) = listed.and_then(|listed| listed.context_window_tokens) {
            return Ok(Some(window));
        }
        if let Some(window) = of_llama_server(&exchange, &base).await {
            return Ok(Some(window));
        }
        if let Some(window) = of_lm_studio(&exchange, &base, model).await {
            return Ok(Some(window));
        }
        Ok(of_ollama(&exchange, &base, model).await)
    })?
}

async fn list(exchange: &Exchange<'_>, base: &Base) -> Result<Vec<RemoteModel>, RemoteError> {
    let value = exchange.get(base.method("models")).await?;
    // Some gateways leave the envelope out.
    let Some(data) = value.get("data").unwrap_or(&value).as_array() else {
        // Ollama without a model says `null`.
        if value.get("data").is_some_and(Value::is_null) {
            return Ok(Vec::new());
        }
        return Err(RemoteError::Protocol { host: base.host(), message: "it is no list of models".into() });
    };
    let mut models: Vec<RemoteModel> = data
        .iter()
        .filter_map(|model| {
            let id = model.get("id")?.as_str()?.to_owned();
            // vLLM, OpenRouter and others, llama-server.
            let paths = ["/max_model_len", "/context_length", "/context_window", "/meta/n_ctx"];
            Some(RemoteModel { id, context_window_tokens: first_number(model, &paths) })
        })
        .collect();
    models.sort_by(|a, b| a.id.cmp(&b.id));
    models.dedup_by(|a, b| a.id == b.id);
    Ok(models)
}

async fn of_llama_server(exchange: &Exchange<'_>, base: &Base) -> Option<usize> {
    let value = exchange.get(base.beside("/props")?).await.ok()?;
    first_number(&value, &["/default_generation_settings/n_ctx", "/n_ctx"])
}

async fn of_lm_studio(exchange: &Exchange<'_>, base: &Base, model: &str) -> Option<usize> {
    let value = exchange.get(base.beside(&format!("/api/v0/models/{model}"))?).await.ok()?;
    first_number(&value, &["/loaded_context_length", "/max_context_length"])
}

async fn of_ollama(exchange: &Exchange<'_>, base: &Base, model: &str) -> Option<usize> {
    if let Ok(running) = exchange.get(base.beside("/api/ps")?).await {
        let mut models = running.get("models").and_then(Value::as_array).into_iter().flatten();
        let loaded = models.find(|loaded| loaded.get("name").and_then(Value::as_str) == Some(model));
        if let Some(window) = loaded.and_then(|loaded| first_number(loaded, &["/context_length"])) {
            return Some(window);
        }
    }
    let shown = exchange.post(base.beside("/api/show")?, &json!({ "model": model })).await.ok()?;
    let parameters = shown.get("parameters").and_then(Value::as_str).unwrap_or_default();
    let set = parameters.lines().find_map(|line| line.trim().strip_prefix("num_ctx")?.trim().parse().ok());
    let trained = shown.get("model_info").and_then(Value::as_object).and_then(|info| {
        info.iter().find(|(key, _)| key.ends_with(".context_length")).and_then(|(_, value)| number(value))
    });
    set.or(trained.map(|trained| trained.min(OLLAMA_DEFAULT_TOKENS)))
}

fn first_number(value: &Value, paths: &[&str]) -> Option<usize> {
    paths.iter().find_map(|path| number(value.pointer(path)?))
}

/// A window; zero means that it is not known.
fn number(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0)
}
