//! Databases of earlier versions.

use std::path::Path;
use std::sync::Arc;

use resident_store::{ManualClock, PassageFilter, PassageScope, Store, StoreError};
use rusqlite::{Connection, types::Value};

use crate::support::NOW_MS;

/// A database of schema 1 with rows in every table.
const SCHEMA_1: &str = include_str!("fixtures/schema_1.sql");

/// The tables that hold what people and agents wrote, each with its columns.
fn tables(connection: &Connection) -> Vec<(String, Vec<String>)> {
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    texts("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '%\\_text\\_%' ESCAPE '\\'")
        .into_iter()
        .map(|table| {
            let columns = texts(&format!("SELECT name FROM pragma_table_info('{table}')"));
            (table, columns)
        })
        .collect()
}

/// Columns that a later schema has not; what stood in them is elsewhere.
const GONE: [(&str, &str); 2] = [("passages", "agent_id"), ("passage_tags", "agent_id")];

fn rows(connection: &Connection, (table, columns): &(String, Vec<String>)) -> Vec<Vec<Value>> {
    let list = columns.join(", ");
    let mut statement = connection.prepare(&format!("SELECT {list} FROM {table} ORDER BY {list}")).unwrap();
    let rows = statement.query_map([], |row| (0..columns.len()).map(|column| row.get(column)).collect());
    rows.unwrap().map(Result::unwrap).collect()
}

fn furnish(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join("resident.db")).unwrap();
    connection.execute_batch(SCHEMA_1).unwrap();
    connection
}

fn open(folder: &Path) -> Result<Store, StoreError> {
    Store::open(folder, Arc::new(ManualClock::at(NOW_MS)))
}

#[test]
fn a_database_of_the_first_schema_keeps_every_row_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let old = furnish(folder.path());
    let mut tables = tables(&old);
    for (table, columns) in &mut tables {
        columns.retain(|column| !GONE.contains(&(table, column)));
    }
    let before: Vec<_> = tables.iter().map(|table| rows(&old, table)).collect();
    assert!(tables.len() >= 15 && before.iter().all(|rows| !rows.is_empty()), "every table has rows: {tables:?}");
    drop(old);
    drop(open(folder.path()).unwrap());

    let new = Connection::open(folder.path().join("resident.db")).unwrap();
    for (table, before) in tables.iter().zip(before) {
        assert_eq!(rows(&new, table), before, "{}", table.0);
    }
    let backups = resident_store::list_backups(folder.path()).unwrap();
    assert_eq!(backups.iter().map(|backup| backup.schema).collect::<Vec<_>>(), [1], "there is a way back");
}

#[test]
fn a_database_of_the_first_schema_works_like_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    drop(furnish(folder.path()));
    let store = open(folder.path()).unwrap();
    assert_eq!(store.quick_check().unwrap(), [""; 0]);
    store
        .read(|r| {
            let agents = r.agents(false)?;
            let ada = agents.iter().find(|agent| agent.name == "Ada").unwrap();
            assert_eq!((ada.tags.len(), &ada.letta), (0, &serde_json::json!({})));
            assert_eq!(r.blocks_of(&ada.id)?[0].value, "Likes coffee.");
            assert_eq!(r.latest_turn(&ada.id)?.unwrap().options, serde_json::json!({}));
            assert_eq!(r.messages_before(&ada.id, None, 10)?.len(), 2, "the third is in the bin");
            assert_eq!(r.window_messages(&ada.id)?.len(), 1, "the window begins where it began");
            assert_eq!(r.latest_summary(&ada.id)?.unwrap().text, "They looked for an umbrella.");
            let passages = r.passages(&PassageFilter::of(&ada.id))?.0;
            assert_eq!(passages.len(), 2);
            assert_eq!(passages[0].tags, ["things", "colour"]);
            assert_eq!(passages[0].agent_id, Some(ada.id.clone()), "in an archive of its own");
            let bin = PassageFilter { deleted: true, ..PassageFilter::of(&ada.id) };
            assert_eq!(r.passages(&bin)?.1, 1);
            let cid = r.agents(true)?.remove(0);
            assert_eq!(r.archives_in(&PassageScope::Agent(cid.id))?, [], "who saved nothing has no archive");
            let found = r.search_passages_text(&PassageFilter::of(&ada.id), "umbrella", [1.0; 3], 10)?;
            assert_eq!(found.len(), 2);
            assert_eq!(r.tag_counts(&ada.id)?, [("colour".to_owned(), 2), ("things".to_owned(), 2)]);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    store.write(|w| w.mark_interrupted(NOW_MS)).unwrap();
    store.rebuild_derived().unwrap();
}
