//! An index in a file, so that it opens in a moment.
//!
//! The file is a header, which says what vectors it holds, and segments, each with the vectors that came and the keys
//! that went since the one before. A segment is appended; it counts when its checksum is right, so that a program that
//! was killed while it wrote leaves a file that opens as it was before. With each segment goes a number of the caller's,
//! the *stamp*: whoever opens the file learns up to what point of the store it is complete, and adds the rest.
//!
//! So that there are never many segments, one that is not larger than what is to be written is read and written again
//! together with it, in its place, as long as that is soon done. When all of them would be, or there are many in spite of
//! it, or a quarter of the vectors in the file are gone, the whole file is written beside the old one and takes its name.
//!
//! The fine rests of vectors stay in the file, each with a checksum of its own, since opening does not look at them.
//! Numbers are little-endian, like all processors that Resident runs on.

mod format;
mod open;
mod save;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

pub use save::Written;

use crate::{FileError, IndexError, VectorIndex};

/// What vectors a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// Who made them: an embedder, with whatever distinguishes its vectors.
    pub embedder: String,
    /// Components of a vector.
    pub dimension: usize,
}

impl Scheme {
    fn words(&self) -> String {
        format!("vectors of {} components by `{}`", self.dimension, self.embedder)
    }
}

/// An index that was read from its file.
#[derive(Debug)]
pub struct Opened {
    /// The index.
    pub index: VectorIndex,
    /// What was said when it was saved in the state in which it is now.
    pub stamp: u64,
    /// Bytes at the end of the file that were left out, since they are not as they were written: a save that was cut
    /// short, or a damaged file. What they held has to be added again from `stamp` on.
    pub dropped_bytes: u64,
}

/// The file of an index, as far as it counts.
#[derive(Debug)]
pub(crate) struct Stored {
    path: PathBuf,
    scheme: Scheme,
    file: File,
    segments: Vec<Segment>,
    /// Where the next segment begins.
    end: u64,
}

/// A segment of the file.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    start: u64,
    fine_start: u64,
    first_slot: usize,
    rows: usize,
    removed: Vec<i64>,
}

impl Stored {
    /// Slots whose vectors are in the file.
    pub(crate) fn slots(&self) -> usize {
        self.segments.last().map_or(0, |segment| segment.first_slot + segment.rows)
    }

    /// Where the slots of segment number `kept` begin, or would begin.
    pub(crate) fn first_slot_of(&self, kept: usize) -> usize {
        self.segments.get(kept).map_or(self.slots(), |segment| segment.first_slot)
    }

    /// Leaves out the segments from number `kept` on; the keys that they removed.
    pub(crate) fn cut(&mut self, kept: usize) -> Vec<i64> {
        if let Some(first) = self.segments.get(kept) {
            self.end = first.start;
        }
        self.segments.split_off(kept).into_iter().flat_map(|segment| segment.removed).collect()
    }

    /// Counts a segment that was written and ends at `end`.
    pub(crate) fn append(&mut self, segment: Segment, end: u64) {
        self.segments.push(segment);
        self.end = end;
    }

    /// Reads the fine rest of a slot.
    ///
    /// # Errors
    /// When the file cannot be read, or is not what was written.
    pub(crate) fn read_fine(&self, slot: usize, rest: &mut [i8]) -> Result<(), IndexError> {
        let segment = &self.segments[self.segments.partition_point(|segment| segment.first_slot <= slot) - 1];
        let size = format::fine_bytes(rest.len());
        let mut bytes = vec![0; size];
        let start = segment.fine_start + (slot - segment.first_slot) as u64 * size as u64;
        read_at(&self.file, &mut bytes, start).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => IndexError::Damaged { path: self.path.clone() },
            kind => IndexError::Unreadable { path: self.path.clone(), kind },
        })?;
        let Some(kept) = format::checked_fine(&bytes) else {
            return Err(IndexError::Damaged { path: self.path.clone() });
        };
        rest.copy_from_slice(bytemuck::cast_slice(kept));
        Ok(())
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut start: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, start)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                start += read as u64;
                bytes = &mut bytes[read..];
            }
        }
    }
    Ok(())
}

/// Says what was tried with a file that failed.
fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { action, path, source }
}
