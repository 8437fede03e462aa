//! Grammars for tool calls and for text that must follow a pattern: the sampler may only choose tokens that keep the
//! call well formed, or the text within the pattern.
//!
//! A call is `{"name": "<tool>", "arguments": {…}}`, with the tools of the menu and the schemas of their arguments,
//! and no white space but one blank after commas and colons: left to itself a small model fills an object with line
//! breaks.

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::earley::SlicedBiasComputer;
use llguidance::{JsonCompileOptions, Matcher, ParserFactory};
use resident_agent::ToolSchema;
use serde_json::{Map, Value, json};
use toktrie::InferenceCapabilities;

use crate::json_text::{ITEM_SEPARATOR, KEY_SEPARATOR};
use crate::tokenizer::Tokenizer;

/// Compiled grammars that are kept. An agent's turn uses two or three menus.
const KEPT: usize = 8;

/// Makes grammars for menus of tools.
pub(crate) struct CallGrammars {
    factory: ParserFactory,
    kept: Vec<(Value, Matcher)>,
}

impl CallGrammars {
    /// Prepares the vocabulary.
    ///
    /// # Errors
    /// What the grammar engine says.
    pub(crate) fn new(tokenizer: &Arc<Tokenizer>) -> Result<Self, String> {
        let capabilities = InferenceCapabilities { ff_tokens: true, ..InferenceCapabilities::default() };
        let environment = tokenizer.grammar_environment();
        let slices = SlicedBiasComputer::general_slices();
        let mut factory = ParserFactory::new(&environment, capabilities, &slices).map_err(|error| error.to_string())?;
        factory.quiet();
        Ok(Self { factory, kept: Vec::new() })
    }

    /// A fresh matcher for exactly one call of a tool on the menu.
    ///
    /// # Errors
    /// What the grammar engine says of a schema that it cannot enforce.
    pub(crate) fn matcher(&mut self, menu: &[ToolSchema]) -> Result<Matcher, String> {
        let schema = menu_schema(menu);
        if let Some(at) = self.kept.iter().position(|(kept, _)| *kept == schema) {
            let kept = self.kept.remove(at);
            let matcher = kept.1.clone();
            self.kept.push(kept);
            return Ok(matcher);
        }
        let grammar = TopLevelGrammar::from_json_schema(schema.clone());
        let matcher = Matcher::new(self.factory.create_parser(grammar));
        if let Some(error) = matcher.get_error() {
            return Err(error);
        }
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.kept.push((schema, matcher.clone()));
        Ok(matcher)
    }

    /// A fresh matcher for text that matches the regular expression `pattern` as a whole.
    ///
    /// # Errors
    /// What the grammar engine says of a pattern that it cannot enforce.
    pub(crate) fn text_matcher(&self, pattern: &str) -> Result<Matcher, String> {
        let matcher = Matcher::new(self.factory.create_parser(TopLevelGrammar::from_regex(pattern)));
        matcher.get_error().map_or(Ok(matcher), Err)
    }
}

/// JSON Schema of one call of a tool on the menu.
fn menu_schema(menu: &[ToolSchema]) -> Value {
    let mut definitions = Map::new();
    let calls: Vec<Value> = menu
        .iter()
        .map(|tool| {
            let mut arguments = closed(&tool.parameters);
            if let Value::Object(members) = &mut arguments {
                members.entry("type").or_insert_with(|| json!("object"));
                members.entry("properties").or_insert_with(|| json!({}));
                members.entry("additionalProperties").or_insert_with(|| json!(false));
                for key in ["$defs", "definitions"] {
                    if let Some(Value::Object(more)) = members.shift_remove(key) {
                        let all = definitions.entry(key).or_insert_with(|| json!({}));
                        all.as_object_mut().expect("made an object above").extend(more);
                    }
                }
            }
            json!({
                "type": "object",
                "properties": {"name": {"const": tool.name}, "arguments": arguments},
                "required": ["name", "arguments"],
                "additionalProperties": false,
            })
        })
        .collect();
    let mut schema = match <[Value; 1]>::try_from(calls) {
        Ok([only]) => only,
        Err(several) => json!({"anyOf": several}),
    };
    if let Value::Object(members) = &mut schema {
        members.extend(definitions);
    }
    let options = JsonCompileOptions {
        item_separator: ITEM_SEPARATOR.to_owned(),
        key_separator: KEY_SEPARATOR.to_owned(),
        whitespace_flexible: false,
        // What the engine cannot enforce (a rare format, say) is left to the tool, which checks its arguments anyway.
        lenient: true,
        ..JsonCompileOptions::default()
    };
    options.apply_to(&mut schema);
    schema
}

/// The schema with every object closed to members that it does not name, unless it says otherwise itself.
fn closed(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut closed: Map<String, Value> =
                members.iter().map(|(key, value)| (key.clone(), closed_member(key, value))).collect();
            if closed.contains_key("properties") {
                closed.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            Value::Object(closed)
        }
        Value::Array(items) => items.iter().map(closed).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

/// `properties` names members freely, so its own keys are not keywords; values are not schemas.
fn closed_member(key: &str, value: &Value) -> Value {
    match (key, value) {
        ("properties" | "$defs" | "definitions" | "patternProperties", Value::Object(members)) => {
            members.iter().map(|(key, value)| (key.clone(), closed(value))).collect()
        }
        ("const" | "enum" | "default" | "examples", value) => value.clone(),
        (_, value) => closed(value),
    }
}
