//! The header of a GGUF file, read far enough to list the file and to refuse what cannot be loaded.
//!
//! A file that a person picks is hostile until shown otherwise: every count and length is bounded before it is
//! believed, strings longer than a name are skipped and not kept, and of the tensors only their places are read, to
//! notice a file that was cut. The engine checks the rest when it loads. Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::LibraryError;

/// Real files have up to about a hundred entries.
const MAX_ENTRIES: u64 = 4096;

/// Real files have up to a few thousand tensors.
const MAX_TENSORS: u64 = 1 << 20;

/// The longest array in real files is a vocabulary with its merges, below a million entries.
const MAX_ARRAY: u64 = 1 << 24;

/// A chat template, the longest string, is below 100 KB.
const MAX_STRING_BYTES: u64 = 1 << 24;

/// Tensors have up to four dimensions.
const MAX_DIMENSIONS: u32 = 4;

/// Where `general.alignment` does not say otherwise.
const DEFAULT_ALIGNMENT: u64 = 32;

/// Longer strings are not names, and are skipped.
const MAX_NAME_BYTES: u64 = 256;

/// What a GGUF file says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Header {
    /// Its architecture, such as `llama` or `qwen2`.
    pub architecture: String,
    /// Its licence.
    pub licence: Option<String>,
    /// The window it was trained for, in tokens.
    pub context_window_tokens: Option<u64>,
    /// Layers.
    pub layers: Option<u64>,
    /// Bytes that a token takes in the f32 key and value cache.
    pub cache_bytes_per_token: Option<u64>,
}

#[derive(Default)]
struct Fields {
    header: Header,
    width: Option<u64>,
    heads: Option<u64>,
    kv_heads: Option<u64>,
    key_width: Option<u64>,
    alignment: Option<u64>,
}

impl Header {
    /// The header of the file at `path`.
    ///
    /// # Errors
    /// [`LibraryError::NotAModel`] when it is not a GGUF file of a known version or ends too early, and an IO error
    /// when it cannot be read.
    pub fn read(path: &Path) -> Result<Self, LibraryError> {
        let file = File::open(path).map_err(LibraryError::io("open", path))?;
        let mut reader = Reader { inner: BufReader::new(file), length: 0 };
        reader.length = reader.inner.seek(SeekFrom::End(0)).map_err(LibraryError::io("read", path))?;
        reader.inner.rewind().map_err(LibraryError::io("read", path))?;
        read_header(&mut reader)
            .map_err(|message| LibraryError::NotAModel { path: path.to_owned(), message: message.to_owned() })
    }
}

fn read_header(reader: &mut Reader) -> Result<Header, &'static str> {
    if reader.bytes::<4>().map_err(|_| "it is empty")? != *b"GGUF" {
        return Err("it is not a GGUF file");
    }
    match u32::from_le_bytes(reader.bytes()?) {
        2 | 3 => {}
        1 => return Err("it is of GGUF version 1, which is no longer read; convert it again"),
        version if version.swap_bytes() <= 3 => return Err("it was made for computers of the other byte order"),
        _ => return Err("it is of a GGUF version that this program does not know"),
    }
    let tensors = reader.u64()?;
    let entries = reader.u64()?;
    if tensors > MAX_TENSORS || entries > MAX_ENTRIES {
        return Err("its header is damaged");
    }
    if tensors == 0 {
        return Err("it has no weights");
    }
    let mut fields = Fields::default();
    for _ in 0..entries {
        let key = reader.string()?.ok_or("its header is damaged")?;
        let kind = u32::from_le_bytes(reader.bytes()?);
        let value = reader.value(kind)?;
        fields.take(&key, value);
    }
    if fields.header.architecture.is_empty() {
        return Err("it does not name its architecture");
    }
    check_tensors(reader, tensors, fields.alignment.unwrap_or(DEFAULT_ALIGNMENT))?;
    Ok(fields.finish())
}

/// Refuses a file that ends before its last tensor begins.
fn check_tensors(reader: &mut Reader, tensors: u64, alignment: u64) -> Result<(), &'static str> {
    let mut last = 0;
    for _ in 0..tensors {
        reader.string()?;
        let dimensions = u32::from_le_bytes(reader.bytes()?);
        if dimensions > MAX_DIMENSIONS {
            return Err(CUT);
        }
        // The size of each dimension, and the type.
        reader.skip(u64::from(dimensions) * 8 + 4)?;
        last = reader.u64()?.max(last);
    }
    let end = reader.inner.stream_position().map_err(|_| CUT)?;
    let start = end.checked_next_multiple_of(alignment).and_then(|data| data.checked_add(last));
    if start.is_some_and(|start| start < reader.length) { Ok(()) } else { Err(CUT) }
}

impl Fields {
    fn take(&mut self, key: &str, value: Value) {
        // Keys of the architecture are `llama.context_length` and so on.
        let own = |suffix: &str| key.ends_with(suffix) && !key.starts_with("general.");
        match value {
            Value::Text(text) => match key {
                "general.architecture" => self.header.architecture = text,
                "general.license" => self.header.licence = Some(text),
                _ => {}
            },
            Value::Number(number) => {
                let field = if own(".context_length") {
                    &mut self.header.context_window_tokens
                } else if own(".block_count") {
                    &mut self.header.layers
                } else if own(".embedding_length") {
                    &mut self.width
                } else if own(".attention.head_count") {
                    &mut self.heads
                } else if own(".attention.head_count_kv") {
                    &mut self.kv_heads
                } else if own(".attention.key_length") {
                    &mut self.key_width
                } else if key == "general.alignment" {
                    &mut self.alignment
                } else {
                    return;
                };
                *field = Some(number);
            }
            Value::Other => {}
        }
    }

    fn finish(mut self) -> Header {
        let head_width = self.key_width.or_else(|| self.width?.checked_div(self.heads?));
        self.header.cache_bytes_per_token = (|| {
            let numbers = self.header.layers?.checked_mul(self.kv_heads.or(self.heads)?)?.checked_mul(head_width?)?;
            // A key and a value, four bytes each.
            numbers.checked_mul(2 * 4)
        })();
        self.header
    }
}

enum Value {
    Text(String),
    Number(u64),
    Other,
}

struct Reader {
    inner: BufReader<File>,
    length: u64,
}

/// Every way in which reading can fail here means the same to a person.
const CUT: &str = "it is cut off or damaged";

impl Reader {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes).map_err(|_| CUT)?;
        Ok(bytes)
    }

    fn u64(&mut self) -> Result<u64, &'static str> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn skip(&mut self, count: u64) -> Result<(), &'static str> {
        let position = self.inner.stream_position().map_err(|_| CUT)?;
        // A seek past the end would succeed, and the loop around it would run for as long as its count says.
        if self.length.saturating_sub(position) < count {
            return Err(CUT);
        }
        let count = i64::try_from(count).map_err(|_| CUT)?;
        self.inner.seek_relative(count).map_err(|_| CUT)
    }

    /// A string, or `None` for one that is longer than a name.
    fn string(&mut self) -> Result<Option<String>, &'static str> {
        let length = self.u64()?;
        if length > MAX_STRING_BYTES {
            return Err(CUT);
        }
        if length > MAX_NAME_BYTES {
            self.skip(length)?;
            return Ok(None);
        }
        let length = usize::try_from(length).expect("a name's length fits");
        let mut bytes = vec![0; length];
        self.inner.read_exact(&mut bytes).map_err(|_| CUT)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The numbers of the types are those of the format.
    fn value(&mut self, kind: u32) -> Result<Value, &'static str> {
        Ok(match kind {
            4 => Value::Number(u64::from(u32::from_le_bytes(self.bytes()?))),
            10 => Value::Number(self.u64()?),
            8 => self.string()?.map_or(Value::Other, Value::Text),
            9 => {
                let kind = u32::from_le_bytes(self.bytes()?);
                let count = self.u64()?;
                self.skip_array(kind, count)?;
                Value::Other
            }
            _ => {
                self.skip(width(kind).ok_or(CUT)?)?;
                Value::Other
            }
        })
    }

    fn skip_array(&mut self, kind: u32, count: u64) -> Result<(), &'static str> {
        if count > MAX_ARRAY {
            return Err(CUT);
        }
        if let Some(width) = width(kind) {
            return self.skip(width * count);
        }
        if kind != 8 {
            return Err(CUT);
        }
        for _ in 0..count {
            let length = self.u64()?;
            self.skip(length)?;
        }
        Ok(())
    }
}

/// Bytes of a value whose type has a fixed width.
fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(bytes: &mut Vec<u8>, key: &str, kind: u32, value: &[u8]) {
        bytes.extend((key.len() as u64).to_le_bytes());
        bytes.extend(key.as_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(value);
    }

    fn text(value: &str) -> Vec<u8> {
        [&(value.len() as u64).to_le_bytes(), value.as_bytes()].concat()
    }

    fn sample() -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(8_u64.to_le_bytes());
        entry(&mut bytes, "general.architecture", 8, &text("llama"));
        entry(&mut bytes, "general.name", 8, &text("Tiny"));
        entry(&mut bytes, "llama.context_length", 4, &8192_u32.to_le_bytes());
        entry(&mut bytes, "llama.block_count", 4, &30_u32.to_le_bytes());
        entry(&mut bytes, "llama.embedding_length", 4, &576_u32.to_le_bytes());
        entry(&mut bytes, "llama.attention.head_count", 4, &9_u32.to_le_bytes());
        entry(&mut bytes, "llama.attention.head_count_kv", 4, &3_u32.to_le_bytes());
        let vocabulary =
            [&8_u32.to_le_bytes()[..], &2_u64.to_le_bytes(), &text("a"), &text(&"b".repeat(1000))].concat();
        entry(&mut bytes, "tokenizer.ggml.tokens", 9, &vocabulary);
        bytes.extend(text("output.weight"));
        bytes.extend(2_u32.to_le_bytes());
        bytes.extend([0; 16 + 4 + 8]);
        bytes.resize(bytes.len().next_multiple_of(32) + 1, 7);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Header, LibraryError> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        Header::read(file.path())
    }

    #[test]
    fn a_header_tells_architecture_window_and_cache() {
        let header = read(&sample()).expect("a header");
        assert_eq!(header.architecture, "llama");
        assert_eq!(header.context_window_tokens, Some(8192));
        assert_eq!(header.cache_bytes_per_token, Some(46_080), "30 layers, 3 heads of 64, two f32 each");
    }

    #[test]
    fn what_is_not_a_model_is_refused_with_a_reason() {
        let mut endless = sample();
        endless[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
        for (bytes, reason) in [
            (Vec::new(), "empty"),
            (b"PK\x03\x04zip".to_vec(), "not a GGUF"),
            (b"GGUF\x01\x00\x00\x00".to_vec(), "version 1"),
            (b"GGUF\x00\x00\x00\x03".to_vec(), "byte order"),
            (endless, "damaged"),
        ] {
            let error = read(&bytes).expect_err(reason).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_header_cut_anywhere_is_refused() {
        let bytes = sample();
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "cut at {end}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn damaged_headers_neither_panic_nor_hang(at in 4_usize..300, value: u8) {
            let mut bytes = sample();
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = read(&bytes);
        }
    }
}
