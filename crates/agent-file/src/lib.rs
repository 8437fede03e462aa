//! Agent files (`.af`): agents that travel between programs, read in every form that was ever written and written so
//! that V1 reads them.
//!
//! [`read`] makes bytes into a portable graph, [`AgentFile`], and says what a person should know about the file;
//! [`write()`] makes a graph into bytes. Beside them are chats as other programs keep them: [`chatgpt`] reads an export,
//! [`chat`] writes Markdown and JSON.
//!
//! Everything here is a pure function of its input: there is no clock, no randomness, no file and no network, and
//! nothing of a file is ever run. A file is hostile until shown otherwise: [`Limits`] bound what is read, ids are the
//! file's own, and what is not seen by a person is pointed out.

mod canonical;
pub mod chat;
pub mod chatgpt;
mod error;
mod fields;
mod graph;
mod hidden;
mod json;
mod kept;
mod legacy;
mod limits;
mod links;
mod names;
mod notice;
pub mod packed;
mod place;
mod read;
mod secrets;
mod settle;
mod strict;
pub mod time;
mod write;

pub use error::AgentFileError;
pub use graph::{
    AGENT_TYPES, Agent, AgentFile, AgentSettings, Archive, Block, BlockRevision, Conversation, Extra, File, FileView,
    Folder, Group, MANAGER_KINDS, Manager, McpServer, Message, Part, Passage, PassageRevision, Provenance, Resident,
    Role, Skill, Summary, TOOL_TYPES, Tool, ToolCall, ToolReturn,
};
pub use hidden::Hidden;
pub use limits::Limits;
pub use links::Kind as IdKind;
pub use names::safe_file_name;
pub use notice::{Notice, NoticeKind};
pub use read::{Form, Read, read};
pub use write::{WriteOptions, write};
