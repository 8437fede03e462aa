//! Tools for endpoints that know none: the menu as words in the system message, a call as one JSON object in the text.

use resident_agent::{ToolChoice, ToolSchema};
use serde_json::{Deserializer, Map, Value, json};

/// The menu in words.
pub(crate) fn describe(menu: &[ToolSchema], choice: ToolChoice) -> String {
    let mut text = String::from("# Tools\n\nYou can call these tools:\n");
    for tool in menu {
        text += &format!("\n## {}\n{}\nArguments as JSON Schema: {}\n", tool.name, tool.description, tool.parameters);
    }
    text += "\nTo call a tool, write one JSON object and nothing else:\n\
             {\"name\": \"<tool>\", \"arguments\": {<its arguments>}}\n";
    text += match choice {
        ToolChoice::Required => "Answer this message with such a call.",
        ToolChoice::Auto | ToolChoice::None => "When no tool is needed, answer in plain words without JSON.",
    };
    text
}

/// A call as text, in the form that [`describe`] asks for.
pub(crate) fn call_text(name: &str, arguments: &Value) -> String {
    json!({ "name": name, "arguments": arguments }).to_string()
}

/// What a text that was held back turned out to be.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// A call.
    Call {
        /// The tool's name, one of the menu.
        name: String,
        /// Its arguments.
        arguments: Map<String, Value>,
    },
    /// It names a tool of the menu, and its arguments cannot be read.
    Malformed {
        /// The tool's name.
        name: String,
        /// What was written.
        text: String,
        /// What is wrong with it.
        error: String,
    },
    /// Text.
    Nothing,
}

/// The call in `text`, whose first object decides.
pub(crate) fn find_call(text: &str, menu: &[ToolSchema]) -> Found {
    let Some(start) = text.find('{') else { return Found::Nothing };
    let known = |name: &str| menu.iter().any(|tool| tool.name == name);
    match Deserializer::from_str(&text[start..]).into_iter::<Value>().next() {
        Some(Ok(value)) => read_call(&value, &known, text),
        Some(Err(error)) => {
            // Only a text that both looks like a call and names a tool was meant as one.
            let named = menu.iter().find(|tool| text.contains(&format!("\"{}\"", tool.name)));
            match named.filter(|_| text.contains("\"name\"") || text.contains("\"arguments\"")) {
                Some(tool) => Found::Malformed {
                    name: tool.name.clone(),
                    text: text[start..].to_owned(),
                    error: error.to_string(),
                },
                None => Found::Nothing,
            }
        }
        None => Found::Nothing,
    }
}

/// Reads the forms that models were trained on.
fn read_call(value: &Value, known: &dyn Fn(&str) -> bool, text: &str) -> Found {
    let inner = value.pointer("/tool_calls/0").unwrap_or(value);
    let inner = inner.get("function").filter(|function| function.is_object()).unwrap_or(inner);
    let name = ["name", "tool", "function", "tool_name"].iter().find_map(|key| inner.get(key)?.as_str());
    let Some(name) = name.filter(|name| known(name)) else { return Found::Nothing };
    let arguments = ["arguments", "parameters", "args", "input"].iter().find_map(|key| inner.get(key));
    match read_arguments(arguments.unwrap_or(&Value::Null)) {
        Ok(arguments) => Found::Call { name: name.to_owned(), arguments },
        Err(error) => Found::Malformed { name: name.to_owned(), text: text.to_owned(), error },
    }
}

/// The arguments of a call as an object; JSON within a string is unpacked, and none at all are none.
pub(crate) fn read_arguments(value: &Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(arguments) => Ok(arguments.clone()),
        Value::Null => Ok(Map::new()),
        Value::String(text) if text.trim().is_empty() => Ok(Map::new()),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(arguments)) => Ok(arguments),
            Ok(Value::String(inner)) => match serde_json::from_str(&inner) {
                Ok(Value::Object(arguments)) => Ok(arguments),
                Ok(_) | Err(_) => Err("the arguments must be a JSON object, not a string".into()),
            },
            Ok(_) => Err("the arguments must be a JSON object".into()),
            Err(error) => Err(format!("the arguments are not JSON: {error}")),
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err("the arguments must be a JSON object".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn menu() -> Vec<ToolSchema> {
        let tool = |name: &str| ToolSchema { name: name.into(), description: "d".into(), parameters: json!({}) };
        vec![tool("core_memory_append"), tool("send_message")]
    }

    #[test]
    fn a_call_is_found_in_the_forms_that_models_write() {
        for text in [
            r#"{"name": "send_message", "arguments": {"message": "hi"}}"#,
            "```json\n{\"name\": \"send_message\", \"arguments\": {\"message\": \"hi\"}}\n```",
            r#"<tool_call>{"name": "send_message", "parameters": {"message": "hi"}}</tool_call>"#,
            r#"{"tool_calls": [{"function": {"name": "send_message", "arguments": "{\"message\": \"hi\"}"}}]}"#,
            r#"{"tool": "send_message", "args": {"message": "hi"}} and more"#,
        ] {
            let Found::Call { name, arguments } = find_call(text, &menu()) else { panic!("not found: {text}") };
            assert_eq!((name.as_str(), &arguments["message"]), ("send_message", &json!("hi")));
        }
    }

    #[test]
    fn text_is_not_taken_for_a_call() {
        for text in [
            "no braces",
            "{braces} in prose",
            r#"{"name": "Ada", "arguments": {}}"#,
            r#"{"message": "send_message"}"#,
            "```rust\nfn main() {}\n```",
        ] {
            assert_eq!(find_call(text, &menu()), Found::Nothing, "{text}");
        }
    }

    #[test]
    fn a_call_that_cannot_be_read_says_why() {
        for text in [
            r#"{"name": "send_message", "arguments": {"message": "hi}"#,
            r#"{"name": "send_message", "arguments": [1]}"#,
            r#"{"name": "send_message", "arguments": "hi"}"#,
        ] {
            assert!(
                matches!(find_call(text, &menu()), Found::Malformed { name, .. } if name == "send_message"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_described_is_what_is_read() {
        let text = call_text("send_message", &json!({"message": "é"}));
        assert!(matches!(find_call(&text, &menu()), Found::Call { .. }));
        let words = describe(&menu(), ToolChoice::Required);
        assert!(words.contains("core_memory_append") && words.contains("\"arguments\""));
    }
}
