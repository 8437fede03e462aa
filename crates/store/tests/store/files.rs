//! What a profile's files may be like when it is opened.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use resident_store::{Role, Store, StoreError, SystemClock, list_backups};

use crate::support::Profile;

fn open(folder: &Path) -> Result<Store, StoreError> {
    Store::open(folder, Arc::new(SystemClock))
}

/// A closed profile with some text in it, and its database.
fn closed_profile() -> (Profile, PathBuf) {
    let mut profile = Profile::new();
    let ada = profile.agent("Ada");
    for n in 0..50 {
        profile.say(&ada, Role::User, &format!("message {n} {}", "with some words ".repeat(20)));
    }
    profile.store = None;
    let database = profile.folder.path().join("resident.db");
    (profile, database)
}

/// Changes the closed database as another program would.
fn change(database: &Path, sql: &str) {
    rusqlite::Connection::open(database).unwrap().execute_batch(sql).unwrap();
}

/// Makes the profile look as if the last run had not closed it.
fn leave_running(profile: &Profile) {
    fs::write(profile.folder.path().join("resident.running"), "").unwrap();
}

#[test]
fn a_second_instance_is_turned_away() {
    let mut profile = Profile::new();
    let second = open(profile.folder.path());
    assert!(matches!(&second, Err(StoreError::InUse { folder }) if folder == profile.folder.path()), "{second:?}");
    profile.reopen().unwrap();
}

#[test]
fn a_clean_close_leaves_one_file_of_data() {
    let (profile, _) = closed_profile();
    let mut names: Vec<String> =
        fs::read_dir(profile.folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["resident.db", "resident.lock"]);
}

#[test]
fn a_newer_schema_is_refused_and_not_touched() {
    let (profile, database) = closed_profile();
    change(&database, "PRAGMA user_version = 999");
    leave_running(&profile);
    let before = fs::read(&database).unwrap();
    let refused = open(profile.folder.path());
    assert!(matches!(refused, Err(StoreError::NewerSchema { found: 999, .. })), "{refused:?}");
    assert!(refused.unwrap_err().to_string().contains("newer version of Resident"));
    assert!(fs::read(&database).unwrap() == before, "the database was changed");
    assert_eq!(list_backups(profile.folder.path()).unwrap(), []);
}

#[test]
fn a_newer_schema_that_is_still_in_the_log_is_not_touched_either() {
    let (profile, database) = closed_profile();
    // A program that ends without closing leaves its changes in the log.
    let other = rusqlite::Connection::open(&database).unwrap();
    other.execute_batch("PRAGMA user_version = 999").unwrap();
    let copies = tempfile::tempdir().unwrap();
    for name in ["resident.db", "resident.db-wal"] {
        fs::copy(profile.folder.path().join(name), copies.path().join(name)).unwrap();
    }
    let before = ["resident.db", "resident.db-wal"].map(|name| fs::read(copies.path().join(name)).unwrap());
    assert!(!before[1].is_empty());
    let refused = open(copies.path());
    assert!(matches!(refused, Err(StoreError::NewerSchema { found: 999, .. })), "{refused:?}");
    let after = ["resident.db", "resident.db-wal"].map(|name| fs::read(copies.path().join(name)).unwrap());
    assert!(before == after, "the database or its log was changed");
}

#[test]
fn a_foreign_file_in_place_of_the_database_is_refused_and_not_touched() {
    for content in [&b"this is not a database, but quite a long text that someone put there.".repeat(40)[..], b"x"] {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("resident.db");
        fs::write(&database, content).unwrap();
        let refused = open(folder.path());
        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
        assert_eq!(fs::read(&database).unwrap(), content);
    }

    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("resident.db");
    change(&database, "CREATE TABLE bookmarks (url TEXT); PRAGMA user_version = 1;");
    let before = fs::read(&database).unwrap();
    let refused = open(folder.path());
    assert!(matches!(&refused, Err(StoreError::Corrupt { details, .. }) if details.contains("another program")));
    assert!(fs::read(&database).unwrap() == before, "another program's database was changed");

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("resident.db")).unwrap();
    let refused = open(folder.path());
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
}

#[test]
fn a_truncated_database_is_refused_after_an_unclean_end() {
    let (profile, database) = closed_profile();
    let length = fs::metadata(&database).unwrap().len();
    fs::File::options().write(true).open(&database).unwrap().set_len(length / 2).unwrap();
    leave_running(&profile);
    let refused = open(profile.folder.path());
    assert!(matches!(&refused, Err(StoreError::Corrupt { path, .. }) if *path == database), "{refused:?}");
    // It stays refused, since nobody has put it right.
    assert!(matches!(open(profile.folder.path()), Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_truncated_database_is_noticed_before_its_backup_is_taken_for_sound() {
    let (profile, database) = closed_profile();
    let length = fs::metadata(&database).unwrap().len();
    fs::File::options().write(true).open(&database).unwrap().set_len(length / 2).unwrap();
    let refused = open(profile.folder.path());
    assert!(matches!(&refused, Err(StoreError::Corrupt { path, .. }) if *path == database), "{refused:?}");
    assert_eq!(list_backups(profile.folder.path()).unwrap(), []);
}

#[test]
fn a_truncated_database_is_refused_when_nothing_else_calls_for_a_look() {
    let (mut profile, database) = closed_profile();
    profile.reopen().unwrap();
    profile.store = None;
    fs::File::options().write(true).open(&database).unwrap().set_len(8192).unwrap();
    let refused = profile.reopen();
    assert!(matches!(&refused, Err(StoreError::Corrupt { path, .. }) if *path == database), "{refused:?}");
}

#[test]
fn damaged_search_tables_are_made_anew_from_the_texts() {
    let (mut profile, database) = closed_profile();
    change(&database, "DELETE FROM message_text_data WHERE id > 10; DELETE FROM message_text_content WHERE id % 2");
    leave_running(&profile);
    profile.reopen().unwrap();
    let agents = profile.read(|r| r.agents(false));
    let filter = resident_store::MessageFilter::default();
    let hits = profile.read(|r| r.search_messages_text(&agents[0].id, "message", &filter, [1.0; 3], 100));
    assert_eq!(hits.len(), 50);
    assert_eq!(profile.store().quick_check().unwrap(), [""; 0]);
}

#[test]
fn a_database_lost_or_emptied_is_not_taken_for_a_new_one() {
    let (mut profile, database) = closed_profile();
    profile.reopen().unwrap();
    profile.store = None;
    assert_eq!(list_backups(profile.folder.path()).unwrap().len(), 1);
    fs::write(&database, "").unwrap();
    assert!(matches!(open(profile.folder.path()), Err(StoreError::Corrupt { .. })));
    fs::remove_file(&database).unwrap();
    assert!(matches!(open(profile.folder.path()), Err(StoreError::Corrupt { .. })));
    assert!(!database.exists());
}

/// Where permissions stop us; they do not stop root.
fn permissions_count(folder: &Path) -> bool {
    let probe = folder.join("probe");
    let counts = fs::write(&probe, "").is_err();
    if !counts {
        fs::remove_file(&probe).unwrap();
    }
    counts
}

fn set_read_only(path: &Path, read_only: bool) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    permissions.set_readonly(read_only);
    fs::set_permissions(path, permissions).unwrap();
}

#[test]
fn a_folder_that_cannot_be_written_is_said_so() {
    let (profile, _) = closed_profile();
    let fresh = tempfile::tempdir().unwrap();
    for folder in [profile.folder.path(), fresh.path()] {
        set_read_only(folder, true);
        if permissions_count(folder) {
            let refused = open(folder);
            assert!(matches!(&refused, Err(StoreError::ReadOnly { folder: f }) if f == folder), "{refused:?}");
        } else {
            eprintln!("skipped: permissions do not keep this user (root?) from writing");
        }
        set_read_only(folder, false);
    }
}

#[cfg(unix)]
#[test]
fn a_profile_folder_that_is_a_file_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("profile");
    fs::write(&file, "").unwrap();
    let refused = open(&file);
    assert!(matches!(&refused, Err(StoreError::Io { path, .. }) if *path == file), "{refused:?}");
}
