//! The API as a shell uses it: requests by name with JSON, events in order. Answers come from an endpoint on loopback
//! that says what a test tells it, through the real remote model, agent, memory and store; the local model has its own
//! tests in `inference` and in the journeys.

#[path = "../../../remote/tests/support/mod.rs"]
mod endpoint;

#[path = "../../../agent-file/tests/files/graphs.rs"]
mod graphs;

mod agent_files;
mod archive;
mod blocks;
mod endpoints;
mod groups;
mod profile;
mod tool_servers;
mod turns;

use std::sync::Arc;
use std::time::{Duration, Instant};

use resident_app::api::{ApiError, Event, EventKind, TurnState, TurnView};
use resident_app::{App, EventReader, OpenOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use endpoint::server::Server;

/// Longer than any answer here takes, on a machine that is busy with other tests too.
const PATIENCE: Duration = Duration::from_secs(60);

/// A profile in a folder of its own.
struct Profile {
    app: Arc<App>,
    folder: TempDir,
}

impl Profile {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { app: open(&folder).expect("a new profile opens"), folder }
    }

    /// A profile that has been started, whose default model answers at `server`.
    fn with_model_at(server: &Server) -> Self {
        let profile = Self::new();
        profile.use_model_at(server);
        profile
    }

    /// Starts the profile, with a default model that answers at `server`.
    fn use_model_at(&self, server: &Server) {
        self.call("startProfile", json!({ "userName": "Nick" }));
        let endpoint = json!({ "id": "test", "baseUrl": server.url(), "models": ["tiny"] });
        self.call("saveEndpoint", endpoint);
        self.call("updateSettings", json!({ "defaultModel": "remote/test/tiny" }));
    }

    fn call(&self, method: &str, params: Value) -> Value {
        self.app.dispatch(method, params).unwrap_or_else(|error| panic!("{method} failed: {error}"))
    }

    fn refused(&self, method: &str, params: Value) -> ApiError {
        self.app.dispatch(method, params).expect_err("it is refused")
    }

    /// The id of the first agent.
    fn agent(&self) -> String {
        self.call("listAgents", json!({ "deleted": false }))[0]["id"].as_str().expect("there is an agent").to_owned()
    }

    fn block(&self, label: &str) -> Value {
        let blocks = self.call("listBlocks", json!({ "agentId": self.agent(), "deleted": false }));
        let found = blocks.as_array().expect("a list").iter().find(|block| block["label"] == label);
        found.unwrap_or_else(|| panic!("there is no block {label}")).clone()
    }

    /// Says something and waits for the turn to end; returns it with its events.
    fn say(&self, text: &str) -> (TurnView, Vec<Event>) {
        let reader = self.reader();
        let turn = self.call("sendMessage", json!({ "agentId": self.agent(), "text": text }));
        ended(&reader, turn["id"].as_str().expect("a turn has an id"))
    }

    fn reader(&self) -> EventReader {
        let seq = self.call("getProfile", json!({}))["lastEventSeq"].as_u64().expect("a number");
        self.app.subscribe(seq)
    }

    /// What was said, as "role: content".
    fn said(&self) -> Vec<String> {
        let page = self.call("listMessages", json!({ "agentId": self.agent(), "limit": 100 }));
        let messages = page["messages"].as_array().expect("a list").iter();
        let spoken = messages.filter(|message| ["User", "Assistant"].iter().any(|role| message["role"] == *role));
        let line = |message: &Value| {
            format!(
                "{}: {}",
                message["role"].as_str().unwrap_or_default(),
                message["content"].as_str().unwrap_or_default()
            )
        };
        spoken.map(line).collect()
    }

    /// Closes the profile and opens it again.
    fn reopened(self) -> Self {
        self.app.shutdown();
        let Self { app, folder } = self;
        drop(app);
        Self { app: open(&folder).expect("the profile opens again"), folder }
    }
}

fn open(folder: &TempDir) -> Result<Arc<App>, ApiError> {
    open_with(folder, |_| {})
}

fn open_with(folder: &TempDir, change: impl FnOnce(&mut OpenOptions)) -> Result<Arc<App>, ApiError> {
    let mut options = OpenOptions {
        profile: Some(folder.path().join("profile")),
        models_from_environment: false,
        use_keyring: false,
        log_to_file: false,
        ..OpenOptions::default()
    };
    change(&mut options);
    App::open(options)
}

/// Follows the stream until the turn has ended.
fn ended(reader: &EventReader, turn_id: &str) -> (TurnView, Vec<Event>) {
    let deadline = Instant::now() + PATIENCE;
    let mut events = Vec::new();
    while Instant::now() < deadline {
        for event in reader.next_batch(Duration::from_millis(200)) {
            let end = match &event.what {
                EventKind::TurnEnded { turn } if turn.id == turn_id => Some(turn.clone()),
                _ => None,
            };
            events.push(event);
            if let Some(turn) = end {
                assert_ne!(turn.state, TurnState::Running, "a turn that ended does not run");
                return (turn, events);
            }
        }
    }
    panic!("the turn did not end; events: {events:#?}");
}
