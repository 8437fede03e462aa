//! Writing an index to its file.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crc32fast::Hasher;

use super::{Scheme, Segment, Stored, failed, format};
use crate::{FileError, IndexError, VectorIndex};

/// What is written at once.
const BUFFER: usize = 1 << 20;

/// Vectors that may be gone from a file before it is written anew, beside a quarter of those that are left.
const GAPS_LEFT: usize = 1_024;

/// Segments of up to so many vectors together are made one: 6 MiB of fine rests to be read and twice as much written,
/// which is over in a few hundredths of a second. No search is answered meanwhile.
const MERGED_ROWS: usize = 16_384;

/// With so many segments the file is written anew.
const MOST_SEGMENTS: usize = 80;

/// A file that was written and waits to be taken over: see [`VectorIndex::write_beside`].
#[derive(Debug)]
#[must_use = "the index goes on with its old file until this is taken over"]
pub struct Written {
    stored: Stored,
    changes: u64,
}

impl VectorIndex {
    /// Writes the index to a file, in the place of one that is there, and keeps its fine rests there from now on.
    /// `stamp` is what [`open`](Self::open) will say. The file is written beside its place and renamed when it is whole.
    ///
    /// # Errors
    /// When it cannot be written; the index is as before then, and so is an older file.
    pub fn write_to(&mut self, path: &Path, embedder: &str, stamp: u64) -> Result<(), FileError> {
        let written = self.write_beside(path, embedder, stamp)?;
        self.take_over(written);
        Ok(())
    }

    /// The part of [`write_to`](Self::write_to) that takes long, during which the index may be searched. It must not be
    /// changed before [`take_over`](Self::take_over), which does the rest.
    ///
    /// # Errors
    /// As [`write_to`](Self::write_to).
    pub fn write_beside(&self, path: &Path, embedder: &str, stamp: u64) -> Result<Written, FileError> {
        let scheme = Scheme { embedder: embedder.to_owned(), dimension: self.dimension };
        let partial = partial(path);
        let written = self.write_whole(&partial, &scheme, stamp).and_then(|written| {
            fs::rename(&partial, path).map_err(failed("replace", path))?;
            Ok(written)
        });
        let (file, segment, end) = match written {
            Ok(written) => written,
            Err(error) => {
                // What is left of it is overwritten by the next attempt, if it cannot be removed now.
                drop(fs::remove_file(&partial));
                return Err(error);
            }
        };
        let stored = Stored { path: path.to_owned(), scheme, file, segments: vec![segment], end };
        Ok(Written { stored, changes: self.changes })
    }

    /// Goes on with a file that was written.
    ///
    /// # Panics
    /// When the index has changed since.
    pub fn take_over(&mut self, written: Written) {
        assert_eq!(written.changes, self.changes, "an index must not be changed while it is written");
        self.move_together(0);
        self.fine.all_stored(written.stored);
    }

    /// Whether [`save`](Self::save) would write the whole file anew, or there is none, so that
    /// [`write_beside`](Self::write_beside) is to be preferred.
    pub fn wants_rewriting(&self) -> bool {
        let Some(stored) = &self.fine.stored else { return true };
        let (stored_slots, (kept, _)) = (stored.slots(), self.kept_segments(stored));
        let unsaved_alive = (stored_slots..self.rows.len()).filter(|&slot| self.rows.is_alive(slot)).count();
        let gone = stored_slots - (self.len() - unsaved_alive);
        kept == 0 || kept >= MOST_SEGMENTS || gone > GAPS_LEFT + self.len() / 4
    }

    /// Appends what has changed to the file, if there is one: [`write_to`](Self::write_to) and [`open`](Self::open) say
    /// which. It costs about as much as what changed since the last time, now and then more.
    ///
    /// # Errors
    /// When the file cannot be written. The index goes on as it is, and a later attempt may succeed; the file opens in
    /// a state that was saved before.
    pub fn save(&mut self, stamp: u64) -> Result<(), FileError> {
        let Some(stored) = &self.fine.stored else { return Ok(()) };
        if self.wants_rewriting() {
            let (path, embedder) = (stored.path.clone(), stored.scheme.embedder.clone());
            return self.write_to(&path, &embedder, stamp);
        }
        let (kept, first_slot) = self.kept_segments(stored);
        self.fine.take_back(kept).map_err(|error| unreadable(error, "read"))?;
        let alive: Vec<usize> = (first_slot..self.rows.len()).filter(|&slot| self.rows.is_alive(slot)).collect();
        self.fine.keep_only(&alive);
        self.move_together(first_slot);
        let stored = self.fine.stored.as_ref().expect("it was looked at above");
        let slots: Vec<usize> = (first_slot..self.rows.len()).collect();
        let content = Content { index: self, slots: &slots, first_slot, removed: &self.fine.removed, stamp };
        let failed = failed("write", &stored.path);
        let (segment, end) = stored
            .file
            .set_len(stored.end)
            .map_err(failed)
            .and_then(|()| content.write(&stored.file, stored.end, &stored.path))?;
        self.fine.appended(segment, end);
        Ok(())
    }

    /// How many segments stay as they are when the index is saved, and the first slot after them.
    fn kept_segments(&self, stored: &Stored) -> (usize, usize) {
        let (mut kept, mut first_slot) = (stored.segments.len(), stored.slots());
        while let Some(last) = kept.checked_sub(1).map(|last| &stored.segments[last]) {
            let to_write = self.rows.len() - first_slot;
            if last.rows > to_write || last.rows + to_write > MERGED_ROWS {
                break;
            }
            kept -= 1;
            first_slot = last.first_slot;
        }
        (kept, first_slot)
    }

    fn write_whole(&self, path: &Path, scheme: &Scheme, stamp: u64) -> Result<(File, Segment, u64), FileError> {
        let header = format::header(scheme).ok_or_else(|| FileError::TooLarge { path: path.to_owned() })?;
        let open = File::options().read(true).write(true).create(true).truncate(true).open(path);
        let mut file = open.map_err(failed("create", path))?;
        file.write_all(&header).map_err(failed("write", path))?;
        let slots: Vec<usize> = (0..self.rows.len()).filter(|&slot| self.rows.is_alive(slot)).collect();
        let content = Content { index: self, slots: &slots, first_slot: 0, removed: &[], stamp };
        let (segment, end) = content.write(&file, header.len() as u64, path)?;
        file.sync_data().map_err(failed("write", path))?;
        Ok((file, segment, end))
    }
}

/// What goes into a segment.
struct Content<'a> {
    index: &'a VectorIndex,
    /// The slots of its vectors, which will follow each other.
    slots: &'a [usize],
    /// Where they begin once gaps are closed.
    first_slot: usize,
    removed: &'a [i64],
    stamp: u64,
}

impl Content<'_> {
    /// Writes the segment to its place in the file, its head last; the segment, and where it ends.
    fn write(&self, file: &File, start: u64, path: &Path) -> Result<(Segment, u64), FileError> {
        let too_large = |_| FileError::TooLarge { path: path.to_owned() };
        let rows = u32::try_from(self.slots.len()).map_err(too_large)?;
        let removed = u32::try_from(self.removed.len()).map_err(too_large)?;
        let all = &self.index.rows;
        let head =
            format::Head { rows, removed, longest: all.longest, rest: all.rest, stamp: self.stamp, body_checksum: 0 };
        let (body, fine) = head.sizes(self.index.dimension);
        let body_start = start + format::HEAD as u64;
        let body_checksum = self.write_body(file, body_start).map_err(failed("write", path))?;
        self.write_fine(file, path)?;
        let write_head = |mut file: &File| {
            file.seek(SeekFrom::Start(start))?;
            file.write_all(&format::Head { body_checksum, ..head }.bytes())
        };
        write_head(file).map_err(failed("write", path))?;
        let fine_start = body_start + body;
        let removed = self.removed.to_vec();
        Ok((
            Segment { start, fine_start, first_slot: self.first_slot, rows: self.slots.len(), removed },
            fine_start + fine,
        ))
    }

    fn write_body(&self, mut file: &File, start: u64) -> io::Result<u32> {
        file.seek(SeekFrom::Start(start))?;
        let mut body = Body { writer: BufWriter::with_capacity(BUFFER, file), hasher: Hasher::new() };
        let rows = &self.index.rows;
        body.put(bytemuck::cast_slice(self.removed))?;
        self.slots.iter().try_for_each(|&slot| body.put(&rows.key(slot).to_le_bytes()))?;
        self.slots.iter().try_for_each(|&slot| body.put(&rows.scale(slot).to_le_bytes()))?;
        self.slots.iter().try_for_each(|&slot| body.put(&rows.slack(slot).to_le_bytes()))?;
        self.slots.iter().try_for_each(|&slot| body.put(bytemuck::cast_slice(rows.high(slot))))?;
        self.slots.iter().try_for_each(|&slot| body.put(bytemuck::cast_slice(rows.low(slot))))?;
        body.writer.flush()?;
        Ok(body.hasher.finalize())
    }

    /// Writes the fine rests from where the file stands.
    fn write_fine(&self, file: &File, path: &Path) -> Result<(), FileError> {
        let mut writer = BufWriter::with_capacity(BUFFER, file);
        let mut rest = vec![0_i8; self.index.dimension];
        for &slot in self.slots {
            self.index.fine.read(slot, &mut rest).map_err(|error| unreadable(error, "read"))?;
            let bytes: &[u8] = bytemuck::cast_slice(&rest);
            writer.write_all(bytes).map_err(failed("write", path))?;
            writer.write_all(&format::fine_checksum(bytes)).map_err(failed("write", path))?;
        }
        writer.flush().map_err(failed("write", path))
    }
}

/// Writes the body of a segment and adds up its checksum.
struct Body<W> {
    writer: W,
    hasher: Hasher,
}

impl<W: Write> Body<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.writer.write_all(bytes)
    }
}

/// Where a file is written before it takes its place.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".partial");
    path.with_file_name(name)
}

/// What could not be read of a file while it was written anew.
fn unreadable(error: IndexError, action: &'static str) -> FileError {
    match error {
        IndexError::Unreadable { path, kind } => FileError::Io { action, path, source: kind.into() },
        IndexError::Damaged { path } => FileError::Damaged { path },
        IndexError::Dimension { .. } | IndexError::NotFinite { .. } | IndexError::Full => {
            unreachable!("reading a fine rest meets no vector")
        }
    }
}
