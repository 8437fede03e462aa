//! `cargo xtask bundle`: the installers of this system, in `bundle/`. The usual ones carry the default models, so that
//! the first launch needs no network; `--slim` makes them without. Both carry the `resident` command and the texts of
//! all licences. What differs from an ordinary build is handed to the Tauri CLI as one more configuration file, since
//! an ordinary build must not ask for files that only a bundle has.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::error::{AtPath, TaskError, TaskResult};
use crate::licences;
use crate::packages::Needs;
use crate::process::{capture, command, run, say};
use crate::setup::{self, cargo_command};

/// Which installers to make.
#[derive(Args)]
pub(crate) struct BundleArguments {
    /// Leave the models out; they are downloaded at the first start.
    #[arg(long)]
    slim: bool,
    /// Formats, separated by commas. The default is deb and rpm on Linux, dmg on macOS, nsis and msi on Windows;
    /// appimage is fetched for by the Tauri CLI and needs a network.
    #[arg(long, value_name = "FORMATS")]
    formats: Option<String>,
}

/// What each format's files end with.
const ENDINGS: [&str; 6] = ["deb", "rpm", "AppImage", "dmg", "exe", "msi"];

/// Makes the installers.
///
/// # Errors
/// When something that is needed cannot be had, or a build fails.
pub(crate) fn bundle(root: &Path, arguments: &BundleArguments) -> TaskResult {
    setup::prepare(root, Needs::Build)?;
    let parts = setup::target(root).join("bundle-parts");
    fs::create_dir_all(&parts).at("create", &parts)?;
    build_programs(root, &parts)?;
    licences::write_texts(root, &parts.join("LICENCES.txt"))?;
    let models = parts.join("models");
    if !arguments.slim {
        fetch_models(root, &models)?;
    }
    let configuration = parts.join("tauri.conf.json");
    let text = configuration_text(root, &parts, !arguments.slim);
    fs::write(&configuration, text.to_string()).at("write", &configuration)?;

    say("Making the installers");
    let formats = arguments.formats.as_deref().unwrap_or(default_formats());
    let tauri =
        root.join("ui").join("node_modules").join(".bin").join(if cfg!(windows) { "tauri.cmd" } else { "tauri" });
    let target = setup::target(root).join("release").join("bundle");
    if target.exists() {
        fs::remove_dir_all(&target).at("empty", &target)?;
    }
    let mut bundle = command(root, &tauri.to_string_lossy(), ["bundle", "--ci", "--bundles", formats, "--config"]);
    run(bundle.arg(&configuration))?;
    collect(&target, &root.join("bundle"), arguments.slim)
}

fn default_formats() -> &'static str {
    match std::env::consts::OS {
        "macos" => "dmg",
        "windows" => "nsis,msi",
        _ => "deb,rpm",
    }
}

/// Builds the window and the `resident` command in one go, since they share nearly all of their parts, and puts the
/// command where the Tauri CLI looks for a program to carry along.
fn build_programs(root: &Path, parts: &Path) -> TaskResult {
    say("Building the programs");
    let packages = ["--package", "resident-desktop", "--package", "resident-cli"];
    let programs = ["--bin", "resident-desktop", "--bin", "resident"];
    run(cargo_command(root, &["build", "--release"]).args(packages).args(programs))?;
    let built = setup::target(root).join("release").join(format!("resident{}", std::env::consts::EXE_SUFFIX));
    let place = parts.join(format!("resident-{}{}", host_triple(root)?, std::env::consts::EXE_SUFFIX));
    fs::copy(&built, &place).at("copy", built)?;
    Ok(())
}

/// The target triple of this system, which the name of a carried program ends with.
fn host_triple(root: &Path) -> TaskResult<String> {
    let printed = capture(&mut command(root, "rustc", ["-vV"])).unwrap_or_default();
    let triple = printed.lines().find_map(|line| line.strip_prefix("host: "));
    triple.map(str::to_owned).ok_or_else(|| TaskError::Missing {
        what: "the Rust compiler".to_owned(),
        hint: "Install Rust with rustup.".to_owned(),
    })
}

/// Puts the default models, and nothing else that a developer may have, into a folder.
fn fetch_models(root: &Path, folder: &Path) -> TaskResult {
    let arguments = ["build", "--package", "xtask", "--features", "xtask/models", "--bin", "xtask-models"];
    run(&mut cargo_command(root, &arguments))?;
    setup::fetch_models_into(root, folder)
}

fn configuration_text(root: &Path, parts: &Path, with_models: bool) -> Value {
    let in_root = |path: PathBuf| path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
    let licences = in_root(parts.join("LICENCES.txt"));
    // On Linux the texts have a place of their own, below.
    let mut resources = if cfg!(target_os = "linux") { json!({}) } else { json!({ licences.clone(): "LICENCES.txt" }) };
    if with_models {
        resources[format!("{}/", in_root(parts.join("models")))] = json!("models/");
    }
    let documentation = json!({ "/usr/share/doc/resident/copyright": licences });
    json!({ "bundle": {
        "externalBin": [in_root(parts.join("resident"))],
        "resources": resources,
        "linux": { "deb": { "files": documentation }, "rpm": { "files": documentation } },
    }})
}

/// Copies what was made into one folder, under names that tell the two kinds apart.
fn collect(made: &Path, into: &Path, slim: bool) -> TaskResult {
    fs::create_dir_all(into).at("create", into)?;
    for folder in fs::read_dir(made).at("read", made)? {
        let folder = folder.at("read", made)?.path();
        for file in fs::read_dir(&folder).into_iter().flatten() {
            let file = file.at("read", &folder)?.path();
            let is_installer = file.is_file()
                && file
                    .extension()
                    .is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)));
            let Some(name) = file.file_name().filter(|_| is_installer) else { continue };
            let name = name.to_string_lossy().to_lowercase();
            let name = if slim { name.replacen("resident", "resident-slim", 1) } else { name };
            fs::copy(&file, into.join(&name)).at("copy", &file)?;
            println!("  {}", into.join(name).display());
        }
    }
    Ok(())
}
