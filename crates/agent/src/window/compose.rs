//! From a window to a prompt. Pure: the same window gives the same text, byte for byte, and nothing that changes from
//! turn to turn (times, counts of messages) stands in front of the messages.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::tz::TimeZone;
use resident_memory::core::render;
use resident_store::{AgentType, Message, Role, ToolStatus};
use serde_json::json;

use super::Window;
use crate::model::{Prompt, PromptMessage, ToolChoice, ToolSchema};
use crate::tools::{SEND_MESSAGE, pack_alert, pack_result, pack_user_message};
use crate::turns::APPROVAL;

/// Where V1's instructions want the blocks; without it they come after the instructions.
const CORE_MEMORY_MARK: &str = "{CORE_MEMORY}";

const SHORTENED: &str = "What stands above is larger than your context window has room for, so parts of it are shown \
shortened. Nothing is lost. Shorten your memory blocks with your memory tools, or ask the user to.";

/// What a prompt needs besides the window.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) menu: Vec<ToolSchema>,
    pub(crate) choice: ToolChoice,
    pub(crate) zone: TimeZone,
}

/// The whole window as a prompt.
pub(crate) fn compose(window: &Window, frame: &Frame) -> Prompt {
    Prompt {
        system: compose_system(window),
        messages: compose_messages(&window.messages, window.agent.agent_type, &frame.zone),
        menu: frame.menu.clone(),
        tool_choice: frame.choice,
        describe_tools: true,
    }
}

/// The messages of the window as the model reads them.
pub(crate) fn compose_prompt_messages(window: &Window, zone: &TimeZone) -> Vec<PromptMessage> {
    compose_messages(&window.messages, window.agent.agent_type, zone)
}

/// Instructions, blocks and summary.
pub(crate) fn compose_system(window: &Window) -> String {
    let mut core = render(&window.blocks).trim_end().to_owned();
    if !core.is_empty() {
        core.push_str("\n\n");
    }
    if let Some(directories) = &window.directories {
        core.push_str(&directories.render());
        core.push_str("\n\n");
    }
    core.push_str(&metadata(window));
    if window.shortened {
        let _ = write!(core, "\n\n<alert>\n{SHORTENED}\n</alert>");
    }
    let instructions = window.agent.system.trim_end();
    let mut system = if instructions.contains(CORE_MEMORY_MARK) {
        instructions.replacen(CORE_MEMORY_MARK, &core, 1)
    } else if instructions.is_empty() {
        core
    } else {
        format!("{instructions}\n\n{core}")
    };
    if let Some(summary) = &window.summary {
        let _ = write!(system, "\n\n{}", summary_part(&summary.text));
    }
    system
}

/// What an agent is told of its memory outside the window. The counts change only when something is evicted or saved.
pub(super) fn metadata(window: &Window) -> String {
    let mut text = format!("<memory_metadata>\n- AGENT_ID: {}", window.agent.id);
    if window.evicted_messages > 0 {
        let _ = write!(
            text,
            "\n- {} previous messages between you and the user are stored in recall memory (use tools to access them)",
            window.evicted_messages
        );
    }
    if window.passages > 0 {
        let _ = write!(
            text,
            "\n- {} total memories you created are stored in archival memory (use tools to access them)",
            window.passages
        );
    }
    if !window.tags.is_empty() {
        let _ = write!(text, "\n- Available archival memory tags: {}", window.tags.join(", "));
    }
    text.push_str("\n</memory_metadata>");
    text
}

pub(super) fn summary_part(text: &str) -> String {
    format!("<summary>\nEarlier messages are no longer shown. This is what they were about:\n{text}\n</summary>")
}

/// The conversation as chat protocols know it: every call has a result, every result a call, and what is neither the
/// user's nor the agent's comes as the user's, marked as what it is, since many templates know one system message only.
pub(super) fn compose_messages(
    messages: &[Arc<Message>],
    agent_type: AgentType,
    zone: &TimeZone,
) -> Vec<PromptMessage> {
    let mut composed: Vec<PromptMessage> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let at_ms = message.created_at_ms;
        match message.role {
            Role::User => {
                let said = match &message.name {
                    Some(name) => Cow::Owned(format!("{name}: {}", message.content)),
                    None => Cow::Borrowed(message.content.as_str()),
                };
                match agent_type {
                    AgentType::MemgptAgent => push_user(&mut composed, pack_user_message(&said, at_ms, zone)),
                    AgentType::LettaV1Agent => push_user(&mut composed, said.into_owned()),
                }
            }
            Role::System => {
                let kind = message.name.as_deref().unwrap_or_default();
                if kind != APPROVAL {
                    push_user(&mut composed, pack_alert(kind, &message.content, at_ms, zone));
                }
            }
            Role::Assistant => push_assistant(&mut composed, message, &messages[index + 1..], zone),
            // Written together with the call that it answers.
            Role::Tool => {}
        }
    }
    composed
}

fn push_user(composed: &mut Vec<PromptMessage>, text: String) {
    match composed.last_mut() {
        // Templates that insist on turns would refuse two in a row.
        Some(last) if last.role == Role::User => {
            last.content.push_str("\n\n");
            last.content.push_str(&text);
        }
        Some(_) | None => composed.push(PromptMessage::text(Role::User, text)),
    }
}

fn push_assistant(composed: &mut Vec<PromptMessage>, message: &Message, after: &[Arc<Message>], zone: &TimeZone) {
    let speaks_by_call = message.tool_calls.iter().any(|call| call.name == SEND_MESSAGE);
    let content = if speaks_by_call { String::new() } else { message.content.clone() };
    if content.is_empty() && message.tool_calls.is_empty() {
        return;
    }
    composed.push(PromptMessage {
        role: Role::Assistant,
        content,
        tool_calls: message.tool_calls.clone(),
        tool_call_id: None,
    });
    let until_next = after.iter().take_while(|later| later.role != Role::Assistant);
    let results: Vec<_> = until_next.filter(|later| later.role == Role::Tool).collect();
    for call in &message.tool_calls {
        let result = results.iter().find(|result| result.tool_call_id.as_deref() == Some(call.id.as_str()));
        let content = match result {
            Some(result) => {
                let status = result.tool_status.unwrap_or(ToolStatus::Ok);
                pack_result(status, &result.content, result.created_at_ms, zone)
            }
            None => {
                json!({ "status": "Failed", "message": "This call did not run: the turn ended before it." }).to_string()
            }
        };
        composed.push(PromptMessage {
            role: Role::Tool,
            content,
            tool_calls: Vec::new(),
            tool_call_id: Some(call.id.clone()),
        });
    }
}
