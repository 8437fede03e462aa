//! One conversation of an export: from its tree of messages to what was said on the path that was shown last.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Conversation, Said, Speaker};
use crate::fields::{Context, Fields};
use crate::place::Place;
use crate::{AgentFileError, NoticeKind};

/// The conversation that `value` is.
pub(super) fn read(value: Value, place: &Place<'_>, cx: &mut Context<'_>) -> Result<Conversation, AgentFileError> {
    let mut fields = Fields::new(value, *place)?;
    let nodes = fields.object("mapping")?.unwrap_or_default();
    let current = fields.text("current_node", cx)?;
    let path = path(&nodes, current.as_deref());
    let on_path: HashSet<&str> = path.iter().copied().collect();
    let shown = |node: &Value| said(node).is_some();
    let on_other_branches = nodes.iter().filter(|(id, node)| !on_path.contains(id.as_str()) && shown(node)).count();
    let messages: Vec<&Value> =
        path.iter().rev().filter_map(|id| nodes.get(*id)).filter(|node| has_message(node)).collect();
    let said: Vec<Said> = messages.iter().filter_map(|node| said(node)).collect();
    cx.count_messages(place, said.len())?;
    if on_other_branches > 0 {
        let text = format!("{on_other_branches} messages of other branches (edits and new tries) are left out.");
        let wording = "Conversations with messages of other branches, which are left out.";
        cx.notices.add_as(NoticeKind::NotAdopted, place, wording, text);
    }
    let id = match fields.text("conversation_id", cx)? {
        Some(id) => Some(id),
        None => fields.text("id", cx)?,
    };
    let title = fields.text("title", cx)?.filter(|title| !title.trim().is_empty());
    Ok(Conversation {
        id,
        title: title.unwrap_or_else(|| "Untitled".to_owned()),
        created_at_ms: ms(fields.take("create_time").as_ref()),
        not_shown: messages.len() - said.len(),
        said,
        on_other_branches,
    })
}

/// The ids from the node that was shown last to the root.
fn path<'n>(nodes: &'n Map<String, Value>, current: Option<&'n str>) -> Vec<&'n str> {
    let leaf = current.filter(|id| nodes.contains_key(*id)).or_else(|| last_leaf(nodes));
    let mut seen = HashSet::new();
    let parent = |id: &&'n str| nodes.get(*id)?.get("parent")?.as_str();
    // A tree that goes round in circles is left where it began.
    std::iter::successors(leaf, parent).take_while(|id| seen.insert(*id)).collect()
}

/// The newest message that nothing follows.
fn last_leaf(nodes: &Map<String, Value>) -> Option<&str> {
    let parents: HashSet<&str> = nodes.values().filter_map(|node| node.get("parent")?.as_str()).collect();
    let leaves = nodes.iter().filter(|(id, _)| !parents.contains(id.as_str()));
    let newest = leaves.max_by_key(|(_, node)| ms(node.get("message").and_then(|message| message.get("create_time"))));
    newest.map(|(id, _)| id.as_str())
}

fn has_message(node: &Value) -> bool {
    node.get("message").is_some_and(Value::is_object)
}

/// What is said in a node, if it was shown to the person.
fn said(node: &Value) -> Option<Said> {
    let message = node.get("message")?;
    let speaker = match message.get("author")?.get("role")?.as_str()? {
        "user" => Speaker::User,
        "assistant" => Speaker::Assistant,
        _ => return None,
    };
    let metadata = message.get("metadata");
    let of_metadata = |key: &str| metadata.and_then(|metadata| metadata.get(key));
    let hidden = of_metadata("is_visually_hidden_from_conversation").and_then(Value::as_bool) == Some(true);
    // What the assistant says to a tool is a call.
    let to_tool = message.get("recipient").and_then(Value::as_str).is_some_and(|to| to != "all");
    if hidden || to_tool {
        return None;
    }
    let text = words(message.get("content")?)?;
    let model = of_metadata("model_slug").and_then(Value::as_str).map(str::to_owned);
    Some(Said { speaker, text, at_ms: ms(message.get("create_time")), model })
}

/// The words of a message's content, if it has any that were shown.
fn words(content: &Value) -> Option<String> {
    let kind = content.get("content_type").and_then(Value::as_str).unwrap_or("text");
    if matches!(kind, "thoughts" | "reasoning_recap" | "user_editable_context" | "model_editable_context") {
        return None;
    }
    let parts = content.get("parts").and_then(Value::as_array);
    let texts: Vec<String> = match (parts, content.get("text").and_then(Value::as_str)) {
        (Some(parts), _) => parts.iter().filter_map(part).collect(),
        (None, Some(text)) if kind == "code" => vec![format!("```\n{text}\n```")],
        (None, Some(text)) => vec![text.to_owned()],
        (None, None) => Vec::new(),
    };
    let text = texts.join("\n");
    (!text.trim().is_empty()).then_some(text)
}

/// The words of a part, or a name for what it is.
fn part(part: &Value) -> Option<String> {
    let name = match part {
        Value::String(text) => return (!text.is_empty()).then(|| text.clone()),
        Value::Object(_) => match part.get("content_type").and_then(Value::as_str) {
            Some("text" | "audio_transcription") => return part.get("text")?.as_str().map(str::to_owned),
            Some("image_asset_pointer") => "image",
            Some("audio_asset_pointer" | "real_time_user_audio_video_asset_pointer") => "audio",
            Some("video_container_asset_pointer") => "video",
            Some(_) | None => "attachment",
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
    };
    Some(format!("[{name}]"))
}

/// Milliseconds since the epoch from the seconds that the export has.
fn ms(seconds: Option<&Value>) -> Option<i64> {
    // The last second of the year 9999: what is later is no time.
    const LAST_S: f64 = 253_402_300_799.0;
    let seconds = seconds?.as_f64().filter(|seconds| seconds.abs() <= LAST_S)?;
    #[expect(clippy::cast_possible_truncation, reason = "the bound is far inside of what an i64 holds")]
    Some((seconds * 1000.0).round() as i64)
}
