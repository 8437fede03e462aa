//! Whatever the bytes are, an export of chats is read or refused, and reading it in pieces changes nothing.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use resident_agent_file::chatgpt::read;
use resident_agent_file::Limits;

/// Gives one byte at a time.
struct Dripping<'b>(&'b [u8]);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { values: 5_000, ..Limits::default() };
    let whole = read(bytes, &limits);
    if bytes.len() < 4_096 {
        assert_eq!(whole.as_ref().ok(), read(Dripping(bytes), &limits).as_ref().ok());
    }
    let said = whole.iter().flat_map(|export| &export.conversations).flat_map(|conversation| &conversation.said);
    said.for_each(|said| assert!(!said.text.trim().is_empty(), "something was said"));
});
