//! The numbered steps that bring a database to the schema of this program, forward only. All that are missing are done
//! in one transaction, together with the number itself (`user_version`), so that a database always has exactly the
//! schema that it claims. A step that was ever released is never edited: a change is a new step.

use rusqlite::{Connection, TransactionBehavior};

use crate::{
    agent, archive, block, carried, conversation, counts, file, folder, group, identity, letter, mcp_server, message,
    passage, setting, summary, tool, turn, vector,
};

/// "RSDT": tells a database of Resident from any other SQLite file.
pub(crate) const APPLICATION_ID: i64 = 0x5253_4454;

/// The newest schema that this program knows.
pub(crate) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// Each takes a database to the schema of its place, counted from 1.
const MIGRATIONS: &[fn(&Connection) -> rusqlite::Result<()>] = &[
    create,
    keep_alterations,
    keep_what_clients_set,
    have_conversations,
    keep_passages_in_archives,
    know_identities_and_servers,
    have_folders,
    carry_what_files_say,
    have_groups,
    stamp_messages,
    number_vectors,
    count_rows,
];

/// Brings a database from the schema `found` to [`NEWEST`].
pub(crate) fn migrate(connection: &mut Connection, found: i64) -> rusqlite::Result<()> {
    // A table that is made anew is dropped in between, with which all that refers to it would go.
    connection.pragma_update(None, "foreign_keys", false)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (number, migration) in (1..).zip(MIGRATIONS) {
        if number > found {
            migration(&transaction)?;
        }
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", NEWEST)?;
    refuse_broken_references(&transaction)?;
    transaction.commit()?;
    connection.pragma_update(None, "foreign_keys", true)
}

/// Says so when a migration left a row that refers to one that is not there.
fn refuse_broken_references(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    match statement.query([])?.next()? {
        None => Ok(()),
        Some(row) => {
            let table: String = row.get(0)?;
            let constraint = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY);
            Err(rusqlite::Error::SqliteFailure(constraint, Some(format!("a row of {table} refers to nothing"))))
        }
    }
}

fn create(connection: &Connection) -> rusqlite::Result<()> {
    for schema in [
        agent::SCHEMA,
        &block::SCHEMA,
        turn::SCHEMA,
        &message::SCHEMA,
        message::TEXT_SCHEMA,
        &passage::SCHEMA,
        passage::TEXT_SCHEMA,
        summary::SCHEMA,
        vector::SCHEMA,
        setting::SCHEMA,
    ] {
        connection.execute_batch(schema)?;
    }
    Ok(())
}

/// A conversation shows which blocks an agent renamed or removed, and what was undone.
fn keep_alterations(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&block::ALTERATION_SCHEMA)
}

/// Clients of Letta's API set more of an agent, a block, a turn and a message than Resident itself reads, describe tools,
/// and have conversations beside the agent's own thread.
fn keep_what_clients_set(connection: &Connection) -> rusqlite::Result<()> {
    for schema in [
        agent::CLIENT_COLUMNS,
        block::CLIENT_COLUMNS,
        turn::CLIENT_COLUMNS,
        &message::CLIENT_COLUMNS,
        summary::CLIENT_COLUMNS,
        tool::SCHEMA,
    ] {
        connection.execute_batch(schema)?;
    }
    Ok(())
}

/// An agent has threads beside its own.
fn have_conversations(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(conversation::SCHEMA)
}

/// Passages lie in archives, which agents may share.
fn keep_passages_in_archives(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(archive::SCHEMA)?;
    connection.execute_batch(&passage::IN_ARCHIVES)
}

/// Clients keep whom they talk for, and where tools come from.
fn know_identities_and_servers(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(identity::SCHEMA)?;
    connection.execute_batch(mcp_server::SCHEMA)
}

/// Agents read the files of folders.
fn have_folders(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(folder::SCHEMA)?;
    connection.execute_batch(file::SCHEMA)
}

/// Agent files say more than there are columns for, and go out with it again.
fn carry_what_files_say(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(carried::SCHEMA)
}

/// Agents work together, and talk with each other.
fn have_groups(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(group::SCHEMA)?;
    connection.execute_batch(letter::SCHEMA)
}

/// What is kept of a window in memory is known to hold.
fn stamp_messages(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(message::STAMP)
}

/// Indexes of vectors are kept in files and follow the store.
fn number_vectors(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(vector::change::SCHEMA)
}

/// What is told with every turn is not counted every time.
fn count_rows(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(counts::SCHEMA)
}
