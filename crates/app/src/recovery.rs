//! Copies of a whole profile: its own backups, backups as files, and putting one in the place of the database. Keys are
//! in no copy: they stay in the keyring of the computer.

use std::path::{Path, PathBuf};

use resident_store::StoreError;
use serde::Serialize;

use crate::App;
use crate::api::{ApiError, ErrorCode};

/// A backup of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileBackup {
    /// Its file.
    pub path: PathBuf,
    /// When it was made.
    pub created_at_ms: i64,
    /// Its size.
    pub size_bytes: u64,
}

/// The backups of a profile, newest first.
///
/// # Errors
/// When the folder cannot be read.
pub fn list_backups(folder: &Path) -> Result<Vec<ProfileBackup>, ApiError> {
    let backups = resident_store::list_backups(folder)?;
    Ok(backups
        .into_iter()
        .map(|backup| ProfileBackup {
            path: backup.path,
            created_at_ms: backup.created_at_ms,
            size_bytes: backup.bytes,
        })
        .collect())
}

/// Puts a backup in the place of the database; the damaged file is kept beside it.
///
/// # Errors
/// When the profile is open, there is no such backup, or it cannot be put there.
pub fn restore_backup(folder: &Path, path: &Path) -> Result<(), ApiError> {
    let backups = resident_store::list_backups(folder)?;
    let backup = backups.into_iter().find(|backup| backup.path == path);
    let backup = backup.ok_or_else(|| ApiError::not_found("backup", &path.display().to_string()))?;
    Ok(resident_store::restore_backup(folder, &backup)?)
}

/// Puts a backup from anywhere in the place of the database of the profile in `folder`; what was there is kept beside it.
/// A profile that was never opened is made by it.
///
/// # Errors
/// When the profile is open, or the file is no sound backup. The profile is as it was then.
pub fn restore_file(folder: &Path, file: &Path) -> Result<(), ApiError> {
    if !file.is_file() {
        return Err(ApiError::not_found("file", &file.display().to_string()));
    }
    resident_store::restore_file(folder, file).map_err(|error| match error {
        StoreError::Corrupt { path, details } if path == file => {
            ApiError::invalid(format!("{} is no backup of Resident: {details}.", file.display()))
                .with_hint("The profile was not changed.")
        }
        error => error.into(),
    })
}

impl App {
    /// Writes the whole profile, but for keys and model files, into one file and gives its size in bytes. The copy is
    /// there whole or not at all.
    ///
    /// # Errors
    /// When the file is there already and `replace` is not asked for, or cannot be written.
    pub fn back_up_to(&self, file: &Path, replace: bool) -> Result<u64, ApiError> {
        if file.exists() && !replace {
            let error = ApiError::new(ErrorCode::Conflict, format!("{} is there already.", file.display()));
            return Err(error.with_hint("Choose another name, or ask for it to be replaced."));
        }
        self.store.back_up_to(file)?;
        Ok(std::fs::metadata(file).map(|metadata| metadata.len()).unwrap_or_default())
    }
}
