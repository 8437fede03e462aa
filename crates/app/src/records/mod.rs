//! What the store keeps, as it keeps it: for doors that show all of an entity, where the window shows a view of it. What
//! a door may set here is checked as strictly as through the window.

mod agents;
mod blocks;
mod conversations;
mod folders;
mod identities;
mod mcp;
mod passages;
mod requests;
mod tools;
mod turns;

pub use crate::groups::{GroupChanges, NewGroup};
pub use agents::{AgentChanges, BlockOfAgent, NewAgent, client_settings, runs_as};
pub(crate) use blocks::with_fields;
pub use blocks::{BlockChanges, NewBlock};
pub use conversations::{ConversationChanges, NewConversation};
pub use folders::{Duplicate, FolderFields, Upload};
pub use identities::IdentityFields;
pub use mcp::{McpRefresh, McpServerFields, McpServerToAllow};
pub use passages::NewArchive;
pub use requests::PendingCalls;
pub use resident_agent::{Decision, Said, TurnRequest};
pub use resident_memory::archival::NewPassages;
pub use resident_memory::{ArchivalHit, ArchivalQuery, Sort};
pub use resident_store::{
    Agent, AgentId, AgentType, Archive, ArchiveId, ArchiveListing, Block, BlockId, Conversation, ConversationId,
    FileId, FileListing, FileView, Folder, FolderFile, FolderId, FolderListing, Group, GroupId, GroupListing, Identity,
    IdentityId, IdentityListing, ManagerType, McpServer, McpServerId, McpServerKind, Message, MessageId,
    MessageListing, Page, Passage, PassageFilter, PassageId, PassageScope, Role, Step, StepId, StepListing, Thread,
    ToolCall, ToolDefinition, ToolId, ToolListing, ToolStatus, ToolType, Turn, TurnId, TurnListing, TurnStatus,
};
pub use tools::{BuiltinTool, ToolDescription, builtin_id, builtin_type};
pub(crate) use tools::{RETURN_CHARS, builtin};
pub use turns::MessageRow;
