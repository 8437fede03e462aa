//! Chats of ChatGPT, from its export `conversations.json`, as memories of an agent.
//!
//! Each becomes a conversation of the agent, with its title and dates, whose messages are in recall memory; and its text
//! is in archival memory, in an archive of its own that can be detached or binned as one, tagged and dated. A second
//! import of the same export brings only what is new.

use std::collections::HashSet;
use std::io::Read;
use std::ops::ControlFlow;

use resident_agent_file::chatgpt::{Conversation as Chat, Said, Speaker, each};
use resident_agent_file::{Limits, NoticeKind};
use resident_memory::archival::{self, NewPassages};
use resident_memory::core::EditContext;
use resident_store::{
    AgentId, Archive, ArchiveId, ArchiveKind, ArchiveListing, Conversation, ConversationId, ConversationListing,
    NewMessage, Provenance, Role, Thread, Writer,
};
use serde_json::json;

use super::{plan, preview, refused};
use crate::App;
use crate::api::{ApiError, EventKind, ImportChats, ImportedChats};
use crate::event_log::About;

/// The archive of all of them, and their tag.
const ARCHIVE: &str = "Chats with ChatGPT";
const TAG: &str = "chatgpt";

/// The key under which a conversation keeps its id in the export.
const ID: &str = "chatgpt_id";

/// Messages of a conversation that are in its window when it is gone on with here.
const IN_WINDOW: usize = 20;

impl App {
    /// Takes chats of ChatGPT in.
    pub fn import_chats(&self, request: ImportChats) -> Result<ImportedChats, ApiError> {
        self.import_chatgpt(&request.agent_id, request.text.as_bytes())
    }

    /// The same from a stream of any length: one conversation is in memory at a time, and all come in or none.
    ///
    /// # Errors
    /// When it is no such export, or breaks off, and when the profile cannot be written.
    pub fn import_chatgpt(&self, agent_id: &str, export: impl Read) -> Result<ImportedChats, ApiError> {
        let agent = self.agent_record(agent_id)?;
        let now_ms = self.store.now_ms();
        let imported = self.write(|writer| {
            let mut into = Into::new(writer, agent.id.clone(), now_ms)?;
            let mut failure = None;
            let notices = each(export, &Limits::of_exports(), |chat| match into.take(chat) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            })
            .map_err(|error| refused(&error))?;
            match failure {
                Some(error) => Err(error),
                None => Ok(into.imported(preview::notices(notices))),
            }
        })?;
        self.send(About::agent(agent_id), EventKind::MessagesChanged);
        self.send(About::agent(agent_id), EventKind::PassagesChanged);
        Ok(imported)
    }
}

/// Where chats go, and how many went there.
struct Into<'w, 's> {
    writer: &'w mut Writer<'s>,
    agent_id: AgentId,
    archive_id: ArchiveId,
    /// What is here already.
    known: HashSet<String>,
    skipped: usize,
    done: ImportedChats,
    now_ms: i64,
}

impl<'w, 's> Into<'w, 's> {
    fn new(writer: &'w mut Writer<'s>, agent_id: AgentId, now_ms: i64) -> Result<Self, ApiError> {
        // What the agent saves itself goes to its own archive, which has to be the first.
        writer.default_archive(&agent_id, now_ms)?;
        let listing =
            ArchiveListing { agent_id: Some(agent_id.clone()), name: Some(ARCHIVE.to_owned()), ..Default::default() };
        let archive_id = match writer.list_archives(&listing)?.pop() {
            Some(archive) => archive.id,
            None => new_archive(writer, &agent_id, now_ms)?,
        };
        let listing = ConversationListing { agent_id: Some(agent_id.clone()), ..ConversationListing::default() };
        let known = writer.list_conversations(&listing)?.into_iter();
        let known = known.filter_map(|known| known.letta[ID].as_str().map(str::to_owned)).collect();
        let done = ImportedChats { conversations: 0, messages: 0, passages: 0, notices: Vec::new() };
        Ok(Self { writer, agent_id, archive_id, known, skipped: 0, done, now_ms })
    }

    fn take(&mut self, chat: Chat) -> Result<(), ApiError> {
        if chat.said.is_empty() {
            return Ok(());
        }
        let id = chat.id.clone().unwrap_or_else(|| format!("{} {:?}", chat.title, chat.created_at_ms));
        if !self.known.insert(id.clone()) {
            self.skipped += 1;
            return Ok(());
        }
        let began_ms =
            chat.created_at_ms.or_else(|| chat.said.iter().find_map(|said| said.at_ms)).unwrap_or(self.now_ms);
        let row = Conversation {
            id: ConversationId::new(),
            agent_id: self.agent_id.clone(),
            name: Some(chat.title.clone()),
            letta: json!({ ID: id }),
            isolated_block_ids: Vec::new(),
            window_start_seq: 0,
            created_at_ms: began_ms,
            updated_at_ms: began_ms,
            last_message_at_ms: None,
            deleted_at_ms: None,
        };
        self.writer.insert_conversation(&row)?;
        self.record(&Thread::from(&row), &chat, began_ms)?;
        self.save(&chat, began_ms)?;
        self.done.conversations += 1;
        Ok(())
    }

    /// Records what was said.
    fn record(&mut self, thread: &Thread, chat: &Chat, began_ms: i64) -> Result<(), ApiError> {
        let mut at_ms = began_ms;
        let mut seqs = Vec::with_capacity(chat.said.len());
        for said in &chat.said {
            at_ms = said.at_ms.unwrap_or(at_ms);
            let role = match said.speaker {
                Speaker::User => Role::User,
                Speaker::Assistant => Role::Assistant,
            };
            let message = NewMessage {
                conversation_id: thread.conversation_id.clone(),
                ..NewMessage::said(&self.agent_id, role, clean(&said.text), at_ms)
            };
            seqs.push(self.writer.append_message(&message)?.seq);
        }
        self.done.messages += seqs.len();
        let start = seqs[seqs.len().saturating_sub(IN_WINDOW)];
        Ok(self.writer.set_window_start(thread, start)?)
    }

    /// Saves what was said as passages, with the title before it.
    fn save(&mut self, chat: &Chat, began_ms: i64) -> Result<(), ApiError> {
        let provenance = Provenance { agent_id: Some(self.agent_id.clone()), ..Provenance::user("import") };
        let edit = EditContext::new(&self.agent_id, &provenance, began_ms);
        let new = NewPassages {
            text: text_of(chat),
            tags: vec![TAG.to_owned()],
            archive_id: Some(self.archive_id.clone()),
            document: Some(chat.title.clone()),
            valid_from_ms: Some(began_ms),
            ..NewPassages::default()
        };
        self.done.passages += archival::insert(self.writer, &edit, new)?.len();
        Ok(())
    }

    fn imported(self, notices: Vec<crate::api::FileNotice>) -> ImportedChats {
        let mut done = ImportedChats { notices, ..self.done };
        if self.skipped > 0 {
            let text = format!("{} conversations are here already; they stay as they are.", self.skipped);
            done.notices.extend(preview::notices(vec![plan::notice(NoticeKind::NotAdopted, "", &text)]));
        }
        done
    }
}

fn new_archive(writer: &mut Writer<'_>, agent_id: &AgentId, now_ms: i64) -> Result<ArchiveId, ApiError> {
    let archive = Archive {
        id: ArchiveId::new(),
        name: ARCHIVE.to_owned(),
        description: "What was said to ChatGPT, as its export has it.".to_owned(),
        kind: ArchiveKind::Passages,
        letta: json!({}),
        agent_id: Some(agent_id.clone()),
        created_at_ms: now_ms,
        updated_at_ms: now_ms,
        deleted_at_ms: None,
    };
    writer.insert_archive(&archive)?;
    writer.attach_archive(agent_id, &archive.id)?;
    Ok(archive.id)
}

/// A whole chat as one text.
fn text_of(chat: &Chat) -> String {
    let line = |said: &Said| {
        let speaker = match said.speaker {
            Speaker::User => "User",
            Speaker::Assistant => "ChatGPT",
        };
        format!("\n\n{speaker}: {}", clean(&said.text))
    };
    format!("Chat with ChatGPT: {}{}", clean(&chat.title), chat.said.iter().map(line).collect::<String>())
}

fn clean(text: &str) -> String {
    text.replace('\0', "")
}
