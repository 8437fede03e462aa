//! A program in a terminal of its own: what is typed goes in, what is shown comes out.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::home::Home;
use crate::process::{Running, wait_until};

/// A terminal with one program in it.
#[derive(Debug)]
pub struct Terminal {
    running: Running,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    /// Starts a command line in a terminal.
    ///
    /// # Panics
    /// When `script` is not installed; it is a part of every Debian.
    pub fn open(home: &Home, command_line: &str) -> Self {
        let mut command = Command::new("script");
        command.args(["--quiet", "--flush", "--return", "--echo", "never", "--command", command_line, "/dev/null"]);
        home.settle(&mut command).env("TERM", "xterm-256color").env("COLUMNS", "100").env("LINES", "40");
        let mut running = Running::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()));
        let mut output = running.child().stdout.take().expect("its output was piped above");
        let shown = Arc::new(Mutex::new(String::new()));
        let screen = shown.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                screen
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self { running, shown }
    }

    /// Types a line.
    ///
    /// # Panics
    /// When the program has ended.
    pub fn type_line(&mut self, line: &str) {
        let input = self.running.child().stdin.as_mut().expect("its input was piped above");
        input.write_all(line.as_bytes()).and_then(|()| input.write_all(b"\n")).expect("the program still reads");
        input.flush().expect("the program still reads");
    }

    /// All that was shown so far.
    pub fn shown(&self) -> String {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a text is shown.
    ///
    /// # Panics
    /// When patience ends; what is shown then is part of the message.
    pub fn shows(&self, text: &str, patience: Duration) {
        let is_shown = || self.shown().contains(text);
        assert!(wait_until(patience, is_shown).is_some(), "no `{text}` after {patience:?}:\n{}", self.shown());
    }

    /// Waits until the program has ended by itself.
    ///
    /// # Panics
    /// When it goes on.
    pub fn ends(&mut self, patience: Duration) {
        drop(self.running.child().stdin.take());
        assert!(self.running.ends_within(patience), "the program goes on:\n{}", self.shown());
    }
}
