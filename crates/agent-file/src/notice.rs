//! What a reader has to say about a file that it read: what is not adopted, what was mended, what waits for the user's
//! word and what looks like a trick. A preview shows them, so each is a whole sentence for the person at the computer.

use std::collections::HashMap;
use std::fmt::Display;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// Something is left out.
    NotAdopted,
    /// Something was put right.
    Mended,
    /// Something comes in but does nothing here: the code of a tool, a skill, the address of a server.
    Inert,
    /// The file carries the value of a secret.
    Secret,
    /// A text has characters that are not seen, which can hide words from a person that a model reads.
    HiddenText,
}

/// One thing that a person should know about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Where in the file, such as `agents[2].messages[17].content`; empty for the file as a whole.
    pub place: String,
    /// What it is about.
    pub kind: NoticeKind,
    /// What was found and what becomes of it.
    pub text: String,
}

/// Notices of one kind and wording that are listed one by one; more are only counted, or a hostile file would answer
/// with a million of them.
const LISTED: usize = 20;

/// Wordings that are told apart; what goes beyond is counted by kind.
const WORDINGS: usize = 60;

/// Collects notices while a file is read.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    listed: Vec<Notice>,
    counts: HashMap<(NoticeKind, String), usize>,
    /// The wordings that were left out at least once, in the order in which that happened.
    more: Vec<(NoticeKind, String)>,
}

impl Notices {
    /// Adds a notice.
    pub(crate) fn add(&mut self, kind: NoticeKind, place: &dyn Display, text: impl Into<String>) {
        let text = text.into();
        self.add_as(kind, place, text.clone(), text);
    }

    /// Adds a notice with a text of its own that counts as one of `wording`.
    pub(crate) fn add_as(&mut self, kind: NoticeKind, place: &dyn Display, wording: impl Into<String>, text: String) {
        let mut key = (kind, wording.into());
        if self.counts.len() >= WORDINGS && !self.counts.contains_key(&key) {
            key.1 = "Other things of this kind.".to_owned();
        }
        let count = self.counts.entry(key.clone()).or_default();
        *count += 1;
        if *count <= LISTED {
            self.listed.push(Notice { place: place.to_string(), kind, text });
        } else if *count == LISTED + 1 {
            self.more.push(key);
        }
    }

    /// All notices; a last one for each wording says how many more there are.
    pub(crate) fn into_list(self) -> Vec<Notice> {
        let Self { mut listed, counts, more } = self;
        for key in more {
            let count = counts.get(&key).copied().unwrap_or_default() - LISTED;
            let (kind, wording) = key;
            let text = format!("{count} more of these: {wording}");
            listed.push(Notice { place: String::new(), kind, text });
        }
        listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_notices_is_counted_and_not_listed() {
        let mut notices = Notices::default();
        for n in 0..100_000 {
            notices.add(NoticeKind::Mended, &format_args!("blocks[{n}]"), "One wording.");
            notices.add(NoticeKind::Mended, &"", format!("Wording {n}."));
        }
        let list = notices.into_list();
        assert!(list.len() < 300, "{}", list.len());
        assert!(list.iter().any(|notice| notice.text == "99980 more of these: One wording."), "{list:?}");
    }
}
