//! Licences of everything that the program is built from: crates out of `cargo metadata`, npm packages out of the lock
//! file. The list is committed as `crates/app/licences.json`, so that the application shows it without looking for
//! anything at run time; the texts are gathered when an installer is made, from the sources that cargo and npm keep.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::{AtPath, TaskError, TaskResult};
use crate::process::output_of;
use crate::setup::cargo_command;

/// What is shipped; tools and test doubles are not.
const SHIPPED: [&str; 2] = ["resident-desktop", "resident-cli"];

/// npm packages that end up in the bundle although they are tools by their place in `package.json`.
const BUNDLED_TOOLS: [&str; 1] = ["svelte"];

/// What to do with the list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write it.
    Write,
    /// Compare it with what is committed.
    Check,
}

/// One part of the program.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    name: String,
    version: String,
    licence: String,
    source: String,
    /// Where its sources lie.
    folder: PathBuf,
}

/// Writes or checks the list of licences.
///
/// # Errors
/// When cargo fails, a file cannot be read or written, or the list is stale.
pub(crate) fn licences(root: &Path, mode: Mode) -> TaskResult {
    let list: Vec<Value> = parts(root)?
        .iter()
        .map(|part| json!({ "name": part.name, "version": part.version, "licence": part.licence, "source": part.source }))
        .collect();
    let lines: Vec<String> = list.iter().map(Value::to_string).collect();
    let text = format!("[\n{}\n]\n", lines.join(",\n"));
    let path = root.join("crates").join("app").join("licences.json");
    match mode {
        Mode::Write => fs::write(&path, text).at("write", path),
        Mode::Check if fs::read_to_string(&path).is_ok_and(|committed| committed == text) => Ok(()),
        Mode::Check => Err(TaskError::Stale { path, command: "cargo xtask licences" }),
    }
}

/// Writes the texts of all licences into one file.
///
/// # Errors
/// When cargo fails or a file cannot be read or written.
pub(crate) fn write_texts(root: &Path, path: &Path) -> TaskResult {
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for part in parts(root)? {
        for text in licence_texts(&part.folder)? {
            owners.entry(text).or_default().push(format!("{} {} ({})", part.name, part.version, part.licence));
        }
    }
    let mut all = String::from("Resident contains the following parts, under these licences.\n");
    for (text, parts) in owners {
        write!(all, "\n{}\n{}\n\n{}\n", "=".repeat(100), parts.join("\n"), text.trim_end())
            .expect("writing to a string does not fail");
    }
    fs::write(path, all).at("write", path)
}

fn licence_texts(folder: &Path) -> TaskResult<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).at("read", folder)? {
        let entry = entry.at("read", folder)?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        let is_licence = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "OFL"].iter().any(|start| name.starts_with(start));
        if is_licence && entry.path().is_file() {
            texts.push(String::from_utf8_lossy(&fs::read(entry.path()).at("read", entry.path())?).into_owned());
        }
    }
    Ok(texts)
}

fn parts(root: &Path) -> TaskResult<BTreeSet<Part>> {
    Ok(crates(root)?.into_iter().chain(npm_packages(root)?).collect())
}

/// The crates that the shipped programs link, for all systems that they are built for.
fn crates(root: &Path) -> TaskResult<Vec<Part>> {
    let printed = output_of(&mut cargo_command(root, &["metadata", "--format-version", "1", "--locked", "--quiet"]))?;
    let metadata: Value =
        serde_json::from_slice(&printed).map_err(|source| TaskError::Output { program: "cargo metadata", source })?;
    let linked = linked_packages(&metadata);
    Ok(items(&metadata["packages"])
        .filter(|package| linked.contains(text(&package["id"])))
        .filter(|package| !package["source"].is_null())
        .map(|package| Part {
            name: text(&package["name"]).to_owned(),
            version: text(&package["version"]).to_owned(),
            licence: licence(&package["license"]),
            source: text(&package["repository"]).to_owned(),
            folder: Path::new(text(&package["manifest_path"])).parent().unwrap_or(root).to_owned(),
        })
        .collect())
}

/// Ids of all packages that are reached from the shipped ones without passing a build or test dependency.
fn linked_packages(metadata: &Value) -> BTreeSet<&str> {
    let nodes: BTreeMap<&str, &Value> =
        items(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();
    let is_shipped = |package: &&Value| SHIPPED.contains(&text(&package["name"]));
    let mut open: Vec<&str> =
        items(&metadata["packages"]).filter(is_shipped).map(|package| text(&package["id"])).collect();
    let mut linked = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !linked.insert(id) {
            continue;
        }
        let dependencies = nodes.get(id).map(|node| items(&node["deps"])).into_iter().flatten();
        open.extend(dependencies.filter(|dependency| is_linked(dependency)).map(|dependency| text(&dependency["pkg"])));
    }
    linked
}

fn is_linked(dependency: &Value) -> bool {
    items(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null())
}

/// The npm packages that are bundled into the UI.
fn npm_packages(root: &Path) -> TaskResult<Vec<Part>> {
    let path = root.join("ui").join("package-lock.json");
    let lock: Value = serde_json::from_slice(&fs::read(&path).at("read", &path)?)
        .map_err(|source| TaskError::Output { program: "npm (package-lock.json)", source })?;
    let packages = lock["packages"].as_object().into_iter().flatten();
    Ok(packages
        .filter_map(|(place, package)| Some((place.strip_prefix("node_modules/")?, package)))
        .filter(|(name, package)| package["dev"] != true || BUNDLED_TOOLS.contains(name))
        .filter(|(_, package)| package["optional"] != true && package["peer"] != true)
        .map(|(name, package)| npm_part(root, name, package))
        .collect())
}

/// One npm package; what the lock file does not say is in the package's own description.
fn npm_part(root: &Path, name: &str, locked: &Value) -> Part {
    let folder = root.join("ui").join("node_modules").join(name);
    let own = fs::read(folder.join("package.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let own: Value = own.unwrap_or_default();
    let repository = own["repository"].as_str().unwrap_or_else(|| text(&own["repository"]["url"]));
    let source = repository.trim_start_matches("git+").trim_end_matches(".git");
    let licence_of = if locked["license"].is_null() { &own["license"] } else { &locked["license"] };
    Part {
        name: name.to_owned(),
        version: text(&locked["version"]).to_owned(),
        licence: if licence_of.is_null() { licence_by_text(&folder) } else { licence(licence_of) },
        source: source.to_owned(),
        folder,
    }
}

/// The licence of a package that names none, by the title of its text.
fn licence_by_text(folder: &Path) -> String {
    let texts = licence_texts(folder).unwrap_or_default();
    let is_mit = texts.iter().any(|text| text.trim_start().starts_with("MIT License"));
    if is_mit { "MIT".to_owned() } else { licence(&Value::Null) }
}

fn licence(value: &Value) -> String {
    value.as_str().map_or_else(|| "see the part's own files".to_owned(), |spdx| spdx.replace('/', " OR "))
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
