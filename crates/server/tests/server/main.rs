//! The server as clients meet it, over real sockets. Answers come from an endpoint on loopback that says what a test
//! tells it, through the real application; `letta-client` itself has its tests in `tests/sdk`.

#[path = "../../../remote/tests/support/mod.rs"]
mod endpoint;

mod doors;
mod turns;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use resident_app::{App, OpenOptions};
use resident_server::{Access, Running, ServerOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use endpoint::server::Server;

/// Longer than any answer here takes, on a machine that is busy with other tests too.
const PATIENCE: Duration = Duration::from_secs(60);

/// A profile in a folder of its own, with a server on it.
struct Served {
    app: Arc<App>,
    running: Option<Running>,
    _folder: TempDir,
}

impl Served {
    fn new(access: Access) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let app = App::open(OpenOptions {
            profile: Some(folder.path().join("profile")),
            models_from_environment: false,
            use_keyring: false,
            log_to_file: false,
            ..OpenOptions::default()
        })
        .expect("a new profile opens");
        let mut options = ServerOptions::on_loopback(access);
        options.address.set_port(0);
        options.host_names = vec!["resident.test".to_owned()];
        let running = resident_server::start(app.clone(), &options).expect("the server starts");
        Self { app, running: Some(running), _folder: folder }
    }

    /// Open to everyone, with a model that answers at `endpoint`.
    fn with_model_at(endpoint: &Server) -> Self {
        let served = Self::new(Access::Anyone);
        served.app_call("startProfile", json!({ "userName": "Nick" }));
        served.app_call("saveEndpoint", json!({ "id": "test", "baseUrl": endpoint.url(), "models": ["tiny"] }));
        served.app_call("updateSettings", json!({ "defaultModel": "remote/test/tiny" }));
        served
    }

    fn app_call(&self, method: &str, params: Value) -> Value {
        self.app.dispatch(method, params).unwrap_or_else(|error| panic!("{method} failed: {error}"))
    }

    fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("it runs").address()
    }

    /// Sends bytes as they are and reads everything that comes back.
    fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket takes a time-out");
        // A server that refuses early closes before it has read all.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A request as a well-behaved client sends it: status and JSON.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.ask_with(method, path, body, &[])
    }

    fn ask_with(&self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.text(method, path, body, headers);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let body =
            if head.to_lowercase().contains("transfer-encoding: chunked") { joined(body) } else { body.to_owned() };
        (status, serde_json::from_str(body.trim()).unwrap_or(Value::Null))
    }

    /// The answer as it came.
    fn text(&self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> String {
        let body = body.map(Value::to_string).unwrap_or_default();
        let extra: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{extra}\r\n{body}",
            self.address(),
            body.len()
        ))
    }

    /// A new agent's id.
    fn agent(&self) -> String {
        let (status, agent) = self.ask("POST", "/v1/agents/", Some(&json!({ "name": "Ada", "memory_blocks": [] })));
        assert_eq!(status, 200, "{agent}");
        agent["id"].as_str().expect("an agent has an id").to_owned()
    }

    /// What the user said to an agent, as the store has it.
    fn said_to(&self, agent: &str) -> Vec<String> {
        let (_, messages) = self.ask("GET", &format!("/v1/agents/{agent}/messages?limit=1000"), None);
        let users =
            messages.as_array().expect("a list").iter().filter(|message| message["message_type"] == "user_message");
        users.map(|message| message["content"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
        self.app.shutdown();
    }
}

/// The parts of a chunked body put together.
fn joined(chunked: &str) -> String {
    let (mut rest, mut whole) = (chunked, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
        let Some(part) = after.get(..size) else { break };
        whole.push_str(part);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    whole
}
