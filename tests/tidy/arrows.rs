//! Who may depend on whom.

use crate::workspace::packages;

/// The arrows between the product's crates: the first may depend on the others.
const ARROWS: &[(&str, &[&str])] = &[
    ("resident-store", &[]),
    ("resident-index", &[]),
    ("resident-memory", &["resident-store", "resident-index"]),
    ("resident-agent", &["resident-memory", "resident-store"]),
    ("resident-inference", &["resident-agent", "resident-memory", "resident-store"]),
    // The library has the one factory of HTTP clients, which knows whether Resident is offline.
    ("resident-remote", &["resident-agent", "resident-memory", "resident-library", "resident-store"]),
    ("resident-library", &[]),
    ("resident-mcp", &["resident-library"]),
    ("resident-agent-file", &[]),
    (
        "resident-app",
        &[
            "resident-agent",
            "resident-agent-file",
            "resident-inference",
            "resident-library",
            "resident-mcp",
            "resident-memory",
            "resident-remote",
            "resident-store",
        ],
    ),
    ("resident-server", &["resident-app"]),
    ("resident-cli", &["resident-app", "resident-server"]),
    ("resident-desktop", &["resident-app", "resident-server"]),
];

/// Libraries that one package has to itself, by the start of their names.
const OWNED: &[(&str, &str)] = &[
    ("candle", "resident-inference"),
    ("llguidance", "resident-inference"),
    ("tokenizers", "resident-inference"),
    ("rusqlite", "resident-store"),
    ("postgres", "resident-store"),
    ("axum", "resident-server"),
    ("rmcp", "resident-mcp"),
    ("tauri", "resident-desktop"),
    ("wry", "resident-desktop"),
    ("keyring", "resident-app"),
];

#[test]
fn arrows_between_crates_point_one_way() {
    for package in packages() {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else { continue };
        for dependency in package.dependencies.iter().filter(|name| name.starts_with("resident-")) {
            assert!(allowed.contains(&dependency.as_str()), "{} may not depend on {dependency}", package.name);
        }
    }
}

#[test]
fn every_crate_of_the_product_has_its_arrows() {
    for package in packages().iter().filter(|package| package.folder.starts_with("crates/")) {
        assert!(ARROWS.iter().any(|(name, _)| *name == package.name), "{} is not in the list of arrows", package.name);
    }
}

#[test]
fn some_libraries_have_one_owner() {
    for package in packages() {
        for (library, owner) in OWNED {
            let uses = package.dependencies.iter().find(|name| name.starts_with(library));
            assert!(uses.is_none() || package.name == *owner, "{} may not use {library}: {owner} does", package.name);
        }
    }
}

#[test]
fn nothing_of_the_product_knows_the_desktop_shell_not_even_in_tests() {
    for package in packages().iter().filter(|package| package.folder.starts_with("crates/")) {
        let shell =
            package.all_dependencies.iter().find(|name| name.starts_with("tauri") || *name == "resident-desktop");
        assert_eq!(shell, None, "{}", package.name);
    }
}

#[test]
fn packages_are_named_after_their_folders() {
    for package in packages() {
        let expected = match package.folder.as_str() {
            "" => "resident-desktop".to_owned(),
            "xtask" => "xtask".to_owned(),
            folder => format!("resident-{}", folder.rsplit('/').next().unwrap_or(folder)),
        };
        assert_eq!(package.name, expected, "in `{}`", package.folder);
    }
}
