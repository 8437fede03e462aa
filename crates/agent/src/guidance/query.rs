//! What to search, and where.

use super::patterns::{List, list, patterns};
use super::words::{bare, fold, is_stop_word, straighten, words};

/// The longest query, in characters.
pub(super) const LONGEST_QUERY_CHARS: usize = 160;

/// The search tools for a question, the likelier first: saved texts are passages, what was said is a message.
pub(super) fn search_tools(question: &str) -> [&'static str; 2] {
    if SAVED.is_match(&fold(question)) {
        ["archival_memory_search", "conversation_search"]
    } else {
        ["conversation_search", "archival_memory_search"]
    }
}

/// Whether a question is about all that is remembered.
pub(super) fn asks_for_everything(question: &str) -> bool {
    EVERYTHING.is_match(&fold(question))
}

/// The meaningful words of the question, in its spelling and order, as a pattern. Those of asking are left out.
pub(super) fn pattern(question: &str) -> String {
    regex::escape(&query(question))
}

/// Whether a request names nothing but memory itself.
pub(super) fn is_without_topic(request: &str) -> bool {
    words(request).iter().all(|word| {
        is_stop_word(word)
            || ASKING.contains(&word.as_str())
            || matches!(
                word.as_str(),
                "forget" | "delete" | "erase" | "remove" | "wipe" | "clear" | "everything" | "all" | "me" | "myself"
            )
    })
}

/// What a request to forget names, without its words of asking.
pub(super) fn topic(request: &str) -> String {
    let removes = |word: &str| {
        matches!(
            bare(word).to_lowercase().as_str(),
            "forget"
                | "delete"
                | "erase"
                | "remove"
                | "wipe"
                | "clear"
                | "drop"
                | "please"
                | "stop"
                | "don't"
                | "thing"
        )
    };
    query(request).split(' ').filter(|word| !removes(word)).collect::<Vec<_>>().join(" ")
}

fn query(question: &str) -> String {
    let question = straighten(question);
    let words: Vec<&str> = question.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    let meaningful: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| {
            let folded = word.to_lowercase();
            !is_stop_word(&folded) && !ASKING.contains(&folded.as_str())
        })
        .collect();
    let kept = if meaningful.is_empty() { words } else { meaningful };
    let mut query = String::new();
    for word in kept {
        if query.chars().count() + word.chars().count() >= LONGEST_QUERY_CHARS {
            break;
        }
        if !query.is_empty() {
            query.push(' ');
        }
        query += word;
    }
    query
}

/// Words of asking and of memory itself, which would find everything or nothing.
static ASKING: List = list!("lists/asking_words.txt");

patterns! {
    /// Names the archive, or asks for something that was saved.
    SAVED = r"\b(?:archiv(?:e|ed|es|al)|saved?|stored?|filed|stashed|bookmarked|passages?|documents?|long[ -]term|put away|kept for later|for later)\b";
    /// "What do you know about me?"
    EVERYTHING = r"^(?:.*\b)?(?:(?:what|everything|anything|all)\b.*\b(?:know|remember|learned|learnt|noted?|stored?|saved)\b.*\b(?:about (?:me|us|myself)|so far|of me)\b|what (?:do|can) you (?:remember|recall)\s*\??$|what (?:have i told|did i tell|did i ask) you(?: to remember)?(?: about (?:me|myself))?(?: so far)?\s*\??$|what'?s in your memory\s*\??$)";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_the_words_that_carry_meaning() {
        for (question, words) in [
            ("What did I say about my new boots?", "new boots"),
            ("Search your archive for the tax number.", "tax number"),
            ("When did we last talk about Priya's visit?", "Priya's visit"),
            ("What did I say?", "What did I say"),
        ] {
            assert_eq!(query(question), words);
        }
    }

    #[test]
    fn saved_texts_are_searched_in_the_archive() {
        for (question, tool) in [
            ("Find the recipe I saved", "archival_memory_search"),
            ("What's in the archive about bees?", "archival_memory_search"),
            ("What did I say about bees?", "conversation_search"),
        ] {
            assert_eq!(search_tools(question)[0], tool, "{question}");
        }
    }
}
