//! A sentence with choices: what the grammar lets a small model write.
//!
//! A memory is the user's own sentence with the persons turned ("I prefer" into "The user prefers"), and an answer is a
//! memory turned back ("You prefer"). Every word of the sentence stays, in its order and spelling; the model chooses
//! only where a rule cannot know, such as whether "put" is past or present. So nothing can be invented or lost.

use jiff::civil::Date;

use super::dates::dated;
use super::verbs::{self, Person};
use super::words::{sentences, straighten};

/// A text whose words may each have several forms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Phrase {
    slots: Vec<Slot>,
}

/// One place in the text: what stands before it, and its forms, likeliest first.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot {
    before: &'static str,
    forms: Vec<String>,
}

impl Phrase {
    /// A text without choices.
    pub(super) fn fixed(text: impl Into<String>) -> Self {
        Self { slots: vec![Slot { before: "", forms: vec![text.into()] }] }
    }

    /// A regular expression that admits its texts and nothing else; not anchored.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::new();
        for slot in &self.slots {
            pattern += &regex::escape(slot.before);
            match slot.forms.as_slice() {
                [only] => pattern += &regex::escape(only),
                forms => {
                    let forms: Vec<_> = forms.iter().map(|form| regex::escape(form)).collect();
                    pattern += &format!("(?:{})", forms.join("|"));
                }
            }
        }
        pattern
    }

    /// The likeliest of its texts.
    pub(super) fn likeliest(&self) -> String {
        self.slots.iter().map(|slot| format!("{}{}", slot.before, slot.forms[0])).collect()
    }

    /// Its lines, each a phrase.
    pub(super) fn lines(self) -> Vec<Self> {
        let mut lines: Vec<Self> = Vec::new();
        for slot in self.slots {
            match lines.last_mut() {
                Some(line) if slot.before != "\n" => line.slots.push(slot),
                Some(_) | None => lines.push(Self { slots: vec![Slot { before: "", ..slot }] }),
            }
        }
        lines
    }

    /// Phrases, each on a line.
    pub(super) fn of_lines(lines: impl Iterator<Item = Self>) -> Self {
        let mut slots: Vec<Slot> = Vec::new();
        for line in lines {
            let first = slots.len();
            slots.extend(line.slots);
            if first > 0
                && let Some(slot) = slots.get_mut(first)
            {
                slot.before = "\n";
            }
        }
        Self { slots }
    }

    /// The same with a date after each day that is named from `today`.
    pub(super) fn with_dates(self, today: Date) -> Self {
        let likeliest = self.likeliest();
        let dated = dated(&likeliest, today);
        if dated == likeliest { self } else { Self::fixed(dated) }
    }

    fn push(&mut self, before: &'static str, forms: Vec<String>) {
        let before = if self.slots.is_empty() { "" } else { before };
        self.slots.push(Slot { before, forms });
    }
}

/// What the user says of themselves, as a memory about "the user": one fact a line.
pub(super) fn third_person(text: &str) -> Phrase {
    turn(text, Turn::ToThird)
}

/// A memory, or something the user said, as an answer to the user.
pub(super) fn second_person(text: &str) -> Phrase {
    turn(text, Turn::ToSecond)
}

/// The same as a part of a longer sentence: its first word is not a capital where it need not be.
pub(super) fn second_person_clause(text: &str) -> Phrase {
    let mut phrase = second_person(text);
    if let Some(first) = phrase.slots.first_mut() {
        for form in &mut first.forms {
            if ["You", "Your", "My", "The", "A", "An"].contains(&form.split(['\'', ' ']).next().unwrap_or_default()) {
                *form = uncapitalised(form);
            }
        }
    }
    phrase
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    ToThird,
    ToSecond,
}

fn turn(text: &str, direction: Turn) -> Phrase {
    let text = straighten(text);
    let mut phrase = Phrase::default();
    for (separator, clause) in clauses(&text, direction) {
        turn_clause(&mut phrase, separator, clause, direction);
    }
    phrase
}

/// Sentences, and in the user's own text also "… and I …", each with what is to stand before it.
fn clauses(text: &str, direction: Turn) -> Vec<(&'static str, &str)> {
    let mut clauses = Vec::new();
    for sentence in sentences(text) {
        let separator = match direction {
            Turn::ToThird if starts_with_first_person(sentence) => "\n",
            Turn::ToThird | Turn::ToSecond => " ",
        };
        let mut before = separator;
        let mut rest = sentence;
        if direction == Turn::ToThird {
            while let Some((clause, next)) = split_conjunction(rest) {
                clauses.push((before, clause));
                before = "\n";
                rest = next;
            }
        }
        clauses.push((before, rest));
    }
    clauses
}

fn starts_with_first_person(sentence: &str) -> bool {
    let first = sentence.split(' ').next().unwrap_or_default().to_lowercase();
    matches!(first.as_str(), "i" | "i'm" | "i've" | "i'll" | "i'd" | "my" | "we" | "we're" | "we've" | "our")
}

/// "My name is Nick and I live in Oslo" are two facts; "my wife and I live in Oslo" is one.
fn split_conjunction(sentence: &str) -> Option<(&str, &str)> {
    let quoted = |at: usize| sentence[..at].matches('"').count() % 2 == 1;
    [" and I ", " and I'm ", " and i ", " and i'm ", " and my ", " and we ", ", and I "]
        .iter()
        .filter_map(|conjunction| {
            let at = sentence.find(conjunction)?;
            let skipped = conjunction.find("and ").map_or(0, |found| found + "and ".len());
            let (clause, rest) = (&sentence[..at], &sentence[at + skipped..]);
            let both_tell = verbs::has_finite_verb(clause) && verbs::has_finite_verb(rest) && !quoted(at);
            let subordinate = clause.to_lowercase().split(' ').any(|word| {
                matches!(
                    word,
                    "when" | "if" | "because" | "since" | "after" | "before" | "while" | "that" | "where" | "who"
                )
            });
            (both_tell && !subordinate).then_some((at, clause, rest))
        })
        .min_by_key(|(at, _, _)| *at)
        .map(|(_, clause, rest)| (clause, rest))
}

fn turn_clause(phrase: &mut Phrase, separator: &'static str, clause: &str, direction: Turn) {
    let tokens: Vec<&str> = clause.split_whitespace().collect();
    let mut subject: Option<Person> = None;
    let mut told_of_user = false;
    let mut quoted = false;
    let mut index = 0;
    while index < tokens.len() {
        let (open, core, close) = punctuation(tokens[index]);
        let quotes = tokens[index].matches('"').count();
        let inside = quoted || quotes > 0;
        quoted ^= quotes % 2 == 1;
        let before = if index == 0 { separator } else { " " };
        let start = index == 0;
        let previous = index.checked_sub(1).and_then(|at| tokens.get(at)).copied().unwrap_or_default();
        let next = tokens.get(index + 1).copied().unwrap_or_default();
        index += 1;
        let mut forms = vec![core.to_owned()];
        if !inside {
            let turned = match direction {
                Turn::ToThird => verbs::person_to_third(core, previous).map(|turned| (turned, 0)),
                Turn::ToSecond => verbs::person_to_second(core, next, start),
            };
            if let Some((turned, consumed)) = turned {
                // "The user" is two tokens, and the punctuation after the second counts.
                let close = if consumed > 0 { punctuation(next).2 } else { close };
                index += consumed;
                // "I work … and I love it": not "my wife and I".
                let again = told_of_user && turned.text == "the user" && core.eq_ignore_ascii_case("i");
                subject = if again { Some(Person::Third) } else { turned.subject };
                told_of_user |= turned.subject.is_some();
                phrase.push(before, vec![wrapped(open, &turned.text, close, start)]);
                continue;
            }
            if let Some(person) = subject {
                if !verbs::is_adverb(core) {
                    forms = verbs::agree(core, person);
                    subject = None;
                }
            } else if told_of_user && matches!(previous, "and" | "or" | "but") {
                forms = verbs::agree_after_conjunction(core, direction == Turn::ToThird);
            }
        }
        phrase.push(before, forms.iter().map(|form| wrapped(open, form, close, start)).collect());
    }
    finish(phrase);
}

/// Ends the sentence with a point, where it has no mark of its own.
fn finish(phrase: &mut Phrase) {
    let Some(last) = phrase.slots.last_mut() else { return };
    for form in &mut last.forms {
        let kept = form.trim_end_matches(['?', '!', ',', ';', '-', ' ']).len();
        form.truncate(kept);
        if !form.ends_with(['.', '"', ':', '…']) {
            form.push('.');
        }
    }
}

/// What stands before a word, the word, and what stands after it.
fn punctuation(token: &str) -> (&str, &str, &str) {
    let inner = |character: char| character.is_alphanumeric();
    let Some(start) = token.find(inner) else { return (token, "", "") };
    let end = token.rfind(inner).map_or(token.len(), |at| at + token[at..].chars().next().map_or(0, char::len_utf8));
    (&token[..start], &token[start..end], &token[end..])
}

fn wrapped(open: &str, core: &str, close: &str, start: bool) -> String {
    let core = if start && open.is_empty() { capitalised(core) } else { core.to_owned() };
    format!("{open}{core}{close}")
}

pub(super) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn uncapitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_third(text: &str, memory: &str) {
        assert_eq!(third_person(text).likeliest(), memory);
    }

    #[track_caller]
    fn check_second(memory: &str, answer: &str) {
        assert_eq!(second_person(memory).likeliest(), answer);
    }

    #[test]
    fn first_person_becomes_the_user() {
        check_third("I prefer dark mode", "The user prefers dark mode.");
        check_third("my sister's wedding is on May 3!", "The user's sister's wedding is on May 3.");
        check_third("I've never liked rain and I don't ski.", "The user has never liked rain.\nThe user doesn't ski.");
        check_third("we have two kids", "The user has two kids.");
        check_third("Anna gave me her bike", "Anna gave the user her bike.");
        check_third("I take a pill at 9 am", "The user takes a pill at 9 am.");
        check_third("I always forget my keys", "The user always forgets the user's keys.");
        check_third("I work here since May and I love it", "The user works here since May and the user loves it.");
        check_third("you can call me Jo", "The assistant can call the user Jo.");
    }

    #[test]
    fn two_facts_become_two_lines() {
        check_third("My name is Nick and I live in Oslo", "The user's name is Nick.\nThe user lives in Oslo.");
        check_third("my wife and I live in Oslo", "The user's wife and the user live in Oslo.");
    }

    #[test]
    fn a_quotation_is_left_alone() {
        check_third("my motto is \"I do what I can\"", "The user's motto is \"I do what I can\"");
    }

    #[test]
    fn a_memory_is_told_to_the_user() {
        check_second("The user's dentist is Dr. Kim.", "Your dentist is Dr. Kim.");
        check_second("The user has a dog and likes tea.", "You have a dog and like tea.");
        check_second("Anna is the user's sister.", "Anna is your sister.");
        check_second("The user was born in Porto.", "You were born in Porto.");
        check_second("I lent my drill to Pavel.", "You lent your drill to Pavel.");
        check_second("The user studies law.", "You study law.");
    }

    #[test]
    fn a_pattern_admits_the_words_of_the_message_only() {
        let pattern = regex::Regex::new(&format!("^(?:{})$", third_person("I put sugar in my tea").pattern())).unwrap();
        assert!(pattern.is_match("The user puts sugar in the user's tea."));
        assert!(pattern.is_match("The user put sugar in the user's tea."));
        assert!(!pattern.is_match("The user puts salt in the user's tea."));
        assert!(!pattern.is_match("The user puts sugar in the user's tea. The user likes it."));
    }

    proptest::proptest! {
        #[test]
        fn every_text_has_a_pattern_that_admits_its_likeliest_form(text in "[a-zA-Z' .,!?\"0-9\n]{0,80}") {
            for phrase in [third_person(&text), second_person(&text), second_person_clause(&text)] {
                let pattern = regex::Regex::new(&format!("^(?:{})$", phrase.pattern())).unwrap();
                proptest::prop_assert!(pattern.is_match(&phrase.likeliest()));
            }
        }
    }
}
