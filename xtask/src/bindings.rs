//! The TypeScript of the application API: one file a type, one with all methods, one that exports everything. It is
//! made from the Rust types and committed, so that the interface can be worked on without a Rust build; `--check`
//! keeps the two from drifting apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use resident_app::api::{export_types, typescript_methods};
use ts_rs::Config;

/// Why the bindings cannot be written or are not right.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindingsError {
    /// A file or folder could not be read or written.
    #[error("could not {action} `{path}`: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A type has no TypeScript form.
    #[error("a type of the application API cannot be exported: {0}")]
    Export(#[from] ts_rs::ExportError),
    /// What is committed differs from what the Rust types say.
    #[error("`{path}` is not what the Rust types say; run `cargo xtask bindings` and commit the result")]
    Stale {
        /// The first file that differs.
        path: PathBuf,
    },
}

type BindingsResult<T = ()> = Result<T, BindingsError>;

/// An error of the file system with what was tried and where, to be used with `map_err`.
fn at(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> BindingsError {
    move |source| BindingsError::File { action, path: path.into(), source }
}

/// What every generated file begins with.
const HEADER: &str = "// Generated from crates/app. Do not edit.\n";

/// Files by their path relative to the folder of generated files.
type Files = BTreeMap<PathBuf, String>;

fn folder(root: &Path) -> PathBuf {
    root.join("ui").join("src").join("backend").join("generated")
}

/// Writes all files; what is there and no longer generated goes.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(root: &Path) -> BindingsResult {
    let (folder, files) = (folder(root), generate(root)?);
    for stale in read_all(&folder)?.into_keys().filter(|path| !files.contains_key(path)) {
        let path = folder.join(stale);
        fs::remove_file(&path).map_err(at("remove", path))?;
    }
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at("create", parent))?;
        }
        fs::write(&path, text).map_err(at("write", path))?;
    }
    println!("{} is up to date", folder.display());
    Ok(())
}

/// Compares what is committed with what would be written.
///
/// # Errors
/// [`BindingsError::Stale`] with the first file that differs.
pub(crate) fn check(root: &Path) -> BindingsResult {
    let (folder, wanted) = (folder(root), generate(root)?);
    let committed = read_all(&folder)?;
    let paths: BTreeSet<&PathBuf> = wanted.keys().chain(committed.keys()).collect();
    match paths.into_iter().find(|path| wanted.get(*path) != committed.get(*path)) {
        Some(path) => Err(BindingsError::Stale { path: folder.join(path) }),
        None => Ok(()),
    }
}

fn generate(root: &Path) -> BindingsResult<Files> {
    let scratch = root.join("target").join("xtask").join("bindings");
    if scratch.exists() {
        fs::remove_dir_all(&scratch).map_err(at("empty", &scratch))?;
    }
    let config = Config::new().with_out_dir(&scratch).with_large_int("number");
    export_types(&config)?;
    let mut files: Files = read_all(&scratch)?.into_iter().map(|(path, text)| (path, with_own_header(&text))).collect();
    let names: BTreeSet<String> = files.keys().filter(|path| is_top_level(path)).map(|path| stem(path)).collect();
    let methods = methods(&typescript_methods(&config), &names);
    files.insert("Methods.ts".into(), methods);
    let methods_too = names.iter().map(String::as_str).chain(["Methods"]).collect::<BTreeSet<&str>>();
    let exports = methods_too.iter().map(|name| format!("export type * from \"./{name}\";\n"));
    files.insert("index.ts".into(), HEADER.to_owned() + &exports.collect::<String>());
    Ok(files)
}

/// The interface of all methods, with imports of the types that it names.
fn methods(interface: &str, names: &BTreeSet<String>) -> String {
    let words: BTreeSet<&str> = interface
        .lines()
        .filter(|line| !line.trim_start().starts_with("/**"))
        .flat_map(|line| line.split(|c: char| !c.is_alphanumeric()))
        .collect();
    let imports = names.iter().filter(|name| words.contains(name.as_str()));
    let imports: String = imports.map(|name| format!("import type {{ {name} }} from \"./{name}\";\n")).collect();
    format!("{HEADER}{imports}\n{interface}")
}

/// Replaces the first line, which names the generator, by one that names the source.
fn with_own_header(text: &str) -> String {
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    let rest: Vec<&str> = rest.lines().map(str::trim_end).collect();
    format!("{HEADER}{}\n", rest.join("\n"))
}

fn is_top_level(path: &Path) -> bool {
    path.components().count() == 1
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// All files below a folder; none where there is no such folder.
fn read_all(folder: &Path) -> BindingsResult<Files> {
    let mut files = Files::new();
    let mut open = vec![folder.to_owned()];
    while let Some(place) = open.pop().filter(|place| place.is_dir()) {
        for entry in fs::read_dir(&place).map_err(at("read", &place))? {
            let path = entry.map_err(at("read", &place))?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let text = fs::read_to_string(&path).map_err(at("read", &path))?;
                files.insert(path.strip_prefix(folder).unwrap_or(&path).to_owned(), text);
            }
        }
    }
    Ok(files)
}
