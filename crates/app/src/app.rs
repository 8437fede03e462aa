//! The application: one open profile with its store, memory, models, drivers and event stream.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use resident_agent::guidance::Router;
use resident_memory::Memory;
use resident_store::{Clock, Store, SystemClock, Writer};

use crate::api::{ApiError, EventKind};
use crate::drivers::Drivers;
use crate::event_log::{About, EventLog, EventReader, TurnListener, Watcher};
use crate::groups::Idle;
use crate::groups::company::Company;
use crate::models::Models;
use crate::settings::Settings;
use crate::{logging, paths};

/// How to open a profile.
pub struct OpenOptions {
    /// The profile's folder; `RESIDENT_HOME` or the system's place when left out.
    pub profile: Option<PathBuf>,
    /// Folders with models that came with the program.
    pub models: Vec<PathBuf>,
    /// Whether the folder of `RESIDENT_MODELS` counts too.
    pub models_from_environment: bool,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Seeds every turn's sampler, for evaluations; a new seed for every turn when left out.
    pub seed: Option<u64>,
    /// Whether keys are kept in the system's keyring, where there is one.
    pub use_keyring: bool,
    /// MCP servers that may be started or contacted: each its command with its arguments, or its URL.
    pub allowed_mcp: Vec<String>,
    /// How long nobody has talked before agents go through what was said and tidy memory.
    pub tidy_after: Duration,
    /// Whether the log goes to the profile's file. A process has one log: the first profile that asks gets it.
    pub log_to_file: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            profile: None,
            models: Vec::new(),
            models_from_environment: true,
            clock: Arc::new(SystemClock),
            seed: None,
            use_keyring: true,
            allowed_mcp: Vec::new(),
            tidy_after: Duration::from_secs(5 * 60),
            log_to_file: true,
        }
    }
}

/// One open profile. Every method of the API is a method of it; see [`crate::api`].
pub struct App {
    pub(crate) store: Arc<Store>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) models: Arc<Models>,
    pub(crate) events: Arc<EventLog>,
    pub(crate) drivers: Drivers,
    pub(crate) company: Company,
    pub(crate) idle: Idle,
    pub(crate) router: Arc<Router>,
    pub(crate) seed: Option<u64>,
    pub(crate) mcp: resident_mcp::Servers,
    pub(crate) allowed_mcp: Vec<String>,
    embedder_loader: Mutex<Option<JoinHandle<()>>>,
}

impl App {
    /// Opens a profile, creating it at its first use. Turns that an earlier run left unfinished are marked
    /// interrupted. The embedder is loaded in the background; until then everything is found by its words.
    ///
    /// # Errors
    /// The profile is in use, cannot be written, is damaged, or comes from a newer Resident.
    pub fn open(options: OpenOptions) -> Result<Arc<Self>, ApiError> {
        let OpenOptions {
            profile,
            mut models,
            models_from_environment,
            clock,
            seed,
            use_keyring,
            allowed_mcp,
            tidy_after,
            log_to_file,
        } = options;
        let folder = profile.unwrap_or_else(paths::default_profile_folder);
        let store = Arc::new(Store::open(&folder, clock.clone())?);
        if log_to_file {
            logging::begin(&paths::log(&folder));
        }
        tracing::info!(version = env!("CARGO_PKG_VERSION"), folder = %folder.display(), "profile opened");
        let interrupted = store.write::<_, ApiError>(|writer| Ok(writer.mark_interrupted(clock.now_ms())?))?;
        if !interrupted.is_empty() {
            tracing::info!(turns = interrupted.len(), "turns were interrupted");
        }
        let settings = store.read(Settings::read)?;
        let events = Arc::new(EventLog::new(clock));
        if models_from_environment {
            models.extend(paths::models_of_environment());
        }
        let models = Models::open(store.clone(), events.clone(), models, settings.offline, use_keyring);
        let mcp = resident_mcp::Servers::new(models.network().clone());
        let app = Arc::new(Self {
            memory: Arc::new(Memory::new(store.clone())),
            models: Arc::new(models),
            drivers: Drivers::default(),
            company: Company::default(),
            idle: Idle::default(),
            router: Arc::new(Router::bundled()),
            store,
            mcp,
            allowed_mcp,
            events,
            seed,
            embedder_loader: Mutex::default(),
        });
        app.load_embedder();
        app.deliver_all_letters()?;
        Idle::watch(&app, tidy_after);
        Ok(app)
    }

    /// A reader of the event stream, from the event after `after_seq` on.
    pub fn subscribe(&self, after_seq: u64) -> EventReader {
        EventReader::new(self.events.clone(), after_seq)
    }

    /// Tells `listener` the events of a turn: those after `after_seq` now, the others when they happen, up to its end.
    pub fn follow_turn(&self, turn_id: &str, after_seq: u64, listener: TurnListener) {
        self.events.follow_turn(turn_id, after_seq, listener);
    }

    /// Tells `watcher` the number of every event from now on.
    pub fn watch_events(&self, watcher: Watcher) {
        self.events.watch(watcher);
    }

    /// The profile's folder.
    pub fn profile_folder(&self) -> PathBuf {
        self.store.folder().to_path_buf()
    }

    /// The number of the newest event.
    pub fn last_event_seq(&self) -> u64 {
        self.events.last_seq()
    }

    /// Stops turns and downloads and waits for every thread of the profile to end. What was said so far is recorded. The
    /// profile is free for another program when the last reference to this is dropped.
    pub fn shutdown(&self) {
        self.models.stop_downloads();
        self.idle.close();
        self.drivers.shutdown();
        self.mcp.close_all();
        let loader = self.embedder_loader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if loader.is_some_and(|loader| loader.join().is_err()) {
            tracing::error!("the thread that loads the embedder ended with a panic");
        }
        self.memory.set_embedder(None, Arc::new(|_| {}));
        tracing::info!("profile closed");
    }

    /// The memory, for evaluations that look below the API.
    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    pub(crate) fn send(&self, about: About, what: EventKind) {
        self.events.send(about, what);
    }

    pub(crate) fn settings(&self) -> Result<Settings, ApiError> {
        self.store.read(Settings::read)
    }

    /// Runs a write and wakes the embedder after it.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&mut Writer<'_>) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let result = self.store.write(work)?;
        self.memory.notify_written();
        Ok(result)
    }

    /// The handle of the profile's default language model.
    pub(crate) fn default_model(&self) -> Result<String, ApiError> {
        Ok(self.settings()?.view(&self.models.builtin_language()).default_model)
    }

    fn load_embedder(&self) {
        let (models, memory, events) = (self.models.clone(), self.memory.clone(), self.events.clone());
        let loader = std::thread::spawn(move || match models.embedder() {
            Ok(embedder) => memory.set_embedder(
                Some(embedder),
                Arc::new(move |remaining| events.send(About::default(), EventKind::Embedding { remaining })),
            ),
            Err(error) => {
                tracing::error!(%error, "no embedder; memory is searched by words only");
                events.send(About::default(), EventKind::Failed { error });
            }
        });
        *self.embedder_loader.lock().unwrap_or_else(PoisonError::into_inner) = Some(loader);
    }
}
