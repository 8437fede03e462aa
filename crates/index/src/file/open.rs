//! Reading an index from its file.

use std::{
    fs::File,
    io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom},
    path::Path,
};

use crc32fast::Hasher;

use super::{Opened, Scheme, Segment, Stored, failed, format};
use crate::{
    FileError, VectorIndex,
    kernels::{LINE_BYTES, Line},
    quantise::lines_for,
    rows::CHUNK_ROWS,
};

impl VectorIndex {
    /// Reads an index from its file; searches will read it as well.
    ///
    /// # Errors
    /// When there is no file, or none with the vectors of `scheme` that this version can read. The file is left as it
    /// is: [`write_to`](Self::write_to) replaces it with an index that was built anew.
    pub fn open(path: &Path, scheme: &Scheme) -> Result<Opened, FileError> {
        let file = File::options().read(true).write(true).open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => FileError::Missing { path: path.to_owned() },
            _ => failed("open", path)(error),
        })?;
        let size = file.metadata().map_err(failed("open", path))?.len();
        let reading = file.try_clone().map_err(failed("open", path))?;
        let mut reader = BufReader::with_capacity(64 * 1024, reading);
        let mut end = read_header(&mut reader, path, scheme)?;
        let mut index = Self::new(scheme.dimension);
        let mut segments: Vec<Segment> = Vec::new();
        let mut stamp = None;
        while end < size {
            let first_slot = index.rows.len();
            let read = read_segment(&mut reader, &mut index, size - end).map_err(failed("read", path))?;
            let Some((head, removed)) = read else {
                index.rows.close_gaps(first_slot, |_, _| {});
                break;
            };
            let (body, fine) = head.sizes(scheme.dimension);
            let fine_start = end + format::HEAD as u64 + body;
            segments.push(Segment { start: end, fine_start, first_slot, rows: head.rows as usize, removed });
            end = fine_start + fine;
            reader.seek(SeekFrom::Start(end)).map_err(failed("read", path))?;
            index.admit(first_slot, segments.last().map_or(&[], |segment| &segment.removed));
            index.rows.longest = index.rows.longest.max(head.longest);
            index.rows.rest = index.rows.rest.max(head.rest);
            stamp = Some(head.stamp);
        }
        let Some(stamp) = stamp else { return Err(FileError::Damaged { path: path.to_owned() }) };
        index.fine.all_stored(Stored { path: path.to_owned(), scheme: scheme.clone(), file, segments, end });
        Ok(Opened { index, stamp, dropped_bytes: size - end })
    }

    /// Makes valid what a segment said: which keys went, and the vectors from `first_slot` on.
    fn admit(&mut self, first_slot: usize, removed: &[i64]) {
        for key in removed {
            if let Some(slot) = self.slots.remove(key) {
                self.rows.bury(slot as usize);
            }
        }
        self.slots.reserve(self.rows.len() - first_slot);
        for slot in first_slot..self.rows.len() {
            let place = u32::try_from(slot).expect("a segment that would not fit is not read");
            if let Some(older) = self.slots.insert(self.rows.key(slot), place) {
                self.rows.bury(older as usize);
            }
        }
    }
}

/// Reads past the header; the bytes that it takes.
fn read_header(reader: &mut impl Read, path: &Path, scheme: &Scheme) -> Result<u64, FileError> {
    let foreign = || FileError::Foreign { path: path.to_owned() };
    let mut bytes = vec![0; format::FIXED_HEADER];
    read_whole(reader, &mut bytes).map_err(failed("read", path))?.then_some(()).ok_or_else(foreign)?;
    if !bytes.starts_with(format::MAGIC) {
        return Err(foreign());
    }
    let (version, dimension, name_bytes) =
        (format::number_at(&bytes, 8), format::number_at(&bytes, 12), format::number_at(&bytes, 16));
    if version != format::VERSION {
        return Err(FileError::Version { path: path.to_owned(), found: version, expected: format::VERSION });
    }
    let damaged = || FileError::Damaged { path: path.to_owned() };
    if name_bytes > format::LONGEST_NAME {
        return Err(damaged());
    }
    bytes.resize(format::FIXED_HEADER + name_bytes as usize + 4, 0);
    read_whole(reader, &mut bytes[format::FIXED_HEADER..])
        .map_err(failed("read", path))?
        .then_some(())
        .ok_or_else(damaged)?;
    let (said, checksum) = bytes.split_at(bytes.len() - 4);
    if crc32fast::hash(said).to_le_bytes() != checksum {
        return Err(damaged());
    }
    let embedder = String::from_utf8_lossy(&said[format::FIXED_HEADER..]).into_owned();
    let found = Scheme { embedder, dimension: dimension as usize };
    if found != *scheme {
        return Err(FileError::Vectors { path: path.to_owned(), found: found.words(), expected: scheme.words() });
    }
    Ok(bytes.len() as u64)
}

/// Reads a segment into the index, where its vectors are not admitted yet: its head and the keys that it removes.
/// `None` when it is not whole.
fn read_segment(
    reader: &mut impl Read,
    index: &mut VectorIndex,
    left: u64,
) -> io::Result<Option<(format::Head, Vec<i64>)>> {
    let mut bytes = [0; format::HEAD];
    if !read_whole(reader, &mut bytes)? {
        return Ok(None);
    }
    let Some(head) = format::Head::read(&bytes) else { return Ok(None) };
    let (body, fine) = head.sizes(index.dimension);
    let rows = head.rows as usize;
    // Nothing is allocated for what cannot be there.
    if left - (format::HEAD as u64) < body + fine || u32::try_from(index.rows.len() + rows).is_err() {
        return Ok(None);
    }
    let mut body = Body { reader, hasher: Hasher::new() };
    let removed = body.numbers::<i64>(head.removed as usize)?;
    let keys = body.numbers::<i64>(rows)?;
    let scales = body.numbers::<f32>(rows)?;
    let slacks = body.numbers::<f32>(rows)?;
    let first_slot = index.rows.len();
    let width = lines_for(index.dimension);
    let pieces = pieces(first_slot, rows);
    for &(from, count) in &pieces {
        let chunk = index.rows.open_chunk();
        body.lines(&mut chunk.high, count * width)?;
        chunk.scales.extend_from_slice(&scales[from..from + count]);
        chunk.slacks.extend_from_slice(&slacks[from..from + count]);
        index.rows.push_keys(&keys[from..from + count]);
    }
    for &(from, count) in &pieces {
        body.lines(index.rows.low_of_chunk((first_slot + from) / CHUNK_ROWS), count * width)?;
    }
    if body.hasher.finalize() == head.body_checksum {
        return Ok(Some((head, removed)));
    }
    (first_slot..first_slot + rows).for_each(|slot| index.rows.bury(slot));
    Ok(None)
}

/// How rows from `first_slot` on fall into chunks: where each piece begins among them, and its length.
fn pieces(first_slot: usize, rows: usize) -> Vec<(usize, usize)> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while from < rows {
        let count = (CHUNK_ROWS - (first_slot + from) % CHUNK_ROWS).min(rows - from);
        pieces.push((from, count));
        from += count;
    }
    pieces
}

/// Reads the body of a segment and adds up its checksum.
struct Body<'a, R> {
    reader: &'a mut R,
    hasher: Hasher,
}

impl<R: Read> Body<'_, R> {
    fn numbers<N: bytemuck::Pod>(&mut self, count: usize) -> io::Result<Vec<N>> {
        let mut numbers = vec![N::zeroed(); count];
        self.fill(bytemuck::cast_slice_mut(&mut numbers))?;
        Ok(numbers)
    }

    /// Appends lines of codes.
    fn lines(&mut self, lines: &mut Vec<Line>, count: usize) -> io::Result<()> {
        let start = lines.len();
        lines.resize(start + count, Line([0; LINE_BYTES]));
        self.fill(bytemuck::cast_slice_mut(&mut lines[start..]))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.reader.read_exact(bytes)?;
        self.hasher.update(bytes);
        Ok(())
    }
}

/// Fills `bytes`; false when there are fewer.
fn read_whole(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
