//! The log of one turn as clients read it: what happened, in order, as far as they are told of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use resident_app::api::{Event, EventKind, MessageView, RoleView, StepView, ToolCallView, TurnState, TurnView};
use tokio::sync::watch;

use crate::error::Problem;

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
    /// True when nothing will be added any more.
    over: watch::Sender<bool>,
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
    /// Whether events were missed.
    missed: bool,
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
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { held: Mutex::default(), news: watch::Sender::new(0), over: watch::Sender::new(false) })
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

    /// Waits until nothing will be added any more.
    pub(crate) async fn over(&self) {
        // The sender is this log's own.
        let _ = self.over.subscribe().wait_for(|over| *over).await;
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
        let mut held = self.lock();
        work(&mut held);
        let over = held.ended_at.is_some();
        drop(held);
        self.news.send_modify(|count| *count += 1);
        if over {
            self.over.send_replace(true);
        }
    }

    /// Says which turn it is.
    pub(crate) fn name(&self, turn_id: &str) {
        self.change(|held| held.turn_id = Some(turn_id.to_owned()));
    }

    /// Whether events were missed since this was asked last.
    pub(crate) fn take_missed(&self) -> bool {
        std::mem::take(&mut self.lock().missed)
    }

    pub(crate) fn refuse(&self, problem: Problem) {
        self.change(|held| {
            held.refused = Some(problem);
            held.ended_at = Some(Instant::now());
        });
    }

    #[cfg(test)]
    pub(crate) fn end_at(&self, at: Instant) {
        self.change(|held| held.ended_at = Some(at));
    }

    pub(crate) fn ended_at(&self) -> Option<Instant> {
        self.lock().ended_at
    }

    /// Takes in an event of the turn.
    pub(crate) fn take(&self, event: &Event) {
        self.change(|held| match event.what.clone() {
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
            EventKind::TurnEnded { turn } => held.end(&turn),
            EventKind::Gap => held.missed = true,
            EventKind::TurnStarted { .. }
            | EventKind::ModelLoading { .. }
            | EventKind::PromptReading { .. }
            | EventKind::Searching { .. }
            | EventKind::ToolCallDelta { .. }
            | EventKind::MemoryChanged { .. }
            | EventKind::GroupsChanged
            | EventKind::GroupSpeaking { .. }
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

    pub(crate) fn refill(&self, turn: &TurnView, messages: Vec<MessageView>, steps: &[StepView]) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
