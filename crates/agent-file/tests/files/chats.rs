//! Chats of other programs.

use std::io::{self, Read};
use std::ops::ControlFlow;

use resident_agent_file::chatgpt::{self, Speaker};
use resident_agent_file::{AgentFileError, Limits, NoticeKind};

use crate::{fixture, notices};

#[test]
fn an_export_is_read_along_the_path_that_was_shown() {
    let export = chatgpt::read(fixture("chatgpt.json").as_slice(), &Limits::default()).expect("it reads");
    let titles: Vec<&str> = export.conversations.iter().map(|c| c.title.as_str()).collect();
    assert_eq!(titles, ["Tides", "Circle", "Untitled", "No current"]);
    let tides = &export.conversations[0];
    let said: Vec<(Speaker, &str, Option<i64>)> =
        tides.said.iter().map(|said| (said.speaker, said.text.as_str(), said.at_ms)).collect();
    assert_eq!(
        said,
        [
            (Speaker::User, "[image]\nWhen is high tide?", Some(1_700_000_001_500)),
            (Speaker::Assistant, "At noon 🌊", Some(1_700_000_006_000)),
        ]
    );
    assert_eq!(tides.said[1].model.as_deref(), Some("gpt-x"));
    assert_eq!((tides.on_other_branches, tides.not_shown), (1, 4));
    assert_eq!((tides.id.as_deref(), tides.created_at_ms), (Some("c-1"), Some(1_700_000_000_250)));
    let circle: Vec<&str> = export.conversations[1].said.iter().map(|said| said.text.as_str()).collect();
    assert_eq!(circle, ["round", "Round and "], "a circle is gone round once");
    assert_eq!(export.conversations[3].said[0].text, "new \u{fffd}", "without a current message the newest counts");
    let said = |kind, place, words| notices(&export.notices, kind, place, words);
    assert!(said(NoticeKind::NotAdopted, "[0]", "1 messages of other branches"), "{:?}", export.notices);
    assert!(
        said(NoticeKind::NotAdopted, "[2]", "[2].mapping has to be an object, and is a list")
            || said(NoticeKind::NotAdopted, "[2]", "mapping has to be an object"),
        "{:?}",
        export.notices
    );
}

#[test]
fn a_broken_conversation_does_not_take_the_others_along() {
    let text = r#"[{"title":"a"}, {"title":NaN}, {"title":"b"}, {"x":"]","title":"c"}]"#;
    let export = chatgpt::read(text.as_bytes(), &Limits::default()).expect("it reads");
    let titles: Vec<&str> = export.conversations.iter().map(|c| c.title.as_str()).collect();
    assert_eq!(titles, ["a", "b", "c"]);
    assert!(notices(&export.notices, NoticeKind::NotAdopted, "[1]", "not valid JSON"), "{:?}", export.notices);
}

#[test]
fn what_is_no_export_is_refused() {
    let limits = Limits { conversation_bytes: 20, ..Limits::default() };
    for (text, expected) in [
        ("", "the file is empty"),
        ("{}", "this is not an agent file: an export of chats is a list, and this is none"),
        ("[", "the file could not be read: the list of conversations breaks off at byte 1"),
        (r#"[{"title":"a""#, "the file could not be read: the list of conversations breaks off at byte 13"),
        ("[] x", "the file could not be read: something follows the list of conversations at byte 4"),
        (r#"[{"title":"aaaaaaaaaaaaaaaaaaa"}]"#, "the file has 21 bytes; at most 20 are read"),
    ] {
        let error = chatgpt::read(text.as_bytes(), &limits).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
    assert_eq!(chatgpt::read(&b" [ ] "[..], &limits).expect("it reads").conversations, []);
}

/// An export of any size that is never in memory.
struct Endless {
    head: io::Cursor<Vec<u8>>,
    item: Vec<u8>,
    left: usize,
    at: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let begun = self.head.read(buffer)?;
        if begun > 0 || self.left == 0 {
            return Ok(begun);
        }
        let length = buffer.len().min(self.item.len() - self.at);
        buffer[..length].copy_from_slice(&self.item[self.at..self.at + length]);
        self.at += length;
        if self.at == self.item.len() {
            self.at = 0;
            self.left -= 1;
            if self.left == 0 {
                self.head = io::Cursor::new(b"{}]".to_vec());
            }
        }
        Ok(length)
    }
}

#[test]
fn an_export_is_read_one_conversation_at_a_time() {
    let item = fixture("chatgpt.json");
    let end = item.iter().rposition(|byte| *byte == b']').expect("it is a list");
    let item = [&item[1..end], b","].concat();
    let reader = Endless { head: io::Cursor::new(b"[".to_vec()), item, left: 1_000, at: 0 };
    let mut count = 0;
    let notices = chatgpt::each(reader, &Limits::of_exports(), |_| {
        count += 1;
        ControlFlow::Continue(())
    })
    .expect("it reads");
    assert_eq!(count, 4_001);
    assert!(notices.len() < 200, "{}", notices.len());
}

#[test]
fn a_reader_that_fails_is_an_error() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let error = chatgpt::read(Failing, &Limits::default()).unwrap_err();
    assert_eq!(error, AgentFileError::Unreadable { reason: "the disk is gone".to_owned() });
}
