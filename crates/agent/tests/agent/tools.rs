//! Every tool, through a whole turn: what it does, what the model reads of it, and what is recorded.

use resident_agent::{AgentEvent, MemoryChange};
use resident_store::{Actor, AgentType, PassageFilter, Role, ToolStatus, TurnStatus};
use serde_json::{Value, json};

use crate::scripted::{House, calls, calls_all, says};

/// Calls one tool in a turn of an agent that has them all, and returns its result.
fn call(house: &mut House, name: &str, arguments: Value) -> (ToolStatus, String) {
    let turn = house.say("Go on.", vec![calls(name, arguments), says("Done.")]);
    assert_eq!(turn.status, TurnStatus::Completed);
    let result = house.last_result();
    assert_eq!(result.name.as_deref(), Some(name));
    (result.tool_status.unwrap(), result.content)
}

fn house() -> House {
    House::with(AgentType::LettaV1Agent, |agent| {
        agent.tools = resident_agent::tool_names().map(str::to_owned).collect();
    })
}

/// Makes the call, expects it to go well, and returns the human block afterwards.
fn edited(house: &mut House, name: &str, arguments: Value) -> String {
    let (status, result) = call(house, name, arguments);
    assert_eq!(status, ToolStatus::Ok, "{result}");
    house.block("human").value
}

fn refused(house: &mut House, name: &str, arguments: Value) -> String {
    let before = house.block("human").value;
    let (status, result) = call(house, name, arguments);
    assert_eq!(status, ToolStatus::Failed, "{result}");
    assert_eq!(house.block("human").value, before, "a failed call changes nothing");
    result
}

#[test]
fn core_memory_append_adds_a_line_and_records_where_it_came_from() {
    let mut house = house();
    let value = edited(&mut house, "core_memory_append", json!({ "label": "human", "content": "Likes tea." }));
    assert_eq!(value, "The user's name is Nick.\nLikes tea.");
    assert_eq!(house.last_result().content, value, "the result is the new value");
    let change = house.events.iter().find_map(|event| match event {
        AgentEvent::Changed(MemoryChange::Block { revision, label, .. }) => Some((revision.clone(), label.clone())),
        _ => None,
    });
    let (revision, label) = change.expect("the change is told");
    let provenance = &revision.provenance;
    assert_eq!((label.as_str(), revision.number), ("human", 2));
    assert_eq!((provenance.actor, provenance.tool.as_deref()), (Actor::Agent, Some("core_memory_append")));
    let asked = house.messages().into_iter().find(|message| message.role == Role::User).unwrap();
    assert_eq!(provenance.message_id.as_ref(), Some(&asked.id));
    assert_eq!(provenance.turn_id, asked.turn_id);
}

#[test]
fn old_argument_names_are_accepted() {
    let mut house = house();
    assert_eq!(
        edited(&mut house, "core_memory_append", json!({ "name": "human", "content": "Likes tea." })),
        "The user's name is Nick.\nLikes tea."
    );
    let arguments = json!({ "label": "human", "old_str": "Likes tea.", "new_str": "Likes coffee." });
    assert_eq!(edited(&mut house, "memory_replace", arguments), "The user's name is Nick.\nLikes coffee.");
    let arguments = json!({ "label": "human", "new_str": "First.", "insert_line": "0" });
    assert_eq!(edited(&mut house, "memory_insert", arguments), "First.\nThe user's name is Nick.\nLikes coffee.");
}

#[test]
fn core_memory_replace_replaces_every_occurrence() {
    let mut house = house();
    edited(&mut house, "memory_rethink", json!({ "label": "human", "new_memory": "tea, tea and milk" }));
    let arguments = json!({ "label": "human", "old_content": "tea", "new_content": "coffee" });
    assert_eq!(edited(&mut house, "core_memory_replace", arguments), "coffee, coffee and milk");
    let arguments = json!({ "label": "human", "old_content": "wine", "new_content": "beer" });
    let result = refused(&mut house, "core_memory_replace", arguments);
    assert_eq!(result, "Old content 'wine' not found in memory block 'human'");
}

#[test]
fn memory_replace_wants_exactly_one_occurrence() {
    let mut house = house();
    edited(&mut house, "memory_rethink", json!({ "label": "human", "new_memory": "tea\nand tea" }));
    let arguments = |old: &str| json!({ "label": "human", "old_string": old, "new_string": "x" });
    assert!(refused(&mut house, "memory_replace", arguments("tea")).contains("[1, 2]"));
    assert!(refused(&mut house, "memory_replace", arguments("wine")).contains("did not appear verbatim"));
    assert!(refused(&mut house, "memory_replace", arguments("1→ tea")).contains("line number"));
    assert_eq!(edited(&mut house, "memory_replace", arguments("and tea")), "tea\nx");
}

#[test]
fn memory_insert_and_patch_edit_by_line() {
    let mut house = house();
    edited(&mut house, "memory_rethink", json!({ "label": "human", "new_memory": "one\nthree" }));
    let arguments = json!({ "label": "human", "new_string": "two", "insert_line": 1 });
    assert_eq!(edited(&mut house, "memory_insert", arguments), "one\ntwo\nthree");
    let patch = "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";
    assert_eq!(edited(&mut house, "memory_apply_patch", json!({ "label": "human", "patch": patch })), "one\n2\nthree");
    refused(&mut house, "memory_apply_patch", json!({ "label": "human", "patch": "@@ -1 +1 @@\n-nine\n+9\n" }));
}

#[test]
fn the_omni_tool_creates_edits_renames_describes_and_deletes() {
    let mut house = house();
    let ok = |house: &mut House, arguments: Value| {
        let (status, result) = call(house, "memory", arguments);
        assert_eq!(status, ToolStatus::Ok, "{result}");
    };
    let create =
        json!({ "command": "create", "path": "/memories/trip", "description": "The trip.", "file_text": "Oslo" });
    ok(&mut house, create);
    assert_eq!(house.block("trip").description, "The trip.");
    let replace = json!({ "command": "str_replace", "path": "/memories/trip", "old_str": "Oslo", "new_str": "Bergen" });
    ok(&mut house, replace);
    let insert = json!({ "command": "insert", "path": "/memories/trip", "insert_line": 0, "insert_text": "Norway" });
    ok(&mut house, insert);
    assert_eq!(house.block("trip").value, "Norway\nBergen");
    ok(&mut house, json!({ "command": "rename", "old_path": "/memories/trip", "new_path": "/memories/travel" }));
    ok(&mut house, json!({ "command": "rename", "path": "/memories/travel", "description": "All travel." }));
    assert_eq!(house.block("travel").description, "All travel.");
    ok(&mut house, json!({ "command": "delete", "path": "/memories/travel" }));
    let gone = house.store().read(|reader| reader.block_by_label(&house.agent.id, "travel")).unwrap();
    assert!(gone.is_none());
    let result = refused(&mut house, "memory", json!({ "command": "shred", "path": "/memories/human" }));
    insta::assert_snapshot!(result, @"Unknown command `shred`. The commands are: create, str_replace, insert, delete, rename.");
    let result = refused(&mut house, "memory", json!({ "command": "delete", "path": "/memories/" }));
    insta::assert_snapshot!(result, @"`/memories/` is not the path of a memory block. A path looks like /memories/human.");
}

#[test]
fn an_unknown_label_is_answered_with_those_that_exist() {
    let mut house = house();
    let result = refused(&mut house, "core_memory_append", json!({ "label": "humans", "content": "x" }));
    assert!(result.contains("human") && result.contains("persona"), "{result}");
}

#[test]
fn read_only_blocks_and_limits_are_kept_and_the_model_is_told() {
    let mut house = house();
    let mut block = house.block("human");
    block.limit_chars = 30;
    house.store().write(|w| w.update_block_meta(&block)).unwrap();
    let result = refused(&mut house, "core_memory_append", json!({ "label": "human", "content": "0123456789" }));
    assert!(result.contains("30"), "the limit is named: {result}");
    block.read_only = true;
    house.store().write(|w| w.update_block_meta(&block)).unwrap();
    let result = refused(&mut house, "memory_rethink", json!({ "label": "human", "new_memory": "x" }));
    assert_eq!(result, "Error This block is read-only and cannot be edited.");
}

#[test]
fn archival_memory_is_saved_with_tags_and_found_again() {
    let mut house = house();
    let arguments = json!({ "content": "The wifi password is swordfish.", "tags": ["Home", "wifi"] });
    let (status, result) = call(&mut house, "archival_memory_insert", arguments);
    assert_eq!((status, result.as_str()), (ToolStatus::Ok, "Saved to archival memory."));
    let (passages, _) = house
        .store()
        .read(|reader| reader.passages(&PassageFilter { limit: 10, ..PassageFilter::of(&house.agent.id) }))
        .unwrap();
    assert_eq!(passages[0].text, "The wifi password is swordfish.");
    assert_eq!(passages[0].provenance.tool.as_deref(), Some("archival_memory_insert"));
    let (_, result) = call(&mut house, "archival_memory_search", json!({ "query": "wifi password" }));
    let found: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(found["results"][0]["content"], "The wifi password is swordfish.");
    let by_tag = |tag: &str| json!({ "query": "wifi", "tags": [tag] });
    let (_, result) = call(&mut house, "archival_memory_search", by_tag("wifi"));
    assert!(result.contains("swordfish"));
    let (_, result) = call(&mut house, "archival_memory_search", by_tag("work"));
    assert_eq!(result, r#"{"message":"No results found.","results":[]}"#);
    assert!(house.last_prompt().system.contains("1 total memories you created are stored in archival memory"));
}

#[test]
fn conversation_search_finds_by_words_roles_and_dates_and_never_itself() {
    let mut house = house();
    house.say("My cat is called Biscuit.", vec![says("What a lovely name for a cat.")]);
    house.clock.advance(3 * 86_400_000);
    let search = |house: &mut House, arguments: Value| -> Value {
        let (status, result) = call(house, "conversation_search", arguments);
        assert_eq!(status, ToolStatus::Ok, "{result}");
        serde_json::from_str(&result).unwrap()
    };
    let found = search(&mut house, json!({ "query": "cat" }));
    assert_eq!(found["message"], "Showing 2 results:");
    assert_eq!(found["results"][0]["time_ago"], "3 days ago");
    let again = search(&mut house, json!({ "query": "cat" }));
    assert_eq!(again, search(&mut house, json!({ "query": "cat", "limit": 5 })), "searches do not find searches");
    let found = search(&mut house, json!({ "query": "cat", "roles": ["user"] }));
    assert!(found["results"].as_array().unwrap().iter().all(|result| result["role"] == "user"), "{found}");
    assert_eq!(found["results"][0]["content"], "My cat is called Biscuit.");
    let found = search(&mut house, json!({ "query": "cat", "end_date": "2023-11-14" }));
    assert_eq!(found["results"].as_array().unwrap().len(), 2, "the end date is included");
    let found = search(&mut house, json!({ "query": "cat", "start_date": "2023-11-15" }));
    assert!(!found.to_string().contains("Biscuit"), "what was said before is left out: {found}");
    let result = refused(&mut house, "conversation_search", json!({ "start_date": "last week" }));
    assert!(result.contains("2026-11-23"), "an example is given: {result}");
}

#[test]
fn memory_finish_edits_and_an_empty_message_are_answered() {
    let mut house = house();
    assert_eq!(call(&mut house, "memory_finish_edits", json!({})).0, ToolStatus::Ok);
    let result = refused(&mut house, "send_message", json!({ "message": " " }));
    insta::assert_snapshot!(result, @"The message is empty. Call send_message with what you want to say.");
}

#[test]
fn results_are_packed_for_the_model_and_plain_in_the_store() {
    let mut house = house();
    call(&mut house, "core_memory_append", json!({ "label": "human", "content": "Likes tea." }));
    let prompt = house.last_prompt();
    let packed: Value = serde_json::from_str(&prompt.messages.last().unwrap().content).unwrap();
    assert_eq!(packed["status"], "OK");
    assert_eq!(packed["message"], house.block("human").value);
    assert!(packed["time"].is_string());
}

#[test]
fn an_imported_tool_is_a_tool_that_does_not_exist() {
    let mut house = House::with(AgentType::LettaV1Agent, |agent| agent.tools.push("fetch_weather".to_owned()));
    let turn = house.say("Weather?", vec![calls("fetch_weather", json!({ "city": "Oslo" })), says("I cannot.")]);
    assert_eq!(turn.status, TurnStatus::Completed);
    let result = house.last_result();
    assert_eq!(result.tool_status, Some(ToolStatus::Failed));
    assert!(result.content.starts_with("There is no tool named fetch_weather. Tools that can be called now: core_"));
    assert!(!house.prompts()[0].menu.iter().any(|schema| schema.name == "fetch_weather"));
}

#[test]
fn several_calls_of_one_message_run_in_their_order() {
    let mut house = house();
    let line = |text: &str| json!({ "label": "human", "content": text });
    house.say(
        "Two things.",
        vec![
            calls_all(&[
                ("core_memory_append", line("one")),
                ("run_code", json!({})),
                ("core_memory_append", line("two")),
            ]),
            says("Both are in."),
        ],
    );
    assert_eq!(house.block("human").value, "The user's name is Nick.\none\ntwo");
    let statuses: Vec<_> = house.messages().iter().filter_map(|message| message.tool_status).collect();
    assert_eq!(statuses, [ToolStatus::Ok, ToolStatus::Failed, ToolStatus::Ok]);
    let prompt = house.last_prompt();
    let ids: Vec<_> = prompt.messages.iter().filter_map(|message| message.tool_call_id.clone()).collect();
    let asked: Vec<_> =
        prompt.messages.iter().flat_map(|message| &message.tool_calls).map(|call| call.id.clone()).collect();
    assert_eq!(ids, asked, "every call has its result");
}

#[test]
fn null_bytes_do_not_reach_memory() {
    let mut house = house();
    let value = edited(&mut house, "core_memory_append", json!({ "label": "human", "content": "Likes\0 tea." }));
    assert!(value.ends_with("Likes tea."));
}
