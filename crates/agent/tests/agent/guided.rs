//! Guided turns: the same events, tools and records, with a shorter menu.

use resident_agent::{AgentEvent, Guidance};
use resident_store::{AgentType, PassageFilter, Role, TurnStatus};
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
fn a_message_that_no_window_holds_is_refused_in_words() {
    let mut house = house(AgentType::LettaV1Agent);
    let turn = house.say(&"All work and no play. ".repeat(50_000), vec![]);
    assert_eq!(turn.status, TurnStatus::Failed);
    assert!(turn.error.unwrap().contains("tokens"), "it says why");
    assert_eq!(house.say("Never mind.", vec![says("All right.")]).status, TurnStatus::Completed);
}
