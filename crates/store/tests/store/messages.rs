//! Messages: order, window, the bin, neighbours.

use resident_store::{AgentId, Message, MessageId, Role, StepId, StoreError, ToolCall, ToolStatus, TurnId};

use crate::support::{Profile, message};

fn texts<M: std::borrow::Borrow<Message>>(messages: &[M]) -> Vec<&str> {
    messages.iter().map(|message| message.borrow().content.as_str()).collect()
}

#[test]
fn a_message_comes_back_with_everything_it_had() {
    let mut profile = Profile::new();
    let ada = profile.agent("Ada");
    let mut new = message(&ada, Role::Tool, "a\0b “c” \u{10ffff}");
    new.turn_id = Some(TurnId::new());
    new.step_id = Some(StepId::new());
    new.thoughts = Some("hm\0m".to_owned());
    new.tool_calls = vec![ToolCall {
        id: "call-1".to_owned(),
        name: "send_message".to_owned(),
        arguments: serde_json::json!({"message": "hi\u{0}", "a": 1, "Z": [null, 1.5]}),
    }];
    new.tool_call_id = Some("call-0".to_owned());
    new.name = Some("archival_memory_search".to_owned());
    new.tool_status = Some(ToolStatus::Failed);
    let saved = profile.write(|w| w.append_message(&new));
    profile.reopen().unwrap();
    assert_eq!(profile.read(|r| r.message(&new.id)), Some(saved.clone()));
    assert_eq!(profile.read(|r| r.messages_of_turn(saved.turn_id.as_ref().unwrap())), vec![saved.clone()]);
    assert_eq!(saved.content, new.content);
    assert_eq!(saved.tool_calls, new.tool_calls);

    let twice = profile.store().write(|w| w.append_message(&new));
    assert!(matches!(twice, Err(StoreError::Duplicate { what: "message", .. })), "{twice:?}");
    let orphan = profile.store().write(|w| w.append_message(&message(&AgentId::new(), Role::User, "hello")));
    assert!(matches!(orphan, Err(StoreError::NotFound { what: "agent", .. })), "{orphan:?}");
}

#[test]
fn history_is_read_in_pages_from_either_end() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let seqs: Vec<i64> = (0..6)
        .map(|n| {
            profile.say(&bob, Role::User, "noise");
            profile.say(&ada, Role::User, &n.to_string()).seq
        })
        .collect();
    assert!(seqs.is_sorted());
    assert_eq!(texts(&profile.read(|r| r.messages_before(&ada, None, 2))), ["4", "5"]);
    assert_eq!(texts(&profile.read(|r| r.messages_before(&ada, Some(seqs[4]), 2))), ["2", "3"]);
    assert_eq!(texts(&profile.read(|r| r.messages_after(&ada, seqs[3], 9))), ["4", "5"]);
    assert_eq!(texts(&profile.read(|r| r.messages_before(&ada, Some(seqs[0]), usize::MAX))), [""; 0]);
    assert_eq!(profile.read(|r| r.last_message(&ada)).unwrap().content, "5");
    assert_eq!(profile.read(|r| r.count_messages(&ada)), 6);
    let picked = profile.read(|r| r.messages_by_seq(&[seqs[2], 999, seqs[0]]));
    assert_eq!(texts(&picked), ["2", "0"]);

    profile.write(|w| w.set_window_start(&ada, seqs[4]));
    assert_eq!(texts(&profile.read(|r| r.window_messages(&ada))), ["4", "5"]);
}

#[test]
fn what_is_in_the_bin_is_neither_shown_nor_in_the_window() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let said: Vec<Message> = (0..5).map(|n| profile.say(&ada, Role::User, &n.to_string())).collect();
    let other = profile.say(&bob, Role::User, "stays");
    profile.write(|w| w.set_message_deleted(&said[1].id, Some(7)));
    assert_eq!(profile.read(|r| r.message(&said[1].id)).unwrap().deleted_at_ms, Some(7));
    assert_eq!(texts(&profile.read(|r| r.window_messages(&ada))), ["0", "2", "3", "4"]);
    assert_eq!(profile.write(|w| w.delete_messages_from(&ada, said[3].seq, 8)), 2);
    assert_eq!(texts(&profile.read(|r| r.messages_before(&ada, None, 9))), ["0", "2"]);
    assert_eq!(profile.read(|r| r.messages_by_seq(&[said[3].seq])), []);
    assert_eq!(profile.read(|r| r.count_messages(&ada)), 2);
    assert_eq!(profile.read(|r| r.message(&other.id)).unwrap().deleted_at_ms, None);
    profile.write(|w| w.set_message_deleted(&said[3].id, None));
    assert_eq!(texts(&profile.read(|r| r.messages_before(&ada, None, 9))), ["0", "2", "3"]);
    let nothing = profile.store().write(|w| w.set_message_deleted(&MessageId::new(), None));
    assert!(matches!(nothing, Err(StoreError::NotFound { what: "message", .. })), "{nothing:?}");
    let next = profile.say(&ada, Role::User, "later");
    assert!(next.seq > other.seq, "a number is not used twice");
}

#[test]
fn neighbours_are_what_was_said_around_a_message() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    for (role, text) in [
        (Role::User, "a"),
        (Role::Assistant, "b"),
        (Role::Tool, "result"),
        (Role::Assistant, ""),
        (Role::User, "c"),
        (Role::System, "heartbeat"),
        (Role::Assistant, "d"),
        (Role::User, "e"),
    ] {
        profile.say(&ada, role, text);
    }
    let middle = profile.read(|r| r.messages_before(&ada, None, 4))[0].seq;
    let (before, after) = profile.read(|r| r.neighbours(&ada, middle, 2));
    assert_eq!((texts(&before), texts(&after)), (vec!["a", "b"], vec!["d", "e"]));
    let (before, after) = profile.read(|r| r.neighbours(&ada, middle, 1));
    assert_eq!((texts(&before), texts(&after)), (vec!["b"], vec!["d"]));
}
