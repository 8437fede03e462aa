//! Search by words: what is found, and that the derived tables always say what the texts say.

use proptest::prelude::*;
use resident_store::{
    AgentId, LexicalHit, Message, MessageFilter, MessageId, PassageFilter, PassageId, Provenance, Role, StoreError,
    TextTable, WordPlace,
};

use crate::support::{NOW_MS, Profile, message, passage};

fn found(profile: &Profile, agent: &AgentId, expression: &str, weights: [f64; 3]) -> Vec<String> {
    let hits = profile.read(|r| r.search_messages_text(agent, expression, &MessageFilter::default(), weights, 10));
    assert!(hits.is_sorted_by(|a, b| a.bm25 >= b.bm25), "{hits:?}");
    let seqs: Vec<i64> = hits.iter().map(|hit| hit.key).collect();
    profile.read(|r| r.messages_by_seq(&seqs)).into_iter().map(|message| message.content).collect()
}

#[test]
fn messages_are_found_by_stem_accent_date_speaker_and_neighbour() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let bob = profile.agent("Bob");
    profile.say(&ada, Role::User, "Where did we go dancing?");
    let mut answer = message(&ada, Role::Assistant, "At the Café Zürich.");
    answer.name = Some("Melanie".to_owned());
    answer.created_at_ms += 86_400_000;
    profile.write(|w| w.append_message(&answer));
    profile.say(&ada, Role::Tool, "dances cafe");
    profile.say(&bob, Role::User, "I danced too");
    let text = [1.0, 0.0, 0.0];
    assert_eq!(found(&profile, &ada, "dance", text)[0], "Where did we go dancing?");
    assert_eq!(found(&profile, &ada, "text : cafe", text), ["At the Café Zürich."]);
    assert_eq!(found(&profile, &ada, "melanie", text), ["At the Café Zürich."]);
    assert_eq!(found(&profile, &ada, "context : (8 may 2023)", text), ["At the Café Zürich."]);
    assert_eq!(found(&profile, &ada, "dancing", [1.0, 0.4, 0.2]), ["Where did we go dancing?", "At the Café Zürich."]);
    assert_eq!(found(&profile, &ada, "result OR nothing", text), [""; 0]);
}

#[test]
fn search_is_narrowed_by_role_and_time() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    for (role, day) in [(Role::User, 0), (Role::Assistant, 1), (Role::User, 2)] {
        let mut new = message(&ada, role, "tea");
        new.created_at_ms = NOW_MS + day;
        profile.write(|w| w.append_message(&new));
    }
    let count = |roles: &[Role], from_ms, to_ms| {
        let filter = MessageFilter { roles: roles.to_vec(), from_ms, to_ms, conversation_id: None };
        profile.read(|r| r.search_messages_text(&ada, "tea", &filter, [1.0; 3], 10)).len()
    };
    assert_eq!(count(&[], None, None), 3);
    assert_eq!(count(&[Role::User], None, None), 2);
    assert_eq!(count(&[Role::User, Role::Assistant], Some(NOW_MS + 1), None), 2);
    assert_eq!(count(&[], Some(NOW_MS), Some(NOW_MS + 1)), 1, "the end is not included");
    assert_eq!(count(&[Role::Tool], None, None), 0);
}

#[test]
fn passages_are_found_by_text_tag_and_document() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let (mut cat, town) = (passage(&ada, "Miso is a cat", &["pets"]), passage(&ada, "lives in Oslo", &["home"]));
    cat.document = Some("animals.txt".to_owned());
    profile.write(|w| {
        w.insert_passage(&cat)?;
        w.insert_passage(&town)
    });
    let search = |filter: &PassageFilter, expression: &str| {
        let hits = profile.read(|r| r.search_passages_text(filter, expression, [1.0, 1.0, 0.5], 10));
        let rows: Vec<i64> = hits.iter().map(|hit| hit.key).collect();
        profile.read(|r| r.passages_by_rowid(&rows)).into_iter().map(|(_, p)| p.text).collect::<Vec<_>>()
    };
    let all = PassageFilter::of(&ada);
    assert_eq!(search(&all, "cats"), ["Miso is a cat"]);
    assert_eq!(search(&all, "pet"), ["Miso is a cat"]);
    assert_eq!(search(&all, "animals"), ["Miso is a cat"]);
    assert_eq!(search(&all, "oslo OR may"), ["lives in Oslo", "Miso is a cat"]);
    let mut home = all.clone();
    home.tags = vec!["home".to_owned()];
    assert_eq!(search(&home, "miso OR oslo"), ["lives in Oslo"]);
    profile.write(|w| w.set_passage_deleted(&cat.id, Some(1)));
    assert_eq!(search(&all, "cats"), [""; 0]);
    profile.write(|w| w.set_passage_deleted(&cat.id, None));
    assert_eq!(search(&all, "cats"), ["Miso is a cat"]);
}

#[test]
fn a_malformed_expression_is_an_error_and_an_empty_one_finds_nothing() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    profile.say(&ada, Role::User, "hello");
    let search = |expression: &str| {
        let filter = MessageFilter::default();
        profile.store().read(|r| r.search_messages_text(&ada, expression, &filter, [1.0; 3], 10))
    };
    for expression in ["\"", "AND", "hello AND", "nosuch : hello", "(", "*", "hello NEAR(", "^", "'", "a.b", "-"] {
        let result = search(expression);
        assert!(matches!(result, Err(StoreError::BadExpression { .. })), "{expression}: {result:?}");
    }
    for expression in ["", " \n", "\"\""] {
        assert_eq!(search(expression).unwrap(), [], "{expression:?}");
    }
    assert_eq!(search("hello").unwrap().len(), 1);
}

#[derive(Debug, Clone)]
enum Edit {
    Say { agent: usize, role: Role, text: String },
    Bin { message: usize, restore: bool },
    BinFrom { message: usize },
    Save { agent: usize, text: String, tags: Vec<String> },
    Rewrite { passage: usize, text: String, tags: Vec<String> },
    BinPassage { passage: usize, restore: bool },
    Purge { passage: usize },
    Rebuild,
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-d ]{0,8}",
        1 => any::<String>(),
        1 => "[a\u{0}é\u{301}\"']{0,6}",
    ]
}

fn edits() -> impl Strategy<Value = Edit> {
    let role =
        prop::sample::select(vec![Role::User, Role::Assistant, Role::User, Role::Assistant, Role::Tool, Role::System]);
    let tags = || prop::collection::vec("[a-c]{1,2}", 0..3);
    prop_oneof![
        6 => (0_usize..2, role, words()).prop_map(|(agent, role, text)| Edit::Say { agent, role, text }),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(message, restore)| Edit::Bin { message, restore }),
        1 => any::<usize>().prop_map(|message| Edit::BinFrom { message }),
        3 => (0_usize..2, words(), tags()).prop_map(|(agent, text, tags)| Edit::Save { agent, text, tags }),
        2 => (any::<usize>(), words(), tags()).prop_map(|(passage, text, tags)| Edit::Rewrite { passage, text, tags }),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(passage, restore)| Edit::BinPassage { passage, restore }),
        1 => any::<usize>().prop_map(|passage| Edit::Purge { passage }),
        1 => Just(Edit::Rebuild),
    ]
}

#[derive(Default)]
struct Made {
    messages: Vec<Message>,
    passages: Vec<PassageId>,
}

fn apply(profile: &Profile, agents: &[AgentId], made: &mut Made, edit: &Edit) {
    let at = |index: usize, len: usize| (len > 0).then(|| index % len);
    let time = |restore: bool| (!restore).then_some(NOW_MS);
    match edit {
        Edit::Say { agent, role, text } => made.messages.push(profile.say(&agents[*agent], *role, text)),
        Edit::Bin { message, restore } => {
            let Some(index) = at(*message, made.messages.len()) else { return };
            profile.write(|w| w.set_message_deleted(&made.messages[index].id, time(*restore)));
        }
        Edit::BinFrom { message } => {
            let Some(index) = at(*message, made.messages.len()) else { return };
            let first = &made.messages[index];
            profile.write(|w| w.delete_messages_from(&first.agent_id, first.seq, NOW_MS));
        }
        Edit::Save { agent, text, tags } => {
            let mut saved = passage(&agents[*agent], text, &[]);
            saved.tags.clone_from(tags);
            profile.write(|w| w.insert_passage(&saved));
            made.passages.push(saved.id);
        }
        Edit::Rewrite { passage, text, tags } => {
            let Some(index) = at(*passage, made.passages.len()) else { return };
            let edit = Provenance::user("edit");
            profile.write(|w| w.update_passage(&made.passages[index], text, tags, &edit, NOW_MS));
        }
        Edit::BinPassage { passage, restore } => {
            let Some(index) = at(*passage, made.passages.len()) else { return };
            profile.write(|w| w.set_passage_deleted(&made.passages[index], time(*restore)));
        }
        Edit::Purge { passage } => {
            let Some(index) = at(*passage, made.passages.len()) else { return };
            profile.write(|w| w.purge_passage(&made.passages.swap_remove(index)));
        }
        Edit::Rebuild => profile.store().rebuild_derived().unwrap(),
    }
}

/// Text, neighbours and context of a row.
type Words = (i64, [String; 3]);

/// What the table of message words should hold, worked out without the store's queries for it.
fn expected_message_words(messages: &[Message]) -> Vec<Words> {
    let spoken: Vec<&Message> = messages
        .iter()
        .filter(|m| {
            matches!(m.role, Role::User | Role::Assistant) && !m.content.is_empty() && m.deleted_at_ms.is_none()
        })
        .collect();
    let row = |message: &Message| {
        let same: Vec<&&Message> = spoken.iter().filter(|m| m.agent_id == message.agent_id).collect();
        let place = same.iter().position(|m| m.seq == message.seq).unwrap();
        let around: Vec<&str> = [place.checked_sub(1), Some(place + 1)]
            .into_iter()
            .flatten()
            .filter_map(|at| same.get(at))
            .map(|m| m.content.as_str())
            .collect();
        let speaker = if message.role == Role::User { "user" } else { "assistant" };
        (message.seq, [message.content.clone(), around.join("\n"), format!("{speaker} 7 May 2023")])
    };
    spoken.iter().map(|message| row(message)).collect()
}

fn stored_words(connection: &rusqlite::Connection, sql: &str) -> Vec<Words> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?]))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn derived_words_always_agree_with_the_texts(edits in prop::collection::vec(edits(), 1..40)) {
        let mut profile = Profile::new();
        let agents = [profile.agent("Ada"), profile.agent("Bob")];
        let mut made = Made::default();
        for edit in &edits {
            apply(&profile, &agents, &mut made, edit);
        }
        let ids: Vec<MessageId> = made.messages.iter().map(|m| m.id.clone()).collect();
        let messages: Vec<Message> = ids.iter().map(|id| profile.read(|r| r.message(id)).unwrap()).collect();
        let mut passages = Vec::new();
        for agent in &agents {
            let rows = profile.read(|r| r.passage_rowids(&PassageFilter::of(agent), usize::MAX));
            for (row, p) in profile.read(|r| r.passages_by_rowid(&rows)) {
                passages.push((row, [p.text, p.tags.join("\n"), "7 May 2023".to_owned()]));
            }
        }
        passages.sort();
        profile.store = None;

        let connection = rusqlite::Connection::open(profile.folder.path().join("resident.db")).unwrap();
        let words = stored_words(&connection, "SELECT rowid, text, neighbours, context FROM message_text ORDER BY rowid");
        prop_assert_eq!(words, expected_message_words(&messages));
        let words = stored_words(&connection, "SELECT rowid, text, tags, context FROM passage_text ORDER BY rowid");
        prop_assert_eq!(words, passages);
        for table in ["message_text", "passage_text"] {
            let sql = format!("INSERT INTO {table} ({table}) VALUES ('integrity-check')");
            prop_assert!(connection.execute(&sql, []).is_ok(), "{} is not sound", table);
        }
        let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        prop_assert_eq!(sound, "ok");
    }

    #[test]
    fn no_expression_makes_the_search_panic(expression in any::<String>()) {
        let profile = Profile::new();
        let ada = profile.agent("Ada");
        profile.say(&ada, Role::User, "hello");
        let result: Result<Vec<LexicalHit>, StoreError> = profile.store().read(|r| {
            r.search_messages_text(&ada, &expression, &MessageFilter::default(), [1.0; 3], 10)
        });
        prop_assert!(matches!(result, Ok(_) | Err(StoreError::BadExpression { .. })), "{:?}", result);
    }
}

#[test]
fn how_many_rows_have_a_word_is_counted_up_to_a_point_and_then_estimated() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    for n in 0..400 {
        let often = if n % 2 == 0 { "often" } else { "else" };
        let seldom = if n % 50 == 0 { "seldom" } else { "" };
        profile.say(&ada, Role::User, &format!("{often} {seldom} word{n}"));
    }
    let estimate =
        |place, word, counted| profile.read(|r| r.estimate_rows_with(TextTable::Messages, place, word, counted));
    assert_eq!(estimate(WordPlace::Text, "seldom", 50), 8);
    assert_eq!(estimate(WordPlace::Text, "often", 1_000), 200);
    assert!((180..=220).contains(&estimate(WordPlace::Text, "often", 50)), "it is in every other row");
    assert_eq!(estimate(WordPlace::Anywhere, "often", 1_000), 400, "it stands beside the others");
    assert_eq!(estimate(WordPlace::Anywhere, "never", 50), 0);
    assert_eq!(estimate(WordPlace::Text, "NEAR(\"", 50), 0, "a word is no operator");
}
