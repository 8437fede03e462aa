//! A program that is started as a server, and its end.
//!
//! It runs in a process group of its own (a job object on Windows), so that what it starts ends with it: `npx` and `uvx`
//! start the server as their child. It inherits the few variables of our environment that a program cannot do without,
//! and nothing else, since tokens may be among the rest. No program outlives its [`Program`]: dropping one kills the
//! group at once, [`Program::end`] first gives it time to end by itself.

use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::watch;

use crate::watch::{Ending, Watch};

/// What programs find their files, their language and their helpers by. The same list as the other clients of the
/// protocol hand on, with the locale and the folder for temporary files.
const INHERITED: [&str; 29] = [
    "APPDATA",
    "COMSPEC",
    "HOME",
    "HOMEDRIVE",
    "HOMEPATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LOCALAPPDATA",
    "LOGNAME",
    "PATH",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "SHELL",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "USER",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
];

/// Time for a killed program to be gone; only a program in the middle of a system call takes longer.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Time for a program that has closed its output to end with a status of its own.
pub(crate) const LINGER: Duration = Duration::from_millis(500);

/// A program that runs as a server.
#[derive(Debug)]
pub(crate) struct Program {
    running: Mutex<Option<Running>>,
    /// How it ended, once it has.
    gone: watch::Sender<Option<String>>,
    pub(crate) watch: Arc<Watch>,
}

/// The ends of the pipes that are ours.
pub(crate) struct Pipes {
    pub(crate) input: ChildStdin,
    pub(crate) output: ChildStdout,
}

/// A process that has not been waited for. Until then its id belongs to it, and so does that of its group.
#[derive(Debug)]
struct Running {
    child: Box<dyn ChildWrapper>,
    gone: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.gone {
            // What cannot be killed has ended.
            let _ = self.child.start_kill();
        }
    }
}

impl Program {
    /// Starts a program. Must be called inside the runtime.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn start(
        command: &str,
        args: &[String],
        env: &BTreeMap<String, String>,
        watch: Arc<Watch>,
    ) -> std::io::Result<(Arc<Self>, Pipes)> {
        let mut wrap = CommandWrap::with_new(command, |command| {
            command.args(args).env_clear();
            command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)))).envs(env);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        });
        wrap.wrap(KillOnDrop);
        #[cfg(unix)]
        wrap.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        wrap.wrap(process_wrap::tokio::JobObject);
        let mut running = Running { child: wrap.spawn()?, gone: false };
        let (pipes, errors) = pipes(&mut running).ok_or_else(|| std::io::Error::other("its pipes are not there"))?;
        tokio::spawn(Arc::clone(&watch).listen(errors));
        let program = Arc::new(Self { running: Mutex::new(Some(running)), gone: watch::Sender::new(None), watch });
        tokio::spawn(bury(Arc::downgrade(&program), Arc::clone(&program.watch)));
        Ok((program, pipes))
    }

    /// Waits for the program's end, at most for `grace`; then kills it and all that it started.
    pub(crate) async fn end(&self, grace: Duration) {
        let taken = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut running) = taken else { return };
        let status = tokio::time::timeout(grace, running.child.wait()).await;
        // Its children may be left even when it has ended.
        let _ = running.child.start_kill();
        let status = match status {
            Ok(status) => status,
            Err(_) => match tokio::time::timeout(LAST_WAIT, running.child.wait()).await {
                Ok(_) => Err(std::io::Error::other("it was ended")),
                Err(_) => Err(std::io::Error::other("it was ended and is not gone yet")),
            },
        };
        running.gone = true;
        self.gone.send_replace(Some(status.map_or_else(|error| error.to_string(), words)));
    }

    /// How and with which words the program ended, after its output has.
    pub(crate) async fn last_words(&self, ending: &Ending) -> String {
        let how = match ending {
            Ending::Closed => {
                let mut gone = self.gone.subscribe();
                let gone = tokio::time::timeout(LAST_WAIT, gone.wait_for(Option::is_some)).await;
                let _ = tokio::time::timeout(LINGER, self.watch.heard()).await;
                let how = gone.ok().and_then(Result::ok).and_then(|how| how.clone());
                how.unwrap_or_else(|| "it no longer reads what it is sent".to_owned())
            }
            Ending::TooLong(limit) => format!("it sent more than {limit} bytes in one message"),
            Ending::Noise(limit) => format!("it wrote more than {limit} bytes without answering"),
            Ending::TooDeep => "it sent a message that is nested too deeply".to_owned(),
            Ending::Unreadable(error) => format!("its output could not be read: {error}"),
        };
        match self.watch.words() {
            words if words.is_empty() => how,
            words => format!("{how}; {words}"),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its output may have been let go before its end was read.
        self.watch.close();
    }
}

/// Ends a program that has closed its output: it is of no use, whether it has ended or not.
async fn bury(program: Weak<Program>, watch: Arc<Watch>) {
    watch.ended().await;
    if let Some(program) = program.upgrade() {
        program.end(LINGER).await;
    }
}

fn pipes(running: &mut Running) -> Option<(Pipes, ChildStderr)> {
    let input = running.child.stdin().take()?;
    let output = running.child.stdout().take()?;
    let errors = running.child.stderr().take()?;
    Some((Pipes { input, output }, errors))
}

fn words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("it ended with exit code {code}"),
        None => "it was killed".to_owned(),
    }
}
