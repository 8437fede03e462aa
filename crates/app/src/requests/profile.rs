//! Requests about the profile: first start, settings, health, bin, licences, log.

use std::sync::Arc;

use resident_store::{PassageFilter, PassageScope};

use crate::App;
use crate::api::{
    AgentView, ApiError, BinView, BlockView, EmptyBin, EventKind, HealthCheck, LicenceView, ListAgents, ListBlocks,
    LogLines, Nothing, PassageView, ProfileView, ReadLog, SettingsView, StartProfile, UpdateSettings,
};
use crate::event_log::About;
use crate::settings::checked_name;
use crate::views::AgentNames;
use crate::{licences, logging, paths};

/// Passages of the bin that are shown.
const SHOWN_PASSAGES: usize = 500;

impl App {
    /// The profile and the program.
    pub fn get_profile(&self, _request: Nothing) -> Result<ProfileView, ApiError> {
        let settings = self.settings()?;
        Ok(ProfileView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            folder: self.store.folder().display().to_string(),
            first_start: settings.user_name.is_none(),
            user_name: settings.user_name,
            keyring: self.models.keys().are_kept(),
            unembedded: self.memory.count_unembedded()?,
            last_event_seq: self.events.last_seq(),
        })
    }

    /// Ends the first start: keeps the user's name and creates the first agent. A second call changes nothing.
    pub fn start_profile(self: &Arc<Self>, request: StartProfile) -> Result<AgentView, ApiError> {
        let name = checked_name(&request.user_name)?;
        self.write(|writer| {
            let mut settings = crate::settings::Settings::read(writer)?;
            settings.user_name = Some(name);
            settings.write(writer)
        })?;
        self.send(About::default(), EventKind::SettingsChanged);
        let first = self.list_agents(ListAgents { deleted: false })?.into_iter().next();
        first.map_or_else(|| self.create_first_agent(), Ok)
    }

    /// All settings.
    pub fn get_settings(&self, _request: Nothing) -> Result<SettingsView, ApiError> {
        Ok(self.settings()?.view(&self.models.builtin_language()))
    }

    /// Changes settings.
    pub fn update_settings(&self, request: UpdateSettings) -> Result<SettingsView, ApiError> {
        if let Some(handle) = request.default_model.as_deref().filter(|handle| !handle.is_empty()) {
            self.models.view(handle, "")?;
        }
        let settings = self.write(|writer| {
            let settings = crate::settings::Settings::read(writer)?.changed(request)?;
            settings.write(writer)?;
            Ok(settings)
        })?;
        self.models.network().set_offline(settings.offline);
        self.send(About::default(), EventKind::SettingsChanged);
        Ok(settings.view(&self.models.builtin_language()))
    }

    /// Looks at the store, the models and the folder.
    pub fn check_health(&self, _request: Nothing) -> Result<Vec<HealthCheck>, ApiError> {
        Ok(vec![
            self.check_store(),
            self.check_language(),
            self.check_embedder(),
            self.check_memory(),
            self.check_keys(),
        ])
    }

    fn check_store(&self) -> HealthCheck {
        match self.store.quick_check() {
            Ok(problems) if problems.is_empty() => {
                healthy("Store", format!("{} is whole.", self.store.folder().display()))
            }
            Ok(problems) => unhealthy("Store", format!("Damaged: {}. Restore a backup.", problems.join("; "))),
            Err(error) => unhealthy("Store", ApiError::from(error).to_string()),
        }
    }

    fn check_language(&self) -> HealthCheck {
        let model = self.default_model().and_then(|handle| self.models.language(&handle, &About::default()));
        match model {
            Ok(model) => {
                let info = model.info();
                healthy("Language model", format!("{} ({}) is ready.", info.name, info.handle))
            }
            Err(error) => unhealthy("Language model", error.to_string()),
        }
    }

    fn check_embedder(&self) -> HealthCheck {
        match self.memory.embedder().map_or_else(|| self.models.embedder(), Ok) {
            Ok(embedder) => {
                healthy("Embedder", format!("{} ({} dimensions) is ready.", embedder.id(), embedder.dimension()))
            }
            Err(error) => unhealthy("Embedder", error.to_string()),
        }
    }

    fn check_memory(&self) -> HealthCheck {
        match self.memory.count_unembedded() {
            Ok(0) => healthy("Memory", "Everything is found by its meaning.".to_owned()),
            Ok(waiting) => healthy("Memory", format!("{waiting} texts wait for their vectors and are found by words.")),
            Err(error) => unhealthy("Memory", ApiError::from(error).to_string()),
        }
    }

    fn check_keys(&self) -> HealthCheck {
        let message = match self.models.keys().are_kept() {
            true => "API keys are kept in the system's keyring.",
            false => "There is no keyring; API keys are kept until the program ends.",
        };
        healthy("Keyring", message.to_owned())
    }

    /// Everything in the bin.
    pub fn list_bin(&self, _request: Nothing) -> Result<BinView, ApiError> {
        let agents = self.list_agents(ListAgents { deleted: true })?;
        let blocks: Vec<BlockView> = self.list_blocks(ListBlocks { agent_id: None, deleted: true })?;
        let passages: Vec<PassageView> = self.store.read::<_, ApiError>(|reader| {
            let names = AgentNames::read(reader)?;
            let filter = PassageFilter { deleted: true, ..PassageFilter::of(&PassageScope::Everywhere) };
            let mut passages = reader.passages(&filter)?.0;
            passages.sort_by_key(|passage| std::cmp::Reverse(passage.deleted_at_ms));
            passages.truncate(SHOWN_PASSAGES);
            Ok(passages.into_iter().map(|passage| names.passage(passage)).collect())
        })?;
        Ok(BinView { agents, blocks, passages })
    }

    /// Deletes what is in the bin for good.
    pub fn empty_bin(&self, request: EmptyBin) -> Result<Nothing, ApiError> {
        if request.confirm.trim().to_lowercase() != "empty" {
            return Err(ApiError::invalid("Type \"empty\" to delete what is in the bin for good."));
        }
        self.write(|writer| {
            for agent in writer.agents(true)? {
                writer.purge_agent(&agent.id)?;
            }
            for block in writer.all_blocks(true)? {
                writer.purge_block(&block.id)?;
            }
            for archive_id in writer.archives_in_bin()? {
                writer.purge_archive(&archive_id)?;
            }
            let filter = PassageFilter { deleted: true, ..PassageFilter::of(&PassageScope::Everywhere) };
            for passage in writer.passages(&filter)?.0 {
                writer.purge_passage(&passage.id)?;
            }
            Ok(())
        })?;
        self.send(About::default(), EventKind::AgentsChanged);
        self.send(About::default(), EventKind::BlocksChanged);
        Ok(Nothing {})
    }

    /// Licences of models and parts.
    pub fn list_licences(&self, _request: Nothing) -> Result<Vec<LicenceView>, ApiError> {
        Ok(licences::all(self.models.library().manifest()))
    }

    /// The end of the log.
    pub fn read_log(&self, request: ReadLog) -> Result<LogLines, ApiError> {
        let path = paths::log(self.store.folder());
        let lines = logging::last_lines(&path, request.lines.clamp(1, 2_000));
        Ok(LogLines { lines, path: path.display().to_string() })
    }
}

fn healthy(name: &str, message: String) -> HealthCheck {
    HealthCheck { name: name.to_owned(), ok: true, message }
}

fn unhealthy(name: &str, message: String) -> HealthCheck {
    HealthCheck { name: name.to_owned(), ok: false, message }
}
