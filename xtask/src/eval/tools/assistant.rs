//! The product, as a case meets it: a profile in a temporary folder, an agent for each case, one message, and what came
//! of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use resident_app::api::{
    AgentKind, CreateAgent, CreatePassage, EventKind, ListBlocks, ListMessages, RoleView, SendMessage, StartProfile,
    TurnState,
};
use resident_app::{App, OpenOptions};
use resident_store::{AgentId, NewMessage, Role, StoreError};
use serde_json::Value;
use tempfile::TempDir;

use super::cases::Setting;
use crate::eval::{EvalError, models_folder};

/// What was seen of a turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// The calls, but for those that only speak.
    pub(super) calls: Vec<SeenCall>,
    /// What was said to the user.
    pub(super) answer: String,
    /// The human block after it.
    pub(super) human: String,
    /// Whether the turn came to its end.
    pub(super) completed: bool,
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SeenCall {
    pub(super) tool: String,
    pub(super) arguments: Value,
    pub(super) failed: bool,
}

/// An open profile; closed and removed at the end.
pub(super) struct Assistant {
    app: Arc<App>,
    kind: AgentKind,
    _folder: TempDir,
}

impl Drop for Assistant {
    fn drop(&mut self) {
        self.app.shutdown();
    }
}

/// A turn of a small model takes seconds; longer than this it hangs.
const LONGEST_TURN: Duration = Duration::from_secs(180);

/// Loading the embedder and embedding a case's few texts takes a second or two.
const LONGEST_EMBEDDING: Duration = Duration::from_secs(60);

impl Assistant {
    pub(super) fn open(seed: u64, memgpt: bool) -> Result<Self, EvalError> {
        let folder = tempfile::tempdir().map_err(|source| EvalError::File {
            action: "create",
            path: std::env::temp_dir(),
            source,
        })?;
        let app = App::open(OpenOptions {
            profile: Some(folder.path().to_owned()),
            models: vec![models_folder()?],
            seed: Some(seed),
            use_keyring: false,
            log_to_file: false,
            ..OpenOptions::default()
        })?;
        app.start_profile(StartProfile { user_name: "Robin".to_owned() })?;
        let kind = if memgpt { AgentKind::MemgptAgent } else { AgentKind::LettaV1Agent };
        let assistant = Self { app, kind, _folder: folder };
        assistant.wait_for_embedder();
        Ok(assistant)
    }

    /// Routing and ranking want the embedder, which loads in the background.
    fn wait_for_embedder(&self) {
        let deadline = Instant::now() + LONGEST_EMBEDDING;
        while self.app.memory().embedder().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Says `text` to a new agent that has what the setting names.
    pub(super) fn ask(&self, setting: &Setting<'_>, text: &str) -> Result<Seen, EvalError> {
        let agent = self.app.create_agent(CreateAgent {
            name: "Ada".to_owned(),
            description: None,
            kind: Some(self.kind),
            persona: None,
            human: Some(setting.kept.join("\n")),
            model: None,
        })?;
        for said in setting.said {
            self.say_before(&agent.id, said)?;
        }
        for saved in setting.saved {
            self.app.create_passage(CreatePassage {
                agent_id: agent.id.clone(),
                text: saved.clone(),
                tags: Vec::new(),
                document: None,
            })?;
        }
        self.app.memory().wait_until_embedded(LONGEST_EMBEDDING);
        let reader = self.app.subscribe(self.app.get_profile(resident_app::api::Nothing {})?.last_event_seq);
        let turn = self.app.send_message(SendMessage { agent_id: agent.id.clone(), text: text.to_owned() })?;
        let deadline = Instant::now() + LONGEST_TURN;
        loop {
            if Instant::now() > deadline {
                return Err(EvalError::Stuck { text: text.to_owned(), seconds: LONGEST_TURN.as_secs() });
            }
            let ended = reader.next_batch(Duration::from_secs(1)).into_iter().find_map(|event| match event.what {
                EventKind::TurnEnded { turn: ended } if ended.id == turn.id => Some(ended),
                _ => None,
            });
            if let Some(ended) = ended {
                return self.seen(&agent.id, &turn.id, ended.state == TurnState::Completed);
            }
        }
    }

    /// A message of an earlier conversation, which has left the window.
    fn say_before(&self, agent_id: &str, text: &str) -> Result<(), EvalError> {
        let store = self.app.memory().store();
        let message = NewMessage::said(&AgentId::from(agent_id), Role::User, text.to_owned(), store.now_ms());
        store.write::<_, StoreError>(|writer| {
            let message = writer.append_message(&message)?;
            writer.set_window_start(&message.agent_id, message.seq + 1)
        })?;
        self.app.memory().notify_written();
        Ok(())
    }

    fn seen(&self, agent_id: &str, turn_id: &str, completed: bool) -> Result<Seen, EvalError> {
        let page = self.app.list_messages(ListMessages {
            agent_id: agent_id.to_owned(),
            before_seq: None,
            after_seq: None,
            around_message_id: None,
            limit: 100,
        })?;
        let messages: Vec<_> =
            page.messages.iter().filter(|message| message.turn_id.as_deref() == Some(turn_id)).collect();
        let mut calls = Vec::new();
        for call in messages.iter().flat_map(|message| &message.tool_calls).filter(|call| call.name != "send_message") {
            let result = messages.iter().find(|message| message.tool_call_id.as_deref() == Some(call.id.as_str()));
            calls.push(SeenCall {
                tool: call.name.clone(),
                arguments: call.arguments.clone(),
                failed: result.is_none_or(|result| result.failed),
            });
        }
        let spoken =
            messages.iter().filter(|message| message.role == RoleView::Assistant && !message.content.is_empty());
        let answer = spoken.map(|message| message.content.as_str()).collect::<Vec<_>>().join(" ");
        let blocks = self.app.list_blocks(ListBlocks { agent_id: Some(agent_id.to_owned()), deleted: false })?;
        let human =
            blocks.into_iter().find(|block| block.label == "human").map(|block| block.value).unwrap_or_default();
        Ok(Seen { calls, answer, human, completed })
    }
}
