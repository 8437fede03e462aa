//! Conversations: threads of an agent beside its own.

use resident_store::{Conversation, ConversationId, ConversationListing, Page, Provenance, Thread};
use serde_json::Value;

use super::blocks::with_fields;
use crate::App;
use crate::api::{ApiError, CompactionView, EventKind};
use crate::event_log::About;
use crate::turns::compaction_view;

/// A conversation to be begun.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewConversation {
    /// What it is called.
    pub name: Option<String>,
    /// What only Letta's clients read.
    pub letta: Value,
    /// Labels of blocks of which it gets copies of its own.
    pub isolated_labels: Vec<String>,
}

/// Changes to a conversation; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConversationChanges {
    /// New name.
    pub name: Option<String>,
    /// Fields to set in what only Letta's clients read.
    pub letta: Option<Value>,
}

impl App {
    /// Conversations, of one agent or of all.
    pub fn conversation_records(
        &self,
        agent_id: Option<&str>,
        name_has: Option<String>,
        page: Page,
    ) -> Result<Vec<Conversation>, ApiError> {
        let agent_id = agent_id.map(|id| self.agent_record(id).map(|agent| agent.id)).transpose()?;
        let listing = ConversationListing { agent_id, name_has, page };
        self.store.read(|reader| Ok(reader.list_conversations(&listing)?))
    }

    /// A conversation that is not in the bin.
    pub fn conversation_record(&self, id: &str) -> Result<Conversation, ApiError> {
        let found = self.store.read::<_, ApiError>(|reader| Ok(reader.conversation(&ConversationId::from(id))?))?;
        let live = found.filter(|conversation| conversation.deleted_at_ms.is_none());
        live.ok_or_else(|| ApiError::not_found("conversation", id))
    }

    /// Begins a conversation with an agent.
    pub fn create_conversation(&self, agent_id: &str, new: NewConversation) -> Result<Conversation, ApiError> {
        let NewConversation { name, letta, isolated_labels } = new;
        let agent = self.agent_record(agent_id)?;
        let conversation = self.empty_conversation(&agent.id, name, letta);
        self.write(|writer| {
            writer.insert_conversation(&conversation)?;
            for label in isolated_labels {
                let block = writer.block_by_label(&agent.id, &label)?;
                let block = block.ok_or_else(|| ApiError::not_found("block", &label))?;
                let provenance = Provenance { agent_id: Some(agent.id.clone()), ..Provenance::user("isolate") };
                writer.isolate_block(&conversation.id, &block, &provenance, conversation.created_at_ms)?;
            }
            Ok::<_, ApiError>(())
        })?;
        self.conversation_record(conversation.id.as_str())
    }

    /// Begins a conversation that goes on from where a thread is now.
    pub fn fork_thread(&self, thread: &Thread) -> Result<Conversation, ApiError> {
        self.agent_record(thread.agent_id.as_str())?;
        let (name, letta) = match &thread.conversation_id {
            Some(id) => {
                let source = self.conversation_record(id.as_str())?;
                (source.name, source.letta)
            }
            None => (None, serde_json::json!({})),
        };
        let fork = self.empty_conversation(&thread.agent_id, name, letta);
        let provenance = Provenance { agent_id: Some(thread.agent_id.clone()), ..Provenance::user("fork") };
        self.write(|writer| Ok(writer.fork_conversation(thread, &fork, &provenance)?))?;
        self.conversation_record(fork.id.as_str())
    }

    /// Changes a conversation.
    pub fn update_conversation(&self, id: &str, changes: ConversationChanges) -> Result<Conversation, ApiError> {
        let ConversationChanges { name, letta } = changes;
        let mut conversation = self.conversation_record(id)?;
        conversation.name = name.or(conversation.name);
        if let Some(fields) = letta {
            conversation.letta = with_fields(&conversation.letta, &fields);
        }
        conversation.updated_at_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.update_conversation(&conversation)?))?;
        Ok(conversation)
    }

    /// Moves a conversation and what was said in it to the bin.
    pub fn delete_conversation(&self, id: &str) -> Result<(), ApiError> {
        let conversation = self.conversation_record(id)?;
        let now_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.set_conversation_deleted(&conversation.id, Some(now_ms))?))
    }

    /// The ids of the messages in a thread's window, oldest first.
    pub fn window_message_ids(&self, thread: &Thread) -> Result<Vec<String>, ApiError> {
        let messages = self.store.read::<_, ApiError>(|reader| Ok(reader.window_messages(thread)?))?;
        Ok(messages.iter().map(|message| message.id.0.clone()).collect())
    }

    /// Evicts the oldest part of a thread's window now; `None` when it holds a single turn.
    pub fn compact_thread(&self, thread: &Thread) -> Result<Option<CompactionView>, ApiError> {
        let agent = self.agent_record(thread.agent_id.as_str())?;
        let about = About::agent(agent.id.as_str());
        let model = self.model_of(&agent, &about)?;
        let settings = self.settings()?.for_agents();
        let context = self.turn_context(model.as_ref(), &settings);
        let cancel = resident_agent::Cancel::default();
        let done = resident_agent::compact_now(&context, thread, &cancel, &mut |_| {});
        match done {
            Ok(compaction) => {
                let compaction = compaction_view(compaction);
                self.send(about, EventKind::Compacted { compaction: compaction.clone() });
                Ok(Some(compaction))
            }
            Err(resident_agent::AgentError::NothingToCompact(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn empty_conversation(
        &self,
        agent_id: &resident_store::AgentId,
        name: Option<String>,
        letta: Value,
    ) -> Conversation {
        let now_ms = self.store.now_ms();
        Conversation {
            id: ConversationId::new(),
            agent_id: agent_id.clone(),
            name,
            letta: if letta.is_object() { letta } else { serde_json::json!({}) },
            isolated_block_ids: Vec::new(),
            window_start_seq: 0,
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            last_message_at_ms: None,
            deleted_at_ms: None,
        }
    }
}
