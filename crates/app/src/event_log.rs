//! The one ordered event stream. Events get their number and are held for readers that come later or come back; the
//! log keeps a bounded number, and a reader that asks for more than is held is told so with `Gap` and loads afresh.
//! Nothing here is the truth: whatever matters is in the store before its event is sent.
//!
//! Whoever wants the events of one turn alone follows that turn, so that of a hundred turns that run at once each reader
//! is woken by its own.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resident_store::{Clock, Turn};

use crate::api::{Event, EventKind};

/// A turn of the longest answer streams a few thousand events; this holds several, in a few megabytes.
const HELD_EVENTS: usize = 16_384;

/// What an event is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) agent_id: Option<String>,
    pub(crate) turn_id: Option<String>,
    pub(crate) conversation_id: Option<String>,
}

impl About {
    pub(crate) fn agent(agent_id: &str) -> Self {
        Self { agent_id: Some(agent_id.to_owned()), ..Self::default() }
    }

    /// Of a turn that is over, whose conversation does not matter any more.
    pub(crate) fn of_turn(agent_id: &str, turn_id: &str) -> Self {
        Self { turn_id: Some(turn_id.to_owned()), ..Self::agent(agent_id) }
    }

    pub(crate) fn turn(turn: &Turn) -> Self {
        Self {
            agent_id: Some(turn.agent_id.0.clone()),
            turn_id: Some(turn.id.0.clone()),
            conversation_id: turn.conversation_id.clone().map(|id| id.0),
        }
    }
}

/// Hears the events of a turn, in their order, on the thread that sends them. It must be quick and must not send any.
pub type TurnListener = Box<dyn FnMut(&Event) + Send>;

/// Hears the number of every event, on the thread that sends it, until it returns false.
pub type Watcher = Box<dyn FnMut(u64) -> bool + Send>;

/// The log; shared by everything that has something to tell.
pub(crate) struct EventLog {
    held: Mutex<Held>,
    news: Condvar,
    clock: Arc<dyn Clock>,
}

struct Held {
    events: VecDeque<Event>,
    last_seq: u64,
    /// By the ids of their turns.
    listeners: HashMap<String, Vec<TurnListener>>,
    watchers: Vec<Watcher>,
}

impl EventLog {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let held = Held { events: VecDeque::new(), last_seq: 0, listeners: HashMap::new(), watchers: Vec::new() };
        Self { held: Mutex::new(held), news: Condvar::new(), clock }
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.lock().last_seq
    }

    /// Sends an event to every reader.
    pub(crate) fn send(&self, about: About, what: EventKind) {
        let at_ms = self.clock.now_ms();
        let mut held = self.lock();
        held.last_seq += 1;
        let seq = held.last_seq;
        if held.events.len() == HELD_EVENTS {
            held.events.pop_front();
        }
        let About { agent_id, turn_id, conversation_id } = about;
        let event = Event { seq, at_ms, agent_id, turn_id, conversation_id, what };
        held.tell(&event);
        held.events.push_back(event);
        held.watchers.retain_mut(|watcher| watcher(seq));
        drop(held);
        self.news.notify_all();
    }

    /// Tells `listener` the events of a turn: those after `after_seq` now, the others when they happen, up to the last.
    pub(crate) fn follow_turn(&self, turn_id: &str, after_seq: u64, mut listener: TurnListener) {
        let mut held = self.lock();
        let past = if held.last_seq == after_seq { Vec::new() } else { held.after(after_seq) };
        for event in past {
            if event.what == EventKind::Gap || event.turn_id.as_deref() == Some(turn_id) {
                listener(&event);
                if matches!(event.what, EventKind::TurnEnded { .. }) {
                    return;
                }
            }
        }
        held.listeners.entry(turn_id.to_owned()).or_default().push(listener);
    }

    /// Tells `watcher` the number of every event from now on.
    pub(crate) fn watch(&self, watcher: Watcher) {
        self.lock().watchers.push(watcher);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the event stream from a sequence number on. Each reader has its own place in it.
pub struct EventReader {
    log: Arc<EventLog>,
    after_seq: Cell<u64>,
}

impl EventReader {
    pub(crate) fn new(log: Arc<EventLog>, after_seq: u64) -> Self {
        Self { log, after_seq: Cell::new(after_seq) }
    }

    /// The events since the last call, waiting up to `timeout` for the first; none when there was none.
    pub fn next_batch(&self, timeout: Duration) -> Vec<Event> {
        let deadline = Instant::now() + timeout;
        let mut held = self.log.lock();
        loop {
            let after_seq = self.after_seq.get();
            if held.last_seq != after_seq {
                self.after_seq.set(held.last_seq);
                return held.after(after_seq);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Vec::new();
            }
            held = self.log.news.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Held {
    fn tell(&mut self, event: &Event) {
        let Some(turn_id) = event.turn_id.as_deref() else { return };
        let Some(listeners) = self.listeners.get_mut(turn_id) else { return };
        listeners.iter_mut().for_each(|listener| listener(event));
        if matches!(event.what, EventKind::TurnEnded { .. }) {
            self.listeners.remove(turn_id);
        }
    }

    /// What follows `after_seq`. A number that is ahead of the log comes from an earlier run of the program.
    fn after(&self, after_seq: u64) -> Vec<Event> {
        let first_seq = self.events.front().map_or(self.last_seq + 1, |event| event.seq);
        if after_seq > self.last_seq || after_seq + 1 < first_seq {
            let at_ms = self.events.back().map_or(0, |event| event.at_ms);
            let (agent_id, turn_id, conversation_id) = (None, None, None);
            return vec![Event { seq: self.last_seq, at_ms, agent_id, turn_id, conversation_id, what: EventKind::Gap }];
        }
        let skip = usize::try_from(after_seq + 1 - first_seq).unwrap_or(usize::MAX);
        self.events.iter().skip(skip).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use resident_store::ManualClock;

    use super::*;
    use crate::api::{TurnState, TurnView};

    fn log() -> Arc<EventLog> {
        Arc::new(EventLog::new(Arc::new(ManualClock::at(1_000))))
    }

    fn seqs(reader: &EventReader) -> Vec<u64> {
        reader.next_batch(Duration::ZERO).iter().map(|event| event.seq).collect()
    }

    #[test]
    fn a_reader_gets_every_event_once_and_in_order() {
        let log = log();
        let early = EventReader::new(log.clone(), 0);
        for _ in 0..3 {
            log.send(About::default(), EventKind::AgentsChanged);
        }
        assert_eq!(seqs(&early), [1, 2, 3]);
        log.send(About::default(), EventKind::ModelsChanged);
        assert_eq!(seqs(&early), [4]);
        assert_eq!(seqs(&early), [0_u64; 0]);
        assert_eq!(seqs(&EventReader::new(log, 2)), [3, 4], "a reader that comes back gets what it missed");
    }

    #[test]
    fn a_reader_that_missed_too_much_is_told() {
        let log = log();
        for _ in 0..HELD_EVENTS + 10 {
            log.send(About::default(), EventKind::AgentsChanged);
        }
        let late = EventReader::new(log.clone(), 3);
        let batch = late.next_batch(Duration::ZERO);
        assert_eq!(batch.len(), 1);
        assert_eq!(batch[0].what, EventKind::Gap);
        log.send(About::default(), EventKind::SettingsChanged);
        assert_eq!(seqs(&late), [HELD_EVENTS as u64 + 11], "after the gap it goes on");
    }

    #[test]
    fn a_listener_hears_its_own_turn_from_the_place_asked_for_to_its_end() {
        let log = log();
        let of = |turn: &str| About::of_turn("agent-1", turn);
        let ended = |turn: &str| {
            let turn = TurnView {
                id: turn.to_owned(),
                agent_id: "agent-1".to_owned(),
                state: TurnState::Completed,
                stop_reason: None,
                error: None,
                started_at_ms: 0,
                ended_at_ms: None,
            };
            EventKind::TurnEnded { turn }
        };
        log.send(of("run-1"), EventKind::MessagesChanged);
        log.send(of("run-2"), EventKind::MessagesChanged);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = heard.clone();
        log.follow_turn("run-1", 0, Box::new(move |event| hearing.lock().unwrap().push(event.seq)));
        log.send(of("run-2"), ended("run-2"));
        log.send(of("run-1"), ended("run-1"));
        log.send(of("run-1"), EventKind::MessagesChanged);
        assert_eq!(*heard.lock().unwrap(), [1, 4], "nothing of another turn, nothing after the end");
        let late = Arc::new(Mutex::new(Vec::new()));
        let hearing = late.clone();
        log.follow_turn("run-1", 1, Box::new(move |event| hearing.lock().unwrap().push(event.seq)));
        assert_eq!(*late.lock().unwrap(), [4], "one that comes late hears what was");
        assert!(log.lock().listeners.is_empty(), "nobody waits for a turn that is over");
    }

    #[test]
    fn a_number_of_an_earlier_run_is_a_gap() {
        let log = log();
        log.send(About::default(), EventKind::AgentsChanged);
        let batch = EventReader::new(log, 900).next_batch(Duration::ZERO);
        assert_eq!(batch[0].what, EventKind::Gap);
    }
}
