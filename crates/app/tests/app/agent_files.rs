//! Agents that travel: files come in whole or not at all, and go out with all that they came in with.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use resident_agent_file::{AgentFile, Limits, WriteOptions, read, write};
use resident_app::api::{EventKind, FileNotice, FileNoticeKind, TurnState};
use resident_app::{ExportOptions, ImportOptions, Imported};
use serde_json::{Value, json};

use crate::endpoint::{body, calls, says};
use crate::graphs::file;
use crate::turns::speaker;
use crate::{Profile, ended};

/// A file that was written for tests.
fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent-file/tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Real files. They belong to others and are no part of the sources.
const REAL: [&str; 5] = [
    "memgpt_agent.af",
    "memgpt_agent_with_convo.af",
    "outreach_workflow_agent.af",
    "deep_research_agent.af",
    "evie.af",
];

/// A real file, where it is.
fn real(name: &str) -> Option<Vec<u8>> {
    let shared = std::env::var_os("RESIDENT_SHARED_DATA").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    std::fs::read(shared.join("data/agent-files").join(name)).ok()
}

/// What is in a file, without the values of secrets, so that files can be compared.
fn graph(bytes: &[u8]) -> AgentFile {
    let written = |bytes: &[u8]| read(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{error}")).file;
    let mut file = written(&write(&written(bytes), &WriteOptions::default()));
    file.created_at = None;
    file.canonical()
}

impl Profile {
    fn import(&self, bytes: &[u8]) -> Imported {
        self.app.import_file(bytes, &ImportOptions::default()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn export(&self, imported: &Imported) -> Vec<u8> {
        let ids: Vec<String> = imported.agent_ids.iter().map(|id| id.0.clone()).collect();
        self.app.export_file(&ids, ExportOptions::default()).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn notices(notices: &[FileNotice], kind: FileNoticeKind, place: &str, words: &str) -> bool {
    notices.iter().any(|notice| notice.kind == kind && notice.place == place && notice.text.contains(words))
}

#[test]
fn every_form_means_the_same_after_a_journey() {
    let fixtures = ["current.af", "legacy.af", "wild.af"].map(|name| (name, Some(fixture(name))));
    for (name, bytes) in fixtures.into_iter().chain(REAL.map(|name| (name, real(name)))) {
        let Some(bytes) = bytes else {
            println!("skipped: {name} is not here");
            continue;
        };
        let profile = Profile::new();
        let first = profile.import(&bytes);
        let written = profile.export(&first);
        pretty_assert(&graph(&written), &graph(&bytes), &format!("{name}, written"));
        let second = profile.import(&written);
        pretty_assert(&graph(&profile.export(&second)), &graph(&bytes), &format!("{name}, in and out again"));
        assert_eq!(
            profile.export(&first).len(),
            written.len(),
            "{name}: what is written does not depend on the others"
        );
    }
}

/// Compares part by part, since a whole file is too much to read.
fn pretty_assert(found: &AgentFile, expected: &AgentFile, what: &str) {
    let parts = |file: &AgentFile| {
        let value = serde_json::to_value(file).expect("a file is plain data");
        let mut parts = Vec::new();
        flatten(String::new(), &value, &mut parts);
        parts
    };
    let (found_parts, expected_parts) = (parts(found), parts(expected));
    let odd: Vec<_> = found_parts.iter().filter(|part| !expected_parts.contains(part)).take(5).collect();
    let gone: Vec<_> = expected_parts.iter().filter(|part| !found_parts.contains(part)).take(5).collect();
    assert!(odd.is_empty() && gone.is_empty(), "{what}: too much: {odd:#?}, gone: {gone:#?}");
    assert_eq!(found, expected, "{what}");
}

fn flatten(path: String, value: &Value, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| flatten(format!("{path}.{key}"), value, out));
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(at, value)| flatten(format!("{path}[{at}]"), value, out));
        }
        other => out.push((path, other.clone())),
    }
}

#[test]
fn an_imported_agent_remembers_and_is_found() {
    let profile = Profile::new();
    let imported = profile.import(&fixture("current.af"));
    let juno = imported.agent_ids[0].as_str();
    let found = profile.call("searchMessages", json!({ "agentId": juno, "query": "tide", "limit": 5 }));
    assert_eq!(found[0]["message"]["content"], "Log the tide.", "{found}");
    let passages = profile.call("searchPassages", json!({ "agentId": juno, "query": "pier", "limit": 5 }));
    assert!(passages["total"].as_u64().is_some_and(|total| total > 0), "{passages}");
    let blocks = profile.call("listBlocks", json!({ "agentId": juno, "deleted": false }));
    assert_eq!(blocks[1]["value"], "High tide.");
    let revisions = profile.call("listRevisions", json!({ "blockId": blocks[1]["id"] }));
    assert_eq!(revisions.as_array().map(Vec::len), Some(2), "{revisions}");
    assert!(notices(&imported.notices, FileNoticeKind::NotAdopted, "agents[0].model", "local/tiny is not here"));
    assert!(notices(&imported.notices, FileNoticeKind::Inert, "tools[1]", "It is not run here"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_graph_means_the_same_after_a_journey(file in file()) {
        let bytes = write(&file, &WriteOptions { messages: true, secrets: true });
        let profile = Profile::new();
        let imported = profile.import(&bytes);
        let written = profile.export(&imported);
        pretty_assert(&graph(&written), &graph(&bytes), "written");
        let again = profile.import(&written);
        pretty_assert(&graph(&profile.export(&again)), &graph(&bytes), "in and out again");
    }
}

#[test]
fn what_was_changed_here_goes_out_as_it_is_now() {
    let profile = Profile::new();
    let imported = profile.import(&fixture("current.af"));
    let juno = imported.agent_ids[0].as_str();
    profile.call("updateAgent", json!({ "agentId": juno, "name": "Juno II", "tools": ["memory_insert"] }));
    let blocks = profile.call("listBlocks", json!({ "agentId": juno, "deleted": false }));
    profile.call("updateBlock", json!({ "blockId": blocks[1]["id"], "value": "Low tide." }));
    let file = graph(&profile.export(&imported));
    let agent = &file.agents[0];
    assert_eq!((agent.name.as_str(), agent.tool_ids.len()), ("Juno II", 1));
    assert_eq!(agent.extra["max_files_open"], 5, "what nobody changed is as it came");
    let log = file.blocks.iter().find(|block| block.label == "log").expect("there is the block");
    assert_eq!(log.value, "Low tide.");
    let revisions = file.resident.block_revisions.iter().filter(|revision| revision.block_id == log.id);
    assert_eq!(revisions.map(|revision| revision.after.as_str()).next_back(), Some("Low tide."));
}

#[test]
fn agents_of_a_group_go_out_together_and_alone_without_the_group() {
    let profile = Profile::new();
    let imported = profile.import(&fixture("current.af"));
    assert_eq!(imported.group_ids.len(), 1);
    let night = imported.agent_ids[1].0.clone();
    let of_night =
        profile.app.export_file(std::slice::from_ref(&night), ExportOptions::default()).expect("it goes out");
    let names: Vec<String> = graph(&of_night).agents.into_iter().map(|agent| agent.name).collect();
    assert_eq!(names, ["Juno at night", "Juno"]);
    profile.call("deleteAgent", json!({ "agentId": imported.agent_ids[0].as_str() }));
    let alone = profile.app.export_file(&[night], ExportOptions::default()).expect("it goes out");
    let file = graph(&alone);
    assert_eq!((file.agents.len(), file.groups.len()), (1, 0));
}

#[test]
fn a_file_gets_no_hold_of_what_the_user_allowed_others() {
    let profile = Profile::new();
    let first = profile.import(&fixture("current.af"));
    let servers = profile.app.mcp_server_records().expect("they are listed");
    assert!(servers.iter().all(|server| !server.allowed), "{servers:?}");
    let shown = profile.app.mcp_servers_to_allow().expect("they are listed");
    let address = &shown.iter().find(|server| server.id == servers[0].id.as_str()).expect("it is shown").address;
    profile.app.allow_mcp_server(servers[0].id.as_str(), address, true).expect("the user allows it");
    let second = profile.import(&fixture("current.af"));
    let servers = profile.app.mcp_server_records().expect("they are listed");
    let allowed: Vec<(&str, bool)> = servers.iter().map(|server| (server.name.as_str(), server.allowed)).collect();
    assert_eq!(allowed, [("sky", true), ("sky (2)", false)]);
    let tools = |imported: &Imported| {
        profile.call("getAgent", json!({ "agentId": imported.agent_ids[0].as_str() }))["tools"].clone()
    };
    assert_eq!(tools(&first), json!(["memory_insert", "tide_table", "weather"]));
    assert_eq!(tools(&second), json!(["memory_insert", "tide_table"]));
    assert!(notices(&second.notices, FileNoticeKind::Inert, "tools[2]", "attach it yourself"), "{:?}", second.notices);
    pretty_assert(&graph(&profile.export(&second)), &graph(&fixture("current.af")), "the file is whole all the same");
}

#[test]
fn values_of_secrets_are_not_kept() {
    let profile = Profile::new();
    let imported = profile.import(&fixture("wild.af"));
    let database = std::fs::read(profile.app.profile_folder().join("resident.db")).expect("it is there");
    let log = std::fs::read(profile.app.profile_folder().join("resident.db-wal")).unwrap_or_default();
    for secret in ["s3cret", "t0ken", "Bearer x", "k1&", "me:pw", "k3"] {
        let held = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!held(&database) && !held(&log), "{secret} is in the profile");
    }
    assert!(notices(&imported.notices, FileNoticeKind::NotAdopted, "", "values of secrets"));
    let file = graph(&profile.export(&imported));
    assert_eq!(file.agents[0].secrets["API_KEY"], "", "its name is kept");
}

#[test]
fn a_file_that_is_refused_changes_nothing_and_names_the_place() {
    let profile = Profile::new();
    let before = profile.call("listAgents", json!({ "deleted": false }));
    for (bytes, words) in [
        (&b"\x89PNG"[..], "not an agent file"),
        (br#"{"agents": [{"name": "x", "messages": [{"content": "hi"}]}]}"#, "agents[0].messages[0]"),
        (br#"{"agents": [{"name": {}}]}"#, "agents[0].name"),
    ] {
        let error = profile.app.import_file(bytes, &ImportOptions::default()).expect_err("it is refused");
        assert!(error.message.contains(words), "{error}");
        let error = profile.app.preview_file(bytes).expect_err("it is refused");
        assert!(error.message.contains(words), "{error}");
    }
    assert_eq!(profile.call("listAgents", json!({ "deleted": false })), before);
}

#[test]
fn a_preview_says_what_will_come_in_and_changes_nothing() {
    let profile = Profile::new();
    let text = String::from_utf8(fixture("current.af")).expect("it is text");
    let preview = profile.call("previewAgentFile", json!({ "text": text }));
    let juno = &preview["agents"][0];
    assert_eq!((&juno["name"], &juno["messages"], &juno["conversations"]), (&json!("Juno"), &json!(7), &json!(1)));
    let tool =
        |name: &str| preview["tools"].as_array().expect("a list").iter().find(|tool| tool["name"] == name).cloned();
    assert_eq!(tool("memory_insert").expect("it is listed")["runsHere"], true);
    assert_eq!(tool("tide_table").expect("it is listed")["runsHere"], false);
    assert_eq!(preview["groups"][0]["agents"], json!(["Juno at night"]));
    assert_eq!(profile.call("listAgents", json!({ "deleted": false })), json!([]));
    let imported = profile.call("importAgentFile", json!({ "text": text, "name": "Ida", "withoutMessages": true }));
    let id = imported["agents"][0]["id"].clone();
    assert_eq!(imported["agents"][0]["name"], "Ida");
    let page = profile.call("listMessages", json!({ "agentId": id, "limit": 10 }));
    assert_eq!(page["messages"], json!([]));
    let exported = profile.call("exportAgents", json!({ "agentIds": [id] }));
    assert_eq!(exported["fileName"], "Ida.af");
}

#[test]
fn a_conversation_goes_out_in_the_place_of_the_agents_own_thread() {
    let profile = Profile::new();
    let imported = profile.import(&fixture("current.af"));
    let juno = imported.agent_ids[0].0.clone();
    let conversation = graph(&profile.export(&imported)).resident.agents[0].conversations[0].clone();
    assert_eq!(conversation.name.as_deref(), Some("Harbour"));
    let page = resident_app::records::Page::default();
    let id = profile.app.conversation_records(Some(&juno), None, page).expect("they are listed").remove(0).id.0;
    let options = ExportOptions { conversation_id: Some(id), ..ExportOptions::default() };
    let file = graph(&profile.app.export_file(&[juno], options).expect("it goes out"));
    let said: Vec<String> = file.agents[0].messages.iter().map(|message| message.text()).collect();
    assert_eq!(said[1..], ["Where is the harbour?", "North."]);
}

#[test]
fn a_chat_is_written_for_people_and_for_programs() {
    let profile = Profile::new();
    let imported = profile.import(&fixture("current.af"));
    let juno = imported.agent_ids[0].as_str();
    let markdown = profile.call("exportChat", json!({ "agentId": juno }));
    assert_eq!(markdown["fileName"], "Juno.md");
    let text = markdown["text"].as_str().expect("it is text");
    for words in ["# Juno", "> Log the tide.", "<summary>Thoughts</summary>", "Tool: memory\\_insert"] {
        assert!(text.contains(&words.replace("\\", "")) || text.contains(words), "{words}: {text}");
    }
    let chat = profile.call("exportChat", json!({ "agentId": juno, "format": "Json" }));
    let chat: Value = serde_json::from_str(chat["text"].as_str().expect("it is text")).expect("it is JSON");
    let called = chat["messages"].as_array().expect("a list").iter().find(|message| message["calls"].is_array());
    assert_eq!(called.expect("there is a call")["calls"][0]["result"], "None");
}

#[test]
fn chats_of_chatgpt_are_remembered_once() {
    let profile = Profile::new();
    profile.call("startProfile", json!({ "userName": "Nick" }));
    let agent = profile.agent();
    let text = String::from_utf8(fixture("chatgpt.json")).expect("it is text");
    let imported = profile.call("importChats", json!({ "agentId": agent, "text": text }));
    assert_eq!((&imported["conversations"], &imported["messages"]), (&json!(3), &json!(5)), "{imported}");
    let hits = profile.call("searchMessages", json!({ "agentId": agent, "query": "high tide", "limit": 5 }));
    assert_eq!(hits[0]["message"]["createdAtMs"], 1_700_000_001_500_i64, "{hits}");
    let page =
        profile.call("searchPassages", json!({ "agentId": agent, "query": "tides", "tags": ["chatgpt"], "limit": 5 }));
    assert_eq!(page["hits"][0]["passage"]["document"], "Tides", "{page}");
    assert_eq!(page["hits"][0]["passage"]["createdAtMs"], 1_700_000_000_250_i64);
    let again = profile.call("importChats", json!({ "agentId": agent, "text": text }));
    assert_eq!((&again["conversations"], &again["passages"]), (&json!(0), &json!(0)), "{again}");
    let broken = profile.refused("importChats", json!({ "agentId": agent, "text": "[{}" }));
    assert!(broken.message.contains("breaks off"), "{broken}");
}

#[test]
fn an_imported_agent_goes_on_from_where_it_was() {
    let server = speaker(vec![
        calls("memory_insert", &json!({ "label": "log", "new_string": "Low tide at six." })),
        says("It is in the log."),
    ]);
    let profile = Profile::with_model_at(&server);
    let imported = profile.import(&fixture("current.af"));
    let juno = imported.agent_ids[0].as_str();
    let reader = profile.reader();
    let turn = profile.call("sendMessage", json!({ "agentId": juno, "text": "Log that low tide is at six." }));
    let (turn, events) = ended(&reader, turn["id"].as_str().expect("a turn has an id"));
    assert_eq!(turn.state, TurnState::Completed, "{turn:?}");
    assert!(events.iter().any(|event| matches!(event.what, EventKind::MemoryChanged { .. })));
    let requests = server.requests();
    let asked = requests.iter().find(|request| request.path.ends_with("/chat/completions")).map(body);
    let prompt = asked.expect("the model was asked")["messages"].as_array().expect("a list").clone();
    let texts: Vec<&str> = prompt.iter().filter_map(|message| message["content"].as_str()).collect();
    assert!(
        texts[0].contains("You keep a ship's log.") && texts[0].contains("They greeted each other."),
        "{}",
        texts[0]
    );
    assert!(texts.iter().any(|text| text.contains("Log the tide.")), "the window came along: {texts:#?}");
    assert!(texts.iter().all(|text| !text.contains("tide_table was approved")), "{texts:#?}");
    let written = graph(&profile.export(&imported));
    let again = profile.import(&profile.export(&imported));
    pretty_assert(&graph(&profile.export(&again)), &written, "what was said here travels, too");
}
