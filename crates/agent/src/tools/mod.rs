//! The tools of an agent: one descriptor a tool, with its name, what the model is told of it, the schema of its
//! arguments, and its function. Names and argument names are those that models were trained on (V1 of Letta's API);
//! older spellings are accepted.
//!
//! A tool that writes runs inside a store transaction, in which the driver records its result too: memory and
//! conversation cannot disagree. A tool that fails returns a sentence from which the model can repair its call.
//! Nothing here runs code that came with an agent: a name without a descriptor is a tool that does not exist.

mod archival;
mod arguments;
mod core;
mod files;
mod names;
mod omni;
mod others;
mod package;
mod recall;
mod schema;

use resident_memory::Memory;
use resident_memory::core::{BlockEdit, EditContext};
use resident_store::{Agent, MessageId, Passage, Provenance, StoreError, TurnId, Writer};
use thiserror::Error;

use crate::events::MemoryChange;
use crate::others::Errand;
use crate::settings::AgentSettings;

pub(crate) use arguments::Arguments;
pub use names::*;
pub(crate) use package::{cut_result, pack_alert, pack_result, pack_user_message};
pub(crate) use schema::{SchemaContext, schema};

/// One tool.
#[derive(Debug)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// What the model is told of it.
    pub description: &'static str,
    /// Its arguments.
    pub(crate) parameters: &'static [schema::Parameter],
    /// Older names of arguments, and what they are called now.
    pub(crate) aliases: &'static [(&'static str, &'static str)],
    /// What it does.
    pub(crate) function: ToolFunction,
}

/// What a tool does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ToolFunction {
    /// Only says something: the result is a fixed sentence, and what is said stands in the call.
    Say(fn(&Arguments) -> Result<String, ToolError>),
    /// Changes memory, within the transaction that records its result.
    Write(fn(&mut Writer<'_>, &EditContext<'_>, &Arguments) -> Result<Written, ToolError>),
    /// Says something to other agents; its result is what they answer.
    Tell(fn(&Arguments) -> Result<Errand, ToolError>),
    /// Looks something up.
    Search(fn(&SearchContext<'_>, &Arguments) -> Result<String, ToolError>),
}

/// What a writing tool did.
#[derive(Debug)]
pub(crate) struct Written {
    /// Its result, for the model.
    pub(crate) message: String,
    /// What it changed.
    pub(crate) changes: Vec<MemoryChange>,
}

impl Written {
    fn block(message: String, edit: BlockEdit) -> Self {
        Self { message, changes: vec![edit.into()] }
    }

    fn passages(message: String, passages: Vec<Passage>) -> Self {
        Self { message, changes: passages.into_iter().map(MemoryChange::PassageSaved).collect() }
    }

    fn forgotten(message: String, passages: Vec<Passage>) -> Self {
        Self { message, changes: passages.into_iter().map(MemoryChange::PassageDeleted).collect() }
    }
}

/// What a searching tool may look at.
pub(crate) struct SearchContext<'a> {
    pub(crate) memory: &'a Memory,
    pub(crate) agent: &'a Agent,
    /// The turn in which it is asked: its own messages are no answer.
    pub(crate) turn_id: &'a TurnId,
    /// The user's message that led to the search: no answer either.
    pub(crate) asked: &'a MessageId,
    pub(crate) now_ms: i64,
    pub(crate) zone: &'a jiff::tz::TimeZone,
    /// Tokens of the window, on which depends how much may be open in it.
    pub(crate) window_tokens: usize,
}

/// Why a tool did not do what it was asked; read by the model.
#[derive(Debug, Error)]
pub(crate) enum ToolError {
    /// A required argument is not there.
    #[error("{tool} needs the argument `{argument}`. Its arguments are: {known}.")]
    MissingArgument { tool: &'static str, argument: String, known: String },
    /// An argument has the wrong type or form.
    #[error("The argument `{argument}` of {tool} must be {expected}; it was {found}.")]
    WrongArgument { tool: &'static str, argument: String, expected: &'static str, found: String },
    /// A command of the `memory` tool that does not exist.
    #[error("Unknown command `{command}`. The commands are: create, str_replace, insert, delete, rename.")]
    UnknownCommand { command: String },
    /// A path that names no block.
    #[error("`{path}` is not the path of a memory block. A path looks like /memories/human.")]
    WrongPath { path: String },
    /// A file that is not in the agent's folders.
    #[error("There is no file named {name}. Files: {known}.")]
    NoSuchFile { name: String, known: String },
    /// A regular expression that cannot be read.
    #[error("`{pattern}` is not a regular expression that can be used: {details}")]
    WrongPattern { pattern: String, details: String },
    /// More files than may be open.
    #[error("At most {most} files can be open at once; {asked} were asked for.")]
    TooManyFiles { most: usize, asked: usize },
    /// Nothing to say to another agent.
    #[error("The message is empty. Write in `message` what you want to say.")]
    NoMessage,
    /// Other agents answer only while the agent talks.
    #[error("{tool} can be called only by an agent in its turn.")]
    OnlyInTurn { tool: &'static str },
    /// Nothing to say.
    #[error("The message is empty. Call send_message with what you want to say.")]
    EmptyMessage,
    /// Memory refused.
    #[error(transparent)]
    Memory(#[from] resident_memory::MemoryError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// All tools there are.
static TOOLS: &[&Tool] = &[
    &SEND,
    &core::APPEND,
    &core::REPLACE_ALL,
    &core::INSERT,
    &core::REPLACE_ONCE,
    &core::RETHINK,
    &omni::MEMORY_TOOL,
    &core::APPLY_PATCH,
    &core::FINISH,
    &archival::INSERT,
    &archival::REPLACE,
    &archival::SEARCH,
    &recall::SEARCH,
    &files::OPEN,
    &files::GREP,
    &files::SEARCH,
    &others::ASK,
    &others::TELL,
    &others::ASK_TAGGED,
    &others::ASK_GROUP,
];

/// What is assumed of the window outside of a turn, where no model is loaded.
const SMALL_WINDOW_TOKENS: usize = 8_192;

static SEND: Tool = Tool {
    name: SEND_MESSAGE,
    description: "Says something to the user. This is the only way in which the user hears from you: whatever else you \
                  write stays with you.",
    parameters: &[schema::Parameter::text("message", "What to say to the user, in any language, Unicode included.")],
    aliases: &[],
    function: ToolFunction::Say(|arguments| {
        if arguments.text("message")?.trim().is_empty() {
            return Err(ToolError::EmptyMessage);
        }
        Ok("Sent message successfully.".to_owned())
    }),
};

/// The tool of this name.
pub fn tool(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name).copied()
}

/// A JSON schema of the arguments of a tool, as an agent of that type that has no blocks sees it.
pub fn tool_schema(tool: &Tool, agent_type: resident_store::AgentType) -> serde_json::Value {
    schema(tool, &SchemaContext { agent_type, labels: &[] }).parameters
}

/// Runs a tool for an agent outside of any turn, as the user asked for it, and returns its result and what it changed.
///
/// # Errors
/// In words, when there is no such tool, an argument is wrong, or memory refuses.
pub fn run_tool(
    memory: &Memory,
    agent: &Agent,
    (name, arguments): (&str, &serde_json::Value),
    zone: &jiff::tz::TimeZone,
) -> Result<(String, Vec<MemoryChange>), String> {
    let found = tool(name).ok_or_else(|| format!("There is no tool named {name}."))?;
    let arguments = Arguments::new(found, arguments);
    let now_ms = memory.store().now_ms();
    let done = match found.function {
        ToolFunction::Say(say) => say(&arguments).map(|text| (text, Vec::new())),
        ToolFunction::Tell(_) => Err(ToolError::OnlyInTurn { tool: found.name }),
        ToolFunction::Search(search) => {
            // Outside of a turn there are no messages of its own to leave out.
            let (turn_id, asked) = (TurnId::new(), MessageId::new());
            let window_tokens = AgentSettings::default().for_agent(agent).window_tokens(SMALL_WINDOW_TOKENS);
            let context =
                SearchContext { memory, agent, turn_id: &turn_id, asked: &asked, now_ms, zone, window_tokens };
            search(&context, &arguments).map(|text| (text, Vec::new()))
        }
        ToolFunction::Write(write) => {
            let provenance = Provenance { agent_id: Some(agent.id.clone()), ..Provenance::user(name) };
            let edit = EditContext::new(&agent.id, &provenance, now_ms);
            let written = memory.store().write(|w| write(w, &edit, &arguments));
            memory.notify_written();
            written.map(|Written { message, changes }| (message, changes))
        }
    };
    done.map(|(text, changes)| (cut_result(text), changes)).map_err(|error| error.to_string())
}

/// The names of all tools there are.
pub fn tool_names() -> impl Iterator<Item = &'static str> {
    TOOLS.iter().map(|tool| tool.name)
}

impl Tool {
    /// Whether it changes memory.
    pub fn writes_memory(&self) -> bool {
        matches!(self.function, ToolFunction::Write(_))
    }
}

#[cfg(test)]
mod tests {
    use resident_store::AgentType;

    use super::*;

    #[test]
    fn every_tool_is_found_by_its_name_and_has_a_schema() {
        let labels = vec!["human".to_owned()];
        for name in tool_names() {
            let found = tool(name).unwrap();
            let context = SchemaContext { agent_type: AgentType::LettaV1Agent, labels: &labels };
            let schema = schema(found, &context);
            assert_eq!(schema.name, name);
            assert_eq!(schema.parameters["type"], "object");
            assert!(schema.description.len() > 20, "{name} is described");
        }
        assert!(tool("run_code").is_none());
    }

    #[test]
    fn the_groups_name_tools_that_exist_and_write() {
        for name in ADDING.iter().chain(REPLACING).chain(WRITING) {
            assert!(tool(name).unwrap().writes_memory(), "{name}");
        }
    }
}
