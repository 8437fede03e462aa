//! Requests about agents.

use std::sync::Arc;

use resident_agent::{ToolRules, create_agent, default_agent};
use resident_store::{Agent, AgentId, AgentType, Block, BlockId, Passage, PassageFilter, PassageId, Provenance};

use crate::App;
use crate::api::{
    AgentKind, AgentRef, AgentView, ApiError, CreateAgent, DuplicateAgent, ErrorCode, EventKind, ListAgents, Nothing,
    UpdateAgent,
};
use crate::event_log::About;
use crate::settings::checked_name;
use crate::views::{agent_type, agent_view};

/// What a new agent is, unless it is told otherwise.
const DEFAULT_PERSONA: &str = "I am a private assistant. I am concise and friendly, and I remember what matters.";

impl App {
    /// Agents, newest conversation first.
    pub fn list_agents(&self, request: ListAgents) -> Result<Vec<AgentView>, ApiError> {
        self.store.read(|reader| {
            let agents = reader.agents(request.deleted)?;
            Ok(agents.into_iter().map(|agent| agent_view(reader, agent)).collect::<Result<_, _>>()?)
        })
    }

    /// One agent.
    pub fn get_agent(&self, request: AgentRef) -> Result<AgentView, ApiError> {
        let agent = self.agent(&request.agent_id)?;
        self.view_agent(agent)
    }

    /// Creates an agent with a persona and a human block.
    pub fn create_agent(&self, request: CreateAgent) -> Result<AgentView, ApiError> {
        let CreateAgent { name, description, kind, persona, human, model } = request;
        let name = checked_name(&name)?;
        let agent_type = kind.map_or(AgentType::LettaV1Agent, agent_type);
        let mut agent = default_agent(&name, agent_type, self.store.now_ms());
        agent.description = description.unwrap_or_default();
        agent.model = self.checked_model(model)?;
        let persona = persona.unwrap_or_else(|| DEFAULT_PERSONA.to_owned());
        let human = human.map_or_else(|| self.human_of_user(), Ok)?;
        self.write(|writer| Ok(create_agent(writer, &agent, &persona, &human)?))?;
        self.send(About::default(), EventKind::AgentsChanged);
        self.view_agent(agent)
    }

    /// Changes an agent.
    pub fn update_agent(&self, request: UpdateAgent) -> Result<AgentView, ApiError> {
        let UpdateAgent { agent_id, name, description, system, model, tools, tool_rules } = request;
        let mut agent = self.agent(&agent_id)?;
        if let Some(name) = name {
            agent.name = checked_name(&name)?;
        }
        if let Some(description) = description {
            agent.description = description;
        }
        if let Some(system) = system {
            agent.system = system;
        }
        if let Some(model) = model {
            agent.model = self.checked_model(Some(model))?;
        }
        if let Some(tools) = tools {
            agent.tools = tools;
        }
        if let Some(rules) = tool_rules {
            ToolRules::from_json(&rules)
                .map_err(|error| ApiError::invalid(format!("The tool rules cannot be read: {error}.")))?;
            agent.tool_rules = rules;
        }
        agent.updated_at_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.update_agent(&agent)?))?;
        self.send(About::agent(&agent_id), EventKind::AgentsChanged);
        self.view_agent(agent)
    }

    /// Copies an agent without its conversation. Blocks become the copy's own.
    pub fn duplicate_agent(&self, request: DuplicateAgent) -> Result<AgentView, ApiError> {
        let now_ms = self.store.now_ms();
        let original = self.agent(&request.agent_id)?;
        let copy = Agent {
            id: AgentId::new(),
            name: checked_name(&request.name)?,
            window_start_seq: 0,
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            deleted_at_ms: None,
            ..original.clone()
        };
        self.write(|writer| {
            writer.insert_agent(&copy)?;
            for block in writer.blocks_of(&original.id)? {
                let block = Block { id: BlockId::new(), created_at_ms: now_ms, updated_at_ms: now_ms, ..block };
                writer.insert_block(&block, &Provenance::user("duplicate"))?;
                writer.attach_block(&copy.id, &block.id)?;
            }
            for passage in writer.passages(&PassageFilter::of(&original.id))?.0 {
                let archive_id = writer.default_archive(&copy.id, now_ms)?;
                writer.insert_passage(&Passage { id: PassageId::new(), archive_id, ..passage })?;
            }
            Ok(())
        })?;
        self.send(About::default(), EventKind::AgentsChanged);
        self.view_agent(copy)
    }

    /// Moves an agent to the bin; its turn is stopped.
    pub fn delete_agent(&self, request: AgentRef) -> Result<Nothing, ApiError> {
        let view = self.get_agent(request.clone())?;
        if let Some(turn_id) = view.running_turn_id {
            self.drivers.cancel(&resident_store::TurnId(turn_id));
        }
        self.set_agent_deleted(&request.agent_id, Some(self.store.now_ms()))?;
        Ok(Nothing {})
    }

    /// Takes an agent out of the bin.
    pub fn restore_agent(&self, request: AgentRef) -> Result<AgentView, ApiError> {
        self.set_agent_deleted(&request.agent_id, None)?;
        self.get_agent(request)
    }

    fn set_agent_deleted(&self, agent_id: &str, at_ms: Option<i64>) -> Result<(), ApiError> {
        self.write(|writer| Ok(writer.set_agent_deleted(&AgentId::from(agent_id), at_ms)?))?;
        self.send(About::agent(agent_id), EventKind::AgentsChanged);
        Ok(())
    }

    fn view_agent(&self, agent: Agent) -> Result<AgentView, ApiError> {
        self.store.read(|reader| Ok(agent_view(reader, agent)?))
    }

    /// A model that is there; the empty text is the profile's default.
    pub(crate) fn checked_model(&self, handle: Option<String>) -> Result<Option<String>, ApiError> {
        let Some(handle) = handle.filter(|handle| !handle.is_empty()) else { return Ok(None) };
        let known = self.models.list("")?.iter().any(|model| model.handle == handle);
        if !known {
            return Err(ApiError::not_found("model", &handle));
        }
        Ok(Some(handle))
    }

    /// What a new agent knows of the user: the name given at the first start.
    fn human_of_user(&self) -> Result<String, ApiError> {
        Ok(self.settings()?.user_name.map(|name| format!("The user's name is {name}.")).unwrap_or_default())
    }

    /// The first agent of a profile.
    pub(crate) fn create_first_agent(self: &Arc<Self>) -> Result<AgentView, ApiError> {
        let name = "Ada".to_owned();
        let kind = Some(AgentKind::LettaV1Agent);
        self.create_agent(CreateAgent { name, description: None, kind, persona: None, human: None, model: None })
    }

    /// Refuses what is in the bin.
    pub(crate) fn agent_in_use(&self, agent_id: &str) -> Result<Agent, ApiError> {
        let agent = self.agent(agent_id)?;
        if agent.deleted_at_ms.is_some() {
            let error = ApiError::new(ErrorCode::NotFound, format!("{} is in the bin.", agent.name));
            return Err(error.with_hint("Take it out of the bin first."));
        }
        Ok(agent)
    }
}
