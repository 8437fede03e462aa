//! Backups and restoring them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use resident_store::{Backup, ManualClock, Store, StoreError, list_backups, restore_backup};

use crate::support::{NOW_MS, Profile};

const DAY_MS: i64 = 86_400_000;

fn backups(profile: &Profile) -> Vec<Backup> {
    list_backups(profile.folder.path()).unwrap()
}

/// A closed profile with the setting `state`: "old" in its one backup, "new" in its database.
fn with_backup() -> (Profile, Backup) {
    let mut profile = Profile::new();
    set_state(&profile, "old");
    profile.store().backup_now().unwrap();
    set_state(&profile, "new");
    let backup = backups(&profile).remove(0);
    profile.store = None;
    (profile, backup)
}

fn set_state(profile: &Profile, state: &str) {
    profile.write(|w| w.set_setting("state", &state.into()));
}

fn state(profile: &mut Profile) -> String {
    profile.reopen().unwrap();
    let state = profile.read(|r| r.setting("state")).unwrap();
    profile.store = None;
    state.as_str().unwrap().to_owned()
}

#[test]
fn a_backup_is_made_once_a_day_and_the_newest_few_are_kept() {
    let mut profile = Profile::new();
    assert_eq!(backups(&profile), []);
    profile.reopen().unwrap();
    profile.reopen().unwrap();
    assert_eq!(backups(&profile).len(), 1);
    let first = backups(&profile).remove(0);
    assert!(first.path.ends_with(format!("backups/20230507T143000.000Z-v{}.db", first.schema)), "{first:?}");
    for day in 2..12 {
        profile.clock.advance(DAY_MS);
        profile.reopen().unwrap();
        assert_eq!(backups(&profile).len(), day.min(7));
    }
    let newest = &backups(&profile)[0];
    assert_eq!((newest.created_at_ms, newest.schema), (NOW_MS + 10 * DAY_MS, first.schema));
    assert_eq!(newest.bytes, fs::metadata(&newest.path).unwrap().len());
    let made = profile.store().backup_now().unwrap();
    let again = profile.store().backup_now().unwrap();
    assert_ne!(made, again, "one backup does not overwrite another");
    assert_eq!(backups(&profile)[0].path, again);
}

#[test]
fn a_backup_is_one_sound_file() {
    let (profile, backup) = with_backup();
    let names: Vec<_> = fs::read_dir(profile.folder.path().join("backups")).unwrap().collect();
    assert_eq!(names.len(), 1);
    let copy = rusqlite::Connection::open(&backup.path).unwrap();
    let state: String = copy.query_row("SELECT value FROM settings", [], |row| row.get(0)).unwrap();
    assert_eq!(state, "\"old\"");
}

#[test]
fn a_restored_backup_takes_the_place_of_a_damaged_database_which_is_kept() {
    let (mut profile, backup) = with_backup();
    let database = profile.folder.path().join("resident.db");
    fs::write(&database, "damaged").unwrap();
    fs::write(profile.folder.path().join("resident.db-wal"), "and its log").unwrap();
    assert!(matches!(profile.reopen(), Err(StoreError::Corrupt { .. })));
    restore_backup(profile.folder.path(), &backup).unwrap();
    assert_eq!(fs::read(profile.folder.path().join("damaged/1/resident.db")).unwrap(), b"damaged");
    assert!(profile.folder.path().join("damaged/1/resident.db-wal").exists());
    assert_eq!(state(&mut profile), "old");

    restore_backup(profile.folder.path(), &backup).unwrap();
    assert!(profile.folder.path().join("damaged/2/resident.db").exists(), "nothing kept is overwritten");
}

#[test]
fn an_open_profile_and_an_unsound_backup_are_refused() {
    let (mut profile, backup) = with_backup();
    profile.reopen().unwrap();
    let refused = restore_backup(profile.folder.path(), &backup);
    assert!(matches!(refused, Err(StoreError::InUse { .. })), "{refused:?}");
    profile.store = None;

    let length = backup.bytes;
    fs::File::options().write(true).open(&backup.path).unwrap().set_len(length / 2).unwrap();
    let refused = restore_backup(profile.folder.path(), &backup);
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    fs::write(&backup.path, "").unwrap();
    let refused = restore_backup(profile.folder.path(), &backup);
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    assert_eq!(state(&mut profile), "new");
}

/// Copies the files of a profile, as a kill would leave them.
fn snapshot(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
        }
    }
    to
}

#[test]
fn a_restore_that_was_killed_leaves_the_old_or_the_new_state() {
    let (profile, backup) = with_backup();
    let read_state = |folder: &Path| {
        let store = Store::open(folder, Arc::new(ManualClock::at(NOW_MS))).unwrap();
        store.read(|r| r.setting("state")).unwrap().unwrap()
    };

    let undecided = snapshot(profile.folder.path());
    fs::write(undecided.path().join("resident.db.partial"), "half a copy").unwrap();
    assert_eq!(read_state(undecided.path()), "new");
    assert!(!undecided.path().join("resident.db.partial").exists());

    // Decided, and killed after 0, 1 or all of the old files were put aside.
    for moved in 0..=2 {
        let decided = snapshot(profile.folder.path());
        fs::write(decided.path().join("resident.db-wal"), "old log").unwrap();
        fs::copy(&backup.path, decided.path().join("resident.db.restoring-1")).unwrap();
        fs::create_dir_all(decided.path().join("damaged/1")).unwrap();
        for name in ["resident.db", "resident.db-wal"].iter().take(moved) {
            fs::rename(decided.path().join(name), decided.path().join("damaged/1").join(name)).unwrap();
        }
        assert_eq!(read_state(decided.path()), "old");
        assert!(decided.path().join("damaged/1/resident.db-wal").exists());
        assert!(!decided.path().join("resident.db.restoring-1").exists());
    }
}
