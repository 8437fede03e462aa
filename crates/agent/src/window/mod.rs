//! The context window: what stands in it, how it becomes a prompt, how it is measured, and how it is kept from
//! overflowing. The order is instructions, tools, blocks, summary, messages: what changes least comes first, so that
//! what a model has read before need not be read again.

mod compact;
mod compose;
mod cut;
mod extract;
mod files;
mod fit;
mod overview;
mod shorten;
mod summarise;

use std::sync::Arc;

use jiff::tz::TimeZone;
use resident_store::{Agent, Block, Message, Reader, Role, Store, Summary, Thread, WindowMessages};

use crate::AgentError;
use crate::model::{Guidance, LanguageModel, ToolChoice, ToolSchema};
use crate::rules::ToolRules;
use crate::tools::{FILES, SchemaContext, schema, tool};

pub(crate) use compact::{CompactionRequest, compact};
pub(crate) use compose::{Frame, compose_prompt_messages, compose_system};
pub(crate) use cut::turn_starts;
pub(crate) use files::{Directories, FileLimits};
pub(crate) use fit::{Fitted, fit};
pub(crate) use overview::overview;
pub use overview::{ContextOverview, ContextPart, ContextPartKind, DIRECTORIES};
pub(crate) use shorten::shown;

/// What stands in the window of an agent's thread, read in one snapshot of the store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window {
    pub(crate) agent: Agent,
    pub(crate) blocks: Vec<Block>,
    /// Its folders, where any is attached.
    pub(crate) directories: Option<Directories>,
    pub(crate) summary: Option<Summary>,
    /// Shared with whoever else reads them.
    pub(crate) messages: Vec<Arc<Message>>,
    /// Messages that are in recall memory only.
    pub(crate) evicted_messages: usize,
    pub(crate) passages: usize,
    /// Tags of the archive, most used first.
    pub(crate) tags: Vec<String>,
    /// Tools that the client of this turn runs itself.
    pub(crate) brought_tools: Vec<ToolSchema>,
    /// Whether parts of it are not whole; see [`shown`].
    pub(crate) shortened: bool,
}

impl Window {
    pub(crate) fn load(store: &Store, thread: &Thread) -> Result<Self, AgentError> {
        store.read(|reader| Self::read(reader, thread))
    }

    pub(crate) fn read(reader: &Reader<'_>, thread: &Thread) -> Result<Self, AgentError> {
        let agent_id = &thread.agent_id;
        let agent = reader.agent(agent_id)?.ok_or_else(|| AgentError::AgentNotFound(agent_id.clone()))?;
        let WindowMessages { messages, earlier } = reader.window(thread)?;
        Ok(Self {
            blocks: reader.blocks_of(thread)?,
            directories: Directories::read(reader, agent_id)?,
            summary: reader.latest_summary(thread)?,
            evicted_messages: earlier,
            passages: reader.count_passages(agent_id)?,
            tags: reader.tag_counts(agent_id)?.into_iter().map(|(tag, _)| tag).collect(),
            messages,
            agent,
            brought_tools: Vec::new(),
            shortened: false,
        })
    }

    /// Shows as much of open files as a window of that size has room for.
    pub(crate) fn limit_files(mut self, window_tokens: usize) -> Self {
        if let Some(directories) = &mut self.directories {
            directories.limits = FileLimits::of(window_tokens);
        }
        self
    }

    /// The rules of the agent.
    pub(crate) fn rules(&self) -> Result<ToolRules, AgentError> {
        ToolRules::from_json(&self.agent.tool_rules)
            .map_err(|source| AgentError::ToolRules { agent_id: self.agent.id.clone(), source })
    }

    /// The names of the agent's tools that can be called, each once: those that Resident has, those of the client, and
    /// those that run outside. Other tools of the agent (custom ones) are offered only where the client brings a tool of
    /// their name.
    pub(crate) fn attached_tools(&self) -> Vec<String> {
        let mut names = Vec::new();
        // The tools for files come and go with the folders.
        let of_files: Vec<String> = FILES.iter().map(|name| (*name).to_owned()).collect();
        let of_files = if self.directories.is_some() { of_files.as_slice() } else { &[] };
        let own = self.agent.tools.iter().filter(|name| tool(name).is_some() && !FILES.contains(&name.as_str()));
        for name in own.chain(of_files).chain(self.brought_tools.iter().map(|schema| &schema.name)) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// What the model is told of the tools named.
    pub(crate) fn schemas(&self, names: &[String]) -> Vec<ToolSchema> {
        let writable = self.blocks.iter().filter(|block| !block.read_only);
        let labels: Vec<_> = writable.map(|block| block.label.clone()).collect();
        let context = SchemaContext { agent_type: self.agent.agent_type, labels: &labels };
        let client = |name: &String| self.brought_tools.iter().find(|schema| schema.name == *name).cloned();
        names.iter().filter_map(|name| client(name).or_else(|| tool(name).map(|tool| schema(tool, &context)))).collect()
    }

    /// The window as a model that must be led reads it: of earlier turns what was said, without the calls and their
    /// results, which guided prompts never show. All of them stay in recall memory and in the steps.
    pub(crate) fn as_spoken(&self) -> Self {
        let current = turn_starts(&self.messages).last().copied().unwrap_or(0);
        let (before, turn) = self.messages.split_at(current);
        let spoken = before.iter().filter(|message| message.role != Role::Tool);
        let spoken = spoken.map(|message| match message.tool_calls.as_slice() {
            [] => message.clone(),
            _ => Arc::new(Message { tool_calls: Vec::new(), ..Message::clone(message) }),
        });
        Self { messages: spoken.chain(turn.iter().cloned()).collect(), ..self.clone() }
    }

    /// The window as `model` reads it, and the frame of its prompt.
    pub(crate) fn read_by(self, model: &dyn LanguageModel, zone: TimeZone) -> (Self, Frame) {
        match model.info().guidance {
            Guidance::None => {
                let menu = self.schemas(&self.attached_tools());
                (self, Frame { menu, choice: ToolChoice::Auto, zone })
            }
            Guidance::Full => (self.as_spoken(), Frame { menu: Vec::new(), choice: ToolChoice::None, zone }),
        }
    }

    /// Whether a turn stands before the current one.
    pub(crate) fn is_evictable(&self) -> bool {
        turn_starts(&self.messages).len() > 1
    }

    /// Whether the agent was warned since the last compaction.
    pub(crate) fn was_warned(&self) -> bool {
        let since = self.summary.as_ref().map_or(i64::MIN, |summary| summary.created_at_ms);
        self.messages.iter().any(|message| {
            message.role == Role::System && message.name.as_deref() == Some(PRESSURE) && message.created_at_ms >= since
        })
    }
}

/// The name under which the warning of memory pressure is recorded.
pub(crate) const PRESSURE: &str = "memory_pressure";
