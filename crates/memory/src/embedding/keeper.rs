//! The background thread that keeps indexes and their files up to date.
//!
//! A search makes up for a few changes by itself; more than that, building an index anew, and all saving is done here. The
//! thread also sees to it that what was purged leaves the files, and removes those of groups that are not there any more.
//! When it is stopped it saves what there is, which costs about as much as what changed since it last did.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use resident_store::{Store, VectorGroup};

use super::{files, group::Save, turns::Turns, vectors::Vectors};
use crate::MemoryError;

/// Changes that are read between two looks at what else is to be done.
const STEP: usize = 4_096;

/// While turns run, the next step waits for so long.
const QUIET: Duration = Duration::from_millis(100);
const GIVES_WAY: Duration = Duration::from_millis(50);

/// How often it is looked whether what is unsaved is to be saved.
const LOOKS_AGAIN: Duration = Duration::from_secs(10);

/// Ends its thread, which saves first, when it is dropped.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    /// Weak, so that the thread does not keep the profile open.
    store: Weak<Store>,
    vectors: Arc<Vectors>,
    turns: Turns,
    signal: Mutex<Signal>,
    changed: Condvar,
}

#[derive(Default)]
struct Signal {
    stopped: bool,
    /// Something may be there to be done.
    woken: bool,
    /// Rounds done so far.
    rounds: u64,
}

impl Keeper {
    /// Starts the thread. Without it, indexes are what searches read of them, and not saved.
    pub(crate) fn start(store: &Arc<Store>, vectors: Arc<Vectors>, turns: Turns) -> Self {
        let (signal, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { store: Arc::downgrade(store), vectors, turns, signal, changed });
        let work = Arc::clone(&shared);
        let started = thread::Builder::new().name("resident-index".to_owned()).spawn(move || work.run());
        let thread = started
            .inspect_err(|error| tracing::error!(%error, "the thread that keeps indexes could not be started"))
            .ok();
        Self { shared, thread }
    }

    /// What may be given away to wake the thread.
    pub(crate) fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.shared))
    }
}

/// Wakes the thread of a [`Keeper`].
#[derive(Clone)]
pub(crate) struct Waker(Arc<Shared>);

impl Waker {
    /// Says that there may be something to do.
    pub(crate) fn wake(&self) {
        self.0.lock().woken = true;
        self.0.changed.notify_all();
    }

    /// Waits until the indexes that were ever searched are up to date; whether that came true in time.
    pub(crate) fn until_current(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            let rounds = self.0.lock().rounds;
            if self.0.store.upgrade().is_some_and(|store| self.0.is_current(&store)) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.wake();
            drop(self.0.changed.wait_timeout_while(self.0.lock(), left, |signal| signal.rounds == rounds));
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that keeps indexes ended with a panic");
        }
    }
}

impl Shared {
    fn run(&self) {
        let Some(store) = self.store.upgrade() else { return };
        self.report(self.sweep(&store));
        drop(store);
        loop {
            let Some(store) = self.store.upgrade() else { return };
            self.report(self.round(&store));
            drop(store);
            self.lock().rounds += 1;
            self.changed.notify_all();
            if !self.wait() {
                break;
            }
        }
        if let Some(store) = self.store.upgrade() {
            self.report(self.close(&store));
        }
    }

    fn report(&self, done: Result<(), MemoryError>) {
        if let Err(error) = done {
            tracing::warn!(%error, "indexes could not be kept up to date; it will be tried again");
        }
    }

    /// Removes files that belong to nothing.
    fn sweep(&self, store: &Store) -> Result<(), MemoryError> {
        let groups = store.read(|r| r.vector_groups())?;
        files::sweep(self.vectors.folder(), &groups);
        Ok(())
    }

    fn round(&self, store: &Store) -> Result<(), MemoryError> {
        for index in self.vectors.all_loaded() {
            while !index.bring_up(store, STEP)? {
                if !self.turns.quiet_for(QUIET) {
                    self.rest(GIVES_WAY);
                }
                if self.lock().stopped {
                    return Ok(());
                }
            }
        }
        for (group, is_there) in store.read(|r| r.purged_vector_groups())? {
            if self.lock().stopped {
                return Ok(());
            }
            self.purge(store, &group, is_there)?;
        }
        for index in self.vectors.all_loaded() {
            index.save(store, Save::WhenDue)?;
        }
        Ok(())
    }

    /// Sees to it that the file of a group tells nothing of what was purged.
    fn purge(&self, store: &Store, group: &VectorGroup, is_there: bool) -> Result<(), MemoryError> {
        if !is_there {
            self.vectors.forget(group);
            return self.remove(store, group);
        }
        let index = self.vectors.group(group);
        if !index.has_file() {
            let number = store.read(|r| r.vector_number())?;
            return Ok(store.write(|w| w.forget_purged_vectors(group, number))?);
        }
        while !index.bring_up(store, STEP)? {
            if self.lock().stopped {
                return Ok(());
            }
        }
        match index.save(store, Save::Whole)? {
            Some(number) => Ok(store.write(|w| w.forget_purged_vectors(group, number))?),
            None => Ok(()),
        }
    }

    /// Removes the file of a group, whatever was purged of it.
    fn remove(&self, store: &Store, group: &VectorGroup) -> Result<(), MemoryError> {
        let number = store.read(|r| r.vector_number())?;
        if let Err(error) = files::remove(self.vectors.folder(), group) {
            tracing::warn!(group = group.id(), %error, "an index file could not be removed");
            return Ok(());
        }
        Ok(store.write(|w| w.forget_purged_vectors(group, number))?)
    }

    /// Saves everything, without going to great lengths.
    fn close(&self, store: &Store) -> Result<(), MemoryError> {
        for (group, is_there) in store.read(|r| r.purged_vector_groups())? {
            let loaded = self.vectors.loaded(&group).filter(|_| is_there);
            let soon = match &loaded {
                Some(index) => index.bring_up(store, STEP)?,
                None => false,
            };
            if soon {
                self.purge(store, &group, true)?;
            } else {
                self.vectors.forget(&group);
                self.remove(store, &group)?;
            }
        }
        for index in self.vectors.all_loaded() {
            if index.bring_up(store, STEP)? {
                index.save(store, Save::Now)?;
            }
        }
        Ok(())
    }

    /// Waits until there may be something to do; false when the thread is to end.
    fn wait(&self) -> bool {
        let idle = |signal: &mut Signal| !signal.woken && !signal.stopped;
        let unsaved = self.vectors.all_loaded().iter().any(|index| index.is_unsaved());
        let mut signal = if unsaved {
            let waited = self.changed.wait_timeout_while(self.lock(), LOOKS_AGAIN, idle);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner)
        };
        signal.woken = false;
        !signal.stopped
    }

    fn is_current(&self, store: &Store) -> bool {
        let Ok(newest) = store.read(|r| r.vector_number()) else { return false };
        self.vectors.all_loaded().iter().all(|index| index.number() == Some(newest))
    }

    fn rest(&self, pause: Duration) {
        let rested = self.changed.wait_timeout_while(self.lock(), pause, |signal| !signal.stopped);
        drop(rested);
    }

    fn lock(&self) -> MutexGuard<'_, Signal> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
