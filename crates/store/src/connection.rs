//! How connections to the database are set up: WAL, so that readers and the writer do not wait for each other;
//! `synchronous=FULL` (and [`crate::sync`] instead, once the profile is open), so that what was acknowledged survives a
//! power cut; no memory mapping, so that a bad disk is an error and not a crash; temporary tables in memory, so that no
//! memory of the user lies about in another folder.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::StoreError;
use crate::migration::{APPLICATION_ID, NEWEST};

/// The oldest SQLite that is safe: before it, two connections that checkpoint and commit at once could damage a
/// database in WAL mode (<https://sqlite.org/wal.html>, "The WAL-Reset Bug").
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long a statement waits for another connection, such as a backup tool's. Within the program there is one writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A log of so many pages is moved into the database by whoever writes, should the [`crate::checkpoint`] not keep up.
const LONGEST_LOG_PAGES: i64 = 16_000;

/// The connection that writes; makes the database when it is not there.
pub(crate) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = open(path, flags)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // macOS calls data synced that is still in the disk's own memory, unless it is asked in this way.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    // A long transaction may let the log grow; the next checkpoint gives the room back.
    connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", LONGEST_LOG_PAGES, |_| Ok(()))?;
    Ok(connection)
}

/// A connection that only reads.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // In a memory of a million messages, a search looks at some thousand pages; what it does not need is not taken.
    connection.pragma_update(None, "cache_size", -32_000)?;
    Ok(connection)
}

/// A connection that moves the log into the database and does nothing else.
pub(crate) fn open_checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Plans hold for all values of their parameters. A plan for one value alone would be made anew for every other.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update_and_check(None, "mmap_size", 0, |_| Ok(())).or_else(ignore_no_rows)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// A build without memory mapping answers its pragma with no row, which is as good.
fn ignore_no_rows(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        other => Err(other),
    }
}

/// Refuses to go on with an SQLite that can damage a database.
pub(crate) fn check_sqlite_version(folder: &Path) -> Result<(), StoreError> {
    if rusqlite::version_number() >= OLDEST_SQLITE {
        return Ok(());
    }
    let source = format!("SQLite {} can damage a database; at least 3.51.3 is needed", rusqlite::version()).into();
    Err(StoreError::CannotOpen { folder: folder.to_owned(), source })
}

/// The schema number of the database at `path`, found without changing a byte of it; 0 for a new one.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not a database of Resident, [`StoreError::NewerSchema`] when it is of a version to
/// come.
pub(crate) fn schema_of(path: &Path) -> Result<i64, StoreError> {
    refuse_other_files(path)?;
    let sqlite = |error| StoreError::from_sqlite(path, error);
    let [application, schema, tables] = identify(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .or_else(|error| match error.sqlite_error_code() {
            // A kill in the middle of making the database left a journal, which has to be rolled back to read at all.
            Some(ErrorCode::ReadOnly) => identify(path, OpenFlags::SQLITE_OPEN_READ_WRITE),
            _ => Err(error),
        })
        .map_err(sqlite)?;
    match (application, schema) {
        (APPLICATION_ID, 1..=NEWEST) => Ok(schema),
        (APPLICATION_ID, found) if found > NEWEST => Err(StoreError::NewerSchema { found, known: NEWEST }),
        (0, 0) if tables == 0 => Ok(0),
        _ => Err(StoreError::Corrupt {
            path: path.to_owned(),
            details: "it is a database of another program".to_owned(),
        }),
    }
}

/// The application's number, the schema's number and how many tables and indexes there are.
fn identify(path: &Path, flags: OpenFlags) -> rusqlite::Result<[i64; 3]> {
    let connection = open(path, flags)?;
    // The last connection to close would else move the log into the database.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let number = |sql| connection.query_row(sql, [], |row| row.get(0));
    Ok([
        number("PRAGMA application_id")?,
        number("PRAGMA user_version")?,
        number("SELECT COUNT(*) FROM sqlite_schema")?,
    ])
}

/// Refuses a folder, and what SQLite would take for an empty database and write over: a file shorter than a page.
fn refuse_other_files(path: &Path) -> Result<(), StoreError> {
    const SHORTEST_PAGE: u64 = 512;
    let metadata = std::fs::metadata(path).map_err(|error| StoreError::from_io(path, error))?;
    if metadata.is_file() && !(1..SHORTEST_PAGE).contains(&metadata.len()) {
        return Ok(());
    }
    Err(StoreError::Corrupt { path: path.to_owned(), details: "it is not a database".to_owned() })
}

/// What SQLite's quick check complains about; nothing for a sound database.
pub(crate) fn quick_check(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA quick_check")?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// Whether a complaint of the quick check is about an FTS5 table, which can be made anew from the texts.
pub(crate) fn is_about_derived_data(problem: &str) -> bool {
    ["message_text", "passage_text"].iter().any(|table| problem.contains(&format!("FTS5 table main.{table}")))
}
