//! Cuts a JSON list that is read from a stream into its items, without understanding them.
//!
//! An item ends at the comma or bracket that is in no text, list or object of it. Whether it is valid is for its parser
//! to say; a list that breaks off in an item is an error here.

use std::io::{ErrorKind, Read};

use crate::{AgentFileError, Limits};

/// Bytes asked for at once.
const CHUNK: usize = 64 << 10;

/// The items of a list.
pub(super) struct Items<'l, R> {
    reader: R,
    limits: &'l Limits,
    chunk: Box<[u8]>,
    /// How much of the chunk was filled.
    filled: usize,
    /// How much of that has been looked at.
    at: usize,
    /// Bytes read in all.
    bytes: usize,
    item: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the list.
    Before,
    /// After the bracket that begins it: it may end without an item.
    Begun,
    /// After a comma.
    Between,
    /// After the bracket that ends it.
    Ended,
}

impl<'l, R: Read> Items<'l, R> {
    pub(super) fn new(reader: R, limits: &'l Limits) -> Self {
        let chunk = vec![0; CHUNK].into_boxed_slice();
        Self { reader, limits, chunk, filled: 0, at: 0, bytes: 0, item: Vec::new(), state: State::Before }
    }

    /// The bytes of the next item; `None` after the last.
    pub(super) fn next_item(&mut self) -> Result<Option<&[u8]>, AgentFileError> {
        if self.state == State::Before {
            self.begin()?;
        }
        if self.state == State::Ended {
            return Ok(None);
        }
        self.item.clear();
        let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
        loop {
            let Some(byte) = self.byte()? else { return Err(self.broken("the list of conversations breaks off")) };
            if in_text {
                in_text = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            } else {
                match byte {
                    b'"' => in_text = true,
                    b'[' | b'{' => depth += 1,
                    b',' if depth == 0 => {
                        self.state = State::Between;
                        return Ok(Some(&self.item));
                    }
                    b']' if depth == 0 => return self.end(),
                    b']' | b'}' => depth = depth.saturating_sub(1),
                    // Space between items is none of theirs.
                    byte if byte.is_ascii_whitespace() && self.item.is_empty() => continue,
                    _ => {}
                }
            }
            if self.item.len() >= self.limits.conversation_bytes {
                let limit = self.limits.conversation_bytes;
                return Err(AgentFileError::TooLarge { bytes: self.item.len() + 1, limit });
            }
            self.item.push(byte);
        }
    }

    /// Reads what is before the first item.
    fn begin(&mut self) -> Result<(), AgentFileError> {
        for byte in [0xEF, 0xBB, 0xBF] {
            if self.peek()? == Some(byte) {
                self.byte()?;
            }
        }
        loop {
            match self.byte()? {
                None => return Err(AgentFileError::Empty),
                Some(byte) if byte.is_ascii_whitespace() => {}
                Some(b'[') => {
                    self.state = State::Begun;
                    return Ok(());
                }
                Some(_) => {
                    let reason = "an export of chats is a list, and this is none".to_owned();
                    return Err(AgentFileError::NotAnAgentFile { reason });
                }
            }
        }
    }

    /// Reads what is after the last item, and hands that out.
    fn end(&mut self) -> Result<Option<&[u8]>, AgentFileError> {
        let none = self.item.is_empty() && self.state == State::Begun;
        self.state = State::Ended;
        while let Some(byte) = self.byte()? {
            if !byte.is_ascii_whitespace() {
                return Err(self.broken("something follows the list of conversations"));
            }
        }
        Ok(if none { None } else { Some(&self.item) })
    }

    fn broken(&self, reason: &str) -> AgentFileError {
        AgentFileError::Unreadable { reason: format!("{reason} at byte {}", self.bytes - (self.filled - self.at)) }
    }

    fn byte(&mut self) -> Result<Option<u8>, AgentFileError> {
        let byte = self.peek()?;
        self.at += usize::from(byte.is_some());
        Ok(byte)
    }

    fn peek(&mut self) -> Result<Option<u8>, AgentFileError> {
        while self.at >= self.filled {
            (self.at, self.filled) = (0, 0);
            let count = match self.reader.read(&mut self.chunk) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(AgentFileError::Unreadable { reason: error.to_string() }),
            };
            self.filled = count;
            self.bytes = self.bytes.saturating_add(count);
            if self.bytes > self.limits.bytes {
                return Err(AgentFileError::TooLarge { bytes: self.bytes, limit: self.limits.bytes });
            }
            if count == 0 {
                return Ok(None);
            }
        }
        Ok(self.chunk.get(self.at).copied())
    }
}
