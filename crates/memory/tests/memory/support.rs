//! A store in a temporary folder, an agent with two blocks, a clock that stands still, and an embedder made of words.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use resident_memory::{
    ArchivalHit, ArchivalQuery, EditContext, EmbedError, Embedder, Memory, MemoryError, NewPassages, RecallHit,
    RecallQuery, Sort, archival, core,
};
use resident_store::{
    Actor, Agent, AgentId, AgentType, Message, NewMessage, Passage, PassageFilter, Provenance, Role, Store, TurnId,
    Writer,
};
use serde_json::json;

/// 2023-11-17, 15:00 UTC.
pub(crate) const NOW: i64 = 1_700_233_200_000;
pub(crate) const DAY: i64 = 24 * 60 * 60 * 1_000;
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) memory: Memory,
    pub(crate) agent: AgentId,
    pub(crate) clock: Arc<resident_store::ManualClock>,
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(resident_store::ManualClock::at(NOW));
        let store = Store::open(folder.path(), clock.clone()).unwrap();
        let memory = Memory::new(Arc::new(store)).in_time_zone(jiff::tz::TimeZone::UTC);
        let mut world = Self { memory, agent: AgentId::new(), clock, folder };
        world.agent = world.add_agent("Ada");
        world.edit(|w, edit| core::create(w, edit, "persona", "", "I am Resident.")).unwrap();
        world.edit(|w, edit| core::create(w, edit, "human", "", "")).unwrap();
        world
    }

    pub(crate) fn add_agent(&self, name: &str) -> AgentId {
        let id = AgentId::new();
        let agent = Agent {
            id: id.clone(),
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
            created_at_ms: NOW,
            updated_at_ms: NOW,
            deleted_at_ms: None,
        };
        self.memory.store().write(|w| w.insert_agent(&agent)).unwrap();
        id
    }

    /// Edits as the agent, in one transaction.
    pub(crate) fn edit<T>(
        &self,
        f: impl FnOnce(&mut Writer<'_>, &EditContext<'_>) -> Result<T, MemoryError>,
    ) -> Result<T, MemoryError> {
        self.edit_as(Actor::Agent, f)
    }

    pub(crate) fn edit_as<T>(
        &self,
        actor: Actor,
        f: impl FnOnce(&mut Writer<'_>, &EditContext<'_>) -> Result<T, MemoryError>,
    ) -> Result<T, MemoryError> {
        let provenance = Provenance { actor, agent_id: Some(self.agent.clone()), ..Provenance::user("test") };
        let edit = EditContext::new(&self.agent, &provenance, self.memory.store().now_ms());
        self.memory.store().write(|w| f(w, &edit))
    }

    pub(crate) fn value(&self, label: &str) -> String {
        self.memory.store().read(|r| r.block_by_label(&self.agent, label)).unwrap().unwrap().value
    }

    pub(crate) fn say(&self, role: Role, content: &str) -> Message {
        self.say_at(role, content, self.memory.store().now_ms(), None)
    }

    pub(crate) fn say_at(&self, role: Role, content: &str, created_at_ms: i64, turn_id: Option<TurnId>) -> Message {
        let message = NewMessage { turn_id, ..NewMessage::said(&self.agent, role, content.to_owned(), created_at_ms) };
        let message = self.memory.store().write(|w| w.append_message(&message)).unwrap();
        self.memory.notify_written();
        message
    }

    pub(crate) fn save(&self, text: &str, tags: &[&str]) -> Passage {
        let new = NewPassages { text: text.to_owned(), tags: owned(tags), ..NewPassages::default() };
        let mut saved = self.edit(|w, edit| archival::insert(w, edit, new)).unwrap();
        self.memory.notify_written();
        saved.pop().unwrap()
    }

    pub(crate) fn recall(&self, text: &str) -> Vec<RecallHit> {
        self.memory
            .search_messages(&self.agent, &RecallQuery { text: text.to_owned(), limit: 5, ..RecallQuery::default() })
            .unwrap()
    }

    pub(crate) fn look_up(&self, text: &str) -> Vec<ArchivalHit> {
        self.look_up_among(text, self.all())
    }

    pub(crate) fn look_up_among(&self, text: &str, filter: PassageFilter) -> Vec<ArchivalHit> {
        let query = ArchivalQuery { text: text.to_owned(), filter, sort: Sort::Relevance };
        self.memory.search_passages(&self.agent, &query).unwrap().hits
    }

    pub(crate) fn all(&self) -> PassageFilter {
        PassageFilter::of(&self.agent)
    }

    pub(crate) fn embed_with(&self, embedder: &Arc<WordEmbedder>) {
        self.memory.set_embedder(Some(embedder.clone()), Arc::new(|_| {}));
    }
}

pub(crate) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub(crate) fn texts(hits: &[ArchivalHit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.passage.text.as_str()).collect()
}

pub(crate) fn said(hits: &[RecallHit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.message.content.as_str()).collect()
}

pub(crate) fn reasons(reasons: &[resident_memory::Reason]) -> Vec<String> {
    reasons.iter().map(ToString::to_string).collect()
}

/// Words that mean the same point in the same direction; every other word in a direction of its own.
const SYNONYMS: [&[&str]; 3] =
    [&["dog", "puppy", "hound"], &["car", "automobile", "vehicle"], &["doctor", "physician"]];

/// Adds up a direction for each word.
pub(crate) struct WordEmbedder {
    id: String,
    dimension: usize,
    /// How often it was asked.
    pub(crate) calls: AtomicUsize,
    /// Fails while this is set, as an endpoint that is down does.
    pub(crate) down: AtomicBool,
    /// Refuses texts with this word for good.
    poison: Option<&'static str>,
}

impl WordEmbedder {
    pub(crate) fn new(id: &str, dimension: usize) -> Arc<Self> {
        Arc::new(Self::build(id, dimension, None))
    }

    pub(crate) fn refusing(poison: &'static str) -> Arc<Self> {
        Arc::new(Self::build("picky", 64, Some(poison)))
    }

    fn build(id: &str, dimension: usize, poison: Option<&'static str>) -> Self {
        Self { id: id.to_owned(), dimension, calls: AtomicUsize::new(0), down: AtomicBool::new(false), poison }
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let mut vector = vec![0.0; self.dimension];
        for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2) {
            let meaning = SYNONYMS.iter().find(|words| words.contains(&word)).map_or(word, |words| words[0]);
            let hash = meaning
                .bytes()
                .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
            vector[usize::try_from(hash % self.dimension as u64).unwrap()] += 1.0;
        }
        vector
    }
}

impl Embedder for WordEmbedder {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let error =
            |message: &str, transient| EmbedError { embedder: self.id.clone(), message: message.to_owned(), transient };
        if self.down.load(Ordering::SeqCst) {
            return Err(error("connection refused", true));
        }
        if self.poison.is_some_and(|poison| texts.iter().any(|text| text.contains(poison))) {
            return Err(error("unprocessable text", false));
        }
        Ok(texts.iter().map(|text| self.vector(text)).collect())
    }
}
