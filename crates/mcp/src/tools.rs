//! The tools of a server, as far as they can be offered to a model.
//!
//! A listing is a stranger's text that ends up in prompts and grammars. A tool whose name, schema or size is out of
//! bounds is left out, and a warning says which and why; the others are as the server gives them.

use std::collections::HashSet;

use rmcp::model;
use serde_json::{Map, Value};

use crate::Bounds;
use crate::watch::excerpt;

/// The longest name that the protocol allows.
const NAME_CHARS: usize = 128;

/// What a server offers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tools {
    /// What the server calls itself and its version, where it says so.
    pub server: String,
    /// Its tools, in its order.
    pub tools: Vec<Tool>,
    /// What was left out or shortened, in words for the user.
    pub warnings: Vec<String>,
}

/// A tool of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name as the server gives it: 1 to 128 letters, digits, `_`, `-` and `.`, unique within the server.
    pub name: String,
    /// What it does, in the server's words; may be empty.
    pub description: String,
    /// JSON schema of its arguments: an object.
    pub input_schema: Map<String, Value>,
}

impl Tools {
    /// Adds the tools of a page. `false` when there are as many as are taken.
    pub(crate) fn add(&mut self, page: Vec<model::Tool>, bounds: &Bounds) -> bool {
        let mut names: HashSet<String> = self.tools.iter().map(|tool| tool.name.clone()).collect();
        for tool in page {
            if self.tools.len() == bounds.tools {
                self.warnings.push(format!("it has more than {} tools; the rest is left out", bounds.tools));
                return false;
            }
            match taken(tool, bounds) {
                Ok((tool, _)) if !names.insert(tool.name.clone()) => {
                    self.warnings
                        .push(format!("the tool {} is left out: there is one of this name already", tool.name));
                }
                Ok((tool, shortened)) => {
                    if shortened {
                        self.warnings.push(format!("the description of the tool {} is shortened", tool.name));
                    }
                    self.tools.push(tool);
                }
                Err((name, reason)) => self.warnings.push(format!("the tool {name} is left out: {reason}")),
            }
            // A server with a million broken tools would fill the warnings instead.
            if self.warnings.len() > bounds.tools {
                self.warnings.push("there is more to warn of; the rest is left out".to_owned());
                return false;
            }
        }
        true
    }
}

fn taken(tool: model::Tool, bounds: &Bounds) -> Result<(Tool, bool), (String, String)> {
    let refuse = |reason: String| Err((excerpt(&tool.name), reason));
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if tool.name.is_empty() || tool.name.len() > NAME_CHARS || !tool.name.chars().all(allowed) {
        return refuse(format!("a name has 1 to {NAME_CHARS} letters, digits, _, - and ."));
    }
    let schema: Map<String, Value> = tool.input_schema.as_ref().clone();
    if !matches!(schema.get("type"), None | Some(Value::String(_))) || schema.get("type").is_some_and(|t| t != "object")
    {
        return refuse("its arguments are not an object".to_owned());
    }
    let schema = Value::Object(schema);
    if depth(&schema) > bounds.schema_depth {
        return refuse(format!("its schema is nested more than {} deep", bounds.schema_depth));
    }
    if schema.to_string().len() > bounds.schema_bytes {
        return refuse(format!("its schema has more than {} bytes", bounds.schema_bytes));
    }
    if refers_elsewhere(&schema) {
        return refuse("its schema refers to another document".to_owned());
    }
    let Value::Object(input_schema) = schema else { return refuse("its schema is not an object".to_owned()) };
    let mut description = tool.description.as_deref().unwrap_or_default().to_owned();
    let shortened = description.chars().count() > bounds.description_chars;
    if shortened {
        description = description.chars().take(bounds.description_chars).chain(['…']).collect();
    }
    Ok((Tool { name: tool.name.to_string(), description, input_schema }, shortened))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(values) => 1 + values.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Whether a `$ref` leaves the schema. Nobody here would fetch it.
fn refers_elsewhere(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(refers_elsewhere),
        Value::Object(values) => values.iter().any(|(key, value)| match value {
            Value::String(target) => key == "$ref" && !target.starts_with('#'),
            other => refers_elsewhere(other),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tool(name: &str, schema: Value) -> model::Tool {
        let schema: Map<String, Value> = serde_json::from_value(schema).expect("a schema is an object");
        model::Tool::new(name.to_owned(), "does things", schema)
    }

    fn check(tools: Vec<model::Tool>, bounds: Bounds) -> (Vec<String>, Vec<String>) {
        let mut listing = Tools::default();
        listing.add(tools, &bounds);
        (listing.tools.into_iter().map(|tool| tool.name).collect(), listing.warnings)
    }

    #[test]
    fn tools_out_of_bounds_are_left_out_and_the_others_kept() {
        let deep = (0..30).fold(json!({}), |inner, _| json!({"properties": inner}));
        let cases = [
            ("", json!({}), "a name has"),
            ("has space", json!({}), "a name has"),
            ("naïve", json!({}), "a name has"),
            (&"x".repeat(129), json!({}), "a name has"),
            ("array", json!({"type": "array"}), "not an object"),
            ("both", json!({"type": ["object", "null"]}), "not an object"),
            ("deep", deep, "nested"),
            ("large", json!({"description": "x".repeat(70_000)}), "bytes"),
            (
                "elsewhere",
                json!({"properties": {"a": {"$ref": "https://example.com/schema.json"}}}),
                "another document",
            ),
        ];
        for (name, schema, why) in cases {
            let (names, warnings) =
                check(vec![tool(name, schema), tool("good.One-1", json!({"type": "object"}))], Bounds::default());
            assert_eq!(names, ["good.One-1"], "{name}");
            assert_eq!(warnings.len(), 1, "{name}");
            assert!(warnings[0].contains(why), "{}", warnings[0]);
        }
    }

    #[test]
    fn a_reference_within_the_schema_is_kept() {
        let schema =
            json!({"type": "object", "$defs": {"a": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a"}}});
        assert_eq!(check(vec![tool("a", schema)], Bounds::default()).0, ["a"]);
    }

    #[test]
    fn a_second_tool_of_a_name_and_those_over_the_number_are_left_out() {
        let many = ["a", "b", "a", "c", "d"].map(|name| tool(name, json!({}))).to_vec();
        let (names, warnings) = check(many, Bounds { tools: 3, ..Bounds::default() });
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
    }
}
