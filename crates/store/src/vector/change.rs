//! Changes of vectors, numbered, so that an index that is kept elsewhere is brought up to date by reading what has changed.
//!
//! There is one count for the whole profile. A vector that comes, or comes back from the bin, takes the next number and is
//! its row; one that goes (to the bin, with its text, for good) leaves a row in `vector_removals` with the next number. So
//! what has changed since a number is: the removals after it, and then the vectors after it.
//!
//! Removals are remembered for the last [`REMEMBERED`] numbers. What was purged is remembered until whoever keeps vectors
//! elsewhere says that it is gone there too, since vectors tell of the text that they were made of.
//!
//! A database may be one that was put back from a copy and went on from there: its numbers say something else than they
//! did before. So each opening begins an *epoch* with a mark drawn at random, and a number goes out together with the mark
//! of its epoch, as a *stamp*.

use rusqlite::params;

use super::{Place, VectorGroup, VectorOwner, components, place};
use crate::sql::{Reader, Writer, row_limit};
use crate::{AgentId, ArchiveId, StoreError, Thread, message::SPOKEN};

/// So many numbers back removals are remembered. Whoever is farther behind has less to do when all is read anew.
const REMEMBERED: i64 = 1_000_000;

/// Bits of a stamp that are the mark of its epoch; the others are the number, of which 40 bits outlast a change a
/// millisecond for thirty years.
const MARK_BITS: u32 = 24;

/// Vectors had no numbers of their own before. Their rows are as good, since nothing follows them yet.
pub(crate) const SCHEMA: &str = "
CREATE TABLE numbered_message_vectors (
    number   INTEGER PRIMARY KEY,
    embedder INTEGER NOT NULL REFERENCES embedders (key),
    owner    INTEGER NOT NULL REFERENCES messages (seq) ON DELETE CASCADE,
    vector   BLOB NOT NULL
) STRICT;
INSERT INTO numbered_message_vectors (number, embedder, owner, vector)
SELECT rowid, embedder, owner, vector FROM message_vectors;
DROP TABLE message_vectors;
ALTER TABLE numbered_message_vectors RENAME TO message_vectors;
CREATE UNIQUE INDEX message_vectors_of_owner ON message_vectors (owner, embedder);

CREATE TABLE numbered_passage_vectors (
    number   INTEGER PRIMARY KEY,
    embedder INTEGER NOT NULL REFERENCES embedders (key),
    owner    INTEGER NOT NULL REFERENCES passages (key) ON DELETE CASCADE,
    vector   BLOB NOT NULL
) STRICT;
INSERT INTO numbered_passage_vectors (number, embedder, owner, vector)
SELECT rowid, embedder, owner, vector FROM passage_vectors;
DROP TABLE passage_vectors;
ALTER TABLE numbered_passage_vectors RENAME TO passage_vectors;
CREATE UNIQUE INDEX passage_vectors_of_owner ON passage_vectors (owner, embedder);

CREATE TABLE vector_count (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    number INTEGER NOT NULL
) STRICT;
INSERT INTO vector_count (only, number)
SELECT 1, MAX(COALESCE((SELECT MAX(number) FROM message_vectors), 0),
              COALESCE((SELECT MAX(number) FROM passage_vectors), 0));

CREATE TABLE vector_epochs (
    first_number INTEGER PRIMARY KEY,
    mark         INTEGER NOT NULL
) STRICT;

CREATE TABLE vector_removals (
    number      INTEGER NOT NULL,
    of_messages INTEGER NOT NULL,
    group_id    TEXT NOT NULL,
    -- The row whose vectors went; NULL where those of the whole group did.
    owner       INTEGER,
    purged      INTEGER NOT NULL
) STRICT;
CREATE INDEX vector_removals_by_number ON vector_removals (number);
CREATE INDEX vector_removals_purged ON vector_removals (number) WHERE purged;
";

/// What has changed among the vectors of a group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VectorChanges {
    /// All vectors of the group went, before whatever else is told here.
    pub all_went: bool,
    /// Rows whose vectors went.
    pub removed: Vec<i64>,
    /// Rows with their new vectors, to be taken after the removals.
    pub vectors: Vec<(i64, Vec<f32>)>,
    /// The number up to which this tells.
    pub up_to: i64,
    /// Whether that is the newest number.
    pub complete: bool,
}

/// How a vector went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Removal {
    /// What it tells of is still there: in the bin, or as an earlier revision.
    Left,
    /// With what it tells of.
    Purged,
}

impl Reader<'_> {
    /// The number of the newest change of any vector.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn vector_number(&self) -> Result<i64, StoreError> {
        self.value("SELECT number FROM vector_count", [])
    }

    /// What to keep beside vectors that are up to date with change `number`, for
    /// [`vector_number_of`](Self::vector_number_of).
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn vector_stamp(&self, number: i64) -> Result<u64, StoreError> {
        Ok(number.cast_unsigned() << MARK_BITS | self.epoch_mark(number)?)
    }

    /// The number of a stamp; `None` when this database did not give it, or too long ago to tell what has changed since.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn vector_number_of(&self, stamp: u64) -> Result<Option<i64>, StoreError> {
        let number = (stamp >> MARK_BITS).cast_signed();
        let newest = self.vector_number()?;
        let known = (newest.saturating_sub(REMEMBERED)..=newest).contains(&number);
        Ok((known && self.vector_stamp(number)? == stamp).then_some(number))
    }

    fn epoch_mark(&self, number: i64) -> Result<u64, StoreError> {
        let sql = "SELECT mark FROM vector_epochs WHERE first_number <= ? ORDER BY first_number DESC LIMIT 1";
        Ok(self.first(sql, [number], |row| row.get::<_, i64>(0))?.map_or(0, i64::cast_unsigned))
    }

    /// What `embedder`'s vectors of a group outside the bin have changed after change `after`, looking at `most` numbers
    /// at most.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn vector_changes(
        &self,
        group: &VectorGroup,
        embedder: &str,
        after: i64,
        most: usize,
    ) -> Result<VectorChanges, StoreError> {
        let newest = self.vector_number()?;
        let up_to = newest.min(after.saturating_add(row_limit(most)));
        let complete = up_to == newest;
        if up_to <= after {
            return Ok(VectorChanges { up_to: after, complete, ..VectorChanges::default() });
        }
        let went: Vec<Option<i64>> = self.all(
            "SELECT owner FROM vector_removals WHERE number > ? AND number <= ? AND of_messages = ? AND group_id = ?",
            params![after, up_to, of_messages(group), group.id()],
            |row| row.get(0),
        )?;
        let all_went = went.contains(&None);
        let removed = went.into_iter().flatten().collect();
        let Place { vectors, owners, group: column, key, wanted, .. } = place(group.owner());
        let vectors = match self.embedder_key(embedder)? {
            None => Vec::new(),
            // The vectors come first: looking for those of the group would go through all of it each time.
            Some(embedder) => self.all(
                &format!(
                    "SELECT owner, vector FROM {vectors} CROSS JOIN {owners} ON {key} = owner
                     WHERE number > ? AND number <= ? AND embedder = ? AND {column} = ? AND {wanted} ORDER BY number"
                ),
                params![after, up_to, embedder, group.id()],
                |row| Ok((row.get(0)?, components(row.get_ref(1)?.as_blob()?))),
            )?,
        };
        Ok(VectorChanges { all_went, removed, vectors, up_to, complete })
    }

    /// The groups of which something was purged that may still be kept elsewhere, with whether the group itself is still
    /// there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn purged_vector_groups(&self) -> Result<Vec<(VectorGroup, bool)>, StoreError> {
        let groups =
            self.all("SELECT DISTINCT of_messages, group_id FROM vector_removals WHERE purged", [], |row| {
                let id: String = row.get(1)?;
                Ok(if row.get(0)? {
                    VectorGroup::MessagesOf(AgentId(id))
                } else {
                    VectorGroup::PassagesIn(ArchiveId(id))
                })
            })?;
        groups.into_iter().map(|group| Ok((group.clone(), self.is_vector_group(&group)?))).collect()
    }

    /// All groups that there are.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn vector_groups(&self) -> Result<Vec<VectorGroup>, StoreError> {
        let mut groups =
            self.all("SELECT id FROM agents", [], |row| Ok(VectorGroup::MessagesOf(AgentId(row.get(0)?))))?;
        let archives = self.all("SELECT id FROM archives", [], |row| row.get(0).map(ArchiveId))?;
        groups.extend(archives.into_iter().map(VectorGroup::PassagesIn));
        Ok(groups)
    }

    fn is_vector_group(&self, group: &VectorGroup) -> Result<bool, StoreError> {
        let sql = match group {
            VectorGroup::MessagesOf(_) => "SELECT 1 FROM agents WHERE id = ?",
            VectorGroup::PassagesIn(_) => "SELECT 1 FROM archives WHERE id = ?",
        };
        Ok(self.first(sql, [group.id()], |_| Ok(()))?.is_some())
    }
}

impl Writer<'_> {
    /// Notes that what was purged of a group up to change `up_to` is kept nowhere else any more.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_purged_vectors(&mut self, group: &VectorGroup, up_to: i64) -> Result<(), StoreError> {
        self.execute(
            "UPDATE vector_removals SET purged = 0 WHERE purged AND number <= ? AND of_messages = ? AND group_id = ?",
            params![up_to, of_messages(group), group.id()],
        )?;
        Ok(())
    }

    /// Begins an epoch with the next change.
    pub(crate) fn begin_vector_epoch(&mut self) -> Result<(), StoreError> {
        let mark = i64::from(uuid::Uuid::new_v4().as_fields().0 >> (u32::BITS - MARK_BITS));
        let sql = "INSERT OR REPLACE INTO vector_epochs (first_number, mark) SELECT number + 1, ? FROM vector_count";
        self.execute(sql, [mark])?;
        // The epoch of the oldest number that may still be asked for stays.
        self.execute(
            "DELETE FROM vector_epochs WHERE first_number < (
                 SELECT MAX(first_number) FROM vector_epochs
                 WHERE first_number <= (SELECT number FROM vector_count) - ?)",
            [REMEMBERED],
        )?;
        Ok(())
    }

    /// Takes the next `count` numbers; the first of them.
    pub(super) fn take_numbers(&mut self, count: usize) -> Result<i64, StoreError> {
        self.execute("UPDATE vector_count SET number = number + ?", [row_limit(count)])?;
        Ok(self.vector_number()? - row_limit(count) + 1)
    }

    /// Notes that the vectors of a row went, which will not be given out any more.
    pub(super) fn note_removed(&mut self, group: &VectorGroup, owner: i64) -> Result<(), StoreError> {
        self.note(group, Some(owner), Removal::Left)
    }

    /// Notes that a row is purged.
    pub(crate) fn note_purged(&mut self, group: &VectorGroup, owner: i64) -> Result<(), StoreError> {
        self.note(group, Some(owner), Removal::Purged)
    }

    /// Notes that a whole group is purged.
    pub(crate) fn note_group_purged(&mut self, group: &VectorGroup) -> Result<(), StoreError> {
        self.note(group, None, Removal::Purged)
    }

    /// Notes that the messages of a thread from `seq` on go to the bin.
    pub(crate) fn note_messages_binned(&mut self, thread: &Thread, seq: i64) -> Result<(), StoreError> {
        let number = self.next_removal()?;
        self.execute(
            &format!(
                "INSERT INTO vector_removals (number, of_messages, group_id, owner, purged)
                 SELECT ?, 1, agent_id, seq, 0 FROM messages
                 WHERE agent_id = ? AND conversation_id IS ? AND seq >= ? AND {SPOKEN}"
            ),
            params![number, thread.agent_id.as_str(), thread.conversation(), seq],
        )?;
        Ok(())
    }

    /// Notes that the passages of an archive go to the bin.
    pub(crate) fn note_passages_binned(&mut self, id: &ArchiveId) -> Result<(), StoreError> {
        let number = self.next_removal()?;
        self.execute(
            "INSERT INTO vector_removals (number, of_messages, group_id, owner, purged)
             SELECT ?, 0, archive_id, key, 0 FROM passages WHERE archive_id = ? AND deleted_at_ms IS NULL",
            params![number, id.as_str()],
        )?;
        Ok(())
    }

    fn note(&mut self, group: &VectorGroup, owner: Option<i64>, how: Removal) -> Result<(), StoreError> {
        let number = self.next_removal()?;
        self.execute(
            "INSERT INTO vector_removals (number, of_messages, group_id, owner, purged) VALUES (?, ?, ?, ?, ?)",
            params![number, of_messages(group), group.id(), owner, how == Removal::Purged],
        )?;
        Ok(())
    }

    /// The number of a removal, before which those are forgotten that are too old.
    fn next_removal(&mut self) -> Result<i64, StoreError> {
        let number = self.take_numbers(1)?;
        self.execute("DELETE FROM vector_removals WHERE number < ? AND NOT purged", [number - REMEMBERED])?;
        Ok(number)
    }
}

fn of_messages(group: &VectorGroup) -> bool {
    group.owner() == VectorOwner::Message
}
