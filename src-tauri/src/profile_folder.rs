//! Which folder holds the profile. `RESIDENT_HOME` comes first, then the folder that a person chose when the usual one
//! could not be opened, then the usual one. The choice is one line of text beside the window's remembered size.

use std::fs;
use std::path::PathBuf;

use resident_app::api::{ApiError, ErrorCode};

/// The name of the file with the chosen folder.
const FILE: &str = "profile-folder";

/// Knows and changes the folder of the profile.
pub(crate) struct ProfileFolder {
    config_folder: PathBuf,
}

impl ProfileFolder {
    /// Reads and writes the choice in this folder.
    pub(crate) fn new(config_folder: PathBuf) -> Self {
        Self { config_folder }
    }

    /// The folder that is opened.
    pub(crate) fn current(&self) -> PathBuf {
        self.chosen().unwrap_or_else(resident_app::default_profile_folder)
    }

    fn chosen(&self) -> Option<PathBuf> {
        if std::env::var_os("RESIDENT_HOME").is_some() {
            return None;
        }
        let line = fs::read_to_string(self.config_folder.join(FILE)).ok()?;
        let folder = line.trim();
        (!folder.is_empty()).then(|| PathBuf::from(folder))
    }

    /// Opens this folder from now on.
    ///
    /// # Errors
    /// When the choice cannot be written down.
    pub(crate) fn choose(&self, folder: PathBuf) -> Result<(), ApiError> {
        let write = || {
            fs::create_dir_all(&self.config_folder)?;
            fs::write(self.config_folder.join(FILE), folder.to_string_lossy().as_bytes())
        };
        write().map_err(|error| ApiError {
            code: ErrorCode::Profile,
            message: format!("The choice of `{}` could not be remembered: {error}.", folder.display()),
            hint: Some("Set RESIDENT_HOME to that folder and start Resident again.".to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_folder_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        assert_eq!(ProfileFolder::new(config.clone()).chosen(), None);
        ProfileFolder::new(config.clone()).choose(folder.path().join("a profile")).unwrap();
        assert_eq!(ProfileFolder::new(config).chosen(), Some(folder.path().join("a profile")));
    }
}
