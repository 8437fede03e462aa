//! Reading: bytes to the portable graph, whatever form they have.

use serde_json::Value;

use crate::fields::{Context, Fields};
use crate::graph::{Agent, AgentFile, Block, File, Folder, Group, McpServer, Resident, Skill, Tool};
use crate::place::Place;
use crate::settle::settle;
use crate::{AgentFileError, Limits, Notice, NoticeKind, hidden, json, kept, legacy};

/// The form in which a file came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An object with `agents`.
    Current,
    /// The same as a text within JSON, once or twice over.
    DoubleEncoded,
    /// One agent with its blocks, messages and tools in itself, as programs wrote it before 2025-09.
    Legacy,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// What is in it. Every id is there once and every reference leads somewhere.
    pub file: AgentFile,
    /// The form in which it came.
    pub form: Form,
    /// What a person should know before it is taken in.
    pub notices: Vec<Notice>,
}

/// How often JSON may stand in a text within JSON.
const WRAPPINGS: usize = 3;

/// What is in the agent file `bytes`.
///
/// # Errors
/// When it is no agent file, breaks the rules of its format in a way that has no plain meaning, or is more than `limits`
/// allow. Nothing of it is used then.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Read, AgentFileError> {
    let mut cx = Context::new(limits);
    let (mut value, wrappings) = unwrapped(bytes, &mut cx)?;
    kept::put_back(&mut value);
    hidden::look_through(&value, &Place::FILE, &mut cx);
    let mut fields = Fields::new(value, Place::FILE)?;
    let (file, form) = if fields.has("agents") {
        let form = if wrappings == 0 { Form::Current } else { Form::DoubleEncoded };
        (current(fields, &mut cx)?, form)
    } else if legacy::is_legacy(&mut fields) {
        (legacy::read(fields, &mut cx)?, Form::Legacy)
    } else {
        let reason = "it has neither `agents` nor the fields of one agent".to_owned();
        return Err(AgentFileError::NotAnAgentFile { reason });
    };
    Ok(Read { file, form, notices: cx.notices.into_list() })
}

/// The object of the file, and how often it was wrapped in a text.
fn unwrapped(bytes: &[u8], cx: &mut Context<'_>) -> Result<(Value, usize), AgentFileError> {
    let mut parsed = json::parse(bytes, cx.limits)?;
    for wrappings in 0..=WRAPPINGS {
        if parsed.halves > 0 {
            let text = format!("{} halves of characters (broken emoji) were replaced by U+FFFD.", parsed.halves);
            cx.mended(&"", text);
        }
        match parsed.value {
            Value::String(text) => parsed = json::parse(text.as_bytes(), cx.limits)?,
            Value::Array(_) => {
                let reason = "it is a list, such as an export of chats, and not an object".to_owned();
                return Err(AgentFileError::NotAnAgentFile { reason });
            }
            value => return Ok((value, wrappings)),
        }
    }
    let reason = "it is JSON within a text within JSON, more often than programs do that".to_owned();
    Err(AgentFileError::NotAnAgentFile { reason })
}

fn current(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<AgentFile, AgentFileError> {
    let most = cx.limits.entities;
    let agents = fields.things(("agents", "agents"), cx.limits.agents, cx, Agent::read)?;
    if agents.is_empty() {
        return Err(AgentFileError::NotAnAgentFile { reason: "there is no agent in it".to_owned() });
    }
    let (agents, inline): (Vec<Agent>, Vec<Vec<Block>>) =
        agents.into_iter().map(|read| (read.agent, read.blocks)).unzip();
    let mut skills = fields.things(("skills", "skills"), most, cx, Skill::read)?;
    skills.retain(|skill| {
        if !skill.has_content() {
            let text =
                format!("The skill {} has neither a text nor a place that it comes from.", json::quoted(&skill.name));
            cx.notices.add(NoticeKind::NotAdopted, &"skills", text);
        }
        skill.has_content()
    });
    let mut file = AgentFile {
        agents,
        groups: fields.things(("groups", "groups"), most, cx, Group::read)?,
        blocks: fields.things(("blocks", "blocks"), most, cx, Block::read)?,
        files: fields.things(("files", "files"), most, cx, File::read)?,
        folders: fields.things(("sources", "folders"), most, cx, Folder::read)?,
        tools: fields.things(("tools", "tools"), most, cx, Tool::read)?,
        mcp_servers: fields.things(("mcp_servers", "servers"), most, cx, McpServer::read)?,
        skills,
        metadata: fields.object("metadata")?.unwrap_or_default(),
        created_at: fields.moment("created_at", cx),
        resident: match fields.take("resident") {
            Some(section) => Resident::read(Fields::new(section, Place::FILE.key("resident"))?, cx)?,
            None => Resident::default(),
        },
        extra: fields.rest(),
    };
    settle(&mut file, inline, cx)?;
    Ok(file)
}
