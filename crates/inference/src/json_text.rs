//! JSON as models write it: one line, `", "` between members and `": "` after keys. Schemas, calls in the history and
//! the grammar all use this one layout, so that what a model reads is what it may write.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

/// Between members and elements.
pub(crate) const ITEM_SEPARATOR: &str = ", ";

/// Between a key and its value.
pub(crate) const KEY_SEPARATOR: &str = ": ";

/// `value` in one line with the separators above.
pub(crate) fn to_line(value: &Value) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, OneLine);
    value.serialize(&mut serializer).expect("a JSON value can be written to memory");
    String::from_utf8(out).expect("JSON is text")
}

/// A tool call as a model writes it.
pub(crate) fn call_line(name: &str, arguments: &Value) -> String {
    to_line(&serde_json::json!({"name": name, "arguments": arguments}))
}

struct OneLine;

impl serde_json::ser::Formatter for OneLine {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(ITEM_SEPARATOR.as_bytes()) }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(ITEM_SEPARATOR.as_bytes()) }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(KEY_SEPARATOR.as_bytes())
    }
}
