//! Fetches the default models into a folder. They are kept in a cache for the whole machine and linked from there, so
//! that a second clone, or an installer, downloads nothing again. What is there is checked by its hash all the same.
//! `cargo xtask` builds this program and calls it; it is not meant to be started by hand.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task speaks to the person who started it")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use indicatif::{ProgressBar, ProgressStyle};
use resident_library::http::Network;
use resident_library::{Folders, Library, LibraryError, Manifest, Progress};

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("which folder?");
        return ExitCode::FAILURE;
    };
    let cache = cache_folder().unwrap_or_else(|| folder.clone());
    let folders = Folders { bundled: vec![folder.clone()], profile: cache };
    let library = Library::open(Manifest::builtin(), folders, Network::new(false));
    let defaults = library.manifest().defaults.clone();
    for id in [defaults.language, defaults.embedding] {
        if let Err(error) = fetch(&library, &id, &folder) {
            eprintln!("\x1b[31merror:\x1b[0m {error}");
            eprintln!("What was fetched so far is kept; the same command goes on from there.");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The cache for models of this machine: `XDG_CACHE_HOME`, or where its system has caches.
fn cache_folder() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let caches = named.or_else(|| {
        let home = std::env::home_dir()?;
        Some(match std::env::consts::OS {
            "macos" => home.join("Library").join("Caches"),
            "windows" => home.join("AppData").join("Local"),
            _ => home.join(".cache"),
        })
    })?;
    Some(caches.join("resident").join("models"))
}

/// Puts one model into the folder, wherever its files come from.
fn fetch(library: &Library, id: &str, folder: &Path) -> Result<(), LibraryError> {
    let resolved = match library.resolve(id) {
        Ok(resolved) => resolved,
        Err(_) => {
            obtain(library, id)?;
            library.resolve(id)?
        }
    };
    let place = folder.join(id);
    for (name, path) in resolved.files {
        let target = place.join(name);
        if path != target {
            link(&path, &target).map_err(|source| LibraryError::Io { action: "link", path: target, source })?;
        }
    }
    Ok(())
}

/// Downloads one model, showing how far it is.
fn obtain(library: &Library, id: &str) -> Result<(), LibraryError> {
    let name = library.model(id)?.entry.name;
    println!("\x1b[1m▸ Fetching the model {name}\x1b[0m");
    let style = ProgressStyle::with_template("  {msg:40!} {bar:30} {bytes:>10} of {total_bytes:10} {bytes_per_sec}");
    let bar = ProgressBar::new(0).with_style(style.expect("the template is valid"));
    let result = library.obtain_for_development(id, &AtomicBool::new(false), &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    result
}

fn show(bar: &ProgressBar, progress: Progress) {
    match progress {
        Progress::Connecting { file } => bar.set_message(file),
        Progress::Verifying { file } => bar.set_message(format!("checking {file}")),
        Progress::Transferring { file, bytes, of } | Progress::Unpacking { file, bytes, of } => {
            bar.set_message(file);
            bar.set_length(of);
            bar.set_position(bytes);
        }
        Progress::Package { package, reason } => {
            // The reason is a chain of errors; its head names the host.
            let head = reason.split(": ").next().unwrap_or(&reason);
            bar.suspend(|| println!("  {head}. Taking {package} with pip instead."));
        }
    }
}

/// Makes a file appear at another place without a second copy of it, where the file system can do that.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    if to.exists() {
        fs::remove_file(to)?;
    }
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let part = to.with_extension("partial");
    fs::copy(from, &part)?;
    fs::rename(part, to)
}
