//! Parts of long lists, as clients page through them: beside the last item they have seen, in either order. Rows have an
//! integer key that grows, so that a page neither repeats nor skips a row when others come or go meanwhile.

use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use crate::StoreError;
use crate::sql::{Reader, row_limit};

/// A part of a list. Where it is bounded on one side, it is the part next to that bound; otherwise the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Only what came after the item of this id. An id that is not there is followed by nothing.
    pub newer_than: Option<String>,
    /// Only what came before the item of this id. An id that is not there is preceded by nothing.
    pub older_than: Option<String>,
    /// In the order from the newest to the oldest.
    pub newest_first: bool,
    /// At most so many.
    pub limit: usize,
}

impl Default for Page {
    /// Everything, oldest first.
    fn default() -> Self {
        Self { newer_than: None, older_than: None, newest_first: false, limit: usize::MAX }
    }
}

/// Which rows a list has.
pub(crate) struct Listing {
    table: &'static str,
    columns: &'static str,
    key: &'static str,
    condition: String,
    values: Vec<Value>,
}

impl Listing {
    /// All rows of `table`, in the order of `key`.
    pub(crate) fn of(table: &'static str, key: &'static str) -> Self {
        Self { table, columns: "*", key, condition: "TRUE".to_owned(), values: Vec::new() }
    }

    /// With these columns instead of all.
    pub(crate) fn with_columns(self, columns: &'static str) -> Self {
        Self { columns, ..self }
    }

    /// Of those, the ones that meet `condition`.
    pub(crate) fn and(mut self, condition: &str) -> Self {
        self.condition.push_str(" AND ");
        self.condition.push_str(condition);
        self
    }

    /// Of those, the ones that meet `condition`, which has one question mark.
    pub(crate) fn and_with(mut self, condition: &str, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self.and(condition)
    }

    /// Of those, the ones whose `column` is `value`.
    pub(crate) fn and_is(self, column: &str, value: &str) -> Self {
        self.and_with(&format!("{column} = ?"), value.to_owned())
    }

    /// Of those, the ones whose `column` is one of `values`, unless there are none.
    pub(crate) fn and_in<'a>(mut self, column: &str, values: impl Iterator<Item = &'a str>) -> Self {
        let before = self.values.len();
        self.values.extend(values.map(|value| Value::from(value.to_owned())));
        match self.values.len() - before {
            0 => self,
            count => self.and(&format!("{column} IN ({})", vec!["?"; count].join(", "))),
        }
    }
}

impl Reader<'_> {
    /// The rows of `listing` that `page` asks for.
    pub(crate) fn page<T>(
        &self,
        listing: Listing,
        page: &Page,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let Listing { table, columns, key, mut condition, mut values } = listing;
        let Page { newer_than, older_than, newest_first, limit } = page;
        for (bound, sign) in [(newer_than, ">"), (older_than, "<")] {
            if let Some(id) = bound {
                condition.push_str(&format!(" AND {key} {sign} (SELECT {key} FROM {table} WHERE id = ?)"));
                values.push(id.clone().into());
            }
        }
        let from_newest = match (newer_than, older_than) {
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (None, None) | (Some(_), Some(_)) => *newest_first,
        };
        let direction = if from_newest { "DESC" } else { "ASC" };
        values.push(row_limit(*limit).into());
        let sql = format!("SELECT {columns} FROM {table} WHERE {condition} ORDER BY {key} {direction} LIMIT ?");
        let mut rows = self.all(&sql, params_from_iter(values), row)?;
        if from_newest != *newest_first {
            rows.reverse();
        }
        Ok(rows)
    }
}
