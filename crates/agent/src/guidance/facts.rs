//! Whether a fact is known already: a line that says the same in the same words.
//!
//! Only words that say nothing are passed over, so that "likes tea" and "doesn't like tea", "at 3 pm" and "at 4 pm" stay
//! apart. Two facts that are taken for one would lose one of them.

use super::dates::undated;
use super::patterns::{List, list};
use super::phrase::{Phrase, third_person};
use super::words::{stem, words};

static FILLERS: List = list!("lists/fillers.txt");

/// Whether one of `lines` says what `phrase` says.
pub(super) fn is_known<'l>(phrase: &Phrase, mut lines: impl Iterator<Item = &'l str>) -> Option<&'l str> {
    let written = regex::Regex::new(&format!("^(?:{})$", phrase.pattern())).ok();
    let likeliest = phrase.likeliest();
    let fact = signature(&likeliest);
    lines.find(|line| {
        written.as_ref().is_some_and(|written| written.is_match(line.trim()))
            || !fact.is_empty() && signature(line) == fact && capitals(line) >= capitals(&likeliest)
    })
}

/// Whether two texts say the same in the same words, be they the user's own or about the user.
pub(super) fn says_the_same(one: &str, other: &str) -> bool {
    let as_memory = |text: &str| signature(&third_person(text).likeliest());
    let one = as_memory(one);
    !one.is_empty() && one == as_memory(other)
}

/// A line with fewer capitals has a name that is not spelt yet as the user spells it.
fn capitals(text: &str) -> usize {
    undated(text).chars().filter(|character| character.is_uppercase()).count()
}

/// The words that make the fact, in their order.
fn signature(text: &str) -> Vec<String> {
    let kept = words(&undated(text)).into_iter().filter(|word| !FILLERS.contains(&word.as_str()));
    kept.map(|word| stem(&word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_fact_in_the_same_words_is_known() {
        for (said, line, known) in [
            ("My name is Nick.", "The user's name is Nick.", true),
            ("my name is nick", "The user's name is Nick.", true),
            ("I really like tea!", "The user likes tea.", true),
            ("I have a cat", "The user has a cat.", true),
            ("I don't like tea", "The user likes tea.", false),
            ("My shift starts at 4", "The user's shift starts at 3.", false),
            ("My sister likes tea", "The user likes tea.", false),
            ("I work for Nick", "The user works with Nick.", false),
            ("The exam is next Monday", "The exam is next Monday (30 November 2026).", true),
        ] {
            let found = is_known(&third_person(said), std::iter::once(line)).is_some();
            assert_eq!(found, known, "{said} / {line}");
        }
    }
}
