//! Where the fine rests of vectors are: in the index file, from which a search reads those of a few, or in memory as
//! long as they have not been written there.

use crate::{
    IndexError,
    file::{Segment, Stored},
    rows::CHUNK_ROWS,
};

/// The fine rests of all slots.
#[derive(Debug)]
pub(crate) struct Fine {
    dimension: usize,
    /// The file, which has the rests of the first slots.
    pub(crate) stored: Option<Stored>,
    /// The rests of the slots after those.
    tail: Tail,
    /// Keys whose vectors in the file are not valid any more, since it was written last.
    pub(crate) removed: Vec<i64>,
}

impl Fine {
    /// None yet, in memory only.
    pub(crate) fn new(dimension: usize) -> Self {
        Self { dimension, stored: None, tail: Tail::default(), removed: Vec::new() }
    }

    /// Whether there is a file.
    pub(crate) fn has_file(&self) -> bool {
        self.stored.is_some()
    }

    /// Slots whose rests are in the file.
    pub(crate) fn stored_slots(&self) -> usize {
        self.stored.as_ref().map_or(0, Stored::slots)
    }

    /// Appends the rest of a slot.
    pub(crate) fn push(&mut self, rest: &[i8]) {
        self.tail.push(rest);
    }

    /// Notes that the vector of `key` at `slot` was taken out.
    pub(crate) fn note_removed(&mut self, key: i64, slot: usize) {
        if slot < self.stored_slots() {
            self.removed.push(key);
        }
    }

    /// Reads the rest of a slot.
    ///
    /// # Errors
    /// When the file cannot be read, or is not what was written.
    pub(crate) fn read(&self, slot: usize, rest: &mut [i8]) -> Result<(), IndexError> {
        let stored_slots = self.stored_slots();
        match &self.stored {
            Some(stored) if slot < stored_slots => stored.read_fine(slot, rest),
            _ => {
                rest.copy_from_slice(self.tail.row(slot - stored_slots, self.dimension));
                Ok(())
            }
        }
    }

    /// Keeps only the rests of some slots of those that are in memory, in order.
    pub(crate) fn keep_only(&mut self, slots: &[usize]) {
        let stored_slots = self.stored_slots();
        for (to, &from) in slots.iter().enumerate() {
            self.tail.copy(from - stored_slots, to, self.dimension);
        }
        self.tail.truncate(slots.len(), self.dimension);
    }

    /// Takes the segments from number `kept` on out of the file and their rests into memory.
    ///
    /// # Errors
    /// When the file cannot be read; then nothing has changed.
    pub(crate) fn take_back(&mut self, kept: usize) -> Result<(), IndexError> {
        let Some(stored) = &mut self.stored else { return Ok(()) };
        let mut tail = Tail::default();
        let mut rest = vec![0; self.dimension];
        for slot in stored.first_slot_of(kept)..stored.slots() {
            stored.read_fine(slot, &mut rest)?;
            tail.push(&rest);
        }
        (0..self.tail.rows).for_each(|row| tail.push(self.tail.row(row, self.dimension)));
        self.tail = tail;
        self.removed.extend(stored.cut(kept));
        Ok(())
    }

    /// Takes over that the slots in memory are in the file now, as a segment that ends at `end`.
    pub(crate) fn appended(&mut self, segment: Segment, end: u64) {
        if let Some(stored) = &mut self.stored {
            stored.append(segment, end);
            self.tail = Tail::default();
            self.removed = Vec::new();
        }
    }

    /// Takes over that all slots are in the file now.
    pub(crate) fn all_stored(&mut self, stored: Stored) {
        self.stored = Some(stored);
        self.tail = Tail::default();
        self.removed = Vec::new();
    }
}

/// Rests in memory, in chunks, so that one more never copies those that are there.
#[derive(Debug, Default)]
struct Tail {
    chunks: Vec<Vec<i8>>,
    rows: usize,
}

impl Tail {
    fn push(&mut self, rest: &[i8]) {
        if self.rows == self.chunks.len() * CHUNK_ROWS {
            self.chunks.push(Vec::new());
        }
        self.chunks.last_mut().expect("a chunk was pushed if there was none").extend_from_slice(rest);
        self.rows += 1;
    }

    fn row(&self, row: usize, dimension: usize) -> &[i8] {
        let start = row % CHUNK_ROWS * dimension;
        &self.chunks[row / CHUNK_ROWS][start..start + dimension]
    }

    fn copy(&mut self, from: usize, to: usize, dimension: usize) {
        if from != to {
            let rest = self.row(from, dimension).to_vec();
            let start = to % CHUNK_ROWS * dimension;
            self.chunks[to / CHUNK_ROWS][start..start + dimension].copy_from_slice(&rest);
        }
    }

    fn truncate(&mut self, rows: usize, dimension: usize) {
        self.rows = rows;
        self.chunks.truncate(rows.div_ceil(CHUNK_ROWS));
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.truncate((rows - (rows.div_ceil(CHUNK_ROWS) - 1) * CHUNK_ROWS) * dimension);
        }
    }
}
