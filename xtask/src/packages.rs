//! System packages. On Debian and its relatives what is missing is installed, after saying so; elsewhere the exact
//! command is printed. Only what is missing is ever named, so that a second run asks for nothing.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{TaskError, TaskResult};
use crate::process::{capture, command, run, say};

/// A part of the system that something here needs.
struct Package {
    /// Its name in Debian.
    debian: &'static str,
    /// What needs it.
    reason: &'static str,
}

const fn package(debian: &'static str, reason: &'static str) -> Package {
    Package { debian, reason }
}

/// What building and running needs.
const FOR_BUILD: &[Package] = &[
    package("gcc", "compiles SQLite and links"),
    package("g++", "compiles the tokenizers' regular expressions"),
    package("libc6-dev", "the headers of the C library"),
    package("pkg-config", "finds the libraries below"),
    package("libwebkit2gtk-4.1-dev", "shows the window"),
    package("libdbus-1-dev", "speaks to the system's keyring"),
];

/// What the tests need besides.
const FOR_TESTS: &[Package] = &[
    package("xvfb", "a display for the window's journeys"),
    package("dbus-daemon", "a session bus for them"),
    package("webkit2gtk-driver", "drives the window"),
    package("chromium", "shows the web UI"),
    package("chromium-driver", "drives it"),
    package("imagemagick", "takes screenshots"),
    package("xdotool", "answers the dialogs of the system, and drags"),
    package("python3-gi", "is dragged from"),
    package("gir1.2-gtk-3.0", "is dragged from, too"),
    package("strace", "shows that no socket but local ones is opened"),
];

/// The same for other systems, which are not asked what they have.
const ELSEWHERE: &[(&str, &str)] = &[
    ("dnf", "sudo dnf install gcc gcc-c++ pkgconf-pkg-config webkit2gtk4.1-devel dbus-devel"),
    ("pacman", "sudo pacman -S --needed base-devel webkit2gtk-4.1 dbus"),
    ("zypper", "sudo zypper install gcc gcc-c++ pkg-config webkit2gtk3-devel dbus-1-devel"),
    ("apk", "sudo apk add build-base pkgconf webkit2gtk-4.1-dev dbus-dev"),
];

/// Which packages a task needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// To build and run.
    Build,
    /// To test as well.
    Tests,
}

/// Makes sure that the system has what is needed.
///
/// # Errors
/// When something is missing and may not or cannot be installed; the error says what to type.
pub(crate) fn ensure(root: &Path, needs: Needs) -> TaskResult {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let has_apt = capture(&mut command(root, "dpkg-query", ["--version"])).is_some();
    if has_apt { ensure_debian(root, needs) } else { ensure_elsewhere(root) }
}

fn ensure_debian(root: &Path, needs: Needs) -> TaskResult {
    let tests: &[Package] = if needs == Needs::Tests { FOR_TESTS } else { &[] };
    let installed = installed_packages(root);
    let mut missing: Vec<&Package> =
        FOR_BUILD.iter().chain(tests).filter(|package| !installed.contains(&package.debian.to_owned())).collect();
    let pip = package("python3-pip", "fetches models where the hub cannot be reached");
    if !installed.contains(&pip.debian.to_owned()) && capture(&mut pip_version(root)).is_none() {
        missing.push(&pip);
    }
    if missing.is_empty() {
        return Ok(());
    }
    say("These system packages are missing");
    for package in &missing {
        println!("  {:<24} {}", package.debian, package.reason);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.debian).collect();
    install(root, &names)
}

/// The version of pip, for whichever Python comes first.
fn pip_version(root: &Path) -> Command {
    command(root, "python3", ["-m", "pip", "--version"])
}

/// Names of all installed packages that are wanted here, without their architecture.
fn installed_packages(root: &Path) -> Vec<String> {
    let mut query = command(root, "dpkg-query", ["--show", "--showformat", "${binary:Package} ${db:Status-Abbrev}\n"]);
    capture(&mut query)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, status)| status.trim() == "ii")
        .map(|(name, _)| name.split(':').next().unwrap_or(name).to_owned())
        .collect()
}

fn install(root: &Path, names: &[&str]) -> TaskResult {
    let by_hand = format!("apt-get install {}", names.join(" "));
    let Some(prefix) = root_prefix(root) else {
        return Err(TaskError::Missing {
            what: "permission to install system packages".to_owned(),
            hint: format!("As root, type: {by_hand}"),
        });
    };
    say(&format!("Installing them: {}{by_hand}", prefix.iter().map(|word| format!("{word} ")).collect::<String>()));
    // An old list of packages names files that the mirrors no longer have; without network the old list may still do.
    if run(&mut apt(root, prefix, &["update"])).is_err() {
        println!("The list of packages could not be renewed; trying with the one that is there.");
    }
    let arguments: Vec<&str> = ["install", "--yes", "--no-install-recommends"].iter().chain(names).copied().collect();
    run(&mut apt(root, prefix, &arguments))
}

fn apt(root: &Path, prefix: &[&str], arguments: &[&str]) -> Command {
    let words: Vec<&str> = prefix
        .iter()
        .chain(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"])
        .chain(arguments)
        .copied()
        .collect();
    let mut apt = command(root, words[0], &words[1..]);
    if std::env::var_os("CI").is_some() {
        apt.stdin(Stdio::null());
    }
    apt
}

/// What stands before a command that only root may run: nothing for root, `sudo` for those who may use it.
fn root_prefix(root: &Path) -> Option<&'static [&'static str]> {
    let is_root = capture(&mut command(root, "id", ["-u"])).is_some_and(|id| id.trim() == "0");
    if is_root {
        return Some(&[]);
    }
    capture(&mut command(root, "sudo", ["--version"])).map(|_| ["sudo"].as_slice())
}

fn ensure_elsewhere(root: &Path) -> TaskResult {
    let has_libraries =
        run(command(root, "pkg-config", ["--exists", "webkit2gtk-4.1", "dbus-1"]).stderr(Stdio::null()));
    if has_libraries.is_ok() {
        return Ok(());
    }
    let known = ELSEWHERE.iter().find(|(program, _)| capture(&mut command(root, program, ["--version"])).is_some());
    let hint = match known {
        Some((_, line)) => format!("Type: {line}"),
        None => "Install a C and C++ compiler, pkg-config, and the headers of WebKitGTK 4.1 and D-Bus.".to_owned(),
    };
    Err(TaskError::Missing { what: "a system library (WebKitGTK 4.1 or D-Bus)".to_owned(), hint })
}
