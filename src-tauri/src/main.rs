//! The desktop program: opens the window and nothing else; everything is in the library beside it.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() {
    resident_desktop::run();
}
