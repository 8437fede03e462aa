//! What the searches by words share: a query over an FTS5 table joined with the rows it stands for, ranked by BM25.
//! Which columns weigh how much is the caller's business; ranking lives in `memory`.
//!
//! The matches are ranked first, and the best of them looked up until enough meet the condition: a lookup costs as much
//! as ranking several. Of more matches than [`MOST_RANKED`] the newest are ranked.

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

/// So many matches are ranked, in some hundredths of a second.
const MOST_RANKED: usize = 16_384;

/// A search of the FTS5 table `text_table` among the rows of `owners`, whose number is `key`, that meet `condition`.
pub(crate) struct LexicalQuery<'a> {
    pub(crate) text_table: &'static str,
    pub(crate) owners: &'static str,
    pub(crate) key: &'static str,
    pub(crate) condition: String,
    /// Whether the condition is sooner looked at for all rows together than for one after the other.
    pub(crate) together: bool,
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

    pub(crate) fn search_text(&self, query: LexicalQuery<'_>) -> Result<Vec<LexicalHit>, StoreError> {
        // A question of nothing but stopwords leaves no word to look for, which is no fault of the question.
        if query.match_expression.trim().is_empty() {
            return Ok(Vec::new());
        }
        if query.together {
            return self.search_together(query);
        }
        let matches = self.best_matches(&query)?;
        let all = matches.len() < MOST_RANKED;
        let sql = format!("SELECT 1 FROM {} WHERE {} = ? AND {}", query.owners, query.key, query.condition);
        let mut values = vec![Value::Null];
        values.extend(query.values.iter().cloned());
        let mut hits = Vec::with_capacity(query.limit.min(matches.len()));
        for hit in matches {
            if hits.len() == query.limit {
                break;
            }
            values[0] = hit.key.into();
            if self.first(&sql, params_from_iter(&values), |_| Ok(()))?.is_some() {
                hits.push(hit);
            }
        }
        // What is looked for may be among the older matches.
        if all || hits.len() == query.limit { Ok(hits) } else { self.search_together(query) }
    }

    /// The matches of all owners, best first.
    fn best_matches(&self, query: &LexicalQuery<'_>) -> Result<Vec<LexicalHit>, StoreError> {
        let LexicalQuery { text_table: table, match_expression, weights: [first, second, third], .. } = query;
        let sql = format!(
            "SELECT rowid, -bm25({table}, ?, ?, ?) FROM {table} WHERE {table} MATCH ? ORDER BY rowid DESC LIMIT ?"
        );
        let params = params![first, second, third, match_expression, row_limit(MOST_RANKED)];
        let mut matches = self.lexical(match_expression, &sql, params)?;
        matches.sort_by(|a, b| b.bm25.total_cmp(&a.bm25).then(b.key.cmp(&a.key)));
        Ok(matches)
    }

    fn search_together(&self, query: LexicalQuery<'_>) -> Result<Vec<LexicalHit>, StoreError> {
        let LexicalQuery {
            text_table: table, owners, key, condition, values, match_expression, weights, limit, ..
        } = query;
        let sql = format!(
            "SELECT {table}.rowid, -bm25({table}, ?, ?, ?) AS score FROM {table} JOIN {owners} ON {key} = {table}.rowid
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
