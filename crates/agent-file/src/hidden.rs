//! Characters that a person does not see and a model reads: they can hide instructions in a text that looks harmless. A
//! text that has them is kept as it is, since some have honest uses in small numbers, and a notice says where they are.

use std::fmt::Write;

use serde_json::Value;

use crate::NoticeKind;
use crate::fields::Context;
use crate::place::Place;

/// How many hidden characters of each kind a text has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Characters that turn the direction of writing, so that a text reads otherwise than it is (U+202A to U+202E,
    /// U+2066 to U+2069).
    pub directions: usize,
    /// Tag characters (U+E0000 to U+E007F), which spell out whole sentences unseen. Those of flags are not counted.
    pub tags: usize,
    /// Characters without width in runs of two and more. Single ones join letters in several scripts.
    pub zero_width: usize,
    /// Variation selectors in runs of two and more, in which bytes can be hidden.
    pub selectors: usize,
    /// Control characters other than tabulators and ends of lines.
    pub controls: usize,
}

impl Hidden {
    /// What is hidden in `text`.
    pub fn of(text: &str) -> Self {
        let mut found = Self::default();
        if text.is_ascii() {
            found.controls = text.bytes().filter(|byte| is_control(char::from(*byte))).count();
            return found;
        }
        let (mut widthless, mut selectors, mut of_flag) = (0, 0, 0);
        for c in text.chars() {
            let (is_widthless, is_selector) = (is_widthless(c), is_selector(c));
            if !is_widthless {
                found.zero_width += run(std::mem::take(&mut widthless));
            }
            if !is_selector {
                found.selectors += run(std::mem::take(&mut selectors));
            }
            widthless += usize::from(is_widthless);
            selectors += usize::from(is_selector);
            let is_tag = matches!(c, '\u{E0000}'..='\u{E007F}');
            match c {
                '\u{1F3F4}' => of_flag = TAGS_OF_A_FLAG,
                _ if is_tag && of_flag > 0 => of_flag -= 1,
                _ if is_tag => found.tags += 1,
                _ => of_flag = 0,
            }
            match c {
                '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => found.directions += 1,
                _ if is_control(c) => found.controls += 1,
                _ => {}
            }
        }
        found.zero_width += run(widthless);
        found.selectors += run(selectors);
        found
    }

    /// Whether there is nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What there is, in words.
    fn words(&self) -> String {
        let Self { directions, tags, zero_width, selectors, controls } = *self;
        let mut words = String::new();
        for (count, what) in [
            (directions, "turning the direction of writing"),
            (tags, "tag characters"),
            (zero_width, "without width"),
            (selectors, "variation selectors"),
            (controls, "control characters"),
        ] {
            if count > 0 {
                let comma = if words.is_empty() { "" } else { ", " };
                write!(words, "{comma}{count} {what}").expect("a string can be written to");
            }
        }
        words
    }
}

/// The flags of England, Scotland and Wales are a black flag, five tags, and the tag that ends them.
const TAGS_OF_A_FLAG: usize = 6;

/// A run counts from two on.
fn run(length: usize) -> usize {
    if length >= 2 { length } else { 0 }
}

fn is_widthless(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{180E}' | '\u{00AD}')
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// Looks through every text and key of `value` and gives notice of what is hidden.
pub(crate) fn look_through(value: &Value, place: &Place<'_>, cx: &mut Context<'_>) {
    match value {
        Value::String(text) => report(text, place, cx),
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                look_through(value, &place.index(index), cx);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                let place = place.key(key);
                report(key, &place, cx);
                look_through(value, &place, cx);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn report(text: &str, place: &Place<'_>, cx: &mut Context<'_>) {
    let hidden = Hidden::of(text);
    if !hidden.is_none() {
        let text = format!(
            "This text has characters that are not seen: {}. They are kept; look at it before you trust it.",
            hidden.words()
        );
        cx.notices.add_as(NoticeKind::HiddenText, place, "Texts with characters that are not seen.", text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_told_from_honest_ones() {
        let none = Hidden::default();
        for (text, expected) in [
            ("plain\ttext\n", none),
            ("👨‍👩‍👧 ❤️ می‌خواهم", none),
            ("🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} rugby", none),
            ("a\u{202e}b\u{2066}", Hidden { directions: 2, ..none }),
            ("hi\u{E0048}\u{E0049}", Hidden { tags: 2, ..none }),
            ("a\u{200b}\u{200c}\u{200b}b\u{200b}", Hidden { zero_width: 3, ..none }),
            ("😀\u{E0101}\u{E0102}", Hidden { selectors: 2, ..none }),
            ("nul\0", Hidden { controls: 1, ..none }),
            ("é\u{9b}", Hidden { controls: 1, ..none }),
        ] {
            assert_eq!(Hidden::of(text), expected, "{text:?}");
        }
    }
}
