//! What messages ask, and what steps are planned for them.

use resident_store::{AgentId, Block, BlockId, Message, MessageId, Role, ToolCall, ToolStatus};
use serde_json::{Value, json};

use super::*;
use crate::model::{ToolChoice, ToolSchema};

#[test]
fn words_of_a_request_leave_no_doubt() {
    use MemoryRequest::{Archive, Correct, Forget, Remember};
    for (text, request) in [
        ("Remember I prefer dark mode.", Some(Remember)),
        ("Hey, could you please remember that I'm vegan?", Some(Remember)),
        ("Can you remember my birthday is on 3 May?", Some(Remember)),
        ("I'm vegetarian, keep that in mind.", Some(Remember)),
        ("My name is Nick. Remember it.", Some(Remember)),
        ("don't forget that the rent is due", Some(Remember)),
        ("Don’t let me forget the milk", Some(Remember)),
        ("I want you to know that I'm deaf in one ear", Some(Remember)),
        ("Forget my address.", Some(Forget)),
        ("please forget what I said about my boss", Some(Forget)),
        ("Don't remember that I was sick.", Some(Forget)),
        ("I don't want you to remember my password", Some(Forget)),
        ("You no longer need to remember my locker.", Some(Forget)),
        ("Delete that from your memory", Some(Forget)),
        ("Correction: my car is grey.", Some(Correct)),
        ("Actually my dentist is on Thursday, not Tuesday", Some(Correct)),
        ("Please update your notes, I moved to Dublin.", Some(Correct)),
        ("Save this for later: 200 g of butter, and don't forget the salt.", Some(Archive)),
        ("Archive this: notes from Monday.", Some(Archive)),
        ("Put it into the archive please", Some(Archive)),
    ] {
        assert_eq!(explicit_request(text), request, "{text}");
    }
}

#[test]
fn traps_are_no_requests() {
    for text in [
        "Do you remember my birthday?",
        "Can you remember my birthday?",
        "Remember when we went to Greece?",
        "Remember what I said about the car?",
        "I can't remember the name of my doctor.",
        "I don't remember, did I tell you?",
        "I forgot my keys.",
        "Did you forget my name?",
        "Forget it.",
        "forget it, not important",
        "Never mind.",
        "Why do we forget things?",
        "What's the best way to remember names?",
        "How do I save a file in vim?",
        "How do I delete a file?",
        "Delete the second paragraph of the poem.",
        "What is in the archive about whales?",
        "Hello!",
        "",
    ] {
        assert_eq!(explicit_request(text), None, "{text}");
    }
}

#[test]
fn without_an_embedder_words_decide() {
    let router = Router::bundled();
    for (text, intent) in [
        ("Remember I prefer dark mode.", Intent::Remember),
        ("My name is Rosa.", Intent::Remember),
        ("Do you remember my birthday?", Intent::Recall),
        ("I can't remember the name of my doctor", Intent::Recall),
        ("What did I tell you about the car?", Intent::Recall),
        ("What's my name?", Intent::Recall),
        ("Forget it", Intent::Converse),
        ("Thanks a lot!", Intent::Converse),
        ("What is the capital of Peru?", Intent::Converse),
        ("Actually my dentist is on Thursday, not Tuesday", Intent::Correct),
        ("No, my cat is called Rex, not Max", Intent::Correct),
        ("Show me the list I saved", Intent::Recall),
    ] {
        let routed = router.route(text, None);
        assert_eq!((routed.intent, routed.by), (intent, RoutedBy::Words), "{text}");
    }
}

#[test]
fn the_bundled_weights_fit_the_features() {
    let weights: RouterWeights = serde_json::from_str(include_str!("router/weights.json")).unwrap();
    assert_eq!(weights.rows.len(), Intent::ALL.len());
    for row in &weights.rows {
        assert_eq!(row.len(), weights.dimension + WORD_FEATURES + 1);
    }
}

#[test]
fn every_intent_has_examples() {
    for intent in Intent::ALL {
        let count = router_examples().filter(|(of, _)| *of == intent).count();
        assert!(count >= 30, "{intent:?} has {count}");
    }
}

fn block(label: &str, value: &str) -> Block {
    Block {
        id: BlockId::from(format!("block-{label}").as_str()),
        label: label.to_owned(),
        description: String::new(),
        value: value.to_owned(),
        limit_chars: 20_000,
        read_only: false,
        metadata: Value::Null,
        letta: Value::Null,
        created_at_ms: 0,
        updated_at_ms: 0,
        deleted_at_ms: None,
    }
}

fn message(role: Role, content: &str) -> Message {
    Message {
        id: MessageId::from("message-1"),
        seq: 1,
        agent_id: AgentId::from("agent-1"),
        conversation_id: None,
        turn_id: None,
        step_id: None,
        role,
        content: content.to_owned(),
        thoughts: None,
        tool_calls: Vec::new(),
        tool_call_id: None,
        name: None,
        tool_status: None,
        otid: None,
        sender_id: None,
        group_id: None,
        origin_id: None,
        created_at_ms: 0,
        deleted_at_ms: None,
    }
}

fn called(name: &str, arguments: Value, result: &str, status: ToolStatus) -> [Message; 2] {
    let call = ToolCall { id: "call-1".to_owned(), name: name.to_owned(), arguments };
    let answer = Message { tool_calls: vec![call], ..message(Role::Assistant, "") };
    let result =
        Message { tool_call_id: Some("call-1".to_owned()), tool_status: Some(status), ..message(Role::Tool, result) };
    [answer, result]
}

/// A Monday.
const NOW: jiff::civil::DateTime = jiff::civil::date(2026, 11, 23).at(14, 5, 0, 0);

fn tool(name: &str) -> ToolSchema {
    let parameters = json!({"type": "object", "properties": {"request_heartbeat": {"type": "boolean"}}});
    ToolSchema { name: name.to_owned(), description: String::new(), parameters }
}

/// What a turn of `text` is led to: purpose, tool, arguments.
fn led(intent: Intent, text: &str, human: &str, done: &[Message]) -> String {
    led_with(intent, text, human, &[], done)
}

/// A passage of archival memory that was found, near enough to be meant.
fn passage(text: &str, relevance: f32) -> Note {
    let passage_id = Some(resident_store::PassageId::from("passage-1"));
    Note { text: text.to_owned(), source: NoteSource::Passage, passage_id, relevance }
}

fn led_with(intent: Intent, text: &str, human: &str, notes: &[Note], done: &[Message]) -> String {
    let names = [
        "send_message",
        "core_memory_append",
        "core_memory_replace",
        "archival_memory_insert",
        "archival_memory_replace",
        "archival_memory_search",
        "conversation_search",
    ];
    let tools = names.map(tool);
    let blocks = [block("persona", "I am Resident."), block("human", human)];
    let mut recent = vec![message(Role::User, text)];
    recent.extend_from_slice(done);
    let step = plan(&GuidanceInput {
        intent,
        user_text: text,
        blocks: &blocks,
        notes,
        gone: &[],
        now: NOW,
        recent: &recent,
        agent_name: "Resident",
        user_name: Some("Nick"),
        allowed_tools: &tools,
    });
    let [schema] = step.prompt.menu.as_slice() else { panic!("one tool is on the menu") };
    assert_eq!(step.prompt.tool_choice, ToolChoice::Required);
    let bound = schema.parameters["properties"].as_object().unwrap().iter().map(|(name, property)| {
        let what = property.get("pattern").or_else(|| property.pointer("/enum/0")).unwrap_or(&Value::Null);
        format!("\n  {name}: {what}")
    });
    format!("{:?} {}{}", step.purpose, schema.name, bound.collect::<String>())
}

#[test]
fn a_fact_is_appended_then_confirmed() {
    insta::assert_snapshot!(led(Intent::Remember, "Remember I prefer dark mode.", "", &[]), @r#"
    Write core_memory_append
      label: "human"
      content: "^(?:The user prefers dark mode\\.)$"
      request_heartbeat: true
    "#);
    let content = json!({"label": "human", "content": "The user prefers dark mode."});
    let done = called("core_memory_append", content, "", ToolStatus::Ok);
    insta::assert_snapshot!(led(Intent::Remember, "Remember I prefer dark mode.", "", &done), @r#"
    Speak send_message
      message: "^(?:(?:Got it\\. |Okay\\. |)I'll remember that you prefer dark mode\\.)$"
      request_heartbeat: false
    "#);
}

#[test]
fn a_correction_replaces_the_line_it_is_about() {
    let human = "The user lives in Oslo.\nThe user's dentist is on Tuesday.";
    let text = "Actually my dentist is on Thursday, not Tuesday";
    insta::assert_snapshot!(led(Intent::Correct, text, human, &[]), @r#"
    Write core_memory_replace
      label: "human"
      old_content: "The user's dentist is on Tuesday."
      new_content: "^(?:The user's dentist is on Thursday\\.)$"
      request_heartbeat: true
    "#);
    insta::assert_snapshot!(led(Intent::Correct, text, "The user lives in Oslo.", &[]), @r#"
    Write core_memory_append
      label: "human"
      content: "^(?:The user's dentist is on Thursday, not Tuesday\\.)$"
      request_heartbeat: true
    "#);
}

#[test]
fn a_forgotten_line_goes_with_its_line_break() {
    let human = "The user lives in Oslo.\nThe user likes jazz.";
    insta::assert_snapshot!(led(Intent::Forget, "Forget that I like jazz.", human, &[]), @r#"
    Write core_memory_replace
      label: "human"
      old_content: "\nThe user likes jazz."
      new_content: "^(?:)$"
      request_heartbeat: true
    "#);
    let step = led(Intent::Forget, "Forget my shoe size.", human, &[]);
    assert!(step.starts_with("NothingToForget send_message"), "{step}");
}

#[test]
fn a_question_searches_then_answers_from_what_was_found() {
    let text = "What did I say about the roof?";
    insta::assert_snapshot!(led(Intent::Recall, text, "", &[]), @r#"
    Search conversation_search
      query: "^(?:roof)$"
      request_heartbeat: true
    "#);
    let found = json!({"message": "Showing 1 results:", "results": [
        {"role": "user", "content": "My roof is leaking since Monday."},
    ]});
    let done = called("conversation_search", json!({"query": "roof"}), &found.to_string(), ToolStatus::Ok);
    insta::assert_snapshot!(led(Intent::Recall, text, "", &done), @r#"
    Speak send_message
      message: "^(?:Your roof is leaking since Monday\\.)$"
      request_heartbeat: false
    "#);
}

#[test]
fn a_question_that_is_not_surely_about_the_user_is_answered_from_memory_where_it_can_be() {
    let human = "The user's son Leo is seven years old.";
    let asked = led(Intent::Converse, "How old is Leo?", human, &[]);
    assert!(asked.starts_with("Search"), "{asked}");
    let free = led(Intent::Converse, "How old is the Earth?", human, &[]);
    assert!(free.starts_with("Speak send_message\n  message: null"), "{free}");
}

#[test]
fn a_block_that_refuses_a_fact_leaves_the_archive() {
    let refused = called("core_memory_append", json!({}), "over its limit", ToolStatus::Failed);
    let step = led(Intent::Remember, "Remember I prefer dark mode.", "", &refused);
    assert!(step.starts_with("Write archival_memory_insert"), "{step}");
    let mut twice = refused.to_vec();
    let again = called("archival_memory_insert", json!({}), "The disk is full.", ToolStatus::Failed);
    twice.extend(again.map(|mut message| {
        for call in &mut message.tool_calls {
            call.id = "call-2".to_owned();
        }
        message.tool_call_id = message.tool_call_id.map(|_| "call-2".to_owned());
        message
    }));
    let step = led(Intent::Remember, "Remember I prefer dark mode.", "", &twice);
    assert!(step.contains("I could not write that to my memory: The disk is full"), "{step}");
}

#[test]
fn without_send_message_the_text_is_bound() {
    let tools = ["core_memory_append"].map(tool);
    let recent = [message(Role::User, "Forget my shoe size.")];
    let step = plan(&GuidanceInput {
        intent: Intent::Forget,
        user_text: "Forget my shoe size.",
        blocks: &[],
        notes: &[],
        gone: &[],
        now: NOW,
        recent: &recent,
        agent_name: "Resident",
        user_name: None,
        allowed_tools: &tools,
    });
    assert_eq!(step.prompt.tool_choice, ToolChoice::None);
    assert!(step.options.text_pattern.is_some());
}

#[test]
fn an_archived_text_is_corrected_in_its_place() {
    let saved = [passage("the plumber quoted 1,200.", 0.8)];
    let text = "Correction: the plumber quoted 1,500, not 1,200.";
    insta::assert_snapshot!(led_with(Intent::Correct, text, "The user lives in Oslo.", &saved, &[]), @r#"
    Write archival_memory_replace
      passage_id: "passage-1"
      new_content: "^(?:the plumber quoted 1,500\\.)$"
      request_heartbeat: true
    "#);
    let arguments = json!({"passage_id": "passage-1", "new_content": "the plumber quoted 1,500."});
    let done = called("archival_memory_replace", arguments, "", ToolStatus::Ok);
    insta::assert_snapshot!(led_with(Intent::Correct, text, "The user lives in Oslo.", &saved, &done), @r#"
    Speak send_message
      message: "^(?:(?:I've updated that|Updated|Thanks, I've corrected that): The plumber quoted 1,500\\.)$"
      request_heartbeat: false
    "#);
}

#[test]
fn an_archived_text_is_forgotten() {
    let saved = [passage("the plumber quoted 1,200.", 0.8)];
    let text = "Forget what the plumber quoted.";
    insta::assert_snapshot!(led_with(Intent::Forget, text, "The user lives in Oslo.", &saved, &[]), @r#"
    Write archival_memory_replace
      passage_id: "passage-1"
      new_content: "^(?:)$"
      request_heartbeat: true
    "#);
    let arguments = json!({"passage_id": "passage-1", "new_content": ""});
    let done = called("archival_memory_replace", arguments, "", ToolStatus::Ok);
    insta::assert_snapshot!(led_with(Intent::Forget, text, "The user lives in Oslo.", &saved, &done), @r#"
    Speak send_message
      message: "^(?:(?:Okay, |)I(?:'ve| have) forgotten that the plumber quoted 1,200\\.)$"
      request_heartbeat: false
    "#);
    let far = [passage("the plumber quoted 1,200.", 0.3)];
    let step = led_with(Intent::Forget, "Forget my shoe size.", "", &far, &[]);
    assert!(step.starts_with("NothingToForget"), "{step}");
}

#[test]
fn what_is_known_is_not_written_again() {
    let human = "The user's name is Nick.\nThe user likes tea.";
    for (intent, text) in [
        (Intent::Remember, "My name is Nick."),
        (Intent::Remember, "Remember that I really like tea!"),
        (Intent::Correct, "Correction: I like tea."),
    ] {
        let step = led(intent, text, human, &[]);
        assert!(step.starts_with("AlreadyKnown send_message"), "{text}: {step}");
    }
    let saved = [passage("the harbour closes at dusk", 0.9)];
    let step = led_with(Intent::Archive, "Save this for later: the harbour closes at dusk.", "", &saved, &[]);
    assert!(step.starts_with("AlreadyKnown"), "{step}");
    insta::assert_snapshot!(led(Intent::Remember, "My name is Nick and I live in Oslo.", human, &[]), @r#"
    Write core_memory_append
      label: "human"
      content: "^(?:The user lives in Oslo\\.)$"
      request_heartbeat: true
    "#);
}

#[test]
fn what_changed_takes_the_place_of_what_was() {
    let human = "The user's name is Nick.\nThe user's sister lives in Bergen.";
    insta::assert_snapshot!(led(Intent::Remember, "My sister moved to Stavanger", human, &[]), @r#"
    Write core_memory_replace
      label: "human"
      old_content: "The user's sister lives in Bergen."
      new_content: "^(?:The user's sister moved to Stavanger\\.)$"
      request_heartbeat: true
    "#);
    let saved = [passage("My sister lives in Bergen.", 0.8)];
    insta::assert_snapshot!(led_with(Intent::Remember, "My sister moved to Stavanger", "", &saved, &[]), @r#"
    Write archival_memory_replace
      passage_id: "passage-1"
      new_content: "^(?:The user's sister moved to Stavanger\\.)$"
      request_heartbeat: true
    "#);
    insta::assert_snapshot!(led(Intent::Remember, "My sister is a nurse", human, &[]), @r#"
    Write core_memory_append
      label: "human"
      content: "^(?:The user's sister is a nurse\\.)$"
      request_heartbeat: true
    "#);
}

#[test]
fn a_day_is_kept_with_its_date() {
    insta::assert_snapshot!(led(Intent::Remember, "My appointment is next Tuesday.", "", &[]), @r#"
    Write core_memory_append
      label: "human"
      content: "^(?:The user's appointment is next Tuesday \\(1 December 2026\\)\\.)$"
      request_heartbeat: true
    "#);
    let human = "The user's appointment is next Tuesday (1 December 2026).";
    insta::assert_snapshot!(led(Intent::Correct, "No, my appointment is next Friday.", human, &[]), @r#"
    Write core_memory_replace
      label: "human"
      old_content: "The user's appointment is next Tuesday (1 December 2026)."
      new_content: "^(?:The user's appointment is next Friday \\(4 December 2026\\)\\.)$"
      request_heartbeat: true
    "#);
}

#[test]
fn what_would_have_to_be_inferred_is_left_to_the_user() {
    let human = "The user is allergic to shellfish.\nThe user is allergic to penicillin.\nThe user likes jazz.";
    for question in ["Can I eat shrimp?", "Is there any medicine I shouldn't take?", "Should I take amoxicillin?"] {
        let notes: Vec<_> = human
            .lines()
            .map(|text| Note { text: text.to_owned(), source: NoteSource::Block, passage_id: None, relevance: 0.3 })
            .collect();
        let step = led_with(Intent::Converse, question, human, &notes, &[]);
        assert!(step.contains("You told me: You are allergic to"), "{question}: {step}");
        assert!(!step.contains("jazz"), "{question}: {step}");
        let step = led(Intent::Converse, question, "The user likes jazz.", &[]);
        assert!(step.contains("I don't know whether that is right for you"), "{question}: {step}");
    }
    for question in [
        "What can I cook with lentils?",
        "How do I boil an egg?",
        "Can I use Rust on Windows?",
        "Is coffee made of beans?",
    ] {
        let step = led(Intent::Converse, question, "The user likes jazz.", &[]);
        assert!(step.starts_with("Speak send_message\n  message: null"), "{question}: {step}");
    }
}

#[test]
fn nothing_is_invented_about_the_user() {
    for question in ["Does my sister like tea?", "Am I left-handed?", "Do I have a bike?", "When does my lease end?"] {
        let step = led(Intent::Converse, question, "The user likes jazz.", &[]);
        assert!(step.starts_with("Search") || step.contains("I can't tell"), "{question}: {step}");
    }
}

#[test]
fn small_talk_gets_a_short_answer() {
    for (text, answer) in [
        ("Thanks a lot!", "You're welcome"),
        ("Hello!", "What can I do for you"),
        ("Who are you?", "I'm Resident, your personal assistant"),
        ("Your name is not Nick.", "My name is Resident"),
        ("What's the date today?", "Today is Monday, 23 November 2026"),
        ("what time is it", "It is 14:05"),
        ("You are not helpful", "I'm sorry"),
    ] {
        let step = led(Intent::Converse, text, "", &[]);
        assert!(step.starts_with("Speak") && step.contains(answer), "{text}: {step}");
    }
}

#[test]
fn of_a_pasted_text_the_ends_are_read() {
    let pasted = "All work and no play. ".repeat(50_000);
    assert_eq!(explicit_request(&pasted), None);
    assert_eq!(explicit_request(&format!("Save this for later: {pasted}")), Some(MemoryRequest::Archive));
    assert_eq!(explicit_request(&format!("{pasted}\nForget my address.")), Some(MemoryRequest::Forget));
}

#[test]
fn an_archived_text_is_forgotten_by_one_word_of_it() {
    let saved = [passage("Boiler serviced by Wagner, invoice 311 euros, next service in May.", 0.25)];
    let step = led_with(Intent::Forget, "Delete what you know about the boiler", "", &saved, &[]);
    assert!(step.starts_with("Write archival_memory_replace"), "{step}");
}

#[test]
fn a_fact_that_is_new_is_not_known_the_moment_it_is_written() {
    let content = json!({"label": "human", "content": "The garage code is 4471."});
    let done = called("core_memory_append", content, "", ToolStatus::Ok);
    let step = led(Intent::Correct, "The garage code is 4471", "The garage code is 4471.", &done);
    assert!(step.contains("I'll remember"), "{step}");
}
