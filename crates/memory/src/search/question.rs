//! A query, taken apart once: its terms, the time that it names, whether it asks about now, and who should have said it.

use jiff::tz::TimeZone;
use resident_store::Role;

use super::dates::{self, DateRange};
use super::words;

/// A query that has words.
pub(super) struct Question {
    /// What is looked for, lower case, without stopwords.
    pub(super) terms: Vec<String>,
    /// The same with what says when, for the search by words.
    pub(super) searched: Vec<String>,
    /// The time that it names.
    pub(super) dates: Option<DateRange>,
    /// Which time it asks about, where it names none.
    pub(super) tense: Tense,
    /// Who should have said the answer, as far as its pronouns tell.
    pub(super) said_by: Option<Role>,
}

/// Which time a query asks about. What changed since is wrong where it asks about now, and right where it asks about then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tense {
    /// "now", "current", "latest".
    Now,
    /// "what is", "do I have".
    Present,
    /// Anything else.
    Any,
}

const NOW: [&str; 12] = [
    "now",
    "current",
    "currently",
    "latest",
    "newest",
    "nowadays",
    "still",
    "anymore",
    "recent",
    "recently",
    "today",
    "updated",
];
const PRESENT: [&str; 7] = ["is", "are", "am", "do", "does", "has", "have"];
const PAST: [&str; 9] = ["did", "was", "were", "had", "used", "before", "originally", "previously", "first"];

const FIRST_PERSON: [&str; 8] = ["i", "my", "me", "mine", "we", "our", "us", "myself"];

/// Verbs of what an assistant did in words: "what did you recommend", "the recipe you gave me".
const TOLD: [&str; 26] = [
    "say",
    "said",
    "tell",
    "told",
    "give",
    "gave",
    "given",
    "suggest",
    "suggested",
    "recommend",
    "recommended",
    "mention",
    "mentioned",
    "advise",
    "advised",
    "explain",
    "explained",
    "list",
    "listed",
    "describe",
    "described",
    "write",
    "wrote",
    "provide",
    "provided",
    "propose",
];

impl Question {
    /// `None` when the text has no words, so that nothing is asked.
    pub(super) fn read(text: &str, now_ms: i64, time_zone: &TimeZone) -> Option<Self> {
        let mut terms = words::terms(text);
        if terms.is_empty() {
            return None;
        }
        let searched = terms.clone();
        let dates = dates::named_range(text, now_ms, time_zone);
        if dates.is_some() {
            // What says when is compared with when it was said, not with the words.
            terms.retain(|term| !dates::is_of_a_date(term));
        }
        // A sentence says what it is about early; a pasted page has every pronoun somewhere.
        let beginning: Vec<String> = words::words(words::beginning(text)).take(60).collect();
        Some(Self { terms, searched, dates, tense: tense(&beginning), said_by: said_by(&beginning) })
    }

    /// Whether a moment lies in the time that it names.
    pub(super) fn names_time_of(&self, at_ms: i64) -> bool {
        self.dates.is_some_and(|dates| dates.contains(at_ms))
    }
}

fn any_of(words: &[String], among: &[&str]) -> bool {
    words.iter().any(|word| among.contains(&word.as_str()))
}

fn tense(words: &[String]) -> Tense {
    // "what's" is "what", "s".
    let is = matches!(words, [first, second, ..] if first.starts_with("wh") && second == "s");
    if any_of(words, &NOW) {
        Tense::Now
    } else if (is || any_of(&words[..words.len().min(3)], &PRESENT)) && !any_of(words, &PAST) {
        Tense::Present
    } else {
        Tense::Any
    }
}

fn said_by(words: &[String]) -> Option<Role> {
    let you_told = words.windows(2).any(|pair| pair[0] == "you" && TOLD.contains(&pair[1].as_str()));
    // "can you tell me" asks for an answer, and does not say that one was given.
    let asked = words.windows(3).any(|three| {
        matches!(three[0].as_str(), "can" | "could" | "would" | "will" | "do")
            && three[1] == "you"
            && TOLD.contains(&three[2].as_str())
    });
    if you_told && !asked {
        Some(Role::Assistant)
    } else if any_of(words, &FIRST_PERSON) {
        Some(Role::User)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, terms: &[&str], tense: Tense, said_by: Option<Role>) {
        let question = Question::read(text, 1_700_233_200_000, &TimeZone::UTC).unwrap();
        assert_eq!(question.terms, terms, "{text}");
        assert_eq!((question.tense, question.said_by), (tense, said_by), "{text}");
    }

    #[test]
    fn a_question_tells_when_and_by_whom() {
        check("What is my budget now?", &["budget"], Tense::Now, Some(Role::User));
        check("What's the name of my dog?", &["name", "dog"], Tense::Present, Some(Role::User));
        check("Where did I park before the trip?", &["park", "trip"], Tense::Any, Some(Role::User));
        check("Which hotel did you recommend?", &["hotel", "recommend"], Tense::Any, Some(Role::Assistant));
        check("Can you tell me my shoe size?", &["shoe", "size"], Tense::Any, Some(Role::User));
        check("Ada's trips in May 2023", &["ada", "trips"], Tense::Any, None);
        assert!(Question::read(" ?! ", 0, &TimeZone::UTC).is_none());
    }
}
