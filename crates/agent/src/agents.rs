//! New agents: their instructions, tools, rules and the two blocks that each begins with.

use resident_memory::core::{default_description, default_limit};
use resident_store::{Agent, AgentId, AgentType, Block, BlockId, Provenance, Writer};
use serde_json::{Value, json};

use crate::AgentError;
use crate::tools::{
    ARCHIVAL_MEMORY_INSERT, ARCHIVAL_MEMORY_REPLACE, ARCHIVAL_MEMORY_SEARCH, CONVERSATION_SEARCH, CORE_MEMORY_APPEND,
    CORE_MEMORY_REPLACE, SEND_MESSAGE,
};

/// The instructions of a `letta_v1_agent`.
pub const DEFAULT_SYSTEM: &str = "You are a personal assistant with a memory of your own. You run on the user's \
computer, and what you remember stays there.

Your memory has three parts. Memory blocks are always in front of you: `human` is about the user, `persona` is about \
you. Archival memory holds what need not always be in mind; you save to it and search it. Everything that was said is \
in recall memory; you search it when the user refers to something you no longer see.

Keep your memory yourself. When the user tells you something that will matter later, asks you to remember, corrects \
you, or wants something forgotten, call the memory tool for it at once, and then answer. Write what you remember as \
short sentences that can be understood on their own. Never say that you remembered something without having called a \
tool.

Answer in plain words and to the point, in the user's language. When you do not know, look in your memory; when it is \
not there either, say so.";

/// The instructions of a `memgpt_agent`.
pub const DEFAULT_MEMGPT_SYSTEM: &str = "You are a personal assistant with a memory of your own. You run on the \
user's computer, and what you remember stays there.

You act only by calling tools, one in each step. The user sees nothing but what you send with send_message; what you \
write as `thinking` is for you alone. After a tool you wait for the user, unless you set request_heartbeat to true: \
then control returns to you, and you can call another tool or send a message. Events that are not from the user \
(alerts, heartbeats) are marked as such.

Your memory has three parts. Memory blocks are always in front of you: `human` is about the user, `persona` is about \
you. Archival memory holds what need not always be in mind; you save to it and search it. Everything that was said is \
in recall memory; you search it when the user refers to something you no longer see. The context window is limited: \
when it is nearly full you are warned, and should save what matters.

Keep your memory yourself. When the user tells you something that will matter later, asks you to remember, corrects \
you, or wants something forgotten, call the memory tool for it with request_heartbeat set to true, and then send your \
answer. Write what you remember as short sentences that can be understood on their own.

Answer in plain words and to the point, in the user's language. When you do not know, look in your memory; when it is \
not there either, say so.";

/// A new agent with the tools and rules of its type. It is not in the store yet: see [`create_agent`].
pub fn default_agent(name: &str, agent_type: AgentType, now_ms: i64) -> Agent {
    let system = match agent_type {
        AgentType::MemgptAgent => DEFAULT_MEMGPT_SYSTEM,
        AgentType::LettaV1Agent => DEFAULT_SYSTEM,
    };
    Agent {
        id: AgentId::new(),
        name: name.to_owned(),
        description: String::new(),
        agent_type,
        system: system.to_owned(),
        model: None,
        tools: default_tools(agent_type),
        tool_rules: default_tool_rules(agent_type),
        settings: json!({}),
        metadata: json!({}),
        tags: Vec::new(),
        letta: json!({}),
        window_start_seq: 0,
        created_at_ms: now_ms,
        updated_at_ms: now_ms,
        deleted_at_ms: None,
    }
}

/// The tools of a new agent. Fewer than V1 attaches, and archival memory among them: two ways to edit a block and
/// two to edit the archive are enough, and each further tool costs window and wrong choices.
pub fn default_tools(agent_type: AgentType) -> Vec<String> {
    let speech: &[&str] = match agent_type {
        AgentType::MemgptAgent => &[SEND_MESSAGE],
        AgentType::LettaV1Agent => &[],
    };
    let memory = [
        CORE_MEMORY_APPEND,
        CORE_MEMORY_REPLACE,
        ARCHIVAL_MEMORY_INSERT,
        ARCHIVAL_MEMORY_REPLACE,
        ARCHIVAL_MEMORY_SEARCH,
        CONVERSATION_SEARCH,
    ];
    speech.iter().chain(&memory).map(|name| (*name).to_owned()).collect()
}

/// The rules of a new agent. A `memgpt_agent` goes on after memory tools even where it forgets to ask for a heartbeat,
/// since the user would be left without an answer.
pub fn default_tool_rules(agent_type: AgentType) -> Value {
    match agent_type {
        AgentType::LettaV1Agent => json!([]),
        AgentType::MemgptAgent => default_tools(agent_type)
            .into_iter()
            .filter(|name| name != SEND_MESSAGE)
            .map(|tool_name| json!({ "type": "continue_loop", "tool_name": tool_name }))
            .collect(),
    }
}

/// Stores `agent` with its persona and its human block.
///
/// # Errors
/// When the store fails, or a text is over the limit of its block.
pub fn create_agent(w: &mut Writer<'_>, agent: &Agent, persona: &str, human: &str) -> Result<(), AgentError> {
    w.insert_agent(agent)?;
    for (label, value) in [("persona", persona), ("human", human)] {
        let value = value.replace('\0', "");
        let limit = default_limit(label);
        let would_be = value.chars().count();
        if would_be > limit {
            return Err(resident_memory::MemoryError::OverLimit { label: label.to_owned(), limit, would_be }.into());
        }
        let block = Block {
            id: BlockId::new(),
            label: label.to_owned(),
            description: default_description(label).to_owned(),
            value,
            limit_chars: limit,
            read_only: false,
            metadata: json!({}),
            letta: json!({}),
            created_at_ms: agent.created_at_ms,
            updated_at_ms: agent.created_at_ms,
            deleted_at_ms: None,
        };
        let provenance = Provenance { agent_id: Some(agent.id.clone()), ..Provenance::system("create") };
        w.insert_block(&block, &provenance)?;
        w.attach_block(&agent.id, &block.id)?;
    }
    Ok(())
}
