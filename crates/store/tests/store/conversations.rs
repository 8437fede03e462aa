//! Conversations: threads beside the agent's own.

use resident_store::{
    AgentId, BlockId, Conversation, ConversationId, ConversationListing, Message, NewMessage, PassageFilter,
    Provenance, Role, StoreError, Summary, SummaryId, SummaryKind, Thread, Turn, TurnId, TurnStatus,
};
use serde_json::json;

use crate::support::{NOW_MS, Profile, block, message};

pub(crate) fn conversation(agent_id: &AgentId, name: &str) -> Conversation {
    Conversation {
        id: ConversationId::new(),
        agent_id: agent_id.clone(),
        name: Some(name.to_owned()),
        letta: json!({ "hidden": false }),
        isolated_block_ids: Vec::new(),
        window_start_seq: 0,
        created_at_ms: NOW_MS,
        updated_at_ms: NOW_MS,
        last_message_at_ms: None,
        deleted_at_ms: None,
    }
}

fn begun(profile: &Profile, agent_id: &AgentId, name: &str) -> (Conversation, Thread) {
    let conversation = conversation(agent_id, name);
    profile.write(|w| w.insert_conversation(&conversation));
    let thread = Thread::from(&conversation);
    (conversation, thread)
}

fn say(profile: &Profile, thread: &Thread, text: &str) -> Message {
    let conversation_id = thread.conversation_id.clone();
    let new = NewMessage { conversation_id, ..message(&thread.agent_id, Role::User, text) };
    profile.write(|w| w.append_message(&new))
}

fn window(profile: &Profile, thread: &Thread) -> Vec<String> {
    profile.read(|r| r.window_messages(thread)).iter().map(|message| message.content.clone()).collect()
}

fn summary(thread: &Thread, text: &str) -> Summary {
    Summary {
        id: SummaryId::new(),
        agent_id: thread.agent_id.clone(),
        conversation_id: thread.conversation_id.clone(),
        text: text.to_owned(),
        kind: SummaryKind::Extractive,
        window_start_seq: 0,
        evicted_messages: 1,
        created_at_ms: NOW_MS,
    }
}

#[test]
fn each_thread_has_messages_a_window_a_summary_and_turns_of_its_own() {
    let mut profile = Profile::new();
    let ada = profile.agent("Ada");
    let own = Thread::own(&ada);
    let (_, work) = begun(&profile, &ada, "Work");
    say(&profile, &own, "one");
    say(&profile, &work, "two");
    let three = say(&profile, &own, "three");
    let four = say(&profile, &work, "four");
    let turn = Turn {
        id: TurnId::new(),
        agent_id: ada.clone(),
        conversation_id: work.conversation_id.clone(),
        message_id: Some(four.id.clone()),
        status: TurnStatus::Running,
        stop_reason: None,
        error: None,
        request_key: None,
        options: json!({}),
        started_at_ms: NOW_MS,
        ended_at_ms: None,
    };
    profile.write(|w| {
        w.insert_summary(&summary(&work, "of work"))?;
        w.set_window_start(&work, four.seq)?;
        w.insert_turn(&turn)
    });
    profile.reopen().unwrap();

    assert_eq!(
        (window(&profile, &own), window(&profile, &work)),
        (vec!["one".to_owned(), "three".to_owned()], vec!["four".to_owned()])
    );
    assert_eq!(profile.read(|r| r.count_messages(&work)), 2);
    assert_eq!(profile.read(|r| r.last_message(&ada)), Some(three.clone()));
    assert_eq!(profile.read(|r| r.messages_before(&work, Some(four.seq), 9))[0].content, "two");
    assert_eq!(profile.read(|r| r.latest_summary(&work)).unwrap().text, "of work");
    assert_eq!(profile.read(|r| r.latest_summary(&ada)), None);
    assert_eq!(profile.read(|r| r.latest_turn(&work)), Some(turn));
    assert_eq!(profile.read(|r| r.latest_turn(&ada)), None);
    assert_eq!(profile.write(|w| w.delete_messages_from(&own, three.seq, NOW_MS)), 1);
    assert_eq!(window(&profile, &work), ["four"], "what is deleted in one thread stays in the other");
}

#[test]
fn what_was_said_beside_a_message_was_said_in_its_thread() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let (_, work) = begun(&profile, &ada, "Work");
    say(&profile, &Thread::own(&ada), "umbrella");
    let beside = say(&profile, &work, "anchor");
    say(&profile, &Thread::own(&ada), "bicycle");
    let found =
        |word: &str| profile.read(|r| r.search_messages_text(&ada, word, &Default::default(), [1.0; 3], 10)).len();
    let check = || {
        assert_eq!(found("anchor"), 1, "it is no neighbour of what was said in the other thread");
        assert_eq!(found("bicycle"), 2, "once itself, once as a neighbour");
    };
    check();
    profile.store().rebuild_derived().unwrap();
    check();
    let (before, after) = profile.read(|r| r.neighbours(&work, beside.seq, 1));
    assert!(before.is_empty() && after.is_empty());
}

#[test]
fn a_conversation_has_its_own_blocks_in_the_place_of_the_agents() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let (conversation, work) = begun(&profile, &ada, "Work");
    let (persona, human) = (block("persona", "I am Ada."), block("human", "Nick."));
    let by = Provenance::system("create");
    let own = profile.write(|w| {
        for block in [&persona, &human] {
            w.insert_block(block, &by)?;
            w.attach_block(&ada, &block.id)?;
        }
        let own = w.isolate_block(&conversation.id, &human, &by, NOW_MS)?;
        w.write_block_value(&own.id, "Kim.", &by, NOW_MS)?;
        Ok(own)
    });
    let values = |thread: &Thread| -> Vec<String> {
        profile.read(|r| r.blocks_of(thread)).into_iter().map(|block| block.value).collect()
    };
    assert_eq!(values(&work), ["I am Ada.", "Kim."]);
    assert_eq!(values(&Thread::own(&ada)), ["I am Ada.", "Nick."]);
    assert_eq!(profile.read(|r| r.block_by_label(&work, "human")).unwrap().id, own.id);
    assert_eq!(profile.read(|r| r.block_by_label(&work, "persona")).unwrap().id, persona.id);
    let found = profile.read(|r| r.conversation(&conversation.id)).unwrap();
    assert_eq!(found.isolated_block_ids, std::slice::from_ref(&own.id));
    let twice = profile.store().write(|w| w.isolate_block(&conversation.id, &human, &by, NOW_MS));
    assert!(matches!(twice, Err(StoreError::Duplicate { .. })), "{twice:?}");

    profile.write(|w| w.purge_agent(&ada));
    let left = |id: &BlockId| profile.read(|r| r.block(id)).is_some();
    assert!(!left(&own.id) && !left(&human.id), "its blocks go with it");
    assert_eq!(profile.read(|r| r.conversation(&conversation.id)), None);
}

#[test]
fn a_fork_begins_with_the_window_and_goes_its_own_way() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let (source, work) = begun(&profile, &ada, "Work");
    let by = Provenance::system("fork");
    profile.write(|w| w.isolate_block(&source.id, &block("human", "Nick."), &by, NOW_MS));
    say(&profile, &work, "evicted");
    let kept = say(&profile, &work, "kept");
    profile.write(|w| {
        w.set_window_start(&work, kept.seq)?;
        w.insert_summary(&summary(&work, "They met."))
    });
    let fork = conversation(&ada, "Fork");
    profile.write(|w| w.fork_conversation(&work, &fork, &by));
    let forked = Thread::from(&fork);
    assert_eq!(window(&profile, &forked), ["kept"]);
    assert_eq!(profile.read(|r| r.latest_summary(&forked)).unwrap().text, "They met.");
    say(&profile, &forked, "new");
    let own = profile.read(|r| r.isolated_blocks(&fork.id)).remove(0);
    profile.write(|w| w.write_block_value(&own.id, "Kim.", &by, NOW_MS));
    assert_eq!(window(&profile, &work), ["kept"]);
    assert_eq!(profile.read(|r| r.isolated_blocks(&source.id))[0].value, "Nick.");
    assert_eq!(profile.read(|r| r.latest_summary(&ada)), None);

    let empty = conversation(&ada, "Of the own thread");
    profile.write(|w| w.fork_conversation(&Thread::own(&ada), &empty, &by));
    assert_eq!(window(&profile, &Thread::from(&empty)), [""; 0]);
    say(&profile, &Thread::from(&empty), "first");
    assert_eq!(window(&profile, &Thread::from(&empty)), ["first"]);
    let twice = profile.store().write(|w| w.fork_conversation(&work, &fork, &by));
    assert!(matches!(twice, Err(StoreError::Duplicate { .. })), "{twice:?}");
    assert_eq!(profile.read(|r| r.count_messages(&forked)), 2, "a refused fork leaves nothing");
}

#[test]
fn a_conversation_goes_to_the_bin_with_its_messages_and_comes_back_with_them() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let (conversation, work) = begun(&profile, &ada, "Work");
    let earlier = say(&profile, &work, "deleted before");
    say(&profile, &work, "anchor");
    profile.write(|w| w.set_message_deleted(&earlier.id, Some(NOW_MS)));
    let found = || profile.read(|r| r.search_messages_text(&ada, "anchor", &Default::default(), [1.0; 3], 10)).len();
    let listed = || profile.read(|r| r.list_conversations(&ConversationListing::default())).len();
    assert_eq!((found(), listed()), (1, 1));
    profile.write(|w| w.set_conversation_deleted(&conversation.id, Some(NOW_MS + 1)));
    assert_eq!((found(), listed()), (0, 0));
    profile.write(|w| w.set_conversation_deleted(&conversation.id, None));
    assert_eq!((found(), listed()), (1, 1));
    assert_eq!(window(&profile, &work), ["anchor"]);
    assert_eq!(profile.read(|r| r.passages(&PassageFilter::of(&ada))).1, 0);
}

#[test]
fn conversations_are_listed_by_agent_and_name() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let (mut first, thread) = begun(&profile, &ada, "The garden");
    let (second, _) = begun(&profile, &bob, "Garden chairs");
    let (third, _) = begun(&profile, &ada, "Boats");
    let said = say(&profile, &thread, "Hello.");
    first.name = Some("The Garden".to_owned());
    profile.write(|w| w.update_conversation(&first));
    let ids = |listing: ConversationListing| -> Vec<ConversationId> {
        profile.read(|r| r.list_conversations(&listing)).into_iter().map(|found| found.id).collect()
    };
    assert_eq!(ids(ConversationListing::default()), [first.id.clone(), second.id.clone(), third.id.clone()]);
    let of_ada = ConversationListing { agent_id: Some(ada), ..ConversationListing::default() };
    assert_eq!(ids(of_ada), [first.id.clone(), third.id]);
    let named = ConversationListing { name_has: Some("garden".to_owned()), ..ConversationListing::default() };
    assert_eq!(ids(named), [first.id.clone(), second.id]);
    let found = profile.read(|r| r.conversation(&first.id)).unwrap();
    assert_eq!((found.name, found.last_message_at_ms), (first.name, Some(said.created_at_ms)));
}
