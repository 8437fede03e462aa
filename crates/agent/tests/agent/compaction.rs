//! Memory pressure and compaction: warned once, cut between turns, nothing lost, and never too full to go on.

use proptest::prelude::*;
use resident_agent::{AgentError, AgentEvent, Cancel, ContextPartKind, compact_now, context};
use resident_memory::RecallQuery;
use resident_store::{AgentType, Role, SummaryKind, TurnStatus};
use serde_json::json;

use crate::scripted::{House, Line, calls, says};

const SUMMARY: &str = "The user's boat is called Marigold. The user repairs the boat with a friend each spring.";

/// A house whose window holds about 30 short messages beside the instructions.
fn small_window() -> House {
    let mut house = House::with(AgentType::LettaV1Agent, |agent| {
        agent.system = "Be kind.".to_owned();
        agent.tools = vec!["core_memory_append".to_owned(), "conversation_search".to_owned()];
    });
    house.model.window_tokens = 1600;
    house.settings.max_answer_tokens = 100;
    house
}

fn fill(house: &mut House, turns: usize) {
    for number in 0..turns {
        let text = format!("Number {number}: my boat Marigold needs new paint on its hull every single spring.");
        let turn = house.say(&text, vec![says("I see, that is a lot of work for a friend and you.")]);
        assert_eq!(turn.status, TurnStatus::Completed, "{:?}", turn.error);
    }
}

fn count(house: &House, wanted: impl Fn(&AgentEvent) -> bool) -> usize {
    house.events.iter().filter(|event| wanted(event)).count()
}

#[test]
fn the_agent_is_warned_once_and_then_the_oldest_half_leaves() {
    let mut house = small_window();
    house.model.summaries.lock().unwrap().push_back(says(SUMMARY));
    let mut turns = 0;
    while count(&house, |event| matches!(event, AgentEvent::Compacted(_))) == 0 {
        fill(&mut house, 1);
        turns += 1;
        assert!(turns < 60, "the window fills");
    }
    assert_eq!(count(&house, |event| matches!(event, AgentEvent::Pressure { .. })), 1);
    let warned = house.said_by(Role::System);
    assert_eq!(warned.len(), 1);
    assert!(warned[0].contains("Save to your memory now"));
    let seen_warned = house
        .prompts()
        .iter()
        .filter(|prompt| prompt.messages.iter().any(|m| m.content.contains("system_alert")))
        .count();
    assert!(seen_warned > 1, "the model saw the warning, and went on seeing it until the compaction");
    let Some(AgentEvent::Compacted(done)) = house.events.iter().find(|event| matches!(event, AgentEvent::Compacted(_)))
    else {
        unreachable!()
    };
    assert_eq!((done.summary.text.as_str(), done.summary.kind), (SUMMARY, SummaryKind::Recursive));
    assert!(done.tokens_after < done.tokens_before * 3 / 4, "{done:?}");
    let prompt = house.last_prompt();
    assert!(prompt.system.starts_with("Be kind."), "compaction keeps the instructions");
    assert!(prompt.system.contains(SUMMARY));
    assert!(prompt.system.contains("previous messages between you and the user are stored in recall memory"));
    assert!(prompt.messages[0].content.starts_with("Number"), "the window begins at a turn");
    assert_eq!(house.said_by(Role::User).len(), turns, "every message is still there");
    let query = RecallQuery {
        text: "Number 0".to_owned(),
        roles: vec![],
        from_ms: None,
        to_ms: None,
        conversation_id: None,
        limit: 50,
        exclude_turn: None,
    };
    let found = house.memory.search_messages(&house.agent.id, &query).unwrap();
    assert!(found.iter().any(|hit| hit.message.content.starts_with("Number 0:")), "and is found in recall");
}

#[test]
fn each_summary_is_made_from_the_one_before() {
    let mut house = small_window();
    for round in 0..2 {
        fill(&mut house, 6);
        house.model.summaries.lock().unwrap().push_back(says(&format!("{SUMMARY} Round {round}.")));
        compact_now(&house.context(), &house.agent.id, &Cancel::default(), &mut |_| {}).unwrap();
    }
    let summary = house.store().read(|reader| reader.latest_summary(&house.agent.id)).unwrap().unwrap();
    assert!(summary.text.ends_with("Round 1."));
}

#[test]
fn a_garbled_summary_is_replaced_by_what_was_said() {
    let garbled = [
        "",
        "boat boat boat ".repeat(30).as_str(),
        "Photosynthesis converts sunlight, water and minerals into sugar within green chloroplast membranes.",
    ]
    .map(str::to_owned);
    for text in garbled {
        let mut house = small_window();
        fill(&mut house, 6);
        house.model.summaries.lock().unwrap().push_back(says(&text));
        let done = compact_now(&house.context(), &house.agent.id, &Cancel::default(), &mut |_| {}).unwrap();
        assert_eq!(done.summary.kind, SummaryKind::Extractive, "{text:?}");
        assert!(
            done.summary.text.contains("User: ") && done.summary.text.contains("Marigold"),
            "{}",
            done.summary.text
        );
    }
}

#[test]
fn a_compaction_that_is_stopped_changes_nothing() {
    let mut house = small_window();
    fill(&mut house, 4);
    house.model.summaries.lock().unwrap().push_back(Line::IsStopped(vec![]));
    let before = context(&house.context(), &house.agent.id).unwrap();
    let cancel = Cancel::default();
    assert!(matches!(compact_now(&house.context(), &house.agent.id, &cancel, &mut |_| {}), Err(AgentError::Cancelled)));
    assert_eq!(context(&house.context(), &house.agent.id).unwrap(), before);
}

#[test]
fn a_window_of_one_turn_has_nothing_to_evict() {
    let mut house = small_window();
    fill(&mut house, 1);
    assert!(matches!(
        compact_now(&house.context(), &house.agent.id, &Cancel::default(), &mut |_| {}),
        Err(AgentError::NothingToCompact(_))
    ));
}

#[test]
fn the_parts_of_the_window_add_up() {
    let mut house = small_window();
    fill(&mut house, 6);
    house.model.summaries.lock().unwrap().push_back(says(SUMMARY));
    compact_now(&house.context(), &house.agent.id, &Cancel::default(), &mut |_| {}).unwrap();
    let overview = context(&house.context(), &house.agent.id).unwrap();
    assert_eq!(overview.parts.iter().map(|part| part.tokens).sum::<usize>(), overview.used_tokens);
    assert_eq!((overview.window_tokens, overview.pressure_tokens, overview.compaction_tokens), (1600, 1120, 1500));
    let mut kinds: Vec<_> = overview.parts.iter().map(|part| part.kind).collect();
    kinds.dedup();
    use ContextPartKind::{Core, Instructions, Message, Summary, Tools};
    assert_eq!(kinds, [Instructions, Tools, Core, Summary, Message]);
}

#[test]
fn blocks_that_fill_the_window_are_shown_shortened_and_the_agent_is_told() {
    let mut house = small_window();
    let block = house.block("human");
    let provenance = resident_store::Provenance::user("edit");
    let huge = format!("The user's name is Nick. {}", "A very long life story. ".repeat(800));
    house.store().write(|w| w.write_block_value(&block.id, &huge, &provenance, 1)).unwrap();
    fill(&mut house, 2);
    let prompt = house.last_prompt();
    assert!(prompt.system.contains("The user's name is Nick."));
    assert!(prompt.system.contains("[shortened: ") && prompt.system.contains("<alert>"), "{}", prompt.system);
    assert_eq!(prompt.messages.last().unwrap().content, house.said_by(Role::User)[1]);
    assert_eq!(count(&house, |event| matches!(event, AgentEvent::Compacted(_))), 0, "messages are not evicted for it");
    assert_eq!(house.block("human").value, huge, "nothing of it is lost");
}

#[test]
fn instructions_that_fill_the_window_do_not_silence_the_agent() {
    let mut house = House::with(AgentType::LettaV1Agent, |agent| agent.system = "Be kind. ".repeat(5000));
    house.model.window_tokens = 4096;
    assert_eq!(house.say("Hello!", vec![says("Hello.")]).status, TurnStatus::Completed);
}

#[test]
fn a_long_turn_with_large_results_fits_too() {
    let mut house = small_window();
    let line = |number: usize| {
        calls(
            "core_memory_append",
            json!({ "label": "human", "content": format!("{number} {}", "detail ".repeat(40)) }),
        )
    };
    let turn = house.say("Write a lot.", (0..12).map(line).chain([says("Done.")]).collect());
    assert_eq!(turn.status, TurnStatus::Completed, "{:?}", turn.error);
    assert_eq!(house.block("human").value.lines().count(), 13);
    for prompt in house.prompts() {
        use resident_agent::LanguageModel as _;
        assert!(house.model.count_prompt_tokens(&prompt) <= 1500, "every prompt leaves room for an answer");
        assert!(prompt.messages.iter().any(|message| message.content == "Write a lot."), "the question stays");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn after_any_conversation_the_window_begins_at_a_turn_and_recall_has_it_all(
        lengths in prop::collection::vec((1..60_usize, 0..3_usize), 2..14),
        window in 1200..2400_usize,
    ) {
        let mut house = small_window();
        house.model.window_tokens = window;
        for (words, searches) in &lengths {
            let search = (0..*searches).map(|_| calls("conversation_search", json!({ "query": "tea" })));
            let script = search.chain([says(&"answer ".repeat(*words))]).collect();
            let turn = house.say(&"question ".repeat(*words), script);
            prop_assert_eq!(turn.status, TurnStatus::Completed, "{:?}", turn.error);
        }
        let messages = house.messages();
        prop_assert_eq!(messages.iter().filter(|message| message.role == Role::User).count(), lengths.len());
        let kept = house.store().read(|reader| reader.window_messages(&house.agent.id)).unwrap();
        prop_assert_eq!(kept[0].role, Role::User);
        prop_assert!(messages[messages.len() - kept.len()..].iter().eq(kept.iter().map(AsRef::as_ref)));
        for prompt in house.prompts() {
            prop_assert!(prompt.system.starts_with("Be kind."));
            prop_assert_eq!(prompt.messages[0].role, Role::User);
        }
    }
}
