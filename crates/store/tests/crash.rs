//! Killed at any moment, the store reopens with everything that it acknowledged. The test runs itself again as a child
//! that writes and, after each commit, says on its standard output what it wrote; the parent kills it at random times.
//! A kill of the process cannot show what a power cut would; for that every commit is synced before it is acknowledged.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use resident_store::{
    Actor, AgentId, AgentType, Block, BlockId, Clock, MessageId, NewMessage, Passage, PassageFilter, PassageId,
    Provenance, Role, Store, StoreError, StoredVector, SystemClock, list_backups, restore_backup,
};

const KILLS: u64 = 50;
const KILLS_OF_RESTORES: u64 = 15;
const CHILD: &str = "RESIDENT_CRASH_CHILD";

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

    fn words(&mut self) -> String {
        let count = 1 + self.below(30);
        let words = ["miso", "oslo", "bakery", "remember", "café", "dancing", "rye", "seven"];
        (0..count).map(|_| words[self.below(8) as usize]).collect::<Vec<_>>().join(" ")
    }
}

fn open(folder: &Path) -> Store {
    Store::open(folder, Arc::new(SystemClock)).unwrap()
}

/// What the parent has to find again: one line of the child's output.
fn acknowledge(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("ack {line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

/// Runs the test `name` of this binary as a child that works on `folder`.
fn spawn(name: &str, folder: &Path, seed: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, folder)
        .env("RESIDENT_CRASH_SEED", seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the child after `delay` and gives what it acknowledged until then.
fn kill_after(mut child: Child, delay: Duration) -> Vec<String> {
    let output = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut lines = Vec::new();
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while output.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
            lines.extend(line.trim_end().strip_prefix("ack ").map(str::to_owned));
            line.clear();
        }
        lines
    });
    std::thread::sleep(delay);
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    let lines = reader.join().unwrap();
    assert!(running, "the child ended by itself after {lines:?}");
    lines
}

fn provenance() -> Provenance {
    Provenance { actor: Actor::Agent, agent_id: None, turn_id: None, message_id: None, tool: Some("test".to_owned()) }
}

fn agent_id(number: u64) -> AgentId {
    AgentId(format!("agent-{number}"))
}

fn block_id(number: u64) -> BlockId {
    BlockId(format!("block-{number}"))
}

/// Two agents with a block each.
fn furnish(folder: &Path) {
    let store = open(folder);
    for number in 0..2 {
        let agent = resident_store::Agent {
            id: agent_id(number),
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
        let block = Block {
            id: block_id(number),
            label: "human".to_owned(),
            description: String::new(),
            value: String::new(),
            limit_chars: 5000,
            read_only: false,
            metadata: serde_json::json!({}),
            letta: serde_json::json!({}),
            created_at_ms: 0,
            updated_at_ms: 0,
            deleted_at_ms: None,
        };
        let written: Result<(), StoreError> = store.write(|w| {
            w.insert_agent(&agent)?;
            w.default_archive(&agent.id, 0)?;
            w.insert_block(&block, &provenance())?;
            w.attach_block(&agent.id, &block.id)
        });
        written.unwrap();
    }
}

/// One random write; the line that acknowledges it.
fn write_something(store: &Store, random: &mut Random) -> Result<String, StoreError> {
    let agent = agent_id(random.below(2));
    let text = random.words();
    match random.below(8) {
        0..=2 => {
            let id = MessageId::new();
            let role = [Role::User, Role::Assistant, Role::Tool][random.below(3) as usize];
            let message = NewMessage { id: id.clone(), ..NewMessage::said(&agent, role, text, store.now_ms()) };
            store.write(|w| w.append_message(&message)).map(|_| format!("message {id}"))
        }
        3 => {
            let id = block_id(random.below(2));
            let revision = store.write(|w| w.write_block_value(&id, &text, &provenance(), 1))?;
            Ok(format!("revision {id} {} {text}", revision.number))
        }
        4 => {
            let last = store.read(|r| r.last_message(&agent))?;
            let Some(last) = last else { return Ok("nothing".to_owned()) };
            store.write(|w| w.set_message_deleted(&last.id, Some(1)))?;
            Ok(format!("bin {}", last.id))
        }
        5 => {
            let filter = PassageFilter { limit: 1, ..PassageFilter::of(&agent) };
            let Some(passage) = store.read(|r| r.passages(&filter))?.0.pop() else { return Ok("nothing".to_owned()) };
            let revision = store.write(|w| w.update_passage(&passage.id, &text, &[], &provenance(), 1))?;
            Ok(format!("rewritten {} {} {text}", passage.id, revision.number))
        }
        6 => {
            let vectors: Vec<StoredVector> = store
                .read(|r| r.unembedded("mini", 5))?
                .into_iter()
                .map(|u| StoredVector { owner: u.owner, key: u.key, vector: vec![0.5; 384] })
                .collect();
            store.write(|w| w.put_vectors("mini", &vectors))?;
            Ok("nothing".to_owned())
        }
        _ => {
            let id = PassageId::new();
            let passage = Passage {
                id: id.clone(),
                archive_id: resident_store::ArchiveId::own_of(&agent),
                agent_id: None,
                file_id: None,
                text,
                tags: vec!["tag".to_owned()],
                provenance: provenance(),
                document: None,
                valid_from_ms: None,
                valid_to_ms: None,
                superseded_by: None,
                created_at_ms: store.now_ms(),
                updated_at_ms: store.now_ms(),
                deleted_at_ms: None,
            };
            store.write(|w| w.insert_passage(&passage)).map(|_| format!("passage {id}"))
        }
    }
}

/// Not a test by itself: what the child of `every_acknowledged_write_survives_a_kill` does.
#[test]
fn child_that_writes() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let seed: u64 = std::env::var("RESIDENT_CRASH_SEED").unwrap().parse().unwrap();
    let mut random = Random::seeded(seed);
    let store = open(Path::new(&folder));
    loop {
        acknowledge(&write_something(&store, &mut random).unwrap());
    }
}

#[test]
fn every_acknowledged_write_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    furnish(folder.path());
    let mut random = Random::seeded(SystemClock.now_ms().unsigned_abs());
    let mut acknowledged = Vec::new();
    let mut survived = 0;
    for kill in 0..KILLS {
        let child = spawn("child_that_writes", folder.path(), random.below(u64::MAX));
        let lines = kill_after(child, Duration::from_millis(10 + random.below(190)));
        let store = open(folder.path());
        for line in &lines {
            check_line(&store, line, kill);
        }
        assert_eq!(store.quick_check().unwrap(), [""; 0], "after kill {kill}");
        survived += lines.len();
        acknowledged.extend(lines);
        drop(store);
        check_tables(&folder.path().join("resident.db"), kill);
    }
    let store = open(folder.path());
    for line in &acknowledged {
        check_line(&store, line, KILLS);
    }
    assert!(survived as u64 > KILLS, "the children hardly wrote: {survived} writes");
    eprintln!("{survived} acknowledged writes survived {KILLS} kills");
}

/// Asserts that what a line acknowledges is there.
fn check_line(store: &Store, line: &str, kill: u64) {
    let mut parts = line.splitn(4, ' ');
    let mut part = || parts.next().unwrap_or_default();
    let (kind, id, number, text) = (part(), part(), part(), part());
    let there = store.read(|r| {
        Ok::<_, StoreError>(match kind {
            "message" => r.message(&id.into())?.is_some(),
            "bin" => r.message(&id.into())?.is_some_and(|message| message.deleted_at_ms.is_some()),
            "passage" => r.passage(&id.into())?.is_some(),
            "revision" => {
                let revision = r.block_revision(&id.into(), number.parse().unwrap())?;
                revision.is_some_and(|revision| revision.after == text)
            }
            "rewritten" => {
                let number: i64 = number.parse().unwrap();
                r.passage_revisions(&id.into())?.iter().any(|r| r.number == number && r.after == text)
            }
            other => other == "nothing",
        })
    });
    assert!(there.unwrap(), "after kill {kill}, this is lost: {line}");
}

/// Asserts that rows, revisions, words and vectors agree, and that the file is sound.
fn check_tables(database: &Path, kill: u64) {
    let connection = rusqlite::Connection::open(database).unwrap();
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(text("PRAGMA integrity_check"), "ok", "after kill {kill}");
    for table in ["message_text", "passage_text"] {
        let check = format!("INSERT INTO {table} ({table}) VALUES ('integrity-check')");
        connection.execute(&check, []).unwrap_or_else(|error| panic!("after kill {kill}: {table}: {error}"));
    }
    let words = "WITH wanted AS (
            SELECT seq, content, concat_ws(char(10), lag(content) OVER talk, lead(content) OVER talk) FROM messages
            WHERE role IN ('user', 'assistant') AND deleted_at_ms IS NULL
            WINDOW talk AS (PARTITION BY agent_id ORDER BY seq)
        ), found AS (SELECT rowid, text, neighbours FROM message_text)
        SELECT (SELECT COUNT(*) FROM (SELECT * FROM wanted EXCEPT SELECT * FROM found))
             + (SELECT COUNT(*) FROM (SELECT * FROM found EXCEPT SELECT * FROM wanted))";
    assert_eq!(count(words), 0, "after kill {kill}: words of messages");
    let words = "SELECT COUNT(*) FROM passages FULL JOIN passage_text ON passage_text.rowid = key
                 WHERE passages.text IS NOT passage_text.text";
    assert_eq!(count(words), 0, "after kill {kill}: words of passages");
    for (owners, id) in [("block", "block_id"), ("passage", "passage_id")] {
        let gaps = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {owners}_revisions GROUP BY {id}
                                   HAVING MIN(number) <> 1 OR MAX(number) <> COUNT(*))"
        );
        assert_eq!(count(&gaps), 0, "after kill {kill}: gaps in {owners} revisions");
    }
    let values = "SELECT COUNT(*) FROM blocks b WHERE value <> (
        SELECT after FROM block_revisions WHERE block_id = b.id ORDER BY number DESC LIMIT 1)";
    assert_eq!(count(values), 0, "after kill {kill}: a block is not what its last revision says");
    assert_eq!(count("SELECT COUNT(*) FROM message_vectors WHERE length(vector) <> 4 * 384"), 0);
}

/// Not a test by itself: what the child of `a_killed_restore_leaves_a_whole_database` does.
#[test]
fn child_that_restores() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let folder = Path::new(&folder);
    let backup = list_backups(folder).unwrap().pop().unwrap();
    loop {
        restore_backup(folder, &backup).unwrap();
        acknowledge("old");
        let store = open(folder);
        store.write(|w| w.set_setting("state", &"new".into())).unwrap();
        acknowledge("new");
    }
}

#[test]
fn a_killed_restore_leaves_a_whole_database() {
    let folder = tempfile::tempdir().unwrap();
    furnish(folder.path());
    let store = open(folder.path());
    store.write(|w| w.set_setting("state", &"old".into())).unwrap();
    for old in list_backups(folder.path()).unwrap() {
        std::fs::remove_file(old.path).unwrap();
    }
    store.backup_now().unwrap();
    drop(store);
    let mut random = Random::seeded(SystemClock.now_ms().unsigned_abs());
    for kill in 0..KILLS_OF_RESTORES {
        let child = spawn("child_that_restores", folder.path(), 0);
        kill_after(child, Duration::from_millis(10 + random.below(90)));
        let store = open(folder.path());
        let state = store.read(|r| r.setting("state")).unwrap().unwrap();
        assert!(state == "old" || state == "new", "after kill {kill}: {state}");
        assert_eq!(store.read(|r| r.agents(false)).unwrap().len(), 2, "after kill {kill}");
        assert_eq!(store.quick_check().unwrap(), [""; 0], "after kill {kill}");
    }
}
