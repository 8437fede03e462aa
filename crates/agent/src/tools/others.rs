//! The tools with which agents talk to each other, with V1's names and arguments.

use resident_store::AgentId;

use super::schema::{Kind, Parameter};
use super::{
    Arguments, SEND_MESSAGE_TO_AGENT_AND_WAIT_FOR_REPLY, SEND_MESSAGE_TO_AGENT_ASYNC,
    SEND_MESSAGE_TO_AGENTS_MATCHING_TAGS, SEND_MESSAGE_TO_ALL_AGENTS_IN_GROUP, Tool, ToolError, ToolFunction,
};
use crate::others::Errand;

const WHICH_AGENT: Parameter = Parameter::text("other_agent_id", "The id of the other agent, or its name.");

pub(super) static ASK: Tool = Tool {
    name: SEND_MESSAGE_TO_AGENT_AND_WAIT_FOR_REPLY,
    description: "Says something to another agent and waits for its answer. It is told who you are.",
    parameters: &[Parameter::text("message", "What to say to it."), WHICH_AGENT],
    aliases: &[],
    function: ToolFunction::Tell(|arguments| {
        Ok(Errand::Ask { agent_id: AgentId::from(arguments.text("other_agent_id")?), message: message(arguments)? })
    }),
};

pub(super) static TELL: Tool = Tool {
    name: SEND_MESSAGE_TO_AGENT_ASYNC,
    description: "Says something to another agent without waiting for an answer. It is told who you are.",
    parameters: &[Parameter::text("message", "What to say to it."), WHICH_AGENT],
    aliases: &[],
    function: ToolFunction::Tell(|arguments| {
        Ok(Errand::Tell { agent_id: AgentId::from(arguments.text("other_agent_id")?), message: message(arguments)? })
    }),
};

pub(super) static ASK_TAGGED: Tool = Tool {
    name: SEND_MESSAGE_TO_AGENTS_MATCHING_TAGS,
    description: "Says something to all agents that have certain tags and waits for their answers. They are told who \
                  you are.",
    parameters: &[
        Parameter::text("message", "What to say to them."),
        Parameter { required: true, ..Parameter::optional("match_all", Kind::Texts, "Tags that each of them has.") },
        Parameter {
            required: true,
            ..Parameter::optional(
                "match_some",
                Kind::Texts,
                "Tags of which each of them has one at least; may be empty.",
            )
        },
    ],
    aliases: &[],
    function: ToolFunction::Tell(|arguments| {
        Ok(Errand::AskTagged {
            match_all: arguments.texts("match_all")?,
            match_some: arguments.texts("match_some")?,
            message: message(arguments)?,
        })
    }),
};

pub(super) static ASK_GROUP: Tool = Tool {
    name: SEND_MESSAGE_TO_ALL_AGENTS_IN_GROUP,
    description: "Says something to all agents of the group that you lead and waits for their answers.",
    parameters: &[Parameter::text("message", "What to say to them.")],
    aliases: &[],
    function: ToolFunction::Tell(|arguments| Ok(Errand::AskGroup { message: message(arguments)? })),
};

fn message(arguments: &Arguments) -> Result<String, ToolError> {
    let message = arguments.text("message")?.trim();
    if message.is_empty() { Err(ToolError::NoMessage) } else { Ok(message.to_owned()) }
}
