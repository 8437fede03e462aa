//! A virtual display of a chosen size, pictures of it, and keys and a mouse for what the driver of the page cannot reach:
//! the dialogs of the system, and files that are dragged from one program to another.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{Running, first_line};
use crate::root;

/// A virtual display.
#[derive(Debug)]
pub struct Display {
    _server: Running,
    number: String,
}

impl Display {
    /// A display of this size in pixels.
    ///
    /// # Panics
    /// When Xvfb is not installed.
    pub fn new(width: u32, height: u32) -> Self {
        // The server takes the first free number and says which.
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0", &format!("{width}x{height}x24")]);
        let mut server = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let output = server.child().stdout.as_mut().expect("its output was piped above");
        let number = first_line(output);
        Self { _server: server, number: format!(":{number}") }
    }

    /// What `DISPLAY` has to be.
    pub fn name(&self) -> &str {
        &self.number
    }

    /// Takes a picture of a part of the display, given as `(x, y, width, height)`.
    ///
    /// # Panics
    /// When ImageMagick is not installed or the picture cannot be written.
    pub fn screenshot(&self, (x, y, width, height): (i64, i64, i64, i64), file: &Path) {
        let part = format!("{width}x{height}+{x}+{y}");
        let mut import = Command::new("import");
        import.args(["-display", &self.number, "-window", "root", "-crop", &part, "+repage"]).arg(file);
        let taken = import.status();
        assert!(taken.is_ok_and(|status| status.success()), "no picture could be taken of {}", self.number);
    }

    /// Waits for a dialog with this title, types a text into it and presses Enter.
    ///
    /// # Panics
    /// When no such dialog opens.
    pub fn answer(&self, title: &str, text: &str) {
        let dialog = format!("^{title}$");
        // Nobody manages windows here, so that the dialog is given the keys by hand.
        let find = ["10", "xdotool", "search", "--sync", "--onlyvisible", "--name", &dialog];
        let keys = ["windowfocus", "--sync", "key", "ctrl+a", "type", "--delay", "2", text];
        for arguments in [[&find[..], &keys[..]].concat(), vec!["10", "xdotool", "key", "Return"]] {
            let done =
                Command::new("timeout").args(arguments).env("DISPLAY", &self.number).stdout(Stdio::null()).status();
            assert!(done.is_ok_and(|status| status.success()), "no dialog `{title}` on {}", self.number);
        }
    }

    /// Drags files with the mouse from another program to a place of the display.
    ///
    /// # Panics
    /// When there is no such program.
    pub fn drag(&self, files: &[PathBuf], (x, y): (i64, i64)) {
        let mut command = Command::new("/usr/bin/python3");
        command.arg(root().join("tests/drag.py")).args(files).env("DISPLAY", &self.number);
        let mut source = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        first_line(source.child().stdout.as_mut().expect("its output was piped above"));
        // A hand takes its time, and both programs speak about every step.
        let step = |to: i64| format!("mousemove {} {} sleep 0.1", 20 + (x - 20) * to / 10, 20 + (y - 20) * to / 10);
        let way: Vec<String> = (1..=10).map(step).collect();
        let words =
            format!("mousemove 20 20 sleep 0.3 mousedown 1 sleep 0.2 {} sleep 0.5 mouseup 1 sleep 0.5", way.join(" "));
        let dragged = Command::new("xdotool").args(words.split(' ')).env("DISPLAY", &self.number).status();
        assert!(dragged.is_ok_and(|status| status.success()), "nothing was dragged on {}", self.number);
    }
}
