//! What is told of a model: where it stands, where its files lie, how it fits.

use std::path::{Path, PathBuf};

use crate::hardware::Fit;
use crate::manifest::ModelEntry;

/// Where models lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Folders that came with the program; nothing is written there.
    pub bundled: Vec<PathBuf>,
    /// The profile's models folder, made when something is written.
    pub profile: PathBuf,
}

/// Where a model's files lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// They came with the program.
    Bundled,
    /// In the profile's models folder.
    Profile,
    /// In the cache that programs share with the model hub.
    HubCache,
    /// A person's own file, where it lies.
    Disk,
}

/// Where a model stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    /// It could be downloaded; so many bytes of it are here already.
    Downloadable {
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all.
        of: u64,
    },
    /// It is being downloaded.
    Downloading {
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all.
        of: u64,
    },
    /// All its files are here, in their right size. Their hashes are checked before they are used.
    Available {
        /// Where; the least permanent place, if there are several.
        origin: Origin,
    },
    /// A person's own file is no longer where it was.
    Gone {
        /// Where it was.
        path: PathBuf,
    },
}

/// A model and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelStatus {
    /// What it is.
    pub entry: ModelEntry,
    /// Where it stands.
    pub state: ModelState,
    /// How it fits this computer; `None` where that is not known.
    pub fit: Option<Fit>,
}

/// A model that can be loaded: every file is here and is what it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// What it is.
    pub entry: ModelEntry,
    /// The files in the order of the manifest: name and path.
    pub files: Vec<(String, PathBuf)>,
}

impl Resolved {
    /// The path of the file with this name.
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.files.iter().find(|(file, _)| file == name).map(|(_, path)| path.as_path())
    }

    /// The path of the weights.
    pub fn weights(&self) -> &Path {
        &self.files.first().expect("a model has at least one file").1
    }
}
