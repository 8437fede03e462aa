//! Agents as their rows are.

use std::collections::{BTreeSet, HashMap};

use resident_agent::{AgentSettings, ToolRules, default_agent, default_tool_rules, default_tools};
use resident_store::{Agent, AgentId, AgentType, Block, BlockId, Provenance};
use serde_json::{Map, Value, json};

use super::NewBlock;
use super::blocks::with_fields;
use crate::App;
use crate::api::{AgentRef, ApiError, EventKind};
use crate::event_log::About;
use crate::settings::checked_name;

/// A block of a new agent.
#[derive(Debug, Clone, PartialEq)]
pub enum BlockOfAgent {
    /// To be made.
    New(Box<NewBlock>),
    /// One that is there, shared from now on.
    Shared(String),
}

/// An agent to be made. What is `None` is as for every new agent of its type.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAgent {
    /// Its name.
    pub name: String,
    /// How it speaks and chains.
    pub agent_type: AgentType,
    /// What it is for.
    pub description: Option<String>,
    /// Its instructions.
    pub system: Option<String>,
    /// The handle of its model.
    pub model: Option<String>,
    /// The names of its tools.
    pub tools: Option<Vec<String>>,
    /// Its tool rules, in V1's form.
    pub tool_rules: Option<Value>,
    /// Settings of its own; see [`Agent::settings`].
    pub settings: Value,
    /// Whatever a client wants to keep with it.
    pub metadata: Value,
    /// What only Letta's clients read; see [`Agent::letta`].
    pub letta: Value,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its blocks, in the order of its prompt.
    pub blocks: Vec<BlockOfAgent>,
}

/// Changes to an agent; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentChanges {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// New instructions.
    pub system: Option<String>,
    /// New model; the empty text stands for the profile's default.
    pub model: Option<String>,
    /// New list of tools.
    pub tools: Option<Vec<String>>,
    /// New tool rules.
    pub tool_rules: Option<Value>,
    /// Fields to set in its settings; `null` takes one away.
    pub settings: Option<Value>,
    /// New metadata.
    pub metadata: Option<Value>,
    /// Fields to set in [`Agent::letta`].
    pub letta: Option<Value>,
    /// New tags.
    pub tags: Option<Vec<String>>,
    /// The blocks that it has from now on.
    pub block_ids: Option<Vec<String>>,
}

impl App {
    /// Every agent that is not in the bin, oldest first.
    pub fn agent_records(&self) -> Result<Vec<Agent>, ApiError> {
        let mut agents = self.store.read::<_, ApiError>(|reader| Ok(reader.agents(false)?))?;
        agents.sort_by(|a, b| (a.created_at_ms, &a.id).cmp(&(b.created_at_ms, &b.id)));
        Ok(agents)
    }

    /// An agent that is not in the bin.
    pub fn agent_record(&self, agent_id: &str) -> Result<Agent, ApiError> {
        let agent = self.agent(agent_id)?;
        if agent.deleted_at_ms.is_some() { Err(ApiError::not_found("agent", agent_id)) } else { Ok(agent) }
    }

    /// The tags of all agents and blocks.
    pub fn tags_of_agents_and_blocks(&self) -> Result<BTreeSet<String>, ApiError> {
        let agents = self.agent_records()?.into_iter().flat_map(|agent| agent.tags);
        let of_block =
            |block: Block| serde_json::from_value::<Vec<String>>(block.letta["tags"].clone()).unwrap_or_default();
        let blocks = self.block_records()?.into_iter().flat_map(of_block);
        Ok(agents.chain(blocks).collect())
    }

    /// The blocks of agents, in the order of their prompts.
    pub fn blocks_of_agents(&self, agent_ids: &[AgentId]) -> Result<HashMap<AgentId, Vec<Block>>, ApiError> {
        self.store.read(|reader| agent_ids.iter().map(|id| Ok((id.clone(), reader.blocks_of(id)?))).collect())
    }

    /// Makes an agent with its blocks, all of it or nothing.
    pub fn create_agent_record(&self, new: NewAgent) -> Result<Agent, ApiError> {
        let NewAgent {
            name,
            agent_type,
            description,
            system,
            model,
            tools,
            tool_rules,
            settings,
            metadata,
            letta,
            tags,
            blocks,
        } = new;
        let mut agent = default_agent(&checked_name(&name)?, agent_type, self.store.now_ms());
        agent.description = description.unwrap_or_default();
        agent.model = self.checked_model(model)?;
        agent.settings = settings;
        agent.metadata = metadata;
        agent.letta = letta;
        agent.tags = tags;
        if let Some(system) = system {
            agent.system = system;
        }
        if let Some(tools) = tools {
            self.check_tools(&tools)?;
            agent.tools = tools;
        }
        if let Some(rules) = tool_rules {
            agent.tool_rules = checked_rules(rules)?;
        }
        self.write(|writer| {
            writer.insert_agent(&agent)?;
            let provenance = Provenance { agent_id: Some(agent.id.clone()), ..Provenance::user("create") };
            for block in blocks {
                let id = match block {
                    BlockOfAgent::New(new) => self.insert_block(writer, *new, &provenance)?.id,
                    BlockOfAgent::Shared(id) => BlockId(id),
                };
                writer.attach_block(&agent.id, &id)?;
            }
            Ok::<_, ApiError>(())
        })?;
        self.send(About::default(), EventKind::AgentsChanged);
        Ok(agent)
    }

    /// Changes an agent, all of it or nothing.
    pub fn update_agent_record(&self, agent_id: &str, changes: AgentChanges) -> Result<Agent, ApiError> {
        let AgentChanges {
            name,
            description,
            system,
            model,
            tools,
            tool_rules,
            settings,
            metadata,
            letta,
            tags,
            block_ids,
        } = changes;
        let mut agent = self.agent_record(agent_id)?;
        if let Some(name) = name {
            agent.name = checked_name(&name)?;
        }
        if let Some(model) = model {
            agent.model = self.checked_model(Some(model))?;
        }
        if let Some(tools) = tools {
            self.check_tools(&tools)?;
            agent.tools = tools;
        }
        if let Some(rules) = tool_rules {
            agent.tool_rules = checked_rules(rules)?;
        }
        if let Some(fields) = settings {
            agent.settings = without_nulls(with_fields(&agent.settings, &fields));
        }
        if let Some(fields) = letta {
            agent.letta = with_fields(&agent.letta, &fields);
        }
        agent.description = description.unwrap_or(agent.description);
        agent.system = system.unwrap_or(agent.system);
        agent.metadata = metadata.unwrap_or(agent.metadata);
        agent.tags = tags.unwrap_or(agent.tags);
        agent.updated_at_ms = self.store.now_ms();
        self.write(|writer| {
            writer.update_agent(&agent)?;
            let Some(wanted) = block_ids else { return Ok::<_, ApiError>(()) };
            for block in writer.blocks_of(&agent.id)? {
                if !wanted.contains(&block.id.0) {
                    writer.detach_block(&agent.id, &block.id)?;
                }
            }
            for id in wanted {
                writer.attach_block(&agent.id, &BlockId(id))?;
            }
            Ok(())
        })?;
        self.send(About::agent(agent_id), EventKind::AgentsChanged);
        Ok(agent)
    }

    /// Moves an agent to the bin; its turn is stopped.
    pub fn delete_agent_record(&self, agent_id: &str) -> Result<(), ApiError> {
        self.agent_record(agent_id)?;
        self.delete_agent(AgentRef { agent_id: agent_id.to_owned() })?;
        Ok(())
    }

    /// The tools that a new agent of this type is given.
    pub fn base_tools(&self, agent_type: AgentType) -> Vec<String> {
        default_tools(agent_type)
    }

    /// The rules that a new agent of this type is given.
    pub fn base_tool_rules(&self, agent_type: AgentType) -> Value {
        default_tool_rules(agent_type)
    }

    /// The handle of the model that answers for an agent.
    pub fn model_handle_of(&self, agent: &Agent) -> Result<String, ApiError> {
        agent.model.clone().map_or_else(|| self.default_model(), Ok)
    }

    /// The tokens of the window that an agent has: its model's, or what its settings allow of it.
    pub fn window_tokens_of(&self, agent: &Agent) -> Result<usize, ApiError> {
        let handle = self.model_handle_of(agent)?;
        let known = self.models.list(&handle)?.into_iter().find(|model| model.handle == handle);
        let of_model = known.and_then(|model| model.context_window_tokens).unwrap_or(UNKNOWN_WINDOW_TOKENS);
        let settings: AgentSettings = self.settings()?.for_agents().for_agent(agent);
        Ok(settings.window_tokens(of_model))
    }
}

/// How an agent of V1's kind `name` runs here; `None` is not a kind of V1.
pub fn runs_as(name: &str) -> Option<AgentType> {
    match name {
        "memgpt_agent" | "memgpt_v2_agent" | "split_thread_agent" => Some(AgentType::MemgptAgent),
        "letta_v1_agent"
        | "react_agent"
        | "workflow_agent"
        | "sleeptime_agent"
        | "voice_convo_agent"
        | "voice_sleeptime_agent" => Some(AgentType::LettaV1Agent),
        _ => None,
    }
}

/// The settings of an agent that follow from what clients of V1 set, `letta`, and from the limit of its window.
pub fn client_settings(letta: &Map<String, Value>, window_limit: Option<u64>) -> Map<String, Value> {
    let mut settings = Map::new();
    let number = |value: Option<&Value>| value.and_then(Value::as_u64);
    let of_config = letta.get("llm_config").and_then(|config| number(config.get("context_window")));
    if let Some(window) = window_limit.or(of_config) {
        settings.insert("context_window_limit".to_owned(), json!(window));
    }
    let of_settings = |field: &str| letta.get("model_settings").and_then(|settings| settings.get(field)).cloned();
    if let Some(temperature) = of_settings("temperature").filter(Value::is_number) {
        settings.insert("temperature".to_owned(), temperature);
    }
    let most = number(letta.get("max_tokens")).or_else(|| number(of_settings("max_output_tokens").as_ref()));
    if let Some(most) = most {
        settings.insert("max_answer_tokens".to_owned(), json!(most));
    }
    if let Some(zone) = letta.get("timezone").filter(|zone| zone.is_string()) {
        settings.insert("time_zone".to_owned(), zone.clone());
    }
    settings
}

/// What is said of the window of a model that was not asked yet.
const UNKNOWN_WINDOW_TOKENS: usize = 8192;

fn checked_rules(rules: Value) -> Result<Value, ApiError> {
    ToolRules::from_json(&rules)
        .map_err(|error| ApiError::invalid(format!("The tool rules cannot be read: {error}.")))?;
    Ok(rules)
}

fn without_nulls(object: Value) -> Value {
    match object {
        Value::Object(fields) => fields.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}
