//! A process that is killed at any moment loses nothing that it acknowledged. A child (this test binary, started anew
//! with a variable set) talks to an agent and says on its standard output what was recorded; the parent kills it at 50
//! places, opens the profile each time, and looks for every message and every memory write that was acknowledged.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use resident_agent::{
    AgentEvent, AgentSettings, Cancel, Finish, GenerateOptions, Generation, Guidance, LanguageModel, Locality,
    MemoryChange, ModelError, ModelInfo, Progress, Prompt, TurnContext, begin_retry, begin_turn, create_agent,
    default_agent, run_turn,
};
use resident_memory::Memory;
use resident_store::{AgentId, AgentType, Role, Store, SystemClock, ToolCall, TurnStatus};
use serde_json::json;

const KILLS: usize = 50;
const PROFILE: &str = "RESIDENT_CRASH_TEST_PROFILE";

/// Remembers something in every turn, saves something else, then answers, as slowly as it takes to be killed meanwhile.
struct BusyModel {
    calls: AtomicUsize,
}

impl LanguageModel for BusyModel {
    fn info(&self) -> ModelInfo {
        ModelInfo {
            handle: "local/busy".to_owned(),
            name: "Busy".to_owned(),
            locality: Locality::Local,
            context_window_tokens: 4096,
            guidance: Guidance::None,
        }
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len().div_ceil(4)
    }

    fn count_prompt_tokens(&self, prompt: &Prompt) -> usize {
        let messages: usize = prompt.messages.iter().map(|message| message.content.len() + 16).sum();
        (prompt.system.len() + messages).div_ceil(4)
    }

    fn generate(
        &self,
        _prompt: &Prompt,
        _options: &GenerateOptions,
        _cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Generation, ModelError> {
        std::thread::sleep(Duration::from_millis(1));
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let (name, arguments) = match number % 3 {
            0 => ("core_memory_append", json!({ "label": "human", "content": format!("Fact {number}.") })),
            1 => ("archival_memory_insert", json!({ "content": format!("Record {number}.") })),
            _ => {
                on_progress(Progress::Text("Noted.".to_owned()));
                let text = "Noted.".to_owned();
                return Ok(Generation { text, finish: Finish::Stop, ..Generation::default() });
            }
        };
        let call = ToolCall { id: String::new(), name: name.to_owned(), arguments };
        Ok(Generation { tool_calls: vec![call], ..Generation::default() })
    }
}

/// What the child does: turn after turn, until it is killed. Each line that it prints is a promise.
fn talk(folder: &Path) {
    let store = Arc::new(Store::open(folder, Arc::new(SystemClock)).unwrap());
    let agent_id = AgentId::from("agent-crash");
    if store.read(|reader| reader.agent(&agent_id)).unwrap().is_none() {
        let mut agent = default_agent("Ada", AgentType::LettaV1Agent, store.now_ms());
        agent.id = agent_id.clone();
        store.write(|w| create_agent(w, &agent, "I am Ada.", "Facts:")).unwrap();
    }
    let memory = Memory::new(store.clone());
    let model = BusyModel { calls: AtomicUsize::new(0) };
    let settings = AgentSettings::default();
    let context = TurnContext {
        memory: &memory,
        model: &model,
        router: None,
        settings: &settings,
        outside: None,
        others: None,
        seed: 1,
    };
    let promise = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").unwrap();
        out.flush().unwrap();
    };
    let interrupted = store.write(|w| w.mark_interrupted(store.now_ms())).unwrap();
    let mut next = interrupted.last().map(|turn_id| begin_retry(&store, turn_id).unwrap().0);
    loop {
        let turn = next.take().unwrap_or_else(|| {
            let (turn, message) = begin_turn(&store, &agent_id, "Remember what I say.").unwrap();
            promise(format!("message {}", message.id));
            turn
        });
        run_turn(&context, &turn, &Cancel::default(), &mut |event| match event {
            AgentEvent::Recorded(message) => promise(format!("message {}", message.id)),
            AgentEvent::Changed(MemoryChange::Block { revision, .. }) => {
                promise(format!("revision {}", revision.number))
            }
            AgentEvent::Changed(MemoryChange::PassageSaved(passage)) => promise(format!("passage {}", passage.id)),
            _ => {}
        })
        .unwrap();
    }
}

/// Every promise of the child, kept.
fn check(folder: &Path, promises: &[String]) -> bool {
    let store = Store::open(folder, Arc::new(SystemClock)).unwrap();
    assert!(store.quick_check().unwrap().is_empty(), "the database is sound");
    let agent_id = AgentId::from("agent-crash");
    let interrupted = store.write(|w| w.mark_interrupted(store.now_ms())).unwrap();
    store
        .read(|reader| {
            let block = reader.block_by_label(&agent_id, "human")?.expect("the agent has its blocks");
            let revisions = reader.block_revisions(&block.id)?;
            assert_eq!(revisions[0].after, block.value, "the block is what its last revision says");
            for promise in promises {
                let (kind, id) = promise.split_once(' ').expect("a promise names what it is about");
                let kept = match kind {
                    "message" => reader.message(&id.into())?.is_some(),
                    "revision" => revisions.iter().any(|revision| revision.number.to_string() == id),
                    "passage" => reader.passage(&id.into())?.is_some(),
                    other => panic!("unknown promise {other}"),
                };
                assert!(kept, "{promise} was acknowledged");
            }
            // Memory and conversation agree: each change of memory stands beside the result that reports it.
            let results = reader.messages_after(&agent_id, 0, usize::MAX)?;
            for revision in revisions.iter().filter(|revision| revision.number > 1) {
                let turn_id = revision.provenance.turn_id.as_ref().expect("an agent wrote it");
                let reported = results.iter().any(|message| {
                    message.role == Role::Tool
                        && message.turn_id.as_ref() == Some(turn_id)
                        && message.content == revision.after
                });
                let retried = reader.messages_of_turn(turn_id)?.iter().all(|message| message.role == Role::User);
                assert!(reported || retried, "revision {} has its result", revision.number);
            }
            for turn_id in &interrupted {
                assert_eq!(reader.turn(turn_id)?.expect("it was begun").status, TurnStatus::Interrupted);
            }
            Ok::<_, resident_store::StoreError>(())
        })
        .unwrap();
    !interrupted.is_empty()
}

#[test]
fn nothing_acknowledged_is_lost_in_fifty_kills() {
    if let Some(folder) = std::env::var_os(PROFILE) {
        talk(Path::new(&folder));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut promises: Vec<String> = Vec::new();
    let mut interrupted = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "nothing_acknowledged_is_lost_in_fifty_kills", "--nocapture"])
            .env(PROFILE, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // After so many promises, and then at some moment before the next one.
        let wanted = 1 + kill * 7 % 23;
        let is_promise =
            |line: &String| ["message ", "revision ", "passage "].iter().any(|kind| line.starts_with(kind));
        promises.extend(lines.by_ref().filter(is_promise).take(wanted));
        std::thread::sleep(Duration::from_micros((kill as u64 * 7919) % 9000));
        child.kill().unwrap();
        promises.extend(lines.filter(is_promise));
        child.wait().unwrap();
        interrupted += usize::from(check(folder.path(), &promises));
    }
    assert!(promises.len() > KILLS, "the child worked: {} promises", promises.len());
    assert!(interrupted > KILLS / 2, "the kills fell into turns: {interrupted} of {KILLS}");
    println!("{KILLS} kills, {} acknowledged writes, {interrupted} interrupted turns", promises.len());
}
