//! The workspace as cargo sees it, without resolving anything.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// A package of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the root, with slashes.
    pub(crate) folder: String,
    /// What it depends on, other than for tests.
    pub(crate) dependencies: Vec<String>,
    /// What it or its tests depend on.
    pub(crate) all_dependencies: Vec<String>,
}

/// All packages of the workspace.
pub(crate) fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(resident_tests::root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    metadata["packages"].as_array().expect("metadata lists packages").iter().map(package).collect()
}

fn package(value: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let manifest = PathBuf::from(text(&value["manifest_path"]));
    let folder = manifest.parent().and_then(|folder| folder.strip_prefix(resident_tests::root()).ok());
    let dependencies = value["dependencies"].as_array().expect("a package lists its dependencies");
    Package {
        name: text(&value["name"]),
        folder: folder.map(|folder| folder.to_string_lossy().replace('\\', "/")).unwrap_or_default(),
        dependencies: dependencies.iter().filter(|d| d["kind"] != "dev").map(|d| text(&d["name"])).collect(),
        all_dependencies: dependencies.iter().map(|d| text(&d["name"])).collect(),
    }
}
