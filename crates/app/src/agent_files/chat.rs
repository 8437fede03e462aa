//! A chat as a file: an agent's own thread, for people (Markdown) or for programs (JSON).

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use resident_agent_file::chat::{Chat, ChatCall, ChatMessage, json, markdown};
use resident_agent_file::safe_file_name;
use resident_store::{Message, Role, Thread, ToolStatus};

use crate::App;
use crate::api::{ApiError, ChatFormat, ExportChat, ExportedFile};

/// Who speaks where nobody has a name.
const NAMELESS_USER: &str = "You";
const PROGRAM: &str = "Resident";

/// The tool whose call is what the agent says.
const SEND_MESSAGE: &str = "send_message";

impl App {
    /// An agent's own thread as a file.
    pub fn export_chat(&self, request: ExportChat) -> Result<ExportedFile, ApiError> {
        let ExportChat { agent_id, format } = request;
        let agent = self.agent_record(&agent_id)?;
        let user = self.settings()?.user_name.unwrap_or_else(|| NAMELESS_USER.to_owned());
        let rows: Vec<Message> = self
            .store
            .read::<_, ApiError>(|reader| Ok(reader.messages_after(Thread::own(&agent.id), i64::MIN, usize::MAX)?))?;
        let chat = Chat { title: agent.name.clone(), messages: said(rows, &user, &agent.name) };
        let zone = self.settings()?.for_agents().for_agent(&agent).zone();
        let (ending, media_type, text) = match format {
            ChatFormat::Markdown => ("md", "text/markdown", markdown(&chat, |at_ms| when(at_ms, &zone))),
            ChatFormat::Json => {
                let text = String::from_utf8(json(&chat)).expect("JSON is text");
                ("json", "application/json", text)
            }
        };
        Ok(ExportedFile { file_name: file_name(&agent.name, ending), media_type: media_type.to_owned(), text })
    }
}

/// A name for a file about `name`, in one folder.
pub(crate) fn file_name(name: &str, ending: &str) -> String {
    format!("{}.{ending}", safe_file_name(&name.replace(['/', '\\'], "-")))
}

fn when(at_ms: i64, zone: &TimeZone) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(at_ms) else { return String::new() };
    timestamp.to_zoned(zone.clone()).strftime("%-d %B %Y, %H:%M").to_string()
}

/// What was said, each call with its result.
fn said(rows: Vec<Message>, user: &str, agent: &str) -> Vec<ChatMessage> {
    let results: HashMap<String, (String, bool)> = rows
        .iter()
        .filter(|row| row.role == Role::Tool)
        .filter_map(|row| {
            let succeeded = row.tool_status != Some(ToolStatus::Failed);
            Some((row.tool_call_id.clone()?, (row.content.clone(), succeeded)))
        })
        .collect();
    let messages = rows.into_iter().filter(|row| row.role != Role::Tool).map(|row| {
        let calls = row.tool_calls.iter().filter(|call| call.name != SEND_MESSAGE).map(|call| {
            let result = results.get(&call.id);
            ChatCall {
                name: call.name.clone(),
                arguments: call.arguments.to_string(),
                result: result.map(|(text, _)| text.clone()),
                succeeded: result.is_none_or(|(_, succeeded)| *succeeded),
            }
        });
        ChatMessage {
            speaker: match row.role {
                Role::User => user,
                Role::Assistant => agent,
                Role::System | Role::Tool => PROGRAM,
            }
            .to_owned(),
            role: row.role.word().to_owned(),
            at_ms: row.created_at_ms,
            calls: calls.collect(),
            text: row.content,
            thoughts: row.thoughts,
        }
    });
    messages.filter(|message| !message.text.trim().is_empty() || !message.calls.is_empty()).collect()
}
