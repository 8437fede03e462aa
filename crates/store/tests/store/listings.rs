//! Lists that clients page through: turns, steps, messages and tools.

use proptest::prelude::*;
use resident_store::{
    AgentId, MessageListing, Page, Role, Step, StepId, StepListing, StoreError, ToolDefinition, ToolId, ToolListing,
    ToolType, Turn, TurnId, TurnListing, TurnStatus,
};
use serde_json::json;

use crate::support::{NOW_MS, Profile};

fn turn(agent: &AgentId, status: TurnStatus, options: serde_json::Value) -> Turn {
    Turn {
        id: TurnId::new(),
        agent_id: agent.clone(),
        conversation_id: None,
        message_id: None,
        status,
        stop_reason: (status == TurnStatus::Completed).then(|| "end_turn".to_owned()),
        error: None,
        request_key: None,
        options,
        started_at_ms: NOW_MS,
        ended_at_ms: None,
    }
}

fn tool(name: &str) -> ToolDefinition {
    ToolDefinition {
        id: ToolId::new(),
        name: name.to_owned(),
        description: "Rolls dice.".to_owned(),
        json_schema: json!({ "name": name, "parameters": { "type": "object" } }),
        source_code: Some("def roll(): ...".to_owned()),
        source_type: Some("python".to_owned()),
        tags: vec!["games".to_owned()],
        tool_type: ToolType::Custom,
        default_requires_approval: true,
        return_char_limit: 50_000,
        mcp_server_id: None,
        metadata: json!({ "pip_requirements": [] }),
        created_at_ms: NOW_MS,
        updated_at_ms: NOW_MS,
        deleted_at_ms: None,
    }
}

#[test]
fn a_request_that_comes_again_finds_the_turn_that_it_began() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let asked = |agent: &AgentId, key: &str| Turn {
        request_key: Some(key.to_owned()),
        ..turn(agent, TurnStatus::Completed, json!({ "max_steps": 3 }))
    };
    let (first, second) = (asked(&ada, "otid-1"), asked(&ada, "otid-1"));
    profile.write(|w| {
        w.insert_turn(&first)?;
        w.insert_turn(&asked(&ada, "otid-2"))?;
        w.insert_turn(&second)
    });
    let found = profile.read(|r| r.turn_by_request_key(&ada, "otid-1"));
    assert_eq!(found, Some(second), "the newest, with what it was asked");
    assert_eq!(profile.read(|r| r.turn_by_request_key(&bob, "otid-1")), None);
    assert_eq!(profile.read(|r| r.turn_by_request_key(&ada, "otid-3")), None);
}

#[test]
fn turns_are_listed_by_agent_status_and_background() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let turns = [
        turn(&ada, TurnStatus::Completed, json!({ "background": true })),
        turn(&bob, TurnStatus::Completed, json!({})),
        turn(&ada, TurnStatus::Failed, json!({ "background": false })),
        turn(&ada, TurnStatus::Running, json!({})),
    ];
    profile.write(|w| turns.iter().try_for_each(|turn| w.insert_turn(turn)));
    let check = |listing: TurnListing, expected: &[usize]| {
        let listed = profile.read(|r| r.list_turns(&listing));
        let expected: Vec<_> = expected.iter().map(|index| turns[*index].clone()).collect();
        assert_eq!(listed, expected, "{listing:?}");
    };
    let newest = Page { newest_first: true, ..Page::default() };
    check(TurnListing::default(), &[0, 1, 2, 3]);
    check(TurnListing { agent_ids: vec![ada.clone()], page: newest, ..TurnListing::default() }, &[3, 2, 0]);
    let statuses = vec![TurnStatus::Completed, TurnStatus::Running];
    check(TurnListing { statuses, ..TurnListing::default() }, &[0, 1, 3]);
    check(TurnListing { background: Some(true), ..TurnListing::default() }, &[0]);
    check(TurnListing { background: Some(false), ..TurnListing::default() }, &[1, 2, 3]);
    check(TurnListing { stop_reason: Some("end_turn".to_owned()), ..TurnListing::default() }, &[0, 1]);
    let unknown = Page { newer_than: Some("run-nowhere".to_owned()), ..Page::default() };
    check(TurnListing { page: unknown, ..TurnListing::default() }, &[]);
}

#[test]
fn steps_are_listed_over_all_agents() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let turns = [ada, bob].map(|agent| turn(&agent, TurnStatus::Completed, json!({})));
    let steps: Vec<_> = [(0, "local/base"), (1, "local/base"), (0, "remote/large")]
        .into_iter()
        .zip(1..)
        .map(|((owner, model), number)| Step {
            id: StepId::new(),
            turn_id: turns[owner].id.clone(),
            agent_id: turns[owner].agent_id.clone(),
            number,
            model: model.to_owned(),
            prompt_tokens: 1,
            cached_tokens: 0,
            completion_tokens: 1,
            duration_ms: 1,
            trace: json!({}),
            started_at_ms: NOW_MS + number,
        })
        .collect();
    profile.write(|w| {
        turns.iter().try_for_each(|turn| w.insert_turn(turn))?;
        steps.iter().try_for_each(|step| w.insert_step(step))
    });
    assert_eq!(profile.read(|r| r.step(&steps[1].id)), Some(steps[1].clone()));
    assert_eq!(profile.read(|r| r.list_steps(&StepListing::default())), steps);
    let of_model = StepListing { model: Some("local/base".to_owned()), ..StepListing::default() };
    assert_eq!(profile.read(|r| r.list_steps(&of_model)), steps[..2]);
    let later = StepListing { from_ms: Some(NOW_MS + 2), to_ms: Some(NOW_MS + 3), ..StepListing::default() };
    assert_eq!(profile.read(|r| r.list_steps(&later)), steps[1..2]);
}

#[test]
fn messages_are_listed_over_all_agents_but_those_in_the_bin() {
    let profile = Profile::new();
    let (ada, bob, cid) = (profile.agent("Ada"), profile.agent("Bob"), profile.agent("Cid"));
    for (agent, role, text) in [
        (&ada, Role::User, "one"),
        (&bob, Role::Assistant, "two"),
        (&cid, Role::User, "three"),
        (&ada, Role::Tool, "four"),
        (&bob, Role::User, "five"),
    ] {
        profile.say(agent, role, text);
    }
    profile.write(|w| w.set_agent_deleted(&cid, Some(NOW_MS)));
    let texts = |listing: MessageListing| -> Vec<String> {
        profile.read(|r| r.list_messages(&listing)).into_iter().map(|message| message.content).collect()
    };
    assert_eq!(texts(MessageListing::default()), ["one", "two", "four", "five"]);
    let spoken = vec![Role::User, Role::Assistant];
    assert_eq!(texts(MessageListing { roles: spoken, ..MessageListing::default() }), ["one", "two", "five"]);
    let newest = Page { newest_first: true, limit: 1, ..Page::default() };
    assert_eq!(texts(MessageListing { agent_id: Some(ada), page: newest, ..MessageListing::default() }), ["four"]);
}

#[test]
fn the_name_of_a_tool_is_unique_outside_the_bin() {
    let mut profile = Profile::new();
    let (mut dice, other) = (tool("roll_dice"), tool("roll_dice"));
    profile.write(|w| w.insert_tool(&dice));
    let refused = profile.store().write(|w| w.insert_tool(&other));
    assert!(matches!(refused, Err(StoreError::Duplicate { .. })), "{refused:?}");
    dice.description = "Rolls two dice.".to_owned();
    profile.write(|w| w.update_tool(&dice));
    profile.reopen().unwrap();
    assert_eq!(profile.read(|r| r.tool_by_name("roll_dice")), Some(dice.clone()));

    profile.write(|w| w.set_tool_deleted(&dice.id, Some(NOW_MS)));
    profile.write(|w| w.insert_tool(&other));
    let back = profile.store().write(|w| w.set_tool_deleted(&dice.id, None));
    assert!(matches!(back, Err(StoreError::Duplicate { .. })), "{back:?}");
    assert_eq!(profile.read(|r| r.list_tools(&ToolListing::default())), [other]);
    assert!(profile.read(|r| r.tool(&dice.id)).is_some_and(|tool| tool.deleted_at_ms.is_some()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whoever goes on after (or before) the last item of each page sees everything once, in order, and comes to an end.
    #[test]
    fn pages_cover_a_list_exactly_once(count in 0_usize..20, limit in 1_usize..7, newest_first: bool, backwards: bool) {
        let profile = Profile::new();
        let ada = profile.agent("Ada");
        let mut all: Vec<_> = (0..count).map(|number| profile.say(&ada, Role::User, &number.to_string())).collect();
        if newest_first {
            all.reverse();
        }
        let mut seen: Vec<_> = Vec::new();
        let mut page = Page { newest_first, limit, ..Page::default() };
        if backwards && let Some(last) = all.pop() {
            seen.push(last.clone());
            let bound = if newest_first { &mut page.newer_than } else { &mut page.older_than };
            *bound = Some(last.id.0);
        }
        loop {
            let listing = MessageListing { agent_id: Some(ada.clone()), page: page.clone(), ..MessageListing::default() };
            let part = profile.read(|r| r.list_messages(&listing));
            prop_assert!(part.len() <= limit);
            let next = if backwards { part.first() } else { part.last() };
            let Some(next) = next.map(|message| message.id.0.clone()) else { break };
            let bound = if backwards == newest_first { &mut page.newer_than } else { &mut page.older_than };
            *bound = Some(next);
            if backwards {
                seen.splice(0..0, part);
            } else {
                seen.extend(part);
            }
        }
        if backwards && count > 0 {
            all.push(seen.last().cloned().unwrap());
        }
        prop_assert_eq!(seen, all);
    }
}
