//! The two handles that entities hang their queries on: [`Reader`] sees one consistent snapshot, [`Writer`] is one
//! transaction. All SQL goes through their few helpers, which give every error its place ([`StoreError`]).
//!
//! A writer whose statement failed for any reason but a broken constraint may have done half of something. It remembers
//! that, so that a caller who carries on regardless cannot commit the half.

use std::cell::RefCell;
use std::ops::Deref;
use std::path::Path;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, Row, TransactionBehavior, ffi};
use serde::Serialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};

use crate::StoreError;
use crate::message::Windows;

/// One consistent snapshot of the store.
pub struct Reader<'a> {
    connection: &'a Connection,
    path: &'a Path,
    /// What is kept of windows; nothing for a writer.
    windows: Option<&'a Windows>,
}

/// One transaction of the store. Everything that a reader can see, it sees with its own changes.
pub struct Writer<'a> {
    reader: Reader<'a>,
    /// The first failure, after which nothing of this transaction may be committed.
    failure: RefCell<Option<String>>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(connection: &'a Connection, path: &'a Path) -> Self {
        Self { connection, path, windows: None }
    }

    /// The same, with what is kept of windows.
    pub(crate) fn with_windows(self, windows: &'a Windows) -> Self {
        Self { windows: Some(windows), ..self }
    }

    pub(crate) fn windows(&self) -> Option<&'a Windows> {
        self.windows
    }

    pub(crate) fn error(&self, error: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(self.path, error)
    }

    /// The first row, if there is one.
    pub(crate) fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let found = self.connection.prepare_cached(sql).and_then(|mut s| s.query_row(params, row).optional());
        found.map_err(|error| self.error(error))
    }

    /// All rows.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.try_all(sql, params, row).map_err(|error| self.error(error))
    }

    /// All rows, with SQLite's own error.
    pub(crate) fn try_all<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.connection.prepare_cached(sql)?.query_map(params, row)?.collect()
    }

    /// The one value that an aggregate gives.
    pub(crate) fn value<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<T, StoreError> {
        let value = self.connection.prepare_cached(sql).and_then(|mut s| s.query_row(params, |row| row.get(0)));
        value.map_err(|error| self.error(error))
    }

    /// What an aggregate counts.
    pub(crate) fn count(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        self.value::<i64>(sql, params).map(|count| usize::try_from(count).unwrap_or_default())
    }
}

impl<'a> Deref for Writer<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}

impl<'a> Writer<'a> {
    fn new(connection: &'a Connection, path: &'a Path) -> Self {
        Self { reader: Reader::new(connection, path), failure: RefCell::new(None) }
    }

    /// Runs a statement and says how many rows it changed.
    pub(crate) fn execute(&mut self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        self.run(|connection| connection.prepare_cached(sql)?.execute(params)).map_err(|error| self.error(error))
    }

    /// Runs statements without parameters.
    pub(crate) fn execute_batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.run(|connection| connection.execute_batch(sql)).map_err(|error| self.error(error))
    }

    /// Inserts the row of the `what` called `id`, which belongs to the `owner` (what, id); the new rowid.
    pub(crate) fn insert(
        &mut self,
        (what, id): (&'static str, &str),
        owner: (&'static str, &str),
        sql: &str,
        params: impl Params,
    ) -> Result<i64, StoreError> {
        let inserted = self.run(|connection| connection.prepare_cached(sql)?.insert(params));
        inserted.map_err(|error| match error.sqlite_extended_error_code() {
            Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
                StoreError::Duplicate { what, id: id.to_owned() }
            }
            Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => StoreError::NotFound { what: owner.0, id: owner.1.to_owned() },
            _ => self.error(error),
        })
    }

    /// Changes the row of the `what` called `id`.
    pub(crate) fn change(
        &mut self,
        (what, id): (&'static str, &str),
        sql: &str,
        params: impl Params,
    ) -> Result<(), StoreError> {
        match self.execute(sql, params)? {
            0 => Err(StoreError::NotFound { what, id: id.to_owned() }),
            _ => Ok(()),
        }
    }

    fn run<T>(&mut self, statement: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        // A full disk makes SQLite roll back on its own; a statement after that would be a transaction by itself.
        if self.reader.connection.is_autocommit() {
            return Err(rusqlite::Error::SqliteFailure(
                ffi::Error::new(ffi::SQLITE_ABORT_ROLLBACK),
                self.failure.borrow().clone(),
            ));
        }
        let result = statement(self.reader.connection);
        if let Err(error) = &result
            && error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation)
        {
            self.failure.borrow_mut().get_or_insert_with(|| error.to_string());
        }
        result
    }
}

/// Runs `f` as one transaction.
pub(crate) fn in_transaction<T, E: From<StoreError>>(
    connection: &mut Connection,
    path: &Path,
    f: impl FnOnce(&mut Writer<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let sqlite = |error| StoreError::from_sqlite(path, error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    let mut writer = Writer::new(&transaction, path);
    // An early return drops the transaction, which rolls it back.
    let value = f(&mut writer)?;
    if let Some(details) = writer.failure.into_inner() {
        return Err(StoreError::RolledBack { details }.into());
    }
    transaction.commit().map_err(sqlite)?;
    Ok(value)
}

/// Makes the tables for searching by words anew from the texts.
pub(crate) fn rebuild_derived(writer: &mut Writer<'_>) -> Result<(), StoreError> {
    writer.rebuild_message_text()?;
    writer.rebuild_passage_text()
}

/// The fields of a row, taken one after the other.
pub(crate) struct Fields<'row, 'stmt> {
    row: &'row Row<'stmt>,
    taken: usize,
}

impl<'row, 'stmt> Fields<'row, 'stmt> {
    pub(crate) fn of(row: &'row Row<'stmt>) -> Self {
        Self { row, taken: 0 }
    }

    /// The next field.
    pub(crate) fn next<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let field = self.row.get(self.taken);
        self.taken += 1;
        field
    }
}

/// A limit or offset as SQLite takes it.
pub(crate) fn row_limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// A value kept as JSON text.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
        Ok(text.into())
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Json).map_err(|error| FromSqlError::Other(error.into()))
    }
}

/// A closed set of words (an enum without data), kept as the word that its JSON form has.
pub(crate) struct Word<T>(pub(crate) T);

impl<T: Serialize> Word<T> {
    /// The word, for conditions that are put together.
    pub(crate) fn text(&self) -> String {
        serde_json::to_value(&self.0).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

impl<T: Serialize> ToSql for Word<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let word = serde_json::to_value(&self.0).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
        Ok(word.as_str().unwrap_or_default().to_owned().into())
    }
}

impl<T: DeserializeOwned> FromSql for Word<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word: StrDeserializer<'_, serde::de::value::Error> = value.as_str()?.into_deserializer();
        T::deserialize(word).map(Word).map_err(|error| FromSqlError::Other(error.into()))
    }
}
