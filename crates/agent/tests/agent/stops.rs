//! What stops a turn: the user, a model that fails, calls that do not parse, rules, limits, messages that are too long.

use resident_agent::{AgentError, ModelError, Progress, ToolChoice, begin_turn, check_length};
use resident_store::{AgentType, Role, ToolStatus, TurnStatus};
use serde_json::json;

use crate::scripted::{House, Line, calls, calls_all, malformed, menu, says};

#[test]
fn a_stopped_answer_is_kept_as_far_as_it_came() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let turn = house.say(
        "Tell me a story.",
        vec![Line::IsStopped(vec![
            Progress::Reading { tokens: 1, of: 2 },
            Progress::Text("Once upon".to_owned()),
            Progress::Text(" a time".to_owned()),
        ])],
    );
    assert_eq!((turn.status, turn.stop_reason.as_deref()), (TurnStatus::Cancelled, Some("cancelled")));
    assert_eq!(house.said_by(Role::Assistant), ["Once upon a time"]);
    house.say("Go on.", vec![says("there was a fox.")]);
    assert_eq!(house.last_prompt().messages[1].content, "Once upon a time");
}

#[test]
fn a_stop_before_the_first_word_records_nothing() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let turn = house.say("Tell me a story.", vec![Line::IsStopped(vec![])]);
    assert_eq!(turn.status, TurnStatus::Cancelled);
    assert!(house.said_by(Role::Assistant).is_empty());
}

#[test]
fn a_stop_at_any_moment_leaves_everything_in_order() {
    let script = || {
        vec![
            calls_all(&[
                ("core_memory_append", json!({ "label": "human", "content": "Likes tea." })),
                ("archival_memory_insert", json!({ "content": "Tea." })),
            ]),
            calls("conversation_search", json!({ "query": "tea" })),
            says("Noted."),
        ]
    };
    let mut stopped = 0;
    for stop_after in 1..16 {
        let mut house = House::new(AgentType::LettaV1Agent);
        let (turn, _) = begin_turn(house.store(), &house.agent.id, "I like tea.").unwrap();
        let turn = house.run_until(&turn, script(), stop_after).unwrap();
        stopped += usize::from(turn.status == TurnStatus::Cancelled);
        let written = house.block("human").value.ends_with("Likes tea.");
        let told = house.messages().iter().any(|message| message.name.as_deref() == Some("core_memory_append"));
        assert_eq!(written, told, "memory and conversation agree after {stop_after} events");
        let next = house.say("Go on.", vec![says("Here I am.")]);
        assert_eq!(next.status, TurnStatus::Completed, "the agent can be talked to after {stop_after} events");
        let prompt = house.last_prompt();
        let asked: Vec<_> = prompt.messages.iter().flat_map(|message| &message.tool_calls).collect();
        let answered: Vec<_> = prompt.messages.iter().filter_map(|message| message.tool_call_id.as_ref()).collect();
        assert_eq!(asked.iter().map(|call| &call.id).collect::<Vec<_>>(), answered, "every call has a result");
    }
    assert!(stopped > 8, "the stops came in time: {stopped}");
}

#[test]
fn a_model_that_fails_ends_the_turn_and_loses_nothing() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let append = calls("core_memory_append", json!({ "label": "human", "content": "Likes tea." }));
    let down = ModelError::Unreachable { host: "example.test".to_owned(), message: "timed out".to_owned() };
    let turn = house.say("I like tea.", vec![append, Line::Fails(down)]);
    assert_eq!(turn.status, TurnStatus::Failed);
    insta::assert_snapshot!(turn.error.clone().unwrap(), @"example.test did not answer: timed out");
    assert!(house.block("human").value.ends_with("Likes tea."));
    assert_eq!(house.said_by(Role::User), ["I like tea."]);
    let (again, _) = resident_agent::begin_retry(house.store(), &turn.id).unwrap();
    assert_eq!(house.run(&again, vec![says("Noted.")]).status, TurnStatus::Completed);
}

#[test]
fn calls_that_do_not_parse_are_answered_and_then_tools_are_taken_away() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let script = (0..3).map(|_| malformed("core_memory_append")).chain([says("I could not.")]).collect();
    let turn = house.say("I like tea.", script);
    assert_eq!(turn.status, TurnStatus::Completed);
    let results: Vec<_> = house.messages().into_iter().filter(|message| message.role == Role::Tool).collect();
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|result| result.tool_status == Some(ToolStatus::Failed)));
    assert!(results[0].content.contains("the text ends in the middle of a value"));
    let choices: Vec<_> = house.prompts().iter().map(|prompt| prompt.tool_choice).collect();
    assert_eq!(choices, [ToolChoice::Auto, ToolChoice::Auto, ToolChoice::Auto, ToolChoice::None]);
}

#[test]
fn the_menu_follows_the_rules_step_by_step() {
    let mut house = House::with(AgentType::LettaV1Agent, |agent| {
        agent.tool_rules = json!([
            { "type": "run_first", "tool_name": "conversation_search" },
            { "type": "constrain_child_tools", "tool_name": "conversation_search", "children": ["core_memory_append"] },
            { "type": "max_count_per_step", "tool_name": "core_memory_append", "max_count_limit": 1 },
            { "type": "exit_loop", "tool_name": "archival_memory_insert" },
        ]);
    });
    let search = calls("conversation_search", json!({ "query": "tea" }));
    let append = || calls("core_memory_append", json!({ "label": "human", "content": "Likes tea." }));
    let save = calls("archival_memory_insert", json!({ "content": "Tea." }));
    let turn = house.say("I like tea.", vec![search, append(), append(), save]);
    assert_eq!(turn.stop_reason.as_deref(), Some("tool_rule"));
    let prompts = house.prompts();
    assert_eq!(menu(&prompts[0]), ["conversation_search"]);
    assert_eq!(menu(&prompts[1]), ["core_memory_append"]);
    assert_eq!((prompts[0].tool_choice, prompts[1].tool_choice), (ToolChoice::Required, ToolChoice::Required));
    assert!(!menu(&prompts[2]).contains(&"core_memory_append".to_owned()));
    let refused = house.messages().into_iter().find(|m| m.tool_status == Some(ToolStatus::Failed)).unwrap();
    assert!(refused.content.starts_with("core_memory_append cannot be called now, because a tool rule forbids it."));
    assert_eq!(house.block("human").value.matches("Likes tea.").count(), 1);
}

#[test]
fn what_a_rule_requires_comes_before_the_end() {
    let mut house = House::with(AgentType::LettaV1Agent, |agent| {
        agent.tool_rules = json!([{ "type": "required_before_exit", "tool_name": "archival_memory_insert" }]);
    });
    let save = calls("archival_memory_insert", json!({ "content": "Tea." }));
    let turn = house.say("I like tea.", vec![says("Good."), save, says("Saved, too.")]);
    assert_eq!(turn.status, TurnStatus::Completed);
    assert_eq!(menu(&house.prompts()[1]), ["archival_memory_insert"]);
    assert_eq!(
        house.said_by(Role::System),
        ["The turn cannot end before these tools were called: archival_memory_insert."]
    );
}

#[test]
fn a_conditional_rule_reads_the_result() {
    let mut house = House::with(AgentType::MemgptAgent, |agent| {
        agent.tool_rules = json!([{
            "type": "conditional", "tool_name": "archival_memory_insert",
            "child_output_mapping": { "Saved to archival memory.": "send_message" },
        }]);
    });
    let save = calls("archival_memory_insert", json!({ "content": "Tea." }));
    house.say("I like tea.", vec![save, calls("send_message", json!({ "message": "Saved." }))]);
    assert_eq!(menu(&house.last_prompt()), ["send_message"]);
    assert_eq!(house.said_by(Role::Assistant).last().unwrap(), "Saved.");
}

#[test]
fn the_step_limit_ends_a_turn_that_would_not() {
    let mut house = House::new(AgentType::LettaV1Agent);
    house.settings.max_steps = 4;
    let script = (0..9).map(|_| calls("conversation_search", json!({ "query": "tea" }))).collect();
    let turn = house.say("Look for tea.", script);
    assert_eq!((turn.status, turn.stop_reason.as_deref()), (TurnStatus::Completed, Some("max_steps")));
    assert_eq!(house.prompts().len(), 4);
}

#[test]
fn a_message_larger_than_the_window_is_refused_and_the_agent_lives_on() {
    let mut house = House::new(AgentType::LettaV1Agent);
    house.say("Hello!", vec![says("Hello.")]);
    let pasted = "All work and no play. ".repeat(50_000);
    assert!(pasted.len() > 1_000_000);
    let refused = check_length(&house.context(), &house.agent, &pasted);
    assert!(matches!(refused, Err(AgentError::TooLong { .. })));
    let turn = house.say(&pasted, vec![]);
    assert_eq!(turn.status, TurnStatus::Failed);
    assert!(turn.error.as_deref().unwrap().contains("tokens; the context window has room for"));
    assert_eq!(house.said_by(Role::User).last().unwrap().len(), pasted.len(), "what was pasted is kept");
    assert_eq!(house.prompts().len(), 1, "the model was not called with it");
    let turn = house.say("Never mind. How are you?", vec![says("Well!")]);
    assert_eq!(turn.status, TurnStatus::Completed);
    assert!(house.last_prompt().messages.len() <= 2, "the paste was evicted");
}

#[test]
fn an_endpoint_that_says_the_prompt_is_too_long_gets_a_shorter_one() {
    let mut house = House::new(AgentType::LettaV1Agent);
    for number in 0..6 {
        house.say(&format!("Message {number}: {}", "words ".repeat(100)), vec![says("Yes.")]);
    }
    let overflow = ModelError::Refused {
        host: "example.test".to_owned(),
        status: 400,
        message: "This model's maximum context length is 4096 tokens.".to_owned(),
    };
    let turn = house.say("And now?", vec![Line::Fails(overflow), says("Now it fits.")]);
    assert_eq!(turn.status, TurnStatus::Completed, "{:?}", turn.error);
    let prompts = house.prompts();
    assert!(prompts[prompts.len() - 1].messages.len() < prompts[prompts.len() - 2].messages.len());
}
