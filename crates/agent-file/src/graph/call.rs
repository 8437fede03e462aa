//! Calls of tools and what they gave back.
//!
//! Files write calls nested or flat; here there is one form. The argument names that tools had in older versions are
//! replaced by those of today, so that what an agent reads of its own past does not teach it calls that are wrong.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::message::joined;
use super::{Extra, Out};
use crate::fields::{Context, Fields, wrong};
use crate::{AgentFileError, Limits, json};

/// A call of a tool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Names it within the conversation.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments: the text of a JSON object, as the model wrote it.
    pub arguments: String,
    /// Other keys.
    pub extra: Extra,
}

/// What a call gave back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolReturn {
    /// The call.
    pub tool_call_id: Option<String>,
    /// Whether it did what it was asked.
    pub succeeded: bool,
    /// Its result: a text, or a list of parts.
    pub response: Option<Value>,
    /// What it printed.
    pub stdout: Vec<String>,
    /// What it printed of errors.
    pub stderr: Vec<String>,
    /// Other keys.
    pub extra: Extra,
}

impl ToolCall {
    pub(super) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let place = fields.place;
        let id = match fields.text("id", cx)? {
            Some(id) => id,
            None => fields.text_or_empty("tool_call_id", cx)?,
        };
        let (name, arguments) = match fields.object("function")? {
            Some(map) => {
                let mut function = Fields::new(Value::Object(map), place.key("function"))?;
                let taken = (function.required_text("name", cx)?, arguments(&mut function)?);
                let rest = function.rest();
                if !rest.is_empty() {
                    fields.put_back("function", Value::Object(rest));
                }
                taken
            }
            None => (fields.required_text("name", cx)?, arguments(&mut fields)?),
        };
        let arguments = match of_today(&name, &arguments) {
            Some(renamed) => {
                let text =
                    "The arguments of this call had the names of an older version; they have those of today now.";
                cx.mended(&place, text);
                renamed
            }
            None => arguments,
        };
        if fields.has("type") {
            fields.take("type");
        }
        Ok(Self { id, name, arguments, extra: fields.rest() })
    }

    pub(super) fn write(&self) -> Value {
        let Self { id, name, arguments, extra } = self;
        let mut function = Out::default();
        function.put("name", name.as_str());
        function.put("arguments", arguments.as_str());
        let none = Extra::new();
        let rest = extra.get("function").and_then(Value::as_object).unwrap_or(&none);
        let mut out = Out::default();
        out.put("id", id.as_str());
        out.put("function", function.with(rest));
        out.put("type", "function");
        out.with(extra)
    }
}

/// The arguments as text: an object that was not written as text is made one.
fn arguments(fields: &mut Fields<'_>) -> Result<String, AgentFileError> {
    match fields.take("arguments") {
        None => Ok("{}".to_owned()),
        Some(Value::String(text)) => Ok(text),
        Some(object @ Value::Object(_)) => Ok(object.to_string()),
        Some(other) => Err(wrong(&fields.place.key("arguments"), "the text of a JSON object", &other)),
    }
}

/// The arguments of a call with the names of today, where they had those of an older version.
fn of_today(tool: &str, arguments: &str) -> Option<String> {
    const RENAMED: [(&str, &str); 2] = [("old_str", "old_string"), ("new_str", "new_string")];
    if !matches!(tool, "memory_replace" | "memory_insert" | "memory")
        || !RENAMED.iter().any(|(old, _)| arguments.contains(old))
    {
        return None;
    }
    let Ok(json::Parsed { value: Value::Object(map), .. }) = json::parse(arguments.as_bytes(), &Limits::default())
    else {
        return None;
    };
    let mut changed = false;
    let mut renamed = Map::new();
    for (key, value) in &map {
        let today = RENAMED.iter().find(|(old, today)| old == key && !map.contains_key(*today));
        changed |= today.is_some();
        renamed.insert(today.map_or_else(|| key.clone(), |(_, today)| (*today).to_owned()), value.clone());
    }
    changed.then(|| Value::Object(renamed).to_string())
}

/// Whether V1 takes a part of a result: it knows two kinds.
fn is_text_or_image(part: &Value) -> bool {
    match part.get("type").and_then(Value::as_str) {
        Some("text") => part.get("text").is_some_and(Value::is_string),
        Some("image") => part.get("source").is_some_and(Value::is_object),
        Some(_) | None => false,
    }
}

impl ToolReturn {
    /// Its result as text.
    pub fn text(&self) -> String {
        match &self.response {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => joined(parts.iter().filter_map(|part| part.get("text")?.as_str())),
            Some(other) => other.to_string(),
        }
    }

    pub(super) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let response = match fields.take("func_response") {
            Some(text @ Value::String(_)) => Some(text),
            Some(Value::Array(parts)) if parts.iter().all(is_text_or_image) => Some(Value::Array(parts)),
            Some(other) => Some(Value::String(other.to_string())),
            None => None,
        };
        let succeeded = match fields.take("status") {
            None => true,
            Some(Value::Bool(flag)) => flag,
            Some(Value::String(word)) => matches!(word.to_lowercase().as_str(), "success" | "ok"),
            Some(other) => return Err(wrong(&fields.place.key("status"), "`success` or `error`", &other)),
        };
        Ok(Self {
            tool_call_id: fields.text("tool_call_id", cx)?,
            succeeded,
            response,
            stdout: fields.texts("stdout")?,
            stderr: fields.texts("stderr")?,
            extra: fields.rest(),
        })
    }

    pub(super) fn write(&self) -> Value {
        let Self { tool_call_id, succeeded, response, stdout, stderr, extra } = self;
        let mut out = Out::default();
        out.some("tool_call_id", tool_call_id.as_ref());
        out.put("status", if *succeeded { "success" } else { "error" });
        out.list("stdout", stdout);
        out.list("stderr", stderr);
        out.some("func_response", response.as_ref());
        out.with(extra)
    }
}
