//! A profile that cannot be opened: the window opens all the same and says why.

use std::fs;
use std::sync::Arc;

use resident_store::{Store, SystemClock};
use resident_tests::home::Home;
use serde_json::json;

use crate::machine;
use crate::page::Page;
use crate::profile::Unopened;

#[test]
fn a_second_instance_is_told_that_the_profile_is_in_use() {
    let _machine = machine();
    let home = Home::new();
    let first = Page::in_window(&home);
    first.reads("What should I call you?");
    let second = Page::in_window(&home);
    second.reads("could not open");
    second.reads("Choose another folder");
    second.screenshot("trouble-in-use");
    second.quit();
    first.quit();
}

#[test]
fn a_backup_is_restored_from_the_window() {
    let _machine = machine();
    let home = Home::new();
    let profile = Unopened::of(&home);
    let agent_id = profile.agent_id.clone();
    profile.call("createPassage", json!({ "agentId": agent_id, "text": "The spare key is with Marta." }));
    profile.close();
    let store = Store::open(&home.profile(), Arc::new(SystemClock)).expect("the profile is closed");
    store.backup_now().expect("a backup can be made");
    drop(store);
    let database = home.profile().join("resident.db");
    let garbage = b"this was a database once ".repeat(4_000);
    fs::write(&database, &garbage).expect("the file can be written");

    let page = Page::in_window(&home);
    page.reads("could not open");
    page.reads("Restoring one puts it in the place of the database.");
    page.pictures("trouble-backups");
    page.press_at("(//button[starts-with(@aria-label, 'Restore the backup')])[1]");
    page.reads("Hello, Nick.");
    page.open_tab("Archive");
    page.reads("The spare key is with Marta.");
    page.screenshot("trouble-restored");
    page.quit();
    let kept = fs::read(home.profile().join("damaged/1/resident.db")).expect("what was damaged is kept");
    assert_eq!(kept, garbage, "as it was");
}

#[test]
fn a_damaged_database_is_said_and_kept() {
    let _machine = machine();
    let home = Home::new();
    fs::create_dir_all(home.profile()).expect("the profile's folder can be created");
    let database = home.profile().join("resident.db");
    let garbage = b"this was a database once ".repeat(4_000);
    fs::write(&database, &garbage).expect("the file can be written");
    let page = Page::in_window(&home);
    page.reads("could not open");
    page.screenshot("trouble-damaged");
    page.quit();
    assert_eq!(fs::read(&database).expect("the file is still there"), garbage, "nothing of it was touched");
}
