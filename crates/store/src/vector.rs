//! Dense vectors of messages and passages: derived data, tagged with the embedder that made them, rebuilt from text at
//! any time.
//!
//! Vectors of several embedders may stand side by side: while the texts are embedded anew, search goes on with the old
//! ones. A vector is kept as little-endian f32 in a rowid table, where 384 components stay on one page (a WITHOUT ROWID
//! table would move most of each to a page of its own). What is in the bin keeps its vectors, and they are not given
//! out.
//!
//! What still wants a vector is asked after every message, so it must not cost a walk over a million rows that have one:
//! each embedder notes up to which row all is done, and a row that wants one again takes that note back.

use rusqlite::params;
use serde::{Deserialize, Serialize};

use crate::message::SPOKEN;
use crate::sql::{Reader, Writer, row_limit};
use crate::{AgentId, ArchiveId, StoreError};

/// What a vector stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorOwner {
    /// A message of recall memory.
    Message,
    /// A passage of archival memory.
    Passage,
}

/// Vectors that are searched together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum VectorGroup {
    /// Those of an agent's messages.
    MessagesOf(AgentId),
    /// Those of an archive's passages.
    PassagesIn(ArchiveId),
}

/// A text that has no vector of the given embedder yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Unembedded {
    /// What it is.
    pub owner: VectorOwner,
    /// Its row: `messages.seq` or `passages.rowid`.
    pub key: i64,
    /// Its text.
    pub text: String,
}

/// One stored vector.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredVector {
    /// What it stands for.
    pub owner: VectorOwner,
    /// Its row: `messages.seq` or `passages.rowid`.
    pub key: i64,
    /// Its components.
    pub vector: Vec<f32>,
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE embedders (
    key       INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    dimension INTEGER NOT NULL,
    -- Every row up to here that wants a vector of this embedder has one.
    messages_done INTEGER NOT NULL DEFAULT 0,
    passages_done INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE message_vectors (
    embedder INTEGER NOT NULL REFERENCES embedders (key),
    owner    INTEGER NOT NULL REFERENCES messages (seq) ON DELETE CASCADE,
    vector   BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_vectors_of_owner ON message_vectors (owner, embedder);

CREATE TABLE passage_vectors (
    embedder INTEGER NOT NULL REFERENCES embedders (key),
    owner    INTEGER NOT NULL REFERENCES passages (key) ON DELETE CASCADE,
    vector   BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX passage_vectors_of_owner ON passage_vectors (owner, embedder);
";

/// Where the vectors of an owner are, and which of its rows want one.
struct Place {
    vectors: &'static str,
    owners: &'static str,
    key: &'static str,
    text: &'static str,
    wanted: &'static str,
    done: &'static str,
}

const PLACES: [(VectorOwner, Place); 2] = [
    (
        VectorOwner::Message,
        Place {
            vectors: "message_vectors",
            owners: "messages",
            key: "seq",
            text: "content",
            wanted: SPOKEN,
            done: "messages_done",
        },
    ),
    (
        VectorOwner::Passage,
        Place {
            vectors: "passage_vectors",
            owners: "passages",
            key: "key",
            text: "text",
            wanted: "deleted_at_ms IS NULL",
            done: "passages_done",
        },
    ),
];

fn place(owner: VectorOwner) -> &'static Place {
    match owner {
        VectorOwner::Message => &PLACES[0].1,
        VectorOwner::Passage => &PLACES[1].1,
    }
}

impl Place {
    /// The rows that want a vector of the embedder `?1` and have none.
    fn unembedded(&self) -> String {
        let Self { vectors, owners, key, wanted, text: _, done } = self;
        format!(
            "FROM {owners} WHERE {wanted} AND {key} > COALESCE((SELECT {done} FROM embedders WHERE key = ?1), 0)
             AND NOT EXISTS (
                 SELECT 1 FROM {vectors} WHERE owner = {owners}.{key} AND embedder = ?1)"
        )
    }
}

impl Reader<'_> {
    /// Up to `limit` texts that have no vector of `embedder` yet, the newest first, passages before messages.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unembedded(&self, embedder: &str, limit: usize) -> Result<Vec<Unembedded>, StoreError> {
        let embedder = self.embedder_key(embedder)?;
        let mut found = Vec::new();
        for (owner, place) in PLACES.iter().rev() {
            let Place { key, text, .. } = place;
            let sql = format!("SELECT {key}, {text} {} ORDER BY {key} DESC LIMIT ?2", place.unembedded());
            found.extend(self.all(&sql, params![embedder, row_limit(limit - found.len())], |row| {
                Ok(Unembedded { owner: *owner, key: row.get(0)?, text: row.get(1)? })
            })?);
        }
        Ok(found)
    }

    /// How many texts have no vector of `embedder` yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn count_unembedded(&self, embedder: &str) -> Result<usize, StoreError> {
        let embedder = self.embedder_key(embedder)?;
        PLACES.iter().try_fold(0, |count, (_, place)| {
            Ok(count + self.count(&format!("SELECT COUNT(*) {}", place.unembedded()), [embedder])?)
        })
    }

    /// The vectors that `embedder` made of a group's texts outside the bin, each with its row, in the order of rows.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn vectors_of(&self, group: &VectorGroup, embedder: &str) -> Result<Vec<(i64, Vec<f32>)>, StoreError> {
        let Some(embedder) = self.embedder_key(embedder)? else { return Ok(Vec::new()) };
        let (owner, column, id) = match group {
            VectorGroup::MessagesOf(agent_id) => (VectorOwner::Message, "agent_id", agent_id.as_str()),
            VectorGroup::PassagesIn(archive_id) => (VectorOwner::Passage, "archive_id", archive_id.as_str()),
        };
        let Place { vectors, owners, key, wanted, .. } = place(owner);
        self.all(
            &format!(
                "SELECT {key}, vector FROM {owners} JOIN {vectors} ON owner = {owners}.{key} AND embedder = ?
                 WHERE {column} = ? AND {wanted} ORDER BY {key}"
            ),
            params![embedder, id],
            |row| Ok((row.get(0)?, components(row.get_ref(1)?.as_blob()?))),
        )
    }

    /// The vectors that `embedder` made of those rows, in no order; rows that have none are left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn vectors_of_rows(
        &self,
        owner: VectorOwner,
        embedder: &str,
        keys: &[i64],
    ) -> Result<Vec<(i64, Vec<f32>)>, StoreError> {
        let Some(embedder) = self.embedder_key(embedder)? else { return Ok(Vec::new()) };
        let sql = format!("SELECT vector FROM {} WHERE owner = ? AND embedder = ?", place(owner).vectors);
        let vector = |key: i64| self.first(&sql, [key, embedder], |row| Ok(components(row.get_ref(0)?.as_blob()?)));
        keys.iter().filter_map(|key| Some(vector(*key).transpose()?.map(|vector| (*key, vector)))).collect()
    }

    fn embedder_key(&self, name: &str) -> Result<Option<i64>, StoreError> {
        self.first("SELECT key FROM embedders WHERE name = ?", [name], |row| row.get(0))
    }
}

impl Writer<'_> {
    /// Stores vectors that `embedder` made, in place of those it made before. A vector whose message or passage has gone
    /// meanwhile is left out.
    ///
    /// # Errors
    /// [`StoreError::WrongDimension`] when one is not as long as the embedder's others.
    pub fn put_vectors(&mut self, embedder: &str, stored: &[StoredVector]) -> Result<(), StoreError> {
        let Some(first) = stored.first() else { return Ok(()) };
        self.execute(
            "INSERT INTO embedders (name, dimension) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
            params![embedder, row_limit(first.vector.len())],
        )?;
        let (key, dimension): (i64, i64) = self
            .first("SELECT key, dimension FROM embedders WHERE name = ?", [embedder], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .expect("the embedder was inserted just now, if it was not there");
        let expected = usize::try_from(dimension).unwrap_or_default();
        for StoredVector { owner, key: row, vector } in stored {
            if vector.len() != expected {
                return Err(StoreError::WrongDimension {
                    embedder: embedder.to_owned(),
                    expected,
                    found: vector.len(),
                });
            }
            let Place { vectors, owners, key: owner_key, .. } = place(*owner);
            let bytes: Vec<u8> = vector.iter().flat_map(|component| component.to_le_bytes()).collect();
            self.execute(
                &format!(
                    "INSERT INTO {vectors} (embedder, owner, vector) SELECT ?, {owner_key}, ? FROM {owners}
                     WHERE {owner_key} = ? ON CONFLICT (owner, embedder) DO UPDATE SET vector = excluded.vector"
                ),
                params![key, bytes, row],
            )?;
        }
        self.note_done(key)
    }

    /// Drops the vectors of every other embedder than `embedder`.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn drop_vectors_except(&mut self, embedder: &str) -> Result<(), StoreError> {
        for (_, Place { vectors, .. }) in &PLACES {
            self.execute(
                &format!("DELETE FROM {vectors} WHERE embedder IN (SELECT key FROM embedders WHERE name <> ?)"),
                [embedder],
            )?;
        }
        self.execute("DELETE FROM embedders WHERE name <> ?", [embedder])?;
        Ok(())
    }

    /// Drops the vectors of a passage whose text has changed.
    pub(crate) fn forget_passage_vectors(&mut self, passage: i64) -> Result<(), StoreError> {
        self.execute("DELETE FROM passage_vectors WHERE owner = ?", [passage])?;
        self.want_vectors(VectorOwner::Passage, passage)
    }

    /// Notes that the row `key` may want vectors that it has not.
    pub(crate) fn want_vectors(&mut self, owner: VectorOwner, key: i64) -> Result<(), StoreError> {
        let Place { vectors, done, .. } = place(owner);
        self.execute(
            &format!(
                "UPDATE embedders SET {done} = ?1 - 1 WHERE {done} >= ?1 AND NOT EXISTS (
                     SELECT 1 FROM {vectors} WHERE owner = ?1 AND embedder = embedders.key)"
            ),
            [key],
        )?;
        Ok(())
    }

    /// Notes up to which row the embedder `embedder` has done all that wants a vector.
    fn note_done(&mut self, embedder: i64) -> Result<(), StoreError> {
        for (_, place) in &PLACES {
            let Place { key, owners, done, .. } = place;
            let first = format!("SELECT {key} {} ORDER BY {key} LIMIT 1", place.unembedded());
            let first_undone: Option<i64> = self.first(&first, [embedder], |row| row.get(0))?;
            self.execute(
                &format!(
                    "UPDATE embedders SET {done} = COALESCE(?2 - 1, (SELECT MAX({key}) FROM {owners}), 0) WHERE key = ?1"
                ),
                params![embedder, first_undone],
            )?;
        }
        Ok(())
    }
}

fn components(bytes: &[u8]) -> Vec<f32> {
    let (components, _) = bytes.as_chunks::<4>();
    components.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
