//! What a person does, in the real program with the local model: in a window, in a browser, and in a terminal. One journey at a time
//! has the machine, since what is measured is how a person would see it.
#![cfg(target_os = "linux")]

mod door;
#[path = "../../crates/remote/tests/support/mod.rs"]
mod endpoint;
mod groups;
mod installed;
mod overfull;
mod page;
mod places;
mod profile;
mod terminal;
mod travel;
mod troubles;
mod web;
mod window;

use std::sync::{Mutex, MutexGuard, PoisonError};

static MACHINE: Mutex<()> = Mutex::new(());

/// Waits until no other journey of this program has the machine.
fn machine() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}
