//! A virtual display of a chosen size, and pictures of it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::{Running, first_line};

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
}
