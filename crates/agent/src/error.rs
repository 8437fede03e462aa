//! Why something about an agent could not be done. What a model can repair is no error here: it is the failed result
//! of a tool. What ends a turn (a model that cannot be reached) is recorded in the turn and is no error either, so
//! that whoever runs a turn needs to handle only what keeps the turn from being recorded at all.

use resident_memory::MemoryError;
use resident_store::{AgentId, ConversationId, MessageId, StoreError, TurnId};
use thiserror::Error;

use crate::ModelError;

/// Why something about an agent could not be done.
#[derive(Debug, Error)]
pub enum AgentError {
    /// A message without any text.
    #[error("the message is empty")]
    Empty,
    /// Another turn of the agent runs.
    #[error("{agent_id} is still answering")]
    Busy {
        /// The agent.
        agent_id: AgentId,
    },
    /// A message that no window of this size can hold.
    #[error("the message needs {message_tokens} tokens; the context window has room for {room_tokens}")]
    TooLong {
        /// What the message needs.
        message_tokens: usize,
        /// What is left beside the instructions.
        room_tokens: usize,
    },
    /// No such agent.
    #[error("there is no agent {0}")]
    AgentNotFound(AgentId),
    /// No such conversation of the agent.
    #[error("there is no conversation {0}")]
    ConversationNotFound(ConversationId),
    /// No such turn.
    #[error("there is no turn {0}")]
    TurnNotFound(TurnId),
    /// No such message.
    #[error("there is no message {0}")]
    MessageNotFound(MessageId),
    /// Only what the user said can be said anew.
    #[error("{0} is not a message of the user")]
    NotUserMessage(MessageId),
    /// The turn does not wait for an approval.
    #[error("{0} does not wait for an approval")]
    NotPending(TurnId),
    /// The turn was already ended.
    #[error("{0} does not run")]
    NotRunning(TurnId),
    /// There is nothing that could be evicted from the window.
    #[error("the window of {0} holds a single turn; there is nothing to evict")]
    NothingToCompact(AgentId),
    /// The tool rules of an agent are not in V1's form.
    #[error("the tool rules of {agent_id} cannot be read: {source}")]
    ToolRules {
        /// The agent.
        agent_id: AgentId,
        /// What is wrong with them.
        source: serde_json::Error,
    },
    /// The user stopped it.
    #[error("stopped")]
    Cancelled,
    /// Memory refused or failed.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}
