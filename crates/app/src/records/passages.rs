//! Passages.

use resident_store::{PassageFilter, PassageId};

use crate::App;
use crate::api::{ApiError, PassageView};
use crate::views::AgentNames;

impl App {
    /// The passages of an agent's archival memory, oldest first, after and before others.
    pub fn passage_rows(
        &self,
        agent_id: &str,
        after_id: Option<&str>,
        before_id: Option<&str>,
    ) -> Result<Vec<PassageView>, ApiError> {
        let agent = self.agent_record(agent_id)?;
        let place = |id: Option<&str>| {
            id.map(|id| self.passage_of_agent(agent_id, id).map(|passage| (passage.created_at_ms, passage.id)))
                .transpose()
        };
        let (after, before) = (place(after_id)?, place(before_id)?);
        self.store.read(|reader| {
            let filter = PassageFilter { newest_first: false, ..PassageFilter::of(&agent.id) };
            let (mut passages, _) = reader.passages(&filter)?;
            // Passages of the same moment stand in the order in which they were saved.
            let position = |id: &str| passages.iter().position(|passage| passage.id.as_str() == id);
            let from = after.and_then(|(_, id)| position(&id)).map_or(0, |place| place + 1);
            let to = before.and_then(|(_, id)| position(&id)).unwrap_or(passages.len());
            passages.truncate(to);
            let names = AgentNames::read(reader)?;
            Ok(passages.into_iter().skip(from).map(|passage| names.passage(passage)).collect())
        })
    }

    /// A passage in an agent's archival memory that is not in the bin.
    pub fn passage_of_agent(&self, agent_id: &str, passage_id: &str) -> Result<PassageView, ApiError> {
        let agent = self.agent_record(agent_id)?;
        let id = PassageId::from(passage_id);
        self.store.read(|reader| {
            let passage = reader.passage(&id)?;
            let archives = reader.archives_in(&(&agent.id).into())?;
            let own =
                passage.filter(|passage| archives.contains(&passage.archive_id) && passage.deleted_at_ms.is_none());
            let own = own.ok_or_else(|| ApiError::not_found("passage", passage_id))?;
            Ok(AgentNames::read(reader)?.passage(own))
        })
    }
}
