//! A child process that does not outlive its test, with whatever it started itself.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process and its descendants; killed when it is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
}

impl Running {
    /// Starts a command in a process group of its own.
    ///
    /// # Panics
    /// When it is not installed.
    pub fn start(command: &mut Command) -> Self {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn();
        Self { child: child.unwrap_or_else(|error| panic!("`{program}` could not be started: {error}")) }
    }

    /// The process, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Asks it to stop, as Ctrl-C in a terminal does.
    pub fn interrupt(&self) {
        let asked = Command::new("kill").args(["-INT", &self.child.id().to_string()]).stderr(Stdio::null()).status();
        drop(asked);
    }

    /// Waits until it has ended by itself; says whether it did.
    pub fn ends_within(&mut self, patience: Duration) -> bool {
        wait_until(patience, || matches!(self.child.try_wait(), Ok(Some(_)))).is_some()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The group is named by its first process; a minus sign stands for all of it.
        let group = format!("-{}", self.child.id());
        let kill = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        drop(kill);
        drop(self.child.wait());
    }
}

/// Waits until something is so; returns how long it took, or `None` when patience ended.
pub fn wait_until(patience: Duration, mut is_so: impl FnMut() -> bool) -> Option<Duration> {
    let began = Instant::now();
    loop {
        if is_so() {
            return Some(began.elapsed());
        }
        if began.elapsed() > patience {
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The first line that a process prints.
///
/// # Panics
/// When it closes its output before.
pub fn first_line(output: &mut impl Read) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while output.read_exact(&mut byte).is_ok() && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    assert!(!line.is_empty(), "the process ended before it printed a line");
    String::from_utf8_lossy(&line).into_owned()
}
