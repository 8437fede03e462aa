//! Agents that travel: files come in whole or not at all, and go out with all that they came in with.

use std::path::{Path, PathBuf};

use resident_agent_file::{AgentFile, Limits, WriteOptions, read, write};
use resident_app::api::{FileNotice, FileNoticeKind};
use resident_app::{ExportOptions, ImportOptions, Imported};
use serde_json::json;

use crate::Profile;

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

fn flatten(path: String, value: &serde_json::Value, out: &mut Vec<(String, serde_json::Value)>) {
    match value {
        serde_json::Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| flatten(format!("{path}.{key}"), value, out));
        }
        serde_json::Value::Array(list) if !list.is_empty() => {
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
