//! Messages: who said what, which tools were called and what they gave back.
//!
//! Files differ in how they write content (a text, parts, null); here there is one form.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Extra, Out, ToolCall, ToolReturn};
use crate::fields::{Context, Fields, wrong};
use crate::place::Place;
use crate::{AgentFileError, json};

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
    /// The message of the group that is told to this agent by it (`resident_origin_id` in a file).
    pub origin_id: Option<String>,
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
pub(super) fn joined<'t>(texts: impl Iterator<Item = &'t str>) -> String {
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
            origin_id: fields.text("resident_origin_id", cx)?,
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
            origin_id,
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
        out.some("resident_origin_id", origin_id.as_ref());
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
