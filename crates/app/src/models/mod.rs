//! The models of a profile: those of the library and those of remote endpoints, by handle (`local/<id>` or
//! `remote/<endpoint>/<model>`). A local model is loaded at its first use and kept; only one language model is kept at
//! a time, since each takes its memory, and one that is still answering lives until it has.

mod downloads;
mod endpoints;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use resident_agent::{Guidance, LanguageModel};
use resident_inference::{LoadOptions, LocalLanguageModel, MiniLmEmbedder};
use resident_library::http::Network;
use resident_library::{Folders, GuidanceLevel, Library, Manifest, ModelStatus, Purpose};
use resident_memory::Embedder;
use resident_store::Store;

use crate::api::{ApiError, ErrorCode, EventKind, ModelOrigin, ModelPurpose, ModelState, ModelView};
use crate::event_log::{About, EventLog};
use crate::keys::Keys;
use crate::paths;
use downloads::Downloads;

/// Handles of models on this computer begin with this.
const LOCAL: &str = "local/";

/// Handles of models at endpoints begin with this.
const REMOTE: &str = "remote/";

/// The models of a profile.
pub(crate) struct Models {
    library: Library,
    network: Network,
    keys: Arc<Keys>,
    store: Arc<Store>,
    events: Arc<EventLog>,
    language: Mutex<Option<Loaded>>,
    remote: Mutex<HashMap<String, Arc<dyn LanguageModel>>>,
    progress: Mutex<Progress>,
    downloads: Downloads,
}

struct Loaded {
    handle: String,
    model: Arc<dyn LanguageModel>,
}

/// What goes on, or went wrong, with the local language model.
#[derive(Default)]
struct Progress {
    loading: Option<String>,
    failed: Option<(String, String)>,
}

impl Models {
    pub(crate) fn open(
        store: Arc<Store>,
        events: Arc<EventLog>,
        bundled: Vec<PathBuf>,
        offline: bool,
        use_keyring: bool,
    ) -> Self {
        let network = Network::new(offline);
        let folders = Folders { bundled, profile: paths::models(store.folder()) };
        let library = Library::open(Manifest::builtin(), folders, network.clone());
        Self {
            library,
            network,
            keys: Arc::new(Keys::open(use_keyring)),
            store,
            events,
            language: Mutex::default(),
            remote: Mutex::default(),
            progress: Mutex::default(),
            downloads: Downloads::default(),
        }
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) fn library(&self) -> &Library {
        &self.library
    }

    /// The handle of the language model of a new profile.
    pub(crate) fn builtin_language(&self) -> String {
        format!("{LOCAL}{}", self.library.manifest().defaults.language)
    }

    /// The language model with this handle, loaded if it is not.
    pub(crate) fn language(&self, handle: &str, about: &About) -> Result<Arc<dyn LanguageModel>, ApiError> {
        if let Some(rest) = handle.strip_prefix(REMOTE) {
            return self.remote(rest);
        }
        // The lock is held while loading: a second turn waits for the same model instead of loading it twice.
        let mut language = self.language.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = language.as_ref().filter(|loaded| loaded.handle == handle) {
            return Ok(loaded.model.clone());
        }
        let status = self.library.model(local_id(handle)?)?;
        *language = None;
        *self.progress() = Progress { loading: Some(handle.to_owned()), failed: None };
        self.events.send(about.clone(), EventKind::ModelLoading { name: status.entry.name.clone() });
        self.events.send(About::default(), EventKind::ModelsChanged);
        let result = self.load(handle, &status);
        *self.progress() = Progress {
            loading: None,
            failed: result.as_ref().err().map(|error| (handle.to_owned(), error.message.clone())),
        };
        if let Ok(model) = &result {
            *language = Some(Loaded { handle: handle.to_owned(), model: model.clone() });
        }
        drop(language);
        self.events.send(About::default(), EventKind::ModelsChanged);
        result
    }

    /// How much the model with this handle must be led. One that is not here needs nothing.
    pub(crate) fn guidance(&self, handle: &str) -> Guidance {
        let local = handle.strip_prefix(LOCAL).and_then(|id| self.library.model(id).ok());
        local.map_or(Guidance::None, |status| guidance_of(status.entry.guidance))
    }

    /// The local language model with this handle, if it is loaded.
    pub(crate) fn language_if_loaded(&self, handle: &str) -> Option<Arc<dyn LanguageModel>> {
        // A lock that is taken means that a model is being loaded.
        let language = self.language.try_lock().ok()?;
        language.as_ref().filter(|loaded| loaded.handle == handle).map(|loaded| loaded.model.clone())
    }

    fn load(&self, handle: &str, status: &ModelStatus) -> Result<Arc<dyn LanguageModel>, ApiError> {
        let entry = &status.entry;
        if entry.purpose != Purpose::Language {
            return Err(ApiError::invalid(format!("{} finds things; it does not answer.", entry.name)));
        }
        let resolved = self.library.resolve(&entry.id)?;
        let guidance = guidance_of(entry.guidance);
        let options =
            LoadOptions { context_window_tokens: Some(entry.context_window_tokens), ..LoadOptions::default() };
        let model = LocalLanguageModel::load(resolved.weights(), handle, &entry.name, guidance, options)?;
        Ok(Arc::new(model))
    }

    /// The embedder of the profile.
    pub(crate) fn embedder(&self) -> Result<Arc<dyn Embedder>, ApiError> {
        let resolved = self.library.resolve(&self.library.manifest().defaults.embedding)?;
        let folder = resolved.weights().parent().expect("a file lies in a folder");
        Ok(Arc::new(MiniLmEmbedder::load(folder)?))
    }

    /// Every model with where it stands.
    pub(crate) fn list(&self, default: &str) -> Result<Vec<ModelView>, ApiError> {
        let loaded = self.language.try_lock().ok().and_then(|held| held.as_ref().map(|loaded| loaded.handle.clone()));
        let local = self.library.models().into_iter().map(|status| self.local_view(status, default, loaded.as_deref()));
        let mut models: Vec<ModelView> = local.collect();
        for endpoint in self.endpoints()? {
            models.extend(endpoint.models.iter().map(|model| endpoint.model_view(model, default)));
        }
        Ok(models)
    }

    pub(crate) fn view(&self, handle: &str, default: &str) -> Result<ModelView, ApiError> {
        let found = self.list(default)?.into_iter().find(|model| model.handle == handle);
        found.ok_or_else(|| ApiError::not_found("model", handle))
    }

    fn local_view(&self, status: ModelStatus, default: &str, loaded: Option<&str>) -> ModelView {
        let ModelStatus { entry, state, fit } = status;
        let handle = format!("{LOCAL}{}", entry.id);
        let size_bytes = entry.size_bytes();
        ModelView {
            purpose: match entry.purpose {
                Purpose::Language => ModelPurpose::Language,
                Purpose::Embedding => ModelPurpose::Embedding,
            },
            remote_host: None,
            origin: origin(&state),
            state: self.state(&handle, state, loaded),
            is_default: handle == default,
            demonstration: entry.demonstration,
            size_bytes: (size_bytes > 0).then_some(size_bytes),
            memory_bytes: Some(entry.memory_bytes),
            fits: fit.map(|fit| fit.fits()),
            context_window_tokens: Some(entry.context_window_tokens),
            licence: Some(entry.licence),
            description: entry.description,
            name: entry.name,
            handle,
        }
    }

    fn state(&self, handle: &str, state: resident_library::ModelState, loaded: Option<&str>) -> ModelState {
        use resident_library::ModelState as Found;
        let progress = self.progress();
        match state {
            _ if loaded == Some(handle) => ModelState::Loaded,
            _ if progress.loading.as_deref() == Some(handle) => ModelState::Loading,
            Found::Gone { path } => {
                ModelState::Failed { message: format!("`{}` is not there any more.", path.display()) }
            }
            Found::Downloading { bytes, of } => ModelState::Downloading { bytes, of },
            Found::Available { .. } => match &progress.failed {
                Some((failed, message)) if failed == handle => ModelState::Failed { message: message.clone() },
                Some(_) | None => ModelState::Available,
            },
            Found::Downloadable { .. } => match self.downloads.failure(handle) {
                Some(message) => ModelState::Failed { message },
                None => ModelState::Downloadable,
            },
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn guidance_of(level: GuidanceLevel) -> Guidance {
    match level {
        GuidanceLevel::None => Guidance::None,
        GuidanceLevel::Full => Guidance::Full,
    }
}

fn origin(state: &resident_library::ModelState) -> Option<ModelOrigin> {
    use resident_library::{ModelState as Found, Origin};
    match state {
        Found::Available { origin: Origin::Bundled } => Some(ModelOrigin::Bundled),
        Found::Available { origin: Origin::Profile } => Some(ModelOrigin::Downloaded),
        Found::Available { origin: Origin::HubCache } => Some(ModelOrigin::Shared),
        Found::Available { origin: Origin::Disk } | Found::Gone { .. } => Some(ModelOrigin::Added),
        Found::Downloadable { .. } | Found::Downloading { .. } => None,
    }
}

/// The library's id of a handle.
pub(crate) fn local_id(handle: &str) -> Result<&str, ApiError> {
    handle.strip_prefix(LOCAL).ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, format!("There is no model `{handle}`."))
            .with_hint("A handle is `local/<id>` or `remote/<endpoint>/<model>`.")
    })
}
