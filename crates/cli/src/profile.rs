//! `resident doctor`, and what can be done about a profile that does not open.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use resident_app::api::{ApiError, ErrorCode, HealthCheck, Nothing};
use resident_app::{App, list_backups, restore_backup};

use crate::output::{Output, time};

#[derive(Args)]
pub(crate) struct DoctorArguments {
    /// Put the newest backup in the place of the database; what is there now is kept beside it
    #[arg(long)]
    restore: bool,
}

/// Restores the newest backup when that was asked for.
pub(crate) fn restore_if_asked(
    arguments: &DoctorArguments,
    folder: &Path,
    output: Output,
) -> Result<Option<ExitCode>, ApiError> {
    if !arguments.restore {
        return Ok(None);
    }
    let newest = list_backups(folder)?.into_iter().next().ok_or_else(|| ApiError {
        code: ErrorCode::NotFound,
        message: format!("There is no backup in `{}`.", folder.display()),
        hint: None,
    })?;
    restore_backup(folder, &newest.path)?;
    output.value(&newest, |backup| format!("Restored the backup of {}.", time(backup.created_at_ms)));
    Ok(Some(ExitCode::SUCCESS))
}

/// Names the backup that would help a damaged profile.
pub(crate) fn with_backups(error: ApiError, folder: &Path) -> ApiError {
    if error.code != ErrorCode::Profile {
        return error;
    }
    let Some(newest) = list_backups(folder).ok().and_then(|backups| backups.into_iter().next()) else { return error };
    let offer = format!("`resident doctor --restore` brings back the backup of {}.", time(newest.created_at_ms));
    let hint = error.hint.map_or_else(|| offer.clone(), |hint| format!("{hint} {offer}"));
    ApiError { hint: Some(hint), ..error }
}

/// Checks everything; the exit code tells whether all is well.
pub(crate) fn check(app: &App, output: Output) -> Result<ExitCode, ApiError> {
    let checks = app.check_health(Nothing {})?;
    let line = |check: &HealthCheck| {
        format!("{}  {}: {}", if check.ok { "ok     " } else { "problem" }, check.name, check.message)
    };
    output.value(&checks, |checks| checks.iter().map(line).collect::<Vec<_>>().join("\n"));
    Ok(if checks.iter().all(|check| check.ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
