//! The bytes of an index file.
//!
//! Header: magic (8), version (4), dimension (4), length of the embedder's name (4), the name, checksum of all that (4).
//! Segment: mark (4), rows (4), removed keys (4), longest vector (4), longest rest (4), stamp (8), checksum of the body
//! (4), checksum of what stands before (4). Body: removed keys (8 each), keys (8), scales (4), slacks (4), high halves,
//! low halves (a whole number of lines of 64 bytes each). Then the fine rests, which are no part of the body: a byte
//! for each component and a checksum (4) for each vector.

use crc32fast::Hasher;

use crate::{kernels::LINE_BYTES, quantise::lines_for};

use super::Scheme;

/// What an index file begins with.
pub(super) const MAGIC: &[u8; 8] = b"RESINDEX";

/// The version of the format; to be raised with any change, of the quantisation too.
pub(super) const VERSION: u32 = 1;

/// What a segment begins with.
const MARK: u32 = u32::from_le_bytes(*b"SEGM");

/// Bytes of the header before the embedder's name.
pub(super) const FIXED_HEADER: usize = 20;

/// The longest name of an embedder that is believed.
pub(super) const LONGEST_NAME: u32 = 4_096;

/// Bytes of a segment's head.
pub(super) const HEAD: usize = 40;

const CHECKSUM: usize = 4;

/// The header of a file.
pub(super) fn header(scheme: &Scheme) -> Option<Vec<u8>> {
    let name = scheme.embedder.as_bytes();
    let name_bytes = u32::try_from(name.len()).ok().filter(|&length| length <= LONGEST_NAME)?;
    let mut bytes = Vec::with_capacity(FIXED_HEADER + name.len() + CHECKSUM);
    bytes.extend_from_slice(MAGIC);
    for number in [VERSION, u32::try_from(scheme.dimension).ok()?, name_bytes] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    Some(bytes)
}

/// The 4 bytes at a place as a number.
pub(super) fn number_at(bytes: &[u8], place: usize) -> u32 {
    let (numbers, _) = bytes[place..].as_chunks();
    u32::from_le_bytes(numbers[0])
}

/// The head of a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Head {
    pub(super) rows: u32,
    pub(super) removed: u32,
    pub(super) longest: f32,
    pub(super) rest: f32,
    pub(super) stamp: u64,
    pub(super) body_checksum: u32,
}

impl Head {
    pub(super) fn bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        let numbers = [MARK, self.rows, self.removed, self.longest.to_bits(), self.rest.to_bits()];
        for (place, number) in numbers.into_iter().enumerate() {
            bytes[4 * place..4 * place + 4].copy_from_slice(&number.to_le_bytes());
        }
        bytes[20..28].copy_from_slice(&self.stamp.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.body_checksum.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..HEAD - CHECKSUM]);
        bytes[HEAD - CHECKSUM..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The head that some bytes are, when they are one.
    pub(super) fn read(bytes: &[u8; HEAD]) -> Option<Self> {
        let whole = crc32fast::hash(&bytes[..HEAD - CHECKSUM]) == number_at(bytes, HEAD - CHECKSUM);
        (whole && number_at(bytes, 0) == MARK).then(|| Self {
            rows: number_at(bytes, 4),
            removed: number_at(bytes, 8),
            longest: f32::from_bits(number_at(bytes, 12)),
            rest: f32::from_bits(number_at(bytes, 16)),
            stamp: u64::from(number_at(bytes, 20)) | (u64::from(number_at(bytes, 24)) << 32),
            body_checksum: number_at(bytes, 28),
        })
    }

    /// Bytes of the body, and of the fine rests after it.
    pub(super) fn sizes(self, dimension: usize) -> (u64, u64) {
        let rows = u64::from(self.rows);
        let row = 8 + 4 + 4 + 2 * (lines_for(dimension) * LINE_BYTES) as u64;
        (8 * u64::from(self.removed) + rows * row, rows * fine_bytes(dimension) as u64)
    }
}

/// Bytes of the fine rest of a vector with its checksum.
pub(super) fn fine_bytes(dimension: usize) -> usize {
    dimension + CHECKSUM
}

/// The checksum that stands behind a fine rest.
pub(super) fn fine_checksum(rest: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = Hasher::new();
    hasher.update(rest);
    hasher.finalize().to_le_bytes()
}

/// The fine rest in its bytes, when they are as they were written.
pub(super) fn checked_fine(bytes: &[u8]) -> Option<&[u8]> {
    let (rest, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    (fine_checksum(rest) == checksum).then_some(rest)
}
