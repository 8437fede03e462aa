//! Rules for the texts of the sources.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of code that a file may have. Some parts of the house have reasons for more; each is listed with its own.
const LONGEST: usize = 500;

/// Files that may be longer, with the reason.
const LONGER: &[(&str, usize, &str)] = &[];

/// Folders that are made, not written.
const MADE: [&str; 7] = ["target", "node_modules", "dist", "gen", "generated", "artefacts", "weights"];

/// A source with its path relative to the root, with slashes.
struct Source {
    path: String,
    text: String,
}

fn sources(folders: &[&str], endings: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(&resident_tests::root().join(folder), endings, &mut paths);
    }
    assert!(!paths.is_empty(), "there are no sources in {folders:?}");
    let read = |path: &PathBuf| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    paths.iter().map(|path| Source { text: read(path), path: relative(path) }).collect()
}

fn collect(folder: &Path, endings: &[&str], paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !MADE.contains(&name.as_str()) && (!name.starts_with('.') || name == ".ci") {
                collect(&path, endings, paths);
            }
        } else if endings.is_empty() || endings.iter().any(|ending| name.ends_with(ending)) {
            paths.push(path);
        }
    }
}

fn relative(path: &Path) -> String {
    path.strip_prefix(resident_tests::root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// Sources of Rust.
fn rust() -> Vec<Source> {
    sources(&["crates", "src-tauri", "tests", "xtask"], &[".rs"])
}

/// The part of a Rust file before its tests.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

#[test]
fn every_rust_file_opens_with_what_it_is() {
    for source in rust() {
        let first = source.text.lines().find(|line| !line.starts_with("#!")).unwrap_or_default();
        assert!(first.starts_with("//! "), "{} does not open with `//! …`", source.path);
    }
}

#[test]
fn no_lint_is_switched_off_without_a_reason() {
    for source in rust() {
        for start in ["#[allow(", "#![allow("] {
            let attributes = source.text.split(start).skip(1).filter_map(|rest| rest.split(")]").next());
            for attribute in attributes.filter(|attribute| !attribute.starts_with('"')) {
                assert!(attribute.contains("reason = "), "{}: `{start}{attribute})]` has no reason", source.path);
            }
        }
    }
}

#[test]
fn files_stay_short_enough_to_be_read() {
    for source in rust() {
        let lines = without_tests(&source.text).lines().count();
        let longest =
            LONGER.iter().find(|(path, _, _)| *path == source.path).map_or(LONGEST, |(_, longest, _)| *longest);
        assert!(lines <= longest, "{} has {lines} lines, more than {longest}", source.path);
    }
}

#[test]
fn the_desktop_shell_stays_small() {
    let lines: usize = sources(&["src-tauri"], &[".rs"]).iter().map(|source| source.text.lines().count()).sum();
    assert!(lines < 2_000, "src-tauri has {lines} lines");
}

#[test]
fn the_agents_step_is_pure() {
    let forbidden = [
        "std::time",
        "SystemTime",
        "Instant",
        "std::fs",
        "std::net",
        "std::env",
        "std::io",
        "std::thread",
        "std::process",
        "std::sync",
        "rand::",
        "uuid::",
        "Uuid",
        "jiff::Zoned::now",
        "Timestamp::now",
        "tracing::",
        "println!",
        "resident_store::Store",
        "Memory::",
        "LanguageModel",
    ];
    let steps: Vec<Source> = sources(&["crates/agent/src"], &[".rs"])
        .into_iter()
        .filter(|source| source.path.contains("/step/") || source.path.ends_with("/step.rs"))
        .collect();
    assert!(!steps.is_empty(), "the agent's step is in crates/agent/src/step");
    for source in steps {
        for word in forbidden {
            let found = without_tests(&source.text)
                .lines()
                .find(|line| !line.trim_start().starts_with("//") && line.contains(word));
            assert_eq!(found, None, "{} touches {word}", source.path);
        }
    }
}

#[test]
fn only_the_backend_of_the_ui_knows_tauri() {
    for source in sources(&["ui/src"], &[".ts", ".svelte", ".js"]) {
        let knows = source.text.contains("@tauri-apps");
        assert!(!knows || source.path.starts_with("ui/src/backend/"), "{} knows Tauri", source.path);
    }
}

#[test]
fn no_source_names_the_host_of_a_package_registry() {
    // Put together here, so that this file does not name them either.
    let hosts = [
        ["index.", "crates", ".io"].concat(),
        ["static.", "crates", ".io"].concat(),
        ["registry.", "npmjs.org"].concat(),
        ["files.", "python", "hosted", ".org"].concat(),
        ["pypi", ".org"].concat(),
        ["deb.", "debian.org"].concat(),
    ];
    let everything = sources(
        &["crates", "src-tauri", "tests", "xtask", "ui", "docs", "models", ".ci"],
        &[".rs", ".ts", ".svelte", ".js", ".json", ".toml", ".md", ".css", ".html", ".py", ".txt", "run"],
    );
    for source in everything {
        for host in &hosts {
            assert!(!source.text.contains(host.as_str()), "{} names {host}", source.path);
        }
    }
}
