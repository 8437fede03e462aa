//! What can be done about a profile that does not open: its backups, and putting one in the place of the database.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::api::ApiError;

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
