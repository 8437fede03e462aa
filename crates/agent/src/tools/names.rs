//! The names of the tools, of the arguments that every tool of a `memgpt_agent` has, and which tools do what to memory.

/// Says something to the user.
pub const SEND_MESSAGE: &str = "send_message";
/// Adds a line to a block.
pub const CORE_MEMORY_APPEND: &str = "core_memory_append";
/// Replaces text in a block, wherever it occurs.
pub const CORE_MEMORY_REPLACE: &str = "core_memory_replace";
/// Inserts text at a line of a block.
pub const MEMORY_INSERT: &str = "memory_insert";
/// Replaces text that occurs once in a block.
pub const MEMORY_REPLACE: &str = "memory_replace";
/// Writes a block anew.
pub const MEMORY_RETHINK: &str = "memory_rethink";
/// All block edits in one tool.
pub const MEMORY: &str = "memory";
/// Applies a patch to blocks.
pub const MEMORY_APPLY_PATCH: &str = "memory_apply_patch";
/// Says that memory is tidy.
pub const MEMORY_FINISH_EDITS: &str = "memory_finish_edits";
/// Saves a passage.
pub const ARCHIVAL_MEMORY_INSERT: &str = "archival_memory_insert";
/// Corrects or removes a passage.
pub const ARCHIVAL_MEMORY_REPLACE: &str = "archival_memory_replace";
/// Searches passages.
pub const ARCHIVAL_MEMORY_SEARCH: &str = "archival_memory_search";
/// Searches what was said.
pub const CONVERSATION_SEARCH: &str = "conversation_search";

/// Opens files.
pub const OPEN_FILES: &str = "open_files";
/// Searches files by a regular expression.
pub const GREP_FILES: &str = "grep_files";
/// Searches files by meaning and words.
pub const SEMANTIC_SEARCH_FILES: &str = "semantic_search_files";

/// Says something to another agent and waits for its answer.
pub const SEND_MESSAGE_TO_AGENT_AND_WAIT_FOR_REPLY: &str = "send_message_to_agent_and_wait_for_reply";
/// Says something to another agent.
pub const SEND_MESSAGE_TO_AGENT_ASYNC: &str = "send_message_to_agent_async";
/// Says something to all agents with some tags and waits for their answers.
pub const SEND_MESSAGE_TO_AGENTS_MATCHING_TAGS: &str = "send_message_to_agents_matching_tags";
/// Says something to the agents of the group that the agent leads and waits for their answers.
pub const SEND_MESSAGE_TO_ALL_AGENTS_IN_GROUP: &str = "send_message_to_all_agents_in_group";

/// Tools that are offered while a folder is attached.
pub(crate) const FILES: &[&str] = &[OPEN_FILES, GREP_FILES, SEMANTIC_SEARCH_FILES];

/// The argument in which a `memgpt_agent` thinks.
pub const THINKING: &str = "thinking";
/// The argument with which a `memgpt_agent` asks for another step.
pub const REQUEST_HEARTBEAT: &str = "request_heartbeat";

/// Tools that add to memory.
pub(crate) const ADDING: &[&str] = &[CORE_MEMORY_APPEND, MEMORY_INSERT, MEMORY, ARCHIVAL_MEMORY_INSERT];
/// Tools that can take text out of memory.
pub(crate) const REPLACING: &[&str] =
    &[CORE_MEMORY_REPLACE, MEMORY_REPLACE, MEMORY_RETHINK, MEMORY, MEMORY_APPLY_PATCH, ARCHIVAL_MEMORY_REPLACE];
/// Tools that change memory.
pub(crate) const WRITING: &[&str] = &[
    CORE_MEMORY_REPLACE,
    MEMORY_REPLACE,
    CORE_MEMORY_APPEND,
    MEMORY_INSERT,
    MEMORY_RETHINK,
    MEMORY,
    MEMORY_APPLY_PATCH,
    ARCHIVAL_MEMORY_INSERT,
    ARCHIVAL_MEMORY_REPLACE,
];
