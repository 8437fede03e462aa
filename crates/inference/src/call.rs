//! The text of a call while the grammar writes it, and how it is brought to its end.

use resident_agent::Progress;
use resident_store::ToolCall;
use serde::Deserialize;

/// What stands between the name and the arguments; the grammar writes nothing else there.
const ARGUMENTS: &str = "\"arguments\": ";

/// A call that is being written.
#[derive(Debug)]
pub(crate) struct CallText {
    index: usize,
    bytes: Vec<u8>,
    name: Option<String>,
    /// Bytes of the text that have been reported, or that come before the arguments.
    reported: usize,
}

#[derive(Deserialize)]
struct Written {
    name: String,
    arguments: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Head {
    name: String,
}

impl CallText {
    /// The call number `index` of its message.
    pub(crate) fn new(index: usize) -> Self {
        Self { index, bytes: Vec::new(), name: None, reported: 0 }
    }

    /// Takes the bytes of a token.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Reports what is new of the arguments. The last byte waits, since it may be the brace that ends the call.
    pub(crate) fn report(&mut self, report: &mut dyn FnMut(Progress)) {
        self.report_until(self.bytes.len().saturating_sub(1), report);
    }

    fn report_until(&mut self, end: usize, report: &mut dyn FnMut(Progress)) {
        if self.name.is_none() {
            let text = String::from_utf8_lossy(&self.bytes);
            let Some(at) = text.find(ARGUMENTS) else { return };
            let head = format!("{}}}", text[..at].trim_end_matches([' ', ',']));
            self.name = serde_json::from_str::<Head>(&head).ok().map(|head| head.name);
            self.reported = at + ARGUMENTS.len();
        }
        let Some(name) = &self.name else { return };
        if end <= self.reported {
            return;
        }
        let new = &self.bytes[self.reported..end];
        let whole = std::str::from_utf8(new).map_or_else(|error| error.valid_up_to(), str::len);
        if whole > 0 {
            let delta = String::from_utf8_lossy(&new[..whole]).into_owned();
            self.reported += whole;
            report(Progress::ToolCall { index: self.index, name: name.clone(), arguments_delta: delta });
        }
    }

    /// The whole call, with the given id.
    ///
    /// # Errors
    /// When it is not one; the grammar should have seen to that.
    pub(crate) fn finish(mut self, id: String, report: &mut dyn FnMut(Progress)) -> Result<ToolCall, String> {
        let written: Written = serde_json::from_slice(&self.bytes)
            .map_err(|error| format!("a call is malformed ({error}): {}", String::from_utf8_lossy(&self.bytes)))?;
        self.report(report);
        Ok(ToolCall { id, name: written.name, arguments: serde_json::Value::Object(written.arguments) })
    }
}

/// How far a token leads away from the end of a call; 0 is best. A quote ends the text that is open, a bracket the
/// object or list; where neither can be written yet, a comma leads on to what is still required.
pub(crate) fn closing_rank(bytes: &[u8]) -> u8 {
    match bytes.first() {
        Some(b'"') => 0,
        Some(b'}' | b']') => 1,
        Some(b',') => 2,
        Some(_) => 3,
        None => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deltas_of_a_call_make_up_its_arguments() {
        let text = r#"{"name": "note", "arguments": {"text": "Grüße {\"arguments\": }"}}"#;
        for cut in 1..9 {
            let mut call = CallText::new(2);
            let mut deltas = String::new();
            let mut report = |progress| match progress {
                Progress::ToolCall { index: 2, name, arguments_delta } if name == "note" => {
                    deltas.push_str(&arguments_delta);
                }
                other => panic!("{other:?}"),
            };
            for bytes in text.as_bytes().chunks(cut) {
                call.push(bytes);
                call.report(&mut report);
            }
            let call = call.finish("call-1".to_owned(), &mut report).unwrap();
            assert_eq!(deltas, r#"{"text": "Grüße {\"arguments\": }"}"#, "cut into pieces of {cut}");
            assert_eq!(call.arguments["text"], "Grüße {\"arguments\": }");
        }
    }

    #[test]
    fn half_a_call_is_an_error() {
        let mut call = CallText::new(0);
        call.push(br#"{"name": "note", "arguments": {"text": "#);
        assert!(call.finish("call-1".to_owned(), &mut |_| ()).unwrap_err().contains("malformed"));
    }
}
