//! Guided turns: the same events, tools and records, with a shorter menu.

use std::time::{Duration, Instant};

use resident_agent::{AgentEvent, Guidance};
use resident_memory::{ArchivalQuery, Sort};
use resident_store::{AgentType, Passage, PassageFilter, Role, TurnStatus};
use serde_json::json;

use crate::scripted::{House, calls, menu, says};

fn house(agent_type: AgentType) -> House {
    let mut house = House::new(agent_type);
    house.model.guidance = Guidance::Full;
    house
}

#[test]
fn a_request_to_remember_is_a_memory_call_and_then_a_reply() {
    let mut house = house(AgentType::LettaV1Agent);
    let append = calls("core_memory_append", json!({ "label": "human", "content": "The user prefers dark mode." }));
    let turn = house.say("Remember I prefer dark mode.", vec![append, says("Noted, dark mode it is.")]);
    assert_eq!(turn.status, TurnStatus::Completed, "{:?}", turn.error);
    assert!(house.block("human").value.ends_with("The user prefers dark mode."));
    let prompts = house.prompts();
    assert_eq!(prompts.len(), 2);
    assert_eq!(menu(&prompts[0]), ["core_memory_append"]);
    assert!(prompts[1].menu.is_empty());
    let steps = house.store().read(|reader| reader.steps_of_turn(&turn.id)).unwrap();
    assert_eq!(steps[0].trace["intent"]["intent"], "remember");
    assert_eq!(steps[0].trace["purpose"], "write");
    assert_eq!(steps[1].trace["purpose"], "speak");
}

#[test]
fn a_question_is_answered_with_what_was_found_beside_it() {
    let mut house = house(AgentType::LettaV1Agent);
    house.say("My sister Marta lives in Bergen.", vec![]);
    house.say("What is the weather like?", vec![]);
    house.events.clear();
    let turn = house.say(
        "Where does my sister Marta live?",
        vec![calls("conversation_search", json!({ "query": "sister Marta" })), says("She lives in Bergen.")],
    );
    assert_eq!(turn.status, TurnStatus::Completed, "{:?}", turn.error);
    assert!(house.events.iter().any(|event| matches!(event, AgentEvent::Searching { .. })));
    let steps = house.store().read(|reader| reader.steps_of_turn(&turn.id)).unwrap();
    let retrieved = steps[0].trace["retrieved"].as_array().expect("what was found is traced");
    assert!(retrieved.iter().any(|hit| hit["text"].as_str().unwrap().contains("Bergen")));
    assert!(retrieved.iter().all(|hit| !hit["reasons"].as_array().unwrap().is_empty()));
}

#[test]
fn a_guided_memgpt_agent_speaks_through_its_tool() {
    let mut house = house(AgentType::MemgptAgent);
    house.say("Hello there!", vec![calls("send_message", json!({ "message": "Hello, Nick." }))]);
    assert_eq!(house.said_by(Role::Assistant), ["Hello, Nick."]);
    let spoken = house.messages().into_iter().find(|message| message.role == Role::Assistant).unwrap();
    assert_eq!(spoken.tool_calls[0].name, "send_message");
}

#[test]
fn a_guided_model_that_fails_at_the_call_loses_no_request() {
    let mut house = house(AgentType::LettaV1Agent);
    let turn = house.say("Remember I prefer dark mode.", (0..12).map(|_| says("Sure!")).collect());
    assert_eq!(turn.status, TurnStatus::Completed);
    let wrote = house.messages().into_iter().any(|message| {
        message.tool_calls.iter().any(|call| call.arguments.to_string().contains("Remember I prefer dark mode."))
    });
    assert!(wrote, "the user's own words were kept");
}

#[test]
fn a_guided_request_finds_another_place_when_the_block_is_full() {
    let mut house = house(AgentType::LettaV1Agent);
    let mut block = house.block("human");
    block.limit_chars = block.value.chars().count();
    house.store().write(|w| w.update_block_meta(&block)).unwrap();
    let append = || calls("core_memory_append", json!({ "label": "human", "content": "The user prefers dark mode." }));
    let turn = house.say("Remember I prefer dark mode.", (0..12).map(|_| append()).collect());
    assert_eq!(turn.status, TurnStatus::Completed, "{:?}", turn.error);
    let filter = PassageFilter { limit: 10, ..PassageFilter::of(&house.agent.id) };
    let (passages, _) = house.store().read(|reader| reader.passages(&filter)).unwrap();
    assert_eq!(passages.len(), 1, "the request is in archival memory");
}

#[test]
fn an_archived_text_is_corrected_and_then_forgotten() {
    let mut house = house(AgentType::LettaV1Agent);
    let save = calls("archival_memory_insert", json!({ "content": "the plumber quoted 1,200." }));
    house.say("Save for later: the plumber quoted 1,200.", vec![save, says("Saved.")]);
    let id = |house: &House| found(house, "plumber").into_iter().next().map(|passage| passage.id);
    let old = id(&house).expect("it is saved");
    let correct = calls(
        "archival_memory_replace",
        json!({ "passage_id": old.as_str(), "new_content": "the plumber quoted 1,500." }),
    );
    let turn = house.say("Correction: the plumber quoted 1,500, not 1,200.", vec![correct, says("Updated.")]);
    assert_eq!(turn.status, TurnStatus::Completed, "{:?}", turn.error);
    let prompt = &house.prompts()[2];
    assert_eq!(menu(prompt), ["archival_memory_replace"]);
    assert_eq!(prompt.menu[0].parameters["properties"]["new_content"]["pattern"], "^(?:the plumber quoted 1,500\\.)$");
    let now = found(&house, "plumber");
    assert_eq!(now.len(), 1, "what was true before is no answer now");
    assert_eq!(now[0].text, "the plumber quoted 1,500.");
    assert_eq!(now[0].provenance.turn_id.as_ref(), Some(&turn.id));
    let before = house.store().read(|reader| reader.passage(&old)).unwrap().unwrap();
    assert_eq!(before.superseded_by.as_ref(), Some(&now[0].id));
    assert!(before.valid_to_ms.is_some());

    let forget = calls("archival_memory_replace", json!({ "passage_id": now[0].id.as_str(), "new_content": "" }));
    house.events.clear();
    let turn = house.say("Forget what the plumber quoted.", vec![forget, says("Forgotten.")]);
    assert_eq!(turn.status, TurnStatus::Completed, "{:?}", turn.error);
    assert!(found(&house, "plumber").is_empty(), "neither price is found");
    let changes = house.events.iter().filter(|event| matches!(event, AgentEvent::Changed(_)));
    assert_eq!(changes.count(), 2, "the text and what it was before went to the bin");
    let answer = calls("conversation_search", json!({ "query": "plumber" }));
    let search = calls("archival_memory_search", json!({ "query": "plumber" }));
    house.say("What did the plumber quote?", vec![answer, search]);
    let pattern = house.last_options().text_pattern.expect("the answer is bound");
    assert!(pattern.contains("I don't have anything about that"), "{pattern}");
}

#[test]
fn what_is_in_the_bin_takes_nothing_back() {
    let mut house = house(AgentType::LettaV1Agent);
    let save = calls("archival_memory_insert", json!({ "content": "The spare key is under the pot." }));
    house.say("Save for later: The spare key is under the pot.", vec![save]);
    let old = found(&house, "key").remove(0);
    let arguments = json!({ "passage_id": old.id.as_str(), "new_content": "The spare key is in the shed." });
    house.say("Correction: the spare key is in the shed.", vec![calls("archival_memory_replace", arguments)]);
    let new = found(&house, "key").remove(0);
    assert_eq!(new.text, "The spare key is in the shed.");
    let now_ms = house.store().now_ms();
    house.store().write(|w| w.set_passage_deleted(&new.id, Some(now_ms))).unwrap();
    assert_eq!(found(&house, "key")[0].text, old.text, "the correction is undone");
    house.store().write(|w| w.set_passage_deleted(&new.id, None)).unwrap();
    assert_eq!(found(&house, "key")[0].text, new.text, "and is in force again");
    assert_eq!(found(&house, "key").len(), 1);
}

#[test]
fn what_is_told_twice_is_kept_once() {
    let mut house = house(AgentType::LettaV1Agent);
    let before = house.block("human").value;
    let turn = house.say("Remember that my name is Nick.", vec![says("I have that in my memory already.")]);
    assert_eq!(turn.status, TurnStatus::Completed, "{:?}", turn.error);
    assert_eq!(house.block("human").value, before);
    let steps = house.store().read(|reader| reader.steps_of_turn(&turn.id)).unwrap();
    assert_eq!(steps.len(), 1, "no second try is made at a write");
    assert_eq!(steps[0].trace["purpose"], "already_known");
}

#[test]
fn a_day_is_resolved_against_the_time_of_the_message() {
    let mut house = house(AgentType::LettaV1Agent);
    house.say("My appointment is next Tuesday.", vec![]);
    let prompt = house.prompts().remove(0);
    let pattern = prompt.menu[0].parameters["properties"]["content"]["pattern"].as_str().unwrap().to_owned();
    // The clock of the house shows 14 November 2023, a Tuesday.
    assert!(pattern.contains("next Tuesday \\(21 November 2023\\)"), "{pattern}");
}

#[test]
fn sixty_turns_pass_before_the_window_is_pressed() {
    let mut house = house(AgentType::LettaV1Agent);
    let long = "My neighbour Ann told me that the roof over the garage has to be mended before the winter comes.";
    let mut pressed = None;
    for turn in 0..80 {
        if turn % 2 == 0 {
            let content = format!("The user's item {turn} is on shelf {turn}.");
            let append = calls("core_memory_append", json!({ "label": "human", "content": content }));
            house.say(&format!("Remember that my item {turn} is on shelf {turn}."), vec![append, says(&content)]);
        } else {
            let search = calls("conversation_search", json!({ "query": "shelf item" }));
            house.say(&format!("Where is my item {}?", turn - 1), vec![search, says(long)]);
        }
        if house.events.iter().any(|event| matches!(event, AgentEvent::Pressure { .. })) {
            pressed = Some(turn);
            break;
        }
    }
    assert!(pressed.is_none_or(|turn| turn >= 60), "pressed after {pressed:?} turns");
    let results = house.messages().into_iter().filter(|message| message.role == Role::Tool);
    assert!(results.clone().any(|result| result.content.contains("Showing 5 results")), "recall keeps all of them");
}

/// The passages that are true now and have this word.
fn found(house: &House, word: &str) -> Vec<Passage> {
    let filter = PassageFilter { limit: 10, ..PassageFilter::of(&house.agent.id) };
    let query = ArchivalQuery { text: word.to_owned(), filter, sort: Sort::Relevance };
    let page = house.memory.search_passages(&house.agent.id, &query).unwrap();
    page.hits.into_iter().map(|hit| hit.passage).collect()
}

#[test]
fn a_message_that_no_window_holds_is_refused_in_words() {
    let mut house = house(AgentType::LettaV1Agent);
    let pasted = "All work and no play. ".repeat(50_000);
    let began = Instant::now();
    let turn = house.say(&pasted, vec![]);
    let took = began.elapsed();
    // Far above what it takes (a tenth of a second, most of it the store's), far below what reading all of it took.
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    assert_eq!(turn.status, TurnStatus::Failed);
    assert!(turn.error.unwrap().contains("tokens"), "it says why");
    assert_eq!(house.say("Never mind.", vec![says("All right.")]).status, TurnStatus::Completed);
}
