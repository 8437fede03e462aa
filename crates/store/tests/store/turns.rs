//! Turns, steps and summaries.

use resident_store::{
    AgentId, NewMessage, Role, Step, StepId, StoreError, Summary, SummaryId, SummaryKind, Turn, TurnId, TurnStatus,
};

use crate::support::{NOW_MS, Profile, message};

fn turn(agent: &AgentId, status: TurnStatus) -> Turn {
    Turn {
        id: TurnId::new(),
        agent_id: agent.clone(),
        conversation_id: None,
        message_id: None,
        status,
        stop_reason: None,
        error: None,
        request_key: None,
        options: serde_json::json!({}),
        started_at_ms: NOW_MS,
        ended_at_ms: None,
    }
}

fn step(turn: &Turn, number: i64) -> Step {
    Step {
        id: StepId::new(),
        turn_id: turn.id.clone(),
        agent_id: turn.agent_id.clone(),
        number,
        model: "local/tiny".to_owned(),
        prompt_tokens: 100,
        cached_tokens: 90,
        completion_tokens: 5,
        duration_ms: 12,
        trace: serde_json::json!({"intent": "remember"}),
        started_at_ms: NOW_MS,
    }
}

#[test]
fn what_was_said_in_a_turn_that_runs_is_not_told_yet() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let mut running = turn(&ada, TurnStatus::Running);
    let said = |turn: &Turn, content: &str| NewMessage {
        turn_id: Some(turn.id.clone()),
        ..message(&ada, Role::User, content)
    };
    let over = turn(&ada, TurnStatus::Completed);
    let contents = |profile: &Profile| -> Vec<String> {
        profile.read(|r| r.spoken_since(&ada, 0)).into_iter().map(|message| message.content).collect()
    };
    profile.write(|w| w.insert_turn(&over).and_then(|()| w.insert_turn(&running)));
    profile.write(|w| w.append_message(&said(&over, "Hello.")));
    profile.write(|w| w.append_message(&said(&running, "I moved to Oslo.")));
    assert_eq!(contents(&profile), ["Hello."]);
    assert_eq!(profile.read(|r| r.count_turns_since(&ada, 0)), 1);

    running.status = TurnStatus::Completed;
    profile.write(|w| w.update_turn(&running));
    assert_eq!(contents(&profile), ["Hello.", "I moved to Oslo."]);
    assert_eq!(profile.read(|r| r.count_turns_since(&ada, 0)), 2);
}

#[test]
fn a_running_turn_is_marked_as_interrupted() {
    let mut profile = Profile::new();
    let ada = profile.agent("Ada");
    let mut done = turn(&ada, TurnStatus::Completed);
    let running = turn(&ada, TurnStatus::Running);
    profile.write(|w| w.insert_turn(&done).and_then(|()| w.insert_turn(&running)));
    done.stop_reason = Some("end_turn".to_owned());
    profile.write(|w| w.update_turn(&done));
    profile.reopen().unwrap();

    assert_eq!(profile.write(|w| w.mark_interrupted(NOW_MS + 9)), vec![running.id.clone()]);
    assert_eq!(profile.write(|w| w.mark_interrupted(NOW_MS + 10)), []);
    let latest = profile.read(|r| r.latest_turn(&ada)).unwrap();
    assert_eq!((latest.status, latest.ended_at_ms), (TurnStatus::Interrupted, Some(NOW_MS + 9)));
    assert_eq!(profile.read(|r| r.turn(&done.id)), Some(done.clone()));
    assert_eq!(profile.read(|r| r.turns(&[latest.id.clone(), TurnId::new(), done.id.clone()])), [latest, done]);
    let unknown = profile.store().write(|w| w.update_turn(&turn(&ada, TurnStatus::Failed)));
    assert!(matches!(unknown, Err(StoreError::NotFound { what: "turn", .. })), "{unknown:?}");
}

#[test]
fn steps_are_told_by_turn_and_by_agent() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let (first, second) = (turn(&ada, TurnStatus::Completed), turn(&ada, TurnStatus::Running));
    let steps = [step(&first, 0), step(&first, 1), step(&second, 0)];
    let orphan = profile.store().write(|w| w.insert_step(&steps[0]));
    assert!(matches!(orphan, Err(StoreError::NotFound { what: "turn", .. })), "{orphan:?}");
    profile.write(|w| {
        w.insert_turn(&first)?;
        w.insert_turn(&second)?;
        steps.iter().try_for_each(|step| w.insert_step(step))
    });
    assert_eq!(profile.read(|r| r.steps_of_turn(&first.id)), steps[..2]);
    assert_eq!(profile.read(|r| r.latest_steps(&ada, 2)), [steps[2].clone(), steps[1].clone()]);
}

#[test]
fn the_newest_summary_counts() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let summary = |text: &str| Summary {
        id: SummaryId::new(),
        agent_id: ada.clone(),
        conversation_id: None,
        text: text.to_owned(),
        kind: SummaryKind::Extractive,
        window_start_seq: 12,
        evicted_messages: 8,
        created_at_ms: NOW_MS,
    };
    let (old, new) = (summary("old"), summary("new"));
    profile.write(|w| w.insert_summary(&old).and_then(|()| w.insert_summary(&new)));
    assert_eq!(profile.read(|r| r.latest_summary(&ada)), Some(new));
    assert_eq!(profile.read(|r| r.latest_summary(&bob)), None);
}
