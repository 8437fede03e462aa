//! Passages and the archives they lie in.

use resident_memory::archival::{self, NewPassages};
use resident_memory::core::EditContext;
use resident_memory::{ArchivalHit, ArchivalQuery};
use resident_store::{
    AgentId, Archive, ArchiveId, ArchiveKind, ArchiveListing, Passage, PassageFilter, PassageId, PassageScope,
    Provenance,
};
use serde_json::Value;

use crate::App;
use crate::api::{ApiError, EventKind};
use crate::event_log::About;

/// An archive to be made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewArchive {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What only Letta's clients read.
    pub letta: Value,
}

impl App {
    /// The passages of a scope, oldest first, after and before others.
    pub fn passage_records(
        &self,
        scope: &PassageScope,
        after_id: Option<&str>,
        before_id: Option<&str>,
    ) -> Result<Vec<Passage>, ApiError> {
        self.store.read(|reader| {
            let filter = PassageFilter { newest_first: false, ..PassageFilter::of(scope.clone()) };
            let (mut passages, _) = reader.passages(&filter)?;
            // Passages of the same moment stand in the order in which they were saved.
            let place = |id: Option<&str>| {
                let Some(id) = id else { return Ok(None) };
                let place = passages.iter().position(|passage| passage.id.as_str() == id);
                place.map(Some).ok_or_else(|| ApiError::not_found("passage", id))
            };
            let from = place(after_id)?.map_or(0, |place| place + 1);
            let to = place(before_id)?.unwrap_or(passages.len());
            passages.truncate(to);
            Ok(passages.into_iter().skip(from).collect())
        })
    }

    /// Searches passages by words and by meaning, best first.
    pub fn find_passages(&self, scope: &PassageScope, query: &ArchivalQuery) -> Result<Vec<ArchivalHit>, ApiError> {
        Ok(self.memory.search_passages(scope, query)?.hits)
    }

    /// A passage of an archive of the scope that is not in the bin.
    pub fn passage_record(&self, scope: &PassageScope, passage_id: &str) -> Result<Passage, ApiError> {
        self.store.read(|reader| {
            let passage = reader.passage(&PassageId::from(passage_id))?;
            let archives = reader.archives_in(scope)?;
            let live = |passage: &Passage| archives.contains(&passage.archive_id) && passage.deleted_at_ms.is_none();
            passage.filter(live).ok_or_else(|| ApiError::not_found("passage", passage_id))
        })
    }

    /// Saves passages: into the archive that they name, or into the agent's; now, or as of another time.
    pub fn save_passages(
        &self,
        agent_id: Option<&str>,
        all: Vec<NewPassages>,
        at_ms: Option<i64>,
    ) -> Result<Vec<Passage>, ApiError> {
        let agent_id = agent_id.map(|id| self.agent_record(id).map(|agent| agent.id)).transpose()?;
        let provenance = Provenance { agent_id: agent_id.clone(), ..Provenance::user("save") };
        let agent_id = agent_id.unwrap_or(AgentId(String::new()));
        let now_ms = at_ms.unwrap_or(self.store.now_ms());
        let edit = EditContext::new(&agent_id, &provenance, now_ms);
        let saved = self.write(|writer| {
            let saved = all.into_iter().map(|new| Ok(archival::insert(writer, &edit, new)?));
            Ok::<_, ApiError>(saved.collect::<Result<Vec<_>, ApiError>>()?.concat())
        })?;
        self.send(About::agent(agent_id.as_str()), EventKind::PassagesChanged);
        Ok(saved)
    }

    /// Archives of passages, those of one agent or all.
    pub fn archive_records(&self, listing: &ArchiveListing) -> Result<Vec<Archive>, ApiError> {
        self.store.read(|reader| Ok(reader.list_archives(listing)?))
    }

    /// An archive of passages that is not in the bin.
    pub fn archive_record(&self, id: &str) -> Result<Archive, ApiError> {
        let found = self.store.read::<_, ApiError>(|reader| Ok(reader.archive(&ArchiveId::from(id))?))?;
        let live = |archive: &Archive| archive.deleted_at_ms.is_none() && archive.kind == ArchiveKind::Passages;
        found.filter(live).ok_or_else(|| ApiError::not_found("archive", id))
    }

    /// Makes an archive that no agent has yet.
    pub fn create_archive(&self, new: NewArchive) -> Result<Archive, ApiError> {
        let now_ms = self.store.now_ms();
        let archive = Archive {
            id: ArchiveId::new(),
            name: crate::settings::checked_name(&new.name)?,
            description: new.description,
            kind: ArchiveKind::Passages,
            letta: if new.letta.is_object() { new.letta } else { serde_json::json!({}) },
            agent_id: None,
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            deleted_at_ms: None,
        };
        self.write(|writer| Ok(writer.insert_archive(&archive)?))?;
        Ok(archive)
    }

    /// Changes name or description of an archive.
    pub fn update_archive(
        &self,
        id: &str,
        name: Option<String>,
        description: Option<String>,
    ) -> Result<Archive, ApiError> {
        let mut archive = self.archive_record(id)?;
        if let Some(name) = name {
            archive.name = crate::settings::checked_name(&name)?;
        }
        archive.description = description.unwrap_or(archive.description);
        archive.updated_at_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.update_archive(&archive)?))?;
        Ok(archive)
    }

    /// Moves an archive with its passages to the bin.
    pub fn delete_archive(&self, id: &str) -> Result<(), ApiError> {
        let archive = self.archive_record(id)?;
        let now_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.set_archive_deleted(&archive.id, Some(now_ms))?))?;
        self.send(About::default(), EventKind::PassagesChanged);
        Ok(())
    }

    /// Lets an agent have an archive among its archival memory, or no longer.
    pub fn attach_archive(&self, agent_id: &str, archive_id: &str, attached: bool) -> Result<(), ApiError> {
        let (agent, archive) = (self.agent_record(agent_id)?, self.archive_record(archive_id)?);
        self.write(|writer| {
            if attached {
                writer.attach_archive(&agent.id, &archive.id)?;
            } else {
                writer.detach_archive(&agent.id, &archive.id)?;
            }
            Ok::<_, ApiError>(())
        })?;
        self.send(About::agent(agent_id), EventKind::PassagesChanged);
        Ok(())
    }
}
