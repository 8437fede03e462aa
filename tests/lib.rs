//! What the end-to-end tests share: where the workspace and its programs are, a home that no other run has touched, a
//! virtual display and a window on it, a server and a browser, and a driver for both.

#[cfg(unix)]
pub mod browser;
#[cfg(unix)]
pub mod display;
#[cfg(unix)]
pub mod driver;
#[cfg(unix)]
pub mod home;
#[cfg(unix)]
pub mod process;
#[cfg(unix)]
pub mod served;
#[cfg(unix)]
pub mod terminal;
pub mod trace;
#[cfg(unix)]
pub mod window;

use std::path::{Path, PathBuf};

/// The root of the workspace.
///
/// # Panics
/// Never: the tests are a folder of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is a folder of the workspace")
}

/// Set where the installed programs are tried instead of those of a build, to the folder for artefacts.
const INSTALLED: &str = "RESIDENT_INSTALLED";

/// The folder for artefacts, where the installed programs are tried.
fn installed() -> Option<PathBuf> {
    std::env::var_os(INSTALLED).map(PathBuf::from)
}

/// A program of the same build as the test that runs, or the installed one.
///
/// # Panics
/// When it was not built.
pub fn program(name: &str) -> PathBuf {
    if installed().is_some() {
        return Path::new("/usr/bin").join(name);
    }
    let test = std::env::current_exe().expect("a test knows its own program");
    let folder = test.parent().and_then(Path::parent).expect("a test is in the build's `deps` folder");
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{} is not built; `cargo xtask test` builds it", program.display());
    program
}

/// The folder with the workspace's models; installed programs have their own.
pub fn models() -> Option<PathBuf> {
    installed().is_none().then(|| root().join("models").join("weights"))
}

/// The folder that screenshots and traces are left in.
///
/// # Panics
/// When it cannot be created.
pub fn artefacts() -> PathBuf {
    let folder = installed().unwrap_or_else(|| root().join("tests").join("artefacts"));
    std::fs::create_dir_all(&folder).expect("the folder for artefacts can be created");
    folder
}
