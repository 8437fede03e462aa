//! Chats from an export of ChatGPT: `conversations.json`, a list of conversations, each of them a tree of messages in
//! which every edit and every new try is a branch. What is read is the path to the message that was shown last.
//!
//! Exports grow to hundreds of megabytes. One conversation is held at a time: the list is cut into its items as bytes,
//! and each is parsed by itself, so that one that is broken is left out and the others are read.

mod items;
mod tree;

use std::io::Read;
use std::ops::ControlFlow;

use crate::fields::Context;
use crate::place::Place;
use crate::{AgentFileError, Limits, Notice, NoticeKind, json};
use items::Items;

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The person.
    User,
    /// The assistant.
    Assistant,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// By whom.
    pub speaker: Speaker,
    /// The words; an image or a sound is named in brackets.
    pub text: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: Option<i64>,
    /// The model that wrote it.
    pub model: Option<String>,
}

/// One conversation as it was shown last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its id in the export.
    pub id: Option<String>,
    /// Its title.
    pub title: String,
    /// When it was begun, in milliseconds since the Unix epoch.
    pub created_at_ms: Option<i64>,
    /// What was said, oldest first.
    pub said: Vec<Said>,
    /// Messages of other branches, which are left out.
    pub on_other_branches: usize,
    /// Messages of the path that nobody was shown: instructions, calls of tools, thoughts.
    pub not_shown: usize,
}

/// All that is in an export.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// The conversations, in the order of the file.
    pub conversations: Vec<Conversation>,
    /// What a person should know before they are taken in.
    pub notices: Vec<Notice>,
}

/// All conversations of an export.
///
/// # Errors
/// As [`each`].
pub fn read(reader: impl Read, limits: &Limits) -> Result<Export, AgentFileError> {
    let mut conversations = Vec::new();
    let notices = each(reader, limits, |conversation| {
        conversations.push(conversation);
        ControlFlow::Continue(())
    })?;
    Ok(Export { conversations, notices })
}

/// Hands every conversation of an export to `take` as it is read, until `take` has enough. Only one is held at a time.
///
/// # Errors
/// When the file is not a list, breaks off, cannot be read, or is larger or has larger conversations than `limits` allow.
/// [`Limits::of_exports`] are meant for this.
pub fn each(
    reader: impl Read,
    limits: &Limits,
    mut take: impl FnMut(Conversation) -> ControlFlow<()>,
) -> Result<Vec<Notice>, AgentFileError> {
    let mut cx = Context::new(limits);
    let mut items = Items::new(reader, limits);
    let mut index = 0;
    while let Some(bytes) = items.next_item()? {
        let place = Place::FILE.index(index);
        index += 1;
        if conversation(bytes, &place, &mut cx).is_some_and(|conversation| take(conversation).is_break()) {
            break;
        }
    }
    Ok(cx.notices.into_list())
}

/// One conversation, if it can be read.
fn conversation(bytes: &[u8], place: &Place<'_>, cx: &mut Context<'_>) -> Option<Conversation> {
    let read = json::parse(bytes, cx.limits).and_then(|parsed| {
        if parsed.halves > 0 {
            let text = "Halves of characters (broken emoji) were replaced by U+FFFD.";
            cx.notices.add(NoticeKind::Mended, place, text);
        }
        tree::read(parsed.value, place, cx)
    });
    match read {
        Ok(conversation) => Some(conversation),
        Err(error) => {
            let text = format!("This conversation cannot be read and is left out: {error}.");
            let wording = "Conversations that cannot be read and are left out.";
            cx.notices.add_as(NoticeKind::NotAdopted, place, wording, text);
            None
        }
    }
}
