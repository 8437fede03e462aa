//! Messages: who said what, which tools were called and what they gave back.
//!
//! Files differ in how they write content (a text, parts, null) and calls (nested or flat); here there is one form. The
//! argument names that tools had in older versions are replaced by those of today, so that what an agent reads of its
//! own past does not teach it calls that are wrong.

use serde_json::{Map, Value};

use super::{Extra, Out};
use crate::fields::{Context, Fields, wrong};
use crate::place::Place;
use crate::{AgentFileError, Limits, json};

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// The program: instructions, alerts.
    #[default]
    System,
    /// The person, or an event in their place.
    User,
    /// The agent.
    Assistant,
    /// The result of a call.
    Tool,
    /// A request to allow a call, or the answer to one.
    Approval,
    /// What was said before, in short.
    Summary,
}

impl Role {
    const ALL: [(Self, &'static str); 6] = [
        (Self::System, "system"),
        (Self::User, "user"),
        (Self::Assistant, "assistant"),
        (Self::Tool, "tool"),
        (Self::Approval, "approval"),
        (Self::Summary, "summary"),
    ];

    /// Its word in a file.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(role, _)| *role == self).map_or("system", |(_, word)| word)
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(role, _)| *role)
    }
}

/// One message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Message {
    /// Names it within the file.
    pub id: String,
    /// Who speaks.
    pub role: Role,
    /// What is said, and thought.
    pub content: Vec<Part>,
    /// The name of who speaks, or of the tool.
    pub name: Option<String>,
    /// The name that the client which sent it gave it.
    pub otid: Option<String>,
    /// Who sent it, where a client speaks for several. Text only: it may name an identity that is not in the file.
    pub sender_id: Option<String>,
    /// The group that it was said in.
    pub group_id: Option<String>,
    /// The model that wrote it.
    pub model: Option<String>,
    /// The tools that it calls.
    pub tool_calls: Vec<ToolCall>,
    /// The call that it answers.
    pub tool_call_id: Option<String>,
    /// What calls gave back.
    pub tool_returns: Vec<ToolReturn>,
    /// The request that an approval answers.
    pub approval_request_id: Option<String>,
    /// The turn that it belongs to; messages with the same name were said in one.
    pub turn_id: Option<String>,
    /// When it was said, in the form of [`crate::time`].
    pub created_at: Option<String>,
    /// Other keys (`approve`, `denial_reason`, `approvals`, `batch_item_id`).
    pub extra: Extra,
}

/// A part of a message's content.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Words.
    Text {
        /// The words.
        text: String,
        /// Other keys.
        extra: Extra,
    },
    /// The model's thoughts.
    Reasoning {
        /// The thoughts.
        reasoning: String,
        /// Other keys (`is_native`, `signature`).
        extra: Extra,
    },
    /// Anything else: an image, a call in the words of a provider, thoughts that are encrypted.
    Other(Extra),
}

/// A call of a tool.
#[derive(Debug, Clone, Default, PartialEq)]
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
#[derive(Debug, Clone, Default, PartialEq)]
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

impl Part {
    /// A part that is words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), extra: Extra::new() }
    }

    /// A part that is thoughts.
    pub fn reasoning(reasoning: impl Into<String>) -> Self {
        Self::Reasoning { reasoning: reasoning.into(), extra: Extra::new() }
    }

    fn read(value: Value, place: Place<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        if let Value::String(text) = value {
            return Ok(Self::text(text));
        }
        let mut fields = Fields::new(value, place)?;
        let Some(kind) = fields.take("type") else {
            return match fields.text("text", cx)? {
                Some(text) => Ok(Self::Text { text, extra: fields.rest() }),
                None => Ok(Self::Other(fields.rest())),
            };
        };
        Ok(match kind.as_str() {
            Some("text") => Self::Text { text: fields.text_or_empty("text", cx)?, extra: fields.rest() },
            Some("reasoning") => {
                Self::Reasoning { reasoning: fields.text_or_empty("reasoning", cx)?, extra: fields.rest() }
            }
            _ => {
                fields.put_back("type", kind);
                Self::Other(fields.rest())
            }
        })
    }

    fn write(&self) -> Value {
        let mut out = Out::default();
        match self {
            Self::Text { text, extra } => {
                out.put("type", "text");
                out.put("text", text.as_str());
                out.with(extra)
            }
            Self::Reasoning { reasoning, extra } => {
                out.put("type", "reasoning");
                out.put("is_native", extra.get("is_native").cloned().unwrap_or(Value::Bool(false)));
                out.put("reasoning", reasoning.as_str());
                out.with(extra)
            }
            Self::Other(extra) => out.with(extra),
        }
    }
}

/// The texts of parts, one after the other.
fn joined<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

impl Message {
    /// What is said in it.
    pub fn text(&self) -> String {
        joined(self.content.iter().filter_map(|part| match part {
            Part::Text { text, .. } => Some(text.as_str()),
            Part::Reasoning { .. } | Part::Other(_) => None,
        }))
    }

    /// What is thought in it.
    pub fn thoughts(&self) -> String {
        joined(self.content.iter().filter_map(|part| match part {
            Part::Reasoning { reasoning, .. } => Some(reasoning.as_str()),
            Part::Text { .. } | Part::Other(_) => None,
        }))
    }

    pub(crate) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let place = fields.place;
        // Its agent is the one that it stands in, and its type is that of the list.
        for implied in ["type", "agent_id"] {
            fields.take(implied);
        }
        let word = fields.required_text("role", cx)?;
        Ok(Self {
            id: fields.text_or_empty("id", cx)?,
            role: role(&word, &place, cx),
            content: content(fields.take("content"), &place.key("content"), cx)?,
            name: fields.text("name", cx)?,
            otid: fields.text("otid", cx)?,
            sender_id: fields.text("sender_id", cx)?,
            group_id: fields.text("group_id", cx)?,
            model: fields.text("model", cx)?,
            tool_calls: fields.things(("tool_calls", "calls"), cx.limits.entities, cx, ToolCall::read)?,
            tool_call_id: fields.text("tool_call_id", cx)?,
            tool_returns: fields.things(("tool_returns", "results"), cx.limits.entities, cx, ToolReturn::read)?,
            approval_request_id: fields.text("approval_request_id", cx)?,
            turn_id: fields.text("turn_id", cx)?,
            created_at: fields.moment("created_at", cx),
            extra: fields.rest(),
        })
    }

    /// The object of the message, of the agent called `agent_id`.
    pub(crate) fn write(&self, agent_id: &str) -> Value {
        let Self {
            id,
            role,
            content,
            name,
            otid,
            sender_id,
            group_id,
            model,
            tool_calls,
            tool_call_id,
            tool_returns,
            approval_request_id,
            turn_id,
            created_at,
            extra,
        } = self;
        let mut out = Out::default();
        out.put("type", "message");
        out.put("id", id.as_str());
        out.put("role", role.word());
        out.things("content", content, Part::write);
        out.some("name", name.as_ref());
        out.some("otid", otid.as_ref());
        out.some("sender_id", sender_id.as_ref());
        out.some("group_id", group_id.as_ref());
        out.some("model", model.as_ref());
        out.put("agent_id", agent_id);
        if !tool_calls.is_empty() {
            out.things("tool_calls", tool_calls, ToolCall::write);
        }
        out.some("tool_call_id", tool_call_id.as_ref());
        if !tool_returns.is_empty() {
            out.things("tool_returns", tool_returns, ToolReturn::write);
        }
        out.some("approval_request_id", approval_request_id.as_ref());
        out.some("turn_id", turn_id.as_ref());
        out.some("created_at", created_at.as_ref());
        out.with(extra)
    }
}

fn role(word: &str, place: &Place<'_>, cx: &mut Context<'_>) -> Role {
    let word = word.to_lowercase();
    if let Some(role) = Role::of_word(&word) {
        return role;
    }
    let role = match word.as_str() {
        "function" => Role::Tool,
        "human" => Role::User,
        "ai" | "model" | "agent" => Role::Assistant,
        _ => Role::System,
    };
    cx.mended(
        &place.key("role"),
        format!("{} is no role that is known here; it counts as {}.", json::quoted(&word), role.word()),
    );
    role
}

fn content(value: Option<Value>, place: &Place<'_>, cx: &mut Context<'_>) -> Result<Vec<Part>, AgentFileError> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Part::text(text)]),
        Some(Value::Array(parts)) => {
            let parts = parts.into_iter().enumerate().map(|(index, part)| Part::read(part, place.index(index), cx));
            parts.collect()
        }
        Some(part @ Value::Object(_)) => Ok(vec![Part::read(part, *place, cx)?]),
        Some(other) => Err(wrong(place, "a text or a list of parts", &other)),
    }
}

impl ToolCall {
    fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
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

    fn write(&self) -> Value {
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

    fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
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

    fn write(&self) -> Value {
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
