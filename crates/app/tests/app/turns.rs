//! Turns through the API: events, memory changes, stop, retry, edit, and models that fail.

use std::time::Duration;

use resident_app::api::{ErrorCode, EventKind, MemoryChangeKind, TurnState};
use serde_json::json;

use crate::endpoint::server::{Reply, Server};
use crate::endpoint::{calls, completions, json_reply, refuses, says, stream, text};
use crate::{Profile, ended};

/// Answers questions about models with an empty list, and completions in turn.
pub(crate) fn speaker(replies: Vec<Reply>) -> Server {
    let at = std::sync::Mutex::new(0_usize);
    Server::start(move |request| {
        if !request.path.ends_with("/chat/completions") {
            return json_reply(404, &json!({}));
        }
        let mut at = at.lock().expect("no handler panics");
        let reply = replies[(*at).min(replies.len() - 1)].clone();
        *at += 1;
        reply
    })
}

#[test]
fn an_answer_streams_in_order_and_is_recorded() {
    let server = speaker(vec![stream().send(text("Good ")).send(text("morning.")).send(crate::endpoint::end("stop"))]);
    let profile = Profile::with_model_at(&server);
    let (turn, events) = profile.say("Hello");
    assert_eq!(turn.state, TurnState::Completed, "{turn:?}");
    let streamed: String = events
        .iter()
        .filter_map(|event| match &event.what {
            EventKind::TextDelta { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(streamed, "Good morning.");
    assert_eq!(profile.said(), ["User: Hello", "Assistant: Good morning."]);
    assert!(matches!(events.first().map(|event| &event.what), Some(EventKind::TurnStarted { .. })));
    assert!(events.iter().any(|event| matches!(event.what, EventKind::StepEnded { .. })));
}

#[test]
fn a_tool_call_changes_memory_in_the_turn_and_can_be_undone() {
    let server = speaker(vec![
        calls("core_memory_append", &json!({ "label": "human", "content": "Prefers dark mode." })),
        says("Noted."),
    ]);
    let profile = Profile::with_model_at(&server);
    let (turn, events) = profile.say("Remember I prefer dark mode.");
    assert_eq!(turn.state, TurnState::Completed, "{turn:?}");
    let change = events.iter().find_map(|event| match &event.what {
        EventKind::MemoryChanged { change } => Some(change.clone()),
        _ => None,
    });
    let MemoryChangeKind::Block { block_id, label, revision, .. } = change.expect("memory was changed").what else {
        panic!("a block was changed");
    };
    assert_eq!(label, "human");
    assert!(profile.block("human")["value"].as_str().is_some_and(|value| value.contains("Prefers dark mode.")));
    let page = profile.call("listMessages", json!({ "agentId": profile.agent(), "limit": 50 }));
    assert_eq!(page["changes"][0]["undone"], false, "the change stands beside the turn after a reload");
    let reader = profile.reader();
    profile.call("undoRevision", json!({ "blockId": block_id, "number": revision }));
    let marks = |event: &resident_app::api::Event| matches!(&event.what, EventKind::MemoryChangeMarked { change } if change.undone);
    assert!(reader.next_batch(Duration::from_secs(5)).iter().any(marks), "an open conversation hears of it");
    assert!(!profile.block("human")["value"].as_str().is_some_and(|value| value.contains("dark mode")));
    let page = profile.call("listMessages", json!({ "agentId": profile.agent(), "limit": 50 }));
    assert_eq!(page["changes"][0]["undone"], true);
}

#[test]
fn blocks_that_an_agent_made_renamed_and_removed_are_told_and_each_is_undone() {
    let memory = |arguments| calls("memory", &arguments);
    let server = speaker(vec![
        memory(
            json!({ "command": "create", "path": "/memories/books", "description": "Books.", "file_text": "None." }),
        ),
        memory(json!({ "command": "rename", "old_path": "/memories/plans", "new_path": "/memories/projects" })),
        memory(json!({ "command": "delete", "path": "/memories/trip" })),
        says("Done."),
    ]);
    let profile = Profile::with_model_at(&server);
    let agent_id = profile.agent();
    for label in ["plans", "trip"] {
        profile.call("createBlock", json!({ "agentId": agent_id, "label": label, "value": "Ferry at 8:15." }));
    }
    profile.call("updateAgent", json!({ "agentId": agent_id, "tools": ["memory"] }));
    let (_, events) = profile.say("Tidy your blocks.");
    let told = |events: &[resident_app::api::Event]| -> Vec<MemoryChangeKind> {
        let changes = events.iter().filter_map(|event| match &event.what {
            EventKind::MemoryChanged { change } => Some(change.what.clone()),
            _ => None,
        });
        changes.collect()
    };
    let [
        MemoryChangeKind::Block { block_id: books, before: None, .. },
        MemoryChangeKind::BlockRenamed { block_id: plans, before, .. },
        MemoryChangeKind::BlockRemoved { block_id: trip, label, text, .. },
    ] = &told(&events)[..]
    else {
        panic!("{events:#?}");
    };
    assert_eq!((before.as_str(), label.as_str(), text.as_str()), ("plans", "trip", "Ferry at 8:15."));

    let reader = profile.reader();
    profile.call("deleteBlock", json!({ "blockId": books }));
    profile.call("updateBlock", json!({ "blockId": plans, "label": "plans" }));
    profile.call("restoreBlock", json!({ "blockId": trip }));
    let marked = reader.next_batch(Duration::from_secs(5)).into_iter().filter_map(|event| match event.what {
        EventKind::MemoryChangeMarked { change } => Some((event.turn_id.is_some(), change.undone)),
        _ => None,
    });
    assert_eq!(marked.collect::<Vec<_>>(), [(true, true); 3], "every open window hears of it");
    let page = profile.call("listMessages", json!({ "agentId": agent_id, "limit": 50 }));
    let undone: Vec<_> = page["changes"].as_array().expect("a list").iter().map(|change| &change["undone"]).collect();
    assert_eq!(undone, [true, true, true], "and so does one that opens later");
    profile.call("restoreBlock", json!({ "blockId": books }));
    let page = profile.call("listMessages", json!({ "agentId": agent_id, "limit": 50 }));
    assert_eq!(page["changes"][0]["undone"], false, "what comes back is no longer undone");
}

#[test]
fn a_turn_can_be_stopped_in_the_middle_of_its_answer() {
    let server = speaker(vec![stream().send(text("Once upon a time")).wait(Duration::from_secs(60))]);
    let profile = Profile::with_model_at(&server);
    let reader = profile.reader();
    let turn = profile.call("sendMessage", json!({ "agentId": profile.agent(), "text": "Tell me a story" }));
    let mut heard = false;
    while !heard {
        let batch = reader.next_batch(Duration::from_secs(30));
        heard = batch.iter().any(|event| matches!(event.what, EventKind::TextDelta { .. }));
    }
    let error = profile.refused("sendMessage", json!({ "agentId": profile.agent(), "text": "and?" }));
    assert_eq!(error.code, ErrorCode::Conflict, "one turn at a time");
    profile.call("cancelTurn", json!({ "turnId": turn["id"] }));
    let (turn, _) = ended(&reader, turn["id"].as_str().expect("an id"));
    assert_eq!(turn.state, TurnState::Cancelled);
    assert_eq!(profile.said()[0], "User: Tell me a story");
}

#[test]
fn a_model_that_fails_ends_the_turn_and_a_retry_answers_the_same_message() {
    let server = speaker(vec![refuses(401, "bad key"), says("Here I am.")]);
    let profile = Profile::with_model_at(&server);
    let (turn, _) = profile.say("Are you there?");
    assert_eq!(turn.state, TurnState::Failed);
    let message = turn.error.expect("a failed turn says why").message;
    assert!(message.contains("bad key"), "{message}");
    let profile = profile.reopened();
    assert_eq!(profile.said(), ["User: Are you there?"], "what was said is safe");
    let reader = profile.reader();
    let retried = profile.call("retryTurn", json!({ "turnId": turn.id }));
    let (turn, _) = ended(&reader, retried["id"].as_str().expect("an id"));
    assert_eq!(turn.state, TurnState::Completed, "{turn:?}");
    assert_eq!(profile.said(), ["User: Are you there?", "Assistant: Here I am."]);
}

#[test]
fn a_call_that_needs_approval_waits_and_runs_when_it_is_allowed() {
    let server = speaker(vec![
        calls("core_memory_append", &json!({ "label": "human", "content": "Likes chess." })),
        says("Noted."),
    ]);
    let profile = Profile::with_model_at(&server);
    let rules = json!([{ "type": "requires_approval", "tool_name": "core_memory_append" }]);
    profile.call("updateAgent", json!({ "agentId": profile.agent(), "toolRules": rules }));
    let (turn, _) = profile.say("I like chess, please remember that.");
    assert_eq!(turn.stop_reason.as_deref(), Some("requires_approval"), "{turn:?}");
    assert!(!profile.block("human")["value"].to_string().contains("chess"), "nothing was written yet");
    let reader = profile.reader();
    profile.call("decideApproval", json!({ "turnId": turn.id, "approve": true }));
    let (turn, _) = ended(&reader, &turn.id);
    assert_eq!(turn.state, TurnState::Completed, "{turn:?}");
    assert!(profile.block("human")["value"].to_string().contains("Likes chess."));
    let error = profile.refused("decideApproval", json!({ "turnId": turn.id, "approve": true }));
    assert_eq!(error.code, ErrorCode::Invalid, "it waits no more");
}

#[test]
fn an_edited_message_takes_the_place_of_what_followed() {
    let server = speaker(vec![says("Paris."), says("Oslo.")]);
    let profile = Profile::with_model_at(&server);
    profile.say("Capital of France?");
    let page = profile.call("listMessages", json!({ "agentId": profile.agent(), "limit": 50 }));
    let asked = page["messages"].as_array().expect("a list").iter().find(|message| message["role"] == "User");
    let reader = profile.reader();
    let request = json!({ "messageId": asked.expect("it was asked")["id"], "text": "Capital of Norway?" });
    let turn = profile.call("editMessage", request);
    ended(&reader, turn["id"].as_str().expect("an id"));
    assert_eq!(profile.said(), ["User: Capital of Norway?", "Assistant: Oslo."]);
}

#[test]
fn endpoints_that_do_not_speak_the_protocol_fail_the_turn_in_words() {
    let html = Reply::whole(200, &[("Content-Type", "text/html")], "<html><body>Welcome</body></html>");
    let cut = stream().send(text("I was about to"));
    for (name, reply) in [("html", html), ("cut", cut), ("nothing", Reply::hang_up())] {
        let server = speaker(vec![reply]);
        let profile = Profile::with_model_at(&server);
        let (turn, _) = profile.say("Hello");
        assert_eq!(turn.state, TurnState::Failed, "{name}");
        assert!(turn.error.is_some_and(|error| error.message.len() > 20), "{name}");
        assert_eq!(completions(&server), 1, "{name}: a message is never sent twice");
        assert_eq!(profile.said()[0], "User: Hello", "{name}");
    }
}

#[test]
fn a_missing_local_model_fails_the_turn_and_keeps_the_message() {
    let profile = Profile::new();
    profile.call("startProfile", json!({ "userName": "Nick" }));
    let (turn, _) = profile.say("Hello");
    assert_eq!(turn.state, TurnState::Failed);
    let message = turn.error.expect("it says why").message;
    assert!(message.contains("not on this computer"), "{message}");
    assert_eq!(profile.said(), ["User: Hello"]);
}

#[test]
fn empty_and_oversized_messages_are_refused_and_nothing_is_recorded() {
    let server = speaker(vec![says("Yes.")]);
    let profile = Profile::with_model_at(&server);
    for text in ["", "  \n", "\u{0}"] {
        let error = profile.refused("sendMessage", json!({ "agentId": profile.agent(), "text": text }));
        assert_eq!(error.code, ErrorCode::Invalid, "{text:?}");
    }
    let huge = "word ".repeat(4 * 1024 * 1024);
    let error = profile.refused("sendMessage", json!({ "agentId": profile.agent(), "text": huge }));
    assert_eq!(error.code, ErrorCode::TooLong);
    assert!(profile.said().is_empty());
}
