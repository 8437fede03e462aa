//! What is written: V1 reads it, secrets stay at home, and the same graph is the same bytes.

use resident_agent_file::{AgentFile, Limits, Resident, WriteOptions, read, write};
use serde_json::Value;

use crate::{ALL, read_fixture};

fn written(file: &AgentFile, options: &WriteOptions) -> Value {
    serde_json::from_slice(&write(file, options)).expect("it is JSON")
}

#[test]
fn ids_are_numbered_as_v1_checks_them() {
    for name in ["current.af", "legacy.af", "wild.af"] {
        let value = written(&read_fixture(name).file, &ALL);
        let mut all = std::collections::HashSet::new();
        let mut check = |list: &Value, prefix: &str| {
            for thing in list.as_array().expect("every list is there") {
                let id = thing["id"].as_str().expect("every thing has an id");
                let number = id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
                assert!(number.is_some_and(|number| number.parse::<u32>().is_ok()), "{id}");
                assert!(all.insert(id.to_owned()), "{id} is there twice");
            }
        };
        for (list, prefix) in [
            ("agents", "agent"),
            ("groups", "group"),
            ("blocks", "block"),
            ("files", "file"),
            ("sources", "source"),
            ("tools", "tool"),
            ("mcp_servers", "mcp_server"),
        ] {
            check(&value[list], prefix);
        }
        for agent in value["agents"].as_array().expect("there are agents") {
            check(&agent["messages"], "message");
            for view in agent["files_agents"].as_array().expect("there is a list") {
                assert_eq!(view["agent_id"], agent["id"]);
            }
        }
    }
}

#[test]
fn what_v1_refuses_travels_aside() {
    let value = written(&read_fixture("wild.af").file, &ALL);
    let wanda = &value["agents"][0];
    assert_eq!(wanda["name"], "Wanda _wild_");
    assert_eq!(wanda["model"], Value::Null);
    assert_eq!(wanda["tool_rules"], Value::Array(Vec::new()));
    assert_eq!(wanda["messages"][1]["content"].as_array().map(Vec::len), Some(2));
    assert_eq!(wanda["include_base_tools"], false);
    assert_eq!(value["tools"][0].get("a_newer_key"), None);
    assert_eq!(value["files"][0].get("etag"), None);
    assert_eq!(value["metadata"], serde_json::json!({"revision_id": "x"}));
    let kept = value["resident"]["kept"].as_array().expect("something is kept");
    let ids: Vec<&str> = kept.iter().filter_map(|kept| kept["id"].as_str()).collect();
    assert_eq!(ids, ["message-1", "message-3", "agent-0", "file-0", "tool-0", "agent_file"]);
}

#[test]
fn a_tool_that_v1_does_not_have_is_custom_to_it() {
    let mut file = read_fixture("current.af").file;
    file.tools[0].name = "memory_dream".to_owned();
    assert_eq!(written(&file, &ALL)["tools"][0]["tool_type"], "custom");
    let again = read(&write(&file, &ALL), &Limits::default()).expect("it reads").file;
    assert_eq!(again.tools[0].tool_type, "letta_sleeptime_core");
}

#[test]
fn secrets_stay_at_home_unless_they_are_asked_for() {
    let mut file = read_fixture("wild.af").file;
    file.agents[0].llm_config.insert("api_key".to_owned(), "k9".into());
    let secrets = ["s3cret", "t0ken", "Bearer x", "k1", "k2", "k3", "k9", "me:pw"];
    let text = |options| String::from_utf8(write(&file, &options)).expect("it is text");
    let (with, without) = (text(ALL), text(WriteOptions::default()));
    for secret in secrets {
        assert!(with.contains(secret) && !without.contains(secret), "{secret}");
    }
    for name in ["API_KEY", "FAR_KEY", "Authorization", "api_key", "--api-key"] {
        assert!(without.contains(name), "the name {name} stays");
    }
}

#[test]
fn messages_can_be_left_out() {
    let file = read_fixture("current.af").file;
    let bytes = write(&file, &WriteOptions { messages: false, secrets: false });
    let text = String::from_utf8(bytes.clone()).expect("it is text");
    for said in ["Log the tide.", "They greeted each other.", "Where is the harbour?"] {
        assert!(!text.contains(said), "{said}");
    }
    let read = read(&bytes, &Limits::default()).expect("it reads").file;
    assert_eq!(read.blocks, file.blocks);
    assert_eq!(read.resident.archives[0].passages.len(), 2, "memory is no message");
}

#[test]
fn a_file_without_anything_of_resident_has_no_section_for_it() {
    let mut file = read_fixture("current.af").file;
    file.resident = Resident::default();
    assert_eq!(written(&file, &ALL).get("resident"), None);
}

#[test]
fn references_that_lead_nowhere_are_not_written() {
    let mut file = read_fixture("current.af").file;
    file.blocks.remove(1);
    file.resident.archives[0].passages.pop();
    let value = written(&file, &ALL);
    assert_eq!(value["agents"][0]["block_ids"], serde_json::json!(["block-0"]));
    assert_eq!(value["groups"][0]["shared_block_ids"], serde_json::json!([]));
    assert_eq!(value["resident"]["block_revisions"], serde_json::json!([]));
    assert_eq!(value["resident"]["archives"][0]["passages"][0].get("superseded_by"), None);
}
