//! What is carried with agents, taken down when a file comes in and put back when agents go out.
//!
//! After an import the graph of the new rows is made, as an export would make it, and compared with the file thing by
//! thing: whatever differs is carried. So an export gives the file back by construction, and nobody has to remember
//! which key of which program has no column.

mod back;
mod down;

use std::collections::HashSet;

use resident_agent_file::{AgentFile, Group};
use serde::{Deserialize, Serialize};

pub(super) use back::{restored, with_companions};
pub(super) use down::take_down;

/// What is carried about the file as a whole, with its first agent.
const FILE: &str = "file";

/// What a file has that belongs to none of its agents.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Loose {
    /// Things that no agent refers to, skills, and what the file says of itself.
    file: AgentFile,
    /// Servers that no tool comes from and the profile keeps.
    server_ids: Vec<String>,
}

fn settings_about(agent_id: &str) -> String {
    format!("settings of {agent_id}")
}

fn revisions_about(block_id: &str) -> String {
    format!("revisions of {block_id}")
}

/// The agents of a group, with the one that leads it.
fn members(group: &Group) -> Vec<String> {
    let mut members: Vec<String> = group.manager.agent_id.iter().chain(&group.agent_ids).cloned().collect();
    let mut seen = HashSet::new();
    members.retain(|id| seen.insert(id.clone()));
    members
}
