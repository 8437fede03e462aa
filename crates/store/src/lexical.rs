//! What the searches by words share: a query over an FTS5 table joined with the rows it stands for, ranked by BM25.
//! Which columns weigh how much is the caller's business; ranking lives in `memory`.

use rusqlite::types::Value;
use rusqlite::{ErrorCode, params, params_from_iter};

use crate::StoreError;
use crate::sql::{Reader, row_limit};

/// A row found by its words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LexicalHit {
    /// The row: `messages.seq`, or the passage's rowid.
    pub key: i64,
    /// How well it matches; higher is better.
    pub bm25: f64,
}

/// A search of the FTS5 table `text_table` among the rows of `from` that meet `condition`.
pub(crate) struct LexicalQuery<'a> {
    pub(crate) text_table: &'static str,
    pub(crate) from: &'static str,
    pub(crate) condition: String,
    pub(crate) values: Vec<Value>,
    pub(crate) match_expression: &'a str,
    pub(crate) weights: [f64; 3],
    pub(crate) limit: usize,
}

/// A table of words: that of the messages or that of the passages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextTable {
    /// The words of messages.
    Messages,
    /// The words of passages.
    Passages,
}

impl TextTable {
    fn name(self) -> &'static str {
        match self {
            Self::Messages => "message_text",
            Self::Passages => "passage_text",
        }
    }
}

impl Reader<'_> {
    /// How many rows of a table have `word` in their own text, in any of its forms, counted up to `most`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn count_rows_with(&self, table: TextTable, word: &str, most: usize) -> Result<usize, StoreError> {
        let table = table.name();
        let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH ? LIMIT ?)");
        let expression = format!("text : \"{}\"", word.replace('"', "\"\""));
        self.count(&sql, params![expression, row_limit(most)])
    }

    /// The highest row of a table, which is about how many rows it has.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn highest_row(&self, table: TextTable) -> Result<usize, StoreError> {
        self.count(&format!("SELECT COALESCE(MAX(rowid), 0) FROM {}", table.name()), [])
    }

    pub(crate) fn search_text(&self, query: LexicalQuery<'_>) -> Result<Vec<LexicalHit>, StoreError> {
        let LexicalQuery { text_table: table, from, condition, values, match_expression, weights, limit } = query;
        // A question of nothing but stopwords leaves no word to look for, which is no fault of the question.
        if match_expression.trim().is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {table}.rowid, -bm25({table}, ?, ?, ?) AS score FROM {from}
             WHERE {table} MATCH ? AND {condition} ORDER BY score DESC, {table}.rowid DESC LIMIT ?"
        );
        let mut params: Vec<Value> = weights.iter().map(|weight| Value::from(*weight)).collect();
        params.push(match_expression.to_owned().into());
        params.extend(values);
        params.push(row_limit(limit).into());
        let hits =
            self.try_all(&sql, params_from_iter(params), |row| Ok(LexicalHit { key: row.get(0)?, bm25: row.get(1)? }));
        hits.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::Unknown) => {
                StoreError::BadExpression { expression: match_expression.to_owned(), details: error.to_string() }
            }
            _ => self.error(error),
        })
    }
}
