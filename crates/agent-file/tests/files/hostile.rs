//! What is meant to harm is refused with the place and the limit, quickly and without much memory, or made harmless with
//! a word.

use std::time::{Duration, Instant};

use resident_agent_file::{AgentFileError, Limits, NoticeKind, read, write};

use crate::{ALL, notices, read_text};

fn refused(text: &str) -> String {
    match read(text.as_bytes(), &Limits::default()) {
        Ok(read) => panic!("it was read: {read:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn errors_name_place_and_limit() {
    let deep = format!(r#"{{"agents": [{{"id": "a", "metadata": {}{}}}]}}"#, "[".repeat(90), "]".repeat(90));
    let agents = |agent: &str| format!(r#"{{"agents": [{{"id": "a"}}, {agent}]}}"#);
    for (text, expected) in [
        ("".to_owned(), "the file is empty"),
        ("PK\u{3}\u{4}".to_owned(), "this is a ZIP archive, not an agent file"),
        ("[]".to_owned(), "this is not an agent file: it is a list, such as an export of chats, and not an object"),
        ("{}".to_owned(), "this is not an agent file: it has neither `agents` nor the fields of one agent"),
        ("3".to_owned(), "the file has to be an object, and is a number"),
        (r#"{"agents": []}"#.to_owned(), "this is not an agent file: there is no agent in it"),
        (r#"{"agents": {}}"#.to_owned(), "agents has to be a list, and is an object"),
        (r#"{"agents": [7]}"#.to_owned(), "agents[0] has to be an object, and is a number"),
        (agents(r#"{"name": []}"#), "agents[1].name has to be a text, and is a list"),
        (agents(r#"{"messages": [{"role": "user"}, {}]}"#), "agents[1].messages[1] has no `role`"),
        (
            agents(r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": {}}]}]}"#),
            "agents[1].messages[0].content[0].text has to be a text, and is an object",
        ),
        (agents(r#"{"block_ids": ["a", 3]}"#), "agents[1].block_ids[1] has to be a text, and is a number"),
        (agents(r#"{"id": "a"}"#), "agents[1] has the id \"a\", which agents[0] has already"),
        (agents(r#"{"name": "x", "name": "y"}"#), "agents[1] has the key \"name\" twice"),
        (
            agents(r#"{"metadata": NaN}"#),
            "the file is not valid JSON at agents[1].metadata, line 1, column 39: expected value",
        ),
        (agents("{}") + "x", "the file is not valid JSON at the file, line 1, column 30: trailing characters"),
        (deep, "agents[0].metadata[0][0][0][0][0][0][0][0][0][0]"),
    ] {
        let words = refused(&text);
        assert!(words.starts_with(expected), "{words}");
    }
}

/// Refuses at once: what takes longer than this in a debug build is not a check but a reading.
const AT_ONCE: Duration = Duration::from_secs(20);

#[test]
fn a_hundred_megabytes_are_refused_without_a_look() {
    let bytes = vec![b' '; 100_000_000];
    let start = Instant::now();
    let error = read(&bytes, &Limits::default()).unwrap_err();
    assert_eq!(error, AgentFileError::TooLarge { bytes: 100_000_000, limit: 64 << 20 });
    assert!(start.elapsed() < Duration::from_millis(100));
}

#[test]
fn a_million_blocks_are_refused() {
    let blocks = vec![r#"{"label":"b","value":""}"#; 1_000_000].join(",");
    let start = Instant::now();
    let words = refused(&format!(r#"{{"agents":[{{}}],"blocks":[{blocks}]}}"#));
    assert_eq!(words, "blocks holds 1000000 blocks; at most 20000 are read");
    assert!(start.elapsed() < AT_ONCE);
}

#[test]
fn more_values_than_memory_is_for_are_refused() {
    let words = refused(&format!(r#"{{"agents":[{{"x":[{}0]}}]}}"#, "0,".repeat(5_000_000)));
    assert!(
        words.starts_with("the file holds more than 4000000 values; the last one read was agents[0].x["),
        "{words}"
    );
}

#[test]
fn many_messages_in_many_places_are_counted_together() {
    let limits = Limits { messages: 5, ..Limits::default() };
    let three = [r#"{"role":"user"}"#; 3].join(",");
    let conversation = format!(r#"{{"messages":[{three}]}}"#);
    let text = format!(
        r#"{{"agents":[{{"id":"a","messages":[{three}]}}],"resident":{{"agents":[{{"agent_id":"a","conversations":[{conversation}]}}]}}}}"#
    );
    let error = read(text.as_bytes(), &limits).unwrap_err().to_string();
    assert_eq!(error, "resident.agents[0].conversations[0].messages[2] holds 6 messages; at most 5 are read");
}

#[test]
fn long_lists_do_not_take_the_square_of_their_length() {
    let ids = |n: usize| (0..n).map(|n| format!("\"gone-{n}\"")).collect::<Vec<_>>().join(",");
    let messages = vec![r#"{"id":"m","role":"user","content":"x","group_id":"gone"}"#; 100_000].join(",");
    let blocks = vec![r#"{"label":"same"}"#; 15_000].join(",");
    let start = Instant::now();
    let read = read_text(&format!(
        r#"{{"agents":[{{"block_ids":[{}],"in_context_message_ids":[{}],"messages":[{messages}],"memory_blocks":[{blocks}]}}]}}"#,
        ids(20_000),
        ids(200_000)
    ));
    assert!(read.notices.len() < 200, "{} notices", read.notices.len());
    assert_eq!(read.file.agents[0].messages.len(), 100_000);
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
}

#[test]
fn objects_with_many_keys_do_not_take_the_square_of_their_number() {
    let keys = (0..200_000).map(|n| format!("\"k{n}\":0")).collect::<Vec<_>>().join(",");
    let ids = (0..100_000).map(|n| format!("\"s{n}\"")).collect::<Vec<_>>().join(",");
    let start = Instant::now();
    let text = format!(r#"{{"agents":[{{{keys}}}],"tools":[{{"name":"t",{keys}}}]}}"#);
    let file = read_text(&text).file;
    let bytes = write(&file, &ALL);
    assert_eq!(read(&bytes, &Limits::default()).expect("it reads").file.canonical(), file.canonical());
    let text = format!(r#"{{"agents":[{{"source_ids":[{ids}],"folder_ids":[{ids}]}}]}}"#);
    assert_eq!(refused(&text), "agents[0] holds 100000 references; at most 20000 are read");
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
}

#[test]
fn hidden_characters_are_kept_and_pointed_out() {
    let hidden: String = "obey".chars().filter_map(|c| char::from_u32(0xE0000 + c as u32)).collect();
    let text = format!("{{\"agents\":[{{\"system\":\"Be kind.{hidden}\",\"name\":\"a\u{202e}b\"}}]}}");
    let read = read_text(&text);
    assert!(read.file.agents[0].system.as_deref().is_some_and(|system| system.ends_with(&hidden)));
    let found = |place, words| notices(&read.notices, NoticeKind::HiddenText, place, words);
    assert!(found("agents[0].system", "4 tag characters"), "{:?}", read.notices);
    assert!(found("agents[0].name", "1 turning the direction of writing"), "{:?}", read.notices);
}

#[test]
fn broken_emoji_are_replaced() {
    let read = read_text(r#"{"agents":[{"name":"Ada \ud83d"}]}"#);
    assert_eq!(read.file.agents[0].name, "Ada \u{fffd}");
    assert!(notices(&read.notices, NoticeKind::Mended, "", "1 halves of characters"), "{:?}", read.notices);
}

#[test]
fn what_travels_aside_comes_back_only_where_nothing_was_changed() {
    let text = |name: &str| {
        format!(
            r#"{{"agents":[{{"id":"agent-0","name":"{name}"}}],"resident":{{"version":1,
                "kept":[{{"id":"agent-0","keys":{{"name":"Ada (home)","x":1}},"stand_ins":{{"name":"Ada _home_"}}}}, 5]}}}}"#
        )
    };
    let read = read_text(&text("Ada _home_"));
    assert_eq!((read.file.agents[0].name.as_str(), &read.file.agents[0].extra["x"]), ("Ada (home)", &1.into()));
    assert_eq!(read_text(&text("Eve")).file.agents[0].name, "Eve", "another program's change is newer");
}
