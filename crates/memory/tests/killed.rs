//! Killed at any moment, a profile has texts, words, vectors and index files that agree. The test runs itself again as a
//! child that says, forgets, embeds anew and saves indexes, and kills it at random times. `RESIDENT_KILLS` sets how often.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use resident_index::{FileError, Scheme, VectorIndex};
use resident_memory::{ArchivalQuery, EmbedError, Embedder, Memory, RecallQuery, Sort};
use resident_store::{
    Agent, AgentId, AgentType, ArchiveId, MessageFilter, NewMessage, Page, Passage, PassageFilter, PassageId,
    Provenance, Role, Store, SystemClock, VectorGroup,
};

/// As many as a run of all tests can afford.
const KILLS: u64 = 12;

/// So often a profile is killed before the next begins with a new one, so that it stays small.
const KILLS_OF_ONE: u64 = 25;

const CHILD: &str = "RESIDENT_KILLED_INDEX_CHILD";
const SEED: &str = "RESIDENT_KILLED_INDEX_SEED";
const AGENT: &str = "agent-kept";
const SOON: Duration = Duration::from_secs(60);

/// A small generator of numbers (xorshift64*), so that a failed run can be repeated from its seed.
struct Random(u64);

impl Random {
    fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }

    /// A text with a word of its own.
    fn text(&mut self) -> String {
        let words = ["tide", "harbour", "miso", "rye", "lantern", "seven", "north", "rope"];
        let some: Vec<&str> = (0..3 + self.below(9)).map(|_| words[usize::try_from(self.below(8)).unwrap()]).collect();
        format!("{} w{}x{}", some.join(" "), self.below(1 << 30), self.below(1 << 30))
    }
}

/// The word that only this text has.
fn own_word(text: &str) -> &str {
    text.rsplit(' ').next().unwrap()
}

/// Makes of a text a vector that no other text has.
struct Hashes {
    name: &'static str,
    dimension: usize,
}

/// Two embedders, between which a profile changes.
fn embedder(number: u64) -> Hashes {
    if number == 0 { Hashes { name: "first", dimension: 24 } } else { Hashes { name: "second", dimension: 40 } }
}

impl Hashes {
    fn vector(&self, text: &str) -> Vec<f32> {
        let seed = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut random = Random::seeded(seed ^ self.dimension as u64);
        let vector: Vec<f32> = (0..self.dimension).map(|_| random.below(2_001) as f32 / 1_000.0 - 1.0).collect();
        let length = resident_index::dot(&vector, &vector).sqrt();
        vector.into_iter().map(|component| component / length).collect()
    }
}

impl Embedder for Hashes {
    fn id(&self) -> &str {
        self.name
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(texts.iter().map(|text| self.vector(text)).collect())
    }
}

fn open(profile: &Path) -> Memory {
    Memory::new(Arc::new(Store::open(profile, Arc::new(SystemClock)).unwrap()))
}

fn furnish(profile: &Path) {
    let agent = Agent {
        id: AgentId::from(AGENT),
        name: "Ada".to_owned(),
        description: String::new(),
        agent_type: AgentType::MemgptAgent,
        system: String::new(),
        model: None,
        tools: Vec::new(),
        tool_rules: serde_json::json!([]),
        settings: serde_json::json!({}),
        metadata: serde_json::json!({}),
        tags: Vec::new(),
        letta: serde_json::json!({}),
        window_start_seq: 0,
        created_at_ms: 0,
        updated_at_ms: 0,
        deleted_at_ms: None,
    };
    let written = open(profile).store().write(|w| {
        w.insert_agent(&agent)?;
        w.default_archive(&agent.id, 0)
    });
    written.unwrap();
}

fn groups() -> [VectorGroup; 2] {
    let agent = AgentId::from(AGENT);
    [VectorGroup::PassagesIn(ArchiveId::own_of(&agent)), VectorGroup::MessagesOf(agent)]
}

fn passage(text: String, at_ms: i64) -> Passage {
    Passage {
        id: PassageId::new(),
        archive_id: ArchiveId::own_of(&AgentId::from(AGENT)),
        agent_id: None,
        file_id: None,
        text,
        tags: Vec::new(),
        provenance: Provenance::user("test"),
        document: None,
        valid_from_ms: None,
        valid_to_ms: None,
        superseded_by: None,
        created_at_ms: at_ms,
        updated_at_ms: at_ms,
        deleted_at_ms: None,
    }
}

fn search(memory: &Memory, text: &str) -> (Vec<String>, Vec<String>) {
    let agent = AgentId::from(AGENT);
    let recall = RecallQuery { text: text.to_owned(), limit: 5, ..RecallQuery::default() };
    let archival = ArchivalQuery { text: text.to_owned(), filter: PassageFilter::of(&agent), sort: Sort::Relevance };
    let messages = memory.search_messages(&agent, &recall).unwrap();
    let passages = memory.search_passages(&agent, &archival).unwrap().hits;
    (
        messages.into_iter().map(|hit| hit.message.content).collect(),
        passages.into_iter().map(|hit| hit.passage.text).collect(),
    )
}

/// One random thing that a person, an agent or the program does.
fn do_something(memory: &Memory, random: &mut Random) {
    let (agent, store) = (AgentId::from(AGENT), memory.store());
    let text = random.text();
    let newest = |n: usize| {
        let page = Page { newest_first: true, limit: n, ..Page::default() };
        let listing = resident_store::MessageListing {
            agent_id: Some(agent.clone()),
            page,
            ..resident_store::MessageListing::default()
        };
        store.read(|r| r.list_messages(&listing)).unwrap()
    };
    let one_passage = |deleted: bool| {
        let filter = PassageFilter { limit: 3, deleted, ..PassageFilter::of(&agent) };
        store.read(|r| r.passages(&filter)).unwrap().0.pop()
    };
    match random.below(16) {
        0..=3 => {
            let said = NewMessage::said(&agent, Role::User, text, store.now_ms());
            store.write(|w| w.append_message(&said)).map(drop).unwrap();
        }
        4 | 5 => store.write(|w| w.insert_passage(&passage(text, 1))).map(drop).unwrap(),
        6 => {
            if let Some(message) = newest(3).pop() {
                store.write(|w| w.set_message_deleted(&message.id, Some(1))).unwrap();
                if random.below(2) == 0 {
                    store.write(|w| w.set_message_deleted(&message.id, None)).unwrap();
                }
            }
        }
        7 => {
            if let Some(message) = newest(2).pop() {
                store.write(|w| w.delete_messages_from(&agent, message.seq, 1)).map(drop).unwrap();
            }
        }
        8 => {
            if let Some(found) = one_passage(false) {
                let edit = Provenance::user("edit");
                store.write(|w| w.update_passage(&found.id, &text, &[], &edit, 1)).map(drop).unwrap();
            }
        }
        9 => {
            if let Some(found) = one_passage(false) {
                store.write(|w| w.set_passage_deleted(&found.id, Some(1))).unwrap();
            }
        }
        10 => {
            if let Some(found) = one_passage(true) {
                let purge = random.below(2) == 0;
                let id = &found.id;
                store.write(|w| if purge { w.purge_passage(id) } else { w.set_passage_deleted(id, None) }).unwrap();
            }
        }
        // Stopping an embedder saves its indexes; another one makes all vectors anew.
        11 => memory.set_embedder(Some(Arc::new(embedder(random.below(2)))), Arc::new(|_| {})),
        12 => memory.set_embedder(None, Arc::new(|_| {})),
        _ => drop(search(memory, &text)),
    }
    memory.notify_written();
}

/// Not a test by itself: what the child does.
#[test]
fn child_that_is_killed() {
    let Some(profile) = std::env::var_os(CHILD) else { return };
    let mut random = Random::seeded(std::env::var(SEED).unwrap().parse().unwrap());
    let memory = open(Path::new(&profile));
    memory.set_embedder(Some(Arc::new(embedder(random.below(2)))), Arc::new(|_| {}));
    println!("ready");
    loop {
        do_something(&memory, &mut random);
    }
}

fn kill_after(profile: &Path, seed: u64, delay: Duration) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child_that_is_killed", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, profile)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("ready"))), "the child does not begin");
    std::thread::sleep(delay);
    let working = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(working, "the child ended by itself");
}

/// The texts of a group that are outside the bin, by row.
fn live_texts(store: &Store, group: &VectorGroup) -> BTreeMap<i64, String> {
    let texts = store.read(|r| {
        let rows = r.vector_rows(group)?;
        Ok::<_, resident_store::StoreError>(match group {
            VectorGroup::MessagesOf(_) => r.messages_by_seq(&rows)?.into_iter().map(|m| (m.seq, m.content)).collect(),
            VectorGroup::PassagesIn(_) => {
                r.passages_by_rowid(&rows)?.into_iter().map(|(key, passage)| (key, passage.text)).collect()
            }
        })
    });
    texts.unwrap()
}

/// Every row's own word finds that row, and no row in the bin is found.
fn words_agree(store: &Store, group: &VectorGroup, texts: &BTreeMap<i64, String>) {
    let agent = AgentId::from(AGENT);
    let find = |expression: &str| {
        let found = store.read(|r| match group {
            VectorGroup::MessagesOf(_) => {
                r.search_messages_text(&agent, expression, &MessageFilter::default(), [1.0; 3], 10_000)
            }
            VectorGroup::PassagesIn(_) => {
                r.search_passages_text(&PassageFilter::of(&agent), expression, [1.0; 3], 10_000)
            }
        });
        found.unwrap().into_iter().map(|hit| hit.key).collect::<BTreeSet<i64>>()
    };
    for (row, text) in texts {
        assert_eq!(find(&format!("text : {}", own_word(text))), BTreeSet::from([*row]), "{text}");
    }
    assert_eq!(find("text : w*"), texts.keys().copied().collect());
}

/// Every stored vector is that of the text of today.
fn vectors_agree(store: &Store, group: &VectorGroup, texts: &BTreeMap<i64, String>) {
    let rows: Vec<i64> = texts.keys().copied().collect();
    for embedder in [embedder(0), embedder(1)] {
        let stored = store.read(|r| r.vectors_of_rows(group.owner(), embedder.name, &rows)).unwrap();
        for (row, vector) in stored {
            assert_eq!(vector, unit(embedder.vector(&texts[&row])), "row {row} of {group:?} by {}", embedder.name);
        }
    }
}

/// A vector as memory stores it.
fn unit(vector: Vec<f32>) -> Vec<f32> {
    let length = resident_index::dot(&vector, &vector).sqrt();
    vector.into_iter().map(|component| component / length).collect()
}

/// The file of a group, as far as it can be used by this embedder.
fn read_file(profile: &Path, group: &VectorGroup, embedder: &Hashes) -> Option<VectorIndex> {
    let kind = if matches!(group, VectorGroup::MessagesOf(_)) { "messages" } else { "passages" };
    let path = profile.join("index").join(format!("{kind}-{}.index", group.id()));
    let scheme = Scheme { embedder: embedder.name.to_owned(), dimension: embedder.dimension };
    match VectorIndex::open(&path, &scheme) {
        Ok(opened) => Some(opened.index),
        Err(FileError::Missing { .. } | FileError::Vectors { .. }) => None,
        Err(error) => panic!("a kill leaves no file like this: {error}"),
    }
}

/// The file holds the vectors of the texts of today and no others.
fn file_agrees(profile: &Path, group: &VectorGroup, embedder: &Hashes, texts: &BTreeMap<i64, String>) {
    let Some(index) = read_file(profile, group, embedder) else {
        assert!(texts.is_empty(), "there is no file of {group:?}");
        return;
    };
    assert_eq!(index.keys().collect::<BTreeSet<i64>>(), texts.keys().copied().collect(), "{group:?}");
    for (row, text) in texts {
        let found = index.search_among(&embedder.vector(text), 1, &[*row]).unwrap();
        assert!((found[0].score - 1.0).abs() < 1e-3, "row {row} of {group:?} has another vector: {found:?}");
    }
}

/// How many kills found a file that had been saved by then.
fn check(profile: &Path, random: &mut Random) -> usize {
    let number = random.below(2);
    let used = groups().iter().filter(|group| read_file(profile, group, &embedder(number)).is_some()).count();
    let memory = open(profile);
    assert_eq!(memory.store().quick_check().unwrap(), [""; 0]);
    for group in groups() {
        let texts = live_texts(memory.store(), &group);
        words_agree(memory.store(), &group, &texts);
        vectors_agree(memory.store(), &group, &texts);
    }
    memory.set_embedder(Some(Arc::new(embedder(number))), Arc::new(|_| {}));
    search(&memory, "anything");
    assert!(memory.wait_until_embedded(SOON));
    let texts = groups().map(|group| live_texts(memory.store(), &group));
    for (group, texts) in groups().iter().zip(&texts) {
        vectors_agree(memory.store(), group, texts);
        let rows: Vec<i64> = texts.keys().copied().collect();
        let stored = memory.store().read(|r| r.vectors_of_rows(group.owner(), embedder(number).name, &rows)).unwrap();
        assert_eq!(stored.len(), rows.len(), "all of {group:?} is embedded");
        if let Some(text) = texts.values().next_back() {
            let (messages, passages) = search(&memory, text);
            let found = if matches!(group, VectorGroup::MessagesOf(_)) { messages } else { passages };
            assert_eq!(found.first(), Some(text), "it is found first by all that it says");
        }
    }
    memory.set_embedder(None, Arc::new(|_| {}));
    assert_eq!(memory.store().read(|r| r.purged_vector_groups()).unwrap(), [], "what was purged is gone everywhere");
    for (group, texts) in groups().iter().zip(&texts) {
        file_agrees(profile, group, &embedder(number), texts);
    }
    used
}

#[test]
fn texts_words_vectors_and_index_files_agree_after_every_kill() {
    let kills = std::env::var("RESIDENT_KILLS").ok().map_or(KILLS, |kills| kills.parse().unwrap());
    let mut used = 0;
    let mut rows = 0;
    let mut kill = 0;
    while kill < kills {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("profile");
        furnish(&profile);
        for _ in 0..KILLS_OF_ONE.min(kills - kill) {
            let mut random = Random::seeded(kill + 1);
            kill_after(&profile, kill + 1, Duration::from_millis(random.below(400)));
            used += check(&profile, &mut random);
            kill += 1;
        }
        let memory = open(&profile);
        rows += groups().iter().map(|group| live_texts(memory.store(), group).len()).sum::<usize>();
    }
    println!("{kills} kills, {used} index files that had been saved before, {rows} rows in the end");
}
