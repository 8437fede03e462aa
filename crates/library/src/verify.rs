//! SHA-256 of files and streams.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::LibraryError;

/// Read at once; large enough that the hash and not the system call is the cost.
const BUFFER_BYTES: usize = 1 << 20;

/// A hash that grows with a stream.
#[derive(Clone, Default)]
pub(crate) struct Hash(Sha256);

impl Hash {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// In lower-case hexadecimal.
    pub(crate) fn hex(self) -> String {
        use std::fmt::Write;
        self.0.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes what is written to it");
            text
        })
    }
}

/// The hash of a file and its length, or `None` when `cancel` was set meanwhile.
pub(crate) fn hash_file(path: &Path, cancel: Option<&AtomicBool>) -> Result<Option<(Hash, u64)>, LibraryError> {
    let mut file = File::open(path).map_err(LibraryError::io("open", path))?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut hash = Hash::default();
    let mut length = 0;
    loop {
        if cancel.is_some_and(|cancel| cancel.load(Ordering::SeqCst)) {
            return Ok(None);
        }
        let read = file.read(&mut buffer).map_err(LibraryError::io("read", path))?;
        if read == 0 {
            return Ok(Some((hash, length)));
        }
        hash.update(&buffer[..read]);
        length += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_abc_is_that_of_the_standard() {
        let mut hash = Hash::default();
        hash.update(b"a");
        hash.update(b"bc");
        assert_eq!(hash.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
