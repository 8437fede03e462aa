//! A summary made of sentences that were really said, for when a model's summary is unusable. It favours what the user
//! said of themselves, with names and numbers in it, and keeps the order in which it was said.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use resident_store::{Message, Role};

/// What the user says is worth more than what the agent answered: facts come from the user.
const USER_WEIGHT: f64 = 2.0;

/// The old summary stands for all that came before it; so do its sentences.
const SUMMARY_WEIGHT: f64 = 1.6;

/// Longer pieces are cut: a pasted document must not push everything else out.
const LONGEST_SENTENCE_CHARS: usize = 240;

/// The shortest piece that can carry a fact.
const SHORTEST_SENTENCE_CHARS: usize = 12;

struct Sentence {
    speaker: &'static str,
    text: String,
    words: Vec<String>,
    weight: f64,
    from_summary: bool,
}

/// Sentences of the old summary and of `messages`, of at most `most_chars` characters in all.
pub(super) fn extract(old_summary: Option<&str>, messages: &[Arc<Message>], most_chars: usize) -> String {
    let mut sentences = Vec::new();
    for line in old_summary.unwrap_or_default().lines() {
        sentences.extend(sentences_of(line, "", SUMMARY_WEIGHT, true));
    }
    for message in messages {
        match message.role {
            Role::User => sentences.extend(sentences_of(&message.content, "User: ", USER_WEIGHT, false)),
            Role::Assistant => sentences.extend(sentences_of(&message.content, "Assistant: ", 1.0, false)),
            Role::System | Role::Tool => {}
        }
    }
    let mut frequency: HashMap<&str, usize> = HashMap::new();
    for word in sentences.iter().flat_map(|sentence| &sentence.words) {
        *frequency.entry(word).or_default() += 1;
    }
    let mut ranked: Vec<(usize, f64)> =
        sentences.iter().enumerate().map(|(index, sentence)| (index, score(sentence, &frequency))).collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let mut chosen: Vec<usize> = Vec::new();
    let mut seen = HashSet::new();
    let mut chars = 0;
    for (index, _) in ranked {
        let sentence = &sentences[index];
        let length = sentence.speaker.len() + sentence.text.chars().count() + 1;
        if chars + length <= most_chars && seen.insert(sentence.text.to_lowercase()) {
            chars += length;
            chosen.push(index);
        }
    }
    chosen.sort_unstable();
    let lines: Vec<_> =
        chosen.iter().map(|index| format!("{}{}", sentences[*index].speaker, sentences[*index].text)).collect();
    lines.join("\n")
}

fn sentences_of(text: &str, speaker: &'static str, weight: f64, from_summary: bool) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    let mut current = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        current.push(character);
        let ends_sentence = match character {
            '.' | '!' | '?' => characters.peek().is_none_or(|next| next.is_whitespace()),
            '\n' | '。' | '！' | '？' => true,
            _ => false,
        };
        if ends_sentence {
            sentences.push(std::mem::take(&mut current));
        }
    }
    sentences.push(current);
    let long_enough = |text: &String| from_summary || text.chars().count() >= SHORTEST_SENTENCE_CHARS;
    let sentences = sentences.into_iter().map(|text| clip(text.trim(), LONGEST_SENTENCE_CHARS));
    let sentences = sentences.filter(|text| !text.is_empty()).filter(long_enough);
    sentences.map(|text| Sentence { speaker, words: words(&text), text, weight, from_summary }).collect()
}

/// The mean rarity of its words, raised for facts (numbers, names) and lowered for questions.
#[expect(clippy::cast_precision_loss, reason = "counts of words are far below 2^52")]
fn score(sentence: &Sentence, frequency: &HashMap<&str, usize>) -> f64 {
    if sentence.words.is_empty() {
        return 0.0;
    }
    let rarity: f64 = sentence.words.iter().map(|word| 1.0 / (frequency[word.as_str()] as f64).sqrt()).sum();
    let mean = rarity / (sentence.words.len() as f64).sqrt();
    let has_number = sentence.text.chars().any(char::is_numeric);
    let has_name = sentence.text.split_whitespace().skip(1).any(|word| word.starts_with(char::is_uppercase));
    let of_self = sentence.words.iter().any(|word| matches!(word.as_str(), "i" | "my" | "i'm" | "we" | "our"));
    let mut score = sentence.weight * mean;
    for counts in [has_number, has_name, of_self] {
        if counts {
            score *= 1.2;
        }
    }
    if sentence.text.ends_with(['?', '？']) && !sentence.from_summary {
        score *= 0.4;
    }
    score
}

pub(super) fn words(text: &str) -> Vec<String> {
    let split = text.split(|character: char| !character.is_alphanumeric() && character != '\'');
    split.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

pub(super) fn clip(text: &str, most_chars: usize) -> String {
    if text.chars().count() <= most_chars {
        return text.to_owned();
    }
    text.chars().take(most_chars.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::message;

    #[test]
    fn facts_of_the_user_come_before_small_talk_and_in_the_order_said() {
        let said = [
            message(Role::User, "Hello there, how are you today?"),
            message(Role::Assistant, "I am well, thank you for asking. How can I help you today?"),
            message(Role::User, "My sister Marta moved to Bergen in 2019."),
            message(Role::Tool, "a result that nobody said"),
            message(Role::User, "I am allergic to walnuts."),
        ];
        insta::assert_snapshot!(extract(Some("The user is a nurse."), &said.map(Arc::new), 110), @r#"
        The user is a nurse.
        User: My sister Marta moved to Bergen in 2019.
        User: I am allergic to walnuts.
        "#);
    }

    #[test]
    fn it_never_exceeds_its_limit() {
        let said = [
            message(Role::User, &"I like long walks by the sea. ".repeat(400)),
            message(Role::User, &"x".repeat(9000)),
        ]
        .map(Arc::new);
        for limit in [0, 50, 500] {
            assert!(extract(None, &said, limit).chars().count() <= limit);
        }
    }
}
