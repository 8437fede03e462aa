//! A home that nothing else has touched: every folder that a program of a desktop writes to is inside one temporary
//! folder. It lives on between two starts of a journey.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A home folder for one journey.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// An empty home.
    ///
    /// # Panics
    /// When it cannot be created.
    pub fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().expect("a temporary folder can be created") };
        for (_, folder) in home.folders() {
            std::fs::create_dir_all(&folder).expect("folders of a temporary home can be created");
        }
        home
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the profile, which is named outright so that a journey can look at it.
    pub fn profile(&self) -> PathBuf {
        self.path().join("profile")
    }

    /// Where a browser in this home leaves what it was given.
    pub fn downloads(&self) -> PathBuf {
        self.path().join("downloads")
    }

    fn folders(&self) -> Vec<(&'static str, PathBuf)> {
        let in_home = |name: &str| self.path().join(name);
        vec![
            ("HOME", self.path().to_owned()),
            ("XDG_CONFIG_HOME", in_home("config")),
            ("XDG_DATA_HOME", in_home("data")),
            ("XDG_CACHE_HOME", in_home("cache")),
            ("XDG_STATE_HOME", in_home("state")),
            ("XDG_RUNTIME_DIR", in_home("run")),
        ]
    }

    /// Lets a command live here, with the models of the workspace and without a display of its own.
    pub fn settle<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let models = crate::models().map(|folder| ("RESIDENT_MODELS", folder));
        command
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .envs(self.folders())
            .env("RESIDENT_HOME", self.profile())
            .envs(models)
            .env("LC_ALL", "C.UTF-8")
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}
