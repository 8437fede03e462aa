//! Copies of the database, and putting one back.
//!
//! A backup is a single sound file: it is copied with SQLite's backup API (from a snapshot, while others read and
//! write), checked, and only then given its name, `backups/<time>-v<schema>.db`. The newest few are kept.
//!
//! Restoring is decided by one rename: once `resident.db.restoring-<n>` is there, the old files go to `damaged/<n>/` and
//! the copy becomes the database, now or at the next open. A kill before that rename leaves the old state, a kill after
//! it the new one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::backup::{self as sqlite_backup, StepResult};
use rusqlite::{Connection, Transaction, TransactionBehavior, ffi};

use crate::profile::{self, Profile, sync_folder};
use crate::{StoreError, connection, date};

/// How many backups are kept.
const KEPT: usize = 7;

/// How old the newest backup may be when the profile is opened.
const INTERVAL_MS: i64 = 86_400_000;

/// Pages that are copied between two looks at whether to go on: 16 MiB.
const COPIED_PAGES: i32 = 4_096;

const RESTORING: &str = "resident.db.restoring-";

/// A copy of a profile's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// When it was made.
    pub created_at_ms: i64,
    /// The schema number of its data.
    pub schema: i64,
    /// Its size.
    pub bytes: u64,
}

/// The backups of the profile in `folder`, newest first; the profile may be open or damaged.
///
/// # Errors
/// When the folder of backups cannot be read.
pub fn list_backups(folder: &Path) -> Result<Vec<Backup>, StoreError> {
    let backups = folder.join("backups");
    if !backups.exists() {
        return Ok(Vec::new());
    }
    let io = |error| StoreError::from_io(&backups, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(&backups).map_err(io)? {
        let entry = entry.map_err(io)?;
        if let Some((created_at_ms, schema)) = entry.file_name().to_str().and_then(parse_name) {
            let bytes = entry.metadata().map_err(io)?.len();
            found.push(Backup { path: entry.path(), created_at_ms, schema, bytes });
        }
    }
    found.sort_by(|a, b| (b.created_at_ms, &b.path).cmp(&(a.created_at_ms, &a.path)));
    Ok(found)
}

/// Puts `backup` in the place of the database of the profile in `folder`, which must not be open. The database that was
/// there is kept under `damaged/`.
///
/// # Errors
/// [`StoreError::InUse`] when the profile is open; [`StoreError::Corrupt`] or [`StoreError::NewerSchema`] when the
/// backup cannot be used. The profile is as it was then.
pub fn restore_backup(folder: &Path, backup: &Backup) -> Result<(), StoreError> {
    restore_file(folder, &backup.path)
}

/// The same with a backup from anywhere. A profile that was never opened is made by it.
///
/// # Errors
/// As for [`restore_backup`], and when there is no such file.
pub fn restore_file(folder: &Path, backup: &Path) -> Result<(), StoreError> {
    let schema = connection::schema_of(backup)?;
    let profile = Profile::lock(folder)?;
    finish_restore(&profile)?;
    if schema == 0 {
        return Err(StoreError::Corrupt { path: backup.to_owned(), details: "it is empty".to_owned() });
    }
    check(backup)?;

    let partial = folder.join("resident.db.partial");
    let ready = folder.join(format!("{RESTORING}{}", next_damaged(folder)));
    fs::copy(backup, &partial)
        .and_then(|_| File::options().write(true).open(&partial)?.sync_all())
        .and_then(|()| fs::rename(&partial, &ready))
        .and_then(|()| sync_folder(folder))
        .map_err(|error| StoreError::from_io(&partial, error))?;
    finish_restore(&profile)
}

/// Finishes a restore that was decided, and clears away one that was not.
pub(crate) fn finish_restore(profile: &Profile) -> Result<(), StoreError> {
    let folder = profile.folder();
    let io = |error| StoreError::from_io(folder, error);
    // What a kill, or closing the profile, left of a copy is as large as the database.
    for partial in [folder.join("resident.db.partial"), folder.join("backups").join("backup.partial")] {
        if partial.exists() {
            fs::remove_file(&partial).map_err(io)?;
        }
    }
    let Some((number, ready)) = decided_restore(folder)? else { return Ok(()) };
    let aside = folder.join("damaged").join(number);
    fs::create_dir_all(&aside).map_err(io)?;
    for name in ["resident.db", "resident.db-wal", "resident.db-shm", "resident.db-journal"] {
        let old = folder.join(name);
        if old.exists() {
            fs::rename(&old, aside.join(name)).map_err(io)?;
        }
    }
    // The log and journal of the old database must be gone for good before the new one stands beside it.
    sync_folder(&aside).and_then(|()| sync_folder(folder)).map_err(io)?;
    fs::rename(&ready, profile.database()).and_then(|()| sync_folder(folder)).map_err(io)?;
    // So that the next open looks whether the search tables of the copy want to be made anew.
    profile.mark_running()
}

/// Whether the newest backup of a profile is a day old.
pub(crate) fn is_due(folder: &Path, now_ms: i64) -> Result<bool, StoreError> {
    let newest = list_backups(folder)?.into_iter().next();
    // A backup from the future was made under a wrong clock and says nothing.
    Ok(!newest.is_some_and(|newest| (0..INTERVAL_MS).contains(&(now_ms - newest.created_at_ms))))
}

/// Writes a sound copy of the database to `to`, which is the whole copy or is not there at all.
pub(crate) fn back_up_to(source: &Connection, to: &Path) -> Result<(), StoreError> {
    let io = |error| StoreError::from_io(to, error);
    let name = to.file_name().ok_or_else(|| io(std::io::ErrorKind::InvalidInput.into()))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let partial = folder.join(format!(".{}.resident-partial", name.to_string_lossy()));
    let written = copy(source, &partial, &AtomicBool::new(false))
        .map_err(|error| StoreError::from_sqlite(&partial, error))
        .and_then(|()| check(&partial))
        .and_then(|()| {
            let synced = File::options().write(true).open(&partial).and_then(|file| file.sync_all());
            synced.and_then(|()| fs::rename(&partial, to)).and_then(|()| sync_folder(folder)).map_err(io)
        });
    if written.is_err() {
        // The half copy is of no use; that it cannot be removed would say less than what went wrong.
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Backs the database up and gives the copy's path.
pub(crate) fn back_up(folder: &Path, source: &Connection, (schema, now_ms): (i64, i64)) -> Result<PathBuf, StoreError> {
    back_up_unless(folder, source, (schema, now_ms), &AtomicBool::new(false))
}

/// The same, broken off when `stop` becomes true.
pub(crate) fn back_up_unless(
    folder: &Path,
    source: &Connection,
    (schema, now_ms): (i64, i64),
    stop: &AtomicBool,
) -> Result<PathBuf, StoreError> {
    let backups = folder.join("backups");
    fs::create_dir_all(&backups).map_err(|error| StoreError::from_io(&backups, error))?;
    let partial = backups.join("backup.partial");
    let copied = copy(source, &partial, stop).map_err(|error| StoreError::from_sqlite(&partial, error));
    let checked = copied.and_then(|()| check(&partial)).and_then(|()| match stop.load(Ordering::Acquire) {
        true => Err(StoreError::from_sqlite(&partial, interrupted())),
        false => Ok(()),
    });
    if let Err(error) = checked {
        // The half copy is of no use; that it cannot be removed would say less than what went wrong.
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    let named = (now_ms..)
        .map(|at_ms| backups.join(format!("{}-v{schema}.db", date::stamp(at_ms))))
        .find(|path| !path.exists())
        .expect("there are fewer backups than milliseconds");
    File::options()
        .write(true)
        .open(&partial)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&partial, &named))
        .and_then(|()| sync_folder(&backups))
        .map_err(|error| StoreError::from_io(&partial, error))?;
    for old in list_backups(folder)?.into_iter().skip(KEPT).filter(|old| old.path != named) {
        fs::remove_file(&old.path).map_err(|error| StoreError::from_io(&old.path, error))?;
    }
    Ok(named)
}

fn copy(source: &Connection, to: &Path, stop: &AtomicBool) -> rusqlite::Result<()> {
    if to.exists() {
        // Left over from a kill; SQLite would copy into it, but its log, if it has one, is not ours.
        let _ = fs::remove_file(to);
    }
    let mut target = Connection::open(to)?;
    // What is copied is the snapshot of one transaction, for which writers need not wait in WAL mode.
    let snapshot = Transaction::new_unchecked(source, TransactionBehavior::Deferred)?;
    snapshot.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let copying = sqlite_backup::Backup::new(&snapshot, &mut target)?;
    while copying.step(COPIED_PAGES)? == StepResult::More {
        if stop.load(Ordering::Acquire) {
            return Err(interrupted());
        }
    }
    drop(copying);
    snapshot.finish()?;
    // The copy is a file by itself, with no log beside it.
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
}

fn interrupted() -> rusqlite::Error {
    let code = ffi::Error::new(ffi::SQLITE_INTERRUPT);
    rusqlite::Error::SqliteFailure(code, Some("the profile is being closed".to_owned()))
}

/// Refuses a damaged copy. Damage to what can be made anew from the texts does not count.
fn check(path: &Path) -> Result<(), StoreError> {
    let problems = connection::open_reader(path)
        .and_then(|connection| connection::quick_check(&connection))
        .map_err(|error| StoreError::from_sqlite(path, error))?;
    match problems.iter().find(|problem| !connection::is_about_derived_data(problem)) {
        None => Ok(()),
        Some(problem) => Err(StoreError::Corrupt { path: path.to_owned(), details: problem.clone() }),
    }
}

fn parse_name(name: &str) -> Option<(i64, i64)> {
    let (stamp, schema) = name.strip_suffix(".db")?.split_once("-v")?;
    Some((date::parse_stamp(stamp)?, schema.parse().ok()?))
}

fn next_damaged(folder: &Path) -> u32 {
    (1..).find(|number| !folder.join("damaged").join(number.to_string()).exists()).unwrap_or(u32::MAX)
}

fn decided_restore(folder: &Path) -> Result<Option<(String, PathBuf)>, StoreError> {
    let io = |error| StoreError::from_io(folder, error);
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        if let Some(number) = entry.file_name().to_str().and_then(|name| name.strip_prefix(RESTORING)) {
            return Ok(Some((number.to_owned(), entry.path())));
        }
    }
    Ok(None)
}

/// Whether the profile has, or had, a database that must not be taken for a new one.
pub(crate) fn lost_database(folder: &Path) -> Result<bool, StoreError> {
    let path = profile::database(folder);
    let empty = fs::metadata(&path).map_or(true, |metadata| metadata.len() == 0);
    Ok(empty && !list_backups(folder)?.is_empty())
}
