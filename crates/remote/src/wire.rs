//! The body of a request for a chat completion.
//!
//! Only fields that are part of the protocol are sent; min-p and repetition penalty are not, and strict endpoints
//! refuse what they do not know. What an endpoint turned out not to understand is left out.

use std::borrow::Cow;

use resident_agent::{GenerateOptions, Prompt, PromptMessage, ToolChoice, ToolSchema};
use resident_store::Role;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::adapt::Dialect;
use crate::menu::{call_text, describe};

/// Seeds are 31 bits wide: what every server's integer holds.
const SEED_MASK: u64 = 0x7fff_ffff;

/// Whether the menu is sent as tools.
pub(crate) fn sends_tools(prompt: &Prompt, dialect: Dialect) -> bool {
    has_menu(prompt) && !dialect.tools_as_text
}

/// Whether anything can be called.
pub(crate) fn has_menu(prompt: &Prompt) -> bool {
    !prompt.menu.is_empty() && prompt.tool_choice != ToolChoice::None
}

/// The body of a request. A conversation is long, and goes out as it stands.
#[derive(Debug, Serialize)]
pub(crate) struct Request<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Serialize)]
struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: &'a ToolSchema,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

impl<'a> Message<'a> {
    fn said(role: &'static str, content: impl Into<Cow<'a, str>>) -> Self {
        Self { role, content: content.into(), tool_calls: Vec::new(), tool_call_id: None }
    }
}

/// The body of the request.
pub(crate) fn request<'a>(
    model: &'a str,
    prompt: &'a Prompt,
    options: &GenerateOptions,
    dialect: Dialect,
) -> Request<'a> {
    let mut rest = Map::new();
    if !dialect.no_stream_options {
        rest.insert("stream_options".into(), json!({ "include_usage": true }));
    }
    let limit = if dialect.completion_tokens { "max_completion_tokens" } else { "max_tokens" };
    rest.insert(limit.into(), json!(options.max_tokens));
    if !dialect.no_sampling {
        add_sampling(&mut rest, options);
    }
    let mut tools = Vec::new();
    if sends_tools(prompt, dialect) {
        tools.extend(prompt.menu.iter().map(|function| Tool { kind: "function", function }));
        add_tool_choice(&mut rest, prompt, dialect);
    }
    Request { model, messages: messages(prompt, dialect), stream: true, tools, rest }
}

fn add_sampling(body: &mut Map<String, Value>, options: &GenerateOptions) {
    body.insert("temperature".into(), decimal(options.temperature));
    if options.top_p < 1.0 {
        body.insert("top_p".into(), decimal(options.top_p));
    }
    body.insert("seed".into(), json!(options.seed & SEED_MASK));
    if !options.stop.is_empty() {
        body.insert("stop".into(), json!(options.stop));
    }
}

/// A setting as a person wrote it: 0.7, and not what a float of 32 bits makes of it.
fn decimal(value: f32) -> Value {
    json!(value.to_string().parse::<f64>().unwrap_or(f64::from(value)))
}

fn add_tool_choice(body: &mut Map<String, Value>, prompt: &Prompt, dialect: Dialect) {
    if prompt.tool_choice == ToolChoice::Required {
        if !dialect.no_tool_choice {
            // The form that names one tool is refused by some servers, and with one tool it says no more.
            body.insert("tool_choice".into(), json!("required"));
        }
        if !dialect.no_parallel_choice {
            body.insert("parallel_tool_calls".into(), json!(false));
        }
    }
}

fn messages(prompt: &Prompt, dialect: Dialect) -> Vec<Message<'_>> {
    let as_text = dialect.tools_as_text;
    let mut system = Cow::Borrowed(prompt.system.as_str());
    if as_text && has_menu(prompt) {
        system = Cow::Owned(format!("{system}\n\n{}", describe(&prompt.menu, prompt.tool_choice)));
    }
    let mut messages: Vec<Message<'_>> = Vec::new();
    if !system.trim().is_empty() {
        messages.push(Message::said("system", system));
    }
    let plain = as_text || dialect.strict_roles;
    let mut last_role = "";
    for message in &prompt.messages {
        if !plain {
            messages.push(native(message));
            continue;
        }
        let (role, text) = if as_text { in_words(message) } else { strict(message) };
        // Templates that know no tools want user and assistant in turns.
        let merges = as_text || (message.tool_calls.is_empty() && message.role != Role::Tool);
        match messages.last_mut().filter(|_| merges && role == last_role) {
            Some(last) => {
                let joined = last.content.to_mut();
                joined.push_str("\n\n");
                joined.push_str(&text);
            }
            None if as_text => messages.push(Message::said(role, text)),
            None => messages.push(Message { role, content: text.into(), ..native(message) }),
        }
        last_role = role;
    }
    messages
}

/// A message in the words of the protocol.
fn native(message: &PromptMessage) -> Message<'_> {
    let content = message.content.as_str();
    match message.role {
        Role::System => Message::said("system", content),
        Role::User => Message::said("user", content),
        Role::Assistant => {
            let calls = message.tool_calls.iter().map(|call| {
                json!({
                    "id": call.id,
                    "type": "function",
                    "function": { "name": call.name, "arguments": call.arguments.to_string() },
                })
            });
            Message { tool_calls: calls.collect(), ..Message::said("assistant", content) }
        }
        Role::Tool => Message { tool_call_id: message.tool_call_id.as_deref(), ..Message::said("tool", content) },
    }
}

/// A message for a template that allows the system only at the beginning.
fn strict(message: &PromptMessage) -> (&'static str, String) {
    match message.role {
        Role::System => ("user", format!("[system] {}", message.content)),
        Role::User => ("user", message.content.clone()),
        Role::Assistant => ("assistant", message.content.clone()),
        Role::Tool => ("tool", message.content.clone()),
    }
}

/// A message for an endpoint that knows no tools: calls are the text that is asked for, results are told.
fn in_words(message: &PromptMessage) -> (&'static str, String) {
    match message.role {
        Role::System | Role::User | Role::Tool => {
            let text = if message.role == Role::Tool {
                format!("[tool result] {}", message.content)
            } else {
                strict(message).1
            };
            ("user", text)
        }
        Role::Assistant => {
            let calls = message.tool_calls.iter().map(|call| call_text(&call.name, &call.arguments));
            let text: Vec<String> =
                std::iter::once(message.content.clone()).filter(|text| !text.is_empty()).chain(calls).collect();
            ("assistant", text.join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use resident_store::ToolCall;

    fn prompt() -> Prompt {
        let call = ToolCall { id: "call-1".into(), name: "note".into(), arguments: json!({"text": "é"}) };
        Prompt {
            system: "You are Resident.".into(),
            messages: vec![
                PromptMessage::text(Role::User, "Hi"),
                PromptMessage { tool_calls: vec![call], ..PromptMessage::text(Role::Assistant, "") },
                PromptMessage { tool_call_id: Some("call-1".into()), ..PromptMessage::text(Role::Tool, "OK") },
                PromptMessage::text(Role::System, "heartbeat"),
            ],
            menu: vec![ToolSchema { name: "note".into(), description: "Notes.".into(), parameters: json!({}) }],
            tool_choice: ToolChoice::Required,
            describe_tools: true,
        }
    }

    fn body_of(prompt: &Prompt, options: &GenerateOptions, dialect: Dialect) -> Value {
        serde_json::to_value(request("m", prompt, options, dialect)).unwrap()
    }

    fn roles(body: &Value) -> Vec<&str> {
        body["messages"].as_array().expect("messages").iter().map(|m| m["role"].as_str().expect("a role")).collect()
    }

    #[test]
    fn the_request_is_the_protocols() {
        let options = GenerateOptions { seed: u64::MAX, ..GenerateOptions::default() };
        let body = body_of(&prompt(), &options, Dialect::default());
        assert_eq!(roles(&body), ["system", "user", "assistant", "tool", "system"]);
        let call = &body["messages"][2]["tool_calls"][0];
        assert_eq!(call["function"]["arguments"], json!(r#"{"text":"é"}"#), "arguments travel as a string");
        assert_eq!(body["messages"][3]["tool_call_id"], "call-1");
        let tool = json!({ "name": "note", "description": "Notes.", "parameters": {} });
        assert_eq!(body["tools"], json!([{ "type": "function", "function": tool }]));
        assert_eq!(body["tool_choice"], "required");
        assert_eq!(body["parallel_tool_calls"], false);
        assert_eq!(body["stream_options"]["include_usage"], true);
        assert_eq!(body["temperature"].to_string(), "0.7");
        assert_eq!(body["seed"], 0x7fff_ffff);
        assert!(body.get("min_p").is_none(), "strict endpoints refuse what the protocol does not know");
    }

    #[test]
    fn no_tools_are_sent_where_none_can_be_called() {
        let prompt = Prompt { tool_choice: ToolChoice::None, ..prompt() };
        assert!(body_of(&prompt, &GenerateOptions::default(), Dialect::default()).get("tools").is_none());
    }

    #[test]
    fn without_tools_everything_is_said_in_words() {
        let dialect = Dialect { tools_as_text: true, ..Dialect::default() };
        let body = body_of(&prompt(), &GenerateOptions::default(), dialect);
        assert_eq!(roles(&body), ["system", "user", "assistant", "user"]);
        assert!(body.get("tools").is_none() && body.get("tool_choice").is_none());
        let text = |at: usize| body["messages"][at]["content"].as_str().expect("text");
        assert!(text(0).contains("Notes."));
        assert_eq!(text(2), r#"{"name":"note","arguments":{"text":"é"}}"#);
        assert_eq!(text(3), "[tool result] OK\n\n[system] heartbeat");
    }

    #[test]
    fn strict_roles_keep_calls_and_results() {
        let dialect = Dialect { strict_roles: true, ..Dialect::default() };
        let body = body_of(&prompt(), &GenerateOptions::default(), dialect);
        assert_eq!(roles(&body), ["system", "user", "assistant", "tool", "user"]);
        assert_eq!(body["messages"][2]["tool_calls"][0]["id"], "call-1");
    }
}
