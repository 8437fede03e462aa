//! The arguments of a call, read leniently where the meaning is beyond doubt: older names, numbers and truth values
//! written as text, a list written as one text, `null` for what is left out. What cannot be read is an error that tells
//! the model what was expected.

use serde_json::{Map, Value};

use super::{Tool, ToolError};

/// The arguments of one call.
#[derive(Debug)]
pub(crate) struct Arguments {
    tool: &'static Tool,
    values: Map<String, Value>,
}

impl Arguments {
    /// The arguments in `value`, under the names of `tool`'s schema. Null bytes are dropped.
    pub(crate) fn new(tool: &'static Tool, value: &Value) -> Self {
        let mut values = Map::new();
        for (name, value) in value.as_object().into_iter().flatten() {
            if value.is_null() {
                continue;
            }
            // Where a call carries both spellings, the one of the schema counts.
            match tool.aliases.iter().find(|(old, _)| old == name) {
                Some((_, new)) if values.contains_key(*new) => {}
                Some((_, new)) => drop(values.insert((*new).to_owned(), without_null_bytes(value))),
                None => drop(values.insert(name.clone(), without_null_bytes(value))),
            }
        }
        Self { tool, values }
    }

    /// A required text.
    pub(crate) fn text(&self, name: &str) -> Result<&str, ToolError> {
        self.optional_text(name)?.ok_or_else(|| ToolError::MissingArgument {
            tool: self.tool.name,
            argument: name.to_owned(),
            known: self.tool.parameters.iter().map(|parameter| parameter.name).collect::<Vec<_>>().join(", "),
        })
    }

    /// Whether the call carries `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// A text that may be left out.
    pub(crate) fn optional_text(&self, name: &str) -> Result<Option<&str>, ToolError> {
        match self.values.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, "text", other)),
        }
    }

    /// A whole number that may be left out.
    pub(crate) fn optional_integer(&self, name: &str) -> Result<Option<i64>, ToolError> {
        let Some(value) = self.values.get(name) else { return Ok(None) };
        let number = match value {
            #[expect(clippy::cast_possible_truncation, reason = "a float with no fraction, as some models write 5.0")]
            Value::Number(number) => number
                .as_i64()
                .or_else(|| number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i64)),
            Value::String(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        number.map(Some).ok_or_else(|| self.wrong(name, "a whole number", value))
    }

    /// Yes or no; no when left out.
    pub(crate) fn truth(&self, name: &str) -> Result<bool, ToolError> {
        match self.values.get(name) {
            None => Ok(false),
            Some(Value::Bool(truth)) => Ok(*truth),
            Some(Value::String(word)) if word.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(word)) if word.eq_ignore_ascii_case("false") => Ok(false),
            Some(other) => Err(self.wrong(name, "true or false", other)),
        }
    }

    /// A required list, also one that was written as text, or a single thing.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<Value>, ToolError> {
        match self.values.get(name) {
            None => self.text(name).map(|_| Vec::new()),
            Some(Value::Array(items)) => Ok(items.clone()),
            Some(Value::String(text)) => {
                Ok(serde_json::from_str(text).unwrap_or_else(|_| vec![Value::from(text.clone())]))
            }
            Some(other) => Ok(vec![other.clone()]),
        }
    }

    /// A list of texts; empty when left out. One text is a list of one, or of what its commas divide.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, ToolError> {
        let Some(value) = self.values.get(name) else { return Ok(Vec::new()) };
        let texts = match value {
            Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            Value::String(text) => Some(
                serde_json::from_str::<Vec<String>>(text)
                    .unwrap_or_else(|_| text.split(',').map(|part| part.trim().to_owned()).collect()),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        };
        let mut texts: Vec<String> = texts.ok_or_else(|| self.wrong(name, "a list of texts", value))?;
        texts.retain(|text| !text.is_empty());
        Ok(texts)
    }

    /// The error that `name` is not what was expected.
    pub(crate) fn wrong(&self, name: &str, expected: &'static str, found: &Value) -> ToolError {
        let found: String = found.to_string().chars().take(80).collect();
        ToolError::WrongArgument { tool: self.tool.name, argument: name.to_owned(), expected, found }
    }
}

fn without_null_bytes(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => Value::String(text.replace('\0', "")),
        Value::Array(items) => items.iter().map(without_null_bytes).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tools::{ARCHIVAL_MEMORY_SEARCH, CONVERSATION_SEARCH, MEMORY_REPLACE, tool};

    #[test]
    fn old_names_are_accepted_and_new_ones_win() {
        let replace = tool(MEMORY_REPLACE).unwrap();
        let arguments = Arguments::new(replace, &json!({ "label": "human", "old_str": "a", "new_str": "b" }));
        assert_eq!(arguments.text("old_string").unwrap(), "a");
        assert_eq!(arguments.text("new_string").unwrap(), "b");
        let both = Arguments::new(replace, &json!({ "old_string": "new", "old_str": "old" }));
        assert_eq!(both.text("old_string").unwrap(), "new");
    }

    #[test]
    fn numbers_and_lists_are_read_from_text() {
        let search = tool(ARCHIVAL_MEMORY_SEARCH).unwrap();
        let arguments = Arguments::new(search, &json!({ "query": "x\0y", "top_k": "7", "tags": "a, b" }));
        assert_eq!(arguments.text("query").unwrap(), "xy");
        assert_eq!(arguments.optional_integer("top_k").unwrap(), Some(7));
        assert_eq!(arguments.texts("tags").unwrap(), ["a", "b"]);
        let arguments = Arguments::new(search, &json!({ "top_k": 5.0, "tags": "[\"c\"]" }));
        assert_eq!(arguments.optional_integer("top_k").unwrap(), Some(5));
        assert_eq!(arguments.texts("tags").unwrap(), ["c"]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let search = tool(CONVERSATION_SEARCH).unwrap();
        let arguments = Arguments::new(search, &json!({ "limit": "many", "query": null }));
        insta::assert_snapshot!(arguments.optional_integer("limit").unwrap_err(), @r#"The argument `limit` of conversation_search must be a whole number; it was "many"."#);
        let replace = Arguments::new(tool(MEMORY_REPLACE).unwrap(), &json!([1]));
        insta::assert_snapshot!(replace.text("old_string").unwrap_err(), @"memory_replace needs the argument `old_string`. Its arguments are: label, old_string, new_string.");
    }
}
