//! What unit tests share.

use resident_store::{AgentId, Message, MessageId, Role};

/// A message that says `content`.
pub(crate) fn message(role: Role, content: &str) -> Message {
    Message {
        id: MessageId::new(),
        seq: 0,
        agent_id: AgentId::from("agent-test"),
        conversation_id: None,
        turn_id: None,
        step_id: None,
        role,
        content: content.to_owned(),
        thoughts: None,
        tool_calls: Vec::new(),
        tool_call_id: None,
        name: None,
        tool_status: None,
        otid: None,
        sender_id: None,
        group_id: None,
        origin_id: None,
        created_at_ms: 0,
        deleted_at_ms: None,
    }
}
