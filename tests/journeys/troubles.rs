//! A profile that cannot be opened: the window opens all the same and says why.

use std::fs;

use resident_tests::home::Home;
use resident_tests::window::Window;

use crate::machine;
use crate::page::Page;

#[test]
fn a_second_instance_is_told_that_the_profile_is_in_use() {
    let _machine = machine();
    let home = Home::new();
    let first = Page { window: Window::open(&home) };
    first.reads("What should I call you?");
    let second = Page { window: Window::open(&home) };
    second.reads("could not open");
    second.reads("Choose another folder");
    second.window.screenshot("trouble-in-use");
    second.quit();
    first.quit();
}

#[test]
fn a_damaged_database_is_said_and_kept() {
    let _machine = machine();
    let home = Home::new();
    fs::create_dir_all(home.profile()).expect("the profile's folder can be created");
    let database = home.profile().join("resident.db");
    let garbage = b"this was a database once ".repeat(4_000);
    fs::write(&database, &garbage).expect("the file can be written");
    let page = Page { window: Window::open(&home) };
    page.reads("could not open");
    page.window.screenshot("trouble-damaged");
    page.quit();
    assert_eq!(fs::read(&database).expect("the file is still there"), garbage, "nothing of it was touched");
}
