//! Core memory through the API.

use resident_app::api::ErrorCode;
use serde_json::json;

use crate::Profile;

fn started() -> Profile {
    let profile = Profile::new();
    profile.call("startProfile", json!({ "userName": "Nick" }));
    profile
}

#[test]
fn every_edit_is_a_revision_and_undo_is_one_more() {
    let profile = started();
    let human = profile.block("human");
    let id = &human["id"];
    profile.call("updateBlock", json!({ "blockId": id, "value": "Nick likes tea." }));
    profile.call("updateBlock", json!({ "blockId": id, "value": "Nick likes coffee." }));
    let undone = profile.call("undoRevision", json!({ "blockId": id, "number": 3 }));
    assert_eq!(undone["value"], "Nick likes tea.");
    let revisions = profile.call("listRevisions", json!({ "blockId": id }));
    let numbers: Vec<_> = revisions.as_array().expect("a list").iter().map(|revision| &revision["number"]).collect();
    assert_eq!(numbers, [&json!(4), &json!(3), &json!(2), &json!(1)]);
    assert_eq!(revisions[0]["provenance"]["tool"], "undo");
    assert_eq!(revisions[0]["provenance"]["actor"], "User");
}

#[test]
fn an_edit_of_an_old_version_is_a_conflict_and_changes_nothing() {
    let profile = started();
    let seen = profile.block("human");
    profile.call("updateBlock", json!({ "blockId": seen["id"], "value": "first" }));
    let request = json!({ "blockId": seen["id"], "value": "second", "seenRevision": seen["revision"] });
    assert_eq!(profile.refused("updateBlock", request).code, ErrorCode::Conflict);
    assert_eq!(profile.block("human")["value"], "first");
}

#[test]
fn a_block_over_its_limit_is_refused_whole() {
    let profile = started();
    let human = profile.block("human");
    let request = json!({ "blockId": human["id"], "value": "x".repeat(11), "limitChars": 10, "label": "me" });
    let error = profile.refused("updateBlock", request);
    assert_eq!(error.code, ErrorCode::OverLimit);
    assert!(error.message.contains("11") && error.message.contains("10"), "{error}");
    assert_eq!(profile.block("human"), human, "neither label nor limit were changed");
}

#[test]
fn limits_count_characters_and_null_bytes_are_dropped() {
    let profile = started();
    let human = profile.block("human");
    let request = json!({ "blockId": human["id"], "value": "äöü\u{0}🙂", "limitChars": 4 });
    let block = profile.call("updateBlock", request);
    assert_eq!((&block["value"], &block["chars"]), (&json!("äöü🙂"), &json!(4)));
}

#[test]
fn a_block_can_be_shared_deleted_and_restored() {
    let profile = started();
    let agent = profile.agent();
    let work = profile.call("createAgent", json!({ "name": "Work" }));
    let block = profile.call("createBlock", json!({ "agentId": agent, "label": "project", "value": "Resident" }));
    let shared = profile.call("attachBlock", json!({ "agentId": work["id"], "blockId": block["id"] }));
    assert_eq!(shared["agentIds"].as_array().map(Vec::len), Some(2));
    let error = profile.refused("createBlock", json!({ "agentId": work["id"], "label": "project" }));
    assert_eq!(error.code, ErrorCode::Conflict, "a label is unique in an agent: {error}");
    profile.call("deleteBlock", json!({ "blockId": block["id"] }));
    assert_eq!(profile.call("listBin", json!({}))["blocks"][0]["label"], "project");
    let restored = profile.call("restoreBlock", json!({ "blockId": block["id"] }));
    assert_eq!(restored["agentIds"], shared["agentIds"], "it is attached as it was");
}

#[test]
fn labels_have_to_be_names() {
    let profile = started();
    for label in ["", "  ", "a\nb", "<human>", &"x".repeat(61)] {
        let error = profile.refused("createBlock", json!({ "agentId": profile.agent(), "label": label }));
        assert_eq!(error.code, ErrorCode::Invalid, "label {label:?}");
    }
}
