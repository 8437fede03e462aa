//! Persistent state of Resident: one entity a file, each with its row, its migration and its queries. SQLite is an
//! implementation detail: no type of it appears in a public signature, since PostgreSQL will stand beside it.

mod agent;
mod block;
mod clock;
mod ids;
mod message;
mod passage;
mod provenance;
mod setting;
mod summary;
mod turn;
mod vector;

pub use agent::{Agent, AgentType};
pub use block::{Block, BlockRevision};
pub use clock::{Clock, ManualClock, SystemClock};
pub use ids::{AgentId, BlockId, MessageId, PassageId, StepId, SummaryId, TurnId};
pub use message::{Message, NewMessage, Role, ToolCall, ToolStatus};
pub use passage::{Passage, PassageRevision};
pub use provenance::{Actor, Provenance};
pub use summary::{Summary, SummaryKind};
pub use turn::{Step, Turn, TurnStatus};
pub use vector::{StoredVector, Unembedded, VectorOwner};
