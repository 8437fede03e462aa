//! The cases: what is said, what is kept already, and what must come of it.

use serde::Deserialize;

use crate::eval::EvalError;

/// All cases of one file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cases {
    #[serde(rename = "request")]
    pub(super) requests: Vec<Request>,
    #[serde(rename = "question")]
    pub(super) questions: Vec<Question>,
}

/// What a request asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum RequestKind {
    #[serde(rename = "remember")]
    Remember,
    #[serde(rename = "correct")]
    Correct,
    #[serde(rename = "forget")]
    Forget,
    #[serde(rename = "archive")]
    Archive,
    #[serde(rename = "look up")]
    LookUp,
}

impl RequestKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Remember => "remember",
            Self::Correct => "correct",
            Self::Forget => "forget",
            Self::Archive => "save for later",
            Self::LookUp => "look up",
        }
    }

    /// The tools that are right unless a case says otherwise.
    pub(super) fn tools(self) -> &'static [&'static str] {
        match self {
            Self::Remember => &["core_memory_append"],
            Self::Correct | Self::Forget => &["core_memory_replace"],
            Self::Archive => &["archival_memory_insert"],
            Self::LookUp => &["conversation_search", "archival_memory_search"],
        }
    }
}

/// A request to memory.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) kind: RequestKind,
    pub(super) text: String,
    /// Lines of the human block before.
    #[serde(default)]
    pub(super) kept: Vec<String>,
    /// The line that a correction or a forget is about.
    #[serde(default)]
    pub(super) line: Option<String>,
    #[serde(default)]
    pub(super) tools: Vec<String>,
    /// One of each of these stands in the text.
    #[serde(default)]
    pub(super) holds: Vec<Vec<String>>,
    /// None of these does.
    #[serde(default)]
    pub(super) not: Vec<String>,
    /// Words that may stand in the text although the message does not have them.
    #[serde(default)]
    pub(super) extra: Vec<String>,
}

/// A question about what is remembered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    pub(super) text: String,
    #[serde(default)]
    pub(super) kept: Vec<String>,
    /// What the user said before.
    #[serde(default)]
    pub(super) said: Vec<String>,
    /// Passages of archival memory.
    #[serde(default)]
    pub(super) saved: Vec<String>,
    pub(super) holds: Vec<Vec<String>>,
    #[serde(default)]
    pub(super) not: Vec<String>,
}

/// What memory has before a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) kept: &'a [String],
    pub(super) said: &'a [String],
    pub(super) saved: &'a [String],
}

impl Request {
    pub(super) fn setting(&self) -> Setting<'_> {
        Setting { kept: &self.kept, said: &[], saved: &[] }
    }
}

impl Question {
    pub(super) fn setting(&self) -> Setting<'_> {
        Setting { kept: &self.kept, said: &self.said, saved: &self.saved }
    }
}

impl Cases {
    /// The cases that are measured.
    pub(super) fn measured() -> Result<Self, EvalError> {
        Ok(toml::from_str(include_str!("cases.toml"))?)
    }

    /// The cases that were tuned on.
    pub(super) fn dev() -> Result<Self, EvalError> {
        Ok(toml::from_str(include_str!("dev.toml"))?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use resident_agent::guidance::{router_examples, worked_examples};

    use super::*;

    fn texts(cases: &Cases) -> Vec<&str> {
        let requests = cases.requests.iter().map(|case| case.text.as_str());
        requests.chain(cases.questions.iter().map(|case| case.text.as_str())).collect()
    }

    /// Words of four letters and more, so that two texts with the same frame and another content differ.
    fn long_words(text: &str) -> HashSet<String> {
        let words = text.split(|character: char| !character.is_alphanumeric());
        words.filter(|word| word.chars().count() >= 4).map(str::to_lowercase).collect()
    }

    #[test]
    fn there_are_forty_of_each_and_eight_of_every_kind() {
        let measured = Cases::measured().unwrap();
        assert_eq!((measured.requests.len(), measured.questions.len()), (40, 40));
        // What is found wrong is added to the development set, so that it only grows.
        let dev = Cases::dev().unwrap();
        assert!(dev.requests.len() >= 40 && dev.questions.len() >= 40);
        for kind in ["remember", "correct", "forget", "save for later", "look up"] {
            let count = |cases: &Cases| cases.requests.iter().filter(|case| case.kind.name() == kind).count();
            assert_eq!(count(&measured), 8, "{kind}");
            assert!(count(&dev) >= 8, "{kind}");
        }
    }

    #[test]
    fn what_is_measured_was_not_learned_from() {
        let measured = Cases::measured().unwrap();
        let dev = Cases::dev().unwrap();
        let mut learned: Vec<String> = router_examples().map(|(_, text)| text.to_owned()).collect();
        learned.extend(worked_examples().map(str::to_owned));
        learned.extend(texts(&dev).into_iter().map(str::to_owned));
        for text in texts(&measured) {
            let words = long_words(text);
            for example in &learned {
                assert_ne!(text.to_lowercase(), example.to_lowercase());
                let others = long_words(example);
                let shared = words.intersection(&others).count();
                let most = words.len().max(others.len());
                assert!(most < 3 || shared * 4 < most * 3, "{text:?} is too much like {example:?}");
            }
        }
    }

    #[test]
    fn a_correction_and_a_forget_name_a_kept_line() {
        for case in Cases::measured().unwrap().requests.iter().chain(&Cases::dev().unwrap().requests) {
            if matches!(case.kind, RequestKind::Correct | RequestKind::Forget) {
                let line = case.line.as_ref().unwrap();
                assert!(case.kept.contains(line), "{}", case.text);
            }
        }
    }
}
