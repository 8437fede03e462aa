//! Servers over streamable HTTP, good and bad: the official SDK's in its three ways of answering, and raw ones that
//! refuse, redirect, hang up and go on without end.

#[path = "support/raw.rs"]
mod raw;
mod support;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use resident_library::http::HttpError;
use resident_mcp::{FailureKind, McpError, Patience, Server, ServerAddress};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Map, json};
use tokio::runtime::Runtime;

use raw::{Raw, handshake, whole};
use support::{Notes, call, lines, server, servers, soon, text};

/// A value that no error may show.
const TOKEN: &str = "hunter2hunter2";

/// What goes on at the door of the SDK's server.
#[derive(Debug, Default)]
struct Door {
    /// The value of `Authorization` of each request.
    tokens: Mutex<Vec<String>>,
    posts: AtomicUsize,
    streams: AtomicUsize,
    /// Whether the next request of a session is told that there is none.
    forget: AtomicBool,
}

/// The SDK's server, in a runtime of its own.
struct Web {
    server: Server,
    door: Arc<Door>,
    calls: String,
    _runtime: Runtime,
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.calls);
    }
}

/// Notes what comes by. `false` where it is turned away.
fn note_down(door: &Door, request: &Request) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    door.tokens.lock().expect("nobody panics with it").push(header("authorization").unwrap_or_default());
    match request.method().as_str() {
        "POST" => door.posts.fetch_add(1, Ordering::SeqCst),
        "GET" => door.streams.fetch_add(1, Ordering::SeqCst),
        _ => 0,
    };
    header("mcp-session-id").is_none() || !door.forget.swap(false, Ordering::SeqCst)
}

async fn watch(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    if note_down(&door, &request) { next.run(request).await } else { StatusCode::NOT_FOUND.into_response() }
}

fn web(config: StreamableHttpServerConfig) -> Web {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("resident-mcp-web-{}-{number}-calls", std::process::id());
    let calls = std::env::temp_dir().join(name).to_string_lossy().into_owned();
    let notes = Notes { calls: Some(calls.clone()), ..Notes::default() };
    let door = Arc::<Door>::default();
    let runtime = Runtime::new().expect("a runtime can be made");
    let kept = Arc::clone(&door);
    let address: SocketAddr = runtime.block_on(async {
        let service =
            StreamableHttpService::new(move || Ok(notes.clone()), Arc::<LocalSessionManager>::default(), config);
        let router = axum::Router::new().nest_service("/mcp", service).layer(from_fn_with_state(kept, watch));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    });
    let headers = vec![("Authorization".to_owned(), format!("Bearer {TOKEN}"))];
    let address = ServerAddress::StreamableHttp { url: format!("http://{address}/mcp"), headers };
    Web { server: server(address), door, calls, _runtime: runtime }
}

fn at(url: String) -> Server {
    let headers = vec![("Authorization".to_owned(), format!("Bearer {TOKEN}"))];
    server(ServerAddress::StreamableHttp { url, headers })
}

#[test]
fn a_server_lists_its_tools_and_runs_them_in_each_way_of_answering() {
    let config = |sessions: bool, json: bool| {
        let mut config = StreamableHttpServerConfig::default();
        (config.legacy_session_mode, config.json_response) = (sessions, json);
        config
    };
    for (sessions, json) in [(true, false), (false, false), (false, true)] {
        let (servers, web) = (servers(true), web(config(sessions, json)));
        assert_eq!(web.door.posts.load(Ordering::SeqCst), 0, "nothing is contacted before it is asked for");
        let tools = servers.list_tools(&web.server, &soon()).expect("the tools are listed");
        assert_eq!(tools.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["echo", "fail"]);
        assert_eq!(text(&servers, &web.server, "echo", json!({"text": "grüß dich"})), "grüß dich");
        let failed = call(&servers, &web.server, "fail", json!({})).expect("the server answers");
        assert!(failed.failed && failed.text == "there is no such note", "{failed:?}");
        let unknown = call(&servers, &web.server, "unknown", json!({})).expect("the server answers");
        assert!(unknown.failed && unknown.text.contains("no tool of this name"), "{unknown:?}");
        servers.close_all();
        let tokens = web.door.tokens.lock().expect("nobody panics with it");
        assert!(tokens.len() >= 6 && tokens.iter().all(|token| token == &format!("Bearer {TOKEN}")), "{tokens:?}");
        assert_eq!(web.door.streams.load(Ordering::SeqCst), 0, "no stream is opened that nobody listens to");
    }
}

#[test]
fn a_session_that_has_ended_is_begun_anew_and_the_call_is_made_once() {
    let (servers, web) = (servers(true), web(StreamableHttpServerConfig::default()));
    assert_eq!(text(&servers, &web.server, "echo", json!({"text": "one"})), "one");
    web.door.forget.store(true, Ordering::SeqCst);
    assert_eq!(text(&servers, &web.server, "echo", json!({"text": "two"})), "two");
    assert_eq!(lines(&web.calls), ["echo", "echo"]);
}

#[test]
fn a_slow_tool_runs_out_of_time_and_the_next_call_works() {
    let (servers, web) = (servers(true), web(StreamableHttpServerConfig::default()));
    let arguments = Map::from_iter([("ms".to_owned(), json!(60_000))]);
    let start = Instant::now();
    let patience = Patience::of(Duration::from_millis(400));
    let error = servers.call(&web.server, "slow", &arguments, &patience).expect_err("it is slow");
    assert!(error.kind() == FailureKind::Timeout && start.elapsed() < Duration::from_secs(2), "{error:?}");
    let cancelled = || start.elapsed() > Duration::from_millis(700);
    let patience = Patience { timeout: Duration::from_secs(60), cancelled: &cancelled };
    let error = servers.call(&web.server, "slow", &arguments, &patience).expect_err("it is cancelled");
    assert!(error.kind() == FailureKind::Cancelled && start.elapsed() < Duration::from_secs(3), "{error:?}");
    assert_eq!(text(&servers, &web.server, "echo", json!({"text": "hello"})), "hello");
}

#[test]
fn a_result_over_the_bounds_is_an_error_and_the_next_call_works() {
    for json in [true, false] {
        let mut config = StreamableHttpServerConfig::default();
        (config.legacy_session_mode, config.json_response) = (false, json);
        let (servers, web) = (servers(true), web(config));
        let error = call(&servers, &web.server, "big", json!({"bytes": 400_000})).expect_err("it is too large");
        assert!(error.to_string().contains("262144 bytes"), "{error}");
        assert_eq!(text(&servers, &web.server, "echo", json!({"text": "hello"})), "hello");
        assert_eq!(lines(&web.calls), ["big", "echo"], "no call is made twice");
    }
}

#[test]
fn offline_nothing_but_this_computer_is_contacted() {
    let servers = servers(true);
    for url in ["https://notes.example/mcp", "http://192.0.2.1:8000/mcp"] {
        let error = servers.list_tools(&at(url.to_owned()), &soon()).expect_err("Resident is offline");
        assert!(matches!(error, McpError::Network { source: HttpError::Offline { .. }, .. }), "{error:?}");
        assert!(error.to_string().contains("Resident is offline"), "{error}");
    }
}

#[test]
fn the_old_transport_is_refused_in_words() {
    let servers = servers(true);
    let old = server(ServerAddress::LegacySse { url: "http://127.0.0.1:1/sse".to_owned() });
    let raw = Raw::start(|_, out| whole(out, "405 Method Not Allowed", "", ""));
    for old in [old, at(raw.url("/sse"))] {
        let error = servers.list_tools(&old, &soon()).expect_err("it is not supported");
        assert!(matches!(error, McpError::LegacySse { .. }), "{error:?}");
        assert!(error.to_string().contains("streamable HTTP") && error.to_string().contains("stdio"), "{error}");
    }
}

#[test]
fn a_server_that_is_not_there_cannot_be_reached() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let url = format!("http://{}/mcp?key={TOKEN}", gone.expect("a port is free"));
    let error = servers(true).list_tools(&at(url), &soon()).expect_err("nobody listens");
    assert!(matches!(error, McpError::Unreachable { .. }), "{error:?}");
    assert!(!error.to_string().contains(TOKEN), "{error}");
}

/// Asks a raw server for its tools, and for a call once it has answered the handshake; both must fail in time.
#[track_caller]
fn check(
    name: &str,
    good: bool,
    answer: impl Fn(&raw::Request, &mut dyn Write) + Send + Sync + 'static,
) -> (McpError, Raw) {
    check_within(Duration::from_secs(5), name, good, answer)
}

#[track_caller]
fn check_within(
    timeout: Duration,
    name: &str,
    good: bool,
    answer: impl Fn(&raw::Request, &mut dyn Write) + Send + Sync + 'static,
) -> (McpError, Raw) {
    let raw = Raw::start(move |request, out| {
        if !good || !handshake(request, out) {
            answer(request, out);
        }
    });
    let (servers, start) = (servers(true), Instant::now());
    let patience = Patience::of(timeout);
    let error = servers.call(&at(raw.url("/mcp")), "echo", &Map::new(), &patience).expect_err(name);
    assert!(start.elapsed() < timeout + Duration::from_secs(1), "{name}: {:?}", start.elapsed());
    assert!(error.to_string().contains("\"notes\"") && !error.to_string().contains(TOKEN), "{name}: {error}");
    let calls = raw.asked().iter().filter(|request| request.method() == "tools/call").count();
    assert_eq!(calls, usize::from(good), "{name}: the call was sent {calls} times");
    (error, raw)
}

#[test]
fn a_refusal_is_told_with_its_status() {
    for good in [false, true] {
        let status = |status: &'static str| check(status, good, move |_, out| whole(out, status, "", "no"));
        let (error, _) = status("500 Internal Server Error");
        assert!(matches!(error, McpError::Status { status: 500, .. }), "{error:?}");
        let (error, _) = status("503 Service Unavailable");
        assert!(matches!(error, McpError::Status { status: 503, .. }), "{error:?}");
        let (error, _) = status("401 Unauthorized");
        assert!(matches!(error, McpError::Unauthorized { status: 401, .. }), "{error:?}");
        let challenge = "WWW-Authenticate: Bearer scope=\"notes\"\r\n";
        let (error, _) = check("challenge", good, move |_, out| whole(out, "401 Unauthorized", challenge, ""));
        assert!(matches!(error, McpError::Unauthorized { status: 401, .. }), "{error:?}");
        assert_eq!(error.kind(), FailureKind::Setup);
        let said = format!("the token {TOKEN} is not one of ours");
        let (error, _) = check("echo", good, move |_, out| whole(out, "400 Bad Request", "", &said));
        assert!(error.to_string().ends_with("HTTP 400: the token … is not one of ours"), "{error}");
    }
}

#[test]
fn a_redirect_is_not_followed_and_nothing_secret_goes_elsewhere() {
    for good in [false, true] {
        for status in ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
            let elsewhere = Raw::start(|_, out| whole(out, "200 OK", "", ""));
            let location = format!("Location: {}\r\n", elsewhere.url("/mcp"));
            let (error, _) = check(status, good, move |_, out| whole(out, status, &location, ""));
            assert!(matches!(error, McpError::Redirect { .. }), "{error:?}");
            assert!(elsewhere.asked().is_empty(), "{:?}", elsewhere.asked());
        }
    }
}

#[test]
fn an_answer_that_is_none_is_told() {
    for good in [false, true] {
        let (error, _) =
            check("page", good, |_, out| whole(out, "200 OK", "Content-Type: text/html\r\n", "<h1>Hi</h1>"));
        assert!(matches!(error, McpError::Protocol { .. }), "{error:?}");
        let json = "Content-Type: application/json\r\n";
        let (error, _) = check("half", good, move |_, out| whole(out, "200 OK", json, "{\"jsonrpc\":"));
        assert!(matches!(error, McpError::Protocol { .. }), "{error:?}");
        let (error, _) = check("stream", good, |_, out| {
            whole(out, "200 OK", "Content-Type: text/event-stream\r\n", "data: nonsense\n\n");
        });
        assert_eq!(error.kind(), FailureKind::Connection, "{error:?}");
    }
}

#[test]
fn a_call_whose_connection_breaks_is_not_made_twice() {
    let (error, _) = check("hangs up", true, |_, _| {});
    assert!(matches!(error, McpError::Lost { .. }), "{error:?}");
    assert!(error.to_string().contains("it may have been carried out"), "{error}");
    let (error, raw) = check("hangs up in the stream", true, |request, out| {
        if request.method() == "tools/call" {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close";
            let _ = write!(out, "{head}\r\n\r\nid: 1\n: still at it\n\n");
        }
    });
    assert_eq!(error.kind(), FailureKind::Connection, "{error:?}");
    let resumed = raw.asked().iter().filter(|request| request.head.contains("last-event-id: 1")).count();
    assert!(resumed > 0, "the rest of the answer is asked for");
    let (error, _) = check("hangs up before the handshake", false, |_, _| {});
    assert!(matches!(error, McpError::Unreachable { .. }), "{error:?}");
}

#[test]
fn a_server_that_hangs_or_goes_on_without_end_has_its_time() {
    for good in [false, true] {
        let (error, _) =
            check_within(Duration::from_secs(1), "hangs", good, |_, _| std::thread::sleep(Duration::from_secs(10)));
        assert_eq!(error.kind(), FailureKind::Timeout, "{error:?}");
        let (error, _) = check_within(Duration::from_secs(1), "drips", good, |_, out| {
            let _ = write!(out, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
            while write!(out, ": still at it\n\n").is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        assert_eq!(error.kind(), FailureKind::Timeout, "{error:?}");
        let (error, _) = check("endless", good, |_, out| {
            let _ = write!(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
            while out.write_all(&[b'['; 4096]).is_ok() {}
        });
        assert!(matches!(error, McpError::TooLarge { .. }), "{error:?}");
    }
}
