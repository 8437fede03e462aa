//! Calls that wait for the user's word.

use resident_agent::{AgentError, Decision, begin_turn, decide_approval};
use resident_store::{AgentType, Role, ToolStatus, TurnStatus};
use serde_json::json;

use crate::scripted::{House, calls_all, says};

/// A turn that waits with a call of `core_memory_append`, and one of `conversation_search` behind it.
fn waiting() -> (House, resident_store::Turn) {
    let mut house = House::with(AgentType::LettaV1Agent, |agent| {
        agent.tool_rules = json!([{ "type": "requires_approval", "tool_name": "core_memory_append" }]);
    });
    let wishes = calls_all(&[
        ("core_memory_append", json!({ "label": "human", "content": "Likes tea." })),
        ("conversation_search", json!({ "query": "tea" })),
    ]);
    let turn = house.say("I like tea.", vec![wishes]);
    (house, turn)
}

#[test]
fn the_turn_ends_with_the_call_recorded_and_not_run() {
    let (house, turn) = waiting();
    assert_eq!(turn.stop_reason.as_deref(), Some("requires_approval"));
    let last = house.messages().pop().unwrap();
    assert_eq!((last.role, last.tool_calls.len()), (Role::Assistant, 2));
    assert_eq!(house.block("human").value, "The user's name is Nick.");
}

#[test]
fn an_approved_call_runs_and_the_turn_goes_on() {
    let (mut house, turn) = waiting();
    let turn = decide_approval(house.store(), &turn.id, &Decision::Approve).unwrap();
    assert_eq!(turn.status, TurnStatus::Running);
    let turn = house.run(&turn, vec![says("Noted.")]);
    assert_eq!((turn.status, turn.stop_reason.as_deref()), (TurnStatus::Completed, Some("end_turn")));
    assert!(house.block("human").value.ends_with("Likes tea."));
    let results: Vec<_> = house.messages().into_iter().filter(|message| message.role == Role::Tool).collect();
    assert_eq!(results.len(), 2, "the call behind it ran too");
    assert!(matches!(decide_approval(house.store(), &turn.id, &Decision::Approve), Err(AgentError::NotPending(_))));
}

#[test]
fn a_denied_call_is_a_result_that_the_agent_reads() {
    let (mut house, turn) = waiting();
    let deny = Decision::Deny { reason: Some("Not yet.".to_owned()) };
    let turn = decide_approval(house.store(), &turn.id, &deny).unwrap();
    house.run(&turn, vec![says("Then not.")]);
    assert_eq!(house.block("human").value, "The user's name is Nick.");
    let denied = house.messages().into_iter().find(|message| message.role == Role::Tool).unwrap();
    assert_eq!(denied.tool_status, Some(ToolStatus::Failed));
    assert_eq!(denied.content, "The user did not allow this call: Not yet.");
    assert_eq!(house.said_by(Role::Assistant).last().unwrap(), "Then not.");
}

#[test]
fn a_user_who_goes_on_leaves_the_call_unrun() {
    let (mut house, turn) = waiting();
    house.say("Never mind.", vec![says("All right.")]);
    assert!(matches!(decide_approval(house.store(), &turn.id, &Decision::Approve), Err(AgentError::NotPending(_))));
    let prompt = house.last_prompt();
    let unanswered = prompt.messages.iter().find(|message| message.role == Role::Tool).unwrap();
    assert!(unanswered.content.contains("did not run"), "every call has a result in the prompt: {unanswered:?}");
    assert!(begin_turn(house.store(), &house.agent.id, "x").is_ok());
}
