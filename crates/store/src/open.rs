//! Opening a profile: what is looked at, put right, kept a copy of and brought up to date before anybody reads or writes.
//! A profile that is refused is left as it was.
//!
//! To check and to copy a large database takes minutes, for which nobody should wait: that is left to the
//! [`crate::housekeeping`] beside whoever uses it, unless the last check found damage.

use std::path::Path;

use rusqlite::{Connection, MAIN_DB};

use crate::housekeeping::Chore;
use crate::migration::{self, NEWEST};
use crate::profile::Profile;
use crate::{StoreError, backup, connection, sql};

/// A database of up to so many bytes is checked and copied in about a second.
const SOON_READ_BYTES: u64 = 256 << 20;

/// A profile that was opened.
pub(crate) struct OpenProfile {
    /// The profile, locked.
    pub(crate) profile: Profile,
    /// The connection that writes to its database.
    pub(crate) writer: Connection,
    /// What is left to be done while it is used.
    pub(crate) later: Vec<Chore>,
}

/// Opens the profile in `folder`.
pub(crate) fn open(folder: &Path, now_ms: i64) -> Result<OpenProfile, StoreError> {
    connection::check_sqlite_version(folder)?;
    let profile = Profile::lock(folder)?;
    backup::finish_restore(&profile)?;
    let path = profile.database();
    if backup::lost_database(folder)? {
        let details = "it is missing or empty, although there are backups of it".to_owned();
        return Err(StoreError::Corrupt { path, details });
    }
    let found = if path.exists() { connection::schema_of(&path)? } else { 0 };
    let unclean = profile.was_running();
    profile.mark_running()?;
    match prepare(&profile, (found, unclean), now_ms) {
        Ok((writer, later)) => Ok(OpenProfile { profile, writer, later }),
        Err(error) => {
            // What was refused was not used; but if the run before ended badly, the next open must look again.
            if !unclean {
                profile.mark_closed();
            }
            Err(error)
        }
    }
}

/// The connection that writes, to a database that was checked, backed up and migrated as needed, and what is left to do.
fn prepare(
    profile: &Profile,
    (found, unclean): (i64, bool),
    now_ms: i64,
) -> Result<(Connection, Vec<Chore>), StoreError> {
    let path = profile.database();
    let sqlite = |error| StoreError::from_sqlite(&path, error);
    let mut writer = connection::open_writer(&path).map_err(sqlite)?;
    if writer.is_readonly(MAIN_DB).map_err(sqlite)? {
        return Err(StoreError::ReadOnly { folder: profile.folder().to_owned() });
    }
    let large = std::fs::metadata(&path).is_ok_and(|file| file.len() > SOON_READ_BYTES);
    let mut later = Vec::new();
    let check_later = unclean && large && found == NEWEST && !profile.is_in_doubt();
    if check_later {
        later.push(Chore::Check);
    }
    let derived_is_sound = !unclean || check_later || found == 0 || check(profile, &writer)?;
    match found {
        0 => migration::migrate(&mut writer, found).map_err(sqlite)?,
        NEWEST if large => later.push(Chore::BackUp),
        NEWEST => back_up_daily(profile, &writer, now_ms)?,
        // An old schema is left only with a way back.
        _ => {
            backup::back_up(profile.folder(), &writer, (found, now_ms))?;
            migration::migrate(&mut writer, found).map_err(sqlite)?;
        }
    }
    sql::in_transaction(&mut writer, &path, |w| w.begin_vector_epoch())?;
    if !derived_is_sound {
        tracing::warn!(folder = %profile.folder().display(), "the search tables were damaged: making them anew");
        sql::in_transaction(&mut writer, &path, sql::rebuild_derived)?;
    }
    profile.forget_doubt();
    Ok((writer, later))
}

/// Looks for damage after a run that did not close; says whether the derived data is sound too.
fn check(profile: &Profile, writer: &Connection) -> Result<bool, StoreError> {
    tracing::info!(folder = %profile.folder().display(), "the last run did not close the profile: checking it");
    let path = profile.database();
    let problems = connection::quick_check(writer).map_err(|error| StoreError::from_sqlite(&path, error))?;
    match problems.iter().find(|problem| !connection::is_about_derived_data(problem)) {
        Some(problem) => Err(StoreError::Corrupt { path, details: problem.clone() }),
        None => Ok(problems.is_empty()),
    }
}

/// Makes the backup of the day. A day without one is better than a profile that cannot be opened on a full disk; that
/// the database turns out to be damaged is not passed over.
fn back_up_daily(profile: &Profile, writer: &Connection, now_ms: i64) -> Result<(), StoreError> {
    let due = backup::is_due(profile.folder(), now_ms);
    let made = due.and_then(|due| match due {
        true => backup::back_up(profile.folder(), writer, (NEWEST, now_ms)).map(drop),
        false => Ok(()),
    });
    match made {
        Ok(()) => Ok(()),
        Err(StoreError::Corrupt { details, .. }) => Err(StoreError::Corrupt { path: profile.database(), details }),
        Err(error) => {
            tracing::warn!(folder = %profile.folder().display(), %error, "could not make the backup of the day");
            Ok(())
        }
    }
}
