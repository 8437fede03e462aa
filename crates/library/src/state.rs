//! What the library remembers between starts, in one small JSON file beside the profile's models.
//!
//! Three things: which files were found to have their hash (so that 100 MB are hashed once and not at every start),
//! the hashes of files whose manifest entry has none, and the GGUF files that a person added where they lie. A file
//! counts as unchanged while its size and its time of modification are. The first two can be made again, so a state
//! file that cannot be read is moved aside and the library starts with an empty one.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::gguf::Header;
use crate::manifest::ModelEntry;
use crate::{LibraryError, sync_folder};

/// The file's name in the profile's models folder.
const NAME: &str = "library.json";

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// Files that had their hash, by path.
    #[serde(default)]
    verified: BTreeMap<PathBuf, Verified>,
    /// Hashes learned for files without one, by `model/file`.
    #[serde(default)]
    pinned: BTreeMap<String, String>,
    /// Files that a person added.
    #[serde(default)]
    pub(crate) added: Vec<Added>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Verified {
    bytes: u64,
    modified_ns: u64,
    sha256: String,
}

/// A GGUF file that a person added where it lies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Added {
    /// How it is listed.
    pub(crate) entry: ModelEntry,
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// What its header said when it was added.
    pub(crate) header: Header,
}

impl State {
    /// The state of this folder; an empty one where there is none that can be read.
    pub(crate) fn load(folder: &Path) -> Self {
        let path = folder.join(NAME);
        let Ok(text) = fs::read_to_string(&path) else { return Self::default() };
        serde_json::from_str(&text).unwrap_or_else(|error| {
            tracing::warn!(path = %path.display(), %error, "the library's state was unreadable and is made anew");
            // Kept for whoever wants to know which files had been added; a failure to keep it changes nothing.
            let _ = fs::rename(&path, path.with_extension("unreadable.json"));
            Self::default()
        })
    }

    /// Writes the state so that a crash leaves either the old or the new one.
    pub(crate) fn save(&self, folder: &Path) -> Result<(), LibraryError> {
        let path = folder.join(NAME);
        let draft = folder.join(format!("{NAME}.new"));
        let text = serde_json::to_string_pretty(self).expect("the state is plain data");
        fs::create_dir_all(folder).map_err(LibraryError::io("create", folder))?;
        let mut file = fs::File::create(&draft).map_err(LibraryError::io("write", &draft))?;
        file.write_all(text.as_bytes()).map_err(LibraryError::io("write", &draft))?;
        file.sync_all().map_err(LibraryError::io("write", &draft))?;
        fs::rename(&draft, &path).map_err(LibraryError::io("write", &path))?;
        sync_folder(folder);
        Ok(())
    }

    /// The hash that the file had when it was last looked at, if it has not changed since.
    pub(crate) fn verified_hash(&self, path: &Path, metadata: &Metadata) -> Option<&str> {
        let known = self.verified.get(path)?;
        let unchanged = known.bytes == metadata.len() && Some(known.modified_ns) == modified_ns(metadata);
        unchanged.then_some(known.sha256.as_str())
    }

    /// Remembers the hash of a file. One whose time of modification is not known is looked at every time.
    pub(crate) fn remember(&mut self, path: &Path, metadata: &Metadata, sha256: String) {
        if let Some(modified_ns) = modified_ns(metadata) {
            self.verified.insert(path.to_owned(), Verified { bytes: metadata.len(), modified_ns, sha256 });
        }
    }

    /// Forgets what is known of a file.
    pub(crate) fn forget(&mut self, path: &Path) {
        self.verified.remove(path);
    }

    /// The hash learned for a file of a model.
    pub(crate) fn pinned(&self, model: &str, file: &str) -> Option<String> {
        self.pinned.get(&format!("{model}/{file}")).cloned()
    }

    /// Pins the hash of a file of a model.
    pub(crate) fn pin(&mut self, model: &str, file: &str, sha256: String) {
        self.pinned.insert(format!("{model}/{file}"), sha256);
    }

    /// Drops the pin, so that the next download may bring another version.
    pub(crate) fn unpin(&mut self, model: &str, file: &str) {
        self.pinned.remove(&format!("{model}/{file}"));
    }
}

fn modified_ns(metadata: &Metadata) -> Option<u64> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_state_is_moved_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(NAME), "{ not json").expect("written");
        let state = State::load(folder.path());
        assert!(state.added.is_empty());
        state.save(folder.path()).expect("saved");
        assert!(folder.path().join("library.unreadable.json").exists());
        assert!(State::load(folder.path()).added.is_empty());
    }

    #[test]
    fn a_file_that_changed_is_not_taken_for_verified() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("weights");
        fs::write(&path, "one").expect("written");
        let mut state = State::default();
        let metadata = fs::metadata(&path).expect("there");
        state.remember(&path, &metadata, "hash".into());
        assert_eq!(state.verified_hash(&path, &metadata), Some("hash"));
        fs::write(&path, "another").expect("written");
        assert_eq!(state.verified_hash(&path, &fs::metadata(&path).expect("there")), None);
    }
}
