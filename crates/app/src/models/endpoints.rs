//! Remote endpoints: kept in the settings, their keys in the keyring.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

use resident_agent::LanguageModel;
use resident_remote::{KeySource, Patience, RemoteEndpoint, RemoteLanguageModel, RemoteModelOptions, host_of_endpoint};
use serde::{Deserialize, Serialize};

use super::{Models, REMOTE};
use crate::api::{ApiError, EndpointCheck, EndpointView, ModelPurpose, ModelState, ModelView, SaveEndpoint};

/// The setting that holds them.
const SETTING: &str = "endpoints";

/// An endpoint as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredEndpoint {
    pub(crate) id: String,
    pub(crate) base_url: String,
    pub(crate) models: Vec<String>,
}

impl StoredEndpoint {
    pub(super) fn model_view(&self, model: &str, default: &str) -> ModelView {
        let handle = format!("{REMOTE}{}/{model}", self.id);
        ModelView {
            is_default: handle == default,
            handle,
            name: model.to_owned(),
            purpose: ModelPurpose::Language,
            origin: None,
            remote_host: Some(host(&self.base_url)),
            state: ModelState::Available,
            demonstration: false,
            size_bytes: None,
            memory_bytes: None,
            fits: None,
            context_window_tokens: None,
            licence: None,
            description: format!("Answers at {}. What you say to it goes there.", host(&self.base_url)),
        }
    }
}

impl Models {
    /// Keeps a secret where keys are.
    pub(crate) fn keep_secret(&self, name: &str, secret: &str) {
        self.keys.set(name, secret);
    }

    /// A secret that was kept.
    pub(crate) fn secret(&self, name: &str) -> Option<String> {
        self.keys.get(name)
    }

    /// Removes a secret.
    pub(crate) fn forget_secret(&self, name: &str) {
        self.keys.remove(name);
    }

    pub(crate) fn endpoints(&self) -> Result<Vec<StoredEndpoint>, ApiError> {
        let stored = self.store.read::<_, ApiError>(|reader| Ok(reader.setting(SETTING)?))?;
        let Some(stored) = stored else { return Ok(Vec::new()) };
        serde_json::from_value(stored)
            .map_err(|error| ApiError::invalid(format!("The endpoints cannot be read: {error}.")))
    }

    fn keep(&self, endpoints: &[StoredEndpoint]) -> Result<(), ApiError> {
        let value = serde_json::to_value(endpoints).expect("endpoints are plain data");
        self.store.write::<_, ApiError>(|writer| Ok(writer.set_setting(SETTING, &value)?))
    }

    pub(crate) fn endpoint_view(&self, endpoint: &StoredEndpoint) -> EndpointView {
        EndpointView {
            id: endpoint.id.clone(),
            base_url: endpoint.base_url.clone(),
            host: host(&endpoint.base_url),
            key_hint: self.keys.hint(&endpoint.id),
            models: endpoint.models.clone(),
            loopback: host_of_endpoint(&endpoint.base_url).is_ok_and(|(_, loopback)| loopback),
        }
    }

    /// Adds or changes an endpoint.
    pub(crate) fn save_endpoint(&self, request: SaveEndpoint) -> Result<EndpointView, ApiError> {
        let SaveEndpoint { id, base_url, api_key, models } = request;
        check_id(&id)?;
        host_of_endpoint(&base_url)?;
        match api_key.as_deref() {
            Some("") => self.keys.remove(&id),
            Some(key) => self.keys.set(&id, key.trim()),
            None => {}
        }
        let mut endpoints = self.endpoints()?;
        let known = endpoints.iter().position(|endpoint| endpoint.id == id);
        let mut endpoint = StoredEndpoint { id, base_url, models: Vec::new() };
        endpoint.models = match models {
            Some(models) => models,
            None => self.ask_models(&endpoint)?,
        };
        let view = self.endpoint_view(&endpoint);
        match known {
            Some(index) => endpoints[index] = endpoint,
            None => endpoints.push(endpoint),
        }
        self.keep(&endpoints)?;
        self.remote_models().clear();
        Ok(view)
    }

    pub(crate) fn delete_endpoint(&self, id: &str) -> Result<(), ApiError> {
        let mut endpoints = self.endpoints()?;
        let before = endpoints.len();
        endpoints.retain(|endpoint| endpoint.id != id);
        if endpoints.len() == before {
            return Err(ApiError::not_found("endpoint", id));
        }
        self.keep(&endpoints)?;
        self.remote_models().clear();
        self.keys.remove(id);
        Ok(())
    }

    /// Asks an endpoint, kept or not, for its models.
    pub(crate) fn check_endpoint(&self, request: SaveEndpoint) -> Result<EndpointCheck, ApiError> {
        let SaveEndpoint { id, base_url, api_key, models: _ } = request;
        let key = api_key.or_else(|| self.keys.get(&id));
        let endpoint = RemoteEndpoint { id, base_url, api_key: KeySource::new(move || key.clone()) };
        let started = Instant::now();
        let models = self.names_of_models(&endpoint)?;
        Ok(EndpointCheck { models, latency_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX) })
    }

    fn ask_models(&self, endpoint: &StoredEndpoint) -> Result<Vec<String>, ApiError> {
        self.names_of_models(&self.remote_endpoint(endpoint))
    }

    fn remote_endpoint(&self, endpoint: &StoredEndpoint) -> RemoteEndpoint {
        let (keys, id) = (self.keys.clone(), endpoint.id.clone());
        RemoteEndpoint {
            id: endpoint.id.clone(),
            base_url: endpoint.base_url.clone(),
            api_key: KeySource::new(move || keys.get(&id)),
        }
    }

    /// The model that a handle without its `remote/` names.
    pub(super) fn remote(&self, rest: &str) -> Result<Arc<dyn LanguageModel>, ApiError> {
        let (id, model) = rest.split_once('/').ok_or_else(|| ApiError::not_found("model", rest))?;
        let endpoints = self.endpoints()?;
        let endpoint = endpoints.iter().find(|endpoint| endpoint.id == id);
        let endpoint = endpoint.ok_or_else(|| ApiError::not_found("endpoint", id))?;
        if let Some(known) = self.remote_models().get(rest) {
            return Ok(known.clone());
        }
        let endpoint = self.remote_endpoint(endpoint);
        // An endpoint that is away or does not tell is no obstacle here: the first message will say what is wrong.
        let window = resident_remote::context_window(&self.network, &endpoint, model).ok().flatten();
        let options = RemoteModelOptions { context_window_tokens: window, ..RemoteModelOptions::default() };
        let remote = RemoteLanguageModel::new(self.network.clone(), endpoint, model, options)?;
        let remote: Arc<dyn LanguageModel> = Arc::new(remote);
        self.remote_models().insert(rest.to_owned(), remote.clone());
        Ok(remote)
    }

    fn names_of_models(&self, endpoint: &RemoteEndpoint) -> Result<Vec<String>, ApiError> {
        let models = resident_remote::list_models(&self.network, endpoint, &Patience::default())?;
        Ok(models.into_iter().map(|model| model.id).collect())
    }

    /// Models that were used: each has learned what its endpoint understands.
    fn remote_models(&self) -> MutexGuard<'_, HashMap<String, Arc<dyn LanguageModel>>> {
        self.remote.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_id(id: &str) -> Result<(), ApiError> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if id.is_empty() || id.len() > 40 || !id.chars().all(fits) {
        return Err(ApiError::invalid("An endpoint's name has up to 40 letters, digits, dashes, dots or underscores."));
    }
    Ok(())
}

fn host(base_url: &str) -> String {
    host_of_endpoint(base_url).map_or_else(|_| base_url.to_owned(), |(host, _)| host)
}
