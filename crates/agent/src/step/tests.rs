//! The machine alone: no model, no store. Each test plays a driver that answers effects with events.

use proptest::prelude::*;
use resident_store::{AgentType, ToolCall, ToolStatus, TurnId, TurnStatus};
use serde_json::{Value, json};

use super::*;
use crate::guidance::MemoryRequest;
use crate::model::{Finish, MalformedCall};
use crate::rules::{PastCall, ToolRules};

fn plan(agent_type: AgentType, attached: &[&str], rules: Value) -> TurnPlan {
    TurnPlan {
        turn_id: TurnId::from("run-1"),
        agent_type,
        attached: attached.iter().map(|name| (*name).to_owned()).collect(),
        client_tools: Vec::new(),
        rules: ToolRules::from_json(&rules).unwrap(),
        max_steps: 8,
        user_text: "I like tea".to_owned(),
        request: None,
        tidies: false,
        guided: false,
    }
}

fn text(text: &str) -> Generation {
    Generation { text: text.to_owned(), ..Generation::default() }
}

fn calls(calls: &[(&str, Value)]) -> Generation {
    let tool_calls = calls.iter().enumerate().map(|(index, (name, arguments))| ToolCall {
        id: format!("given-{index}"),
        name: (*name).to_owned(),
        arguments: arguments.clone(),
    });
    Generation { tool_calls: tool_calls.collect(), ..Generation::default() }
}

fn malformed(name: &str) -> Generation {
    let call = MalformedCall {
        id: "given-0".to_owned(),
        name: name.to_owned(),
        arguments: "{".to_owned(),
        error: "it ends too early".to_owned(),
    };
    Generation { malformed_calls: vec![call], ..Generation::default() }
}

fn measured() -> Measured {
    Measured {
        used_tokens: 10,
        window_tokens: 100,
        pressure_tokens: 70,
        compaction_tokens: 90,
        evictable: false,
        warned: false,
        too_long: None,
        purpose: None,
    }
}

/// Plays a whole turn: the model answers from `script` (then with "done"), every tool succeeds unless its name is among
/// `failing`. Returns all effects but the measuring.
fn play(plan: TurnPlan, script: Vec<Generation>, failing: &[&str]) -> Vec<Effect> {
    let mut state = TurnState::new(plan);
    let mut script = script.into_iter();
    let mut seen = Vec::new();
    let mut effects: Vec<_> = step(&mut state, Event::Begun);
    while !effects.is_empty() {
        let mut answer = None;
        for effect in effects {
            answer = match &effect {
                Effect::Measure(_) => Some(Event::Measured(measured())),
                Effect::Generate(_) => Some(Event::Generated(script.next().unwrap_or_else(|| text("done")))),
                Effect::RunTool(call) => {
                    let failed = failing.contains(&call.name.as_str());
                    Some(Event::ToolEnded(ToolEnd {
                        name: call.name.clone(),
                        status: if failed { ToolStatus::Failed } else { ToolStatus::Ok },
                        output: "result".to_owned(),
                        wrote_memory: !failed
                            && crate::tools::tool(&call.name).is_some_and(|tool| tool.writes_memory()),
                    }))
                }
                _ => None,
            };
            if !matches!(effect, Effect::Measure(_)) {
                seen.push(effect);
            }
        }
        effects = answer.map(|event| step(&mut state, event)).unwrap_or_default();
    }
    assert!(state.has_ended(), "a turn ends: {seen:#?}");
    seen
}

/// A turn in short words, one an effect.
fn story(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .map(|effect| match effect {
            Effect::Generate(request) => format!("generate {:?} {}", request.choice, request.menu.join(",")),
            Effect::RecordAnswer(answer) => format!("answer {:?} {}", answer.text, answer.calls.len()),
            Effect::RunTool(call) => format!("run {}", call.name),
            Effect::RefuseCall { call, reason } => format!("refuse {}: {reason}", call.name),
            Effect::RecordNote { kind, .. } => format!("note {}", kind.name()),
            Effect::EndTurn(end) => format!("{:?} {}", end.status, end.stop_reason.as_str()),
            Effect::EndStep => "step ends".to_owned(),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_text_agent_goes_on_after_calls_and_ends_with_text() {
    let plan = plan(AgentType::LettaV1Agent, &["core_memory_append"], json!([]));
    let told = play(plan, vec![calls(&[("core_memory_append", json!({}))]), text("Noted.")], &[]);
    insta::assert_debug_snapshot!(story(&told), @r#"
    [
        "generate Auto core_memory_append",
        "answer \"\" 1",
        "run core_memory_append",
        "step ends",
        "generate Auto core_memory_append",
        "answer \"Noted.\" 0",
        "step ends",
        "Completed end_turn",
    ]
    "#);
}

#[test]
fn a_memgpt_agent_goes_on_only_when_it_asks() {
    let tools = &["send_message", "core_memory_append"];
    let append =
        |heartbeat: bool| calls(&[("core_memory_append", json!({ "thinking": "hm", "request_heartbeat": heartbeat }))]);
    let said = calls(&[("send_message", json!({ "message": "Noted." }))]);
    let told = play(plan(AgentType::MemgptAgent, tools, json!([])), vec![append(true), said.clone()], &[]);
    insta::assert_debug_snapshot!(story(&told), @r#"
    [
        "generate Required send_message,core_memory_append",
        "answer \"\" 1",
        "run core_memory_append",
        "step ends",
        "note heartbeat",
        "generate Required send_message,core_memory_append",
        "answer \"Noted.\" 1",
        "run send_message",
        "step ends",
        "Completed end_turn",
    ]
    "#);
    let told = play(plan(AgentType::MemgptAgent, tools, json!([])), vec![append(false), said], &[]);
    assert_eq!(story(&told).last().unwrap(), "Completed end_turn");
    assert!(!story(&told).contains(&"run send_message".to_owned()));
    let Effect::RecordAnswer(answer) = &told[1] else { panic!("{told:?}") };
    assert_eq!(answer.thoughts.as_deref(), Some("hm"));
}

#[test]
fn a_memgpt_agent_that_forgets_its_tool_is_heard_anyway() {
    let told = play(plan(AgentType::MemgptAgent, &["send_message"], json!([])), vec![text("Hello!")], &[]);
    insta::assert_debug_snapshot!(story(&told), @r#"
    [
        "generate Required send_message",
        "answer \"Hello!\" 1",
        "run send_message",
        "step ends",
        "Completed end_turn",
    ]
    "#);
}

#[test]
fn a_failed_call_brings_another_step() {
    let tools = &["send_message", "core_memory_replace"];
    let wrong = calls(&[("core_memory_replace", json!({}))]);
    let told = play(plan(AgentType::MemgptAgent, tools, json!([])), vec![wrong], &["core_memory_replace"]);
    assert!(story(&told).contains(&"note heartbeat".to_owned()));
    assert!(story(&told).contains(&"run send_message".to_owned()));
}

#[test]
fn what_is_not_attached_is_refused_with_what_there_is() {
    let told = play(
        plan(AgentType::LettaV1Agent, &["core_memory_append"], json!([])),
        vec![calls(&[("run_code", json!({}))])],
        &[],
    );
    assert_eq!(
        story(&told)[2],
        "refuse run_code: There is no tool named run_code. Tools that can be called now: core_memory_append."
    );
}

#[test]
fn an_exit_rule_ends_the_turn_and_a_required_tool_keeps_it_open() {
    let rules = json!([
        { "type": "exit_loop", "tool_name": "send_message" },
        { "type": "required_before_exit", "tool_name": "core_memory_append" },
    ]);
    let said = calls(&[("send_message", json!({ "message": "Hi." }))]);
    let append = calls(&[("core_memory_append", json!({}))]);
    let plan = plan(AgentType::MemgptAgent, &["send_message", "core_memory_append"], rules);
    let told = play(plan, vec![said.clone(), append, said], &[]);
    insta::assert_debug_snapshot!(story(&told), @r#"
    [
        "generate Required send_message,core_memory_append",
        "answer \"Hi.\" 1",
        "run send_message",
        "step ends",
        "note tool_rule",
        "generate Required core_memory_append",
        "answer \"\" 1",
        "run core_memory_append",
        "step ends",
        "Completed end_turn",
    ]
    "#);
}

#[test]
fn a_call_that_needs_approval_ends_the_turn_and_goes_on_with_the_users_word() {
    let rules = json!([{ "type": "requires_approval", "tool_name": "core_memory_append" }]);
    let plan = || plan(AgentType::LettaV1Agent, &["core_memory_append"], rules.clone());
    let told = play(plan(), vec![calls(&[("core_memory_append", json!({}))])], &[]);
    insta::assert_debug_snapshot!(story(&told), @r#"
    [
        "generate Auto core_memory_append",
        "answer \"\" 1",
        "step ends",
        "Completed requires_approval",
    ]
    "#);
    let Effect::RecordAnswer(answer) = &told[1] else { panic!("{told:?}") };
    let mut state = TurnState::new(plan());
    let call = answer.calls[0].clone();
    let resumed = Resumed {
        waiting: vec![call.clone()],
        approved_call_ids: vec![call.id.clone()],
        steps: 1,
        ..Resumed::default()
    };
    assert_eq!(step(&mut state, Event::Resumed(resumed)), [Effect::RunTool(call)]);
}

#[test]
fn an_explicit_request_gets_a_step_of_its_own_and_at_last_the_users_words() {
    let tools = &["core_memory_append", "conversation_search"];
    let asked =
        || TurnPlan { request: Some(MemoryRequest::Remember), ..plan(AgentType::LettaV1Agent, tools, json!([])) };
    let told = play(asked(), vec![text("Sure!"), calls(&[("core_memory_append", json!({}))])], &[]);
    insta::assert_debug_snapshot!(story(&told), @r#"
    [
        "generate Auto core_memory_append,conversation_search",
        "answer \"Sure!\" 0",
        "step ends",
        "note memory_reminder",
        "generate Required core_memory_append",
        "answer \"\" 1",
        "run core_memory_append",
        "step ends",
        "Completed end_turn",
    ]
    "#);
    let told = play(asked(), vec![text("Sure!"), text("Sure!"), text("Sure!")], &[]);
    insta::assert_debug_snapshot!(story(&told), @r#"
    [
        "generate Auto core_memory_append,conversation_search",
        "answer \"Sure!\" 0",
        "step ends",
        "note memory_reminder",
        "generate Required core_memory_append",
        "step ends",
        "note memory_reminder",
        "generate Required core_memory_append",
        "step ends",
        "answer \"\" 1",
        "run core_memory_append",
        "step ends",
        "Completed end_turn",
    ]
    "#);
    let Some(Effect::RunTool(call)) = told.iter().rfind(|effect| matches!(effect, Effect::RunTool(_))) else {
        panic!()
    };
    assert_eq!(call.arguments["content"], "I like tea");
}

#[test]
fn a_request_to_forget_is_never_met_by_adding() {
    let tools = &["core_memory_append", "archival_memory_insert"];
    let asked = TurnPlan { request: Some(MemoryRequest::Forget), ..plan(AgentType::LettaV1Agent, tools, json!([])) };
    let told = play(asked, vec![text("Forgotten.")], &[]);
    assert_eq!(story(&told).last().unwrap(), "Completed end_turn");
    assert!(!told.iter().any(|effect| matches!(effect, Effect::RunTool(_))));
}

#[test]
fn three_malformed_calls_in_a_row_are_the_last() {
    let plan = plan(AgentType::LettaV1Agent, &["core_memory_append"], json!([]));
    let told = play(plan, (0..3).map(|_| malformed("core_memory_append")).collect(), &[]);
    let requests: Vec<_> = story(&told).into_iter().filter(|line| line.starts_with("generate")).collect();
    assert_eq!(requests.last().unwrap(), "generate None ");
    assert_eq!(requests.len(), 4);
}

#[test]
fn pressure_is_told_once_and_overflow_is_compacted_first() {
    let mut state = TurnState::new(plan(AgentType::LettaV1Agent, &[], json!([])));
    step(&mut state, Event::Begun);
    let full = Measured { used_tokens: 95, evictable: true, ..measured() };
    assert_eq!(step(&mut state, Event::Measured(full)), [Effect::Compact]);
    let effects = step(&mut state, Event::Compacted);
    assert!(matches!(effects[..], [Effect::Measure(_)]));
    let pressed = Measured { used_tokens: 75, ..measured() };
    let effects = step(&mut state, Event::Measured(pressed.clone()));
    assert!(matches!(effects[..], [Effect::Warn { used_tokens: 75, .. }, Effect::Generate(_)]));
    let effects = step(&mut state, Event::Measured(Measured { warned: true, ..pressed }));
    assert!(matches!(effects[..], [Effect::Generate(_)]));
}

#[test]
fn what_no_window_holds_ends_the_turn() {
    let mut state = TurnState::new(plan(AgentType::LettaV1Agent, &[], json!([])));
    step(&mut state, Event::Begun);
    let too_long = Measured { used_tokens: 95, too_long: Some("too long".to_owned()), ..measured() };
    let effects = step(&mut state, Event::Measured(too_long));
    assert_eq!(story(&effects), ["step ends", "Failed context_window_overflow_in_system_prompt"]);
    assert!(step(&mut state, Event::Begun).is_empty(), "nothing happens after the end");
}

#[test]
fn the_step_limit_ends_the_turn() {
    let plan = TurnPlan { max_steps: 3, ..plan(AgentType::LettaV1Agent, &["core_memory_append"], json!([])) };
    let told = play(plan, (0..9).map(|_| calls(&[("core_memory_append", json!({}))])).collect(), &[]);
    assert_eq!(story(&told).last().unwrap(), "Completed max_steps");
    assert_eq!(told.iter().filter(|effect| matches!(effect, Effect::Generate(_))).count(), 3);
}

#[test]
fn a_model_that_says_nothing_is_asked_once_more() {
    let told = play(plan(AgentType::LettaV1Agent, &[], json!([])), vec![text(""), text(" \n")], &[]);
    assert_eq!(story(&told).last().unwrap(), "Failed invalid_llm_response");
    let told = play(plan(AgentType::LettaV1Agent, &[], json!([])), vec![text(""), text("Here.")], &[]);
    assert_eq!(story(&told).last().unwrap(), "Completed end_turn");
}

#[test]
fn what_was_written_before_a_stop_is_recorded() {
    let mut state = TurnState::new(plan(AgentType::LettaV1Agent, &[], json!([])));
    step(&mut state, Event::Begun);
    step(&mut state, Event::Measured(measured()));
    let cut = Generation { finish: Finish::Cancelled, ..text("Half an ans") };
    assert_eq!(
        story(&step(&mut state, Event::Generated(cut))),
        ["answer \"Half an ans\" 0", "step ends", "Cancelled cancelled"]
    );
}

fn any_generation() -> impl Strategy<Value = Generation> {
    let name = prop::sample::select(vec!["send_message", "core_memory_append", "archival_memory_insert", "run_code"]);
    prop_oneof![
        Just(text("Hello.")),
        Just(text("")),
        name.clone().prop_map(malformed),
        prop::collection::vec((name, any::<bool>()), 1..4).prop_map(|wishes| {
            let wishes: Vec<_> = wishes
                .into_iter()
                .map(|(name, heartbeat)| (name, json!({ "message": "m", "request_heartbeat": heartbeat })))
                .collect();
            calls(&wishes)
        }),
    ]
}

fn any_rule() -> impl Strategy<Value = Value> {
    let tool = || prop::sample::select(vec!["send_message", "core_memory_append", "archival_memory_insert"]);
    prop_oneof![
        tool().prop_map(|name| json!({ "type": "run_first", "tool_name": name })),
        tool().prop_map(|name| json!({ "type": "exit_loop", "tool_name": name })),
        tool().prop_map(|name| json!({ "type": "required_before_exit", "tool_name": name })),
        tool().prop_map(|name| json!({ "type": "requires_approval", "tool_name": name })),
        (tool(), 0..3_usize).prop_map(
            |(name, most)| json!({ "type": "max_count_per_step", "tool_name": name, "max_count_limit": most })
        ),
        (tool(), tool()).prop_map(
            |(name, child)| json!({ "type": "constrain_child_tools", "tool_name": name, "children": [child] })
        ),
    ]
}

proptest! {
    #[test]
    fn whatever_the_model_does_the_turn_ends_and_no_rule_is_broken(
        memgpt in any::<bool>(),
        request in prop::option::of(prop::sample::select(vec![MemoryRequest::Remember, MemoryRequest::Forget, MemoryRequest::Correct])),
        rules in prop::collection::vec(any_rule(), 0..4),
        script in prop::collection::vec(any_generation(), 0..12),
        failing in prop::bool::ANY,
    ) {
        let agent_type = if memgpt { AgentType::MemgptAgent } else { AgentType::LettaV1Agent };
        let tools = ["send_message", "core_memory_append", "archival_memory_insert"];
        let plan = TurnPlan { request, ..plan(agent_type, &tools, Value::Array(rules)) };
        let (rules, attached) = (plan.rules.clone(), plan.attached.clone());
        let failing: &[&str] = if failing { &["core_memory_append"] } else { &[] };
        let effects = play(plan, script, failing);
        let mut history: Vec<PastCall> = Vec::new();
        for effect in &effects {
            if let Effect::RunTool(call) = effect {
                prop_assert!(rules.admits(&call.name, &attached, &history), "{} after {history:?}", call.name);
                prop_assert!(!rules.requires_approval(&call.name), "ran without the user's word");
                history.push(PastCall { name: call.name.clone(), output: "result".to_owned() });
            }
        }
        let ends = effects.iter().filter(|effect| matches!(effect, Effect::EndTurn(_))).count();
        prop_assert_eq!(ends, 1);
        let Some(Effect::EndTurn(end)) = effects.last() else { panic!("the end is the last effect") };
        prop_assert!(end.status == TurnStatus::Completed || end.error.is_some());
    }
}
