//! Killed at any moment, an import and a restore leave what was there or what was to be there, never a mix. The tests run
//! themselves again as children, which the parent kills at random times.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use resident_agent_file::{
    Agent, AgentFile, AgentSettings, Archive, Block, Message, Part, Passage, Provenance, Resident, Role, WriteOptions,
    time, write,
};
use resident_app::{App, ExportOptions, ImportOptions, OpenOptions, restore_file};
use resident_store::{ManualClock, Store, SystemClock};

const KILLS: u64 = 50;
const CHILD: &str = "RESIDENT_KILLED_CHILD";
const NOW_MS: i64 = 1_700_000_000_000;

/// A small generator of numbers (xorshift64*), so that a failed run can be repeated from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }

    fn sentence(&mut self) -> String {
        let words = ["tide", "harbour", "miso", "rye", "café", "lantern", "seven", "remember", "north", "rope"];
        let count = 4 + self.below(20);
        (0..count).map(|_| words[usize::try_from(self.below(10)).unwrap()]).collect::<Vec<_>>().join(" ")
    }
}

/// An agent file with so many messages and passages.
fn agent_file(name: &str, messages: usize, passages: usize) -> Vec<u8> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let at = |number: usize| NOW_MS - 86_400_000 + i64::try_from(number).unwrap() * 1_000;
    let messages: Vec<Message> = (0..messages)
        .map(|number| Message {
            id: format!("message-{number}"),
            role: if number % 2 == 0 { Role::User } else { Role::Assistant },
            content: vec![Part::text(random.sentence())],
            turn_id: Some(format!("turn-{}", number / 2)),
            created_at: Some(time::text_of(at(number))),
            ..Message::default()
        })
        .collect();
    let passages = (0..passages)
        .map(|number| Passage {
            id: format!("passage-{number}"),
            text: random.sentence(),
            tags: vec![format!("tag{}", number % 7)],
            provenance: Provenance { actor: "agent".to_owned(), ..Provenance::default() },
            created_at_ms: at(number),
            ..Passage::default()
        })
        .collect();
    let file = AgentFile {
        agents: vec![Agent {
            id: "agent-0".to_owned(),
            name: name.to_owned(),
            agent_type: "letta_v1_agent".to_owned(),
            system: Some("You keep a log.".to_owned()),
            block_ids: vec!["block-0".to_owned()],
            in_context_message_ids: messages.iter().rev().take(10).rev().map(|message| message.id.clone()).collect(),
            messages,
            ..Agent::default()
        }],
        blocks: vec![Block {
            id: "block-0".to_owned(),
            label: "human".to_owned(),
            value: format!("The friend of {name}."),
            ..Block::default()
        }],
        resident: Resident {
            agents: vec![AgentSettings {
                agent_id: "agent-0".to_owned(),
                created_at_ms: Some(at(0)),
                ..AgentSettings::default()
            }],
            archives: vec![Archive {
                id: "archive-0".to_owned(),
                name: name.to_owned(),
                owner_id: Some("agent-0".to_owned()),
                agent_ids: vec!["agent-0".to_owned()],
                passages,
                ..Archive::default()
            }],
            ..Resident::default()
        },
        ..AgentFile::default()
    };
    write(&file, &WriteOptions::default())
}

/// Opens a profile at a time that stands still, so that what is written depends on nothing else.
fn open(profile: &Path) -> Arc<App> {
    let options = OpenOptions {
        profile: Some(profile.to_owned()),
        models_from_environment: false,
        use_keyring: false,
        log_to_file: false,
        clock: Arc::new(ManualClock::at(NOW_MS)),
        ..OpenOptions::default()
    };
    App::open(options).unwrap()
}

fn close(app: Arc<App>) {
    app.shutdown();
    drop(app);
}

fn agents(app: &App) -> Vec<String> {
    app.agent_records().unwrap().into_iter().map(|agent| agent.id.0).collect()
}

fn exports(app: &App) -> Vec<Vec<u8>> {
    let ids = agents(app).into_iter();
    ids.map(|id| app.export_file(&[id], ExportOptions::default()).unwrap()).collect()
}

/// Runs the test `name` of this binary as a child and kills it so long after it says that it is ready. Says whether it
/// was killed in its work.
fn kill_after(name: &str, folder: &Path, delay: Duration) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("ready"))), "{name} does not begin");
    std::thread::sleep(delay);
    let working = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    working
}

/// The folder that a child works on; `None` where this is no child.
fn child_folder() -> Option<std::path::PathBuf> {
    std::env::var_os(CHILD).map(Into::into)
}

/// Not a test by itself: what the child of `an_import_that_is_killed_leaves_all_or_nothing` does.
#[test]
fn child_that_imports() {
    let Some(folder) = child_folder() else { return };
    let app = open(&folder.join("profile"));
    let bytes = std::fs::read(folder.join("agent.af")).unwrap();
    println!("ready");
    app.import_file(&bytes, &ImportOptions::default()).unwrap();
    close(app);
}

#[test]
fn an_import_that_is_killed_leaves_all_or_nothing() {
    const MESSAGES: usize = 1_500;
    const PASSAGES: usize = 500;
    let folder = tempfile::tempdir().unwrap();
    let (profile, file) = (folder.path().join("profile"), agent_file("Log", MESSAGES, PASSAGES));
    std::fs::write(folder.path().join("agent.af"), &file).unwrap();
    let app = open(&profile);
    let began = Instant::now();
    app.import_file(&file, &ImportOptions::default()).unwrap();
    let takes_ms = u64::try_from(began.elapsed().as_millis()).unwrap().max(20);
    let expected = exports(&app);
    close(app);
    let mut random = Random(NOW_MS.unsigned_abs());
    let (mut whole, mut working) = (1, 0);
    for kill in 0..20 {
        // Most of the time is the import's; a few kills come after it.
        let delay = Duration::from_millis(random.below(takes_ms + takes_ms / 4));
        working += u64::from(kill_after("child_that_imports", folder.path(), delay));
        let app = open(&profile);
        let found = exports(&app);
        assert!(found.len() == whole || found.len() == whole + 1, "after kill {kill}: {} agents", found.len());
        assert!(found.iter().all(|found| *found == expected[0]), "after kill {kill}: an agent is not whole");
        whole = found.len();
        close(app);
    }
    assert!(working > 5, "only {working} of the kills came in the middle");
}

/// Not a test by itself: what the child of `a_restore_that_is_killed_leaves_the_old_profile_or_the_new_one` does.
#[test]
fn child_that_restores() {
    let Some(folder) = child_folder() else { return };
    println!("ready");
    loop {
        for name in ["old.backup", "new.backup"] {
            restore_file(&folder.join("profile"), &folder.join(name)).unwrap();
        }
    }
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_profile_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut states = Vec::new();
    for (name, messages) in [("old", 200), ("new", 300)] {
        let app = open(&folder.path().join(name));
        for agent in 0..3 {
            app.import_file(&agent_file(&format!("{name} {agent}"), messages, 100), &ImportOptions::default()).unwrap();
        }
        states.push(exports(&app));
        app.back_up_to(&folder.path().join(format!("{name}.backup")), false).unwrap();
        close(app);
    }
    let profile = folder.path().join("profile");
    let mut random = Random(NOW_MS.unsigned_abs());
    let mut seen = [0; 2];
    restore_file(&profile, &folder.path().join("old.backup")).unwrap();
    for kill in 0..KILLS {
        kill_after("child_that_restores", folder.path(), Duration::from_millis(random.below(60)));
        let app = open(&profile);
        let found = exports(&app);
        let state = states.iter().position(|state| *state == found);
        seen[state
            .unwrap_or_else(|| panic!("after kill {kill} the profile is neither the old one nor the new one"))] += 1;
        close(app);
        let _ = std::fs::remove_dir_all(profile.join("damaged"));
        let store = Store::open(&profile, Arc::new(SystemClock)).unwrap();
        assert_eq!(store.quick_check().unwrap(), [""; 0], "after kill {kill}");
    }
    assert!(seen.iter().all(|times| *times > 0), "one of the two was never seen: {seen:?}");
    println!("{KILLS} kills: the old profile {} times, the new one {} times", seen[0], seen[1]);
}

#[test]
fn a_profile_comes_back_from_its_backup_byte_by_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, backup) = (folder.path().join("profile"), folder.path().join("all.backup"));
    let app = open(&profile);
    let began = Instant::now();
    for (name, messages, passages) in [("Ada", 4_000, 2_000), ("Juno", 3_500, 1_500), ("Rho", 2_500, 1_500)] {
        app.import_file(&agent_file(name, messages, passages), &ImportOptions::default()).unwrap();
    }
    let imported = began.elapsed();
    let before = exports(&app);
    let bytes = app.back_up_to(&backup, false).unwrap();
    assert!(app.back_up_to(&backup, false).is_err(), "a file that is there is not written over");
    close(app);
    std::fs::remove_dir_all(&profile).unwrap();
    let began = Instant::now();
    restore_file(&profile, &backup).unwrap();
    let restored = began.elapsed();
    let app = open(&profile);
    assert!(exports(&app) == before, "an export differs");
    let sizes: Vec<usize> = before.iter().map(Vec::len).collect();
    println!("imported in {imported:?}, backup of {bytes} bytes, restored in {restored:?}, exports of {sizes:?} bytes");
    close(app);
}
