//! Settings of the profile: a key and a JSON value.
//!
//! A key belongs to whoever writes it; the store reads none of them.

use rusqlite::params;
use serde_json::Value;

use crate::StoreError;
use crate::sql::{Json, Reader, Writer};

pub(crate) const SCHEMA: &str = "
CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

impl Reader<'_> {
    /// The value of the setting `key`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        self.first("SELECT value FROM settings WHERE key = ?", [key], |row| Ok(row.get::<_, Json<Value>>(0)?.0))
    }
}

impl Writer<'_> {
    /// Gives the setting `key` a value.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_setting(&mut self, key: &str, value: &Value) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![key, Json(value)],
        )?;
        Ok(())
    }

    /// Takes the setting `key` away; it is no error when it is not there.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remove_setting(&mut self, key: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM settings WHERE key = ?", [key])?;
        Ok(())
    }
}
