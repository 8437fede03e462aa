//! Persistent state of Resident: one entity a file, each with its row, its migration and its queries. SQLite is an
//! implementation detail: no type of it appears in a public signature, since PostgreSQL will stand beside it.
//!
//! Text is the truth. The FTS5 tables and the vectors are derived from it, in the same transaction or later, and can be
//! made anew at any time ([`Store::rebuild_derived`], [`Reader::unembedded`]). Ids are text, as clients see them; what
//! is searched has an integer key besides (`messages.seq`, a passage's row), which is what indexes and vectors carry.
//! Times are milliseconds since the Unix epoch.

mod agent;
mod archive;
mod backup;
mod block;
mod carried;
mod checkpoint;
mod clock;
mod connection;
mod conversation;
mod counts;
mod date;
mod error;
mod file;
mod folder;
mod group;
mod housekeeping;
mod identity;
mod ids;
mod letter;
mod lexical;
mod mcp_server;
mod message;
mod migration;
mod open;
mod page;
mod passage;
mod profile;
mod provenance;
mod setting;
mod sql;
mod store;
mod summary;
mod sync;
mod tool;
mod turn;
mod vector;

pub use agent::{Agent, AgentType};
pub use archive::{Archive, ArchiveKind, ArchiveListing, PassageScope};
pub use backup::{Backup, list_backups, restore_backup, restore_file};
pub use block::{Alteration, Block, BlockAlteration, BlockRevision};
pub use carried::Carried;
pub use clock::{Clock, ManualClock, SystemClock};
pub use conversation::{Conversation, ConversationListing, Thread};
pub use error::{Source, StoreError};
pub use file::{FileListing, FileView, FolderFile};
pub use folder::{Folder, FolderListing};
pub use group::{Group, GroupListing, ManagerType};
pub use identity::{Identity, IdentityListing};
pub use ids::{
    AgentId, ArchiveId, BlockId, ConversationId, FileId, FolderId, GroupId, IdentityId, McpServerId, MessageId,
    PassageId, StepId, SummaryId, ToolId, TurnId,
};
pub use letter::Letter;
pub use lexical::{LexicalHit, TextTable, WordPlace};
pub use mcp_server::{McpServer, McpServerKind};
pub use message::{Message, MessageFilter, MessageListing, NewMessage, Role, ToolCall, ToolStatus, WindowMessages};
pub use page::Page;
pub use passage::{Passage, PassageFilter, PassageRevision};
pub use provenance::{Actor, Provenance};
pub use sql::{Reader, Writer};
pub use store::Store;
pub use summary::{Summary, SummaryKind};
pub use tool::{ToolDefinition, ToolListing, ToolType};
pub use turn::{Step, StepListing, Turn, TurnListing, TurnStatus};
pub use vector::change::VectorChanges;
pub use vector::{RowsBefore, StoredVector, Unembedded, VectorGroup, VectorOwner, VectorRow};
