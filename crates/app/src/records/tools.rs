//! The tools that Resident brings.

use resident_agent::{tool, tool_names, tool_schema};
use resident_store::AgentType;
use serde_json::Value;

use crate::App;
use crate::api::ApiError;

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

impl App {
    /// The tools that Resident brings, in the order of their names.
    pub fn builtin_tools(&self) -> Vec<BuiltinTool> {
        let mut tools: Vec<_> = tool_names().filter_map(builtin).collect();
        tools.sort_by_key(|tool| tool.name);
        tools
    }

    /// Refuses names that are no tools.
    pub(crate) fn check_tools(&self, names: &[String]) -> Result<(), ApiError> {
        match names.iter().find(|name| tool(name).is_none()) {
            Some(unknown) => Err(ApiError::not_found("tool", unknown)),
            None => Ok(()),
        }
    }
}

fn builtin(name: &'static str) -> Option<BuiltinTool> {
    let tool = tool(name)?;
    let parameters = tool_schema(tool, AgentType::LettaV1Agent);
    Some(BuiltinTool { name: tool.name, description: tool.description, parameters })
}
