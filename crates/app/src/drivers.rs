//! The threads on which turns run. Turns of one thread of an agent run one after the other; those of different agents, and
//! of different conversations of one agent, run side by side and share the model.
//!
//! An operating system's thread lives as long as there is something to run on it, so that a server with thousands of
//! conversations has only as many as are talked in.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use resident_agent::Cancel;
use resident_store::{Thread, TurnId};

/// What a driver is given to do.
type Job = Box<dyn FnOnce() + Send>;

/// The drivers and the turns that run on them.
#[derive(Default)]
pub(crate) struct Drivers {
    busy: Arc<Mutex<HashMap<Thread, Driver>>>,
    running: Mutex<HashMap<TurnId, Cancel>>,
}

struct Driver {
    waiting: VecDeque<Job>,
    thread: JoinHandle<()>,
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
        let mut busy = lock(&self.busy);
        if let Some(driver) = busy.get_mut(&thread) {
            driver.waiting.push_back(job);
            return;
        }
        let (all, own) = (Arc::clone(&self.busy), thread.clone());
        // It cannot look for its next job before this one stands in the map, since the map is locked until then.
        let handle = std::thread::spawn(move || drive(&all, &own, job));
        busy.insert(thread, Driver { waiting: VecDeque::new(), thread: handle });
    }

    /// Stops every turn and waits for the threads to end.
    pub(crate) fn shutdown(&self) {
        for cancel in self.running().values() {
            cancel.cancel();
        }
        loop {
            let drivers: Vec<Driver> = lock(&self.busy).drain().map(|(_, driver)| driver).collect();
            if drivers.is_empty() {
                return;
            }
            for Driver { waiting, thread } in drivers {
                // What waits still says how it ended; it was stopped before it began.
                let ended = thread.join();
                waiting.into_iter().for_each(run_job);
                if ended.is_err() {
                    tracing::error!("a driver thread ended with a panic");
                }
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<TurnId, Cancel>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `job` and then what waits for the thread, until nothing does.
fn drive(all: &Mutex<HashMap<Thread, Driver>>, thread: &Thread, job: Job) {
    let mut next = Some(job);
    while let Some(job) = next.take() {
        run_job(job);
        let mut busy = lock(all);
        match busy.get_mut(thread) {
            Some(driver) => next = driver.waiting.pop_front(),
            None => return,
        }
        if next.is_none() {
            busy.remove(thread);
        }
    }
}

/// A job that panics takes nothing with it but itself.
fn run_job(job: Job) {
    if catch_unwind(AssertUnwindSafe(job)).is_err() {
        tracing::error!("a turn ended with a panic");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
