//! Turns that clients began, while they run and for some time after. A turn belongs to the server, not to the connection
//! that asked for it: when a client goes away the turn goes on, and when it comes back (a retry, or a stream resumed
//! with `starting_after`) it reads the same log from where it was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resident_app::api::{
    ErrorCode, Event, EventKind, MessageView, RoleView, StepView, ToolCallView, TurnState, TurnView,
};
use resident_app::records::Thread;
use resident_app::{App, api::ApiError};
use tokio::sync::watch;

use crate::error::Problem;
use crate::events::Follower;
use crate::state::Shared;

/// How long the log of a turn that ended is kept for clients that come back. Then the store answers them.
const KEPT: Duration = Duration::from_secs(15 * 60);

/// So many logs of turns that ended are kept at the most, and when there are twice as many, the oldest go.
const MOST_KEPT: usize = 512;

/// One thing that happened in a turn.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// A message was recorded. The flags say what of it was sent in pieces before.
    Recorded { message: Box<MessageView>, text_streamed: bool, thoughts_streamed: bool },
    /// The calls of a message that was recorded run now.
    Called { message: Box<MessageView> },
    /// Calls wait for the client: to be allowed, or to be done by it.
    Asked { message: Box<MessageView>, calls: Vec<ToolCallView> },
    /// A piece of an answer, which stands at this place in its row.
    Text { step_id: String, text: String, at_ms: i64, place: u8 },
    /// A piece of inner thoughts.
    Thoughts { step_id: String, text: String, at_ms: i64 },
}

/// How a turn ended, and what it took.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub(crate) stop_reason: String,
    pub(crate) error: Option<String>,
}

/// What the steps of a turn took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) steps: i64,
    pub(crate) prompt_tokens: i64,
    pub(crate) cached_tokens: i64,
    pub(crate) completion_tokens: i64,
}

impl Usage {
    pub(crate) fn add(&mut self, step: &StepView) {
        self.steps += 1;
        self.prompt_tokens += step.prompt_tokens;
        self.cached_tokens += step.cached_tokens;
        self.completion_tokens += step.completion_tokens;
    }
}

/// The log of one turn, written by the task that follows the turn, read by any number of clients.
pub(crate) struct RunLog {
    held: Mutex<Held>,
    news: watch::Sender<u64>,
}

#[derive(Default)]
struct Held {
    turn_id: Option<String>,
    refused: Option<Problem>,
    entries: Vec<Arc<Entry>>,
    usage: Usage,
    ending: Option<Ending>,
    ended_at: Option<Instant>,
    /// Steps whose text and thoughts were sent in pieces.
    texts: Vec<String>,
    thoughts: Vec<String>,
    /// A message whose calls have neither begun nor been found waiting yet.
    calling: Option<Box<MessageView>>,
}

/// What a reader of a log finds.
pub(crate) enum Seen {
    /// The turn could not begin.
    Refused(Problem),
    /// Entries from the place asked for on.
    Entries { turn_id: String, entries: Vec<Arc<Entry>>, ending: Option<(Ending, Usage)> },
    /// The turn waits for others of its conversation.
    NotBegun,
}

impl RunLog {
    fn new() -> Arc<Self> {
        Arc::new(Self { held: Mutex::default(), news: watch::Sender::new(0) })
    }

    /// What there is from the entry `from` on.
    pub(crate) fn see(&self, from: usize) -> Seen {
        let held = self.lock();
        if let Some(problem) = &held.refused {
            return Seen::Refused(problem.clone());
        }
        let Some(turn_id) = held.turn_id.clone() else { return Seen::NotBegun };
        let entries = held.entries.iter().skip(from).cloned().collect();
        Seen::Entries { turn_id, entries, ending: held.ending.clone().map(|ending| (ending, held.usage)) }
    }

    /// Wakes a reader when there is more to see than when it subscribed or looked last.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    pub(crate) fn turn_id(&self) -> Option<String> {
        self.lock().turn_id.clone()
    }

    /// Waits until the turn is recorded or refused, and says which turn it is.
    pub(crate) async fn begun(&self) -> Result<String, Problem> {
        let mut news = self.watch();
        loop {
            news.mark_unchanged();
            match self.see(usize::MAX) {
                Seen::Refused(problem) => return Err(problem),
                Seen::Entries { turn_id, .. } => return Ok(turn_id),
                Seen::NotBegun => {}
            }
            if news.changed().await.is_err() {
                return Err(Problem::internal("a turn's log was dropped before it began"));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, work: impl FnOnce(&mut Held)) {
        work(&mut self.lock());
        self.news.send_modify(|count| *count += 1);
    }

    fn refuse(&self, problem: Problem) {
        self.change(|held| {
            held.refused = Some(problem);
            held.ended_at = Some(Instant::now());
        });
    }

    fn ended_at(&self) -> Option<Instant> {
        self.lock().ended_at
    }

    /// Takes in an event of the turn; true when it was the last.
    fn take(&self, event: Event) -> bool {
        let mut last = false;
        self.change(|held| match event.what {
            EventKind::MessageRecorded { message } => held.record(message),
            EventKind::TextDelta { step_id, text } => {
                held.flush_calls();
                held.texts.push(step_id.clone());
                held.texts.dedup();
                let place = u8::from(held.thoughts.contains(&step_id));
                held.push(Entry::Text { step_id, text, at_ms: event.at_ms, place });
            }
            EventKind::ThoughtsDelta { step_id, text } => {
                held.flush_calls();
                held.thoughts.push(step_id.clone());
                held.thoughts.dedup();
                held.push(Entry::Thoughts { step_id, text, at_ms: event.at_ms });
            }
            EventKind::StepEnded { step } => held.usage.add(&step),
            EventKind::TurnEnded { turn } => {
                held.end(&turn);
                last = true;
            }
            EventKind::Gap
            | EventKind::TurnStarted { .. }
            | EventKind::ModelLoading { .. }
            | EventKind::PromptReading { .. }
            | EventKind::Searching { .. }
            | EventKind::ToolCallDelta { .. }
            | EventKind::MemoryChanged { .. }
            | EventKind::MemoryChangeMarked { .. }
            | EventKind::MemoryPressure { .. }
            | EventKind::Compacted { .. }
            | EventKind::Failed { .. }
            | EventKind::AgentsChanged
            | EventKind::BlocksChanged
            | EventKind::PassagesChanged
            | EventKind::MessagesChanged
            | EventKind::ModelsChanged
            | EventKind::SettingsChanged
            | EventKind::Embedding { .. } => {}
        });
        last
    }

    /// Fills the log from the store, for a turn whose events were missed or came before this run of the program.
    pub(crate) fn of_record(turn: &TurnView, messages: Vec<MessageView>, steps: &[StepView]) -> Arc<Self> {
        let log = Self::new();
        log.change(|held| {
            held.turn_id = Some(turn.id.clone());
            held.fill(turn, messages, steps);
        });
        log
    }

    fn refill(&self, turn: &TurnView, messages: Vec<MessageView>, steps: &[StepView]) {
        self.change(|held| {
            let seen = held.entries.iter().filter_map(|entry| match entry.as_ref() {
                Entry::Recorded { message, .. } => Some(message.id.clone()),
                Entry::Called { .. } | Entry::Asked { .. } | Entry::Text { .. } | Entry::Thoughts { .. } => None,
            });
            let seen: Vec<String> = seen.collect();
            let missed = messages.into_iter().filter(|message| !seen.contains(&message.id)).collect();
            held.usage = Usage::default();
            held.fill(turn, missed, steps);
        });
    }
}

impl Held {
    fn push(&mut self, entry: Entry) {
        self.entries.push(Arc::new(entry));
    }

    fn record(&mut self, message: MessageView) {
        match message.role {
            // A client is told neither what it said itself nor what Resident said to the agent alone, such as that its
            // window is nearly full.
            RoleView::User | RoleView::System => {}
            RoleView::Assistant => {
                self.flush_calls();
                let was_sent = |steps: &[String]| message.step_id.as_ref().is_some_and(|step| steps.contains(step));
                let (text_streamed, thoughts_streamed) = (was_sent(&self.texts), was_sent(&self.thoughts));
                if !message.tool_calls.is_empty() {
                    self.calling = Some(Box::new(message.clone()));
                }
                self.push(Entry::Recorded { message: Box::new(message), text_streamed, thoughts_streamed });
            }
            RoleView::Tool => {
                self.flush_calls();
                let message = Box::new(message);
                self.push(Entry::Recorded { message, text_streamed: false, thoughts_streamed: false });
            }
        }
    }

    fn flush_calls(&mut self) {
        if let Some(message) = self.calling.take() {
            self.push(Entry::Called { message });
        }
    }

    fn end(&mut self, turn: &TurnView) {
        let stop_reason = turn.stop_reason.clone().unwrap_or_else(|| "error".to_owned());
        match self.calling.take() {
            Some(message) if stop_reason == "requires_approval" => {
                let calls = message.tool_calls.clone();
                self.push(Entry::Asked { message, calls });
            }
            Some(message) => self.push(Entry::Called { message }),
            None => {}
        }
        self.ending = Some(Ending { stop_reason, error: turn.error.as_ref().map(ToString::to_string) });
        self.ended_at = Some(Instant::now());
    }

    fn fill(&mut self, turn: &TurnView, messages: Vec<MessageView>, steps: &[StepView]) {
        for message in messages {
            self.record(message);
        }
        for step in steps {
            self.usage.add(step);
        }
        if turn.state != TurnState::Running {
            self.end(turn);
        }
    }
}

/// Begins a turn in the application; asked again when the conversation was busy.
pub(crate) type BeginTurn = Arc<dyn Fn(&Arc<App>) -> Result<TurnView, ApiError> + Send + Sync>;

/// A turn that a client asks for.
pub(crate) struct Asked {
    /// Turns of one thread run one after another, in the order in which they were asked for.
    pub(crate) thread: Thread,
    /// The same for a request and its retries.
    pub(crate) key: String,
    /// Whether a turn with the same key is the answer, where one was begun meanwhile.
    pub(crate) joins: bool,
    pub(crate) begin: BeginTurn,
}

/// The turns that clients began.
#[derive(Default)]
pub(crate) struct Runs {
    logs: Mutex<Logs>,
    queues: Mutex<HashMap<Thread, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Default)]
struct Logs {
    by_key: HashMap<String, Arc<RunLog>>,
    by_turn: HashMap<String, Arc<RunLog>>,
}

impl Logs {
    /// Lets go of logs that nobody is likely to come back for.
    fn let_go(&mut self, now: Instant) {
        let mut since = now.checked_sub(KEPT);
        if self.by_key.len() >= 2 * MOST_KEPT {
            let mut ended: Vec<Instant> = self.by_key.values().filter_map(|log| log.ended_at()).collect();
            ended.sort_unstable();
            // What ended before the newest that are kept.
            since = since.max(ended.len().checked_sub(MOST_KEPT).and_then(|place| ended.get(place).copied()));
        }
        let Some(since) = since else { return };
        let is_wanted = |log: &Arc<RunLog>| log.ended_at().is_none_or(|at| at >= since);
        self.by_key.retain(|_, log| is_wanted(log));
        self.by_turn.retain(|_, log| is_wanted(log));
    }
}

impl Runs {
    /// The log of the request with this key.
    pub(crate) fn of_key(&self, key: &str) -> Option<Arc<RunLog>> {
        self.lock_logs().by_key.get(key).cloned()
    }

    /// The log of a turn.
    pub(crate) fn of_turn(&self, turn_id: &str) -> Option<Arc<RunLog>> {
        self.lock_logs().by_turn.get(turn_id).cloned()
    }

    /// Begins a turn, after those of its thread that were asked for before. It runs whether or not anyone reads its log.
    pub(crate) fn begin(self: &Arc<Self>, shared: &Shared, asked: Asked) -> Arc<RunLog> {
        let log = RunLog::new();
        let mut logs = self.lock_logs();
        logs.let_go(Instant::now());
        if let (true, Some(known)) = (asked.joins, logs.by_key.get(&asked.key)) {
            return known.clone();
        }
        logs.by_key.insert(asked.key.clone(), log.clone());
        drop(logs);
        let queue = self.queue(&asked.thread);
        let (runs, shared, following) = (self.clone(), shared.clone(), log.clone());
        tokio::spawn(async move {
            let _place = queue.lock_owned().await;
            runs.follow(&shared, &asked, &following).await;
        });
        log
    }

    async fn follow(&self, shared: &Shared, asked: &Asked, log: &Arc<RunLog>) {
        let mut follower = shared.news.follow(&shared.app, shared.app.last_event_seq());
        let turn = match begin_when_idle(shared, asked, &mut follower).await {
            Ok(turn) => turn,
            Err(problem) => return log.refuse(problem),
        };
        self.lock_logs().by_turn.insert(turn.id.clone(), log.clone());
        log.change(|held| held.turn_id = Some(turn.id.clone()));
        loop {
            for event in follower.next_batch().await {
                if event.what == EventKind::Gap {
                    match read_turn(shared, &turn.id).await {
                        Ok((turn, messages, steps)) => log.refill(&turn, messages, &steps),
                        Err(problem) => {
                            tracing::error!(turn = %turn.id, reason = %problem.message(), "lost sight of a turn")
                        }
                    }
                    if log.lock().ending.is_some() {
                        return;
                    }
                } else if event.turn_id.as_deref() == Some(turn.id.as_str()) && log.take(event) {
                    return;
                }
            }
        }
    }

    fn queue(&self, thread: &Thread) -> Arc<tokio::sync::Mutex<()>> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|_, queue| Arc::strong_count(queue) > 1);
        queues.entry(thread.clone()).or_default().clone()
    }

    fn lock_logs(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins the turn; where another door's turn runs (the window's), waits for its end and tries again.
async fn begin_when_idle(shared: &Shared, asked: &Asked, follower: &mut Follower) -> Result<TurnView, Problem> {
    loop {
        let begin = asked.begin.clone();
        let app = shared.app.clone();
        let answer = tokio::task::spawn_blocking(move || begin(&app)).await.map_err(Problem::internal)?;
        match answer {
            Ok(turn) => return Ok(turn),
            Err(error) if error.code == ErrorCode::Conflict && is_busy(shared, &asked.thread).await => {
                wait_for_end(asked.thread.agent_id.as_str(), follower).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn is_busy(shared: &Shared, thread: &Thread) -> bool {
    let thread = thread.clone();
    shared.ask(move |app| app.thread_is_busy(&thread)).await.unwrap_or(false)
}

async fn wait_for_end(agent_id: &str, follower: &mut Follower) {
    loop {
        let batch = follower.next_batch().await;
        let ended = batch.iter().any(|event| {
            let ends = matches!(event.what, EventKind::TurnEnded { .. } | EventKind::Gap);
            ends && event.agent_id.as_deref().is_none_or(|id| id == agent_id)
        });
        if ended {
            return;
        }
    }
}

/// A turn as the store has it.
pub(crate) async fn read_turn(
    shared: &Shared,
    turn_id: &str,
) -> Result<(TurnView, Vec<MessageView>, Vec<StepView>), Problem> {
    let turn_id = turn_id.to_owned();
    shared.ask(move |app| app.turn_in_full(&turn_id)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(at: Instant) -> Arc<RunLog> {
        let log = RunLog::new();
        log.change(|held| held.ended_at = Some(at));
        log
    }

    fn said(role: RoleView) -> MessageView {
        serde_json::from_value(serde_json::json!({
            "id": "message-1", "seq": 1, "agentId": "agent-1", "turnId": "run-1", "stepId": null, "role": role,
            "content": "Words.", "thoughts": null, "toolCalls": [], "toolCallId": null, "name": null, "failed": false,
            "createdAtMs": 0, "inWindow": true,
        }))
        .unwrap()
    }

    #[test]
    fn a_client_is_told_what_the_agent_says_and_not_what_the_agent_is_told() {
        let mut held = Held::default();
        for role in [RoleView::User, RoleView::System, RoleView::Tool, RoleView::Assistant] {
            held.record(said(role));
        }
        let told = held.entries.iter().map(|entry| match entry.as_ref() {
            Entry::Recorded { message, .. } => message.role,
            other => panic!("unexpected: {other:?}"),
        });
        assert_eq!(told.collect::<Vec<_>>(), [RoleView::Tool, RoleView::Assistant]);
    }

    #[test]
    fn the_logs_of_a_busy_server_are_bounded_and_those_of_running_turns_stay() {
        let mut logs = Logs::default();
        let start = Instant::now();
        logs.by_key.insert("running".to_owned(), RunLog::new());
        for number in 0..3 * MOST_KEPT {
            let at = start + Duration::from_millis(number as u64);
            logs.let_go(at);
            logs.by_key.insert(number.to_string(), ended(at));
        }
        assert!(logs.by_key.len() <= 2 * MOST_KEPT, "{}", logs.by_key.len());
        assert!(logs.by_key.contains_key("running"));
        assert!(logs.by_key.contains_key(&(3 * MOST_KEPT - 1).to_string()), "the newest are kept");
        assert!(!logs.by_key.contains_key("0"), "the oldest are not");
    }
}
