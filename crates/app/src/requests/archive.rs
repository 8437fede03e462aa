//! Requests about archival memory.

use resident_memory::archival::{self, NewPassages};
use resident_memory::core::EditContext;
use resident_memory::{ArchivalHit, ArchivalPage, ArchivalQuery, Sort};
use resident_store::{AgentId, Passage, PassageFilter, PassageId, PassageScope, Provenance, Writer};

use crate::App;
use crate::api::{
    AgentRef, ApiError, CreatePassage, ErrorCode, EventKind, Nothing, PassageHit, PassagePage, PassageRefs,
    PassageSort, PassageView, SearchPassages, TagCount, UpdatePassage,
};
use crate::event_log::About;
use crate::views::AgentNames;

/// A document larger than this is refused: it would be some ten thousand passages, all in one transaction.
const MOST_DOCUMENT_BYTES: usize = 8_000_000;

/// No page is longer than this.
const MOST_PASSAGES: usize = 500;

impl App {
    /// Searches an archive, or pages through it.
    pub fn search_passages(&self, request: SearchPassages) -> Result<PassagePage, ApiError> {
        let SearchPassages {
            agent_id,
            query,
            tags,
            match_all_tags,
            from_ms,
            to_ms,
            as_of_ms,
            sort,
            deleted,
            offset,
            limit,
        } = request;
        let agent = self.agent(&agent_id)?;
        let filter = PassageFilter {
            scope: PassageScope::Agent(agent.id),
            tags,
            match_all_tags,
            from_ms,
            to_ms,
            as_of_ms,
            deleted,
            newest_first: sort != PassageSort::Oldest,
            offset,
            limit: limit.clamp(1, MOST_PASSAGES),
        };
        let sort = match sort {
            PassageSort::Relevance => Sort::Relevance,
            PassageSort::Newest => Sort::Newest,
            PassageSort::Oldest => Sort::Oldest,
        };
        let scope = filter.scope.clone();
        let page = self.memory.search_passages(&scope, &ArchivalQuery { text: query, filter, sort })?;
        let names = self.store.read::<_, ApiError>(|reader| Ok(AgentNames::read(reader)?))?;
        let ArchivalPage { hits, total } = page;
        let hits = hits.into_iter().map(|ArchivalHit { passage, score, reasons }| PassageHit {
            passage: names.passage(passage),
            score,
            reasons: reasons.iter().map(ToString::to_string).collect(),
        });
        Ok(PassagePage { hits: hits.collect(), total })
    }

    /// Saves a passage; long text is cut into several.
    pub fn create_passage(&self, request: CreatePassage) -> Result<Vec<PassageView>, ApiError> {
        let CreatePassage { agent_id, text, tags, document } = request;
        let agent = self.agent_in_use(&agent_id)?;
        if text.len() > MOST_DOCUMENT_BYTES {
            let name = document.as_deref().unwrap_or("The text");
            let (has, most) = (text.len().div_ceil(1_000_000), MOST_DOCUMENT_BYTES / 1_000_000);
            return Err(ApiError::new(
                ErrorCode::TooLong,
                format!("{name} has {has} MB; a document may have {most} MB."),
            )
            .with_hint("Split it, and add its parts."));
        }
        let tool = if document.is_some() { "document" } else { "save" };
        let new = NewPassages { text, tags, document, ..NewPassages::default() };
        let saved = self.edit_archive(Some(&agent.id), tool, |writer, edit| archival::insert(writer, edit, new))?;
        self.passages_changed(Some(&agent.id), saved)
    }

    /// Changes a passage.
    pub fn update_passage(&self, request: UpdatePassage) -> Result<PassageView, ApiError> {
        let UpdatePassage { passage_id, text, tags } = request;
        let passage = self.passage(&passage_id)?;
        let edited = self.edit_archive(passage.agent_id.as_ref(), "edit", |writer, edit| {
            archival::edit(writer, edit, &passage.id, text.as_deref(), tags.as_deref())
        })?;
        let mut views = self.passages_changed(passage.agent_id.as_ref(), vec![edited])?;
        views.pop().ok_or_else(|| ApiError::not_found("passage", &passage_id))
    }

    /// Moves passages to the bin.
    pub fn delete_passages(&self, request: PassageRefs) -> Result<Nothing, ApiError> {
        self.move_passages(request, "delete", archival::delete)
    }

    /// Takes passages out of the bin.
    pub fn restore_passages(&self, request: PassageRefs) -> Result<Nothing, ApiError> {
        self.move_passages(request, "restore", archival::restore)
    }

    /// Tags of an archive, most used first.
    pub fn list_tags(&self, request: AgentRef) -> Result<Vec<TagCount>, ApiError> {
        self.store.read(|reader| {
            let counts = reader.tag_counts(&AgentId(request.agent_id))?;
            Ok(counts.into_iter().map(|(tag, passages)| TagCount { tag, passages }).collect())
        })
    }

    fn passage(&self, id: &str) -> Result<Passage, ApiError> {
        let found = self.store.read::<_, ApiError>(|reader| Ok(reader.passage(&PassageId::from(id))?))?;
        found.ok_or_else(|| ApiError::not_found("passage", id))
    }

    fn move_passages(
        &self,
        request: PassageRefs,
        tool: &str,
        work: impl FnOnce(
            &mut Writer<'_>,
            &EditContext<'_>,
            &[PassageId],
        ) -> Result<Vec<Passage>, resident_memory::MemoryError>,
    ) -> Result<Nothing, ApiError> {
        let Some(first) = request.passage_ids.first() else { return Ok(Nothing {}) };
        let agent_id = self.passage(first)?.agent_id;
        let ids: Vec<PassageId> = request.passage_ids.iter().map(|id| PassageId::from(id.as_str())).collect();
        let moved = self.edit_archive(agent_id.as_ref(), tool, |writer, edit| work(writer, edit, &ids))?;
        self.tell_passages_marked(moved)?;
        self.send(about(agent_id.as_ref()), EventKind::PassagesChanged);
        Ok(Nothing {})
    }

    fn edit_archive<T>(
        &self,
        agent_id: Option<&AgentId>,
        tool: &str,
        work: impl FnOnce(&mut Writer<'_>, &EditContext<'_>) -> Result<T, resident_memory::MemoryError>,
    ) -> Result<T, ApiError> {
        let provenance = Provenance { agent_id: agent_id.cloned(), ..Provenance::user(tool) };
        // An archive that is no agent's own is edited by nobody but people, who need no agent for it.
        let nobody = AgentId(String::new());
        let agent_id = agent_id.unwrap_or(&nobody);
        let now_ms = self.store.now_ms();
        let edit = EditContext::new(agent_id, &provenance, now_ms);
        self.write(|writer| Ok(work(writer, &edit)?))
    }

    fn passages_changed(
        &self,
        agent_id: Option<&AgentId>,
        passages: Vec<Passage>,
    ) -> Result<Vec<PassageView>, ApiError> {
        self.send(about(agent_id), EventKind::PassagesChanged);
        let names = self.store.read::<_, ApiError>(|reader| Ok(AgentNames::read(reader)?))?;
        Ok(passages.into_iter().map(|passage| names.passage(passage)).collect())
    }
}

fn about(agent_id: Option<&AgentId>) -> About {
    agent_id.map_or_else(About::default, |id| About::agent(id.as_str()))
}
