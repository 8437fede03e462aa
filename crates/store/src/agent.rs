//! Agents: who answers, with which instructions, model and tools. The message window of an agent is the run of its
//! messages from `window_start_seq` on; what came before is evicted (still in recall) and stands in the summary.

use serde::{Deserialize, Serialize};

use crate::AgentId;

/// How an agent speaks and chains its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentType {
    /// Speaks through `send_message`, chains with `request_heartbeat`.
    MemgptAgent,
    /// Speaks in plain text; a step with tool calls continues, one without ends the turn.
    LettaV1Agent,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its name, which is also the assistant's name on screen.
    pub name: String,
    /// What it is for, in the user's words.
    pub description: String,
    /// How it speaks and chains.
    pub agent_type: AgentType,
    /// The instructions that open its prompt.
    pub system: String,
    /// The handle of its language model (`local/<id>` or `remote/<endpoint>/<model>`); `None` is the default model.
    pub model: Option<String>,
    /// Names of the tools attached to it.
    pub tools: Vec<String>,
    /// Tool rules as data, in V1's form (`[{"type": "exit_loop", "tool_name": …}]`).
    pub tool_rules: serde_json::Value,
    /// Settings that override the profile's (`context_window_limit`, `max_steps`, `temperature`, …).
    pub settings: serde_json::Value,
    /// Whatever a client wants to keep with it; never read by Resident.
    pub metadata: serde_json::Value,
    /// The first message that is still in the context window.
    pub window_start_seq: i64,
    /// When it was created.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When it was moved to the bin.
    pub deleted_at_ms: Option<i64>,
}
