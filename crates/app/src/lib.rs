//! One application API: typed requests, one event stream. This crate is the composition root: it opens the profile,
//! loads models, and gives each agent its driver. It knows no transport; the desktop shell and the command line carry
//! its requests and events.

mod agent_files;
pub mod api;
mod app;
mod changes;
mod documents;
mod drivers;
mod error;
mod event_log;
mod groups;
mod keys;
mod licences;
mod logging;
mod models;
mod paths;
pub mod records;
mod recovery;
mod requests;
mod settings;
mod turns;
mod views;

pub use agent_files::{ExportOptions, ImportOptions, Imported, most_agent_file_bytes};
pub use app::{App, OpenOptions};
pub use event_log::{EventReader, TurnListener, Watcher};
pub use keys::new_token;
pub use paths::default_profile_folder;
pub use recovery::{ProfileBackup, list_backups, restore_backup, restore_file};
