//! Persons and the verbs that go with them: "I have" and "the user has" and "you have".

use super::patterns::{List, list};

/// The subject that a verb must agree with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Person {
    /// "the user", "the assistant"
    Third,
    /// "you"
    Second,
    /// "I", the assistant of itself
    First,
}

/// A pronoun in its new person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turned {
    /// What it is now.
    pub(super) text: String,
    /// Set when it is a subject whose verb follows.
    pub(super) subject: Option<Person>,
}

fn turned(text: &str, subject: Option<Person>) -> Option<Turned> {
    Some(Turned { text: text.to_owned(), subject })
}

/// The user's pronouns as words about "the user", the assistant's as words about "the assistant".
pub(super) fn person_to_third(core: &str, previous: &str) -> Option<Turned> {
    // "US" is a country, "ME" may be a state.
    if core.len() > 1 && core.chars().all(char::is_uppercase) {
        return None;
    }
    let subject = Some(Person::Third);
    match core.to_lowercase().as_str() {
        // After "and" the subject is more than one, and its verb stays.
        "i" if matches!(previous, "and" | "or" | "nor") => turned("the user", None),
        "i" | "we" => turned("the user", subject),
        "i'm" | "im" | "we're" => turned("the user is", None),
        "i've" | "ive" | "we've" => turned("the user has", None),
        "i'll" | "we'll" => turned("the user will", None),
        "i'd" | "we'd" => turned("the user would", None),
        "my" | "our" | "mine" | "ours" => turned("the user's", None),
        "me" | "us" => turned("the user", None),
        "myself" | "ourselves" => turned("themselves", None),
        "am" if !previous.ends_with(|character: char| character.is_ascii_digit()) => turned("is", None),
        "you" | "u" => turned("the assistant", if is_object_position(previous) { None } else { subject }),
        "you're" => turned("the assistant is", None),
        "your" | "yours" => turned("the assistant's", None),
        _ => None,
    }
}

/// After a verb or preposition "you" is an object: "I want you to", "for you".
fn is_object_position(previous: &str) -> bool {
    ["want", "to", "for", "with", "tell", "ask", "give", "told", "asked", "gave", "need", "like", "call", "called"]
        .contains(&previous.to_lowercase().as_str())
}

/// Words about "the user" as words to the user, with how many tokens after `core` they take in.
pub(super) fn person_to_second(core: &str, next: &str, start: bool) -> Option<(Turned, usize)> {
    let bare_next = next.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase();
    let lower = core.to_lowercase();
    let (text, subject, consumed) = match (lower.as_str(), bare_next.as_str()) {
        ("the", "user") => ("you", Some(Person::Second), 1),
        ("the", "user's") => ("your", None, 1),
        ("the", "assistant") if start => ("I", Some(Person::First), 1),
        ("the", "assistant") => ("me", None, 1),
        ("the", "assistant's") => ("my", None, 1),
        ("i" | "we", _) if core != "i." => ("you", Some(Person::Second), 0),
        ("i'm" | "we're", _) => ("you are", None, 0),
        ("i've" | "we've", _) => ("you have", None, 0),
        ("i'll" | "we'll", _) => ("you will", None, 0),
        ("i'd" | "we'd", _) => ("you would", None, 0),
        ("my" | "our", _) => ("your", None, 0),
        ("mine" | "ours", _) => ("yours", None, 0),
        ("me" | "us", _) if !core.chars().all(char::is_uppercase) => ("you", None, 0),
        ("myself" | "themselves" | "ourselves", _) => ("yourself", None, 0),
        _ => return None,
    };
    Some((Turned { text: text.to_owned(), subject }, consumed))
}

/// The forms that a verb may take after its subject, likeliest first. A word that is not a verb in the present stays.
pub(super) fn agree(core: &str, person: Person) -> Vec<String> {
    let lower = core.to_lowercase();
    let irregular = match person {
        Person::Third => match lower.as_str() {
            "have" => Some("has"),
            "haven't" => Some("hasn't"),
            "do" => Some("does"),
            "don't" | "dont" => Some("doesn't"),
            "am" | "are" => Some("is"),
            "aren't" => Some("isn't"),
            "were" => Some("was"),
            "weren't" => Some("wasn't"),
            _ => None,
        },
        Person::Second => match lower.as_str() {
            "has" => Some("have"),
            "hasn't" => Some("haven't"),
            "does" => Some("do"),
            "doesn't" => Some("don't"),
            "is" | "am" => Some("are"),
            "isn't" => Some("aren't"),
            "was" => Some("were"),
            "wasn't" => Some("weren't"),
            _ => None,
        },
        Person::First => match lower.as_str() {
            "is" => Some("am"),
            "has" => Some("have"),
            "does" => Some("do"),
            "doesn't" => Some("don't"),
            _ => None,
        },
    };
    if let Some(form) = irregular {
        return vec![form.to_owned()];
    }
    match person {
        Person::Third if is_fixed(&lower) => vec![core.to_owned()],
        Person::Third if SAME_IN_PAST.contains(&lower.as_str()) => vec![with_s(core), core.to_owned()],
        Person::Third if COMMON_VERBS.contains(&lower.as_str()) => vec![with_s(core)],
        Person::Third => vec![with_s(core), core.to_owned()],
        Person::Second | Person::First => vec![without_s(core)],
    }
}

/// The forms of a word after "and": only a common verb can go with the subject before it; a noun must not change.
pub(super) fn agree_after_conjunction(core: &str, to_third: bool) -> Vec<String> {
    let lower = core.to_lowercase();
    if to_third && COMMON_VERBS.contains(&lower.as_str()) {
        vec![if lower == "have" { "has".to_owned() } else { with_s(core) }, core.to_owned()]
    } else if !to_third && (lower == "has" || COMMON_VERBS.contains(&without_s(&lower).as_str())) {
        vec![if lower == "has" { "have".to_owned() } else { without_s(core) }]
    } else {
        vec![core.to_owned()]
    }
}

/// Whether a word may stand between a subject and its verb.
pub(super) fn is_adverb(core: &str) -> bool {
    let lower = core.to_lowercase();
    ADVERBS.contains(&lower.as_str())
        || lower.len() > 4 && lower.ends_with("ly") && lower != "reply" && lower != "apply"
}

/// Whether a clause tells something: it has a form of "be" or "have", or a first person with a word after it.
pub(super) fn has_finite_verb(clause: &str) -> bool {
    let words: Vec<String> = clause.split_whitespace().map(str::to_lowercase).collect();
    words.iter().enumerate().any(|(at, word)| {
        let word = word.trim_end_matches(|character: char| !character.is_alphanumeric());
        let starts_clause = at == 0 && words.len() > 1 && matches!(word, "i" | "we");
        starts_clause
            || matches!(
                word,
                "is" | "are" | "was" | "were" | "am" | "has" | "have" | "had" | "i'm" | "i've" | "i'd" | "we're"
            )
            || COMMON_VERBS.iter().any(|verb| with_s(verb) == word)
    })
}

/// Modals and pasts, which agree with every subject.
fn is_fixed(lower: &str) -> bool {
    FIXED.contains(&lower) || lower.ends_with("n't") || (lower.len() > 3 && lower.ends_with("ed") && lower != "need")
}

fn with_s(verb: &str) -> String {
    let lower = verb.to_lowercase();
    if lower.ends_with(['s', 'x', 'z'])
        || lower.ends_with("ch")
        || lower.ends_with("sh")
        || matches!(&*lower, "go" | "do")
    {
        format!("{verb}es")
    } else if let Some(root) = verb.strip_suffix('y').filter(|root| !root.ends_with(['a', 'e', 'i', 'o', 'u'])) {
        format!("{root}ies")
    } else {
        format!("{verb}s")
    }
}

fn without_s(verb: &str) -> String {
    let keeps = verb.len() < 4 || verb.ends_with("ss") || verb.ends_with("us") || verb.ends_with("'s");
    if keeps || !verb.ends_with('s') {
        verb.to_owned()
    } else if let Some(root) = verb.strip_suffix("ies").filter(|root| root.len() > 1) {
        format!("{root}y")
    } else if let Some(root) = verb.strip_suffix("es").filter(|root| {
        root.ends_with("ch")
            || root.ends_with("sh")
            || root.ends_with("ss")
            || root.ends_with(['x', 'z'])
            || *root == "go"
    }) {
        root.to_owned()
    } else {
        verb[..verb.len() - 1].to_owned()
    }
}

static ADVERBS: List = list!("lists/adverbs.txt");

/// Modals and irregular pasts.
static FIXED: List = list!("lists/fixed_verbs.txt");

/// Verbs whose present and past look alike, so that only the sentence tells which it is.
static SAME_IN_PAST: List = list!("lists/same_in_past.txt");

/// Verbs that people use of themselves.
static COMMON_VERBS: List = list!("lists/common_verbs.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_directions_undo_each_other() {
        for verb in COMMON_VERBS.iter().filter(|verb| **verb != "have") {
            assert_eq!(without_s(&with_s(verb)), **verb);
        }
    }

    #[test]
    fn a_past_form_stays() {
        for past in ["moved", "bought", "can't", "would"] {
            assert_eq!(agree(past, Person::Third), [past]);
        }
    }
}
