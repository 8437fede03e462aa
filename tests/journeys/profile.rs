//! Profiles that are filled before a window opens on them, through the application itself.

use std::sync::Arc;

use resident_app::{App, OpenOptions};
use resident_store::{AgentId, NewMessage, Role, Store, SystemClock};
use resident_tests::home::Home;
use serde_json::{Value, json};

/// A profile that no window has open yet.
pub(crate) struct Unopened {
    app: Arc<App>,
    pub(crate) agent_id: String,
}

impl Unopened {
    /// A profile that has been started.
    pub(crate) fn of(home: &Home) -> Self {
        let app = open(home);
        let agent = app.dispatch("startProfile", json!({ "userName": "Nick" })).expect("it begins");
        Self { app, agent_id: agent["id"].as_str().unwrap_or_default().to_owned() }
    }

    /// A profile that was started before.
    pub(crate) fn again(home: &Home, agent_id: &str) -> Self {
        Self { app: open(home), agent_id: agent_id.to_owned() }
    }

    /// Asks the application.
    pub(crate) fn call(&self, method: &str, params: Value) -> Value {
        self.app.dispatch(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Closes the profile, so that a window can open it.
    pub(crate) fn close(self) {
        self.app.shutdown();
    }
}

fn open(home: &Home) -> Arc<App> {
    let options = OpenOptions {
        profile: Some(home.profile()),
        models_from_environment: false,
        use_keyring: false,
        log_to_file: false,
        ..OpenOptions::default()
    };
    App::open(options).expect("a profile that nobody has open opens")
}

/// Adds a conversation to a closed profile: what was said, in pairs of the person's words and the agent's.
pub(crate) fn converse(home: &Home, agent_id: &str, pairs: impl Iterator<Item = (String, String)>) {
    let store = Store::open(&home.profile(), Arc::new(SystemClock)).expect("the profile is closed");
    let agent_id = AgentId::from(agent_id);
    let pairs: Vec<_> = pairs.collect();
    let last = i64::try_from(pairs.len()).unwrap_or(i64::MAX) - 1;
    let began_ms = store.now_ms() - last * 20 * 60_000;
    store
        .write::<_, resident_store::StoreError>(|writer| {
            for (at, (said, answered)) in (0..).zip(pairs) {
                let at_ms = began_ms + at * 20 * 60_000;
                writer.append_message(&NewMessage::said(&agent_id, Role::User, said, at_ms))?;
                writer.append_message(&NewMessage::said(&agent_id, Role::Assistant, answered, at_ms + 2_000))?;
            }
            Ok(())
        })
        .expect("messages can be written");
}
