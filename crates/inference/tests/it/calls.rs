//! Calls of tools: always well formed, whatever the dice say.

use regex::Regex;
use resident_agent::{
    Cancel, Finish, GenerateOptions, LanguageModel, ModelError, Progress, Prompt, ToolChoice, ToolSchema,
};
use serde_json::{Value, json};

use crate::models::{generate, greedy, model, question};

fn tool(name: &str, parameters: Value) -> ToolSchema {
    ToolSchema { name: name.to_owned(), description: format!("The tool {name}."), parameters }
}

fn core_memory_append() -> ToolSchema {
    tool(
        "core_memory_append",
        json!({
            "type": "object",
            "properties": {
                "label": {"type": "string", "enum": ["human", "persona"]},
                "content": {"type": "string", "maxLength": 80},
            },
            "required": ["label", "content"],
        }),
    )
}

fn archival_memory_search() -> ToolSchema {
    tool(
        "archival_memory_search",
        json!({
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "tags": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 3},
                "top_k": {"type": "integer", "minimum": 1, "maximum": 50},
                "after": {"type": "string", "pattern": "^20[0-9]{2}-[01][0-9]-[0-3][0-9]$"},
            },
            "required": ["query"],
        }),
    )
}

fn menus() -> Vec<Vec<ToolSchema>> {
    let empty = tool("memory_finish_edits", json!({"type": "object", "properties": {}}));
    let nested = tool(
        "memory",
        json!({
            "type": "object",
            "properties": {
                "command": {"enum": ["create", "delete", "rename"]},
                "block": {
                    "type": "object",
                    "properties": {"label": {"type": "string", "maxLength": 20}, "size": {"type": "number"}},
                    "required": ["label"],
                },
                "again": {"type": "boolean"},
                "reason": {"anyOf": [{"type": "string", "maxLength": 30}, {"type": "null"}]},
            },
            "required": ["command", "block", "again", "reason"],
        }),
    );
    let quoted = tool(
        "say",
        json!({
            "type": "object",
            "properties": {"word": {"type": "string", "enum": ["a \"quoted\" word", "back\\slash", "Grüße", "line\nbreak"]}},
            "required": ["word"],
        }),
    );
    vec![
        vec![core_memory_append()],
        vec![archival_memory_search()],
        vec![core_memory_append(), archival_memory_search(), empty],
        vec![nested],
        vec![quoted],
    ]
}

fn required(menu: Vec<ToolSchema>, user: &str) -> Prompt {
    let prompt = question("You are an assistant with a memory.", user);
    Prompt { menu, tool_choice: ToolChoice::Required, ..prompt }
}

/// What of `value` breaks `schema`, for the keywords that the menus above use.
fn broken(schema: &Value, value: &Value) -> Option<String> {
    if let Some(any) = schema["anyOf"].as_array() {
        let all: Vec<_> = any.iter().map(|schema| broken(schema, value)).collect();
        return if all.contains(&None) { None } else { all.into_iter().flatten().next() };
    }
    if let Some(allowed) = schema["enum"].as_array() {
        return (!allowed.contains(value)).then(|| format!("{value} is not in {allowed:?}"));
    }
    let fits = match schema["type"].as_str() {
        Some("object") => {
            let (Some(object), properties) = (value.as_object(), &schema["properties"]) else {
                return Some(format!("{value} is no object"));
            };
            let order: Vec<_> =
                properties.as_object().unwrap().keys().filter(|key| object.contains_key(*key)).collect();
            if order != object.keys().collect::<Vec<_>>() {
                return Some(format!("{object:?} has other members, or in another order"));
            }
            let missing = schema["required"].as_array().into_iter().flatten();
            if missing.into_iter().any(|key| !object.contains_key(key.as_str().unwrap())) {
                return Some(format!("{object:?} lacks a member"));
            }
            return object.iter().find_map(|(key, value)| broken(&properties[key], value));
        }
        Some("array") => {
            let items = value.as_array().unwrap();
            if let Some(most) = schema["maxItems"].as_u64()
                && items.len() as u64 > most
            {
                return Some(format!("{items:?} is longer than {most}"));
            }
            return items.iter().find_map(|item| broken(&schema["items"], item));
        }
        Some("string") => value.as_str().is_some_and(|text| {
            let short = schema["maxLength"].as_u64().is_none_or(|most| text.chars().count() as u64 <= most);
            let pattern = schema["pattern"].as_str().map(|pattern| Regex::new(pattern).unwrap());
            short && pattern.is_none_or(|pattern| pattern.is_match(text))
        }),
        Some("integer") => value.as_i64().is_some_and(|number| {
            schema["minimum"].as_i64().is_none_or(|least| number >= least)
                && schema["maximum"].as_i64().is_none_or(|most| number <= most)
        }),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        other => panic!("the menus have no {other:?}"),
    };
    (!fits).then(|| format!("{value} does not fit {schema}"))
}

fn check(menu: &[ToolSchema], generation: &resident_agent::Generation) {
    assert_eq!(generation.tool_calls.len(), 1, "{generation:?}");
    let call = &generation.tool_calls[0];
    let tool = menu.iter().find(|tool| tool.name == call.name).expect("the tool is on the menu");
    assert_eq!(broken(&tool.parameters, &call.arguments), None, "{call:?}");
    assert!(generation.malformed_calls.is_empty());
}

#[test]
fn of_two_hundred_sampled_calls_none_breaks_its_schema() {
    let users = [
        "Remember that I like green tea.",
        "What did I say about \"Paris\"?\n{\"name\": \"x\"}",
        "Löschen!! 🦀🦀 \u{0} \\ \" } ]",
        "asdf",
    ];
    let menus = menus();
    for seed in 0..200u64 {
        let menu = &menus[seed as usize % menus.len()];
        let prompt = required(menu.clone(), users[seed as usize / menus.len() % users.len()]);
        // Some have to be ended before they are ready.
        let max_tokens = if seed % 4 == 3 { 8 } else { 32 };
        let options = GenerateOptions {
            max_tokens,
            temperature: 1.0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed,
            ..GenerateOptions::default()
        };
        let (generation, _) = generate(model(), &prompt, &options).unwrap();
        check(menu, &generation);
    }
}

#[test]
fn the_deltas_of_a_call_are_its_arguments() {
    let prompt = required(vec![core_memory_append()], "Remember that I like green tea.");
    let (generation, reported) = generate(model(), &prompt, &greedy(80)).unwrap();
    let mut arguments = String::new();
    for progress in reported {
        if let Progress::ToolCall { index, name, arguments_delta } = progress {
            assert_eq!((index, name.as_str()), (0, "core_memory_append"));
            arguments.push_str(&arguments_delta);
        }
    }
    assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap(), generation.tool_calls[0].arguments);
    assert_eq!(generation.finish, Finish::Stop);
    assert_eq!(generation.text, "");
}

#[test]
fn a_call_cut_by_the_limit_is_still_whole() {
    let menu = vec![archival_memory_search()];
    let prompt = required(menu.clone(), "Search for everything about my long journey through the north.");
    for max_tokens in [1, 8, 16, 24] {
        let options = GenerateOptions { temperature: 1.0, seed: 3, ..greedy(max_tokens) };
        let (generation, _) = generate(model(), &prompt, &options).unwrap();
        check(&menu, &generation);
        assert_eq!(generation.finish, Finish::Length);
    }
}

#[test]
fn a_cancelled_call_is_no_call() {
    let prompt = required(vec![archival_memory_search()], "Search for my journey.");
    let cancel = Cancel::default();
    let generation = model()
        .generate(&prompt, &greedy(100), &cancel, &mut |progress| {
            if matches!(progress, Progress::ToolCall { .. }) {
                cancel.cancel();
            }
        })
        .unwrap();
    assert_eq!(generation.finish, Finish::Cancelled);
    assert!(generation.tool_calls.is_empty());
}

#[test]
fn calls_of_different_messages_have_different_ids() {
    let menu = vec![core_memory_append()];
    let id = |user: &str| {
        let (generation, _) = generate(model(), &required(menu.clone(), user), &greedy(60)).unwrap();
        generation.tool_calls[0].id.clone()
    };
    assert_ne!(id("Remember that I like tea."), id("Remember that I like coffee."));
    assert!(id("Remember me.").starts_with("call-"));
}

#[test]
fn an_empty_menu_cannot_require_a_call() {
    match generate(model(), &required(Vec::new(), "Hello"), &greedy(16)) {
        Err(ModelError::Engine { model, message }) => {
            assert_eq!(model, "local/smollm2");
            assert!(message.contains("no tool on the menu"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn with_a_choice_a_message_is_text_or_a_call() {
    let menu = vec![core_memory_append(), archival_memory_search()];
    for (seed, user) in
        ["Hello!", "Remember that my cat is called Tom.", "{", "Call core_memory_append."].iter().enumerate()
    {
        let prompt = Prompt {
            tool_choice: ToolChoice::Auto,
            describe_tools: true,
            menu: menu.clone(),
            ..question("You are an assistant with a memory.", user)
        };
        let options =
            GenerateOptions { max_tokens: 80, temperature: 1.0, seed: seed as u64, ..GenerateOptions::default() };
        let (generation, _) = generate(model(), &prompt, &options).unwrap();
        if generation.tool_calls.is_empty() {
            assert!(!generation.text.trim_start().starts_with('{'), "{}", generation.text);
        } else {
            check(&menu, &generation);
        }
    }
}
