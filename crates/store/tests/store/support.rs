//! A profile in a temporary folder, and rows to put into it.

use std::sync::Arc;

use resident_store::{
    Agent, AgentId, AgentType, ArchiveId, Block, BlockId, ManualClock, Message, NewMessage, Passage, PassageId,
    Provenance, Role, Store, StoreError, Writer,
};

/// 7 May 2023, 14:30 UTC.
pub(crate) const NOW_MS: i64 = 1_683_469_800_000;

/// A store in a folder that goes with it.
pub(crate) struct Profile {
    pub(crate) store: Option<Store>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
}

impl Profile {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(NOW_MS));
        let store = Store::open(folder.path(), clock.clone()).unwrap();
        Self { store: Some(store), folder, clock }
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// Closes the profile and opens it again.
    pub(crate) fn reopen(&mut self) -> Result<(), StoreError> {
        self.store = None;
        self.store = Some(Store::open(self.folder.path(), self.clock.clone())?);
        Ok(())
    }

    pub(crate) fn write<T>(&self, f: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>) -> T {
        self.store().write(f).unwrap()
    }

    pub(crate) fn read<T>(&self, f: impl FnOnce(&resident_store::Reader<'_>) -> Result<T, StoreError>) -> T {
        self.store().read(f).unwrap()
    }

    /// Adds an agent called `name`, with an archive of its own.
    pub(crate) fn agent(&self, name: &str) -> AgentId {
        let agent = agent(name);
        self.write(|w| {
            w.insert_agent(&agent)?;
            w.default_archive(&agent.id, NOW_MS)
        });
        agent.id
    }

    /// Says `content` in the conversation of `agent_id`.
    pub(crate) fn say(&self, agent_id: &AgentId, role: Role, content: &str) -> Message {
        self.write(|w| w.append_message(&message(agent_id, role, content)))
    }
}

pub(crate) fn agent(name: &str) -> Agent {
    Agent {
        id: AgentId::new(),
        name: name.to_owned(),
        description: "helps".to_owned(),
        agent_type: AgentType::MemgptAgent,
        system: "You are here.".to_owned(),
        model: None,
        tools: vec!["send_message".to_owned()],
        tool_rules: serde_json::json!([{"type": "exit_loop", "tool_name": "send_message"}]),
        settings: serde_json::json!({"max_steps": 5}),
        metadata: serde_json::Value::Null,
        tags: Vec::new(),
        letta: serde_json::json!({}),
        window_start_seq: 0,
        created_at_ms: NOW_MS,
        updated_at_ms: NOW_MS,
        deleted_at_ms: None,
    }
}

pub(crate) fn block(label: &str, value: &str) -> Block {
    Block {
        id: BlockId::new(),
        label: label.to_owned(),
        description: String::new(),
        value: value.to_owned(),
        limit_chars: 2000,
        read_only: false,
        metadata: serde_json::json!({}),
        letta: serde_json::json!({}),
        created_at_ms: NOW_MS,
        updated_at_ms: NOW_MS,
        deleted_at_ms: None,
    }
}

pub(crate) fn message(agent_id: &AgentId, role: Role, content: &str) -> NewMessage {
    NewMessage::said(agent_id, role, content.to_owned(), NOW_MS)
}

pub(crate) fn passage(agent_id: &AgentId, text: &str, tags: &[&str]) -> Passage {
    Passage {
        id: PassageId::new(),
        archive_id: ArchiveId::own_of(agent_id),
        agent_id: Some(agent_id.clone()),
        file_id: None,
        text: text.to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        provenance: Provenance::user("edit"),
        document: None,
        valid_from_ms: None,
        valid_to_ms: None,
        superseded_by: None,
        created_at_ms: NOW_MS,
        updated_at_ms: NOW_MS,
        deleted_at_ms: None,
    }
}
