//! Other agents, as the tools of an agent reach them. Whoever gives a turn its context carries the messages: it knows which
//! agents there are, which of them are busy, and who waits for whom.

use resident_store::{Agent, AgentId, Turn};

use crate::model::Cancel;

/// What an agent has to say to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Asks one and waits for its answer.
    Ask {
        /// Whom.
        agent_id: AgentId,
        /// What.
        message: String,
    },
    /// Tells one, who hears it when it is free.
    Tell {
        /// Whom.
        agent_id: AgentId,
        /// What.
        message: String,
    },
    /// Asks all that have every one of some tags, and one at least of others, and waits for their answers.
    AskTagged {
        /// Tags that each has.
        match_all: Vec<String>,
        /// Tags of which each has one; any agent when empty.
        match_some: Vec<String>,
        /// What.
        message: String,
    },
    /// Asks the agents of the group that the asking one leads, in their order.
    AskGroup {
        /// What.
        message: String,
    },
}

/// The other agents.
pub trait OtherAgents: Send + Sync {
    /// Does an errand for `from` in its turn, and returns what the model reads of it.
    ///
    /// # Errors
    /// In words, for the model, when it cannot be done.
    fn run(&self, from: &Agent, turn: &Turn, errand: &Errand, cancel: &Cancel) -> Result<String, String>;
}
