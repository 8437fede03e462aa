//! What a message looks like to clients of V1: one row is told as several messages (thoughts, words, calls), which share
//! its id and are told apart by `otid`.

use resident_app::api::{MessageView, RoleView, ToolCallView};
use resident_app::records::MessageRow;
use serde_json::{Value, json};

use crate::run_log::Entry;
use crate::v1::schema::message_time;

/// The tool through which agents of the older kind speak.
const SEND_MESSAGE: &str = "send_message";

/// How a client wants messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Whether what is said through `send_message` comes as words, or as the call that it is.
    pub(crate) spoken: bool,
    /// Only these kinds; all when `None`.
    pub(crate) kinds: Option<Vec<String>>,
    /// Pieces of an answer as they are written, instead of whole messages.
    pub(crate) pieces: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { spoken: true, kinds: None, pieces: false }
    }
}

impl Wanted {
    fn filter(&self, messages: &mut Vec<Value>) {
        let Some(kinds) = &self.kinds else { return };
        messages.retain(|message| message["message_type"].as_str().is_some_and(|kind| kinds.iter().any(|k| k == kind)));
    }
}

/// What a client is told of an entry of a turn's log.
pub(crate) fn entry_messages(entry: &Entry, turn_id: &str, wanted: &Wanted) -> Vec<Value> {
    let mut messages = match entry {
        Entry::Recorded { message, text_streamed, thoughts_streamed } => {
            let skip = |streamed: bool| wanted.pieces && streamed;
            let parts = Parts { thoughts: !skip(*thoughts_streamed), words: !skip(*text_streamed), calls: Calls::None };
            row_messages(message, wanted, parts)
        }
        Entry::Called { message } => {
            row_messages(message, wanted, Parts { thoughts: false, words: false, calls: Calls::Made })
        }
        Entry::Asked { message, calls } => {
            row_messages(message, wanted, Parts { thoughts: false, words: false, calls: Calls::Waiting(calls) })
        }
        Entry::Text { step_id, text, at_ms, place } if wanted.pieces => {
            vec![piece((step_id, *place), turn_id, *at_ms, ("assistant_message", "content", text))]
        }
        Entry::Thoughts { step_id, text, at_ms } if wanted.pieces => {
            vec![piece((step_id, 0), turn_id, *at_ms, ("reasoning_message", "reasoning", text))]
        }
        Entry::Text { .. } | Entry::Thoughts { .. } => Vec::new(),
    };
    wanted.filter(&mut messages);
    messages
}

/// A row as a list shows it.
pub(crate) fn listed(row: &MessageRow, wanted: &Wanted) -> Vec<Value> {
    let MessageRow { message, guarded, word, .. } = row;
    let mut messages = match word {
        Some(approve) => vec![word_on_call(message, *approve)],
        None => {
            let calls = if guarded.is_empty() { Calls::Made } else { Calls::Waiting(guarded) };
            row_messages(message, wanted, Parts { thoughts: true, words: true, calls })
        }
    };
    wanted.filter(&mut messages);
    messages
}

/// A person's word on a call.
fn word_on_call(message: &MessageView, approve: bool) -> Value {
    let recorded: Value = serde_json::from_str(&message.content).unwrap_or_default();
    let reason = &recorded["reason"];
    let one = json!({ "type": "approval", "tool_call_id": message.tool_call_id, "approve": approve, "reason": reason });
    let fields = json!({ "approvals": [one], "approve": approve, "approval_request_id": null, "reason": reason });
    base(message, 0, "approval_response_message", fields)
}

#[derive(Clone, Copy)]
enum Calls<'a> {
    None,
    Made,
    Waiting(&'a [ToolCallView]),
}

/// Which parts of a row are told.
#[derive(Clone, Copy)]
struct Parts<'a> {
    thoughts: bool,
    words: bool,
    calls: Calls<'a>,
}

fn row_messages(message: &MessageView, wanted: &Wanted, parts: Parts<'_>) -> Vec<Value> {
    match message.role {
        RoleView::User => vec![base(message, 0, "user_message", json!({ "content": message.content }))],
        RoleView::System => vec![base(message, 0, "system_message", json!({ "content": message.content }))],
        RoleView::Tool => tool_return(message, wanted),
        RoleView::Assistant => assistant_messages(message, wanted, parts),
    }
}

fn assistant_messages(message: &MessageView, wanted: &Wanted, parts: Parts<'_>) -> Vec<Value> {
    let mut messages = Vec::new();
    // The place of each within its row is the same whichever of them are told.
    let words_place = u8::from(message.thoughts.is_some());
    let calls_place = words_place + u8::from(!message.content.is_empty());
    if let Some(thoughts) = &message.thoughts
        && parts.thoughts
    {
        let fields = json!({ "reasoning": thoughts, "source": "non_reasoner_model", "signature": null });
        messages.push(base(message, 0, "reasoning_message", fields));
    }
    if !message.content.is_empty() && parts.words {
        if message.spoken_by_call && !wanted.spoken {
            let arguments = json!({ "message": message.content });
            let call = json!({ "name": SEND_MESSAGE, "arguments": arguments.to_string(), "tool_call_id": spoken_call_id(message) });
            messages.push(base(
                message,
                words_place,
                "tool_call_message",
                json!({ "tool_call": call, "tool_calls": [call] }),
            ));
        } else {
            messages.push(base(message, words_place, "assistant_message", json!({ "content": message.content })));
        }
    }
    let (kind, calls) = match parts.calls {
        Calls::None => return messages,
        Calls::Made => ("tool_call_message", message.tool_calls.as_slice()),
        Calls::Waiting(calls) => ("approval_request_message", calls),
    };
    let calls: Vec<Value> = calls.iter().map(call_body).collect();
    if let Some(first) = calls.first() {
        messages.push(base(message, calls_place, kind, json!({ "tool_call": first, "tool_calls": calls })));
    }
    messages
}

fn call_body(call: &ToolCallView) -> Value {
    json!({ "name": call.name, "arguments": call.arguments.to_string(), "tool_call_id": call.id })
}

/// The id under which a client sees the call that a row speaks through.
fn spoken_call_id(message: &MessageView) -> String {
    message.id.replacen("message-", "call-", 1)
}

fn tool_return(message: &MessageView, wanted: &Wanted) -> Vec<Value> {
    if wanted.spoken && message.name.as_deref() == Some(SEND_MESSAGE) {
        return Vec::new();
    }
    let status = if message.failed { "error" } else { "success" };
    let id = message.tool_call_id.clone().unwrap_or_default();
    let one = json!({
        "type": "tool", "tool_return": message.content, "status": status, "tool_call_id": id, "stdout": null, "stderr": null,
    });
    let fields = json!({
        "tool_return": message.content,
        "status": status,
        "tool_call_id": id,
        "stdout": null,
        "stderr": null,
        "tool_returns": [one],
    });
    vec![base(message, 0, "tool_return_message", fields)]
}

/// What every message has.
fn base(message: &MessageView, place: u8, kind: &str, fields: Value) -> Value {
    let mut body = json!({
        "id": message.id,
        "date": message_time(message.created_at_ms),
        // Of a note it is its kind, which clients have no word for.
        "name": if matches!(message.role, RoleView::Tool | RoleView::User) { json!(message.name) } else { Value::Null },
        "message_type": kind,
        "otid": message.otid.clone().unwrap_or_else(|| otid(&message.id, place)),
        "sender_id": message.sender_id,
        "step_id": message.step_id,
        "is_err": null,
        "seq_id": null,
        "run_id": message.turn_id,
    });
    if let (Some(body), Value::Object(fields)) = (body.as_object_mut(), fields) {
        body.extend(fields);
    }
    body
}

/// A piece of an answer. The row that it will be has its step's UUID.
fn piece((step_id, place): (&str, u8), turn_id: &str, at_ms: i64, (kind, field, text): (&str, &str, &str)) -> Value {
    let id = step_id.replacen("step-", "message-", 1);
    let mut body = json!({
        "id": id,
        "date": message_time(at_ms),
        "name": null,
        "message_type": kind,
        "otid": otid(&id, place),
        "sender_id": null,
        "step_id": step_id,
        "is_err": null,
        "seq_id": null,
        "run_id": turn_id,
    });
    body[field] = json!(text);
    if kind == "reasoning_message" {
        body["source"] = json!("non_reasoner_model");
        body["signature"] = Value::Null;
    }
    body
}

/// A row's UUID with the place of the message within the row in its last seven bits.
fn otid(message_id: &str, place: u8) -> String {
    let Some(uuid) = message_id.strip_prefix("message-").and_then(|text| uuid::Uuid::parse_str(text).ok()) else {
        return message_id.to_owned();
    };
    uuid::Uuid::from_u128((uuid.as_u128() & !0x7f) | u128::from(place)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_in_a_row_shows_in_the_last_digit() {
        let id = "message-123e4567-e89b-42d3-a456-4266141740ff";
        assert_eq!(otid(id, 0), "123e4567-e89b-42d3-a456-426614174080");
        assert_eq!(otid(id, 2), "123e4567-e89b-42d3-a456-426614174082");
    }
}
