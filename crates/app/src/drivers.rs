//! One driver thread for each agent that is talked to. Turns of an agent run in order on its thread; turns of different
//! agents run side by side and share the model.

use std::collections::HashMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use resident_agent::Cancel;
use resident_store::{AgentId, TurnId};

/// What a driver thread is given to do.
type Job = Box<dyn FnOnce() + Send>;

/// The driver threads and the turns that run on them.
#[derive(Default)]
pub(crate) struct Drivers {
    threads: Mutex<HashMap<AgentId, Driver>>,
    running: Mutex<HashMap<TurnId, Cancel>>,
}

struct Driver {
    jobs: Sender<Job>,
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

    /// Runs a job on the agent's thread, after those that it was given before.
    pub(crate) fn run(&self, agent_id: &AgentId, job: Job) {
        let mut threads = self.threads();
        let returned = match threads.get(agent_id) {
            Some(driver) => match driver.jobs.send(job) {
                Ok(()) => return,
                // The thread ended with a panic: the job comes back and gets a new one.
                Err(returned) => returned.0,
            },
            None => job,
        };
        let (jobs, queue) = channel::<Job>();
        let thread = std::thread::spawn(move || {
            for job in queue {
                job();
            }
        });
        jobs.send(returned).expect("the thread has just begun to listen");
        threads.insert(agent_id.clone(), Driver { jobs, thread });
    }

    /// Stops every turn and waits for the threads to end.
    pub(crate) fn shutdown(&self) {
        for cancel in self.running().values() {
            cancel.cancel();
        }
        let drivers: Vec<Driver> = self.threads().drain().map(|(_, driver)| driver).collect();
        for Driver { jobs, thread } in drivers {
            drop(jobs);
            if thread.join().is_err() {
                tracing::error!("a driver thread ended with a panic");
            }
        }
    }

    fn threads(&self) -> MutexGuard<'_, HashMap<AgentId, Driver>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<TurnId, Cancel>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
