//! The envelopes in which V1 packs what a model reads: a user's words, events and results of tools as JSON objects with
//! their time. An agent file has them in the texts of messages; what a person said is inside.

use serde_json::Value;

use crate::{Limits, json};

/// What an envelope says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackedKind {
    /// What a person said.
    UserMessage,
    /// What the program tells the agent: memory pressure, a summary.
    SystemAlert,
    /// A person came.
    Login,
    /// The agent may go on.
    Heartbeat,
    /// What a tool gave back.
    ToolResult {
        /// Whether the tool did what it was asked.
        succeeded: bool,
    },
}

/// What was in an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// What it says it is.
    pub kind: PackedKind,
    /// The words; of a login the last time before, of a heartbeat its reason.
    pub text: String,
    /// The time on it, in whatever form.
    pub time: Option<String>,
}

/// What is packed in `text`, if it is an envelope at all.
pub fn unpack(text: &str) -> Option<Packed> {
    let text = text.trim();
    if !text.starts_with('{') || !text.ends_with('}') {
        return None;
    }
    let object = json::parse(text.as_bytes(), &Limits::default()).ok()?.value;
    let word = |key: &str| object.get(key).and_then(Value::as_str);
    let (kind, key) = match (word("type"), word("status")) {
        (Some("user_message"), _) => (PackedKind::UserMessage, "message"),
        (Some("system_alert"), _) => (PackedKind::SystemAlert, "message"),
        (Some("login"), _) => (PackedKind::Login, "last_login"),
        (Some("heartbeat"), _) => (PackedKind::Heartbeat, "reason"),
        (None, Some(status @ ("OK" | "Failed"))) => (PackedKind::ToolResult { succeeded: status == "OK" }, "message"),
        _ => return None,
    };
    let inner = match object.get(key) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) if kind == PackedKind::Login => String::new(),
        None | Some(Value::Null) => return None,
        Some(other) => other.to_string(),
    };
    Some(Packed { kind, text: inner, time: word("time").map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_are_opened_and_other_texts_left_alone() {
        let kind = |text: &str| unpack(text).map(|packed| (packed.kind, packed.text));
        let user = r#"{"type": "user_message", "message": "hi", "time": "2025-01-01"}"#;
        assert_eq!(kind(user), Some((PackedKind::UserMessage, "hi".to_owned())));
        let failed = r#"{"status": "Failed", "message": {"a": 1}}"#;
        let expected = (PackedKind::ToolResult { succeeded: false }, r#"{"a":1}"#.to_owned());
        assert_eq!(kind(failed), Some(expected));
        let login = r#"{"type": "login", "last_login": "Never", "time": "x"}"#;
        assert_eq!(kind(login), Some((PackedKind::Login, "Never".to_owned())));
        for other in ["hi", "{", "{}", r#"{"message": "hi"}"#, r#"{"type": "user_message"}"#, r#"["user_message"]"#] {
            assert_eq!(kind(other), None, "{other}");
        }
    }
}
