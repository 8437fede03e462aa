//! The agent: turn, step, tools, context window and compaction. Its step function is pure; a driver runs its effects.

mod agents;
mod driver;
mod error;
mod events;
mod groups;
pub mod guidance;
mod model;
mod options;
mod others;
mod outside;
mod rules;
mod settings;
mod sleeptime;
pub mod step;
#[cfg(test)]
mod testing;
mod tools;
mod turns;
mod window;

pub use agents::{
    DEFAULT_MEMGPT_SYSTEM, DEFAULT_SYSTEM, create_agent, default_agent, default_tool_rules, default_tools,
};
pub use driver::{TurnContext, check_length, compact_now, context, run_turn, system_text};
pub use error::AgentError;
pub use events::{AgentEvent, Compaction, MemoryChange};
pub use groups::{COMPANY_NOTE, NextSpeaker, asked_note, chosen_speaker, group_note, next_by_rule, speaker_prompt};
pub use model::{
    Cancel, Finish, GenerateOptions, Generation, Guidance, LanguageModel, Locality, MalformedCall, ModelError,
    ModelInfo, Progress, Prompt, PromptMessage, ToolChoice, ToolSchema, Usage,
};
pub use options::{ClientTool, TurnOptions};
pub use others::{Errand, OtherAgents};
pub use outside::{OutsideResult, OutsideTools};
pub use rules::{PastCall, ToolRule, ToolRules};
pub use settings::AgentSettings;
pub use sleeptime::{
    DEFAULT_SLEEPTIME_FREQUENCY, SLEEPTIME_NOTE, SLEEPTIME_PERSONA, SLEEPTIME_PERSONA_TEXT, sleeptime_agent,
    sleeptime_request, tidied, untidiness,
};
pub use tools::{
    ARCHIVAL_MEMORY_INSERT, ARCHIVAL_MEMORY_REPLACE, ARCHIVAL_MEMORY_SEARCH, CONVERSATION_SEARCH, CORE_MEMORY_APPEND,
    CORE_MEMORY_REPLACE, GREP_FILES, MEMORY, MEMORY_APPLY_PATCH, MEMORY_FINISH_EDITS, MEMORY_INSERT, MEMORY_REPLACE,
    MEMORY_RETHINK, OPEN_FILES, REQUEST_HEARTBEAT, SEMANTIC_SEARCH_FILES, SEND_MESSAGE,
    SEND_MESSAGE_TO_AGENT_AND_WAIT_FOR_REPLY, SEND_MESSAGE_TO_AGENT_ASYNC, SEND_MESSAGE_TO_AGENTS_MATCHING_TAGS,
    SEND_MESSAGE_TO_ALL_AGENTS_IN_GROUP, THINKING, Tool, run_tool, tool, tool_names, tool_schema,
};
pub use turns::{
    Decision, Said, TurnRequest, begin_edit, begin_request, begin_request_in, begin_retry, begin_turn, calls_to_decide,
    decide_approval, decide_calls, reset_messages, waiting_calls, word_on_call,
};
pub use window::{ContextOverview, ContextPart, ContextPartKind, DIRECTORIES};
