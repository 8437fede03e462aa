//! The portable graph: agents and what belongs to them, as files carry them between programs.
//!
//! Things refer to each other by ids that mean something only within one file; they are never taken for ids of a
//! profile. What Resident uses has a field; everything else stays in `extra` under its own key, so that a file goes out
//! with all that it came in with.

mod agent;
mod block;
mod call;
mod folder;
mod group;
mod memory;
mod message;
mod out;
mod resident;
mod skill;
mod tool;

pub(crate) use agent::AS_IT_IS;
pub use agent::{AGENT_TYPES, Agent};
pub use block::Block;
pub use call::{ToolCall, ToolReturn};
pub use folder::{File, FileView, Folder};
pub use group::{Group, MANAGER_KINDS, Manager};
pub use memory::{Archive, BlockRevision, Passage, PassageRevision, Provenance};
pub use message::{Message, Part, Role};
pub(crate) use out::Out;
pub use resident::{AgentSettings, Conversation, Resident, Summary};
pub use skill::Skill;
pub use tool::{McpServer, TOOL_TYPES, Tool};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a JSON object holds beside what has a field.
pub type Extra = Map<String, Value>;

/// A whole file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AgentFile {
    /// The agents; the first is the one that the file is about.
    pub agents: Vec<Agent>,
    /// How agents work together.
    pub groups: Vec<Group>,
    /// Core memory blocks of all agents.
    pub blocks: Vec<Block>,
    /// Files, with their text.
    pub files: Vec<File>,
    /// Folders of files (`sources` in the file).
    pub folders: Vec<Folder>,
    /// Tools of all agents.
    pub tools: Vec<Tool>,
    /// Servers of the Model Context Protocol that tools come from.
    pub mcp_servers: Vec<McpServer>,
    /// Skills: folders of instructions. Resident keeps them and does nothing with them.
    pub skills: Vec<Skill>,
    /// What the program that wrote the file says of it (`revision_id`).
    pub metadata: Extra,
    /// When it was written, in the form of [`crate::time`].
    pub created_at: Option<String>,
    /// What V1 has no place for.
    pub resident: Resident,
    /// Other keys.
    pub extra: Extra,
}
