//! Turns that clients began, while they run and for some time after. A turn belongs to the server, not to the connection
//! that asked for it: when a client goes away the turn goes on, and when it comes back (a retry, or a stream resumed
//! with `starting_after`) it reads the same log from where it was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resident_app::api::{ErrorCode, EventKind, MessageView, StepView, TurnView};
use resident_app::records::Thread;
use resident_app::{App, api::ApiError};

use crate::error::Problem;
use crate::events::Follower;
use crate::run_log::RunLog;
use crate::state::Shared;

/// How long the log of a turn that ended is kept for clients that come back. Then the store answers them.
const KEPT: Duration = Duration::from_secs(15 * 60);

/// How often those that are too old are looked for.
const SWEPT_EVERY: Duration = Duration::from_secs(60);

/// So many logs of turns that ended are kept at the most, and when there are twice as many, the oldest go.
const MOST_KEPT: usize = 512;

/// Begins a turn in the application; asked again when the conversation was busy.
pub(crate) type BeginTurn = Arc<dyn Fn(&Arc<App>) -> Result<TurnView, NotBegun> + Send + Sync>;

/// Why a turn does not begin.
pub(crate) enum NotBegun {
    /// The application could not; a conflict is over when the turn that runs is.
    Failed(ApiError),
    /// The client has to do something else first.
    Refused(Problem),
}

impl From<ApiError> for NotBegun {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

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
    swept_at: Option<Instant>,
    by_key: HashMap<String, Arc<RunLog>>,
    by_turn: HashMap<String, Arc<RunLog>>,
}

impl Logs {
    /// Lets go of logs that nobody is likely to come back for, now and then.
    fn let_go(&mut self, now: Instant) {
        let is_full = self.by_key.len() >= 2 * MOST_KEPT;
        let swept_lately = self.swept_at.is_some_and(|at| now.saturating_duration_since(at) < SWEPT_EVERY);
        if swept_lately && !is_full {
            return;
        }
        self.swept_at = Some(now);
        let mut since = now.checked_sub(KEPT);
        if is_full {
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

    async fn follow(self: &Arc<Self>, shared: &Shared, asked: &Asked, log: &Arc<RunLog>) {
        let turn_id = match self.begin_when_idle(shared, asked, log).await {
            Ok(turn_id) => turn_id,
            Err(problem) => return log.refuse(problem),
        };
        if log.take_missed() {
            match read_turn(shared, &turn_id).await {
                Ok((turn, messages, steps)) => log.refill(&turn, messages, &steps),
                Err(problem) => tracing::error!(turn = %turn_id, reason = %problem.message(), "lost sight of a turn"),
            }
        }
        log.over().await;
    }

    /// Begins the turn; where another door's turn runs (the window's), waits for its end and tries again.
    async fn begin_when_idle(
        self: &Arc<Self>,
        shared: &Shared,
        asked: &Asked,
        log: &Arc<RunLog>,
    ) -> Result<String, Problem> {
        loop {
            let (runs, begin, log) = (self.clone(), asked.begin.clone(), log.clone());
            let begun = shared.ask(move |app| Ok(runs.begin_logged(app, &begin, &log))).await?;
            match begun {
                Ok(turn_id) => return Ok(turn_id),
                Err(NotBegun::Failed(error)) if error.code == ErrorCode::Conflict => {
                    let mut follower = shared.news.follow(&shared.app, shared.app.last_event_seq());
                    if !is_busy(shared, &asked.thread).await {
                        return Err(error.into());
                    }
                    wait_for_end(asked.thread.agent_id.as_str(), &mut follower).await;
                }
                Err(NotBegun::Failed(error)) => return Err(error.into()),
                Err(NotBegun::Refused(problem)) => return Err(problem),
            }
        }
    }

    /// Begins the turn and has its events written into `log` from the first on; the id of the turn.
    fn begin_logged(&self, app: &Arc<App>, begin: &BeginTurn, log: &Arc<RunLog>) -> Result<String, NotBegun> {
        let before = app.last_event_seq();
        let turn = begin(app)?;
        self.lock_logs().by_turn.insert(turn.id.clone(), log.clone());
        log.name(&turn.id);
        let writing = log.clone();
        app.follow_turn(&turn.id, before, Box::new(move |event| writing.take(event)));
        Ok(turn.id)
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
        log.end_at(at);
        log
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
