//! Finding messages.

use resident_memory::RecallQuery;
use resident_store::{Role, TurnId};

use crate::support::{DAY, NOW, World, reasons, said};

#[test]
fn a_message_is_found_by_its_words_and_comes_with_its_neighbours() {
    let world = World::new();
    world.say(Role::User, "Good morning!");
    world.say(Role::User, "I prefer dark mode in all my editors.");
    world.say(Role::Assistant, "Noted.");
    world.say(Role::User, "What is the weather like?");
    let hits = world.recall("do you remember which mode I prefer?");
    assert_eq!(hits[0].message.content, "I prefer dark mode in all my editors.");
    assert_eq!(reasons(&hits[0].reasons), ["has the words: mode, prefer"]);
    assert_eq!(hits[0].before[0].content, "Good morning!");
    assert_eq!(hits[0].after[0].content, "Noted.");
}

#[test]
fn an_answer_is_found_by_the_words_of_its_question() {
    let world = World::new();
    world.say(Role::Assistant, "What is the name of your sister?");
    world.say(Role::User, "Matilda, as far as I know.");
    for n in 0..10 {
        world.say(Role::User, &format!("Something else entirely, part {n}."));
    }
    let hits = world.recall("sister's name");
    let answer = hits.iter().find(|hit| hit.message.content.starts_with("Matilda")).unwrap();
    assert_eq!(reasons(&answer.reasons), ["the message beside it has the words: name, sister"]);
    assert!(hits[0].message.content.contains("sister"), "the words themselves rank higher");
}

#[test]
fn the_turn_that_searches_does_not_find_itself() {
    let world = World::new();
    let turn = TurnId::new();
    world.say(Role::User, "My passport is in the blue drawer.");
    let begun = resident_store::Turn {
        id: turn.clone(),
        agent_id: world.agent.clone(),
        conversation_id: None,
        message_id: None,
        status: resident_store::TurnStatus::Running,
        stop_reason: None,
        error: None,
        request_key: None,
        options: serde_json::json!({}),
        started_at_ms: NOW,
        ended_at_ms: None,
    };
    world.memory.store().write(|w| w.insert_turn(&begun)).unwrap();
    world.say_at(Role::User, "Where is my passport?", NOW, Some(turn.clone()));
    let query =
        RecallQuery { text: "passport".to_owned(), limit: 5, exclude_turn: Some(turn), ..RecallQuery::default() };
    let hits = world.memory.search_messages(&world.agent, &query).unwrap();
    assert_eq!(said(&hits), ["My passport is in the blue drawer."]);
    assert!(hits[0].after.is_empty(), "neither as a neighbour");
    let newest = world.memory.search_messages(&world.agent, &RecallQuery { text: String::new(), ..query }).unwrap();
    assert_eq!(said(&newest), ["My passport is in the blue drawer."]);
}

#[test]
fn roles_and_dates_narrow_and_nothing_asked_is_the_newest() {
    let world = World::new();
    for day in 0..6 {
        world.say_at(Role::User, &format!("tea on day {day}"), NOW + day * DAY, None);
        world.say_at(Role::Assistant, &format!("tea noted on day {day}"), NOW + day * DAY, None);
    }
    world.say(Role::System, "tea alert");
    world.say(Role::Tool, "tea result");
    let find = |text: &str, roles: &[Role], from_day: i64, to_day: i64| {
        let query = RecallQuery {
            text: text.to_owned(),
            roles: roles.to_vec(),
            from_ms: Some(NOW + from_day * DAY),
            to_ms: Some(NOW + to_day * DAY),
            conversation_id: None,
            limit: 3,
            exclude_turn: None,
        };
        said(&world.memory.search_messages(&world.agent, &query).unwrap()).join("; ")
    };
    assert_eq!(find("", &[], 0, 9), "tea noted on day 5; tea on day 5; tea noted on day 4");
    assert_eq!(find("", &[Role::User], 1, 3), "tea on day 2; tea on day 1");
    assert_eq!(find("tea", &[Role::User], 1, 3), "tea on day 2; tea on day 1");
    assert_eq!(find("?!", &[Role::Assistant], 0, 1), "tea noted on day 0");
    assert_eq!(find("tea", &[], 7, 9), "");
}

#[test]
fn a_named_date_is_preferred_and_not_required() {
    let world = World::new();
    world.say_at(Role::User, "We talked about the budget for the kitchen", NOW - 10 * DAY, None);
    for n in 0..150 {
        world.say_at(Role::User, &format!("The budget, budget, budget number {n}"), NOW - 5 * DAY, None);
    }
    world.say_at(Role::User, "A word about the budget of the club", NOW - DAY, None);
    let hits = world.recall("what about the budget yesterday?");
    assert_eq!(hits[0].message.content, "A word about the budget of the club");
    assert!(reasons(&hits[0].reasons).contains(&"from the time or speaker that was asked for".to_owned()));
    assert_eq!(hits.len(), 5, "others are found too");
    assert!(said(&world.recall("the kitchen yesterday"))[0].contains("kitchen"));
}

#[test]
fn nothing_that_a_person_types_is_an_error() {
    let world = World::new();
    world.say(Role::User, "hello there");
    let pasted = "hello ".repeat(200_000);
    for text in
        ["\"", "a\"b", "NEAR(", "*", "col:x", "-x", "^", "AND OR NOT", "\0", "日本語", "🦀", "{}", pasted.as_str()]
    {
        world.recall(text);
    }
}

#[test]
fn odd_queries_find_what_they_name() {
    let world = World::new();
    world.say(Role::User, "We saw The Who in Leeds and slept in York.");
    world.say(Role::User, "Мой поезд отходит в семь утра.");
    world.say(Role::User, "\u{6771}\u{4eac}\u{30bf}\u{30ef}\u{30fc} is where we met.");
    world.say(Role::User, "Login is NEAR(five) OR NOT \"six\"*.");
    let pasted = (0..10_000).map(|n| format!("word{n} ")).collect::<String>();
    let long = format!("Leeds {pasted}");
    for (query, found) in [
        ("the", "We saw The Who in Leeds and slept in York."),
        ("когда отходит поезд?", "Мой поезд отходит в семь утра."),
        ("\u{6771}\u{4eac}\u{30bf}\u{30ef}\u{30fc}", "\u{6771}\u{4eac}\u{30bf}\u{30ef}\u{30fc} is where we met."),
        ("NEAR(\"login\" \"six\") AND text:x^2 OR -NOT*", "Login is NEAR(five) OR NOT \"six\"*."),
        (long.as_str(), "We saw The Who in Leeds and slept in York."),
    ] {
        let hits = world.recall(query);
        assert_eq!(said(&hits).first(), Some(&found), "{}", &query[..query.floor_char_boundary(60)]);
    }
}

#[test]
fn what_changed_since_comes_after_what_is_true_now() {
    let world = World::new();
    world.say_at(Role::User, "My budget for the kitchen is 400 euros.", NOW - 30 * DAY, None);
    for day in 3..20 {
        world.say_at(Role::User, &format!("Nothing new on day {day}, the weather was fine."), NOW - day * DAY, None);
    }
    world.say_at(Role::User, "My budget for the kitchen is 500 euros.", NOW - 2 * DAY, None);
    for question in ["What is my budget for the kitchen now?", "What's my kitchen budget?"] {
        assert!(said(&world.recall(question))[0].contains("500"), "{question}");
    }
    assert_eq!(said(&world.recall("What was my budget for the kitchen?"))[..2].len(), 2, "both are known");
}

#[test]
fn a_fact_at_the_end_of_a_page_is_found() {
    let world = World::new();
    let page = "Some advice touches on gardens, on letters and on the sea in general. ".repeat(60);
    world.say(Role::Assistant, &format!("{page} The hotel that I recommend is the Heron."));
    for n in 0..5 {
        world.say(Role::Assistant, &format!("{page} That is all for answer {n}."));
    }
    world.say(Role::User, "Thanks!");
    assert!(said(&world.recall("Which hotel did you recommend?"))[0].ends_with("the Heron."));
}
