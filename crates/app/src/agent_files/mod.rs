//! Agents that travel: an agent file is looked at, taken in, and written.
//!
//! A file is hostile until shown otherwise. What is in it gets new ids; code in it is text; servers in it are neither
//! started nor called; secrets in it are let go; everything comes in within one transaction, so that a failure or a kill
//! leaves nothing. What there are no columns for is carried with the agents and goes out with them again (see [`kept`]).

mod carry;
mod chat;
mod chatgpt;
mod folders;
mod groups;
mod import;
mod kept;
mod memory;
mod messages;
mod ours;
mod plan;
mod preview;
mod threads;

use std::collections::HashSet;

use resident_agent_file::{AgentFile, AgentFileError, Limits, Read, WriteOptions, read, time, write};
use resident_store::AgentId;

pub(crate) use self::chat::file_name;
use self::plan::Plan;
use crate::App;
use crate::api::{AgentFilePreview, ApiError, ErrorCode, EventKind, FileNotice};
use crate::event_log::About;

/// How a file is taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Names all of its agents so.
    pub name: Option<String>,
    /// Adds `_copy` to the names of its agents, where `name` is not given.
    pub copy_suffix: bool,
    /// The handle of the model that its agents ask for instead of their own.
    pub model: Option<String>,
    /// The same for the embedding model.
    pub embedding: Option<String>,
    /// Leaves out messages, conversations and summaries.
    pub without_messages: bool,
    /// Names of secrets that its agents have besides their own.
    pub secrets: Vec<String>,
}

/// What was taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Its agents, in the order of the file.
    pub agent_ids: Vec<AgentId>,
    /// Its groups.
    pub group_ids: Vec<String>,
    /// What was not adopted and why.
    pub notices: Vec<FileNotice>,
}

/// What is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// Leaves out messages, conversations and summaries.
    pub without_messages: bool,
    /// The conversation whose messages stand in the place of the first agent's own.
    pub conversation_id: Option<String>,
}

/// The largest agent file that is read, in bytes.
pub fn most_agent_file_bytes() -> usize {
    Limits::default().bytes
}

impl ImportOptions {
    /// Does to `file` what is asked for.
    fn apply(&self, file: &mut AgentFile) {
        if self.without_messages {
            for agent in &mut file.agents {
                agent.messages.clear();
                agent.in_context_message_ids.clear();
            }
            for of_agent in &mut file.resident.agents {
                of_agent.summaries.clear();
                of_agent.conversations.clear();
            }
        }
        for agent in &mut file.agents {
            match &self.name {
                Some(name) => agent.name.clone_from(name),
                None if self.copy_suffix => agent.name.push_str("_copy"),
                None => {}
            }
            agent.secrets.extend(self.secrets.iter().map(|name| (name.clone(), String::new())));
            if let Some(model) = &self.model {
                agent.model = Some(model.clone());
                agent.llm_config.clear();
            }
            if let Some(embedding) = &self.embedding {
                agent.embedding = Some(embedding.clone());
                agent.embedding_config.clear();
            }
        }
        if let Some(model) = &self.model {
            file.resident.agents.iter_mut().for_each(|of_agent| of_agent.model = Some(model.clone()));
        }
    }
}

impl App {
    /// What is in an agent file and what would become of it. Nothing is changed.
    ///
    /// # Errors
    /// When it is no agent file, or is refused; the message names the place.
    pub fn preview_file(&self, bytes: &[u8]) -> Result<AgentFilePreview, ApiError> {
        let read = read_file(bytes)?;
        let form = read.form;
        let models = self.model_handles()?;
        let now_ms = self.store.now_ms();
        let plan = self.store.read(|reader| Plan::new(read, &ImportOptions::default(), reader, &models, now_ms))?;
        Ok(preview::preview(form, plan))
    }

    /// Takes an agent file in, all of it or nothing.
    ///
    /// # Errors
    /// As for [`App::preview_file`], and when the profile cannot be written.
    pub fn import_file(&self, bytes: &[u8], options: &ImportOptions) -> Result<Imported, ApiError> {
        if let Some(name) = &options.name {
            crate::settings::checked_name(name)?;
        }
        let read = read_file(bytes)?;
        let models = self.model_handles()?;
        let now_ms = self.store.now_ms();
        let imported = self.write(|writer| {
            let plan = Plan::new(read, options, writer, &models, now_ms)?;
            import::import(self, writer, plan, now_ms)
        })?;
        tracing::info!(agents = imported.agent_ids.len(), "an agent file was taken in");
        self.send(About::default(), EventKind::AgentsChanged);
        self.send(About::default(), EventKind::BlocksChanged);
        self.send(About::default(), EventKind::PassagesChanged);
        Ok(imported)
    }

    /// The bytes of an agent file with these agents and those that work together with them. The same profile gives the
    /// same bytes, but for the moment of writing.
    ///
    /// # Errors
    /// When one of the agents is not there, or in the bin.
    pub fn export_file(&self, agent_ids: &[String], options: ExportOptions) -> Result<Vec<u8>, ApiError> {
        let mut file = self.agent_file(agent_ids)?;
        if let Some(id) = &options.conversation_id {
            put_first(&mut file, id)?;
        }
        Ok(write(&file, &WriteOptions { messages: !options.without_messages, secrets: false }))
    }

    /// The same as a graph, with the ids of the profile.
    pub(crate) fn agent_file(&self, agent_ids: &[String]) -> Result<AgentFile, ApiError> {
        let ids = agent_ids.iter().map(|id| Ok(self.agent_record(id)?.id)).collect::<Result<Vec<_>, ApiError>>()?;
        let mut file = self.store.read(|reader| {
            let ids = carry::with_companions(reader, ids)?;
            carry::restored(reader, ours::graph(self, reader, &ids)?)
        })?;
        file.created_at = Some(time::text_of(self.store.now_ms()));
        Ok(file)
    }

    fn model_handles(&self) -> Result<HashSet<String>, ApiError> {
        Ok(self.models.list("")?.into_iter().map(|model| model.handle).collect())
    }
}

/// Puts the messages of a conversation of the first agent in the place of the agent's own, after its instructions.
fn put_first(file: &mut AgentFile, conversation_id: &str) -> Result<(), ApiError> {
    let Some(agent) = file.agents.first_mut() else { return Ok(()) };
    let of_agent = file.resident.agents.iter_mut().find(|of_agent| of_agent.agent_id == agent.id);
    let found = of_agent.and_then(|of_agent| {
        let at = of_agent.conversations.iter().position(|conversation| conversation.id == conversation_id)?;
        of_agent.summaries.clear();
        Some(of_agent.conversations.remove(at))
    });
    let found = found.ok_or_else(|| ApiError::not_found("conversation of this agent", conversation_id))?;
    let prompt = plan::prompt_id(&agent.id);
    agent.messages.retain(|message| message.id == prompt);
    agent.in_context_message_ids.retain(|id| *id == prompt);
    agent.messages.extend(found.messages);
    agent.in_context_message_ids.extend(found.in_context_message_ids);
    Ok(())
}

fn read_file(bytes: &[u8]) -> Result<Read, ApiError> {
    read(bytes, &Limits::default()).map_err(|error| refused(&error))
}

/// Why a file is refused. The place in it keeps its spelling.
fn refused(error: &AgentFileError) -> ApiError {
    let code = match error {
        AgentFileError::TooLarge { .. } => ErrorCode::TooLong,
        _ => ErrorCode::Invalid,
    };
    ApiError::new(code, format!("The file was refused: {error}.")).with_hint("Nothing was changed.")
}
