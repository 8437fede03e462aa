//! The profile that is searched: a store in a temporary folder, filled and asked through the product's own memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use resident_inference::MiniLmEmbedder;
use resident_memory::{ArchivalQuery, EditContext, Memory, NewPassages, RecallQuery, Signals, Sort, archival};
use resident_store::{Agent, AgentId, AgentType, ManualClock, NewMessage, PassageFilter, Provenance, Role, Store};
use serde_json::json;

use super::corpus::{Conversation, Turn};
use crate::eval::{EvalError, models_folder};

/// As what the turns are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Messages,
    Passages,
}

/// A profile with an agent for each conversation.
pub(super) struct Profile {
    kind: Kind,
    memory: Memory,
    clock: Arc<ManualClock>,
    agents: HashMap<String, Found>,
    folder: tempfile::TempDir,
}

/// An agent, and which turn each of its memories is.
struct Found {
    agent: AgentId,
    turns: HashMap<String, String>,
}

/// Embedding a large corpus takes its time.
const PATIENCE: Duration = Duration::from_secs(6 * 60 * 60);

const DAY_MS: i64 = 86_400_000;

/// A long turn is several passages, so that more passages than turns are asked for.
const PASSAGES_A_TURN: usize = 3;

impl Profile {
    /// An empty profile whose memory has the real embedder.
    pub(super) fn create(kind: Kind, signals: Signals) -> Result<Self, EvalError> {
        let folder = tempfile::tempdir().map_err(|source| EvalError::File {
            action: "make",
            path: std::env::temp_dir(),
            source,
        })?;
        let clock = Arc::new(ManualClock::at(0));
        let store = Arc::new(Store::open(folder.path(), clock.clone())?);
        let memory = Memory::new(store).in_time_zone(TimeZone::UTC).ranking_by(signals);
        Ok(Self { kind, memory, clock, agents: HashMap::new(), folder })
    }

    /// Records the turns of a conversation as an agent's memories.
    pub(super) fn record(&mut self, conversation: &Conversation) -> Result<(), EvalError> {
        let agent = agent(&conversation.id);
        let id = agent.id.clone();
        self.memory.store().write(|w| w.insert_agent(&agent))?;
        let mut turns = HashMap::new();
        // As in life, each turn is a transaction.
        for (turn, at_ms) in &conversation.turns {
            for memory in self.keep(&id, turn, *at_ms)? {
                turns.insert(memory, turn.id.clone());
            }
        }
        self.agents.insert(conversation.id.clone(), Found { agent: id, turns });
        Ok(())
    }

    /// Keeps a turn; the ids of the memories that it became.
    fn keep(&self, agent_id: &AgentId, turn: &Turn, at_ms: i64) -> Result<Vec<String>, EvalError> {
        let store = self.memory.store();
        match self.kind {
            Kind::Messages => {
                let (role, name) = role_and_name(&turn.speaker);
                let said = NewMessage { name, ..NewMessage::said(agent_id, role, turn.text.clone(), at_ms) };
                let message = store.write(|w| w.append_message(&said))?;
                Ok(vec![message.id.0])
            }
            Kind::Passages if turn.text.trim().is_empty() => Ok(Vec::new()),
            Kind::Passages => {
                let text = format!("{}: {}", turn.speaker, turn.text);
                let provenance = Provenance::user("eval");
                let edit = EditContext::new(agent_id, &provenance, at_ms);
                let new = NewPassages { text, ..NewPassages::default() };
                let saved = store.write(|w| archival::insert(w, &edit, new))?;
                Ok(saved.into_iter().map(|passage| passage.id.0).collect())
            }
        }
    }

    /// Embeds everything that was recorded.
    pub(super) fn embed(&self) -> Result<(), EvalError> {
        let embedder = MiniLmEmbedder::load(&models_folder()?.join("all-minilm-l6-v2"))?;
        self.memory.set_embedder(Some(Arc::new(embedder)), Arc::new(|_| {}));
        if self.memory.wait_until_embedded(PATIENCE) { Ok(()) } else { Err(EvalError::NotEmbedded) }
    }

    /// Sets the clock to the day after the last turn of a conversation.
    pub(super) fn go_past(&mut self, conversation: &Conversation) -> Result<(), EvalError> {
        let last_ms = conversation.turns.iter().map(|(_, at_ms)| *at_ms).max().unwrap_or_default();
        self.clock.advance(last_ms + DAY_MS - self.memory.store().now_ms());
        Ok(())
    }

    /// The ids of the turns that answer `question`, best first, at most `limit`.
    pub(super) fn find(
        &self,
        conversation: &Conversation,
        question: &str,
        limit: usize,
    ) -> Result<Vec<String>, EvalError> {
        let Found { agent, turns } = &self.agents[&conversation.id];
        let found: Vec<String> = match self.kind {
            Kind::Messages => {
                let query = RecallQuery { text: question.to_owned(), limit, ..RecallQuery::default() };
                let hits = self.memory.search_messages(agent, &query)?;
                hits.into_iter().map(|hit| hit.message.id.0).collect()
            }
            Kind::Passages => {
                let filter = PassageFilter { limit: limit * PASSAGES_A_TURN, ..PassageFilter::of(agent) };
                let query = ArchivalQuery { text: question.to_owned(), filter, sort: Sort::Relevance };
                let page = self.memory.search_passages(agent, &query)?;
                page.hits.into_iter().map(|hit| hit.passage.id.0).collect()
            }
        };
        let mut named: Vec<String> = Vec::new();
        for memory in found {
            let turn = &turns[&memory];
            if named.len() < limit && !named.contains(turn) {
                named.push(turn.clone());
            }
        }
        Ok(named)
    }

    /// How large the profile is on disk.
    pub(super) fn size_bytes(&self) -> Result<u64, EvalError> {
        let folder = self.folder.path();
        let failed = |source| EvalError::File { action: "read", path: folder.to_owned(), source };
        let mut bytes = 0;
        for file in std::fs::read_dir(folder).map_err(failed)? {
            bytes += file.and_then(|file| file.metadata()).map_err(failed)?.len();
        }
        Ok(bytes)
    }
}

/// The two that the product knows keep their roles; anybody else is a person with a name.
fn role_and_name(speaker: &str) -> (Role, Option<String>) {
    match speaker.to_lowercase().as_str() {
        "user" | "human" => (Role::User, None),
        "assistant" | "ai" | "agent" | "bot" => (Role::Assistant, None),
        _ => (Role::User, Some(speaker.to_owned())),
    }
}

fn agent(name: &str) -> Agent {
    Agent {
        id: AgentId::new(),
        name: name.to_owned(),
        description: String::new(),
        agent_type: AgentType::LettaV1Agent,
        system: String::new(),
        model: None,
        tools: Vec::new(),
        tool_rules: json!([]),
        settings: json!({}),
        metadata: json!({}),
        tags: Vec::new(),
        letta: json!({}),
        window_start_seq: 0,
        created_at_ms: 0,
        updated_at_ms: 0,
        deleted_at_ms: None,
    }
}
