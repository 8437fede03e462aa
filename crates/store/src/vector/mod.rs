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
//!
//! Whoever keeps vectors elsewhere, as an index does, follows them by numbered changes ([`change`]).

pub(crate) mod change;

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

impl VectorGroup {
    /// What its vectors stand for.
    pub fn owner(&self) -> VectorOwner {
        match self {
            Self::MessagesOf(_) => VectorOwner::Message,
            Self::PassagesIn(_) => VectorOwner::Passage,
        }
    }

    /// The id of the agent or the archive.
    pub fn id(&self) -> &str {
        match self {
            Self::MessagesOf(agent_id) => agent_id.as_str(),
            Self::PassagesIn(archive_id) => archive_id.as_str(),
        }
    }
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

/// Rows before those of a message and of a passage; all rows by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsBefore {
    /// The row of the message.
    pub message: i64,
    /// The row of the passage.
    pub passage: i64,
}

impl Default for RowsBefore {
    fn default() -> Self {
        Self { message: i64::MAX, passage: i64::MAX }
    }
}

impl RowsBefore {
    /// Leaves out `seen` and what is newer.
    pub fn go_past(&mut self, seen: &Unembedded) {
        let before = match seen.owner {
            VectorOwner::Message => &mut self.message,
            VectorOwner::Passage => &mut self.passage,
        };
        *before = seen.key.min(*before);
    }
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

/// Where one vector is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorRow {
    /// What it stands for.
    pub owner: VectorOwner,
    /// Its row.
    pub number: i64,
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
    group: &'static str,
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
            group: "agent_id",
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
            group: "archive_id",
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
        let Self { vectors, owners, group: _, key, wanted, text: _, done } = self;
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
        self.unembedded_before(embedder, &RowsBefore::default(), limit)
    }

    /// The same among older rows, for whoever goes through a million of them, newest first, and need not see again that
    /// the newer ones are done.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unembedded_before(
        &self,
        embedder: &str,
        before: &RowsBefore,
        limit: usize,
    ) -> Result<Vec<Unembedded>, StoreError> {
        let embedder = self.embedder_key(embedder)?;
        let mut found = Vec::new();
        for (owner, place) in PLACES.iter().rev() {
            let Place { key, text, .. } = place;
            let before = match owner {
                VectorOwner::Message => before.message,
                VectorOwner::Passage => before.passage,
            };
            let sql =
                format!("SELECT {key}, {text} {} AND {key} < ?2 ORDER BY {key} DESC LIMIT ?3", place.unembedded());
            found.extend(self.all(&sql, params![embedder, before, row_limit(limit - found.len())], |row| {
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

    /// The rows of a group that want vectors, in no order, whether they have them or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn vector_rows(&self, group: &VectorGroup) -> Result<Vec<i64>, StoreError> {
        let Place { owners, group: column, key, wanted, .. } = place(group.owner());
        let sql = format!("SELECT {key} FROM {owners} WHERE {column} = ? AND {wanted}");
        self.all(&sql, [group.id()], |row| row.get(0))
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

    /// The vectors of every other embedder than `embedder`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn vectors_of_others(&self, embedder: &str) -> Result<Vec<VectorRow>, StoreError> {
        let mut found = Vec::new();
        for (owner, Place { vectors, .. }) in &PLACES {
            let sql =
                format!("SELECT number FROM {vectors} WHERE embedder IN (SELECT key FROM embedders WHERE name <> ?)");
            found.extend(self.all(&sql, [embedder], |row| Ok(VectorRow { owner: *owner, number: row.get(0)? }))?);
        }
        Ok(found)
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
        let first = self.take_numbers(stored.len())?;
        for (number, stored) in (first..).zip(stored) {
            let StoredVector { owner, key: row, vector } = stored;
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
                    "INSERT OR REPLACE INTO {vectors} (number, embedder, owner, vector)
                     SELECT ?, ?, {owner_key}, ? FROM {owners} WHERE {owner_key} = ?"
                ),
                params![number, key, bytes, row],
            )?;
        }
        self.note_done(key)
    }

    /// Takes the vectors of `embedder` for those of another one where they have not `dimension` components, so that all
    /// texts want a vector of this one again; whether that was so. What goes by a name may be another model by now.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_embedder_dimension(&mut self, embedder: &str, dimension: usize) -> Result<bool, StoreError> {
        let changed = self.execute(
            "UPDATE embedders SET name = name || ' #' || key WHERE name = ? AND dimension <> ?",
            params![embedder, row_limit(dimension)],
        )?;
        Ok(changed > 0)
    }

    /// Drops vectors of other embedders than `embedder`, which will have to begin anew if they come back. All of them at
    /// once would keep everybody else from writing for long.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn drop_vectors_of_others(&mut self, embedder: &str, vectors: &[VectorRow]) -> Result<(), StoreError> {
        self.execute(
            "UPDATE embedders SET messages_done = 0, passages_done = 0 WHERE name <> ? AND messages_done + passages_done > 0",
            [embedder],
        )?;
        for VectorRow { owner, number } in vectors {
            self.execute(&format!("DELETE FROM {} WHERE number = ?", place(*owner).vectors), [number])?;
        }
        Ok(())
    }

    /// Forgets every other embedder than `embedder`, once none of them has a vector any more.
    ///
    /// # Errors
    /// When one of them has; when the database cannot be written.
    pub fn forget_embedders_except(&mut self, embedder: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM embedders WHERE name <> ?", [embedder])?;
        Ok(())
    }

    /// Drops the vectors of a passage whose text has changed.
    pub(crate) fn forget_passage_vectors(&mut self, archive_id: &ArchiveId, passage: i64) -> Result<(), StoreError> {
        self.note_removed(&VectorGroup::PassagesIn(archive_id.clone()), passage)?;
        self.execute("DELETE FROM passage_vectors WHERE owner = ?", [passage])?;
        self.want_vectors(VectorOwner::Passage, passage)
    }

    /// Lets the vectors of a row follow it to the bin or back.
    pub(crate) fn bin_vectors(&mut self, group: &VectorGroup, key: i64, binned: bool) -> Result<(), StoreError> {
        if binned {
            return self.note_removed(group, key);
        }
        let vectors = place(group.owner()).vectors;
        let numbers: Vec<i64> =
            self.all(&format!("SELECT number FROM {vectors} WHERE owner = ?"), [key], |row| row.get(0))?;
        for old in numbers {
            let number = self.take_numbers(1)?;
            self.execute(&format!("UPDATE {vectors} SET number = ? WHERE number = ?"), [number, old])?;
        }
        self.want_vectors(group.owner(), key)
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
