//! Search of archival memory by words. `passage_text` is an FTS5 table whose row is the passage of the same key, with
//! its `text`, its `tags` and a `context` (the day it was saved in words, and its document). It keeps a copy of its
//! text, as the table of messages does and for the same reasons. Passages in the bin have no row; superseded ones have.

use rusqlite::params;

use super::PassageFilter;
use crate::lexical::{LexicalHit, LexicalQuery};
use crate::sql::{Reader, Writer};
use crate::{ArchiveId, PassageId, StoreError, date};

pub(crate) const TEXT_SCHEMA: &str = "
CREATE VIRTUAL TABLE passage_text USING fts5 (
    text, tags, context, tokenize = 'porter unicode61 remove_diacritics 2'
);
";

impl Reader<'_> {
    /// The passages meant by `filter` (whatever part of them it asks for) that match an FTS5 expression, best first.
    /// `weights` are those of the columns `text`, `tags` and `context`. The bin is not searched.
    ///
    /// # Errors
    /// [`StoreError::BadExpression`] when FTS5 does not understand the expression.
    pub fn search_passages_text(
        &self,
        filter: &PassageFilter,
        match_expression: &str,
        weights: [f64; 3],
        limit: usize,
    ) -> Result<Vec<LexicalHit>, StoreError> {
        let (condition, values) = filter.condition(&self.archives_in(&filter.scope)?);
        self.search_text(LexicalQuery {
            text_table: "passage_text",
            from: "passage_text JOIN passages ON passages.key = passage_text.rowid",
            condition,
            values,
            match_expression,
            weights,
            limit,
        })
    }

    /// The first `limit` of some hits that are passages meant by `filter`, whatever part of them it asks for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn first_passages(
        &self,
        filter: &PassageFilter,
        hits: &[LexicalHit],
        limit: usize,
    ) -> Result<Vec<LexicalHit>, StoreError> {
        let condition = filter.condition(&self.archives_in(&filter.scope)?);
        self.first_that_meet(("passages", "passages.key"), condition, hits, limit)
    }
}

impl Writer<'_> {
    /// Takes away the rows of words of an archive, before its passages go.
    pub(crate) fn forget_passage_words(&mut self, id: &ArchiveId) -> Result<(), StoreError> {
        let sql = "DELETE FROM passage_text WHERE rowid IN (SELECT key FROM passages WHERE archive_id = ?)";
        self.execute(sql, [id.as_str()])?;
        Ok(())
    }

    /// Makes the row of words of the passage called `id` say what it should.
    pub(super) fn index_passage(&mut self, id: &PassageId) -> Result<(), StoreError> {
        let Some((key, passage)) = self.keyed_passage(id)? else { return Ok(()) };
        if passage.deleted_at_ms.is_some() {
            self.execute("DELETE FROM passage_text WHERE rowid = ?", [key])?;
            return Ok(());
        }
        let saved = date::day_in_words(passage.created_at_ms);
        let context = passage.document.iter().fold(saved, |context, document| format!("{context} {document}"));
        self.execute(
            "INSERT OR REPLACE INTO passage_text (rowid, text, tags, context) VALUES (?, ?, ?, ?)",
            params![key, passage.text, passage.tags.join("\n"), context],
        )?;
        Ok(())
    }

    /// Makes `passage_text` anew from the passages.
    pub(crate) fn rebuild_passage_text(&mut self) -> Result<(), StoreError> {
        self.execute_batch("DROP TABLE IF EXISTS passage_text;")?;
        self.execute_batch(TEXT_SCHEMA)?;
        let ids = self.all("SELECT id FROM passages WHERE deleted_at_ms IS NULL ORDER BY key", [], |row| {
            row.get(0).map(PassageId)
        })?;
        ids.iter().try_for_each(|id| self.index_passage(id))
    }
}
