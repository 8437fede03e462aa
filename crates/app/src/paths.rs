//! Where things are: the profile's folder and, in it, the log and the models.

use std::path::{Path, PathBuf};

/// The environment variable that names the profile's folder.
const HOME_VARIABLE: &str = "RESIDENT_HOME";

/// The environment variable that names a folder with models, beside those that came with the program.
const MODELS_VARIABLE: &str = "RESIDENT_MODELS";

/// The profile's folder: `RESIDENT_HOME`, or the place where this system keeps the data of programs.
pub fn default_profile_folder() -> PathBuf {
    let chosen = std::env::var_os(HOME_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    chosen.unwrap_or_else(|| {
        let folders = directories::ProjectDirs::from("app", "Resident", "Resident");
        folders.map_or_else(|| PathBuf::from(".resident"), |folders| folders.data_dir().to_owned())
    })
}

/// The folder of `RESIDENT_MODELS`, if it names one.
pub(crate) fn models_of_environment() -> Option<PathBuf> {
    std::env::var_os(MODELS_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The folder of downloaded models.
pub(crate) fn models(profile: &Path) -> PathBuf {
    profile.join("models")
}

/// The log's file.
pub(crate) fn log(profile: &Path) -> PathBuf {
    profile.join("resident.log")
}
