//! Why something was found, in words that can stand on screen and in a trace.

use std::fmt;

use serde::Serialize;

/// One reason why a search found a memory.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reason {
    /// It has words of the query.
    Words {
        /// Which.
        terms: Vec<String>,
    },
    /// The message before or after it has words of the query.
    Neighbour {
        /// Which.
        terms: Vec<String>,
    },
    /// It is similar in meaning.
    Meaning {
        /// Cosine similarity, up to 1.
        similarity: f32,
    },
    /// It is from the time that the query names, or from whom.
    Date,
    /// It has a tag that was asked for.
    Tag {
        /// The tag.
        tag: String,
    },
    /// Nothing was asked for, and it is among the newest.
    Newest,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words { terms } => write!(f, "has {}", named(terms)),
            Self::Neighbour { terms } => write!(f, "the message beside it has {}", named(terms)),
            Self::Meaning { similarity } => write!(f, "similar in meaning ({:.0} %)", similarity * 100.0),
            Self::Date => f.write_str("from the time or speaker that was asked for"),
            Self::Tag { tag } => write!(f, "has the tag: {tag}"),
            Self::Newest => f.write_str("among the newest"),
        }
    }
}

fn named(terms: &[String]) -> String {
    let noun = if terms.len() == 1 { "word" } else { "words" };
    format!("the {noun}: {}", terms.join(", "))
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn reasons_read_as_plain_words() {
        let terms = vec!["dark".to_owned(), "mode".to_owned()];
        assert_eq!(Reason::Words { terms: terms.clone() }.to_string(), "has the words: dark, mode");
        assert_eq!(
            Reason::Neighbour { terms: terms[..1].to_vec() }.to_string(),
            "the message beside it has the word: dark"
        );
        assert_eq!(Reason::Meaning { similarity: 0.716 }.to_string(), "similar in meaning (72 %)");
        assert_eq!(Reason::Tag { tag: "work".to_owned() }.to_string(), "has the tag: work");
    }
}
