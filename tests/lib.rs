//! What the end-to-end tests share: where the workspace and its programs are, a home that no other run has touched, a
//! virtual display, and a driver for the window.

pub mod display;
pub mod driver;
pub mod home;
pub mod process;
pub mod terminal;
pub mod trace;
pub mod window;

use std::path::{Path, PathBuf};

/// The root of the workspace.
///
/// # Panics
/// Never: the tests are a folder of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is a folder of the workspace")
}

/// A program of the same build as the test that runs.
///
/// # Panics
/// When it was not built.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own program");
    let folder = test.parent().and_then(Path::parent).expect("a test is in the build's `deps` folder");
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{} is not built; `cargo xtask test` builds it", program.display());
    program
}

/// The folder that screenshots and traces are left in.
///
/// # Panics
/// When it cannot be created.
pub fn artefacts() -> PathBuf {
    let folder = root().join("tests").join("artefacts");
    std::fs::create_dir_all(&folder).expect("tests/artefacts can be created");
    folder
}
