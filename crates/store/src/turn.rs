//! Turns and their steps. A turn that is `running` when the store opens was interrupted: nobody runs it any more.

use serde::{Deserialize, Serialize};

use crate::{AgentId, MessageId, StepId, TurnId};

/// Where a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnStatus {
    /// Its driver runs.
    Running,
    /// It came to its end.
    Completed,
    /// The program ended before the turn did; it can be retried.
    Interrupted,
    /// The user stopped it.
    Cancelled,
    /// It ended with an error; it can be retried.
    Failed,
}

/// From a user message (or another event) to the final answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// Whose turn it is.
    pub agent_id: AgentId,
    /// The message that began it.
    pub message_id: Option<MessageId>,
    /// Where it stands.
    pub status: TurnStatus,
    /// Why it ended, in V1's words (`end_turn`, `max_steps`, `cancelled`, `error`, …).
    pub stop_reason: Option<String>,
    /// What went wrong, for the user.
    pub error: Option<String>,
    /// When it began.
    pub started_at_ms: i64,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
}

/// One model call and the tools it calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its id.
    pub id: StepId,
    /// Its turn.
    pub turn_id: TurnId,
    /// Its agent.
    pub agent_id: AgentId,
    /// Counts from 0 within its turn.
    pub number: i64,
    /// The handle of the model that was called.
    pub model: String,
    /// Tokens of the prompt.
    pub prompt_tokens: i64,
    /// Tokens of the prompt that were not evaluated again.
    pub cached_tokens: i64,
    /// Tokens that the model wrote.
    pub completion_tokens: i64,
    /// From the start of the model call to the end of the last tool.
    pub duration_ms: i64,
    /// What the step saw and did, for the Why pane: intent, retrieved memories with their reasons, the menu of tools.
    pub trace: serde_json::Value,
    /// When it began.
    pub started_at_ms: i64,
}
