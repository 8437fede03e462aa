//! The web UI's side of a build: its packages and its bundle. Both are made again only when what they are made from
//! has changed, which a hash tells better than dates do: a checkout sets dates anew.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{AtPath, TaskError, TaskResult};
use crate::process::{capture, command, run, say};

/// The oldest Node.js that Vite and Svelte run on.
const OLDEST_NODE: u32 = 20;

/// Folders of `ui/` that are made, not written.
const MADE: &[&str] = &["node_modules", "dist", ".vite", "coverage", ".svelte-kit"];

/// Installs the UI's packages where the lock file says something else than what is installed.
///
/// # Errors
/// When Node.js is missing or too old, or npm fails.
pub(crate) fn ensure_packages(root: &Path) -> TaskResult {
    let ui = root.join("ui");
    check_version(root)?;
    let lock = ui.join("package-lock.json");
    let wanted = hash_of(&fs::read(&lock).at("read", &lock)?);
    let stamp = ui.join("node_modules").join(".resident-lock");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    say("Installing the interface's packages: npm ci");
    run(&mut command(&ui, "npm", ["ci", "--no-audit", "--no-fund"]))?;
    fs::write(&stamp, wanted).at("write", stamp)
}

fn check_version(root: &Path) -> TaskResult {
    let version = capture(&mut command(root, "node", ["--version"]));
    let major = version.as_deref().and_then(|text| text.trim().trim_start_matches('v').split('.').next()?.parse().ok());
    match major {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        found => Err(TaskError::Missing {
            what: found.map_or("Node.js".to_owned(), |major: u32| format!("Node.js {OLDEST_NODE} (this is {major})")),
            hint: format!("Install Node.js {OLDEST_NODE} or newer, with npm."),
        }),
    }
}

/// Builds the UI where its sources have changed since the last build.
///
/// # Errors
/// When a file cannot be read or the build fails.
pub(crate) fn ensure_bundle(root: &Path) -> TaskResult {
    let ui = root.join("ui");
    let sources = hash_of_folder(&ui)?;
    let stamps = root.join("target").join("xtask");
    let stamp = stamps.join("ui-sources.sha256");
    let is_built = ui.join("dist").join("index.html").is_file();
    if is_built && fs::read_to_string(&stamp).is_ok_and(|built| built == sources) {
        return Ok(());
    }
    say("Building the interface: npm run build");
    run(&mut command(&ui, "npm", ["run", "--silent", "build"]))?;
    fs::create_dir_all(&stamps).at("create", &stamps)?;
    fs::write(&stamp, sources).at("write", stamp)
}

fn hash_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A hash over names and contents of all sources.
fn hash_of_folder(folder: &Path) -> TaskResult<String> {
    let mut files = Vec::new();
    collect_files(folder, &mut files)?;
    files.sort();
    let mut hasher = Sha256::new();
    for file in files {
        let contents = fs::read(&file).at("read", &file)?;
        hasher.update(file.to_string_lossy().as_bytes());
        hasher.update(contents.len().to_le_bytes());
        hasher.update(&contents);
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) -> TaskResult {
    for entry in fs::read_dir(folder).at("read", folder)? {
        let path = entry.at("read", folder)?.path();
        let made = path.file_name().is_some_and(|name| MADE.iter().any(|made| name == *made));
        if made {
            continue;
        }
        if path.is_dir() {
            collect_files(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
