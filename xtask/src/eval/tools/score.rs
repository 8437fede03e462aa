//! What of a case went right. Pure: the case and what was seen in, booleans out.

use std::collections::HashSet;

use resident_agent::guidance::undated;

use super::assistant::{Seen, SeenCall};
use super::cases::{Question, Request, RequestKind};

/// What went right; `None` where a case does not ask it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Score {
    /// Whether every call was of a tool that exists, with arguments that it took.
    pub(super) valid: bool,
    /// Whether the first call was of a right tool.
    pub(super) right_tool: Option<bool>,
    /// Whether the text that was written (or searched for) holds the fact and nothing false.
    pub(super) right_text: Option<bool>,
    /// Whether memory was written at all; asked of requests to remember, correct, forget and save.
    pub(super) wrote: Option<bool>,
    /// Whether the answer holds the fact.
    pub(super) answered: Option<bool>,
    /// What is wrong with the text.
    pub(super) problem: Option<String>,
}

/// Scores a request.
pub(super) fn request(case: &Request, seen: &Seen) -> Score {
    let right_tools: Vec<&str> = if case.tools.is_empty() {
        case.kind.tools().to_vec()
    } else {
        case.tools.iter().map(String::as_str).collect()
    };
    let first = seen.calls.first();
    let right_tool = first.is_some_and(|call| right_tools.contains(&call.tool.as_str()));
    let problem = match case.kind {
        RequestKind::Remember | RequestKind::Archive | RequestKind::Correct | RequestKind::LookUp => {
            first.map_or_else(|| Some("no call".to_owned()), |call| problem_of_text(case, call, seen))
        }
        RequestKind::Forget => problem_of_forgetting(case, seen),
    };
    let asks_to_write = case.kind != RequestKind::LookUp;
    Score {
        valid: is_valid(seen),
        right_tool: Some(right_tool),
        right_text: Some(problem.is_none()),
        wrote: asks_to_write.then(|| seen.calls.iter().any(|call| !call.failed && is_write(&call.tool))),
        answered: None,
        problem,
    }
}

/// Scores a question.
pub(super) fn question(case: &Question, seen: &Seen) -> Score {
    let problem = missing(&case.holds, &seen.answer).or_else(|| present(&case.not, &seen.answer));
    Score { valid: is_valid(seen), answered: Some(problem.is_none()), problem, ..Score::default() }
}

fn is_valid(seen: &Seen) -> bool {
    seen.completed && seen.calls.iter().all(|call| !call.failed)
}

fn is_write(tool: &str) -> bool {
    [
        "core_memory_append",
        "core_memory_replace",
        "archival_memory_insert",
        "archival_memory_replace",
        "memory_insert",
        "memory_replace",
    ]
    .contains(&tool)
}

fn problem_of_text(case: &Request, call: &SeenCall, seen: &Seen) -> Option<String> {
    let texts = ["content", "new_content", "query", "new_string"];
    let text = texts.iter().find_map(|name| call.arguments.get(name)?.as_str()).unwrap_or_default();
    let replaced = case.line.as_ref().filter(|line| seen.human.lines().any(|kept| kept == line.as_str()));
    let changed_others = case
        .kept
        .iter()
        .find(|kept| case.line.as_ref() != Some(kept) && !seen.human.lines().any(|line| line == kept.as_str()));
    missing(&case.holds, text)
        .or_else(|| present(&case.not, text))
        .or_else(|| invented(case, text).map(|word| format!("`{word}` was not said")))
        .or_else(|| replaced.map(|line| format!("`{line}` is still there")))
        .or_else(|| changed_others.map(|line| format!("`{line}` was changed")))
}

fn problem_of_forgetting(case: &Request, seen: &Seen) -> Option<String> {
    case.kept.iter().find_map(|kept| {
        let there = seen.human.lines().any(|line| line == kept.as_str());
        let should_go = case.line.as_ref() == Some(kept);
        (there == should_go).then(|| format!("`{kept}` is {} there", if there { "still" } else { "not" }))
    })
}

fn missing(holds: &[Vec<String>], text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let absent =
        holds.iter().find(|alternatives| !alternatives.iter().any(|one| text.contains(&one.to_lowercase())))?;
    Some(format!("`{}` is missing", absent.join("` or `")))
}

fn present(not: &[String], text: &str) -> Option<String> {
    let text = text.to_lowercase();
    not.iter().find(|word| text.contains(&word.to_lowercase())).map(|word| format!("`{word}` is there"))
}

/// A word of the text that neither the message nor the line before has, in any form, and that is no word of grammar.
/// The date that Resident puts after a day named from today is none.
fn invented(case: &Request, text: &str) -> Option<String> {
    let text = &undated(text);
    let mut known = HashSet::new();
    let sources = std::iter::once(&case.text).chain(case.line.as_ref()).chain(&case.extra);
    for word in sources.flat_map(|source| words(source)) {
        known.insert(word.strip_suffix("'s").unwrap_or(&word).to_owned());
        known.insert(word);
    }
    words(text).into_iter().find(|word| {
        let root: String = word.chars().take(word.chars().count().saturating_sub(3).max(3)).collect();
        !GRAMMAR.contains(&word.as_str()) && !known.iter().any(|known| known == word || known.starts_with(&root))
    })
}

/// What may be added to say the same of "the user".
const GRAMMAR: &[&str] = &[
    "the",
    "user",
    "user's",
    "assistant",
    "assistant's",
    "is",
    "are",
    "was",
    "were",
    "has",
    "have",
    "had",
    "does",
    "doesn't",
    "do",
    "be",
    "to",
    "not",
    "should",
    "would",
    "will",
    "needs",
    "wants",
    "must",
    "themselves",
    "on",
    "in",
    "at",
];

fn words(text: &str) -> Vec<String> {
    text.replace('’', "'")
        .split_whitespace()
        .map(|word| word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(text: &str) -> Request {
        Request {
            kind: RequestKind::Remember,
            text: text.to_owned(),
            kept: Vec::new(),
            line: None,
            tools: Vec::new(),
            holds: vec![vec!["tea".to_owned(), "chai".to_owned()]],
            not: vec!["coffee".to_owned()],
            extra: Vec::new(),
        }
    }

    fn seen(content: &str) -> Seen {
        let arguments = json!({"label": "human", "content": content});
        let call = SeenCall { tool: "core_memory_append".to_owned(), arguments, failed: false };
        Seen { calls: vec![call], answer: String::new(), human: content.to_owned(), completed: true }
    }

    #[test]
    fn a_text_must_hold_the_fact_and_nothing_else() {
        let problem = |content: &str| request(&case("Remember I prefer tea"), &seen(content)).problem;
        assert_eq!(problem("The user prefers tea."), None);
        assert_eq!(problem("The user prefers.").unwrap(), "`tea` or `chai` is missing");
        assert_eq!(problem("The user prefers tea and coffee.").unwrap(), "`coffee` is there");
        assert_eq!(problem("The user prefers green tea.").unwrap(), "`green` was not said");
    }

    #[test]
    fn a_failed_call_is_not_valid() {
        let mut seen = seen("The user prefers tea.");
        seen.calls[0].failed = true;
        let score = request(&case("Remember I prefer tea"), &seen);
        assert_eq!((score.valid, score.wrote), (false, Some(false)));
    }

    #[test]
    fn what_should_be_forgotten_is_gone_and_the_rest_is_not() {
        let line = "The user smokes.".to_owned();
        let kept = vec!["The user has a cat.".to_owned(), line.clone()];
        let case =
            Request { kind: RequestKind::Forget, kept, line: Some(line), holds: Vec::new(), ..case("Forget it") };
        let after = |human: &str| request(&case, &Seen { human: human.to_owned(), ..seen("") }).problem;
        assert_eq!(after("The user has a cat."), None);
        assert_eq!(after("").unwrap(), "`The user has a cat.` is not there");
        assert!(after("The user has a cat.\nThe user smokes.").unwrap().ends_with("is still there"));
    }
}
