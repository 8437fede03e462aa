//! Tools: those that Resident brings, and those that clients describe. The latter are never run here.

use resident_agent::{run_tool, tool, tool_names, tool_schema};
use resident_store::{AgentType, ToolDefinition, ToolId, ToolListing, ToolType};
use serde_json::Value;

use super::blocks::with_fields;
use crate::App;
use crate::api::{ApiError, EventKind};
use crate::event_log::About;

/// A tool that Resident brings, as a client may show it.
#[derive(Debug, Clone, PartialEq)]
pub struct BuiltinTool {
    /// Its name.
    pub name: &'static str,
    /// What it does, as models are told.
    pub description: &'static str,
    /// A JSON schema of its arguments.
    pub parameters: Value,
}

/// A tool as a client describes it. What is `None` stays as it is, or is empty where the tool is new.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolDescription {
    /// Its schema in the form of function calling: `{name, description, parameters}`.
    pub json_schema: Option<Value>,
    /// What it does, where the schema should not say it.
    pub description: Option<String>,
    /// Its text, which is never run.
    pub source_code: Option<String>,
    /// The language of the text.
    pub source_type: Option<String>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// Whether calls wait for a person.
    pub default_requires_approval: Option<bool>,
    /// The longest result that a model is shown, in characters.
    pub return_char_limit: Option<usize>,
    /// Fields to set in what a client wants to keep with it.
    pub metadata: Option<Value>,
}

/// The longest result of a tool in V1.
pub(crate) const RETURN_CHARS: usize = 50_000;

/// The id of a tool that Resident brings: the same in every profile.
pub fn builtin_id(name: &str) -> String {
    // V1 wants the form of a random UUID, so the version of one made from a name is overwritten.
    let mut bytes =
        *uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("resident/tool/{name}").as_bytes()).as_bytes();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    format!("tool-{}", uuid::Uuid::from_bytes(bytes))
}

/// V1's kind of a tool that Resident brings.
pub fn builtin_type(name: &str) -> &'static str {
    match name {
        "send_message" | "conversation_search" | "archival_memory_insert" | "archival_memory_search" => "letta_core",
        "memory_finish_edits" => "letta_sleeptime_core",
        "open_files" | "grep_files" | "semantic_search_files" => "letta_files_core",
        name if name.starts_with("send_message_to_") => "letta_multi_agent_core",
        _ => "letta_memory_core",
    }
}

impl App {
    /// The tools that Resident brings, in the order of their names.
    pub fn builtin_tools(&self) -> Vec<BuiltinTool> {
        let mut tools: Vec<_> = tool_names().filter_map(builtin).collect();
        tools.sort_by_key(|tool| tool.name);
        tools
    }

    /// The tools that clients described, oldest first.
    pub fn tool_definitions(&self) -> Result<Vec<ToolDefinition>, ApiError> {
        self.store.read(|reader| Ok(reader.list_tools(&ToolListing::default())?))
    }

    /// A tool that a client described.
    pub fn tool_definition(&self, tool_id: &str) -> Result<ToolDefinition, ApiError> {
        let found = self.store.read::<_, ApiError>(|reader| Ok(reader.tool(&ToolId::from(tool_id))?))?;
        found.filter(|tool| tool.deleted_at_ms.is_none()).ok_or_else(|| ApiError::not_found("tool", tool_id))
    }

    /// Keeps a tool that a client describes; one of the same name is changed.
    pub fn describe_tool(&self, description: ToolDescription) -> Result<ToolDefinition, ApiError> {
        let name = name_of(description.json_schema.as_ref())?;
        let known = self.store.read::<_, ApiError>(|reader| Ok(reader.tool_by_name(&name)?))?;
        let now_ms = self.store.now_ms();
        let is_new = known.is_none();
        let old = known.unwrap_or_else(|| ToolDefinition {
            id: ToolId::new(),
            name,
            description: String::new(),
            json_schema: Value::Null,
            source_code: None,
            source_type: None,
            tags: Vec::new(),
            tool_type: ToolType::Custom,
            default_requires_approval: false,
            return_char_limit: RETURN_CHARS,
            mcp_server_id: None,
            metadata: serde_json::json!({}),
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            deleted_at_ms: None,
        });
        let tool = described(old, description, now_ms)?;
        self.write(|writer| {
            if is_new {
                writer.insert_tool(&tool)?;
            } else {
                writer.update_tool(&tool)?;
            }
            Ok::<_, ApiError>(())
        })?;
        self.send(About::default(), EventKind::AgentsChanged);
        Ok(tool)
    }

    /// Changes a tool that a client described.
    pub fn change_tool(&self, tool_id: &str, description: ToolDescription) -> Result<ToolDefinition, ApiError> {
        let tool = described(self.tool_definition(tool_id)?, description, self.store.now_ms())?;
        self.write(|writer| Ok(writer.update_tool(&tool)?))?;
        Ok(tool)
    }

    /// Moves a tool that a client described to the bin.
    pub fn delete_tool(&self, tool_id: &str) -> Result<(), ApiError> {
        let tool = self.tool_definition(tool_id)?;
        let now_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.set_tool_deleted(&tool.id, Some(now_ms))?))
    }

    /// Runs a tool that Resident brings, for an agent that has it. The result is words in either case.
    pub fn run_tool_of_agent(
        &self,
        agent_id: &str,
        name: &str,
        arguments: &Value,
    ) -> Result<Result<String, String>, ApiError> {
        let agent = self.agent_record(agent_id)?;
        if !agent.tools.iter().any(|tool| tool == name) {
            return Err(ApiError::not_found("tool of this agent", name));
        }
        if tool(name).is_none() {
            return Ok(Err("Resident never runs the code of a tool; the client that brought it does.".to_owned()));
        }
        let zone = self.settings()?.for_agents().for_agent(&agent).zone();
        Ok(run_tool(&self.memory, &agent, (name, arguments), &zone).map(|(text, _)| {
            self.send(About::agent(agent_id), EventKind::BlocksChanged);
            self.send(About::agent(agent_id), EventKind::PassagesChanged);
            text
        }))
    }

    /// Refuses names that are no tools.
    pub(crate) fn check_tools(&self, names: &[String]) -> Result<(), ApiError> {
        self.store.read(|reader| {
            for name in names {
                if tool(name).is_none() && reader.tool_by_name(name)?.is_none() {
                    return Err(ApiError::not_found("tool", name));
                }
            }
            Ok(())
        })
    }
}

pub(crate) fn builtin(name: &'static str) -> Option<BuiltinTool> {
    let tool = tool(name)?;
    let parameters = tool_schema(tool, AgentType::LettaV1Agent);
    Some(BuiltinTool { name: tool.name, description: tool.description, parameters })
}

fn described(old: ToolDefinition, description: ToolDescription, now_ms: i64) -> Result<ToolDefinition, ApiError> {
    let json_schema = description.json_schema.unwrap_or(old.json_schema);
    let name = name_of(Some(&json_schema))?;
    if tool(&name).is_some() {
        return Err(ApiError::invalid(format!("`{name}` is a tool of Resident's own; choose another name.")));
    }
    let of_schema = json_schema["description"].as_str().unwrap_or_default().to_owned();
    let of_old = Some(old.description).filter(|text| !text.is_empty());
    Ok(ToolDefinition {
        name,
        description: description.description.or(of_old).unwrap_or(of_schema),
        json_schema,
        source_code: description.source_code.or(old.source_code),
        source_type: description.source_type.or(old.source_type),
        tags: description.tags.unwrap_or(old.tags),
        default_requires_approval: description.default_requires_approval.unwrap_or(old.default_requires_approval),
        return_char_limit: description.return_char_limit.unwrap_or(old.return_char_limit).clamp(1, 1_000_000),
        metadata: description.metadata.map_or(old.metadata.clone(), |fields| with_fields(&old.metadata, &fields)),
        updated_at_ms: now_ms,
        ..old
    })
}

fn name_of(schema: Option<&Value>) -> Result<String, ApiError> {
    let name = schema.and_then(|schema| schema["name"].as_str()).unwrap_or_default();
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
        return Err(ApiError::invalid(
            "A tool's schema needs a `name` of up to 128 letters, digits, `_`, `-` and `.`.",
        ));
    }
    Ok(name.to_owned())
}
