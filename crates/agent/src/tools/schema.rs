//! What the model is told of a tool's arguments: a JSON schema made from a few kinds of parameters. Schemas are kept
//! small, since a small model reads every word of them, and each parameter stands in the order in which it should be
//! written.

use resident_store::AgentType;
use serde_json::{Map, Value, json};

use super::{REQUEST_HEARTBEAT, SEND_MESSAGE, THINKING, Tool};
use crate::model::ToolSchema;

/// One argument.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

/// What an argument is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text,
    /// The label of a block that the agent may write to.
    Label,
    Integer,
    /// A list of texts.
    Texts,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Yes or no.
    Boolean,
    /// A list of files, each with the lines that are wanted of it.
    FileRequests,
    /// A list of these words.
    SomeOf(&'static [&'static str]),
}

impl Parameter {
    /// A required text.
    pub(crate) const fn text(name: &'static str, description: &'static str) -> Self {
        Self { name, description, kind: Kind::Text, required: true }
    }

    /// A required label.
    pub(crate) const fn label(description: &'static str) -> Self {
        Self { name: "label", description, kind: Kind::Label, required: true }
    }

    /// An argument that may be left out.
    pub(crate) const fn optional(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self { name, description, kind, required: false }
    }
}

/// What a schema depends on besides its tool.
pub(crate) struct SchemaContext<'a> {
    /// A `memgpt_agent` thinks and asks for heartbeats in the arguments of its tools.
    pub(crate) agent_type: AgentType,
    /// Labels of the blocks that the agent may write to.
    pub(crate) labels: &'a [String],
}

/// A tool as the model sees it.
pub(crate) fn schema(tool: &Tool, context: &SchemaContext<'_>) -> ToolSchema {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let in_arguments = context.agent_type == AgentType::MemgptAgent;
    if in_arguments {
        properties.insert(
            THINKING.to_owned(),
            json!({ "type": "string", "description": "What you think before you act; only you see it." }),
        );
        required.push(THINKING);
    }
    for parameter in tool.parameters {
        properties.insert(parameter.name.to_owned(), property(parameter, context.labels));
        if parameter.required {
            required.push(parameter.name);
        }
    }
    if in_arguments {
        let description = if tool.name == SEND_MESSAGE {
            "Whether you want to act again at once after this message, instead of waiting for the user."
        } else {
            "Whether you want to act again at once after this call. It must be true when you want to call another tool \
             or say something."
        };
        properties.insert(REQUEST_HEARTBEAT.to_owned(), json!({ "type": "boolean", "description": description }));
        required.push(REQUEST_HEARTBEAT);
    }
    ToolSchema {
        name: tool.name.to_owned(),
        description: tool.description.to_owned(),
        parameters: json!({ "type": "object", "properties": properties, "required": required }),
    }
}

fn property(parameter: &Parameter, labels: &[String]) -> Value {
    let description = parameter.description;
    match parameter.kind {
        Kind::Text => json!({ "type": "string", "description": description }),
        Kind::Label if labels.is_empty() => json!({ "type": "string", "description": description }),
        Kind::Label => json!({ "type": "string", "enum": labels, "description": description }),
        Kind::Integer => json!({ "type": "integer", "description": description }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" }, "description": description }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words, "description": description }),
        Kind::Boolean => json!({ "type": "boolean", "description": description }),
        Kind::FileRequests => json!({
            "type": "array",
            "description": description,
            "items": {
                "type": "object",
                "properties": {
                    "file_name": { "type": "string", "description": "The file, as its folder lists it." },
                    "offset": { "type": "integer", "description": "The first line, counted from 0." },
                    "length": { "type": "integer", "description": "How many lines." },
                },
                "required": ["file_name"],
            },
        }),
        Kind::SomeOf(words) => {
            json!({ "type": "array", "items": { "type": "string", "enum": words }, "description": description })
        }
    }
}
