//! Bytes to JSON, for files that may be hostile: size, depth and number of values are bounded before they cost memory,
//! a key that comes twice is an error, and every error names the place.
//!
//! Half of a surrogate pair (`\ud83d` without its other half) is what programs leave behind that cut a text within an
//! emoji. It is no character, so JSON parsers refuse the whole file; here it becomes the replacement character.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt::{self, Write};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::{AgentFileError, Limits};

/// A parsed text, and how often half of a surrogate pair was replaced in it.
pub(crate) struct Parsed {
    pub(crate) value: Value,
    pub(crate) halves: usize,
}

/// Parses `bytes`, which may begin with a byte order mark.
pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<Parsed, AgentFileError> {
    if bytes.len() > limits.bytes {
        return Err(AgentFileError::TooLarge { bytes: bytes.len(), limit: limits.bytes });
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if let Some(looks_like) = other_kind(bytes) {
        return Err(AgentFileError::NotJson { looks_like });
    }
    let text = str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        let line = bytes[..offset].iter().filter(|byte| **byte == b'\n').count() + 1;
        AgentFileError::NotUtf8 { offset, line }
    })?;
    if text.trim_ascii().is_empty() {
        return Err(AgentFileError::Empty);
    }
    let (text, halves) = without_half_pairs(text);
    let state = State::new(limits);
    let mut parser = serde_json::Deserializer::from_str(&text);
    let parsed = Tree(&state).deserialize(&mut parser).and_then(|value| parser.end().map(|()| value));
    match parsed {
        Ok(value) => Ok(Parsed { value, halves }),
        Err(error) => Err(state.failure.take().unwrap_or_else(|| AgentFileError::Syntax {
            place: state.place(),
            line: error.line(),
            column: error.column(),
            reason: reason(&error),
        })),
    }
}

/// The words of the parser, without the position that they end with.
fn reason(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let end = words.rfind(" at line ").unwrap_or(words.len());
    words[..end].to_owned()
}

/// What a file is by its first bytes, where that is certainly no JSON.
fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 9] = [
        (b"\x89PNG", "a PNG image"),
        (b"\xFF\xD8\xFF", "a JPEG image"),
        (b"RIFF", "a WebP image or a sound file"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1F\x8B", "a gzip archive"),
        (b"%PDF", "a PDF document"),
        (b"SQLite format 3", "an SQLite database"),
        (b"\xFF\xFE", "a text in UTF-16"),
        (b"\xFE\xFF", "a text in UTF-16"),
    ];
    KINDS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, kind)| *kind)
}

/// The text with every half of a surrogate pair replaced, and how many there were. Both escapes have six characters.
pub(crate) fn without_half_pairs(text: &str) -> (Cow<'_, str>, usize) {
    if !text.contains("\\ud") && !text.contains("\\uD") {
        return (Cow::Borrowed(text), 0);
    }
    let bytes = text.as_bytes();
    let mut mended = String::new();
    let (mut done, mut at, mut halves) = (0, 0, 0);
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match unit(bytes, at) {
            Some(0xD800..=0xDBFF) if matches!(unit(bytes, at + 6), Some(0xDC00..=0xDFFF)) => at += 12,
            Some(0xD800..=0xDFFF) => {
                mended.push_str(&text[done..at]);
                mended.push_str("\\ufffd");
                at += 6;
                (done, halves) = (at, halves + 1);
            }
            // Any other escape; what follows the backslash may itself be one.
            Some(_) => at += 6,
            None => at += 2,
        }
    }
    if halves == 0 {
        return (Cow::Borrowed(text), 0);
    }
    mended.push_str(&text[done..]);
    (Cow::Owned(mended), halves)
}

/// The UTF-16 unit that is escaped at `at`.
fn unit(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// What the visitors of one parse share.
struct State<'l> {
    limits: &'l Limits,
    path: RefCell<Vec<Segment>>,
    values: Cell<usize>,
    failure: RefCell<Option<AgentFileError>>,
}

enum Segment {
    Key(String),
    Index(usize),
}

impl<'l> State<'l> {
    fn new(limits: &'l Limits) -> Self {
        Self { limits, path: RefCell::default(), values: Cell::new(0), failure: RefCell::default() }
    }

    /// The value that is being read; after an error, the one that it is in.
    fn place(&self) -> String {
        let mut place = String::new();
        for segment in self.path.borrow().iter() {
            match segment {
                Segment::Key(key) => push_key(&mut place, key),
                Segment::Index(index) => write!(place, "[{index}]").expect("a string can be written to"),
            }
        }
        if place.is_empty() { "the file".to_owned() } else { place }
    }

    /// Ends the parse with `error`, which the parser cannot carry itself.
    fn fail<E: Error>(&self, error: AgentFileError) -> E {
        self.failure.replace(Some(error));
        E::custom("refused")
    }

    fn enter<E: Error>(&self) -> Result<(), E> {
        let (depth, limit) = (self.path.borrow().len(), self.limits.levels());
        if depth >= limit {
            return Err(self.fail(AgentFileError::TooDeep { place: self.place(), limit }));
        }
        Ok(())
    }
}

/// Writes `key` behind `place`, so that it cannot be taken for something else: quoted where it is not a plain word, and
/// shortened where it is long.
pub(crate) fn push_key(place: &mut String, key: &str) {
    let plain = !key.is_empty()
        && key.len() <= 60
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if !plain {
        write!(place, "[{}]", quoted(key)).expect("a string can be written to");
    } else if place.is_empty() {
        place.push_str(key);
    } else {
        write!(place, ".{key}").expect("a string can be written to");
    }
}

/// `text` in quotes, escaped and at most 60 characters long.
pub(crate) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    let rest = if short.len() < text.len() { "…" } else { "" };
    format!("\"{}{rest}\"", short.escape_debug())
}

/// Reads one value and what is in it.
struct Tree<'s>(&'s State<'s>);

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let state = self.0;
        let values = state.values.get() + 1;
        state.values.set(values);
        if values > state.limits.values {
            let error = AgentFileError::TooManyValues { place: state.place(), limit: state.limits.values };
            return Err(state.fail(error));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let state = self.0;
        state.enter()?;
        let mut list = Vec::new();
        loop {
            // Popped only on success: after an error the path is the place of the error.
            state.path.borrow_mut().push(Segment::Index(list.len()));
            let next = access.next_element_seed(Tree(state))?;
            state.path.borrow_mut().pop();
            let Some(value) = next else { return Ok(Value::Array(list)) };
            list.push(value);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let state = self.0;
        state.enter()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                let error = AgentFileError::DuplicateKey { place: state.place(), key: quoted(&key) };
                return Err(state.fail(error));
            }
            state.path.borrow_mut().push(Segment::Key(key.clone()));
            let value = access.next_value_seed(Tree(state))?;
            state.path.borrow_mut().pop();
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str, limits: &Limits) -> String {
        match parse(text.as_bytes(), limits) {
            Ok(parsed) => format!("read: {}", parsed.value),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn errors_name_the_place() {
        let limits = Limits { depth: 3, values: 9, bytes: 60, ..Limits::default() };
        for (text, expected) in [
            ("", "the file is empty"),
            (" \n", "the file is empty"),
            ("[[[[]]]]", "[0][0][0] is nested more than 3 levels deep"),
            (r#"{"a":{"b":{"c":{}}}}"#, "a.b.c is nested more than 3 levels deep"),
            ("[0,0,0,0,0,0,0,0,0,0]", "the file holds more than 9 values; the last one read was [8]"),
            (r#"{"a":[{"k":1,"k":2}]}"#, "a[0] has the key \"k\" twice"),
            (r#"{"a":[{"k":1,"\u006b":2}]}"#, "a[0] has the key \"k\" twice"),
            (r#"{"a":[1,NaN]}"#, "the file is not valid JSON at a[1], line 1, column 9: expected value"),
            (r#"{"a":1} x"#, "the file is not valid JSON at the file, line 1, column 9: trailing characters"),
            (r#"{"a":1e999}"#, "the file is not valid JSON at a, line 1, column 10: number out of range"),
            (
                r#"{"odd key":[tru]}"#,
                "the file is not valid JSON at [\"odd key\"][0], line 1, column 16: expected ident",
            ),
            ("\u{89}PNG", "the file is not valid JSON at the file, line 1, column 1: expected value"),
        ] {
            assert_eq!(error(text, &limits), expected, "{text}");
        }
        assert_eq!(error(&"[".repeat(61), &limits), "the file has 61 bytes; at most 60 are read");
        let deep = Limits { depth: 1_000_000, ..Limits::default() };
        let words = error(&"[".repeat(100_000), &deep);
        assert!(words.ends_with("is nested more than 100 levels deep"), "{words}");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let limits = Limits::default();
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n"[..], "this is a PNG image, not an agent file"),
            (b"{\"a\":\n\"\xff\"}", "the file is not UTF-8 text: byte 7, in line 2, does not belong there"),
        ] {
            let error = parse(bytes, &limits).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), Some(expected));
        }
    }

    #[test]
    fn half_pairs_are_replaced_and_whole_ones_kept() {
        for (text, expected, count) in [
            (r#""\ud83d\ude00""#, "\u{1f600}", 0),
            (r#""\ud83d""#, "\u{fffd}", 1),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}", 1),
            (r#""\ude00\ud83d x""#, "\u{fffd}\u{fffd} x", 2),
            (r#""\\ud83d""#, "\\ud83d", 0),
            (r#""\\\ud83d""#, "\\\u{fffd}", 1),
            (r#""\uD83D\n""#, "\u{fffd}\n", 1),
        ] {
            let parsed = parse(text.as_bytes(), &Limits::default()).expect("it reads");
            assert_eq!((parsed.value.as_str(), parsed.halves), (Some(expected), count), "{text}");
        }
    }

    #[test]
    fn numbers_are_read_to_the_last_digit() {
        for number in ["0.1", "3.0000000000000004", "1e-7", "-0.0", "18446744073709551615", "-9223372036854775808"] {
            let value = parse(number.as_bytes(), &Limits::default()).expect("it reads").value;
            let again = parse(value.to_string().as_bytes(), &Limits::default()).expect("it reads").value;
            assert_eq!(value, again, "{number}");
        }
    }
}
