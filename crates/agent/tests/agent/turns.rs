//! The life of a turn: both types of agents, prompts, events, steps, retry, edit, refusal.

use resident_agent::{AgentError, AgentEvent, Progress, begin_edit, begin_retry, begin_turn};
use resident_store::{AgentType, Role, TurnStatus};
use serde_json::json;

use crate::scripted::{House, Line, calls, menu, says};

#[test]
fn a_text_agent_answers_and_all_of_it_is_recorded() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let turn = house.say("Hello!", vec![says("Hello, Nick.")]);
    assert_eq!((turn.status, turn.stop_reason.as_deref()), (TurnStatus::Completed, Some("end_turn")));
    assert_eq!(house.said_by(Role::Assistant), ["Hello, Nick."]);
    let steps = house.store().read(|reader| reader.steps_of_turn(&turn.id)).unwrap();
    assert_eq!(steps.len(), 1);
    let trace = &steps[0].trace;
    assert_eq!(trace["menu"].as_array().unwrap().len(), house.agent.tools.len());
    assert_eq!((&trace["tool_choice"], &trace["finish"]), (&json!("auto"), &json!("stop")));
    assert!(trace["prompt"]["total_tokens"].as_u64().unwrap() > 0);
    assert!(steps[0].prompt_tokens > 0);
    assert!(matches!(house.events.last(), Some(AgentEvent::StepEnded(step)) if *step == steps[0]));
    assert!(
        house.messages().iter().filter(|m| m.role == Role::Assistant).all(|m| m.step_id.as_ref() == Some(&steps[0].id))
    );
}

#[test]
fn a_memgpt_agent_speaks_through_its_tool() {
    let mut house = House::new(AgentType::MemgptAgent);
    let append =
        json!({ "thinking": "Keep it.", "label": "human", "content": "Likes tea.", "request_heartbeat": true });
    let send = json!({ "thinking": "Tell him.", "message": "Noted!", "request_heartbeat": false });
    house.say("I like tea.", vec![calls("core_memory_append", append), calls("send_message", send)]);
    let messages = house.messages();
    let roles: Vec<_> = messages.iter().map(|message| message.role).collect();
    use Role::{Assistant, System, Tool, User};
    assert_eq!(roles, [User, Assistant, Tool, System, Assistant, Tool]);
    assert_eq!(messages[1].thoughts.as_deref(), Some("Keep it."));
    assert_eq!(messages[3].name.as_deref(), Some("heartbeat"));
    assert_eq!(messages[4].content, "Noted!", "what is sent is what the user reads");
    insta::assert_debug_snapshot!(
        house.last_prompt().messages.iter().map(|m| format!("{:?}: {}", m.role, m.content)).collect::<Vec<_>>(),
        @r#"
    [
        "User: {\"type\":\"user_message\",\"message\":\"I like tea.\",\"time\":\"2023-11-14 10:13:20 PM UTC+0000\"}",
        "Assistant: ",
        "Tool: {\"status\":\"OK\",\"message\":\"The user's name is Nick.\\nLikes tea.\",\"time\":\"2023-11-14 10:13:21 PM UTC+0000\"}",
        "User: {\"type\":\"heartbeat\",\"reason\":\"You asked for a heartbeat: control returns to you.\",\"time\":\"2023-11-14 10:13:21 PM UTC+0000\"}",
    ]
    "#
    );
}

#[test]
fn what_send_message_says_is_streamed_as_text() {
    let mut house = House::new(AgentType::MemgptAgent);
    let delta =
        |text: &str| Progress::ToolCall { index: 0, name: "send_message".to_owned(), arguments_delta: text.to_owned() };
    let turn = house.say(
        "Hi",
        vec![Line::IsStopped(vec![
            delta("{\"thinking\": \"He gre"),
            delta("ets.\", \"message\": \"Hello,"),
            delta(" Ni"),
        ])],
    );
    let streamed: String = house
        .events
        .iter()
        .filter_map(|event| match event {
            AgentEvent::Text { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(streamed, "Hello, Ni");
    assert_eq!(turn.status, TurnStatus::Cancelled);
    let last = house.messages().pop().unwrap();
    assert_eq!((last.content.as_str(), last.thoughts.as_deref()), ("Hello, Ni", Some("He greets.")));
}

#[test]
fn the_prompt_has_its_parts_in_the_order_that_keeps_the_cache() {
    let mut house = House::with(AgentType::LettaV1Agent, |agent| {
        agent.id = "agent-1".into();
        agent.system = "Be kind.".to_owned();
        agent.tools = vec!["core_memory_append".to_owned()];
    });
    house.say("Hello!", vec![says("Hello.")]);
    let prompt = house.last_prompt();
    assert_eq!(menu(&prompt), ["core_memory_append"]);
    insta::assert_snapshot!(prompt.system, @r#"
    Be kind.

    <memory_blocks>
    The following memory blocks are currently engaged in your core memory unit:

    <persona>
    <description>Who you are: your name, character and manner, and what you have resolved about how to act. Keep it up to date as you develop.</description>
    <metadata>
    - chars_current=9
    - chars_limit=20000
    </metadata>
    <value>I am Ada.</value>
    </persona>

    <human>
    <description>What you know about the person you talk with: name, preferences, plans and the people around them. Keep it up to date as you learn more.</description>
    <metadata>
    - chars_current=24
    - chars_limit=20000
    </metadata>
    <value>The user's name is Nick.</value>
    </human>
    </memory_blocks>

    <memory_metadata>
    - AGENT_ID: agent-1
    </memory_metadata>
    "#);
    insta::assert_json_snapshot!(prompt.menu, @r#"
    [
      {
        "name": "core_memory_append",
        "description": "Adds a line to the end of a memory block. Use it for something new about the user or yourself that should always be in mind.",
        "parameters": {
          "type": "object",
          "properties": {
            "label": {
              "type": "string",
              "enum": [
                "persona",
                "human"
              ],
              "description": "The label of the memory block to edit."
            },
            "content": {
              "type": "string",
              "description": "The line to add, as a short sentence that can be understood on its own."
            }
          },
          "required": [
            "label",
            "content"
          ]
        }
      }
    ]
    "#);
}

#[test]
fn an_edit_is_in_the_next_prompt_and_the_prefix_before_it_stays() {
    let mut house = House::new(AgentType::LettaV1Agent);
    house.say("Hello!", vec![says("Hello.")]);
    house.say("And now?", vec![says("Now too.")]);
    let prompts = house.prompts();
    assert_eq!(prompts[0].system, prompts[1].system, "nothing that changes stands before the messages");
    assert_eq!(prompts[0].messages[..], prompts[1].messages[..1]);
    house.say("I like tea.", vec![calls("core_memory_append", json!({ "label": "human", "content": "Likes tea." }))]);
    assert!(house.last_prompt().system.contains("The user's name is Nick.\nLikes tea."));
}

#[test]
fn core_memory_stands_where_the_instructions_want_it() {
    let mut house =
        House::with(AgentType::LettaV1Agent, |agent| agent.system = "Before.\n{CORE_MEMORY}\nAfter.".to_owned());
    house.say("Hello!", vec![says("Hello.")]);
    let system = house.last_prompt().system;
    assert!(
        system.starts_with("Before.\n<memory_blocks>") && system.ends_with("</memory_metadata>\nAfter."),
        "{system}"
    );
}

#[test]
fn empty_messages_and_two_turns_at_once_are_refused() {
    let house = House::new(AgentType::LettaV1Agent);
    for empty in ["", " \n", "\0"] {
        assert!(matches!(begin_turn(house.store(), &house.agent.id, empty), Err(AgentError::Empty)));
    }
    let (_, message) = begin_turn(house.store(), &house.agent.id, "a\0b").unwrap();
    assert_eq!(message.content, "ab");
    assert!(matches!(begin_turn(house.store(), &house.agent.id, "c"), Err(AgentError::Busy { .. })));
    assert!(matches!(begin_edit(house.store(), &message.id, "c"), Err(AgentError::Busy { .. })));
    assert!(matches!(begin_turn(house.store(), &"agent-none".into(), "c"), Err(AgentError::AgentNotFound(_))));
}

#[test]
fn a_retry_bins_the_answer_and_keeps_the_memory() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let append = calls("core_memory_append", json!({ "label": "human", "content": "Likes tea." }));
    let turn = house.say("I like tea.", vec![append, says("A bad answer.")]);
    let (again, message) = begin_retry(house.store(), &turn.id).unwrap();
    assert_ne!(again.id, turn.id);
    assert_eq!(message.content, "I like tea.");
    assert_eq!(house.messages().len(), 1, "only the question is left");
    assert!(house.block("human").value.ends_with("Likes tea."), "what was remembered stays");
    house.run(&again, vec![says("A better answer.")]);
    let said: Vec<_> = house.messages().into_iter().map(|message| message.content).collect();
    assert_eq!(said, ["I like tea.", "A better answer."]);
    let prompt = house.last_prompt();
    assert_eq!(prompt.messages.len(), 1, "the model sees the question once and no old answer");
}

#[test]
fn an_edited_message_takes_the_place_of_the_old_one_and_all_after_it() {
    let mut house = House::new(AgentType::LettaV1Agent);
    house.say("First.", vec![says("One.")]);
    let asked = house.messages()[0].clone();
    house.say("Second.", vec![says("Two.")]);
    let (turn, _) = begin_edit(house.store(), &asked.id, "First, but better.").unwrap();
    house.run(&turn, vec![says("One, but better.")]);
    let said: Vec<_> = house.messages().into_iter().map(|message| message.content).collect();
    assert_eq!(said, ["First, but better.", "One, but better."]);
    let answer = house.messages()[1].id.clone();
    assert!(matches!(begin_edit(house.store(), &answer, "x"), Err(AgentError::NotUserMessage(_))));
    assert!(matches!(begin_edit(house.store(), &asked.id, "x"), Err(AgentError::MessageNotFound(_))));
}

#[test]
fn a_turn_that_does_not_run_is_not_driven() {
    let mut house = House::new(AgentType::LettaV1Agent);
    let turn = house.say("Hello!", vec![says("Hello.")]);
    assert!(matches!(house.try_run(&turn, vec![]), Err(AgentError::NotRunning(_))));
}

#[test]
fn tool_rules_that_cannot_be_read_fail_the_turn_in_words() {
    let mut house = House::with(AgentType::LettaV1Agent, |agent| agent.tool_rules = json!([{ "type": "sometimes" }]));
    let turn = house.say("Hello!", vec![]);
    assert_eq!(turn.status, TurnStatus::Failed);
    assert!(turn.error.unwrap().contains("tool rules"));
    assert_eq!(house.said_by(Role::User), ["Hello!"], "what the user said is safe");
}
