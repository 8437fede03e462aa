//! The threads on which turns run. Turns of one thread of an agent run one after the other; those of different agents, and
//! of different conversations of one agent, run side by side and share the model.
//!
//! Operating system's threads are taken from those that are idle, and end when they have been so for a while: a server with
//! thousands of conversations has only as many as are talked in.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use resident_agent::Cancel;
use resident_store::{Thread, TurnId};

/// What a driver is given to do.
type Job = Box<dyn FnOnce() + Send>;

/// How long a thread waits for its next turn before it ends.
const KEPT: Duration = Duration::from_secs(10);

/// The drivers and the turns that run on them.
#[derive(Default)]
pub(crate) struct Drivers {
    crew: Arc<Crew>,
    running: Mutex<HashMap<TurnId, Cancel>>,
}

#[derive(Default)]
struct Crew {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    /// Threads of conversation whose turn runs or is about to, with what waits behind it.
    busy: HashMap<Thread, VecDeque<Job>>,
    /// What no worker has taken yet.
    ready: VecDeque<(Option<Thread>, Job)>,
    /// Workers that wait for something to do.
    idle: usize,
    workers: Vec<JoinHandle<()>>,
    closing: bool,
}

impl Drivers {
    /// Puts a turn under a flag that stops it.
    pub(crate) fn register(&self, turn_id: &TurnId) -> Cancel {
        let cancel = Cancel::default();
        self.running().insert(turn_id.clone(), cancel.clone());
        cancel
    }

    /// Takes a turn that has ended out of the list.
    pub(crate) fn release(&self, turn_id: &TurnId) {
        self.running().remove(turn_id);
    }

    /// Stops a turn; `false` when it does not run.
    pub(crate) fn cancel(&self, turn_id: &TurnId) -> bool {
        let running = self.running();
        let cancel = running.get(turn_id);
        if let Some(cancel) = cancel {
            cancel.cancel();
        }
        cancel.is_some()
    }

    /// Runs a job after those that its thread was given before.
    pub(crate) fn run(&self, thread: Thread, job: Job) {
        let mut state = self.crew.lock();
        if let Some(waiting) = state.busy.get_mut(&thread) {
            waiting.push_back(job);
            return;
        }
        state.busy.insert(thread.clone(), VecDeque::new());
        self.hand_out(state, Some(thread), job);
    }

    /// Runs a job that belongs to no thread of conversation, at once; none begins any more when the profile is closed.
    pub(crate) fn begin(&self, job: Job) {
        let state = self.crew.lock();
        if !state.closing {
            self.hand_out(state, None, job);
        }
    }

    fn hand_out(&self, mut state: MutexGuard<'_, State>, thread: Option<Thread>, job: Job) {
        state.ready.push_back((thread, job));
        if state.idle >= state.ready.len() {
            self.crew.news.notify_one();
            return;
        }
        let crew = self.crew.clone();
        state.workers.retain(|worker| !worker.is_finished());
        state.workers.push(std::thread::spawn(move || crew.work()));
    }

    /// Stops every turn and waits for the threads to end. What waits still says how it ended; it was stopped before it
    /// began.
    pub(crate) fn shutdown(&self) {
        self.crew.lock().closing = true;
        self.crew.news.notify_all();
        loop {
            for cancel in self.running().values() {
                cancel.cancel();
            }
            let workers = std::mem::take(&mut self.crew.lock().workers);
            if workers.is_empty() {
                return;
            }
            for worker in workers {
                if worker.join().is_err() {
                    tracing::error!("a driver thread ended with a panic");
                }
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<TurnId, Cancel>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Crew {
    /// Runs what is ready until nothing comes any more.
    fn work(&self) {
        while let Some((thread, job)) = self.next() {
            let mut next = Some(job);
            while let Some(job) = next.take() {
                run_job(job);
                let Some(thread) = &thread else { break };
                let mut state = self.lock();
                next = state.busy.get_mut(thread).and_then(VecDeque::pop_front);
                if next.is_none() {
                    state.busy.remove(thread);
                }
            }
        }
    }

    fn next(&self) -> Option<(Option<Thread>, Job)> {
        let mut state = self.lock();
        if state.ready.is_empty() && !state.closing {
            state.idle += 1;
            let nothing = |state: &mut State| state.ready.is_empty() && !state.closing;
            let waited = self.news.wait_timeout_while(state, KEPT, nothing);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.idle -= 1;
        }
        state.ready.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job that panics takes nothing with it but itself.
fn run_job(job: Job) {
    if catch_unwind(AssertUnwindSafe(job)).is_err() {
        tracing::error!("a turn ended with a panic");
    }
}
