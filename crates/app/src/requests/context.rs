//! Requests about the context window.

use resident_agent::{Cancel, ContextOverview, ContextPart as Part, ContextPartKind as PartKind};

use crate::App;
use crate::api::{AgentRef, ApiError, CompactionView, ContextPart, ContextPartKind, ContextView, EventKind};
use crate::event_log::About;
use crate::turns::compaction_view;

impl App {
    /// What the next prompt of an agent would be. Loads the agent's model, since tokens are the model's.
    pub fn get_context(&self, request: AgentRef) -> Result<ContextView, ApiError> {
        let agent = self.agent(&request.agent_id)?;
        let model = self.model_of(&agent, &About::default())?;
        let settings = self.settings()?.for_agents();
        let overview = resident_agent::context(&self.turn_context(model.as_ref(), &settings), &agent.id)?;
        let (recall_messages, archival_passages) = self
            .store
            .read::<_, ApiError>(|reader| Ok((reader.count_messages(&agent.id)?, reader.count_passages(&agent.id)?)))?;
        let ContextOverview { parts, used_tokens, window_tokens, pressure_tokens, compaction_tokens } = overview;
        Ok(ContextView {
            model: model.info().handle,
            used_tokens,
            window_tokens,
            pressure_tokens,
            compaction_tokens,
            parts: parts.into_iter().map(context_part).collect(),
            recall_messages,
            archival_passages,
        })
    }

    /// Evicts the oldest part of the window now.
    pub fn compact_now(&self, request: AgentRef) -> Result<CompactionView, ApiError> {
        let agent = self.agent_in_use(&request.agent_id)?;
        let about = About::agent(agent.id.as_str());
        let model = self.model_of(&agent, &about)?;
        let settings = self.settings()?.for_agents();
        let context = self.turn_context(model.as_ref(), &settings);
        let mut report = |event| self.report(event, &about);
        let compaction = resident_agent::compact_now(&context, &agent.id, &Cancel::default(), &mut report)?;
        self.send(about, EventKind::MessagesChanged);
        Ok(compaction_view(compaction))
    }
}

fn context_part(part: Part) -> ContextPart {
    let Part { kind, label, text, tokens } = part;
    let kind = match kind {
        PartKind::Instructions => ContextPartKind::Instructions,
        PartKind::Tools => ContextPartKind::Tools,
        PartKind::Core => ContextPartKind::Core,
        PartKind::Summary => ContextPartKind::Summary,
        PartKind::Message => ContextPartKind::Message,
    };
    ContextPart { kind, label, text, tokens }
}
