//! The text of an answer while it is written: whole characters only, and nothing of a marker that may still turn out
//! to be one.

/// What ends or changes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    /// A stop string of the caller.
    Stop,
    /// A tool call begins.
    Call,
    /// Reasoning begins.
    ThoughtsBegin,
    /// Reasoning ends.
    ThoughtsEnd,
}

/// Bytes in, releasable text out.
#[derive(Debug, Default)]
pub(crate) struct TextStream {
    /// The beginning of a character whose other bytes have not come.
    partial: Vec<u8>,
    /// Text that may be the beginning of a marker.
    held: String,
}

impl TextStream {
    /// Takes the bytes of a token.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        loop {
            match std::str::from_utf8(&self.partial) {
                Ok(text) => {
                    self.held.push_str(text);
                    self.partial.clear();
                    return;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    self.held.push_str(&String::from_utf8_lossy(&self.partial[..valid]));
                    let Some(broken) = error.error_len() else {
                        self.partial.drain(..valid);
                        return;
                    };
                    self.held.push(char::REPLACEMENT_CHARACTER);
                    self.partial.drain(..valid + broken);
                }
            }
        }
    }

    /// The text up to the first of the markers, or as much as cannot belong to one, and the marker that was found.
    pub(crate) fn release(&mut self, markers: &[(String, Marker)]) -> (String, Option<Marker>) {
        let found = markers
            .iter()
            .filter(|(name, _)| !name.is_empty())
            .filter_map(|(name, marker)| self.held.find(name.as_str()).map(|at| (at, name.len(), *marker)))
            .min_by_key(|(at, length, _)| (*at, std::cmp::Reverse(*length)));
        if let Some((at, length, marker)) = found {
            let rest = self.held.split_off(at + length);
            let mut text = std::mem::replace(&mut self.held, rest);
            text.truncate(at);
            return (text, Some(marker));
        }
        let keep = markers.iter().map(|(name, _)| overlap(&self.held, name)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        (std::mem::replace(&mut self.held, rest), None)
    }

    /// All that is left, when nothing more will come.
    pub(crate) fn finish(&mut self) -> String {
        let mut text = std::mem::take(&mut self.held);
        if !std::mem::take(&mut self.partial).is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        text
    }
}

/// Bytes at the end of `text` that `name` begins with.
fn overlap(text: &str, name: &str) -> usize {
    (1..name.len().min(text.len() + 1))
        .rev()
        .find(|length| name.is_char_boundary(*length) && text.ends_with(&name[..*length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn markers() -> Vec<(String, Marker)> {
        vec![("STOP".to_owned(), Marker::Stop), ("<tool_call>".to_owned(), Marker::Call)]
    }

    proptest! {
        #[test]
        fn text_without_markers_arrives_whole_however_it_is_cut(text in "[a-zäöü<T🦀]{0,60}", cut in 1usize..5) {
            let mut stream = TextStream::default();
            let mut got = String::new();
            for bytes in text.as_bytes().chunks(cut) {
                stream.push(bytes);
                let (released, marker) = stream.release(&markers());
                prop_assert_eq!(marker, None);
                got.push_str(&released);
            }
            got.push_str(&stream.finish());
            prop_assert_eq!(got, text);
        }

        #[test]
        fn nothing_of_a_marker_is_released(before in "[a-z<T ]{0,20}", cut in 1usize..5) {
            let text = format!("{before}<tool_call>rest");
            let mut stream = TextStream::default();
            let mut got = String::new();
            for bytes in text.as_bytes().chunks(cut) {
                stream.push(bytes);
                let (released, marker) = stream.release(&markers());
                got.push_str(&released);
                if marker == Some(Marker::Call) {
                    prop_assert_eq!(got, before);
                    return Ok(());
                }
            }
            prop_assert!(false, "the marker was not found");
        }
    }

    #[test]
    fn broken_bytes_become_replacement_characters() {
        let mut stream = TextStream::default();
        stream.push(b"a\xff\xc3");
        assert_eq!(stream.release(&[]).0, "a\u{fffd}");
        stream.push(b"\xa4");
        assert_eq!(stream.release(&[]).0, "ä");
        stream.push(b"\xe2\x82");
        assert_eq!(stream.finish(), "\u{fffd}");
    }
}
