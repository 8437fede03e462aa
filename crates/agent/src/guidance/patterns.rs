//! Patterns and lists of words as data: compiled or split once, when they are first needed.

use std::sync::LazyLock;

use regex::Regex;

/// A regular expression of this crate.
pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this crate are valid")
}

/// Words, one a line of a file.
pub(super) type List = LazyLock<Vec<&'static str>>;

/// The lines of `text`.
pub(super) fn lines(text: &'static str) -> Vec<&'static str> {
    text.lines().filter(|line| !line.is_empty()).collect()
}

/// Statics that hold a documented regular expression each.
macro_rules! patterns {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:expr;)*) => {
        $($(#[doc = $doc])+ static $name: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| $crate::guidance::patterns::pattern($text));)*
    };
}

/// The words of a file beside this one.
macro_rules! list {
    ($file:literal) => {
        std::sync::LazyLock::new(|| $crate::guidance::patterns::lines(include_str!($file)))
    };
}

pub(super) use {list, patterns};
