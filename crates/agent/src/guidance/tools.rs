//! The tools that guidance leads to, whichever of them an agent has, and their narrowed arguments.

use serde_json::{Map, Value, json};

use crate::model::ToolSchema;

/// What a tool does, as far as guidance cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Adds text to a block.
    Append,
    /// Changes or removes text of a block.
    Replace,
    /// Adds a passage.
    Archive,
    /// Searches messages or passages.
    Search,
    /// Speaks to the user.
    Speak,
}

/// The kind of a call.
pub(super) fn kind(tool: &str, arguments: &Value) -> Option<Kind> {
    match tool {
        "core_memory_append" | "memory_insert" => Some(Kind::Append),
        "core_memory_replace"
        | "memory_replace"
        | "memory_rethink"
        | "memory_apply_patch"
        | "archival_memory_replace" => Some(Kind::Replace),
        "memory" => match arguments.get("command").and_then(Value::as_str) {
            Some("insert" | "create") => Some(Kind::Append),
            Some("str_replace" | "delete" | "rename") => Some(Kind::Replace),
            Some(_) | None => None,
        },
        "archival_memory_insert" => Some(Kind::Archive),
        "conversation_search" | "archival_memory_search" => Some(Kind::Search),
        "send_message" => Some(Kind::Speak),
        _ => None,
    }
}

/// The text that a call wrote, or the text that it took away.
pub(super) fn written(arguments: &Value) -> Option<&str> {
    ["content", "new_content", "new_string", "new_str", "insert_text"]
        .iter()
        .find_map(|name| arguments.get(name).and_then(Value::as_str))
        .filter(|text| !text.trim().is_empty())
}

/// The text that a call replaced.
pub(super) fn replaced(arguments: &Value) -> Option<&str> {
    ["old_content", "old_string", "old_str"].iter().find_map(|name| arguments.get(name).and_then(Value::as_str))
}

/// The tool that appends `pattern` to a block, from those allowed.
pub(super) fn append(allowed: &[ToolSchema], label: &str, pattern: &str) -> Option<ToolSchema> {
    first(
        allowed,
        &[
            ("core_memory_append", &[("label", only(label)), ("content", matching(pattern))]),
            (
                "memory_insert",
                &[("label", only(label)), ("new_string", matching(pattern)), ("insert_line", only_number(-1))],
            ),
            (
                "memory",
                &[
                    ("command", only("insert")),
                    ("path", only(&format!("/memories/{label}"))),
                    ("insert_line", only_number(-1)),
                    ("insert_text", matching(pattern)),
                ],
            ),
        ],
    )
}

/// The tool that replaces `old` in a block by what `pattern` admits, from those allowed.
pub(super) fn replace(allowed: &[ToolSchema], label: &str, old: &str, pattern: &str) -> Option<ToolSchema> {
    first(
        allowed,
        &[
            (
                "core_memory_replace",
                &[("label", only(label)), ("old_content", only(old)), ("new_content", matching(pattern))],
            ),
            ("memory_replace", &[("label", only(label)), ("old_string", only(old)), ("new_string", matching(pattern))]),
            (
                "memory",
                &[
                    ("command", only("str_replace")),
                    ("path", only(&format!("/memories/{label}"))),
                    ("old_string", only(old)),
                    ("new_string", matching(pattern)),
                ],
            ),
        ],
    )
}

/// The tool that keeps a passage, if it is allowed.
pub(super) fn archive(allowed: &[ToolSchema], pattern: &str) -> Option<ToolSchema> {
    first(allowed, &[("archival_memory_insert", &[("content", matching(pattern))])])
}

/// The tool that puts what `pattern` admits in the place of a passage, or removes it, if it is allowed.
pub(super) fn replace_passage(allowed: &[ToolSchema], id: &str, pattern: &str) -> Option<ToolSchema> {
    first(allowed, &[("archival_memory_replace", &[("passage_id", only(id)), ("new_content", matching(pattern))])])
}

/// The passage that a call replaced or removed.
pub(super) fn replaced_passage(arguments: &Value) -> Option<&str> {
    arguments.get("passage_id").and_then(Value::as_str)
}

/// The search tool of this name, if it is allowed.
pub(super) fn search(allowed: &[ToolSchema], tool: &str, pattern: &str) -> Option<ToolSchema> {
    first(allowed, &[(tool, &[("query", matching(pattern))])])
}

/// `send_message`, if it is allowed. Without a pattern the model speaks freely.
pub(super) fn speak(allowed: &[ToolSchema], pattern: Option<&str>) -> Option<ToolSchema> {
    let message = pattern.map_or_else(|| json!({"type": "string", "minLength": 1}), matching);
    first(allowed, &[("send_message", &[("message", message)])])
}

/// The first of these tools that is allowed, with these arguments in this order.
fn first(allowed: &[ToolSchema], candidates: &[(&str, &[(&str, Value)])]) -> Option<ToolSchema> {
    candidates.iter().find_map(|(name, arguments)| {
        let schema = allowed.iter().find(|schema| schema.name == *name)?;
        let mut properties: Map<String, Value> =
            arguments.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        // Another step must follow every call but the one that speaks.
        if schema.parameters.pointer("/properties/request_heartbeat").is_some() {
            properties
                .insert("request_heartbeat".to_owned(), json!({"type": "boolean", "enum": [*name != "send_message"]}));
        }
        let required: Vec<&String> = properties.keys().collect();
        let parameters = json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        Some(ToolSchema { name: schema.name.clone(), description: schema.description.clone(), parameters })
    })
}

fn only(text: &str) -> Value {
    json!({"type": "string", "enum": [text]})
}

fn only_number(number: i64) -> Value {
    json!({"type": "integer", "enum": [number]})
}

fn matching(pattern: &str) -> Value {
    json!({"type": "string", "pattern": format!("^(?:{pattern})$")})
}
