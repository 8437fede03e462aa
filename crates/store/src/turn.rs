//! Turns and their steps. A turn that is `running` when the store opens was interrupted: nobody runs it any more.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use crate::page::{Listing, Page};
use crate::sql::{Json, Reader, Word, Writer, row_limit};
use crate::{AgentId, ConversationId, MessageId, StepId, StoreError, Thread, TurnId};

/// Where a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnStatus {
    /// Its driver runs.
    Running,
    /// It came to its end.
    Completed,
    /// The program ended before the turn did; it can be retried.
    Interrupted,
    /// The user stopped it.
    Cancelled,
    /// It ended with an error; it can be retried.
    Failed,
}

impl TurnStatus {
    /// The word under which it is kept.
    fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// From a user message (or another event) to the final answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// Whose turn it is.
    pub agent_id: AgentId,
    /// The conversation; `None` is the agent's own thread.
    pub conversation_id: Option<ConversationId>,
    /// The message that began it.
    pub message_id: Option<MessageId>,
    /// Where it stands.
    pub status: TurnStatus,
    /// Why it ended, in V1's words (`end_turn`, `max_steps`, `cancelled`, `error`, …).
    pub stop_reason: Option<String>,
    /// What went wrong, for the user.
    pub error: Option<String>,
    /// The client's request that began it, so that the same request sent again finds it.
    pub request_key: Option<String>,
    /// What the request asked of this turn (`max_steps`, `model`, `client_tools`, `background`, …), as a JSON object.
    pub options: serde_json::Value,
    /// When it began.
    pub started_at_ms: i64,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
}

/// One model call and the tools it calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its id.
    pub id: StepId,
    /// Its turn.
    pub turn_id: TurnId,
    /// Its agent.
    pub agent_id: AgentId,
    /// Counts from 0 within its turn.
    pub number: i64,
    /// The handle of the model that was called.
    pub model: String,
    /// Tokens of the prompt.
    pub prompt_tokens: i64,
    /// Tokens of the prompt that were not evaluated again.
    pub cached_tokens: i64,
    /// Tokens that the model wrote.
    pub completion_tokens: i64,
    /// From the start of the model call to the end of the last tool.
    pub duration_ms: i64,
    /// What the step saw and did, for the Why pane: intent, retrieved memories with their reasons, the menu of tools.
    pub trace: serde_json::Value,
    /// When it began.
    pub started_at_ms: i64,
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE turns (
    key           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    agent_id      TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    message_id    TEXT,
    status        TEXT NOT NULL,
    stop_reason   TEXT,
    error         TEXT,
    started_at_ms INTEGER NOT NULL,
    ended_at_ms   INTEGER
) STRICT;
CREATE INDEX turns_of_agent ON turns (agent_id);
CREATE INDEX turns_running ON turns (key) WHERE status = 'running';

CREATE TABLE steps (
    key               INTEGER PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    turn_id           TEXT NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    agent_id          TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    number            INTEGER NOT NULL,
    model             TEXT NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    cached_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    duration_ms       INTEGER NOT NULL,
    trace             TEXT NOT NULL,
    started_at_ms     INTEGER NOT NULL
) STRICT;
CREATE INDEX steps_of_turn ON steps (turn_id, number);
CREATE INDEX steps_of_agent ON steps (agent_id);
";

/// What clients of Letta's API ask of a turn, and the conversation that it belongs to.
pub(crate) const CLIENT_COLUMNS: &str = "
ALTER TABLE turns ADD COLUMN conversation_id TEXT;
ALTER TABLE turns ADD COLUMN request_key TEXT;
ALTER TABLE turns ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
CREATE INDEX turns_of_request ON turns (agent_id, request_key) WHERE request_key IS NOT NULL;
CREATE INDEX turns_of_thread ON turns (agent_id, conversation_id);
";

/// Which turns are listed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnListing {
    /// Whose; everybody's when empty.
    pub agent_ids: Vec<AgentId>,
    /// Of which conversation; of all, the agents' own threads among them, when `None`.
    pub conversation_id: Option<ConversationId>,
    /// Where they stand; anywhere when empty.
    pub statuses: Vec<TurnStatus>,
    /// Why they ended.
    pub stop_reason: Option<String>,
    /// Whether the request asked for a turn in the background.
    pub background: Option<bool>,
    /// Which part.
    pub page: Page,
}

/// Which steps are listed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepListing {
    /// Whose; everybody's when `None`.
    pub agent_id: Option<AgentId>,
    /// Of which turn.
    pub turn_id: Option<TurnId>,
    /// Of which model, by its handle.
    pub model: Option<String>,
    /// Begun at this time or later.
    pub from_ms: Option<i64>,
    /// Begun before this time.
    pub to_ms: Option<i64>,
    /// Which part.
    pub page: Page,
}

fn turn_of_row(row: &Row<'_>) -> rusqlite::Result<Turn> {
    Ok(Turn {
        id: TurnId(row.get("id")?),
        agent_id: AgentId(row.get("agent_id")?),
        conversation_id: row.get::<_, Option<String>>("conversation_id")?.map(ConversationId),
        message_id: row.get::<_, Option<String>>("message_id")?.map(MessageId),
        status: row.get::<_, Word<_>>("status")?.0,
        stop_reason: row.get("stop_reason")?,
        error: row.get("error")?,
        request_key: row.get("request_key")?,
        options: row.get::<_, Json<_>>("options")?.0,
        started_at_ms: row.get("started_at_ms")?,
        ended_at_ms: row.get("ended_at_ms")?,
    })
}

fn step_of_row(row: &Row<'_>) -> rusqlite::Result<Step> {
    Ok(Step {
        id: StepId(row.get("id")?),
        turn_id: TurnId(row.get("turn_id")?),
        agent_id: AgentId(row.get("agent_id")?),
        number: row.get("number")?,
        model: row.get("model")?,
        prompt_tokens: row.get("prompt_tokens")?,
        cached_tokens: row.get("cached_tokens")?,
        completion_tokens: row.get("completion_tokens")?,
        duration_ms: row.get("duration_ms")?,
        trace: row.get::<_, Json<_>>("trace")?.0,
        started_at_ms: row.get("started_at_ms")?,
    })
}

impl Reader<'_> {
    /// The turn called `id`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn turn(&self, id: &TurnId) -> Result<Option<Turn>, StoreError> {
        self.first("SELECT * FROM turns WHERE id = ?", [id.as_str()], turn_of_row)
    }

    /// The turns called `ids`, in that order; those that are not there are left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn turns(&self, ids: &[TurnId]) -> Result<Vec<Turn>, StoreError> {
        ids.iter().filter_map(|id| self.turn(id).transpose()).collect()
    }

    /// The turn of a thread that began last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn latest_turn(&self, thread: impl Into<Thread>) -> Result<Option<Turn>, StoreError> {
        let thread = thread.into();
        self.first(
            "SELECT * FROM turns WHERE agent_id = ? AND conversation_id IS ? ORDER BY key DESC LIMIT 1",
            params![thread.agent_id.as_str(), thread.conversation()],
            turn_of_row,
        )
    }

    /// The newest turn of `agent_id` that the client's request `key` began.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn turn_by_request_key(&self, agent_id: &AgentId, key: &str) -> Result<Option<Turn>, StoreError> {
        self.first(
            "SELECT * FROM turns WHERE agent_id = ? AND request_key = ? ORDER BY key DESC LIMIT 1",
            [agent_id.as_str(), key],
            turn_of_row,
        )
    }

    /// A part of the turns that `listing` means.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_turns(&self, listing: &TurnListing) -> Result<Vec<Turn>, StoreError> {
        let TurnListing { agent_ids, conversation_id, statuses, stop_reason, background, page } = listing;
        let mut asked = Listing::of("turns", "key")
            .and_in("agent_id", agent_ids.iter().map(AgentId::as_str))
            .and_in("status", statuses.iter().map(|status| status.word()));
        if let Some(conversation_id) = conversation_id {
            asked = asked.and_is("conversation_id", conversation_id.as_str());
        }
        if let Some(stop_reason) = stop_reason {
            asked = asked.and_is("stop_reason", stop_reason.as_str());
        }
        if let Some(background) = background {
            asked = asked.and_with("COALESCE(options ->> 'background', 0) = ?", i64::from(*background));
        }
        self.page(asked, page, turn_of_row)
    }

    /// The step called `id`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn step(&self, id: &StepId) -> Result<Option<Step>, StoreError> {
        self.first("SELECT * FROM steps WHERE id = ?", [id.as_str()], step_of_row)
    }

    /// A part of the steps that `listing` means.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_steps(&self, listing: &StepListing) -> Result<Vec<Step>, StoreError> {
        let StepListing { agent_id, turn_id, model, from_ms, to_ms, page } = listing;
        let mut asked = Listing::of("steps", "key");
        if let Some(agent_id) = agent_id {
            asked = asked.and_is("agent_id", agent_id.as_str());
        }
        if let Some(turn_id) = turn_id {
            asked = asked.and_is("turn_id", turn_id.as_str());
        }
        if let Some(model) = model {
            asked = asked.and_is("model", model.as_str());
        }
        if let Some(from_ms) = from_ms {
            asked = asked.and_with("started_at_ms >= ?", *from_ms);
        }
        if let Some(to_ms) = to_ms {
            asked = asked.and_with("started_at_ms < ?", *to_ms);
        }
        self.page(asked, page, step_of_row)
    }

    /// The steps of a turn, in their order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn steps_of_turn(&self, turn_id: &TurnId) -> Result<Vec<Step>, StoreError> {
        self.all("SELECT * FROM steps WHERE turn_id = ? ORDER BY number, key", [turn_id.as_str()], step_of_row)
    }

    /// The last steps of `agent_id`, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn latest_steps(&self, agent_id: &AgentId, limit: usize) -> Result<Vec<Step>, StoreError> {
        self.all(
            "SELECT * FROM steps WHERE agent_id = ? ORDER BY key DESC LIMIT ?",
            params![agent_id.as_str(), row_limit(limit)],
            step_of_row,
        )
    }
}

impl Writer<'_> {
    /// Adds a turn.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id is taken, [`StoreError::NotFound`] when its agent is not there.
    pub fn insert_turn(&mut self, turn: &Turn) -> Result<(), StoreError> {
        self.insert(
            ("turn", turn.id.as_str()),
            ("agent", turn.agent_id.as_str()),
            "INSERT INTO turns (id, agent_id, conversation_id, message_id, status, stop_reason, error, request_key,
                                options, started_at_ms, ended_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                turn.id.as_str(),
                turn.agent_id.as_str(),
                turn.conversation_id.as_ref().map(ConversationId::as_str),
                turn.message_id.as_ref().map(MessageId::as_str),
                Word(turn.status),
                turn.stop_reason,
                turn.error,
                turn.request_key,
                Json(&turn.options),
                turn.started_at_ms,
                turn.ended_at_ms,
            ],
        )?;
        Ok(())
    }

    /// Writes where a turn stands. The request that began it, and what that asked for, stay.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such turn.
    pub fn update_turn(&mut self, turn: &Turn) -> Result<(), StoreError> {
        self.change(
            ("turn", turn.id.as_str()),
            "UPDATE turns SET message_id = ?, status = ?, stop_reason = ?, error = ?, started_at_ms = ?,
                              ended_at_ms = ? WHERE id = ?",
            params![
                turn.message_id.as_ref().map(MessageId::as_str),
                Word(turn.status),
                turn.stop_reason,
                turn.error,
                turn.started_at_ms,
                turn.ended_at_ms,
                turn.id.as_str(),
            ],
        )
    }

    /// Marks every running turn as interrupted and says which those were. To be called before any turn is driven.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn mark_interrupted(&mut self, at_ms: i64) -> Result<Vec<TurnId>, StoreError> {
        let running =
            self.all("SELECT id FROM turns WHERE status = 'running' ORDER BY key", [], |row| row.get(0).map(TurnId))?;
        self.execute("UPDATE turns SET status = 'interrupted', ended_at_ms = ? WHERE status = 'running'", [at_ms])?;
        Ok(running)
    }

    /// Writes what a step saw and did.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such step.
    pub fn update_step_trace(&mut self, id: &StepId, trace: &serde_json::Value) -> Result<(), StoreError> {
        self.change(("step", id.as_str()), "UPDATE steps SET trace = ? WHERE id = ?", params![Json(trace), id.as_str()])
    }

    /// Adds a step.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id is taken, [`StoreError::NotFound`] when its turn is not there.
    pub fn insert_step(&mut self, step: &Step) -> Result<(), StoreError> {
        self.insert(
            ("step", step.id.as_str()),
            ("turn", step.turn_id.as_str()),
            "INSERT INTO steps (id, turn_id, agent_id, number, model, prompt_tokens, cached_tokens,
                                completion_tokens, duration_ms, trace, started_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                step.id.as_str(),
                step.turn_id.as_str(),
                step.agent_id.as_str(),
                step.number,
                step.model,
                step.prompt_tokens,
                step.cached_tokens,
                step.completion_tokens,
                step.duration_ms,
                Json(&step.trace),
                step.started_at_ms,
            ],
        )?;
        Ok(())
    }
}
