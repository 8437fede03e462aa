//! Worked examples as turns of a conversation: what a small model imitates.

use resident_store::{Role, ToolCall};
use serde_json::{Map, Value, json};

use crate::model::{PromptMessage, ToolSchema};

/// What is said and what is written, for tools that append.
const APPENDING: [(&str, &str); 2] = [
    (
        "Remember that I own a sailing boat and my sister hates fish.",
        "The user owns a sailing boat.\nThe user's sister hates fish.",
    ),
    ("I put honey in my porridge, note that.", "The user puts honey in the user's porridge."),
];

/// What is said, the line before and the line after.
const REPLACING: [(&str, &str, &str); 1] =
    [("Actually my boat is green, not white.", "The user's boat is white.", "The user's boat is green.")];

const FORGETTING: [(&str, &str); 1] = [("Please forget the colour of my boat.", "The user's boat is green.")];

const ARCHIVING: [(&str, &str); 1] =
    [("Save this for later: the harbour closes at dusk in winter.", "the harbour closes at dusk in winter.")];

const SEARCHING: [(&str, &str); 2] =
    [("What did I tell you about the harbour?", "harbour"), ("Find the porridge recipe I saved.", "porridge recipe")];

/// Notes, a question, and its answer.
const ANSWERING: [(&str, &str, &str); 2] = [
    ("- The user's boat is called Albatross.", "What is the name of my boat?", "Your boat is called Albatross."),
    ("- The user owns a sailing boat.\n- The user's sister hates fish.", "Who hates fish?", "Your sister hates fish."),
];

const TALKING: [(&str, &str); 3] = [
    ("Hello!", "Hello! What can I do for you today?"),
    (
        "What can you do?",
        "I can chat with you, answer questions, and remember things for you. Tell me what to remember, correct me, or ask \
         what you told me before. Everything stays on this computer.",
    ),
    ("What is the largest ocean?", "The Pacific Ocean is the largest ocean on Earth."),
];

/// Every sentence of the user's in the worked examples.
pub fn worked_examples() -> impl Iterator<Item = &'static str> {
    let appending = APPENDING.iter().map(|(said, _)| *said);
    let replacing = REPLACING.iter().map(|(said, _, _)| *said);
    let pairs = FORGETTING.iter().chain(&ARCHIVING).chain(&SEARCHING).chain(&TALKING).map(|(said, _)| *said);
    let answering = ANSWERING.iter().map(|(_, said, _)| *said);
    appending.chain(replacing).chain(pairs).chain(answering)
}

/// Examples of calling the tool of `schema`.
pub(super) fn of_writing(schema: &ToolSchema) -> Vec<PromptMessage> {
    let removes = removes(schema);
    match schema.name.as_str() {
        "core_memory_replace" | "memory_replace" if removes => {
            FORGETTING.iter().flat_map(|(said, old)| example(schema, said, &[old, ""])).collect()
        }
        "core_memory_replace" | "memory_replace" => {
            REPLACING.iter().flat_map(|(said, old, new)| example(schema, said, &[old, new])).collect()
        }
        "archival_memory_insert" => ARCHIVING.iter().flat_map(|(said, text)| example(schema, said, &[text])).collect(),
        _ => APPENDING.iter().flat_map(|(said, text)| example(schema, said, &[text])).collect(),
    }
}

/// Whether the call can only remove.
fn removes(schema: &ToolSchema) -> bool {
    ["new_content", "new_string"]
        .iter()
        .any(|name| schema.parameters.pointer(&format!("/properties/{name}/pattern")) == Some(&json!("^(?:)$")))
}

/// Examples of searching.
pub(super) fn of_searching(schema: &ToolSchema) -> Vec<PromptMessage> {
    SEARCHING.iter().flat_map(|(said, query)| example(schema, said, &[query])).collect()
}

/// Examples of answering from notes, through the tool of `schema` or in plain text.
pub(super) fn of_answering(schema: Option<&ToolSchema>) -> Vec<PromptMessage> {
    ANSWERING
        .iter()
        .flat_map(|(notes, question, answer)| {
            [PromptMessage::text(Role::User, beside(&[(*notes).to_owned()], question)), said(schema, answer)]
        })
        .collect()
}

/// Examples of talking, through the tool of `schema` or in plain text.
pub(super) fn of_talking(schema: Option<&ToolSchema>) -> Vec<PromptMessage> {
    TALKING.iter().flat_map(|(asked, answer)| [PromptMessage::text(Role::User, *asked), said(schema, answer)]).collect()
}

/// Something that the agent said, in the form in which it is to go on speaking.
pub(super) fn said(schema: Option<&ToolSchema>, text: &str) -> PromptMessage {
    match schema {
        Some(schema) => called(schema, &[text]),
        None => PromptMessage::text(Role::Assistant, text),
    }
}

/// A message with the notes beside it, where a small model reads them.
pub(super) fn beside(notes: &[String], message: &str) -> String {
    if notes.is_empty() { message.to_owned() } else { format!("Notes:\n{}\n\n{message}", notes.join("\n")) }
}

/// A message and the call that answers it.
fn example(schema: &ToolSchema, said: &str, texts: &[&str]) -> [PromptMessage; 2] {
    [PromptMessage::text(Role::User, said), called(schema, texts)]
}

/// A call: arguments that can be only one thing are that, the others are `texts`.
fn called(schema: &ToolSchema, texts: &[&str]) -> PromptMessage {
    let mut texts = texts.iter();
    let mut arguments = Map::new();
    if let Some(properties) = schema.parameters.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            let fixed = property.pointer("/enum/0").filter(|_| !name.starts_with("old_"));
            let value = fixed.cloned().or_else(|| texts.next().map(|text| json!(text)));
            arguments.extend(value.map(|value| (name.clone(), value)));
        }
    }
    let call =
        ToolCall { id: "call-example".to_owned(), name: schema.name.clone(), arguments: Value::Object(arguments) };
    let mut answer = PromptMessage::text(Role::Assistant, "");
    answer.tool_calls.push(call);
    answer
}
