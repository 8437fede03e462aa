//! A corpus of conversations with questions, one conversation in JSON on each line. What is broken is told with its
//! line, so that whoever made the file can mend it.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use serde::{Deserialize, Deserializer};

use super::dates::moment;
use crate::eval::EvalError;

/// All conversations of a file, or of a split of it.
#[derive(Debug)]
pub(super) struct Corpus {
    pub(super) conversations: Vec<Conversation>,
    /// Sessions whose date is neither empty nor in a form that is known.
    pub(super) dates_not_understood: usize,
}

/// One conversation.
#[derive(Debug, Deserialize)]
pub(super) struct Conversation {
    #[serde(deserialize_with = "word")]
    pub(super) id: String,
    #[serde(default)]
    split: Option<String>,
    sessions: Vec<Session>,
    #[serde(default)]
    pub(super) questions: Vec<Question>,
    /// The turns of all sessions in their order, with the moment at which each was said.
    #[serde(skip)]
    pub(super) turns: Vec<(Turn, i64)>,
}

/// What was said in one go.
#[derive(Debug, Deserialize)]
struct Session {
    #[serde(default)]
    date: Option<String>,
    turns: Vec<Turn>,
}

/// What one of them said.
#[derive(Debug, Deserialize)]
pub(super) struct Turn {
    #[serde(deserialize_with = "word")]
    pub(super) id: String,
    pub(super) speaker: String,
    pub(super) text: String,
}

/// What is asked, and the turns that answer it.
#[derive(Debug, Deserialize)]
pub(super) struct Question {
    #[serde(deserialize_with = "word")]
    pub(super) id: String,
    pub(super) text: String,
    #[serde(default, deserialize_with = "word")]
    pub(super) category: String,
    #[serde(deserialize_with = "words")]
    pub(super) evidence: BTreeSet<String>,
}

/// A conversation without a date begins here: 1 January 2024, 9:00.
const SOME_MORNING_MS: i64 = 1_704_099_600_000;

const MINUTE_MS: i64 = 60_000;

/// A session without a date follows the one before it by two hours: a pause, and no date that was never told.
const PAUSE_MS: i64 = 120 * MINUTE_MS;

impl Corpus {
    /// Reads a file; with `split` only the conversations of that one.
    ///
    /// # Errors
    /// When the file cannot be read, a line is broken, or nothing is left.
    pub(super) fn read(path: &Path, split: Option<&str>) -> Result<Self, EvalError> {
        let text = std::fs::read_to_string(path).map_err(|source| EvalError::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let mut corpus = Self { conversations: Vec::new(), dates_not_understood: 0 };
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let broken = |details| EvalError::Corpus { path: path.to_owned(), line: number, details };
            let mut conversation: Conversation =
                serde_json::from_str(line).map_err(|error| broken(error.to_string()))?;
            if split.is_none() || conversation.split.as_deref() == split {
                corpus.dates_not_understood += conversation.lay_out();
                conversation.check().map_err(broken)?;
                corpus.conversations.push(conversation);
            }
        }
        if corpus.conversations.is_empty() {
            return Err(EvalError::NoConversations { path: path.to_owned() });
        }
        Ok(corpus)
    }

    /// How many turns there are in all.
    pub(super) fn turns(&self) -> usize {
        self.conversations.iter().map(|conversation| conversation.turns.len()).sum()
    }
}

impl Conversation {
    /// Gives each turn its moment, a minute after the one before it; says how many dates were not understood.
    fn lay_out(&mut self) -> usize {
        let mut not_understood = 0;
        let mut next_ms = SOME_MORNING_MS;
        for session in self.sessions.drain(..) {
            let date = session.date.as_deref().map(str::trim).filter(|date| !date.is_empty());
            let dated_ms = date.and_then(moment);
            not_understood += usize::from(date.is_some() && dated_ms.is_none());
            let mut at_ms = dated_ms.unwrap_or(next_ms);
            for turn in session.turns {
                self.turns.push((turn, at_ms));
                at_ms += MINUTE_MS;
            }
            next_ms = at_ms + PAUSE_MS;
        }
        not_understood
    }

    fn check(&self) -> Result<(), String> {
        let mut ids = HashSet::new();
        for (turn, _) in &self.turns {
            if !ids.insert(turn.id.as_str()) {
                return Err(format!("two turns are called `{}`", turn.id));
            }
        }
        for question in &self.questions {
            if let Some(id) = question.evidence.iter().find(|id| !ids.contains(id.as_str())) {
                return Err(format!("question `{}` names the turn `{id}`, which is not there", question.id));
            }
        }
        Ok(())
    }
}

/// A name that may be written as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Number(serde_json::Number),
}

impl Name {
    fn into_string(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

fn word<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Name::deserialize(from).map(Name::into_string)
}

fn words<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<String>, D::Error> {
    Ok(Vec::<Name>::deserialize(from)?.into_iter().map(Name::into_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str, split: Option<&str>) -> Result<Corpus, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines).unwrap();
        Corpus::read(file.path(), split).map_err(|error| error.to_string())
    }

    const GOOD: &str = r#"{"id": "a", "split": "tune", "sessions": [
        {"id": 1, "date": "9:55 am on 22 October, 2023", "turns": [{"id": 7, "speaker": "user", "text": "hello"}]},
        {"id": 2, "date": "", "turns": [{"id": "8", "speaker": "assistant", "text": "hi"}]}],
        "questions": [{"id": 0, "text": "who?", "category": 3, "evidence": ["8", 7]}]}"#;

    #[test]
    fn ids_and_categories_may_be_numbers_and_dates_may_be_empty() {
        let corpus = read(&GOOD.replace('\n', " "), Some("tune")).unwrap();
        let conversation = &corpus.conversations[0];
        assert_eq!(conversation.turns[0].0.id, "7");
        assert_eq!(conversation.turns[1].1 - conversation.turns[0].1, MINUTE_MS + PAUSE_MS);
        assert_eq!(conversation.questions[0].category, "3");
        assert_eq!(conversation.questions[0].evidence.len(), 2);
        assert_eq!(corpus.dates_not_understood, 0);
    }

    #[test]
    fn a_broken_line_is_named_with_its_number() {
        let good = GOOD.replace('\n', " ");
        for (broken, problem) in [
            ("{\"id\": ".to_owned(), "line 3: EOF"),
            (good.replace("\"speaker\": \"user\", ", ""), "line 3: missing field `speaker`"),
            (good.replace("[\"8\", 7]", "[\"9\"]"), "line 3: question `0` names the turn `9`, which is not there"),
            (good.replace("\"id\": 7", "\"id\": 8"), "line 3: two turns are called `8`"),
        ] {
            let error = read(&format!("{good}\n\n{broken}\n"), None).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
        assert!(read(&good, Some("test")).unwrap_err().contains("no conversation"));
    }
}
