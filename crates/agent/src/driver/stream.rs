//! Reads what a model says out of the arguments of a call while they are being written: the text of `message` and of
//! `thinking`, without waiting for the JSON to be complete. It only feeds the screen; what counts is parsed whole.

use crate::tools::THINKING;

/// A piece of text that was completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Of the message.
    Message(String),
    /// Of the thoughts.
    Thought(String),
}

/// Where in the JSON text the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// Outside of strings.
    #[default]
    Between,
    /// In a string.
    Text,
    /// After a backslash.
    Escape,
    /// In a `\u` escape with so many digits still to come.
    Unicode { digits: u8, code: u16 },
}

/// The reader of one call's arguments.
#[derive(Debug, Default)]
pub(super) struct FieldStream {
    place: Place,
    depth: usize,
    /// The string that is being read is the name of a member.
    in_key: bool,
    expects_key: bool,
    key: String,
    high_surrogate: Option<u16>,
}

impl FieldStream {
    /// What `delta` adds to the fields that are shown.
    pub(super) fn feed(&mut self, delta: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for character in delta.chars() {
            self.next(character, &mut pieces);
        }
        pieces
    }

    fn next(&mut self, character: char, pieces: &mut Vec<Piece>) {
        match self.place {
            Place::Between => self.between(character),
            Place::Text => match character {
                '"' => self.place = Place::Between,
                '\\' => self.place = Place::Escape,
                plain => self.push(plain, pieces),
            },
            Place::Escape => {
                self.place = Place::Text;
                match character {
                    'u' => self.place = Place::Unicode { digits: 4, code: 0 },
                    'n' => self.push('\n', pieces),
                    't' => self.push('\t', pieces),
                    'r' => self.push('\r', pieces),
                    'b' | 'f' => {}
                    plain => self.push(plain, pieces),
                }
            }
            Place::Unicode { digits, code } => {
                let digit = character.to_digit(16).and_then(|digit| u16::try_from(digit).ok()).unwrap_or(0);
                let code = code << 4 | digit;
                if digits > 1 {
                    self.place = Place::Unicode { digits: digits - 1, code };
                } else {
                    self.place = Place::Text;
                    self.push_unit(code, pieces);
                }
            }
        }
    }

    fn between(&mut self, character: char) {
        match character {
            '{' | '[' => {
                self.depth += 1;
                self.expects_key = character == '{';
            }
            '}' | ']' => self.depth = self.depth.saturating_sub(1),
            ':' => self.expects_key = false,
            ',' => self.expects_key = self.depth == 1,
            '"' => {
                self.place = Place::Text;
                self.in_key = self.depth == 1 && self.expects_key;
                if self.in_key {
                    self.key.clear();
                }
            }
            _other => {}
        }
    }

    /// One unit of UTF-16, of which two may make one character.
    fn push_unit(&mut self, unit: u16, pieces: &mut Vec<Piece>) {
        let units: Vec<u16> = self.high_surrogate.take().into_iter().chain([unit]).collect();
        if units.len() == 1 && (0xD800..0xDC00).contains(&unit) {
            self.high_surrogate = Some(unit);
            return;
        }
        for character in char::decode_utf16(units) {
            self.push(character.unwrap_or(char::REPLACEMENT_CHARACTER), pieces);
        }
    }

    fn push(&mut self, character: char, pieces: &mut Vec<Piece>) {
        if self.in_key {
            self.key.push(character);
            return;
        }
        if self.depth != 1 {
            return;
        }
        match (self.key.as_str(), pieces.last_mut()) {
            ("message", Some(Piece::Message(text))) | (THINKING, Some(Piece::Thought(text))) => text.push(character),
            ("message", _) => pieces.push(Piece::Message(character.to_string())),
            (THINKING, _) => pieces.push(Piece::Thought(character.to_string())),
            _hidden => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(pieces: impl IntoIterator<Item = String>) -> (String, String) {
        let mut stream = FieldStream::default();
        let (mut message, mut thought) = (String::new(), String::new());
        for piece in pieces.into_iter().flat_map(|delta| stream.feed(&delta)) {
            match piece {
                Piece::Message(text) => message.push_str(&text),
                Piece::Thought(text) => thought.push_str(&text),
            }
        }
        (message, thought)
    }

    #[test]
    fn nested_fields_of_the_same_name_are_not_shown() {
        let arguments = json!({ "other": { "message": "no", "list": ["x"] }, "thinking": "hm", "message": "yes" });
        assert_eq!(read([arguments.to_string()]), ("yes".to_owned(), "hm".to_owned()));
    }

    proptest! {
        #[test]
        fn any_text_comes_out_as_it_went_in_however_it_is_cut(message in any::<String>(), thought in any::<String>()) {
            let visible = |text: &str| text.replace(['\u{8}', '\u{c}'], "");
            let arguments = json!({ "thinking": thought, "message": message, "request_heartbeat": true }).to_string();
            let cut = arguments.chars().map(String::from);
            prop_assert_eq!(read(cut), (visible(&message), visible(&thought)));
        }
    }

    #[test]
    fn escaped_pairs_make_one_character() {
        assert_eq!(read([r#"{"message":"\ud83d"#.to_owned(), r#"\ude00!"}"#.to_owned()]).0, "😀!");
    }
}
