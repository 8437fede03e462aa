//! Tools that something outside of Resident runs, such as a server of the Model Context Protocol. Whoever gives a turn
//! its context says which there are; an agent can call those that are attached to it.

use resident_store::ToolStatus;
use serde_json::Value;

use crate::model::{Cancel, ToolSchema};

/// What a tool outside gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideResult {
    /// Whether it did what it was asked.
    pub status: ToolStatus,
    /// Its result, or why there is none; read by the model.
    pub text: String,
}

/// Tools outside.
pub trait OutsideTools: Send + Sync {
    /// Those of `names` that can be called now.
    fn schemas(&self, names: &[String]) -> Vec<ToolSchema>;

    /// Calls a tool and waits for its result, or until the turn is stopped.
    fn call(&self, name: &str, arguments: &Value, cancel: &Cancel) -> OutsideResult;
}
