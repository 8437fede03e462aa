//! What clients ask of an agent: to be made, or to be changed.

use std::sync::Arc;

use resident_app::App;
use resident_app::api::{ApiError, Nothing, SetSleeptime};
use resident_app::records::{
    AgentChanges, AgentType, BlockOfAgent, IdentityListing, NewAgent, NewBlock, client_settings, runs_as,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::error::Problem;
use crate::v1::blocks::CreateBlock;
use crate::v1::tools;

/// Fields that only clients of V1 read. They are kept as they came and shown as they are.
const KEPT: [&str; 20] = [
    "llm_config",
    "embedding_config",
    "model",
    "embedding",
    "model_settings",
    "compaction_settings",
    "response_format",
    "timezone",
    "message_buffer_autoclear",
    "max_files_open",
    "per_file_view_window_char_limit",
    "hidden",
    "parallel_tool_calls",
    "project_id",
    "template_id",
    "base_template_id",
    "max_tokens",
    "max_reasoning_tokens",
    "enable_reasoner",
    "reasoning",
];

/// What else belongs to an agent; each list that is given takes the place of what is there.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct Attached {
    folder_ids: Option<Vec<String>>,
    /// The older name of folders.
    source_ids: Option<Vec<String>>,
    identity_ids: Option<Vec<String>>,
    /// Whether another agent tidies its memory in the background.
    enable_sleeptime: Option<bool>,
}

impl Attached {
    pub(super) fn apply(self, app: &Arc<App>, agent_id: &str) -> Result<(), ApiError> {
        if let Some(wanted) = self.folder_ids.or(self.source_ids) {
            for folder in app.folders_of_agent(agent_id)? {
                if !wanted.contains(&folder.id.0) {
                    app.attach_folder(agent_id, folder.id.as_str(), false)?;
                }
            }
            for id in wanted {
                app.attach_folder(agent_id, &id, true)?;
            }
        }
        if let Some(wanted) = self.identity_ids {
            let of_agent = IdentityListing { agent_id: Some(agent_id.into()), ..IdentityListing::default() };
            for identity in app.identity_records(&of_agent)? {
                if !wanted.contains(&identity.id.0) {
                    app.attach_identity(agent_id, identity.id.as_str(), false)?;
                }
            }
            for id in wanted {
                app.attach_identity(agent_id, &id, true)?;
            }
        }
        if let Some(enabled) = self.enable_sleeptime {
            app.set_sleeptime(SetSleeptime { agent_id: agent_id.to_owned(), enabled, every_turns: None })?;
        }
        Ok(())
    }
}

/// An agent to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct CreateAgent {
    name: Option<String>,
    pub(super) agent_type: Option<String>,
    description: Option<String>,
    system: Option<String>,
    #[serde(default)]
    memory_blocks: Option<Vec<CreateBlock>>,
    #[serde(default)]
    block_ids: Option<Vec<String>>,
    tools: Option<Vec<String>>,
    tool_ids: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<Object>>)]
    tool_rules: Option<Value>,
    include_base_tools: Option<bool>,
    include_base_tool_rules: Option<bool>,
    tags: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    context_window_limit: Option<usize>,
    #[serde(flatten)]
    pub(super) attached: Attached,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    rest: Map<String, Value>,
}

/// What of a request is kept for clients, and what of it Resident acts on.
struct Kept {
    letta: Map<String, Value>,
    settings: Map<String, Value>,
    /// The handle of a model that is here.
    model: Option<String>,
    /// Why another model answers than the one asked for.
    note: Option<String>,
}

/// Sorts out what Resident does not name itself.
fn sort_out(app: &App, rest: Map<String, Value>, window_limit: Option<usize>) -> Result<Kept, ApiError> {
    let mut letta: Map<String, Value> = rest.into_iter().filter(|(name, _)| KEPT.contains(&name.as_str())).collect();
    letta.retain(|_, value| !value.is_null());
    let from_config = |config: &str| {
        let config = letta.get(config)?;
        let handle = config.get("handle").and_then(Value::as_str).map(str::to_owned);
        handle.or_else(|| {
            config.get("model").or(config.get("embedding_model"))?.as_str().map(|name| format!("openai/{name}"))
        })
    };
    let asked = letta.get("model").and_then(Value::as_str).map(str::to_owned).or_else(|| from_config("llm_config"));
    let embedding =
        letta.get("embedding").and_then(Value::as_str).map(str::to_owned).or_else(|| from_config("embedding_config"));
    if let Some(embedding) = embedding {
        letta.insert("embedding".to_owned(), json!(embedding));
    }
    let (mut model, mut note) = (None, None);
    if let Some(asked) = asked {
        let known = app.list_models(Nothing {})?.iter().any(|known| known.handle == asked);
        if known {
            model = Some(asked.clone());
        } else {
            tracing::info!(%asked, "a client asked for a model that is not here; the default answers");
            note = Some(format!("{asked} is not configured here; the default model answers."));
            model = Some(String::new());
        }
        letta.insert("model".to_owned(), json!(asked));
    }
    let settings = client_settings(&letta, window_limit.map(|limit| limit as u64));
    Ok(Kept { letta, settings, model, note })
}

/// V1's word for a kind of agent, and how Resident runs it.
pub(super) fn read_agent_type(name: Option<&str>) -> Result<AgentType, Problem> {
    let Some(name) = name else { return Ok(AgentType::LettaV1Agent) };
    let wrong = || Problem::invalid(&["body", "agent_type"], format!("`{name}` is not a kind of agent"));
    runs_as(name).ok_or_else(wrong)
}

/// A block's text with `{{name}}` replaced by what the client calls so.
fn filled_in(text: String, variables: &Map<String, Value>) -> String {
    variables.iter().fold(text, |text, (name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.replace(&format!("{{{{{name}}}}}"), &value)
    })
}

/// The tools that a new agent is given: those of every new agent here, and those that V1 gives to its kind, which its
/// clients count on.
fn base_tools(app: &App, agent_type: AgentType) -> Vec<String> {
    let of_v1 = ["conversation_search", "memory_replace", "memory_insert"].map(str::to_owned);
    app.base_tools(agent_type).into_iter().chain(of_v1).collect()
}

/// The names of the tools that a request names by name or by id.
pub(super) fn tool_names(app: &App, names: Vec<String>, ids: Vec<String>) -> Result<Vec<String>, ApiError> {
    let known = if ids.is_empty() { Vec::new() } else { tools::all(app)? };
    let by_id = ids.into_iter().map(|id| {
        let tool = known.iter().find(|tool| tool.id == id);
        tool.map(|tool| tool.name.clone()).ok_or_else(|| ApiError::not_found("tool", &id))
    });
    let mut all = names;
    all.extend(by_id.collect::<Result<Vec<_>, _>>()?);
    let mut seen = Vec::new();
    all.retain(|name| {
        let new = !seen.contains(name);
        seen.push(name.clone());
        new
    });
    Ok(all)
}

pub(super) fn new_agent(app: &App, request: CreateAgent, agent_type: AgentType) -> Result<NewAgent, ApiError> {
    let CreateAgent {
        name,
        agent_type: type_name,
        description,
        system,
        memory_blocks,
        block_ids,
        tools,
        tool_ids,
        tool_rules,
        include_base_tools,
        include_base_tool_rules,
        tags,
        metadata,
        context_window_limit,
        attached: _,
        rest,
    } = request;
    let variables = rest.get("memory_variables").and_then(Value::as_object).cloned().unwrap_or_default();
    let Kept { mut letta, settings, model, note } = sort_out(app, rest, context_window_limit)?;
    if let Some(type_name) = type_name {
        letta.insert("agent_type".to_owned(), json!(type_name));
    }
    let base = if include_base_tools == Some(false) { Vec::new() } else { base_tools(app, agent_type) };
    let asked = base.into_iter().chain(tools.unwrap_or_default()).collect();
    let tools = tool_names(app, asked, tool_ids.unwrap_or_default())?;
    let base_rules = include_base_tool_rules != Some(false) && include_base_tools != Some(false);
    let tool_rules = match (tool_rules, base_rules) {
        (Some(Value::Array(rules)), true) => {
            let base = app.base_tool_rules(agent_type).as_array().cloned().unwrap_or_default();
            Some(base.into_iter().chain(rules).collect())
        }
        (Some(rules @ Value::Array(_)), false) => Some(rules),
        (_, true) => None,
        (_, false) => Some(json!([])),
    };
    let mut metadata = metadata.filter(Value::is_object).unwrap_or_else(|| json!({}));
    if let (Some(note), Some(metadata)) = (note, metadata.as_object_mut()) {
        metadata.insert("resident_note".to_owned(), json!(note));
    }
    let made = memory_blocks.unwrap_or_default().into_iter().map(|block| {
        let mut block = NewBlock::from(block);
        block.value = filled_in(block.value, &variables);
        BlockOfAgent::New(Box::new(block))
    });
    let shared = block_ids.unwrap_or_default().into_iter().map(BlockOfAgent::Shared);
    Ok(NewAgent {
        name: name.unwrap_or_else(|| "Agent".to_owned()),
        agent_type,
        description,
        system,
        model,
        tools: Some(tools),
        tool_rules,
        settings: Value::Object(settings),
        metadata,
        letta: Value::Object(letta),
        tags: tags.unwrap_or_default(),
        blocks: made.chain(shared).collect(),
    })
}

/// Changes to an agent; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct UpdateAgent {
    name: Option<String>,
    description: Option<String>,
    system: Option<String>,
    tool_ids: Option<Vec<String>>,
    block_ids: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<Object>>)]
    tool_rules: Option<Value>,
    tags: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    context_window_limit: Option<usize>,
    #[serde(flatten)]
    pub(super) attached: Attached,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    rest: Map<String, Value>,
}

pub(super) fn changes(app: &App, request: UpdateAgent) -> Result<AgentChanges, ApiError> {
    let UpdateAgent {
        name,
        description,
        system,
        tool_ids,
        block_ids,
        tool_rules,
        tags,
        metadata,
        context_window_limit,
        attached: _,
        rest,
    } = request;
    let Kept { letta, settings, model, note } = sort_out(app, rest, context_window_limit)?;
    let tools = tool_ids.map(|ids| tool_names(app, Vec::new(), ids)).transpose()?;
    let metadata = match (metadata, note) {
        (Some(Value::Object(mut fields)), Some(note)) => {
            fields.insert("resident_note".to_owned(), json!(note));
            Some(Value::Object(fields))
        }
        (metadata, _) => metadata.filter(Value::is_object),
    };
    Ok(AgentChanges {
        name,
        description,
        system,
        model,
        tools,
        tool_rules: tool_rules.filter(Value::is_array),
        settings: Some(Value::Object(settings)),
        metadata,
        letta: Some(Value::Object(letta)),
        tags,
        block_ids,
    })
}
