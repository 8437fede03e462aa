//! `cargo xtask install-test`: installs the `.deb` with models on a bare Debian that never saw the sources, opens its
//! window there with networking off, and has a first message answered. Run by hand and as root: it fetches a base
//! system and takes some minutes. Everything is mounted in a mount namespace of its own, so nothing stays mounted.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{AtPath, TaskError, TaskResult};
use crate::process::{command, output_of, run, say};
use crate::setup::{self, cargo_command};

/// What the bare system gets besides Resident, to look at its window.
const OBSERVERS: &str = "xvfb dbus webkit2gtk-driver imagemagick";

/// The journey that is run there.
const JOURNEY: &str = "installed::a_first_message_is_answered_without_a_network";

/// Installs the newest `.deb` with models and tries it.
///
/// # Errors
/// When there is no such file, the base system cannot be made, or the journey fails.
pub(crate) fn install_test(root: &Path) -> TaskResult {
    let package = newest_package(&root.join("bundle"))?;
    let journey = journey_program(root)?;
    let system = setup::target(root).join("install-test");
    if !system.join("etc").join("debian_version").is_file() {
        say("Making a bare Debian 12");
        let place = system.to_string_lossy().into_owned();
        run(&mut command(root, "debootstrap", ["--variant=minbase", "bookworm", &place]))?;
    }
    for (file, place) in [(&package, "resident.deb"), (&journey, "journeys")] {
        fs::copy(file, system.join(place)).at("copy", file)?;
    }
    // Names are looked up as this system does, and packages come from where it has them.
    fs::copy("/etc/resolv.conf", system.join("etc/resolv.conf")).at("copy", "/etc/resolv.conf")?;
    say(&format!("Installing {} on it", package.display()));
    // What it needs comes with it: only after it has proved that are the observers installed.
    let install = "apt-get install --quiet --yes --no-install-recommends";
    let script = format!(
        "export DEBIAN_FRONTEND=noninteractive; apt-get update --quiet && {install} --reinstall /resident.deb && \
         ! ldd /usr/bin/resident-desktop /usr/bin/resident | grep 'not found' && resident version && \
         {install} {OBSERVERS}"
    );
    inside(root, &system, &["--mount", "--fork"], &script)?;
    say("Opening its window without a network");
    let script = format!(
        "mkdir -p /artefacts /root && cd /root && \
         env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/root RESIDENT_INSTALLED=/artefacts \
         /journeys {JOURNEY} --exact --include-ignored --nocapture"
    );
    let result = inside(root, &system, &["--mount", "--net", "--fork"], &script);
    let artefacts = root.join("tests").join("artefacts");
    fs::create_dir_all(&artefacts).at("create", &artefacts)?;
    for entry in fs::read_dir(system.join("artefacts")).into_iter().flatten().flatten() {
        fs::copy(entry.path(), artefacts.join(entry.file_name())).at("copy", entry.path())?;
    }
    result
}

/// Runs a script inside the bare system, in namespaces of its own; loopback is the only network of a new one.
fn inside(root: &Path, system: &Path, namespaces: &[&str], script: &str) -> TaskResult {
    let place = system.to_string_lossy();
    let outer = format!(
        "set -e; mount --rbind /dev {place}/dev; mount -t proc proc {place}/proc; mount -t tmpfs tmpfs {place}/tmp; \
         ip link set lo up; exec chroot {place} /bin/sh -c \"$SCRIPT\""
    );
    let words = namespaces.iter().copied().chain(["/bin/sh", "-c", &outer]);
    run(command(root, "unshare", words).env("SCRIPT", script))
}

fn newest_package(folder: &Path) -> TaskResult<PathBuf> {
    let is_full = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("resident_") && name.ends_with(".deb")
    };
    let packages = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_full);
    packages.max_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok()).ok_or_else(|| {
        TaskError::Missing { what: "a .deb with models".to_owned(), hint: "Type: cargo xtask bundle".to_owned() }
    })
}

/// The journeys as a program of their own.
fn journey_program(root: &Path) -> TaskResult<PathBuf> {
    let arguments = ["test", "--no-run", "--message-format", "json", "--package", "resident-tests"];
    let mut build = cargo_command(root, &arguments);
    let printed = output_of(build.args(["--features", "resident-tests/journeys", "--test", "journeys"]))?;
    let messages = String::from_utf8_lossy(&printed).into_owned();
    let program = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|message| {
        let is_journeys = message["target"]["name"] == "journeys";
        message["executable"].as_str().filter(|_| is_journeys).map(PathBuf::from)
    });
    program.ok_or_else(|| TaskError::Missing {
        what: "the journeys' program".to_owned(),
        hint: "cargo named no executable for it.".to_owned(),
    })
}
