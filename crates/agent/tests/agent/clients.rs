//! What clients ask of a turn: several messages, options, tools of their own, conversations.

use resident_agent::{
    AgentError, Decision, Said, TurnRequest, begin_request, begin_retry, begin_turn, calls_to_decide, decide_calls,
    reset_messages, system_text,
};
use resident_memory::RecallQuery;
use resident_store::{
    AgentType, Conversation, ConversationId, Provenance, Role, StoreError, Thread, ToolCall, ToolStatus, Turn, TurnId,
    TurnStatus,
};
use serde_json::{Value, json};

use crate::scripted::{House, Line, calls, calls_all, menu, says};

fn ask(house: &mut House, options: Value, script: Vec<Line>) -> Turn {
    let request = TurnRequest { options, ..TurnRequest::of(&house.agent.id, "Please.") };
    let (turn, _) = begin_request(house.store(), &request).unwrap();
    house.run(&turn, script)
}

fn dice() -> Value {
    let parameters = json!({ "type": "object", "properties": { "sides": { "type": "integer" } } });
    json!({ "client_tools": [{ "name": "roll_dice", "description": "Rolls dice.", "parameters": parameters }] })
}

fn conversation(house: &House) -> (Conversation, Thread) {
    let now_ms = house.store().now_ms();
    let conversation = Conversation {
        id: ConversationId::new(),
        agent_id: house.agent.id.clone(),
        name: None,
        letta: json!({}),
        isolated_block_ids: Vec::new(),
        window_start_seq: 0,
        created_at_ms: now_ms,
        updated_at_ms: now_ms,
        last_message_at_ms: None,
        deleted_at_ms: None,
    };
    house.store().write(|w| w.insert_conversation(&conversation)).unwrap();
    let thread = Thread::from(&conversation);
    (conversation, thread)
}

fn calls_of(house: &House, turn_id: &TurnId) -> Vec<ToolCall> {
    let turn = house.store().read::<_, StoreError>(|r| r.turn(turn_id)).unwrap().unwrap();
    calls_to_decide(house.store(), &turn).unwrap()
}

fn window(house: &House, thread: &Thread) -> Vec<String> {
    let messages = house.store().read::<_, StoreError>(|r| r.window_messages(thread)).unwrap();
    messages.iter().map(|message| message.content.clone()).collect()
}

#[test]
fn a_tool_of_the_client_waits_for_the_client_and_the_turn_goes_on_with_its_result() {
    for agent_type in [AgentType::LettaV1Agent, AgentType::MemgptAgent] {
        let mut house = House::new(agent_type);
        let wishes = calls_all(&[("roll_dice", json!({ "sides": 6 })), ("roll_dice", json!({ "sides": 20 }))]);
        let turn = ask(&mut house, dice(), vec![wishes]);
        assert_eq!((turn.status, turn.stop_reason.as_deref()), (TurnStatus::Completed, Some("requires_approval")));
        assert!(menu(&house.last_prompt()).contains(&"roll_dice".to_owned()));
        let waiting = calls_of(&house, &turn.id);
        assert_eq!(waiting.iter().map(|call| &call.arguments["sides"]).collect::<Vec<_>>(), [&json!(6), &json!(20)]);

        let result = |text: &str, status| Decision::Result { status, text: text.to_owned() };
        let decisions = [
            (waiting[1].id.clone(), result("17", ToolStatus::Ok)),
            (waiting[0].id.clone(), result("It fell off the table.", ToolStatus::Failed)),
        ];
        let (turn, _) = decide_calls(house.store(), &turn.id, &decisions, &[]).unwrap();
        let turn = house.run(&turn, vec![says("17, and one lost.")]);
        assert_eq!(turn.stop_reason.as_deref(), Some("end_turn"));
        let results: Vec<_> = house.last_prompt().messages.into_iter().filter(|m| m.role == Role::Tool).collect();
        assert!(results[0].content.contains("Failed") && results[0].content.contains("off the table"), "{results:?}");
        assert!(results[1].content.contains("OK") && results[1].content.contains("17"), "{results:?}");
        assert_eq!(house.said_by(Role::Assistant).last().unwrap(), "17, and one lost.");
        assert_eq!(calls_of(&house, &turn.id), []);
    }
}

#[test]
fn a_call_that_nobody_decided_waits_on() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let wishes = calls_all(&[("roll_dice", json!({})), ("roll_dice", json!({}))]);
    let turn = ask(&mut house, dice(), vec![wishes]);
    let waiting = calls_of(&house, &turn.id);
    let one = [(waiting[0].id.clone(), Decision::Deny { reason: None })];
    let (turn, _) = decide_calls(house.store(), &turn.id, &one, &[]).unwrap();
    let turn = house.run(&turn, vec![]);
    assert_eq!(turn.stop_reason.as_deref(), Some("requires_approval"));
    assert_eq!(calls_of(&house, &turn.id), waiting[1..]);
    let again = decide_calls(house.store(), &turn.id, &one, &[]);
    assert!(matches!(again, Err(AgentError::NotPending(_))), "a call is decided once");
    let unknown = decide_calls(house.store(), &turn.id, &[("call-nowhere".to_owned(), Decision::Approve)], &[]);
    assert!(matches!(unknown, Err(AgentError::NotPending(_))));
    assert_eq!(calls_of(&house, &turn.id), waiting[1..], "a refused word changes nothing");
}

#[test]
fn what_is_said_with_a_result_is_read_with_it() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let turn = ask(&mut house, dice(), vec![calls("roll_dice", json!({}))]);
    let waiting = calls_of(&house, &turn.id);
    let result = Decision::Result { status: ToolStatus::Ok, text: "4".to_owned() };
    let decisions = [(waiting[0].id.clone(), result)];
    let empty = decide_calls(house.store(), &turn.id, &decisions, &[Said::by_user(" ")]);
    assert!(matches!(empty, Err(AgentError::Empty)), "{empty:?}");
    let said = [Said::by_user("Was it fair?")];
    let (turn, recorded) = decide_calls(house.store(), &turn.id, &decisions, &said).unwrap();
    assert_eq!(recorded.last().unwrap().content, "Was it fair?");
    let turn = house.run(&turn, vec![says("It was.")]);
    assert_eq!(turn.stop_reason.as_deref(), Some("end_turn"));
    let messages = house.last_prompt().messages;
    let roles: Vec<_> = messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool, Role::User]);
    assert!(messages[2].content.contains('4') && messages[3].content == "Was it fair?");
}

#[test]
fn a_tool_that_nobody_runs_is_not_offered() {
    let mut house = House::with(AgentType::LettaV1Agent, |agent| agent.tools.push("roll_dice".to_owned()));
    let turn = house.say("Roll.", vec![calls("roll_dice", json!({})), says("I cannot.")]);
    assert_eq!(turn.stop_reason.as_deref(), Some("end_turn"));
    assert!(!menu(&house.prompts()[0]).contains(&"roll_dice".to_owned()));
    assert!(house.last_result().content.contains("There is no tool named roll_dice"));
}

#[test]
fn a_turn_obeys_its_options_and_the_next_one_does_not() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let search = || calls("conversation_search", json!({ "query": "tea" }));
    let options = json!({ "max_steps": 1, "system": "You are a pirate.", "unknown": [1] });
    let turn = ask(&mut house, options, vec![search(), search()]);
    assert_eq!(turn.stop_reason.as_deref(), Some("max_steps"));
    assert!(house.last_prompt().system.starts_with("You are a pirate."));
    let turn = house.say("And now?", vec![search(), says("Done.")]);
    assert_eq!(turn.stop_reason.as_deref(), Some("end_turn"));
    assert!(!house.last_prompt().system.contains("pirate"));
    let turn = ask(&mut house, json!({ "max_steps": "many" }), vec![says("Still here.")]);
    assert_eq!(turn.stop_reason.as_deref(), Some("end_turn"), "what cannot be read keeps nobody from an answer");
}

#[test]
fn several_messages_begin_one_turn_and_a_retry_answers_them_all() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let said = |role, text: &str, otid: &str| Said {
        role,
        otid: Some(otid.to_owned()),
        sender_id: Some("identity-1".to_owned()),
        ..Said::by_user(text)
    };
    let messages = vec![
        said(Role::User, "Who was there?", "a"),
        said(Role::Assistant, "Kim was.", "b"),
        said(Role::User, "And who else?", "c"),
        said(Role::System, "The user is in a hurry.", "d"),
    ];
    let request = TurnRequest { messages, request_key: Some("c".to_owned()), ..TurnRequest::of(&house.agent.id, "") };
    let (turn, recorded) = begin_request(house.store(), &request).unwrap();
    assert_eq!(turn.message_id.as_ref(), Some(&recorded[2].id), "it answers the last thing the user said");
    assert_eq!(recorded.iter().map(|m| m.otid.as_deref().unwrap()).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert_eq!(recorded[0].sender_id.as_deref(), Some("identity-1"));
    let turn = house.run(&turn, vec![says("Bob.")]);
    for _ in 0..2 {
        let (again, _) = begin_retry(house.store(), &turn.id).unwrap();
        assert_eq!(again.request_key.as_deref(), Some("c"));
        house.run(&again, vec![says("Only Kim.")]);
        assert_eq!(house.messages().len(), 5, "four said, one answer");
        assert_eq!(house.last_prompt().messages.len(), 3, "user, assistant, and what came last");
    }
    let empty = TurnRequest { messages: Vec::new(), ..request };
    assert!(matches!(begin_request(house.store(), &empty), Err(AgentError::Empty)));
}

#[test]
fn turns_of_different_conversations_run_side_by_side_and_of_one_do_not() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let (_, work) = conversation(&house);
    let (own, _) = begin_turn(house.store(), &house.agent.id, "Tell me of anchors.").unwrap();
    let (there, _) = begin_request(house.store(), &TurnRequest::of(&work, "Tell me of boats.")).unwrap();
    let busy = begin_request(house.store(), &TurnRequest::of(&work, "Now."));
    assert!(matches!(busy, Err(AgentError::Busy { .. })), "{busy:?}");
    house.run(&there, vec![says("Boats float.")]);
    let prompt = format!("{:?}", house.last_prompt().messages);
    assert!(prompt.contains("boats") && !prompt.contains("anchors"), "{prompt}");
    house.run(&own, vec![says("Anchors sink.")]);
    assert_eq!(window(&house, &work), ["Tell me of boats.", "Boats float."]);
    assert_eq!(window(&house, &Thread::own(&house.agent.id)), ["Tell me of anchors.", "Anchors sink."]);
    let query = RecallQuery { text: "boats anchors".to_owned(), limit: 9, ..RecallQuery::default() };
    assert_eq!(house.memory.search_messages(&house.agent.id, &query).unwrap().len(), 4, "recall knows them all");
    let there_only = RecallQuery { conversation_id: work.conversation_id.clone(), ..query };
    assert_eq!(house.memory.search_messages(&house.agent.id, &there_only).unwrap().len(), 2);

    let (again, _) = begin_retry(house.store(), &there.id).unwrap();
    house.run(&again, vec![says("They do.")]);
    assert_eq!(window(&house, &work), ["Tell me of boats.", "They do."]);
    assert_eq!(window(&house, &Thread::own(&house.agent.id)).len(), 2, "a retry touches its own thread only");
    let nowhere = Thread { conversation_id: Some(ConversationId::new()), ..work };
    let refused = begin_request(house.store(), &TurnRequest::of(&nowhere, "Hello?"));
    assert!(matches!(refused, Err(AgentError::ConversationNotFound(_))), "{refused:?}");
}

#[test]
fn a_tool_writes_to_the_block_that_its_conversation_has() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let (conversation, work) = conversation(&house);
    let human = house.block("human");
    let now_ms = house.store().now_ms();
    let by = Provenance::system("create");
    house.store().write(|w| w.isolate_block(&conversation.id, &human, &by, now_ms)).unwrap();
    let (turn, _) = begin_request(house.store(), &TurnRequest::of(&work, "I like tea.")).unwrap();
    let append = calls("core_memory_append", json!({ "label": "human", "content": "Likes tea." }));
    house.run(&turn, vec![append, says("Noted.")]);
    assert!(house.last_prompt().system.contains("Likes tea."));
    assert!(system_text(house.store(), &work).unwrap().contains("Likes tea."));
    assert_eq!(house.block("human").value, human.value, "the agent's own block is as it was");
    assert!(!system_text(house.store(), &house.agent.id).unwrap().contains("Likes tea."));
}

#[test]
fn a_reset_empties_the_window_and_keeps_memory() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let append = calls("core_memory_append", json!({ "label": "human", "content": "Likes tea." }));
    house.say("I like tea.", vec![append, says("Noted.")]);
    let opening = Said { role: Role::Assistant, ..Said::by_user("Hello again.") };
    let fresh = reset_messages(house.store(), &house.agent.id, &[opening]).unwrap();
    assert_eq!(house.messages().last(), fresh.last());
    assert!(house.messages().len() > fresh.len(), "recall keeps what was said before");
    assert!(house.block("human").value.ends_with("Likes tea."));
    let (turn, _) = begin_turn(house.store(), &house.agent.id, "Hi.").unwrap();
    let refused = reset_messages(house.store(), &house.agent.id, &[]);
    assert!(matches!(refused, Err(AgentError::Busy { .. })));
    house.run(&turn, vec![says("Hi.")]);
    assert_eq!(house.last_prompt().messages.len(), 2);
}

#[test]
fn a_window_that_clears_itself_holds_one_turn_and_recall_all() {
    let mut house =
        House::with(AgentType::LettaV1Agent, |agent| agent.settings = json!({ "message_buffer_autoclear": true }));
    house.say("One.", vec![says("First.")]);
    house.say("Two.", vec![says("Second.")]);
    assert_eq!(house.last_prompt().messages.len(), 1);
    assert_eq!(house.messages().len(), 4);
}

#[test]
fn a_tool_outside_runs_within_the_turn_where_it_is_attached() {
    let mut house = House::with(AgentType::LettaV1Agent, |agent| agent.tools.push("outside_dice".to_owned()));
    let turn = ask(
        &mut house,
        json!({}),
        vec![calls("outside_dice", json!({ "sides": 6 })), calls("outside_dice", json!({})), says("A six.")],
    );
    assert_eq!(turn.stop_reason.as_deref(), Some("end_turn"));
    assert!(menu(&house.last_prompt()).contains(&"outside_dice".to_owned()));
    let results = house.messages().into_iter().filter(|message| message.role == Role::Tool);
    let results: Vec<_> = results.map(|message| (message.tool_status, message.content)).collect();
    let wanted = [(Some(ToolStatus::Ok), "6 came up."), (Some(ToolStatus::Failed), "How many sides?")];
    assert_eq!(results, wanted.map(|(status, text)| (status, text.to_owned())));

    let mut without = House::new(AgentType::LettaV1Agent);
    ask(&mut without, json!({}), vec![says("No dice here.")]);
    assert!(!menu(&without.last_prompt()).contains(&"outside_dice".to_owned()));
}
