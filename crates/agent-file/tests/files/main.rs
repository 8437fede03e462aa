//! Agent files as they come from the world: every form, hostile ones, and there and back again.

mod chats;
mod forms;
mod graphs;
mod hostile;
mod real;
mod round_trip;
mod written;

use std::path::Path;

use resident_agent_file::{Limits, Notice, NoticeKind, Read, WriteOptions, read};

/// Everything is written, secrets too.
const ALL: WriteOptions = WriteOptions { messages: true, secrets: true };

/// A file that was written for these tests.
fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read_text(text: &str) -> Read {
    read(text.as_bytes(), &Limits::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn read_fixture(name: &str) -> Read {
    read(&fixture(name), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Whether there is a notice of this kind at `place` with `words` in it.
fn notices(notices: &[Notice], kind: NoticeKind, place: &str, words: &str) -> bool {
    notices.iter().any(|notice| notice.kind == kind && notice.place == place && notice.text.contains(words))
}
