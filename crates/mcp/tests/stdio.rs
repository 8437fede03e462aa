//! Programs as servers, good and bad. The programs are this test binary, started again: the test `child` is no test but
//! what they run. Its harness writes a line before anything else, so every one of them begins with a stray line.

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use resident_mcp::{FailureKind, McpError, Patience, Server, ServerAddress, Servers};
use rmcp::ServiceExt;
use serde_json::{Map, Value, json};

use support::{CALLS, Notes, call, lines, note, server, servers, soon, text};

/// What the program does.
const MODE: &str = "NOTES_MODE";

/// The file into which each program writes its process id.
const PIDS: &str = "NOTES_PIDS";

/// A value that no error may show.
const SECRET: &str = "hunter2hunter2";

/// A program under test, with the files that it writes.
struct Program {
    server: Server,
    pids: String,
    calls: String,
}

fn program(mode: &str) -> Program {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let file = |name: &str| {
        let name = format!("resident-mcp-{}-{number}-{name}", std::process::id());
        std::env::temp_dir().join(name).to_string_lossy().into_owned()
    };
    let (pids, calls) = (file("pids"), file("calls"));
    let env = [(MODE, mode), (PIDS, &pids), (CALLS, &calls), ("TOKEN", SECRET)];
    let address = ServerAddress::Stdio {
        command: std::env::current_exe().expect("the test knows where it is").to_string_lossy().into_owned(),
        args: ["child", "--exact", "--ignored", "--nocapture", "--quiet"].map(str::to_owned).to_vec(),
        env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect::<BTreeMap<_, _>>(),
    };
    Program { server: server(address), pids, calls }
}

impl Program {
    /// How often the program was started.
    fn starts(&self) -> usize {
        lines(&self.pids).len()
    }

    /// Fails unless every process that was started is gone.
    #[track_caller]
    fn leaves_nothing(&self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        for pid in lines(&self.pids) {
            while runs(&pid) {
                assert!(Instant::now() < deadline, "process {pid} is left");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        for path in [&self.pids, &self.calls] {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Whether a process is there and has not ended. Only Linux tells without another program; elsewhere nothing is left to
/// be seen.
fn runs(pid: &str) -> bool {
    let folder = std::path::Path::new("/proc").join(pid);
    let status = std::fs::read_to_string(folder.join("status")).unwrap_or_default();
    let ended = !status.lines().any(|line| line.starts_with("State:") && !line.contains("Z (zombie)"));
    // The first thread can have ended while others still hold the pipes.
    let threads = std::fs::read_dir(folder.join("task")).map(Iterator::count).unwrap_or(0);
    !ended || threads > 1
}

#[test]
#[ignore = "it is not a test, but the program that the tests start"]
fn child() {
    let Ok(mode) = std::env::var(MODE) else { return };
    let pids = std::env::var(PIDS).expect("a program is told where to write its id");
    let first = lines(&pids).is_empty();
    note(&pids, &std::process::id().to_string());
    match mode.as_str() {
        "notes" => serve(Notes::default()),
        "modern" => serve(Notes { modern: true, ..Notes::default() }),
        "endless pages" => serve(Notes { endless: true, ..Notes::default() }),
        "exits" => {
            eprintln!("cannot sign in with {}", std::env::var("TOKEN").unwrap_or_default());
            std::process::exit(3);
        }
        "mute" => std::thread::sleep(Duration::from_secs(600)),
        "babbles" => while writeln!(std::io::stdout(), "lorem ipsum dolor sit amet").is_ok() {},
        "answers without end" => scripted(|id, out| {
            let _ = write!(out, r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":""#);
            while out.write_all(&[b'x'; 4096]).is_ok() {}
        }),
        "deep json" => scripted(|id, out| {
            let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
            let _ = writeln!(out, r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[],"deep":{deep}}}}}"#);
        }),
        "notifies without end" => scripted(|_, out| {
            let line =
                r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"still at it"}}"#;
            while writeln!(out, "{line}").is_ok() {}
        }),
        "answers with nonsense" => scripted(|id, out| {
            let _ = writeln!(out, r#"{{"jsonrpc":"2.0","id":{id},"result":42}}"#);
        }),
        "hangs once" if first => scripted(|_, _| std::thread::sleep(Duration::from_secs(600))),
        "hangs once" => serve(Notes::default()),
        other => panic!("there is no program {other}"),
    }
    std::process::exit(0);
}

fn serve(notes: Notes) {
    let notes = Notes { calls: std::env::var(CALLS).ok(), ..notes };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be made");
    runtime.block_on(async {
        if let Ok(service) = notes.serve(rmcp::transport::stdio()).await {
            let _ = service.waiting().await;
        }
    });
    // The reader of the standard input cannot be stopped.
    std::process::exit(0);
}

/// Answers the handshake, and does `act` with the id of any other request.
fn scripted(act: impl Fn(&Value, &mut dyn Write)) {
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let message: Value = serde_json::from_str(&line).unwrap_or_default();
        match (message["method"].as_str(), &message["id"]) {
            (Some("initialize"), id) => {
                let result = json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "raw", "version": "1"}});
                let _ = writeln!(out, "{}", json!({"jsonrpc": "2.0", "id": id, "result": result}));
            }
            (Some(_), id) if !id.is_null() => act(id, &mut out),
            _ => {}
        }
    }
}

#[test]
fn a_program_lists_its_tools_and_runs_them() {
    let (servers, program) = (servers(true), program("notes"));
    assert_eq!(program.starts(), 0, "nothing is started before it is asked for");
    let tools = servers.list_tools(&program.server, &soon()).expect("the tools are listed");
    assert_eq!(tools.server, "notes 1.2.3");
    assert_eq!(tools.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["echo", "fail"]);
    assert_eq!(tools.tools[0].description, "Says it again.");
    assert_eq!(tools.tools[0].input_schema["properties"]["text"]["type"], "string");
    assert!(tools.warnings.len() == 1 && tools.warnings[0].contains("not a name"), "{:?}", tools.warnings);
    assert_eq!(text(&servers, &program.server, "echo", json!({"text": "grüß dich\n\"you\""})), "grüß dich\n\"you\"");
    let photo = text(&servers, &program.server, "image", json!({}));
    assert_eq!(photo, "a photo:\n[an image (image/png, 6 bytes), which is not shown]");
    assert_eq!(program.starts(), 1, "the connection is kept");
    drop(servers);
    program.leaves_nothing();
}

#[test]
fn a_tool_that_fails_is_a_result_and_so_is_one_that_is_not_known() {
    let (servers, program) = (servers(true), program("notes"));
    for (tool, words) in [("fail", "there is no such note"), ("unknown", "there is no tool of this name")] {
        let outcome = call(&servers, &program.server, tool, json!({})).expect("the server answers");
        assert!(outcome.failed && outcome.text.contains(words), "{outcome:?}");
    }
}

#[test]
fn a_program_gets_its_own_environment_and_little_of_ours() {
    let (servers, program) = (servers(true), program("notes"));
    let value = |name: &str| text(&servers, &program.server, "env", json!({"name": name}));
    assert!(std::env::var("CARGO_PKG_NAME").is_ok(), "the test has variables that are nobody's business");
    assert_eq!(value("CARGO_PKG_NAME"), "not set");
    assert_eq!(value("TOKEN"), SECRET);
    assert_eq!(value("PATH"), std::env::var("PATH").expect("there is a path"));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let address =
        ServerAddress::Stdio { command: "no-such-program-4711".to_owned(), args: vec![], env: BTreeMap::new() };
    let error = servers(true).list_tools(&server(address), &soon()).expect_err("there is no such program");
    assert!(matches!(error, McpError::Start { .. }) && error.kind() == FailureKind::Setup, "{error:?}");
    assert!(error.to_string().contains("no-such-program-4711"), "{error}");
}

/// Runs a bad program, checks that its error comes in time and says `words`, and that nothing is left of it.
#[track_caller]
fn check(mode: &str, timeout: Duration, words: &[&str]) -> McpError {
    let (servers, program) = (servers(true), program(mode));
    let start = Instant::now();
    let error = servers.call(&program.server, "echo", &Map::new(), &Patience::of(timeout)).expect_err(mode);
    let took = start.elapsed();
    assert!(took < timeout + Duration::from_secs(1), "{mode}: {took:?}");
    for word in words {
        assert!(error.to_string().contains(word), "{mode}: {error}");
    }
    assert!(error.to_string().contains("\"notes\"") && !error.to_string().contains(SECRET), "{mode}: {error}");
    assert!(program.starts() <= 1, "{mode}: started {} times", program.starts());
    drop(servers);
    program.leaves_nothing();
    error
}

#[test]
fn a_program_that_exits_at_once_says_why() {
    let error = check("exits", Duration::from_secs(20), &["exit code 3", "cannot sign in with …"]);
    assert!(matches!(error, McpError::Unreachable { .. }), "{error:?}");
}

#[test]
fn a_program_that_never_answers_has_its_time() {
    let error = check("mute", Duration::from_secs(2), &["within 2 s"]);
    assert_eq!(error.kind(), FailureKind::Timeout);
}

#[test]
fn a_program_that_babbles_is_cut_off_before_its_time_is_over() {
    let error = check("babbles", Duration::from_secs(20), &["without answering", "it printed: "]);
    assert_eq!(error.kind(), FailureKind::Connection);
    check("notifies without end", Duration::from_secs(20), &["without answering"]);
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let error = check("answers without end", Duration::from_secs(20), &["more than 262144 bytes"]);
    assert!(matches!(error, McpError::TooLarge { .. }), "{error:?}");
}

#[test]
fn an_answer_that_cannot_be_parsed_is_an_error_at_once() {
    check("deep json", Duration::from_secs(20), &["nested too deeply"]);
    check("answers with nonsense", Duration::from_secs(20), &["does not speak the protocol"]);
}

#[test]
fn a_server_that_only_knows_the_newest_protocol_is_spoken_to_in_its_way() {
    let (servers, program) = (servers(true), program("modern"));
    assert_eq!(text(&servers, &program.server, "echo", json!({"text": "hello"})), "hello");
    assert_eq!(program.starts(), 2, "it refused the handshake first");
    drop(servers);
    program.leaves_nothing();
}

#[test]
fn pages_without_end_are_left_after_some() {
    let (servers, program) = (servers(true), program("endless pages"));
    let tools = servers.list_tools(&program.server, &soon()).expect("the tools are listed");
    assert_eq!(tools.tools.len(), 2);
    assert!(tools.warnings.iter().any(|warning| warning.contains("more than 8 pages")), "{:?}", tools.warnings);
}

#[test]
fn a_result_over_the_bounds_is_an_error_and_the_next_call_works() {
    let (servers, program) = (servers(true), program("notes"));
    let error = call(&servers, &program.server, "big", json!({"bytes": 400_000})).expect_err("it is too large");
    assert!(matches!(error, McpError::TooLarge { limit: 262_144, .. }), "{error:?}");
    let cut = text(&servers, &program.server, "big", json!({"bytes": 210_000}));
    assert!(cut.ends_with("[cut here: 200000 of 210000 characters]"), "{}", cut.len());
    assert_eq!(lines(&program.calls), ["big", "big"], "no call is made twice");
}

#[test]
fn a_slow_tool_runs_out_of_time_and_the_program_is_kept() {
    let (servers, program) = (servers(true), program("notes"));
    let pid = text(&servers, &program.server, "pid", json!({}));
    let arguments = Map::from_iter([("ms".to_owned(), json!(60_000))]);
    let patience = Patience::of(Duration::from_millis(300));
    let error = servers.call(&program.server, "slow", &arguments, &patience).expect_err("it is slow");
    assert_eq!(error.kind(), FailureKind::Timeout);
    assert_eq!(text(&servers, &program.server, "pid", json!({})), pid, "it answered the ping");
    assert_eq!(lines(&program.calls), ["pid", "slow", "pid"]);
}

#[test]
fn a_program_that_hangs_is_replaced_at_the_next_call() {
    let (servers, program) = (servers(true), program("hangs once"));
    let patience = Patience::of(Duration::from_secs(1));
    let error = servers.call(&program.server, "echo", &Map::new(), &patience).expect_err("it hangs");
    assert_eq!(error.kind(), FailureKind::Timeout);
    assert_eq!(text(&servers, &program.server, "echo", json!({"text": "again"})), "again");
    assert_eq!(program.starts(), 2);
    drop(servers);
    program.leaves_nothing();
}

#[test]
fn a_caller_can_give_up() {
    let (servers, program) = (servers(true), program("notes"));
    text(&servers, &program.server, "pid", json!({}));
    let start = Instant::now();
    let cancelled = || start.elapsed() > Duration::from_millis(200);
    let patience = Patience { timeout: Duration::from_secs(60), cancelled: &cancelled };
    let arguments = Map::from_iter([("ms".to_owned(), json!(60_000))]);
    let error = servers.call(&program.server, "slow", &arguments, &patience).expect_err("it was cancelled");
    assert!(error.kind() == FailureKind::Cancelled && start.elapsed() < Duration::from_secs(2), "{error:?}");
}

#[test]
fn a_program_that_ended_between_two_calls_is_started_again() {
    let (servers, program) = (servers(true), program("notes"));
    assert_eq!(text(&servers, &program.server, "last", json!({})), "bye");
    program.leaves_nothing();
    assert_eq!(text(&servers, &program.server, "echo", json!({"text": "hello"})), "hello");
    assert_eq!(program.starts(), 2);
    assert_eq!(lines(&program.calls), ["last", "echo"]);
}

#[test]
fn a_call_in_which_the_program_dies_is_not_made_twice() {
    let (servers, program) = (servers(true), program("notes"));
    text(&servers, &program.server, "pid", json!({}));
    let error = call(&servers, &program.server, "die", json!({})).expect_err("it dies");
    assert!(matches!(error, McpError::Lost { .. }), "{error:?}");
    assert!(error.to_string().contains("exit code 7; its last words: the disk is full"), "{error}");
    assert_eq!(lines(&program.calls), ["pid", "die"]);
    assert_eq!(text(&servers, &program.server, "echo", json!({"text": "hello"})), "hello");
}

#[test]
fn what_a_program_has_started_ends_with_it() {
    let ends: [fn(Servers); 3] = [drop, |servers| servers.close("mcp_server-1"), |servers| servers.close_all()];
    for end in ends {
        let (servers, program) = (servers(true), program("notes"));
        let child = text(&servers, &program.server, "child", json!({}));
        note(&program.pids, &child);
        if cfg!(target_os = "linux") {
            assert!(runs(&child));
        }
        end(servers);
        program.leaves_nothing();
    }
}

#[test]
fn a_closed_server_can_be_used_again() {
    let (servers, program) = (servers(true), program("notes"));
    text(&servers, &program.server, "pid", json!({}));
    servers.close(&program.server.id);
    program.leaves_nothing();
    servers.close("unknown");
    text(&servers, &program.server, "pid", json!({}));
    assert_eq!(program.starts(), 2);
}

#[test]
fn a_changed_address_is_connected_to_anew() {
    let (servers, mut program) = (servers(true), program("notes"));
    let value = |server: &Server| text(&servers, server, "env", json!({"name": "TOKEN"}));
    assert_eq!(value(&program.server), SECRET);
    if let ServerAddress::Stdio { env, .. } = &mut program.server.address {
        env.insert("TOKEN".to_owned(), "another".to_owned());
    }
    assert_eq!(value(&program.server), "another");
}

#[test]
fn callers_side_by_side_share_one_program_and_get_their_own_answers() {
    let (servers, program) = (servers(true), program("notes"));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (servers, server) = (&servers, &program.server);
            scope.spawn(move || {
                for number in 0..25 {
                    let said = format!("{thread}/{number}");
                    assert_eq!(text(servers, server, "echo", json!({"text": said})), said);
                }
            });
        }
    });
    assert_eq!(program.starts(), 1);
    assert_eq!(lines(&program.calls).len(), 200);
}
