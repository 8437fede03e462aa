//! What a request asks of its turn alone, kept with the turn as JSON so that a turn that waited, or was retried, goes on
//! as it was asked. Fields that no turn reads are left to whoever wrote them.

use resident_store::{AgentId, GroupId, Turn};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::ToolSchema;

/// What a request asks of its turn.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnOptions {
    /// The most steps, where that is less than or more than the agent has.
    pub max_steps: Option<usize>,
    /// The handle of the model that answers instead of the agent's.
    pub model: Option<String>,
    /// The instructions that take the place of the agent's.
    pub system: Option<String>,
    /// Tools that the client runs itself.
    pub client_tools: Vec<ClientTool>,
    /// Whether nobody waits for the turn.
    pub background: bool,
    /// The group in which it is talked.
    pub group_id: Option<GroupId>,
    /// Tools of Resident that the agent has for this turn alone.
    pub tools: Vec<String>,
    /// The agents that wait for this turn to end, each for the next.
    pub asked_by: Vec<AgentId>,
    /// Whether the turn is there to tidy the agent's blocks.
    pub tidies: bool,
}

/// A tool that the client runs itself: a call of it ends the run of the turn until the client brings the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientTool {
    /// Its name.
    pub name: String,
    /// What it does, as the model is told.
    #[serde(default)]
    pub description: Option<String>,
    /// A JSON schema of its arguments.
    #[serde(default)]
    pub parameters: Option<Value>,
}

impl TurnOptions {
    /// The options as they are kept with a turn.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("options are plain data")
    }

    /// What was asked of `turn`. Options that cannot be read are named in the log and count as none, since what was said
    /// is recorded and wants an answer.
    pub fn of(turn: &Turn) -> Self {
        serde_json::from_value(turn.options.clone()).unwrap_or_else(|error| {
            tracing::warn!(turn = %turn.id, %error, "the options of a turn could not be read");
            Self::default()
        })
    }

    /// Whether the client runs a tool of that name.
    pub(crate) fn has_client_tool(&self, name: &str) -> bool {
        self.client_tools.iter().any(|tool| tool.name == name)
    }

    /// What the model is told of the client's tools.
    pub(crate) fn client_schemas(&self) -> Vec<ToolSchema> {
        let schema = |tool: &ClientTool| ToolSchema {
            name: tool.name.clone(),
            description: tool.description.clone().unwrap_or_default(),
            parameters: tool.parameters.clone().unwrap_or_else(|| json!({ "type": "object", "properties": {} })),
        };
        self.client_tools.iter().map(schema).collect()
    }
}
