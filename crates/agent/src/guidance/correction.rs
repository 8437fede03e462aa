//! A kept line, corrected: "The user's dentist is on Tuesday." and "it's Thursday, not Tuesday".
//!
//! A correction that is a whole statement takes the line's place. One that gives only the new value ("not Spain,
//! Portugal") is put where the old value stood.

use std::sync::LazyLock;

use regex::Regex;

use super::patterns::{pattern, patterns};
use super::phrase::{Phrase, capitalised, third_person};
use super::words::{bare, content_stems, overlap, sentences};

/// The line as it should be after `statement`.
pub(super) fn corrected(line: &str, statement: &str) -> Phrase {
    let (clause, old_value) = without_old_value(statement);
    if let Some(old) = old_value.as_deref().and_then(|old| found_in(line, old)) {
        let before = line[..old.start].split_whitespace().last().unwrap_or_default();
        // "is on Thursday" and "is on Tuesday" differ after "on".
        if let Some(new) = after_word(&clause, before) {
            return put(line, old, new);
        }
        if !shares_words(&clause, line) {
            return put(line, old, fragment(&clause));
        }
        // A line that tells more than the correction keeps the rest of it.
        let rest = format!("{} {}", &line[..old.start], &line[old.end..]);
        let tells_more = overlap(&content_stems(&rest), &clause) < 1.0;
        if tells_more && let Some(new) = value_like(&line[old.clone()], &clause) {
            return put(line, old, new);
        }
    }
    let points = POINTS.is_match(&clause);
    if !points && (shares_words(&clause, line) || STATEMENT.is_match(&clause)) {
        return third_person(&clause);
    }
    let new = fragment(&clause);
    match same_sort(line, new).or_else(|| value_part(line)) {
        Some(old) => put(line, old, new),
        None => third_person(&clause),
    }
}

/// The passage as it should be after `statement`: the sentence that it is about, corrected; in the user's own words.
pub(super) fn corrected_passage(passage: &str, statement: &str) -> Phrase {
    let stems = content_stems(statement);
    let sentences = sentences(passage);
    let nearest = sentences
        .iter()
        .enumerate()
        .max_by(|(one_at, one), (other_at, other)| {
            overlap(&stems, one).total_cmp(&overlap(&stems, other)).then(other_at.cmp(one_at))
        })
        .map(|(_, sentence)| *sentence);
    let Some(sentence) = nearest else { return Phrase::fixed(capitalised(statement)) };
    let new = corrected(sentence, statement);
    // A whole statement is kept as the user says it; only a value is put into what stands there.
    let own = third_person(&without_old_value(statement).0);
    let new = if new == own { own_words(statement, sentence) } else { new.likeliest() };
    Phrase::fixed(passage.replacen(sentence, &new, 1))
}

fn own_words(statement: &str, sentence: &str) -> String {
    let clause = without_old_value(statement).0;
    let end = if sentence.ends_with('.') { "." } else { "" };
    format!("{}{end}", capitalised(clause.trim_end_matches('.')))
}

/// `line` with `new` in the place of what stands at `old`.
fn put(line: &str, old: std::ops::Range<usize>, new: &str) -> Phrase {
    let rest = without_beginning(new, &line[old.end..]);
    let new = if rest.is_empty() { new } else { new.trim_end_matches('.') };
    let new = without_repeated(&line[..old.start], new);
    Phrase::fixed(format!("{}{new}{rest}", &line[..old.start]))
}

/// `new` without the words with which `before` ends already: "is on the", "on the 12th".
fn without_repeated<'n>(before: &str, new: &'n str) -> &'n str {
    let before: Vec<&str> = before.split_whitespace().collect();
    let words: Vec<&str> = new.split_whitespace().collect();
    let repeated = (1..words.len()).rev().find(|count| before.ends_with(&words[..*count])).unwrap_or(0);
    words.get(repeated).and_then(|word| new.find(word)).map_or(new, |at| &new[at..])
}

/// `rest` without the words with which `new` ends already: "Mercy hospital", " hospital."
fn without_beginning<'r>(new: &str, rest: &'r str) -> &'r str {
    if !rest.starts_with(' ') {
        return rest;
    }
    let said: Vec<String> = new.split_whitespace().map(|word| bare(word).to_lowercase()).collect();
    let words: Vec<&str> = rest.split_whitespace().collect();
    let bared: Vec<String> = words.iter().map(|word| bare(word).to_lowercase()).collect();
    let repeated = (1..=bared.len()).rev().find(|count| said.ends_with(&bared[..*count]));
    let Some(repeated) = repeated.filter(|_| !said.last().is_none_or(String::is_empty)) else { return rest };
    let last = bare(words[repeated - 1]);
    let before: usize = words[..repeated - 1].iter().map(|word| word.len() + 1).sum();
    let at = rest.get(before..).and_then(|tail| tail.find(last)).map(|at| before + at + last.len());
    at.map_or(rest, |at| &rest[at..])
}

/// The statement without "not …", and what it says is not so.
fn without_old_value(statement: &str) -> (String, Option<String>) {
    let statement = statement.trim().trim_end_matches(['.', '!', '?']);
    if let Some(found) = NOT_BUT.captures(statement) {
        let (subject, old, new) = (found[1].trim(), &found[2], &found[3]);
        let clause = if subject.is_empty() || subject.eq_ignore_ascii_case("it") {
            new.to_owned()
        } else {
            format!("{subject} is {new}")
        };
        return (clause, Some(old.to_owned()));
    }
    if let Some(found) = BUT_NOT.captures(statement) {
        let rest = found.get(3).map_or("", |rest| rest.as_str());
        return (format!("{}{rest}", &found[1]), Some(found[2].to_owned()));
    }
    if let Some(found) = FROM_TO.captures(statement) {
        return (statement.to_owned(), Some(found[1].to_owned()));
    }
    (statement.to_owned(), None)
}

/// Where the end of `value` stands in `line`, as many of its words as are found.
fn found_in(line: &str, value: &str) -> Option<std::ops::Range<usize>> {
    let folded = line.to_lowercase();
    if folded.len() != line.len() {
        return None;
    }
    let words: Vec<&str> = value.split_whitespace().collect();
    (0..words.len()).find_map(|skipped| {
        let wanted = words[skipped..].join(" ").to_lowercase();
        let wanted = wanted.trim_matches(|character: char| !character.is_alphanumeric());
        let at = folded.match_indices(wanted).map(|(at, _)| at).find(|at| {
            let outside = |character: Option<char>| !character.is_some_and(char::is_alphanumeric);
            outside(folded[..*at].chars().next_back()) && outside(folded[at + wanted.len()..].chars().next())
        })?;
        (!wanted.is_empty()).then(|| at..at + wanted.len())
    })
}

/// What follows the last `word` in `clause`.
fn after_word<'c>(clause: &'c str, word: &str) -> Option<&'c str> {
    let word = word.to_lowercase();
    let mut at = clause.len();
    for token in clause.split(' ').rev() {
        let start = at.checked_sub(token.len())?;
        if token.to_lowercase() == word && at < clause.len() {
            let rest = LATELY.find(&clause[at..]).map_or(&clause[at..], |found| &clause[at..at + found.start()]);
            return Some(rest.trim()).filter(|rest| !rest.is_empty());
        }
        at = start.saturating_sub(1);
    }
    None
}

fn shares_words(clause: &str, line: &str) -> bool {
    overlap(&content_stems(clause), line) > 0.0
}

/// A value without the words that point at it: "it's the 12th" is "the 12th".
fn fragment(clause: &str) -> &str {
    let rest = POINTS.find(clause).map_or(clause, |found| &clause[found.end()..]);
    LATELY.find(rest).map_or(rest, |found| &rest[..found.start()]).trim()
}

/// Where `line` has something of the sort that `value` is: a weekday for a weekday, a number for a number.
fn same_sort(line: &str, value: &str) -> Option<std::ops::Range<usize>> {
    let found: Vec<_> = SORTS.iter().filter(|sort| sort.is_match(value)).map(|sort| sort.find(line)).collect();
    let first = found.first()?.as_ref()?.range();
    // "Friday at 11" takes the place of "Thursday at 10".
    let last = found.iter().flatten().map(regex::Match::range).max_by_key(|range| range.end)?;
    let together = last.start >= first.end && line[first.end..last.start].split_whitespace().count() <= MOST_BETWEEN;
    Some(if together { first.start..last.end } else { first })
}

/// How many words may stand between a day and its time.
const MOST_BETWEEN: usize = 2;

/// The value in `clause` that is of the sort of `value`.
fn value_like<'c>(value: &str, clause: &'c str) -> Option<&'c str> {
    let sort = SORTS.iter().find(|sort| sort.find(value).is_some_and(|found| found.as_str() == value.trim()))?;
    sort.find(clause).map(|found| found.as_str())
}

/// What follows the last linking word of `line`.
fn value_part(line: &str) -> Option<std::ops::Range<usize>> {
    let found = LINK.find_iter(line).last()?;
    let end = line.trim_end_matches('.').len();
    (found.end() < end && !bare(&line[found.end()..end]).is_empty()).then_some(found.end()..end)
}

/// Things of one sort, so that one can stand for another.
pub(super) static SORTS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b",
        r"(?i)\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b(?: \d{1,2}(?:st|nd|rd|th)?\b)?",
        r"(?i)\b\d{1,2}:\d{2}\b(?: ?[ap]m\b)?|\b\d{1,2} ?[ap]m\b",
        r"(?i)\b\d{1,2}(?:st|nd|rd|th)\b",
        r"\b\d[\d.,-]*\d\b|\b\d\b",
    ]
    .map(pattern)
    .into()
});

patterns! {
    /// "… isn't X, it's Y", "not X but Y".
    NOT_BUT = r"(?i)^(.*?)\s*(?:\b(?:is|are|was) not|\b(?:isn't|aren't|wasn't)|'s not|^not)\s+(.+?)(?: any ?more)?,?\s+(?:but|it's|it is|they're|he's|she's|rather|now it's)\s+(.+)$";
    /// "Y, not X", "Y instead of X".
    BUT_NOT = r"(?i)^(.+?)(?:,? (?:and )?not|,? instead of|,? rather than)\s+((?:\b(?:st|dr|mr|mrs|ms|mt|prof)\.|\d[,.]\d|[^,.;])+?)(?: any ?more| as i said| like i said)?([,.;].*)?$";
    /// "from X to Y".
    FROM_TO = r"(?i)\bfrom (.+?) to .+$";
    /// A whole statement by or about the user.
    STATEMENT = r"(?i)^(?:i|i'm|i've|my|we|we're|our)\b.*\s";
    /// Points at a value.
    POINTS = r"(?i)^(?:(?:it|that|this|he|she)(?:'s| is| was| should be| will be)|they're|they are|make (?:that|it)|change (?:that|it) to|to)\s+(?:called |named |actually |now )*";
    /// Says when it became so.
    LATELY = r"(?i)[,]?\s+(?:now|instead|these days|actually|please|from now on|any ?more)[.!]?$";
    /// A word after which a value stands.
    LINK = r"(?i)\b(?:is called|is named|is|are|was|on|at|in|to|from|called|named|with|for|by)\s+";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_is_corrected_in_the_users_words() {
        for (passage, statement, after) in [
            ("the plumber quoted 1,200.", "the plumber quoted 1,500, not 1,200.", "the plumber quoted 1,500."),
            (
                "Notes on the garden. The fence is 12 m long. Paint it in May.",
                "the fence is 14 m long, not 12",
                "Notes on the garden. The fence is 14 m long. Paint it in May.",
            ),
            (
                "the vet said Storm needs shoes in March, about 1,150 kronor",
                "the vet said 1,350 kronor, not 1,150",
                "the vet said Storm needs shoes in March, about 1,350 kronor",
            ),
            ("My locker is number 40.", "my locker is number 44", "My locker is number 44."),
            (
                "The boat leaves at 9:15 from pier 4.",
                "it leaves at 9:45, not 9:15",
                "The boat leaves at 9:45 from pier 4.",
            ),
        ] {
            assert_eq!(corrected_passage(passage, statement).likeliest(), after, "{passage} + {statement}");
        }
    }

    #[test]
    fn a_correction_changes_what_it_names() {
        for (line, statement, after) in [
            ("The user's vet is on Tuesday.", "my vet is on Thursday, not Tuesday", "The user's vet is on Thursday."),
            ("The user's cat is called Max.", "it's Rex, not Max", "The user's cat is called Rex."),
            ("The user's exam is on the 11th.", "it's on the 12th", "The user's exam is on the 12th."),
            ("The user lives in Spain.", "Not Spain, it's Portugal", "The user lives in Portugal."),
            ("The user's aunt is called Anna.", "It's not Anna, it's Hanna", "The user's aunt is called Hanna."),
            ("The user's bus leaves at 8:15.", "the bus leaves at 7:45, not 8:15", "The user's bus leaves at 7:45."),
            ("The user's room is 4.", "it's 5 now", "The user's room is 5."),
            (
                "The user's dentist is on Tuesday at 3 pm.",
                "It should be 2 pm.",
                "The user's dentist is on Tuesday at 2 pm.",
            ),
            ("The user lives in Oslo.", "I moved to Bergen", "The user moved to Bergen."),
            (
                "The user works as a nurse at St. Mary's hospital.",
                "I work at Mercy hospital now, not St. Mary's.",
                "The user works as a nurse at Mercy hospital.",
            ),
            ("The user's loan is 1,200.", "my loan is 1,500, not 1,200", "The user's loan is 1,500."),
            (
                "The user's dentist appointment is next Thursday at 10.",
                "it's next Friday at 11",
                "The user's dentist appointment is next Friday at 11.",
            ),
            ("The user's rent is 800.", "my rent is 900", "The user's rent is 900."),
            ("The user's drink is tea.", "cider", "The user's drink is cider."),
        ] {
            assert_eq!(corrected(line, statement).likeliest(), after, "{line} + {statement}");
        }
    }
}
