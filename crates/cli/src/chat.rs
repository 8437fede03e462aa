//! `resident chat`: one message and its answer, or a conversation. The answer streams; what the agent remembers is
//! shown where it happens. Ctrl-C stops an answer; a second one, or one without an answer running, ends the program.

use std::io::{IsTerminal, Write, stderr, stdin, stdout};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use resident_app::api::{
    ApiError, ErrorCode, EventKind, MemoryChange, MemoryChangeKind, Nothing, RoleView, SendMessage, StartProfile,
    TurnRef, TurnState, TurnView,
};
use resident_app::{App, EventReader};

use crate::agents::find_or_latest;
use crate::output::{Output, exit_code, first_line};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The agent's name or id [default: the one last talked to]
    #[arg(long)]
    agent: Option<String>,
    /// What to call you, at the first start
    #[arg(long)]
    name: Option<String>,
    /// One message; a conversation when left out
    message: Vec<String>,
}

/// How often the stream is looked at while nothing happens, so that Ctrl-C is quick.
const PATIENCE: Duration = Duration::from_millis(100);

pub(crate) fn run(app: &Arc<App>, arguments: Arguments, output: Output) -> Result<ExitCode, ApiError> {
    let Arguments { agent, name, message } = arguments;
    if app.get_profile(Nothing {})?.first_start {
        app.start_profile(StartProfile { user_name: name_of_user(name)? })?;
    }
    let agent = find_or_latest(app, agent.as_deref())?;
    let interrupt = Interrupt::install(app);
    let mut chat = Chat { app: app.clone(), agent_id: agent.id, interrupt, output };
    if !message.is_empty() {
        return chat.say(&message.join(" "));
    }
    if stdin().is_terminal() && !output.is_json() {
        note(&format!("You are talking with {}. An empty line or Ctrl-D ends it.", agent.name));
    }
    chat.converse()
}

/// The name given, or asked for; without a terminal that of the system's account.
fn name_of_user(given: Option<String>) -> Result<String, ApiError> {
    if let Some(name) = given {
        return Ok(name);
    }
    let account = || ["USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or("you".to_owned());
    if !stdin().is_terminal() {
        return Ok(account());
    }
    note("I live on this computer, and what you tell me stays here. What should I call you?");
    let line = read_line("> ")?.unwrap_or_default();
    Ok(if line.trim().is_empty() { account() } else { line })
}

struct Chat {
    app: Arc<App>,
    agent_id: String,
    interrupt: Interrupt,
    output: Output,
}

impl Chat {
    fn converse(&mut self) -> Result<ExitCode, ApiError> {
        let mut last = ExitCode::SUCCESS;
        let interactive = stdin().is_terminal();
        loop {
            let prompt = if interactive { "\n> " } else { "" };
            let Some(line) = read_line(prompt)? else { return Ok(last) };
            match (line.trim().is_empty(), interactive) {
                (true, true) => return Ok(last),
                (true, false) => {}
                (false, _) => match self.say(&line) {
                    Ok(code) => last = code,
                    // A conversation goes on after a message that could not be sent; a script is told.
                    Err(error) if interactive => note(&error.to_string()),
                    Err(error) => return Err(error),
                },
            }
        }
    }

    /// Says one thing and shows what comes of it.
    fn say(&mut self, text: &str) -> Result<ExitCode, ApiError> {
        let reader = self.app.subscribe(self.app.get_profile(Nothing {})?.last_event_seq);
        let turn = self.app.send_message(SendMessage { agent_id: self.agent_id.clone(), text: text.to_owned() })?;
        self.interrupt.watch(Some(&turn.id));
        let ended = self.follow(&reader, &turn);
        self.interrupt.watch(None);
        match ended.state {
            TurnState::Completed | TurnState::Running => Ok(ExitCode::SUCCESS),
            TurnState::Cancelled | TurnState::Interrupted => {
                note("Stopped.");
                Ok(exit_code(ErrorCode::Cancelled))
            }
            TurnState::Failed => {
                let error = ended.error.unwrap_or_else(|| ApiError {
                    code: ErrorCode::Internal,
                    message: "The answer failed.".to_owned(),
                    hint: None,
                });
                Ok(self.output.fail(&error))
            }
        }
    }

    fn follow(&self, reader: &EventReader, turn: &TurnView) -> TurnView {
        let mut screen = Screen::new(self.output);
        loop {
            for event in reader.next_batch(PATIENCE) {
                let ours = event.turn_id.as_deref() == Some(&turn.id);
                if self.output.is_json() && ours {
                    self.output.line(&event);
                }
                match event.what {
                    EventKind::TurnEnded { turn } if ours => {
                        screen.end();
                        return turn;
                    }
                    what if ours => screen.show(what),
                    _ => {}
                }
            }
        }
    }
}

/// The terminal while an answer streams.
struct Screen {
    output: Output,
    status: bool,
    streamed: bool,
}

impl Screen {
    fn new(output: Output) -> Self {
        Self { output, status: stderr().is_terminal(), streamed: false }
    }

    fn show(&mut self, what: EventKind) {
        if self.output.is_json() {
            return;
        }
        match what {
            EventKind::ModelLoading { name } => self.status(&format!("loading {name}…")),
            EventKind::PromptReading { tokens, of } => self.status(&format!("reading {tokens} of {of} tokens…")),
            EventKind::Searching { query } => self.status(&format!("looking for: {}…", first_line(&query, 60))),
            EventKind::TextDelta { text, .. } => self.answer(&text),
            EventKind::MemoryChanged { change } => self.change(&change),
            // Text that was not streamed token by token, and the end of what was.
            EventKind::MessageRecorded { message } if message.role == RoleView::Assistant => {
                if !self.streamed {
                    self.answer(&message.content);
                }
                self.line_end();
            }
            EventKind::MemoryPressure { used_tokens, window_tokens } => {
                self.clear_status();
                note(&format!("  the context window is nearly full: {used_tokens} of {window_tokens} tokens"));
            }
            EventKind::Compacted { compaction } => {
                self.clear_status();
                note(&format!("  {} older messages were summarised", compaction.evicted_messages));
            }
            _ => {}
        }
    }

    fn change(&mut self, change: &MemoryChange) {
        self.line_end();
        self.clear_status();
        match &change.what {
            MemoryChangeKind::Block { label, before, after, .. } => {
                note(&format!("  remembered in {label}"));
                let before = before.as_deref().unwrap_or_default();
                for line in before.lines().filter(|line| !after.lines().any(|other| other == *line)) {
                    note(&format!("    - {line}"));
                }
                for line in after.lines().filter(|line| !before.lines().any(|other| other == *line)) {
                    note(&format!("    + {line}"));
                }
            }
            MemoryChangeKind::BlockRenamed { before, after, .. } => {
                note(&format!("  the block {before} is now called {after}"));
            }
            MemoryChangeKind::BlockDescribed { label, after, .. } => {
                note(&format!("  described {label} anew\n    + {}", first_line(after, 100)));
            }
            MemoryChangeKind::BlockRemoved { label, .. } => note(&format!("  removed the block {label}")),
            MemoryChangeKind::PassageSaved { passage } => {
                note(&format!("  saved for later\n    + {}", first_line(&passage.text, 100)));
            }
            MemoryChangeKind::PassageDeleted { passage } => {
                note(&format!("  moved to the bin\n    - {}", first_line(&passage.text, 100)));
            }
        }
    }

    #[expect(clippy::print_stdout, reason = "the answer goes to standard output")]
    fn answer(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.clear_status();
        self.streamed = true;
        print!("{text}");
        // A terminal that is gone cannot be told so.
        let _ = stdout().flush();
    }

    #[expect(clippy::print_stdout, reason = "the answer goes to standard output")]
    fn line_end(&mut self) {
        if self.streamed {
            println!();
            self.streamed = false;
        }
    }

    fn end(&mut self) {
        self.line_end();
        self.clear_status();
    }

    #[expect(clippy::print_stderr, reason = "what goes on is shown beside the results")]
    fn status(&self, text: &str) {
        if self.status {
            eprint!("\r\x1b[2K{text}");
        }
    }

    #[expect(clippy::print_stderr, reason = "what goes on is shown beside the results")]
    fn clear_status(&self) {
        if self.status {
            eprint!("\r\x1b[2K");
        }
    }
}

/// Ctrl-C: stops the turn that runs, or ends the program.
struct Interrupt {
    turn: Arc<Mutex<Option<String>>>,
}

impl Interrupt {
    fn install(app: &Arc<App>) -> Self {
        let turn: Arc<Mutex<Option<String>>> = Arc::default();
        let (watched, app, asked) = (turn.clone(), app.clone(), AtomicBool::new(false));
        let installed = ctrlc::set_handler(move || {
            let running = watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match running {
                Some(turn_id) if !asked.swap(true, Ordering::SeqCst) => {
                    // A turn that ended just now needs no stop.
                    let _ = app.cancel_turn(TurnRef { turn_id });
                }
                Some(_) | None => std::process::exit(130),
            }
            asked.store(false, Ordering::SeqCst);
        });
        if installed.is_err() {
            note("Ctrl-C will end the program instead of stopping an answer.");
        }
        Self { turn }
    }

    fn watch(&self, turn_id: Option<&str>) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn_id.map(str::to_owned);
    }
}

/// One line, without its end; `None` when there is no more.
#[expect(clippy::print_stderr, reason = "the prompt is no result")]
fn read_line(prompt: &str) -> Result<Option<String>, ApiError> {
    eprint!("{prompt}");
    let mut line = String::new();
    let count = stdin().read_line(&mut line).map_err(|error| ApiError {
        code: ErrorCode::Invalid,
        message: format!("The line could not be read: {error}."),
        hint: None,
    })?;
    Ok((count > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
}

#[expect(clippy::print_stderr, reason = "notes are no results")]
fn note(text: &str) {
    eprintln!("{text}");
}
