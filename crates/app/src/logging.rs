//! The log: plain lines in the profile's folder, at most two files of a few megabytes. It holds ids, sizes, times and
//! errors; what was said and what is remembered never goes into it.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

/// A log that has grown past this becomes the old one at the next start.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// What is logged unless `RESIDENT_LOG` says otherwise.
const FILTER: &str = "warn,resident_app=info,resident_agent=info,resident_store=info,resident_memory=info,resident_inference=info,resident_library=info,resident_remote=info,rmcp=off";

/// Sends the log of this process to `path`. A second profile of the same process keeps the first one's log.
pub(crate) fn begin(path: &Path) {
    let Some(file) = open(path) else { return };
    let filter = EnvFilter::try_from_env("RESIDENT_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Mutex::new(file));
    // It fails when a log is in place already, which is what is wanted then.
    let _ = log.try_init();
}

/// A log that cannot be written must not keep the profile from opening.
fn open(path: &Path) -> Option<File> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > MOST_BYTES) {
        let _ = fs::rename(path, path.with_extension("old.log"));
    }
    OpenOptions::new().create(true).append(true).open(path).ok()
}

/// The last `count` lines of the log.
pub(crate) fn last_lines(path: &Path, count: usize) -> Vec<String> {
    let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
}
