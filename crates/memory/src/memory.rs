//! The memory of all agents of a profile: the store, and an embedder where there is one.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use resident_index::{Hit, IndexError, VectorIndex};
use resident_store::{Reader, Store, VectorGroup};

use crate::{
    Embedder, MemoryError, Signals,
    embedding::{self, Keeper, OnProgress, RunningTurn, Turns, Vectors, Waker, Worker},
};

/// Searches memories, and keeps their vectors up to date in the background.
pub struct Memory {
    store: Arc<Store>,
    time_zone: TimeZone,
    embedding: RwLock<Option<Embedding>>,
    turns: Turns,
    signals: Signals,
}

/// An embedder at work.
struct Embedding {
    vectors: Arc<Vectors>,
    // Stops before the keeper does, which then saves what it has written.
    worker: Worker,
    keeper: Keeper,
}

/// A query as a vector.
pub(crate) struct Dense {
    vectors: Arc<Vectors>,
    keeper: Waker,
    query: Vec<f32>,
}

impl Memory {
    /// The memory in `store`, without an embedder: everything is found by its words. "Yesterday" is understood in the
    /// computer's time zone.
    pub fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            time_zone: TimeZone::system(),
            embedding: RwLock::new(None),
            turns: Turns::default(),
            signals: Signals::default(),
        }
    }

    /// The same memory, which understands dates in `time_zone`.
    #[must_use]
    pub fn in_time_zone(mut self, time_zone: TimeZone) -> Self {
        self.time_zone = time_zone;
        self
    }

    /// The same memory, which ranks by `signals` alone; for measuring what each of them is worth.
    #[must_use]
    pub fn ranking_by(mut self, signals: Signals) -> Self {
        self.signals = signals;
        self
    }

    /// The store.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub(crate) fn time_zone(&self) -> &TimeZone {
        &self.time_zone
    }

    pub(crate) fn signals(&self) -> Signals {
        self.signals
    }

    /// Takes `embedder` from now on, or none. What has no vector of it yet is embedded in the background, the newest
    /// first; until then it is found by its words. `on_progress` hears on the embedding thread how many texts are left.
    ///
    /// Not to be called inside a transaction of the store: it waits for the one of the embedding thread.
    pub fn set_embedder(&self, embedder: Option<Arc<dyn Embedder>>, on_progress: Arc<dyn Fn(usize) + Send + Sync>) {
        // The old worker is stopped before the new one starts, and outside of the lock that searches need.
        let old = self.embedding.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(old);
        if embedder.is_none()
            && let Err(error) = embedding::remove_purged(&self.store, &embedding::folder(&self.store))
        {
            tracing::warn!(%error, "what was purged could not be removed from the index files");
        }
        let new = embedder.map(|embedder| self.start(embedder, on_progress));
        *self.embedding.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    fn start(&self, embedder: Arc<dyn Embedder>, on_progress: OnProgress) -> Embedding {
        match self.store.write(|w| w.set_embedder_dimension(embedder.id(), embedder.dimension())) {
            Ok(true) => tracing::info!(embedder = embedder.id(), "its vectors have another length now: embedding anew"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the length of stored vectors could not be looked at"),
        }
        let vectors = Arc::new(Vectors::new(embedder, embedding::folder(&self.store)));
        let keeper = Keeper::start(&self.store, Arc::clone(&vectors), self.turns.clone());
        let (turns, waker) = (self.turns.clone(), keeper.waker());
        let worker = Worker::start(&self.store, Arc::clone(&vectors), turns, waker, on_progress);
        Embedding { vectors, worker, keeper }
    }

    /// Says that a turn runs until the guard is dropped; embedding waits meanwhile.
    pub fn begin_turn(&self) -> RunningTurn {
        self.turns.begin()
    }

    /// The embedder, if there is one.
    pub fn embedder(&self) -> Option<Arc<dyn Embedder>> {
        self.vectors().map(|vectors| Arc::clone(vectors.embedder()))
    }

    /// Wakes the threads of embedding; to be called after a commit that wrote messages or passages, or removed some.
    pub fn notify_written(&self) {
        if let Some(embedding) = &*self.embedding.read().unwrap_or_else(PoisonError::into_inner) {
            embedding.worker.notify();
            embedding.keeper.waker().wake();
        }
    }

    /// How many texts have no vector of the embedder yet; 0 without an embedder.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn count_unembedded(&self) -> Result<usize, MemoryError> {
        match self.vectors() {
            Some(vectors) => Ok(self.store.read(|r| r.count_unembedded(vectors.embedder().id()))?),
            None => Ok(0),
        }
    }

    /// Waits until everything is embedded and can be found by its meaning; whether that came true within `timeout`.
    /// Without an embedder there is nothing to wait for.
    pub fn wait_until_embedded(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let embedding = self.embedding.read().unwrap_or_else(PoisonError::into_inner);
        let waiters = embedding.as_ref().map(|embedding| (embedding.worker.waiter(), embedding.keeper.waker()));
        drop(embedding);
        let Some((worker, keeper)) = waiters else { return true };
        self.notify_written();
        worker.until_done(timeout) && keeper.until_current(deadline.saturating_duration_since(Instant::now()))
    }

    /// The query as a vector; `None` without an embedder, or where it fails (words alone must do then).
    pub(crate) fn dense(&self, query: &str) -> Option<Dense> {
        let (vectors, keeper) = {
            let embedding = self.embedding.read().unwrap_or_else(PoisonError::into_inner);
            let Embedding { vectors, keeper, .. } = embedding.as_ref()?;
            (Arc::clone(vectors), keeper.waker())
        };
        match vectors.embed(&[query]) {
            Ok(mut embedded) => embedded.pop().map(|query| Dense { vectors, keeper, query }),
            Err(error) => {
                tracing::warn!(%error, "a query could not be embedded: searching by words only");
                None
            }
        }
    }

    fn vectors(&self) -> Option<Arc<Vectors>> {
        let embedding = self.embedding.read().unwrap_or_else(PoisonError::into_inner);
        embedding.as_ref().map(|embedding| Arc::clone(&embedding.vectors))
    }
}

impl Dense {
    /// The `k` nearest vectors of several groups, the nearest first.
    pub(crate) fn nearest(&self, store: &Store, groups: &[VectorGroup], k: usize) -> Result<Vec<Hit>, MemoryError> {
        self.nearest_of(store, groups, k, |index| index.search(&self.query, k, &|_| true))
    }

    /// The `k` nearest vectors of several groups among those of `keys`, the nearest first.
    pub(crate) fn nearest_among(
        &self,
        store: &Store,
        groups: &[VectorGroup],
        k: usize,
        keys: &[i64],
    ) -> Result<Vec<Hit>, MemoryError> {
        self.nearest_of(store, groups, k, |index| index.search_among(&self.query, k, keys))
    }

    fn nearest_of(
        &self,
        store: &Store,
        groups: &[VectorGroup],
        k: usize,
        look: impl Fn(&VectorIndex) -> Result<Vec<Hit>, IndexError>,
    ) -> Result<Vec<Hit>, MemoryError> {
        let mut nearest = Vec::new();
        for group in groups {
            let looked = self.vectors.look_into(store, group, &look)?;
            if !looked.complete {
                self.keeper.wake();
            }
            nearest.extend(looked.found);
        }
        if groups.len() > 1 {
            nearest.sort_by(|a, b| b.score.total_cmp(&a.score));
            nearest.truncate(k);
        }
        Ok(nearest)
    }

    /// How similar the query is to the texts of those rows of some groups that have a vector.
    pub(crate) fn similarities(
        &self,
        r: &Reader<'_>,
        groups: &[VectorGroup],
        keys: &[i64],
    ) -> Result<HashMap<i64, f32>, MemoryError> {
        let mut similar = HashMap::with_capacity(keys.len());
        // The indexes tell it ten times sooner than the store, as far as they are built.
        for group in groups {
            let known = self
                .vectors
                .loaded(group)
                .and_then(|index| index.look(|index| index.search_among(&self.query, keys.len(), keys)));
            similar.extend(known.into_iter().flatten().map(|hit| (hit.key, hit.score)));
        }
        let unknown: Vec<i64> = keys.iter().copied().filter(|key| !similar.contains_key(key)).collect();
        if let Some(group) = groups.first() {
            let stored = r.vectors_of_rows(group.owner(), self.vectors.embedder().id(), &unknown)?;
            let comparable = stored.into_iter().filter(|(_, vector)| vector.len() == self.query.len());
            similar.extend(comparable.map(|(key, vector)| (key, resident_index::dot(&self.query, &vector))));
        }
        similar.retain(|_, similarity| similarity.is_finite());
        Ok(similar)
    }
}
