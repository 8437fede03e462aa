//! Summaries of evicted messages; the newest of an agent stands in its prompt.

use serde::{Deserialize, Serialize};

use crate::{AgentId, SummaryId};

/// How a summary was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SummaryKind {
    /// Written by the model from the old summary and the evicted messages.
    Recursive,
    /// Sentences taken from the old summary and the evicted messages, since the model's text was unusable.
    Extractive,
}

/// What was said before the window begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: SummaryId,
    /// Whose.
    pub agent_id: AgentId,
    /// Its text.
    pub text: String,
    /// How it was made.
    pub kind: SummaryKind,
    /// The first message that it does not cover: the start of the window when it was written.
    pub window_start_seq: i64,
    /// How many messages were evicted for it.
    pub evicted_messages: i64,
    /// When.
    pub created_at_ms: i64,
}
