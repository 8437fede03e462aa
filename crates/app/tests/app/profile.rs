//! First start, settings, locks, damaged and foreign files, the event stream, the bin.

use std::fs;
use std::time::Duration;

use resident_app::api::{ErrorCode, EventKind};
use resident_app::{list_backups, restore_backup};
use serde_json::json;

use crate::{Profile, open};

#[test]
fn a_first_start_asks_for_a_name_and_makes_one_agent() {
    let profile = Profile::new();
    assert_eq!(profile.call("getProfile", json!({}))["firstStart"], true);
    profile.call("startProfile", json!({ "userName": " Nick\n" }));
    let again = profile.call("startProfile", json!({ "userName": "Nick" }));
    assert_eq!(profile.call("listAgents", json!({ "deleted": false })).as_array().map(Vec::len), Some(1));
    assert_eq!(again["id"].as_str(), Some(profile.agent().as_str()), "a second call changes nothing");
    assert_eq!(profile.block("human")["value"], "The user's name is Nick.");
    let profile = profile.reopened();
    assert_eq!(profile.call("getProfile", json!({}))["firstStart"], false);
}

#[test]
fn unknown_methods_and_parameters_of_another_form_are_refused_by_name() {
    let profile = Profile::new();
    let error = profile.refused("openPodBayDoors", json!({}));
    assert_eq!((error.code, error.message.contains("openPodBayDoors")), (ErrorCode::NotFound, true));
    let error = profile.refused("getAgent", json!({ "agentId": 7 }));
    assert_eq!((error.code, error.message.contains("getAgent")), (ErrorCode::Invalid, true));
    assert_eq!(profile.refused("getAgent", json!({ "agentId": "agent-0" })).code, ErrorCode::NotFound);
}

#[test]
fn a_second_instance_is_turned_away() {
    let profile = Profile::new();
    let error = open(&profile.folder).err().expect("the profile is in use");
    assert_eq!(error.code, ErrorCode::InUse);
    assert!(error.hint.is_some());
}

#[test]
fn settings_are_kept_and_offline_is_the_default() {
    let profile = Profile::new();
    assert_eq!(profile.call("getSettings", json!({}))["offline"], true);
    profile.call("updateSettings", json!({ "theme": "Dark", "pressurePercent": 60 }));
    let error = profile.refused("updateSettings", json!({ "defaultModel": "local/nothing" }));
    assert_eq!(error.code, ErrorCode::NotFound);
    let profile = profile.reopened();
    let settings = profile.call("getSettings", json!({}));
    assert_eq!((&settings["theme"], &settings["pressurePercent"]), (&json!("Dark"), &json!(60)));
}

#[test]
fn a_damaged_profile_says_so_and_comes_back_from_its_backup() {
    let profile = Profile::new();
    profile.call("startProfile", json!({ "userName": "Nick" }));
    // The second start finds a day without a backup and makes one.
    let profile = profile.reopened();
    let Profile { app, folder } = profile;
    app.shutdown();
    drop(app);
    let home = folder.path().join("profile");
    let backups = list_backups(&home).expect("backups can be listed");
    let database = home.join("resident.db");
    fs::write(&database, b"this is no database, and longer than a header of one would be............................")
        .expect("the file can be written");
    for beside in ["resident.db-wal", "resident.db-shm"] {
        let _ = fs::remove_file(home.join(beside));
    }
    let error = open(&folder).err().expect("a damaged profile does not open");
    assert_eq!(error.code, ErrorCode::Profile, "{error}");
    let newest = backups.first().expect("there is a backup");
    restore_backup(&home, &newest.path).expect("the backup can be restored");
    let profile = Profile { app: open(&folder).expect("the restored profile opens"), folder };
    profile.call("getProfile", json!({}));
}

#[test]
fn events_are_replayed_from_a_sequence_number() {
    let profile = Profile::new();
    let first = profile.call("getProfile", json!({}))["lastEventSeq"].as_u64().expect("a number");
    profile.call("startProfile", json!({ "userName": "Nick" }));
    profile.call("createAgent", json!({ "name": "Work" }));
    let once = profile.app.subscribe(first).next_batch(Duration::ZERO);
    let again = profile.app.subscribe(first).next_batch(Duration::ZERO);
    assert_eq!(once[..again.len().min(once.len())], again[..again.len().min(once.len())]);
    assert!(once.iter().any(|event| event.what == EventKind::AgentsChanged));
    assert!(once.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1), "numbers grow by one");
}

#[test]
fn what_is_deleted_waits_in_the_bin_and_goes_only_when_the_word_is_typed() {
    let profile = Profile::new();
    profile.call("startProfile", json!({ "userName": "Nick" }));
    let work = profile.call("createAgent", json!({ "name": "Work" }));
    profile.call("deleteAgent", json!({ "agentId": work["id"] }));
    assert_eq!(profile.call("listBin", json!({}))["agents"][0]["name"], "Work");
    profile.call("restoreAgent", json!({ "agentId": work["id"] }));
    assert_eq!(profile.call("listAgents", json!({ "deleted": false })).as_array().map(Vec::len), Some(2));
    profile.call("deleteAgent", json!({ "agentId": work["id"] }));
    assert_eq!(profile.refused("emptyBin", json!({ "confirm": "yes" })).code, ErrorCode::Invalid);
    profile.call("emptyBin", json!({ "confirm": "empty" }));
    assert_eq!(profile.call("listBin", json!({}))["agents"], json!([]));
    assert_eq!(profile.refused("getAgent", json!({ "agentId": work["id"] })).code, ErrorCode::NotFound);
}

#[test]
fn a_copy_of_an_agent_has_its_memories_and_shares_none() {
    let profile = Profile::new();
    profile.call("startProfile", json!({ "userName": "Nick" }));
    let agent = profile.agent();
    profile
        .call("createPassage", json!({ "agentId": agent, "text": "The roof was repaired in May.", "tags": ["house"] }));
    let copy = profile.call("duplicateAgent", json!({ "agentId": agent, "name": "Copy" }));
    let blocks = profile.call("listBlocks", json!({ "agentId": copy["id"], "deleted": false }));
    assert_eq!(blocks.as_array().map(Vec::len), Some(2));
    profile.call("updateBlock", json!({ "blockId": blocks[1]["id"], "value": "changed" }));
    let own = profile.call("listBlocks", json!({ "agentId": agent, "deleted": false }));
    assert_eq!(own[1]["value"], "The user's name is Nick.");
    let found = profile.call("searchPassages", json!({ "agentId": copy["id"], "query": "roof", "limit": 5 }));
    assert_eq!(found["hits"][0]["passage"]["tags"], json!(["house"]));
}

#[test]
fn the_doctor_names_what_is_missing() {
    let profile = Profile::new();
    let checks = profile.call("checkHealth", json!({}));
    let check = |name: &str| {
        let found = checks.as_array().expect("a list").iter().find(|check| check["name"] == name);
        found.expect("the check is there")["ok"].as_bool()
    };
    assert_eq!(check("Store"), Some(true));
    assert_eq!(check("Language model"), Some(false), "this profile was opened without a folder of models");
}
