//! The background thread that embeds what has no vector of the current embedder yet.
//!
//! What is left to do is asked from the store each time, so the work resumes where it was when the program, or the
//! embedder, was changed. The thread computes outside of any transaction, and writes a batch only where the texts are
//! still those that it read. It stops between two steps; a computation that runs then is abandoned, not waited for.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use resident_store::{RowsBefore, Store, StoreError, StoredVector, Unembedded, VectorOwner};

use super::keeper::Waker;
use super::turns::Turns;
use super::vectors::Vectors;
use crate::MemoryError;

/// Texts embedded at once: in batches of 32 candle embeds half as many texts again in a second as one by one (MiniLM,
/// 104 chat turns a second instead of 66).
const BATCH: usize = 32;

/// How long to wait after a failure that may pass by itself; doubled each time up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// While turns run, and until none has run for a moment, embedding waits. Under a load without end it goes on slowly:
/// after so long with a few texts, which take the processors for a few hundredths of a second.
const GIVES_WAY: Duration = Duration::from_secs(5);
const QUIET: Duration = Duration::from_millis(100);
const LOOKS_AGAIN: Duration = Duration::from_millis(50);
const FEW: usize = 2;

/// Vectors of an earlier embedder that are dropped at once; who records a message waits for a hundredth of a second.
const DROPPED_AT_ONCE: usize = 256;

/// Is told how many texts are left.
pub(crate) type OnProgress = Arc<dyn Fn(usize) + Send + Sync>;

/// Stops its thread when it is dropped.
pub(crate) struct Worker {
    shared: Arc<Shared>,
}

struct Shared {
    /// Weak, so that a computation that outlives the worker does not keep the profile open.
    store: Weak<Store>,
    vectors: Arc<Vectors>,
    turns: Turns,
    keeper: Waker,
    on_progress: OnProgress,
    signal: Mutex<Signal>,
    changed: Condvar,
    /// Held while the thread uses the store; true once it may not any more.
    closed: Mutex<bool>,
}

#[derive(Default)]
struct Signal {
    stopped: bool,
    /// Something was written since the thread last waited.
    written: bool,
    /// Something was written since it last began with the newest.
    newer: bool,
    /// Batches written so far.
    batches: u64,
}

impl Worker {
    /// Starts the thread, which wakes `keeper` when it has written vectors.
    pub(crate) fn start(
        store: &Arc<Store>,
        vectors: Arc<Vectors>,
        turns: Turns,
        keeper: Waker,
        on_progress: OnProgress,
    ) -> Self {
        let shared = Arc::new(Shared {
            store: Arc::downgrade(store),
            vectors,
            turns,
            keeper,
            on_progress,
            signal: Mutex::default(),
            changed: Condvar::new(),
            closed: Mutex::new(false),
        });
        let work = Arc::clone(&shared);
        let started = thread::Builder::new().name("resident-embedding".to_owned()).spawn(move || work.run());
        if let Err(error) = started {
            tracing::error!(%error, "could not start the embedding thread: memories are found by their words only");
        }
        Self { shared }
    }

    /// Tells the thread that something may be there to embed.
    pub(crate) fn notify(&self) {
        let mut signal = self.shared.lock_signal();
        (signal.written, signal.newer) = (true, true);
        drop(signal);
        self.shared.changed.notify_all();
    }

    /// Waits for the thread without keeping it.
    pub(crate) fn waiter(&self) -> Waiter {
        Waiter(Arc::clone(&self.shared))
    }
}

/// Waits for the work of a [`Worker`].
pub(crate) struct Waiter(Arc<Shared>);

impl Waiter {
    /// Waits until nothing is left to embed; whether that came true in time.
    pub(crate) fn until_done(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            let batches = self.0.lock_signal().batches;
            if let Some(Ok(0)) = self.0.with_store(|store| self.0.remaining(store)) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let progressed =
                self.0.changed.wait_timeout_while(self.0.lock_signal(), left, |signal| signal.batches == batches);
            drop(progressed);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.lock_signal().stopped = true;
        self.shared.changed.notify_all();
        *self.shared.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

/// What the thread does next.
enum Next {
    /// These texts are to be embedded.
    Batch(Vec<Unembedded>),
    /// Nothing is left.
    Nothing,
}

impl Shared {
    fn run(&self) {
        let mut skipped = HashSet::new();
        let mut pause = FIRST_PAUSE;
        let mut remaining = 0;
        let mut tidied = false;
        let mut before = RowsBefore::default();
        while !self.lock_signal().stopped {
            let texts = if self.give_way() { BATCH } else { FEW };
            if std::mem::take(&mut self.lock_signal().newer) {
                before = RowsBefore::default();
            }
            let Some(next) = self.with_store(|store| self.next(store, texts, &skipped, &mut before)) else { return };
            let outcome = match next {
                Ok(Next::Nothing) => {
                    remaining = 0;
                    if !tidied {
                        self.drop_other_vectors();
                        tidied = true;
                    }
                    (self.on_progress)(0);
                    self.wait_for_writes();
                    continue;
                }
                Ok(Next::Batch(batch)) => {
                    if remaining < batch.len() {
                        remaining = self.with_store(|store| self.remaining(store).unwrap_or(0)).unwrap_or(0);
                    }
                    self.embed(&batch, &mut skipped).map(|()| {
                        batch.iter().for_each(|seen| before.go_past(seen));
                        batch.len()
                    })
                }
                Err(error) => Err(error.to_string()),
            };
            match outcome {
                Ok(done) => {
                    pause = FIRST_PAUSE;
                    remaining = remaining.saturating_sub(done);
                    (self.on_progress)(remaining);
                }
                Err(error) => {
                    tracing::warn!(%error, pause_ms = pause.as_millis(), "embedding failed and will be tried again");
                    self.rest(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Embeds a batch and writes it. A text that the embedder refuses while it takes others goes to `skipped`, where it
    /// waits for the next start instead of holding up the rest.
    fn embed(&self, batch: &[Unembedded], skipped: &mut HashSet<(VectorOwner, i64)>) -> Result<(), String> {
        let texts: Vec<&str> = batch.iter().map(|unembedded| unembedded.text.as_str()).collect();
        let together = self.vectors.embed(&texts);
        let embedded: Vec<(&Unembedded, Vec<f32>)> = match together {
            Ok(vectors) => batch.iter().zip(vectors).collect(),
            Err(error) if error.transient || batch.len() == 1 => return Err(error.to_string()),
            Err(error) => {
                let one_by_one: Vec<_> = batch
                    .iter()
                    .map(|one| (one, self.vectors.embed(&[&one.text]).ok().and_then(|mut v| v.pop())))
                    .collect();
                let (taken, refused): (Vec<_>, Vec<_>) =
                    one_by_one.into_iter().partition(|(_, vector)| vector.is_some());
                if taken.is_empty() {
                    return Err(error.to_string());
                }
                for (one, _) in refused {
                    tracing::warn!(owner = ?one.owner, key = one.key, %error, "a text could not be embedded");
                    skipped.insert((one.owner, one.key));
                }
                taken.into_iter().filter_map(|(one, vector)| Some((one, vector?))).collect()
            }
        };
        match self.with_store(|store| self.save(store, embedded)) {
            Some(Err(error)) => Err(error.to_string()),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// The newest of the texts `before` some that have no vector; where none is left, those of all.
    fn next(
        &self,
        store: &Store,
        texts: usize,
        skipped: &HashSet<(VectorOwner, i64)>,
        before: &mut RowsBefore,
    ) -> Result<Next, StoreError> {
        loop {
            let (embedder, limit) = (self.vectors.embedder().id(), texts + skipped.len());
            let mut batch = store.read(|r| r.unembedded_before(embedder, before, limit))?;
            batch.retain(|unembedded| !skipped.contains(&(unembedded.owner, unembedded.key)));
            batch.truncate(texts);
            if !batch.is_empty() {
                return Ok(Next::Batch(batch));
            }
            if *before == RowsBefore::default() {
                return Ok(Next::Nothing);
            }
            // One whose text changed while it was embedded was passed by.
            *before = RowsBefore::default();
        }
    }

    fn remaining(&self, store: &Store) -> Result<usize, StoreError> {
        store.read(|r| r.count_unembedded(self.vectors.embedder().id()))
    }

    /// Vectors of other embedders have no use once this one has made all of its own.
    fn drop_other_vectors(&self) {
        let embedder = self.vectors.embedder().id();
        let dropped = || -> Option<Result<(), StoreError>> {
            let others = match self.with_store(|store| store.read(|r| r.vectors_of_others(embedder)))? {
                Ok(others) => others,
                Err(error) => return Some(Err(error)),
            };
            for some in others.chunks(DROPPED_AT_ONCE) {
                if let Err(error) =
                    self.with_store(|store| store.write(|w| w.drop_vectors_of_others(embedder, some)))?
                {
                    return Some(Err(error));
                }
            }
            self.with_store(|store| store.write(|w| w.forget_embedders_except(embedder)))
        };
        if let Some(Err(error)) = dropped() {
            tracing::warn!(%error, "vectors of an earlier embedder could not be dropped");
        }
    }

    /// Writes the vectors of texts that have not changed since they were read.
    fn save(&self, store: &Store, embedded: Vec<(&Unembedded, Vec<f32>)>) -> Result<(), MemoryError> {
        store.write(|w| {
            let now = current_texts(w, &embedded)?;
            let mut rows = Vec::with_capacity(embedded.len());
            for (Unembedded { owner, key, text }, vector) in embedded {
                if now.get(&(*owner, *key)) == Some(text) {
                    rows.push(StoredVector { owner: *owner, key: *key, vector });
                }
            }
            Ok::<_, MemoryError>(w.put_vectors(self.vectors.embedder().id(), &rows)?)
        })?;
        self.keeper.wake();
        self.lock_signal().batches += 1;
        self.changed.notify_all();
        Ok(())
    }

    /// What `use_store` makes of the store; `None` when the worker was stopped or the store is gone.
    fn with_store<T>(&self, use_store: impl FnOnce(&Store) -> T) -> Option<T> {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return None;
        }
        let store = self.store.upgrade()?;
        Some(use_store(&store))
    }

    fn wait_for_writes(&self) {
        let signal = self.lock_signal();
        let mut signal = self
            .changed
            .wait_while(signal, |signal| !signal.written && !signal.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        signal.written = false;
    }

    /// Waits while turns run, but not for ever; whether it is quiet now.
    fn give_way(&self) -> bool {
        let began = Instant::now();
        loop {
            if self.turns.quiet_for(QUIET) {
                return true;
            }
            if began.elapsed() >= GIVES_WAY || self.lock_signal().stopped {
                return false;
            }
            self.rest(LOOKS_AGAIN);
        }
    }

    /// Waits for `pause`, or until the worker is stopped.
    fn rest(&self, pause: Duration) {
        let rested = self.changed.wait_timeout_while(self.lock_signal(), pause, |signal| !signal.stopped);
        drop(rested);
    }

    fn lock_signal(&self) -> MutexGuard<'_, Signal> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text of today of everything that was embedded and is still there.
fn current_texts(
    w: &resident_store::Writer<'_>,
    embedded: &[(&Unembedded, Vec<f32>)],
) -> Result<HashMap<(VectorOwner, i64), String>, StoreError> {
    let keys = |owner| embedded.iter().map(|(one, _)| one).filter(move |one| one.owner == owner).map(|one| one.key);
    let messages = w.messages_by_seq(&keys(VectorOwner::Message).collect::<Vec<_>>())?;
    let passages = w.passages_by_rowid(&keys(VectorOwner::Passage).collect::<Vec<_>>())?;
    let messages = messages.into_iter().map(|message| ((VectorOwner::Message, message.seq), message.content));
    let passages = passages.into_iter().map(|(key, passage)| ((VectorOwner::Passage, key), passage.text));
    Ok(messages.chain(passages).collect())
}
