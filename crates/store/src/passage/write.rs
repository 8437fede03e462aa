//! How passages change. Each change mends the passage's row of words in the same transaction, and a new text drops the
//! vectors of the old one.

use rusqlite::params;

use super::{Passage, PassageRevision};
use crate::sql::{Json, Writer};
use crate::{FileId, PassageId, Provenance, StoreError, VectorGroup};

impl Writer<'_> {
    /// Saves a passage, with its revision 1, and gives its row.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id is taken, [`StoreError::NotFound`] when its archive is not there.
    pub fn insert_passage(&mut self, passage: &Passage) -> Result<i64, StoreError> {
        let (actor, agent, turn, message, tool) = passage.provenance.values();
        let key = self.insert(
            ("passage", passage.id.as_str()),
            ("archive", passage.archive_id.as_str()),
            "INSERT INTO passages (id, archive_id, file_id, created_at_ms, updated_at_ms, deleted_at_ms, valid_from_ms,
                                   valid_to_ms, superseded_by, actor, by_agent_id, turn_id, message_id, tool,
                                   document, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                passage.id.as_str(),
                passage.archive_id.as_str(),
                passage.file_id.as_ref().map(FileId::as_str),
                passage.created_at_ms,
                passage.updated_at_ms,
                passage.deleted_at_ms,
                passage.valid_from_ms,
                passage.valid_to_ms,
                passage.superseded_by.as_ref().map(PassageId::as_str),
                actor,
                agent,
                turn,
                message,
                tool,
                passage.document,
                passage.text,
            ],
        )?;
        let tags = distinct(&passage.tags);
        self.insert_tags(key, passage, &tags)?;
        self.insert_passage_revision(&PassageRevision {
            passage_id: passage.id.clone(),
            number: 1,
            before: None,
            after: passage.text.clone(),
            tags,
            provenance: passage.provenance.clone(),
            created_at_ms: passage.created_at_ms,
        })?;
        self.index_passage(&passage.id)?;
        Ok(key)
    }

    /// Gives a passage a text and tags, and makes the revision that says so. The passage keeps the provenance of its
    /// first saving.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such passage.
    #[expect(clippy::too_many_arguments, reason = "what a revision is made of; each has its own type")]
    pub fn update_passage(
        &mut self,
        id: &PassageId,
        text: &str,
        tags: &[String],
        provenance: &Provenance,
        at_ms: i64,
    ) -> Result<PassageRevision, StoreError> {
        let (key, before) = self.existing_passage(id)?;
        self.execute("UPDATE passages SET text = ?, updated_at_ms = ? WHERE key = ?", params![text, at_ms, key])?;
        let tags = distinct(tags);
        self.execute("DELETE FROM passage_tags WHERE key = ?", [key])?;
        self.insert_tags(key, &before, &tags)?;
        let last: i64 =
            self.value("SELECT COALESCE(MAX(number), 0) FROM passage_revisions WHERE passage_id = ?", [id.as_str()])?;
        let revision = PassageRevision {
            passage_id: id.clone(),
            number: last + 1,
            before: Some(before.text),
            after: text.to_owned(),
            tags,
            provenance: provenance.clone(),
            created_at_ms: at_ms,
        };
        self.insert_passage_revision(&revision)?;
        if revision.before.as_deref() != Some(text) {
            self.forget_passage_vectors(&before.archive_id, key)?;
        }
        self.index_passage(id)?;
        Ok(revision)
    }

    /// Says that the passage `by` took the place of the passage `id` at `at_ms`: from then on `id` is no longer true. A
    /// validity that ended earlier stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when one of the two is not there.
    pub fn supersede_passage(&mut self, id: &PassageId, by: &PassageId, at_ms: i64) -> Result<(), StoreError> {
        let (key, passage) = self.existing_passage(id)?;
        self.existing_passage(by)?;
        let end_ms = passage.valid_to_ms.unwrap_or(at_ms).min(at_ms).max(passage.valid_from_ms.unwrap_or(i64::MIN));
        self.execute(
            "UPDATE passages SET valid_to_ms = ?, superseded_by = ?, updated_at_ms = ? WHERE key = ?",
            params![end_ms, by.as_str(), at_ms, key],
        )?;
        Ok(())
    }

    /// Moves a passage to the bin (with the time) or back (with `None`). A passage whose place it took is true again while
    /// it is in the bin, so that binning a correction takes the correction back.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such passage.
    pub fn set_passage_deleted(&mut self, id: &PassageId, at_ms: Option<i64>) -> Result<(), StoreError> {
        self.change(
            ("passage", id.as_str()),
            "UPDATE passages SET deleted_at_ms = ? WHERE id = ?",
            params![at_ms, id.as_str()],
        )?;
        let (key, passage) = self.existing_passage(id)?;
        let began_ms = passage.valid_from_ms.unwrap_or(passage.created_at_ms);
        let (from_ms, to_ms) = match at_ms {
            Some(_) => (Some(began_ms), None),
            None => (None, Some(began_ms)),
        };
        self.execute(
            "UPDATE passages SET valid_to_ms = ? WHERE superseded_by = ? AND valid_to_ms IS ?",
            params![to_ms, id.as_str(), from_ms],
        )?;
        self.bin_vectors(&VectorGroup::PassagesIn(passage.archive_id), key, at_ms.is_some())?;
        self.index_passage(id)
    }

    /// Removes a passage and its revisions for good.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such passage.
    pub fn purge_passage(&mut self, id: &PassageId) -> Result<(), StoreError> {
        let (key, passage) = self.existing_passage(id)?;
        self.note_purged(&VectorGroup::PassagesIn(passage.archive_id), key)?;
        self.execute("DELETE FROM passage_text WHERE rowid = ?", [key])?;
        self.execute("DELETE FROM passages WHERE key = ?", [key])?;
        Ok(())
    }

    fn existing_passage(&self, id: &PassageId) -> Result<(i64, Passage), StoreError> {
        self.keyed_passage(id)?.ok_or_else(|| StoreError::NotFound { what: "passage", id: id.to_string() })
    }

    fn insert_tags(&mut self, key: i64, passage: &Passage, tags: &[String]) -> Result<(), StoreError> {
        for (position, tag) in (0_i64..).zip(tags) {
            self.execute(
                "INSERT INTO passage_tags (key, position, archive_id, tag) VALUES (?, ?, ?, ?)",
                params![key, position, passage.archive_id.as_str(), tag],
            )?;
        }
        Ok(())
    }

    fn insert_passage_revision(&mut self, revision: &PassageRevision) -> Result<(), StoreError> {
        let (actor, agent, turn, message, tool) = revision.provenance.values();
        self.execute(
            "INSERT INTO passage_revisions (passage_id, number, after, tags, created_at_ms, actor, by_agent_id, turn_id,
                                            message_id, tool) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                revision.passage_id.as_str(),
                revision.number,
                revision.after,
                Json(&revision.tags),
                revision.created_at_ms,
                actor,
                agent,
                turn,
                message,
                tool,
            ],
        )?;
        Ok(())
    }
}

/// The tags without repetitions, in the order given.
fn distinct(tags: &[String]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    tags.iter().filter(|tag| seen.insert(tag.as_str())).cloned().collect()
}
