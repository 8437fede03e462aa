//! An explicit request to remember, correct or forget is never lost.

use resident_store::{AgentType, PassageFilter, Role, TurnStatus};
use serde_json::json;

use crate::scripted::{House, calls, malformed, menu, says};
use resident_agent::ToolChoice;

#[test]
fn a_model_that_only_promises_is_held_to_it() {
    for agent_type in [AgentType::LettaV1Agent, AgentType::MemgptAgent] {
        let mut house = House::new(agent_type);
        let promise = match agent_type {
            AgentType::LettaV1Agent => says("I will remember that."),
            AgentType::MemgptAgent => calls("send_message", json!({ "message": "I will remember that." })),
        };
        let append = calls("core_memory_append", json!({ "label": "human", "content": "Prefers dark mode." }));
        let turn = house.say("Remember that I prefer dark mode.", vec![promise, append]);
        assert_eq!(turn.status, TurnStatus::Completed);
        assert!(house.block("human").value.ends_with("Prefers dark mode."));
        let prompt = house.last_prompt();
        assert_eq!(prompt.tool_choice, ToolChoice::Required);
        assert_eq!(menu(&prompt), ["core_memory_append", "archival_memory_insert"]);
        assert_eq!(house.prompts().len(), 2, "the promise was said already; nothing more needs to be");
    }
}

#[test]
fn a_write_that_was_made_needs_no_reminder() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let append = calls("core_memory_append", json!({ "label": "human", "content": "Prefers dark mode." }));
    house.say("Remember that I prefer dark mode.", vec![append, says("Noted.")]);
    assert_eq!(house.prompts().len(), 2);
    assert!(house.said_by(Role::System).is_empty());
}

#[test]
fn the_users_own_words_are_kept_where_the_model_fails() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let wrong = || calls("core_memory_append", json!({ "label": "nobody", "content": "x" }));
    house.say("Remember that I prefer dark mode.", vec![says("Sure."), wrong(), wrong()]);
    let filter = PassageFilter { limit: 10, ..PassageFilter::of(&house.agent.id) };
    let (passages, _) = house.store().read(|reader| reader.passages(&filter)).unwrap();
    assert_eq!(passages[0].text, "Remember that I prefer dark mode.");
}

#[test]
fn a_model_that_cannot_call_tools_loses_nothing_either() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let script = (0..3).map(|_| malformed("core_memory_append")).chain([says("Noted.")]).collect();
    let turn = house.say("Remember that I prefer dark mode.", script);
    assert_eq!(turn.status, TurnStatus::Completed);
    let filter = PassageFilter { limit: 10, ..PassageFilter::of(&house.agent.id) };
    let (passages, _) = house.store().read(|reader| reader.passages(&filter)).unwrap();
    assert_eq!(passages.len(), 1);
}

#[test]
fn a_request_to_forget_forces_a_tool_that_removes() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let remove = calls(
        "core_memory_replace",
        json!({ "label": "human", "old_content": "The user's name is Nick.", "new_content": "" }),
    );
    house.say("Forget my name.", vec![says("Forgotten."), remove]);
    assert_eq!(menu(&house.last_prompt()), ["core_memory_replace", "archival_memory_replace"]);
    assert_eq!(house.block("human").value, "");
}

#[test]
fn the_step_beyond_the_limit_is_taken() {
    let mut house = House::new(AgentType::LettaV1Agent);
    house.settings.max_steps = 1;
    let search = calls("conversation_search", json!({ "query": "mode" }));
    let append = calls("core_memory_append", json!({ "label": "human", "content": "Prefers dark mode." }));
    let turn = house.say("Remember that I prefer dark mode.", vec![search, append]);
    assert_eq!(turn.stop_reason.as_deref(), Some("max_steps"));
    assert!(house.block("human").value.ends_with("Prefers dark mode."));
}
