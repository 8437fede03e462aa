//! Every form that files have is read, and what is not adopted is said.

use resident_agent_file::{Form, NoticeKind, Part, Role, time::ms_of};

use crate::{fixture, notices, read_fixture, read_text};

#[test]
fn the_current_form_is_read_whole() {
    let read = read_fixture("current.af");
    assert_eq!(read.form, Form::Current);
    let file = &read.file;
    let [juno, night] = file.agents.as_slice() else { panic!("two agents: {file:?}") };
    assert_eq!((juno.name.as_str(), night.agent_type.as_str()), ("Juno", "sleeptime_agent"));
    assert_eq!(juno.in_context_message_ids.len(), 6);
    assert_eq!(juno.messages.len(), 8, "messages out of context are read, too");
    assert_eq!(juno.messages[2].role, Role::Summary);
    let answer = &juno.messages[4];
    assert_eq!((answer.text().as_str(), answer.thoughts().as_str()), ("Noted.", "The tide goes into the log."));
    assert_eq!(answer.tool_calls[0].name, "memory_insert");
    assert_eq!(juno.messages[5].tool_returns[0].text(), "None");
    assert_eq!(juno.messages[7].approval_request_id.as_deref(), Some("message-6"));
    assert_eq!(juno.messages[0].created_at.as_deref().and_then(ms_of), Some(1_761_951_416_459));
    assert_eq!(file.files[0].content.as_deref(), Some("Rocks\n"));
    assert_eq!(file.groups[0].manager.agent_id.as_deref(), Some("agent-0"));
    assert_eq!(file.tools[2].mcp_server_id.as_deref(), Some("mcp_server-0"), "found by its name");
    assert_eq!(file.skills[0].files.len(), 2);
    assert_eq!(file.resident.archives[0].passages[0].superseded_by.as_deref(), Some("passage-1"));
    assert_eq!(file.resident.agents[0].conversations[0].messages[1].text(), "North.");
    assert_eq!(file.resident.block_revisions[1].after, "High tide.");
    for (place, words) in [
        ("tools[1]", "\"tide_table\" is kept as text. It is not run here."),
        ("mcp_servers[0]", "neither started nor called"),
        ("skills[0]", "\"knots\" is kept"),
    ] {
        assert!(notices(&read.notices, NoticeKind::Inert, place, words), "{place}: {:?}", read.notices);
    }
}

#[test]
fn a_file_within_a_text_is_read_even_twice_over() {
    let plain = read_fixture("current.af");
    let mut text = String::from_utf8(fixture("current.af")).expect("it is text");
    for _ in 0..3 {
        text = serde_json::to_string(&text).expect("it can be quoted");
        let read = read_text(&text);
        assert_eq!(read.form, Form::DoubleEncoded);
        assert_eq!(read.file, plain.file);
    }
    let error = resident_agent_file::read(serde_json::to_string(&text).unwrap().as_bytes(), &Default::default());
    assert!(error.is_err(), "four times is no accident");
}

#[test]
fn a_byte_order_mark_is_no_hindrance() {
    let marked = [b"\xEF\xBB\xBF".as_slice(), &fixture("current.af")].concat();
    let read = resident_agent_file::read(&marked, &Default::default()).expect("it reads");
    assert_eq!(read.file, read_fixture("current.af").file);
}

#[test]
fn the_legacy_form_is_read() {
    let read = read_fixture("legacy.af");
    assert_eq!(read.form, Form::Legacy);
    let file = &read.file;
    let [rho] = file.agents.as_slice() else { panic!("one agent: {file:?}") };
    assert_eq!((rho.name.as_str(), rho.agent_type.as_str()), ("Rho", "memgpt_agent"));
    let labels: Vec<&str> = file.blocks.iter().map(|block| block.label.as_str()).collect();
    assert_eq!(labels, ["persona", "human"]);
    assert_eq!(file.blocks[1].metadata["k"], "v");
    assert_eq!((rho.block_ids.len(), rho.tool_ids.len(), file.tools.len()), (2, 2, 2));
    assert_eq!(rho.tags, ["letters"]);
    assert_eq!(rho.metadata["origin"], "desk");
    assert_eq!(rho.secrets["POST_KEY"], "");
    assert_eq!(rho.in_context_message_ids, ["message-0", "message-3", "message-4"]);
    assert_eq!(
        rho.messages[1].tool_calls[0].arguments,
        r#"{"label":"human","old_string":"Name: ","new_string":"Name: Ana"}"#
    );
    assert_eq!(file.metadata["legacy_version"], "0.6.50");
    let group = "come";
    assert!(notices(&read.notices, NoticeKind::NotAdopted, "multi_agent_group", group), "{:?}", read.notices);
}

#[test]
fn the_first_legacy_form_had_blocks_by_their_labels() {
    let read = read_text(
        r#"{"agent_type": "memgpt_agent", "name": "Old", "system": "s", "tools": ["send_message"],
            "core_memory": {"memory": {"human": {"value": "Ana", "limit": 2000}, "persona": "I am old."}},
            "messages": [{"role": "user", "content": "hi"}]}"#,
    );
    let blocks: Vec<(&str, &str)> = read.file.blocks.iter().map(|b| (b.label.as_str(), b.value.as_str())).collect();
    assert_eq!(blocks, [("human", "Ana"), ("persona", "I am old.")]);
    assert_eq!(read.file.agents[0].tool_names, ["send_message"]);
    assert_eq!(read.file.agents[0].in_context_message_ids.len(), 1, "without positions all messages are in context");
}

#[test]
fn a_wild_file_is_mended_and_every_mend_is_said() {
    let read = read_fixture("wild.af");
    let file = &read.file;
    let wanda = &file.agents[0];
    assert_eq!(wanda.agent_type, "letta_v1_agent");
    assert_eq!(wanda.tool_names, ["send_message"], "what the file does not describe stays a name");
    assert_eq!(wanda.tool_ids, ["tool-x"], "what it describes is that");
    assert_eq!(wanda.secrets["API_KEY"], "s3cret");
    assert_eq!(wanda.extra["unknown_agent_key"]["deep"][0], 1);
    assert_eq!(wanda.messages[0].role, Role::User);
    assert_eq!(wanda.messages[0].created_at.as_deref(), Some("2025-10-31T22:56:56.000+00:00"));
    assert_eq!(wanda.messages[0].extra["step_id"], "step-4");
    assert!(matches!(&wanda.messages[1].content[1], Part::Other(part) if part["beam"] == 3));
    assert_eq!(wanda.messages[1].tool_calls[0].arguments, r#"{"label":"human","new_string":"x"}"#);
    assert_eq!(wanda.messages[2].tool_returns[0].text(), r#"{"a":1}"#);
    assert_eq!(wanda.messages.len(), 4);
    assert_eq!(wanda.in_context_message_ids, ["m1", "m2"]);
    assert_eq!(file.agents[1].messages, []);
    assert_eq!(file.groups.len(), 1);
    assert_eq!(file.groups[0].manager.kind, "round_robin");
    assert_eq!(file.files[0].name, "secret.txt");
    assert_eq!(file.folders[0].name, "Files");
    assert_eq!(file.skills.len(), 1);
    assert_eq!(file.extra["an_unknown_key"], true);
    assert_eq!(file.resident.extra["future"]["new"], 1);
    let labels: Vec<&str> = wanda
        .block_ids
        .iter()
        .filter_map(|id| file.blocks.iter().find(|block| block.id == *id))
        .map(|block| block.label.as_str())
        .collect();
    assert_eq!(labels, ["human", "notes/2024/q1", "human_2"]);
    for (kind, place, words) in [
        (NoticeKind::NotAdopted, "agents[0].block_ids", "\"block-gone\" names no block"),
        (NoticeKind::NotAdopted, "agents[0].group_ids", "\"group-gone\" names no group"),
        (NoticeKind::NotAdopted, "agents[0].messages", "\"m-gone\" is in the context window"),
        (NoticeKind::NotAdopted, "agents[0].identity_ids", "people"),
        (NoticeKind::NotAdopted, "groups", "\"group-led-by-nobody\""),
        (NoticeKind::NotAdopted, "skills", "\"empty\""),
        (NoticeKind::NotAdopted, "resident", "newer version of Resident (format 9, known is 1)"),
        (NoticeKind::Mended, "agents[0].agent_type", "\"shiny_new_agent\""),
        (NoticeKind::Mended, "agents[0].messages[1].tool_calls[0]", "older version"),
        (NoticeKind::Mended, "agents[0].messages[1].created_at", "not a date"),
        (NoticeKind::Mended, "agents[0].messages[2]", "both are kept"),
        (NoticeKind::Mended, "agents[0].files_agents[0].file_name", "\"etc/passwd\""),
        (NoticeKind::Mended, "agents[0].memory_blocks[0].limit", "number"),
        (NoticeKind::Mended, "files[0].source_id", "\"Files\""),
        (NoticeKind::Mended, "blocks[2].label", "\"human_2\""),
        (NoticeKind::Secret, "agents[0]", "secrets"),
        (NoticeKind::Secret, "mcp_servers[0]", "\"far\""),
    ] {
        assert!(notices(&read.notices, kind, place, words), "{kind:?} {place} {words}: {:#?}", read.notices);
    }
}
