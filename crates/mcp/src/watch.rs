//! Reads what a program writes, and watches it while it is read.
//!
//! The SDK reads lines of any number and leaves out what it does not understand. So a program could write for ever, or
//! bury its answers in noise, and its caller would learn nothing but that the time is over. [`Watched`] sits below the
//! SDK and ends the connection when a line is too long, is nested too deeply to be parsed, or when too much comes that
//! answers nothing. [`Watch`] keeps why it ended, and the first stray line and the last words on the error output, for
//! the words of an error.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::sync::watch;

use crate::Bounds;

/// The deepest JSON that serde_json parses; what is deeper, it would silently not understand.
const DEEPEST: usize = 127;

/// Bytes of a stray line that are kept.
const EXCERPT: usize = 200;

/// Bytes of the error output that are kept: its last ones.
const TAIL: usize = 2_048;

/// Why nothing more comes from a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It closed its output, which is what a program does when it ends.
    Closed,
    /// A message was longer than this.
    TooLong(usize),
    /// It wrote this much without answering.
    Noise(usize),
    /// A message was nested too deeply.
    TooDeep,
    /// Its output could not be read.
    Unreadable(String),
}

/// What is known of a program from what it wrote.
#[derive(Debug)]
pub(crate) struct Watch {
    ending: watch::Sender<Option<Ending>>,
    since_answer: AtomicUsize,
    stray: Mutex<String>,
    errors: Mutex<VecDeque<u8>>,
    /// Whether the error output has ended.
    heard: watch::Sender<bool>,
}

impl Watch {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            ending: watch::Sender::new(None),
            since_answer: AtomicUsize::new(0),
            stray: Mutex::default(),
            errors: Mutex::default(),
            heard: watch::Sender::new(false),
        })
    }

    /// Why nothing more comes, if that is so.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.ending.borrow().clone()
    }

    /// Waits until nothing more comes.
    pub(crate) async fn ended(&self) -> Ending {
        let mut ending = self.ending.subscribe();
        match ending.wait_for(Option::is_some).await {
            Ok(ending) => ending.clone().unwrap_or(Ending::Closed),
            // The sender lives as long as `self`.
            Err(_) => Ending::Closed,
        }
    }

    /// Notes that an answer came: the program may write as much again.
    pub(crate) fn answered(&self) {
        self.since_answer.store(0, Ordering::Relaxed);
    }

    /// What the program said that is no message, or nothing: a line on its error output, or a stray one.
    pub(crate) fn words(&self) -> String {
        let errors: Vec<u8> = self.errors.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        let errors = String::from_utf8_lossy(&errors).into_owned();
        let last = errors.lines().rev().find(|line| !line.trim().is_empty()).map(excerpt);
        let stray = self.stray.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (last, stray.is_empty()) {
            (Some(line), _) => format!("its last words: {line}"),
            (None, false) => format!("it printed: {stray}"),
            (None, true) => String::new(),
        }
    }

    /// Keeps the last bytes of the program's error output, until that ends.
    pub(crate) async fn listen(self: Arc<Self>, mut errors: impl AsyncRead + Unpin) {
        let mut buffer = [0; 1_024];
        while let Ok(read @ 1..) = errors.read(&mut buffer).await {
            let mut tail = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
            tail.extend(&buffer[..read]);
            let over = tail.len().saturating_sub(TAIL);
            tail.drain(..over);
        }
        self.heard.send_replace(true);
    }

    /// Waits until the error output has ended, too: the last words come after a program's last message.
    pub(crate) async fn heard(&self) {
        let mut heard = self.heard.subscribe();
        // The sender lives as long as `self`.
        let _ = heard.wait_for(|heard| *heard).await;
    }

    /// Notes that nobody reads any more.
    pub(crate) fn close(&self) {
        self.end(Ending::Closed);
    }

    fn end(&self, ending: Ending) {
        self.ending.send_if_modified(|current| {
            let first = current.is_none();
            if first {
                *current = Some(ending);
            }
            first
        });
    }
}

/// Words short enough for an error, without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.trim();
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A program's output, watched.
#[derive(Debug)]
pub(crate) struct Watched<R> {
    output: R,
    watch: Arc<Watch>,
    bounds: Bounds,
    line: Line,
}

/// The line that is being read.
#[derive(Debug, Default)]
struct Line {
    bytes: usize,
    /// Whether it begins as JSON does; not known before its first character.
    message: Option<bool>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    beginning: Vec<u8>,
}

impl<R> Watched<R> {
    pub(crate) fn new(output: R, watch: Arc<Watch>, bounds: Bounds) -> Self {
        Self { output, watch, bounds, line: Line::default() }
    }

    fn inspect(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        let unasked = self.watch.since_answer.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
        if unasked > self.bounds.unasked_bytes {
            return Err(Ending::Noise(self.bounds.unasked_bytes));
        }
        for &byte in bytes {
            if byte == b'\n' {
                self.keep_stray();
                self.line = Line::default();
            } else {
                self.line.take(byte);
            }
            if self.line.bytes > self.bounds.message_bytes {
                return Err(Ending::TooLong(self.bounds.message_bytes));
            }
            if self.line.depth > DEEPEST {
                return Err(Ending::TooDeep);
            }
        }
        Ok(())
    }

    fn keep_stray(&self) {
        if self.line.message == Some(false) {
            let mut stray = self.watch.stray.lock().unwrap_or_else(PoisonError::into_inner);
            if stray.is_empty() {
                *stray = excerpt(&String::from_utf8_lossy(&self.line.beginning));
            }
        }
    }
}

impl Line {
    fn take(&mut self, byte: u8) {
        self.bytes += 1;
        if self.message.is_none() && !byte.is_ascii_whitespace() {
            // A byte order mark may stand before a message.
            self.message = Some(matches!(byte, b'{' | b'[' | 0xef));
        }
        match self.message {
            Some(true) => self.descend(byte),
            Some(false) if self.beginning.len() < EXCERPT => self.beginning.push(byte),
            Some(false) | None => {}
        }
    }

    /// Follows the brackets of JSON, outside strings.
    fn descend(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if let Err(error) = ready!(Pin::new(&mut self.output).poll_read(cx, buf)) {
            self.watch.end(Ending::Unreadable(error.kind().to_string()));
            return Poll::Ready(Err(error));
        }
        let new = &buf.filled()[before..];
        if new.is_empty() {
            self.keep_stray();
            self.watch.end(Ending::Closed);
            return Poll::Ready(Ok(()));
        }
        match self.inspect(new) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(ending) => {
                self.watch.end(ending);
                Poll::Ready(Err(io::Error::other("the program wrote more than is taken")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inspect(bytes: &[u8], chunk: usize, bounds: Bounds) -> (Result<(), Ending>, Arc<Watch>) {
        let watch = Watch::new();
        let mut watched = Watched::new(tokio::io::empty(), Arc::clone(&watch), bounds);
        let result = bytes.chunks(chunk.max(1)).try_for_each(|bytes| watched.inspect(bytes));
        (result, watch)
    }

    #[test]
    fn each_way_of_writing_too_much_is_told_from_the_others() {
        let bounds = Bounds { message_bytes: 300, unasked_bytes: 1_000, ..Bounds::default() };
        let long = format!("{{\"a\":\"{}\"}}\n", "x".repeat(400));
        assert_eq!(inspect(long.as_bytes(), 7, bounds).0, Err(Ending::TooLong(300)));
        assert_eq!(inspect("noise\n".repeat(200).as_bytes(), 7, bounds).0, Err(Ending::Noise(1_000)));
        assert_eq!(inspect("[".repeat(200).as_bytes(), 7, bounds).0, Err(Ending::TooDeep));
        assert_eq!(inspect(format!("{{\"a\":\"{}\"}}\n", "[".repeat(200)).as_bytes(), 7, bounds).0, Ok(()));
    }

    #[test]
    fn the_first_stray_line_is_kept() {
        let (result, watch) = inspect(b"{}\n\nWelcome!\x07\nmore\n", 3, Bounds::default());
        assert_eq!(result, Ok(()));
        assert_eq!(watch.words(), "it printed: Welcome!");
    }

    proptest! {
        #[test]
        fn what_serde_parses_is_never_too_deep(depth in 1_usize..127, inner in "[\\[\\]{}\"\\\\a]{0,12}") {
            let text = format!("{}{}{}", "[".repeat(depth), serde_json::to_string(&inner)?, "]".repeat(depth));
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            prop_assert_eq!(inspect(text.as_bytes(), 5, Bounds::default()).0, Ok(()));
        }

        #[test]
        fn how_the_bytes_are_cut_changes_nothing(text in "[\\[{\"\\\\a \n]{0,600}", chunk in 1_usize..50) {
            let bounds = Bounds { message_bytes: 200, ..Bounds::default() };
            let (whole, _) = inspect(text.as_bytes(), text.len(), bounds);
            let (parts, _) = inspect(text.as_bytes(), chunk, bounds);
            prop_assert_eq!(whole, parts);
        }
    }
}
