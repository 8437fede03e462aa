//! The tables of passages, their tags and revisions, and what can be read from them.

use std::sync::LazyLock;

use rusqlite::types::Value;
use rusqlite::{Row, params, params_from_iter};

use super::filter::in_archives;
use super::{Passage, PassageFilter, PassageRevision};
use crate::sql::{Json, Reader, row_limit};
use crate::{AgentId, ArchiveId, FileId, PassageId, PassageScope, Provenance, StoreError, TurnId, provenance};

pub(crate) static SCHEMA: LazyLock<String> = LazyLock::new(|| {
    format!(
        "
CREATE TABLE passages (
    key             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    agent_id        TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL,
    deleted_at_ms   INTEGER,
    valid_from_ms   INTEGER,
    valid_to_ms     INTEGER,
    superseded_by   TEXT REFERENCES passages (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
                    CHECK (superseded_by <> id),
    {0},
    document        TEXT,
    text            TEXT NOT NULL
) STRICT;
CREATE INDEX passages_of_agent ON passages (agent_id, created_at_ms, key) WHERE deleted_at_ms IS NULL;
CREATE INDEX passages_in_bin ON passages (agent_id, created_at_ms, key) WHERE deleted_at_ms IS NOT NULL;
CREATE INDEX passages_of_turn ON passages (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX passages_superseded ON passages (superseded_by) WHERE superseded_by IS NOT NULL;

CREATE TABLE passage_tags (
    key      INTEGER NOT NULL REFERENCES passages (key) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    agent_id TEXT NOT NULL,
    tag      TEXT NOT NULL,
    PRIMARY KEY (key, position),
    UNIQUE (agent_id, tag, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE passage_revisions (
    passage_id      TEXT NOT NULL REFERENCES passages (id) ON DELETE CASCADE,
    number          INTEGER NOT NULL CHECK (number >= 1),
    after           TEXT NOT NULL,
    tags            TEXT NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    {0},
    PRIMARY KEY (passage_id, number)
) STRICT;
",
        provenance::COLUMNS
    )
});

/// Passages lie in archives, where they lay in agents before. Foreign keys have to be off while the tables are made anew.
pub(crate) static IN_ARCHIVES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "
CREATE TABLE passages_in_archives (
    key             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    archive_id      TEXT NOT NULL REFERENCES archives (id) ON DELETE CASCADE,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL,
    deleted_at_ms   INTEGER,
    valid_from_ms   INTEGER,
    valid_to_ms     INTEGER,
    superseded_by   TEXT REFERENCES passages (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
                    CHECK (superseded_by <> id),
    file_id         TEXT,
    {0},
    document        TEXT,
    text            TEXT NOT NULL
) STRICT;
INSERT INTO passages_in_archives (key, id, archive_id, created_at_ms, updated_at_ms, deleted_at_ms, valid_from_ms,
                                  valid_to_ms, superseded_by, actor, by_agent_id, turn_id, message_id, tool, document,
                                  text)
SELECT key, id, REPLACE(agent_id, 'agent-', 'archive-'), created_at_ms, updated_at_ms, deleted_at_ms, valid_from_ms,
       valid_to_ms, superseded_by, actor, by_agent_id, turn_id, message_id, tool, document, text FROM passages;
DELETE FROM sqlite_sequence WHERE name = 'passages_in_archives';
INSERT INTO sqlite_sequence (name, seq)
SELECT 'passages_in_archives', seq FROM sqlite_sequence WHERE name = 'passages';

CREATE TABLE passage_tags_in_archives (
    key        INTEGER NOT NULL REFERENCES passages (key) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    archive_id TEXT NOT NULL,
    tag        TEXT NOT NULL,
    PRIMARY KEY (key, position),
    UNIQUE (archive_id, tag, key)
) STRICT, WITHOUT ROWID;
INSERT INTO passage_tags_in_archives (key, position, archive_id, tag)
SELECT key, position, REPLACE(agent_id, 'agent-', 'archive-'), tag FROM passage_tags;

DROP TABLE passage_tags;
ALTER TABLE passage_tags_in_archives RENAME TO passage_tags;
DROP TABLE passages;
ALTER TABLE passages_in_archives RENAME TO passages;
CREATE INDEX passages_of_archive ON passages (archive_id, created_at_ms, key) WHERE deleted_at_ms IS NULL;
CREATE INDEX passages_in_bin ON passages (archive_id, created_at_ms, key) WHERE deleted_at_ms IS NOT NULL;
CREATE INDEX passages_of_turn ON passages (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX passages_superseded ON passages (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX passages_of_file ON passages (file_id) WHERE file_id IS NOT NULL;
",
        provenance::COLUMNS
    )
});

/// Passages with the owners of their archives; to be followed by a condition on `passages`.
const SELECT: &str = "SELECT passages.*, archives.agent_id AS owner_id FROM passages
                      JOIN archives ON archives.id = archive_id";

/// A passage as its row has it, without its tags.
fn of_row(row: &Row<'_>) -> rusqlite::Result<(i64, Passage)> {
    let passage = Passage {
        id: PassageId(row.get("id")?),
        archive_id: ArchiveId(row.get("archive_id")?),
        agent_id: row.get::<_, Option<String>>("owner_id")?.map(AgentId),
        file_id: row.get::<_, Option<String>>("file_id")?.map(FileId),
        text: row.get("text")?,
        tags: Vec::new(),
        provenance: Provenance::of_row(row)?,
        document: row.get("document")?,
        valid_from_ms: row.get("valid_from_ms")?,
        valid_to_ms: row.get("valid_to_ms")?,
        superseded_by: row.get::<_, Option<String>>("superseded_by")?.map(PassageId),
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
        deleted_at_ms: row.get("deleted_at_ms")?,
    };
    Ok((row.get("key")?, passage))
}

fn revision_of_row(row: &Row<'_>) -> rusqlite::Result<PassageRevision> {
    Ok(PassageRevision {
        passage_id: PassageId(row.get("passage_id")?),
        number: row.get("number")?,
        before: row.get("before")?,
        after: row.get("after")?,
        tags: row.get::<_, Json<_>>("tags")?.0,
        provenance: Provenance::of_row(row)?,
        created_at_ms: row.get("created_at_ms")?,
    })
}

impl Reader<'_> {
    /// The passage called `id`, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn passage(&self, id: &PassageId) -> Result<Option<Passage>, StoreError> {
        Ok(self.keyed_passage(id)?.map(|(_, passage)| passage))
    }

    /// The passages in those rows, in that order, each with its row; also those in the bin. Rows that are not there are
    /// left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn passages_by_rowid(&self, rowids: &[i64]) -> Result<Vec<(i64, Passage)>, StoreError> {
        let mut passages = Vec::with_capacity(rowids.len());
        for rowid in rowids {
            if let Some(found) = self.first(&format!("{SELECT} WHERE passages.key = ?"), [rowid], of_row)? {
                passages.push(self.with_tags(found)?);
            }
        }
        Ok(passages)
    }

    /// The part of the passages meant by `filter` that it asks for, and how many there are in all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn passages(&self, filter: &PassageFilter) -> Result<(Vec<Passage>, usize), StoreError> {
        let (condition, mut values) = filter.condition(&self.archives_in(&filter.scope)?);
        let total =
            self.count(&format!("SELECT COUNT(*) FROM passages WHERE {condition}"), params_from_iter(values.clone()))?;
        values.extend([row_limit(filter.limit).into(), row_limit(filter.offset).into()]);
        // The rows of the part are found through an index first, so that a far offset reads no long text on its way.
        let rowids = self.all(
            &format!("SELECT key FROM passages WHERE {condition} ORDER BY {} LIMIT ? OFFSET ?", filter.order()),
            params_from_iter(values),
            |row| row.get(0),
        )?;
        let passages = self.passages_by_rowid(&rowids)?;
        Ok((passages.into_iter().map(|(_, passage)| passage).collect(), total))
    }

    /// The rows of up to `most` passages meant by `filter`, whatever part of them it asks for, in no order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn passage_rowids(&self, filter: &PassageFilter, most: usize) -> Result<Vec<i64>, StoreError> {
        let (condition, mut values) = filter.condition(&self.archives_in(&filter.scope)?);
        values.push(row_limit(most).into());
        let sql = format!("SELECT key FROM passages WHERE {condition} LIMIT ?");
        self.all(&sql, params_from_iter(values), |row| row.get(0))
    }

    /// Those of `rowids` whose passages are meant by `filter`, whatever part of them it asks for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn passages_meant(&self, filter: &PassageFilter, rowids: &[i64]) -> Result<Vec<i64>, StoreError> {
        let (condition, mut values) = filter.condition(&self.archives_in(&filter.scope)?);
        let sql = format!("SELECT 1 FROM passages WHERE {condition} AND passages.key = ?");
        values.push(Value::Null);
        let mut meant = Vec::new();
        for rowid in rowids {
            values.pop();
            values.push((*rowid).into());
            if self.first(&sql, params_from_iter(&values), |_| Ok(()))?.is_some() {
                meant.push(*rowid);
            }
        }
        Ok(meant)
    }

    /// The revisions of a passage, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn passage_revisions(&self, id: &PassageId) -> Result<Vec<PassageRevision>, StoreError> {
        self.all(
            "SELECT r.*, p.after AS before FROM passage_revisions r
             LEFT JOIN passage_revisions p ON p.passage_id = r.passage_id AND p.number = r.number - 1
             WHERE r.passage_id = ? ORDER BY r.number DESC",
            [id.as_str()],
            revision_of_row,
        )
    }

    /// The passages that were saved in `turns`, turn by turn, in the order in which they were saved; also those in the
    /// bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn passages_of_turns(&self, turns: &[TurnId]) -> Result<Vec<Passage>, StoreError> {
        let mut passages = Vec::new();
        for turn in turns {
            let found =
                self.all(&format!("{SELECT} WHERE turn_id = ? ORDER BY passages.key"), [turn.as_str()], of_row)?;
            for passage in found {
                passages.push(self.with_tags(passage)?.1);
            }
        }
        Ok(passages)
    }

    /// The passages whose place `id` took, oldest first; also those in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn passages_superseded_by(&self, id: &PassageId) -> Result<Vec<Passage>, StoreError> {
        let sql = format!("{SELECT} WHERE superseded_by = ? ORDER BY passages.key");
        let found = self.all(&sql, [id.as_str()], of_row)?;
        found.into_iter().map(|passage| Ok(self.with_tags(passage)?.1)).collect()
    }

    /// The passages whose place another took by `at_ms`, and those in the bin, those that changed last first, at most
    /// `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn passages_gone(
        &self,
        scope: impl Into<PassageScope>,
        at_ms: i64,
        limit: usize,
    ) -> Result<Vec<Passage>, StoreError> {
        let archives = self.archives_in(&scope.into())?;
        let within = in_archives(&archives);
        let ids = || archives.iter().map(|id| Value::from(id.to_string()));
        let values: Vec<Value> = ids().chain(ids()).chain([at_ms.into(), row_limit(limit).into()]).collect();
        let sql = format!(
            "{SELECT} WHERE passages.key IN (
                 SELECT key FROM passages WHERE archive_id {within} AND deleted_at_ms IS NOT NULL
                 UNION
                 SELECT key FROM passages
                 WHERE superseded_by IS NOT NULL AND archive_id {within} AND valid_to_ms <= ?)
             ORDER BY MAX(COALESCE(passages.deleted_at_ms, 0), COALESCE(valid_to_ms, 0)) DESC, passages.key DESC LIMIT ?"
        );
        let found = self.all(&sql, params_from_iter(values), of_row)?;
        found.into_iter().map(|passage| Ok(self.with_tags(passage)?.1)).collect()
    }

    /// The tags of passages with how many passages have each, the most used first; without the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tag_counts(&self, scope: impl Into<PassageScope>) -> Result<Vec<(String, usize)>, StoreError> {
        let archives = self.archives_in(&scope.into())?;
        let within = in_archives(&archives);
        // Counted in the index of tags alone, less the few that the bin has.
        let sql = format!(
            "WITH binned AS (
                 SELECT tag, COUNT(*) AS passages FROM passages JOIN passage_tags USING (key)
                 WHERE passages.archive_id {within} AND deleted_at_ms IS NOT NULL GROUP BY tag
             ), counted AS (
                 SELECT tag, COUNT(*) AS passages FROM passage_tags WHERE archive_id {within} GROUP BY tag
             )
             SELECT tag, counted.passages - COALESCE(binned.passages, 0) AS live
             FROM counted LEFT JOIN binned USING (tag) WHERE live > 0 ORDER BY live DESC, tag"
        );
        let ids = archives.iter().chain(&archives).map(ArchiveId::as_str);
        self.all(&sql, params_from_iter(ids), |row| {
            Ok((row.get(0)?, usize::try_from(row.get::<_, i64>(1)?).unwrap_or_default()))
        })
    }

    /// How many passages are not in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn count_passages(&self, scope: impl Into<PassageScope>) -> Result<usize, StoreError> {
        let archives = self.archives_in(&scope.into())?;
        self.passages_in(&archives)
    }

    /// The passage called `id` with its row.
    pub(super) fn keyed_passage(&self, id: &PassageId) -> Result<Option<(i64, Passage)>, StoreError> {
        self.first(&format!("{SELECT} WHERE passages.id = ?"), [id.as_str()], of_row)?
            .map(|passage| self.with_tags(passage))
            .transpose()
    }

    fn with_tags(&self, (key, mut passage): (i64, Passage)) -> Result<(i64, Passage), StoreError> {
        passage.tags =
            self.all("SELECT tag FROM passage_tags WHERE key = ? ORDER BY position", params![key], |row| row.get(0))?;
        Ok((key, passage))
    }
}
