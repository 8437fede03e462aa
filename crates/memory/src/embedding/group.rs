//! The index of one group of vectors, which follows the store.
//!
//! It is opened from its file and then brought up to date by reading what changed since, a piece at a time. Without a
//! file that can be used it is built anew, the newest rows first. It can be searched all the while, with what is there.
//!
//! Whoever changes or saves the index holds `progress` until that is done. A search holds only `index`, and so waits for
//! a change but not for a file being written.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use resident_index::{FileError, IndexError, Scheme, VectorIndex};
use resident_store::{Store, VectorGroup};

use crate::MemoryError;

/// Vectors that are taken in at once; searches wait for some thousandths of a second meanwhile.
const PIECE: usize = 1_024;

/// A file that is behind by more changes than it has vectors, and by more than this, is sooner built anew: changes of
/// other groups have to be read past, too.
const FAR_BEHIND: i64 = 100_000;

/// Changes are saved when there are so many of them, or when the first of them is so old.
const SAVED_CHANGES: usize = 4_096;
const SAVED_AFTER: Duration = Duration::from_secs(60);

/// The index of a group.
pub(crate) struct GroupIndex {
    group: VectorGroup,
    path: PathBuf,
    scheme: Scheme,
    index: RwLock<VectorIndex>,
    progress: Mutex<Progress>,
    opened: AtomicBool,
}

/// How far the index and its file are.
#[derive(Default)]
struct Progress {
    /// The change up to which the index is up to date, once no row is unread.
    number: i64,
    /// Rows that are still to be read where the index is built anew; the next ones last.
    unread: Vec<i64>,
    /// The change up to which the file is.
    saved_number: Option<i64>,
    /// Vectors that came and went since.
    unsaved: usize,
    /// Since when.
    unsaved_since: Option<Instant>,
    /// Whether it was said that saving fails.
    warned: bool,
}

/// How an index is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Save {
    /// If there is enough to be saved.
    WhenDue,
    /// Whatever there is, at once.
    Now,
    /// The whole file anew, so that nothing that went is left in it.
    Whole,
}

impl GroupIndex {
    /// An index that is to be opened from `path`.
    pub(super) fn new(group: VectorGroup, path: PathBuf, scheme: Scheme) -> Self {
        let index = RwLock::new(VectorIndex::new(scheme.dimension));
        Self { group, path, scheme, index, progress: Mutex::default(), opened: AtomicBool::new(false) }
    }

    /// Brings the index up to date for a search, reading at most `budget` changes, unless somebody does so already or
    /// saves it; whether it is up to date now.
    pub(super) fn bring_up_now(&self, store: &Store, budget: usize) -> Result<bool, MemoryError> {
        let progress = if self.opened.load(Ordering::Acquire) {
            match self.progress.try_lock() {
                Ok(progress) => progress,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return Ok(false),
            }
        } else {
            self.lock()
        };
        self.advance(progress, store, budget)
    }

    /// The same for whoever has the time to wait.
    pub(super) fn bring_up(&self, store: &Store, budget: usize) -> Result<bool, MemoryError> {
        self.advance(self.lock(), store, budget)
    }

    /// The change up to which the index is up to date; `None` while it is being built.
    pub(super) fn number(&self) -> Option<i64> {
        let progress = self.lock();
        (self.opened.load(Ordering::Acquire) && progress.unread.is_empty()).then_some(progress.number)
    }

    /// What `look` finds. Where the file turns out to be damaged the index begins anew, and nothing is found.
    pub(crate) fn look<T>(&self, look: impl Fn(&VectorIndex) -> Result<T, IndexError>) -> Option<T> {
        let looked = look(&self.index.read().unwrap_or_else(PoisonError::into_inner));
        match looked {
            Ok(found) => Some(found),
            Err(error @ (IndexError::Unreadable { .. } | IndexError::Damaged { .. })) => {
                self.begin_anew(&error);
                None
            }
            Err(error @ (IndexError::Dimension { .. } | IndexError::NotFinite { .. } | IndexError::Full)) => {
                tracing::warn!(%error, "a query could not be compared with the stored vectors");
                None
            }
        }
    }

    /// Whether there is anything to be saved.
    pub(super) fn is_unsaved(&self) -> bool {
        let progress = self.lock();
        self.opened.load(Ordering::Acquire) && progress.saved_number != Some(progress.number)
    }

    /// Whether there may be a file.
    pub(super) fn has_file(&self) -> bool {
        self.path.exists()
    }

    /// Saves the index, unless it is being built; the change up to which the file is now. `None` where there is no such
    /// file, or the last attempt to write it failed.
    pub(super) fn save(&self, store: &Store, how: Save) -> Result<Option<i64>, MemoryError> {
        let mut progress = self.lock();
        if !self.opened.load(Ordering::Acquire) || !progress.unread.is_empty() {
            return Ok(None);
        }
        let unchanged = progress.saved_number == Some(progress.number);
        let nothing = self.read().is_empty() && !self.path.exists();
        let wanted = match how {
            Save::WhenDue => progress.is_due(),
            Save::Now => !unchanged,
            Save::Whole => true,
        };
        if nothing || !wanted {
            return Ok(if nothing { Some(progress.number) } else { progress.saved_number });
        }
        let stamp = store.read(|r| r.vector_stamp(progress.number))?;
        match self.write(how, stamp) {
            Ok(()) => {
                let (number, warned) = (progress.number, progress.warned);
                *progress = Progress { number, saved_number: Some(number), warned, ..Progress::default() };
            }
            Err(error) => {
                if !std::mem::replace(&mut progress.warned, true) {
                    tracing::warn!(%error, "an index could not be saved; it will be tried again");
                }
                progress.unsaved_since = Some(Instant::now());
                progress.unsaved = 0;
                return Ok(None);
            }
        }
        Ok(progress.saved_number)
    }

    fn write(&self, how: Save, stamp: u64) -> Result<(), FileError> {
        if how == Save::Whole || self.read().wants_rewriting() {
            if let Some(folder) = self.path.parent() {
                let failed = |source| FileError::Io { action: "create the folder of", path: self.path.clone(), source };
                fs::create_dir_all(folder).map_err(failed)?;
            }
            // Nobody changes the index meanwhile, since `progress` is held.
            let written = self.read().write_beside(&self.path, &self.scheme.embedder, stamp)?;
            self.write_lock().take_over(written);
            return Ok(());
        }
        self.write_lock().save(stamp)
    }

    fn advance(
        &self,
        mut progress: MutexGuard<'_, Progress>,
        store: &Store,
        budget: usize,
    ) -> Result<bool, MemoryError> {
        if !self.opened.load(Ordering::Acquire) {
            self.open(&mut progress, store)?;
            self.opened.store(true, Ordering::Release);
        }
        let mut left = budget;
        while left > 0 {
            let piece = PIECE.min(left);
            left -= piece;
            if !progress.unread.is_empty() {
                let kept = progress.unread.len().saturating_sub(piece);
                let (owner, embedder) = (self.group.owner(), &self.scheme.embedder);
                let vectors = store.read(|r| r.vectors_of_rows(owner, embedder, &progress.unread[kept..]))?;
                progress.unread.truncate(kept);
                self.take_in(&mut progress, &[], &vectors);
                continue;
            }
            let changes =
                store.read(|r| r.vector_changes(&self.group, &self.scheme.embedder, progress.number, piece))?;
            if changes.all_went {
                *self.write_lock() = VectorIndex::new(self.scheme.dimension);
            }
            self.take_in(&mut progress, &changes.removed, &changes.vectors);
            progress.number = changes.up_to;
            if changes.complete {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take_in(&self, progress: &mut Progress, removed: &[i64], vectors: &[(i64, Vec<f32>)]) {
        if removed.is_empty() && vectors.is_empty() {
            return;
        }
        let mut index = self.write_lock();
        removed.iter().for_each(|&key| {
            index.remove(key);
        });
        for (key, vector) in vectors {
            if let Err(error) = index.insert(*key, vector) {
                tracing::warn!(key, %error, "a stored vector is left out of the search by meaning");
            }
        }
        progress.unsaved += removed.len() + vectors.len();
        progress.unsaved_since.get_or_insert_with(Instant::now);
    }

    /// Reads the index from its file, or prepares to build it.
    fn open(&self, progress: &mut Progress, store: &Store) -> Result<(), MemoryError> {
        match VectorIndex::open(&self.path, &self.scheme) {
            Ok(opened) => {
                let (newest, number) =
                    store.read(|r| Ok::<_, MemoryError>((r.vector_number()?, r.vector_number_of(opened.stamp)?)))?;
                let vectors = i64::try_from(opened.index.len()).unwrap_or(i64::MAX);
                match number {
                    Some(number) if newest - number <= vectors.max(FAR_BEHIND) => {
                        *self.write_lock() = opened.index;
                        *progress = Progress { number, saved_number: Some(number), ..Progress::default() };
                        return Ok(());
                    }
                    Some(_) | None => {
                        let path = self.path.display();
                        tracing::info!(%path, "an index file is not of this state of the profile: building it anew");
                    }
                }
            }
            Err(FileError::Missing { .. }) => {}
            Err(error) => tracing::warn!(%error, "building an index anew"),
        }
        self.prepare(progress, store)
    }

    /// Prepares to build the index from all vectors of its group.
    fn prepare(&self, progress: &mut Progress, store: &Store) -> Result<(), MemoryError> {
        let (number, mut unread) =
            store.read(|r| Ok::<_, MemoryError>((r.vector_number()?, r.vector_rows(&self.group)?)))?;
        unread.sort_unstable();
        *progress = Progress { number, unread, ..Progress::default() };
        Ok(())
    }

    /// Lets go of what is there and opens anew, without the file.
    fn begin_anew(&self, error: &IndexError) {
        let mut progress = self.lock();
        // Of several searches that met it, the first has said so and begun.
        if self.opened.swap(false, Ordering::AcqRel) {
            tracing::warn!(%error, "building an index anew");
            *self.write_lock() = VectorIndex::new(self.scheme.dimension);
            *progress = Progress::default();
            // One that stays is met again, at the latest when the profile is opened the next time.
            drop(fs::remove_file(&self.path));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, VectorIndex> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_lock(&self) -> std::sync::RwLockWriteGuard<'_, VectorIndex> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn is_due(&self) -> bool {
        let never_saved = self.saved_number.is_none() && !self.warned;
        let old = self.unsaved_since.is_some_and(|since| since.elapsed() >= SAVED_AFTER);
        never_saved || self.unsaved >= SAVED_CHANGES || old
    }
}
