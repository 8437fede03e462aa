//! What the searches by words share: a query over an FTS5 table joined with the rows it stands for, ranked by BM25.
//! Which columns weigh how much is the caller's business; ranking lives in `memory`.
//!
//! The joined query looks at every match. In a large table it is quicker to rank the matches first and to look up the
//! best of them, until enough meet the condition: a lookup costs as much as ranking several.

use rusqlite::types::Value;
use rusqlite::{ErrorCode, Params, params, params_from_iter};

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

/// Where in a row a word is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordPlace {
    /// In the text itself.
    Text,
    /// In any column.
    Anywhere,
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
    /// How many rows of a table have `word`, in any of its forms: counted up to `counted` rows, and beyond that told from
    /// how close together the first of them lie.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn estimate_rows_with(
        &self,
        table: TextTable,
        place: WordPlace,
        word: &str,
        counted: usize,
    ) -> Result<usize, StoreError> {
        let name = table.name();
        let sql = format!(
            "SELECT COUNT(*), MAX(row) FROM (SELECT rowid AS row FROM {name} WHERE {name} MATCH ? ORDER BY rowid LIMIT ?)"
        );
        let column = match place {
            WordPlace::Text => "text : ",
            WordPlace::Anywhere => "",
        };
        let expression = format!("{column}\"{}\"", word.replace('"', "\"\""));
        let found = self.first(&sql, params![expression, row_limit(counted)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?.unwrap_or_default()))
        })?;
        let (rows, last) = found.unwrap_or_default();
        let rows = usize::try_from(rows).unwrap_or_default();
        if rows < counted {
            return Ok(rows);
        }
        let share = rows as f64 / usize::try_from(last).unwrap_or_default().max(1) as f64;
        Ok((share * self.highest_row(table)? as f64) as usize)
    }

    /// The highest row of a table, which is about how many rows it has.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn highest_row(&self, table: TextTable) -> Result<usize, StoreError> {
        self.count(&format!("SELECT COALESCE(MAX(rowid), 0) FROM {}", table.name()), [])
    }

    /// The rows of a table that match an FTS5 expression, whoever they belong to, best first; of more than `most` the
    /// newest. `weights` are those of the columns.
    ///
    /// # Errors
    /// [`StoreError::BadExpression`] when FTS5 does not understand the expression.
    pub fn rank_by_words(
        &self,
        table: TextTable,
        match_expression: &str,
        weights: [f64; 3],
        most: usize,
    ) -> Result<Vec<LexicalHit>, StoreError> {
        if match_expression.trim().is_empty() {
            return Ok(Vec::new());
        }
        let (name, [first, second, third]) = (table.name(), weights);
        let sql = format!(
            "SELECT rowid, -bm25({name}, ?, ?, ?) FROM {name} WHERE {name} MATCH ? ORDER BY rowid DESC LIMIT ?"
        );
        let params = params![first, second, third, match_expression, row_limit(most)];
        let mut matches = self.lexical(match_expression, &sql, params)?;
        matches.sort_by(|a, b| b.bm25.total_cmp(&a.bm25).then(b.key.cmp(&a.key)));
        Ok(matches)
    }

    /// The first `limit` of some hits whose rows of `owners`, with the number `key`, meet a condition.
    pub(crate) fn first_that_meet(
        &self,
        (owners, key): (&str, &str),
        (condition, mut values): (String, Vec<Value>),
        hits: &[LexicalHit],
        limit: usize,
    ) -> Result<Vec<LexicalHit>, StoreError> {
        let sql = format!("SELECT 1 FROM {owners} WHERE {condition} AND {key} = ?");
        values.push(Value::Null);
        let mut kept = Vec::with_capacity(limit.min(hits.len()));
        for hit in hits {
            if kept.len() == limit {
                break;
            }
            values.pop();
            values.push(hit.key.into());
            if self.first(&sql, params_from_iter(&values), |_| Ok(()))?.is_some() {
                kept.push(*hit);
            }
        }
        Ok(kept)
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
        self.lexical(match_expression, &sql, params_from_iter(params))
    }

    fn lexical(&self, expression: &str, sql: &str, params: impl Params) -> Result<Vec<LexicalHit>, StoreError> {
        let hits = self.try_all(sql, params, |row| Ok(LexicalHit { key: row.get(0)?, bm25: row.get(1)? }));
        hits.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::Unknown) => {
                StoreError::BadExpression { expression: expression.to_owned(), details: error.to_string() }
            }
            _ => self.error(error),
        })
    }
}
