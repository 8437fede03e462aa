//! The model hub's addresses and its cache on this computer, in hf-hub's types.
//!
//! Only names, revisions and the layout of the cache come from hf-hub; its transfer starts again at zero when a
//! download breaks, so ours is in `download`. `HF_ENDPOINT` names another hub, as it does for every program that
//! speaks to one; `HF_HUB_CACHE` and `HF_HOME` say where files may lie that another program has fetched before.

use std::path::PathBuf;

use hf_hub::{Cache, Repo, RepoType};
use reqwest::Url;

use crate::LibraryError;
use crate::http::HttpError;
use crate::manifest::{FileEntry, HubSource};

/// Where models come from when nothing else is said.
const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// The hub and what this computer already has of it.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Base address.
    pub endpoint: String,
    /// The cache that programs share.
    pub cache: Option<PathBuf>,
}

impl Hub {
    /// The hub that the environment names, or the public one.
    pub fn from_env() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
        let cache = match variable("HF_HUB_CACHE") {
            Some(path) => Some(PathBuf::from(path)),
            None if variable("HF_HOME").is_some() || std::env::home_dir().is_some() => {
                Some(Cache::from_env().path().clone())
            }
            // hf-hub would panic without a home.
            None => None,
        };
        Self { endpoint: variable("HF_ENDPOINT").unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned()), cache }
    }

    /// The address of a file.
    pub(crate) fn url(&self, source: &HubSource, file: &FileEntry) -> Result<Url, LibraryError> {
        let repo = repo(source);
        // A branch may contain a slash, which the hub wants escaped.
        let revision = repo.revision().replace('/', "%2F");
        let text =
            format!("{}/{}/resolve/{revision}/{}", self.endpoint.trim_end_matches('/'), source.repo, file.hub_path());
        Url::parse(&text).map_err(|_| HttpError::Address { url: text }.into())
    }

    /// Where the shared cache has the file, if it does.
    pub(crate) fn cached(&self, source: &HubSource, file: &FileEntry) -> Option<PathBuf> {
        let repo = Cache::new(self.cache.clone()?).repo(repo(source));
        // A commit has a folder of its own name; a branch has a reference to one.
        let by_commit = repo.pointer_path(&source.revision).join(file.hub_path());
        if by_commit.is_file() { Some(by_commit) } else { repo.get(file.hub_path()) }
    }
}

fn repo(source: &HubSource) -> Repo {
    Repo::with_revision(source.repo.clone(), RepoType::Model, source.revision.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> FileEntry {
        FileEntry { name: name.into(), bytes: 1, sha256: None, hub_path: None, wheel_member: None }
    }

    #[test]
    fn addresses_are_those_of_the_hub() {
        let hub = Hub { endpoint: "http://127.0.0.1:9/".into(), cache: None };
        let source = HubSource { repo: "owner/model".into(), revision: "refs/pr/1".into() };
        let url = hub.url(&source, &file("a.gguf")).expect("an address");
        assert_eq!(url.as_str(), "http://127.0.0.1:9/owner/model/resolve/refs%2Fpr%2F1/a.gguf");
    }

    #[test]
    fn a_file_in_the_shared_cache_is_found_by_commit_and_by_branch() {
        let folder = tempfile::tempdir().expect("a folder");
        let repo = folder.path().join("models--owner--model");
        std::fs::create_dir_all(repo.join("snapshots/abc")).expect("made");
        std::fs::create_dir_all(repo.join("refs")).expect("made");
        std::fs::write(repo.join("snapshots/abc/a.gguf"), "x").expect("written");
        std::fs::write(repo.join("refs/main"), "abc").expect("written");
        let hub = Hub { endpoint: String::new(), cache: Some(folder.path().to_owned()) };
        for revision in ["abc", "main"] {
            let source = HubSource { repo: "owner/model".into(), revision: revision.into() };
            assert!(hub.cached(&source, &file("a.gguf")).is_some(), "{revision}");
            assert!(hub.cached(&source, &file("b.gguf")).is_none());
        }
    }
}
