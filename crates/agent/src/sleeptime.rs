//! Sleeptime: an agent that tidies the memory of another in the background. It is given what was said since it last looked,
//! and edits the blocks that both share. What the user wrote by hand it may move and not drop (see
//! [`resident_memory::core::EditContext::tidies`]); of everything it changes there is a revision.
//!
//! A model that must be led cannot rewrite a page without losing some of it. For such a model the tidying is decided here:
//! a line that says nothing but what another line says too is taken out, and nothing else.

use std::collections::HashMap;
use std::fmt::Write as _;

use resident_store::{Agent, AgentType, Block, Message, Role, ToolCall};
use serde_json::json;

use crate::agents::default_agent;
use crate::guidance::word_sequence;
use crate::model::Generation;
use crate::tools::{MEMORY_FINISH_EDITS, MEMORY_INSERT, MEMORY_REPLACE, MEMORY_RETHINK};
use crate::turns::Said;

/// The kind of note that asks a sleeptime agent to tidy.
pub const SLEEPTIME_NOTE: &str = "sleeptime";

/// V1's number of turns after which a sleeptime agent looks at what was said.
pub const DEFAULT_SLEEPTIME_FREQUENCY: i64 = 5;

/// The block in which a sleeptime agent keeps how it is to work; the other agent does not see it.
pub const SLEEPTIME_PERSONA: &str = "memory_persona";

const SLEEPTIME_SYSTEM: &str = "You keep the memory of another agent in order. You work in the background: nobody reads \
what you write but the memory blocks themselves.

The blocks in front of you are that agent's. From time to time you are given what was said between it and its user. Bring \
the blocks up to date with it: write down what will matter later, correct what is no longer true, put what belongs \
together in one place, and take out what stands there twice. Write short sentences that can be understood on their own, \
with dates instead of words such as today or tomorrow. Write nothing that was not said. Leave in what the user wrote.

Use memory_insert and memory_replace for small changes, and memory_rethink to write a block anew. When the blocks are in \
order, or there is nothing to do, call memory_finish_edits.";

/// What a sleeptime agent is told about itself at first.
pub const SLEEPTIME_PERSONA_TEXT: &str = "I keep the memory blocks short, true and in order.";

/// A new agent that tidies the memory of one called `name`. It is not in the store yet, and has no blocks.
pub fn sleeptime_agent(name: &str, now_ms: i64) -> Agent {
    let tools = [MEMORY_REPLACE, MEMORY_INSERT, MEMORY_RETHINK, MEMORY_FINISH_EDITS];
    Agent {
        description: format!("Tidies the memory of {name}."),
        system: SLEEPTIME_SYSTEM.to_owned(),
        tools: tools.map(str::to_owned).to_vec(),
        tool_rules: json!([{ "type": "exit_loop", "tool_name": MEMORY_FINISH_EDITS }]),
        letta: json!({ "agent_type": "sleeptime_agent" }),
        ..default_agent(&format!("{name}-sleeptime"), AgentType::LettaV1Agent, now_ms)
    }
}

/// A single message gives at most so many characters to what a sleeptime agent is told.
const LONGEST_MESSAGE_CHARS: usize = 2_000;

/// All of them together; of longer talks the newest part is told, the other is in recall memory.
const LONGEST_TALK_CHARS: usize = 24_000;

/// What a sleeptime agent is told of a talk of `name` with its user.
pub fn sleeptime_request(name: &str, said: &[Message]) -> Said {
    let mut lines = Vec::new();
    let mut room = LONGEST_TALK_CHARS;
    for message in said.iter().rev() {
        let speaker = match (message.role, &message.name) {
            (Role::User, Some(other)) => other.as_str(),
            (Role::User, None) => "User",
            (Role::Assistant, _) => name,
            (Role::System | Role::Tool, _) => continue,
        };
        let text: String = message.content.chars().take(LONGEST_MESSAGE_CHARS).collect();
        let line = format!("{speaker}: {text}");
        let Some(left) = room.checked_sub(line.chars().count()) else { break };
        room = left;
        lines.push(line);
    }
    lines.reverse();
    let mut text = format!("This was said between {name} and its user since you last looked:\n\n");
    let _ =
        write!(text, "{}\n\nBring the memory blocks up to date, then call {MEMORY_FINISH_EDITS}.", lines.join("\n"));
    Said::note(SLEEPTIME_NOTE, &text)
}

/// The share, 0 to 1, of the lines of a block that say nothing but what another line says too: how untidy it is.
pub fn untidiness(value: &str) -> f32 {
    let lines = Lines::of(value);
    let facts = lines.words.iter().filter(|words| !words.is_empty()).count();
    if facts == 0 { 0.0 } else { lines.repeated().len() as f32 / facts as f32 }
}

/// The text of a block without the lines that say nothing but what another says too, and without needless blank lines.
pub fn tidied(value: &str) -> String {
    let lines = Lines::of(value);
    let repeated = lines.repeated();
    let mut kept: Vec<&str> = Vec::new();
    for (at, line) in lines.texts.iter().enumerate() {
        let blank = line.trim().is_empty();
        let needless = blank && kept.last().is_none_or(|last| last.trim().is_empty());
        if !needless && !repeated.contains_key(&at) {
            kept.push(line.trim_end());
        }
    }
    while kept.last().is_some_and(|last| last.is_empty()) {
        kept.pop();
    }
    kept.join("\n")
}

/// What a model that must be led writes in its next step of tidying: a block anew, or that all is in order.
pub(crate) fn tidying_step(blocks: &[Block], menu: &[String]) -> Generation {
    let call = |name: &str, arguments| ToolCall { id: String::new(), name: name.to_owned(), arguments };
    let has = |name: &str| menu.iter().any(|admitted| admitted == name);
    let untidy = blocks.iter().filter(|block| !block.read_only && has(MEMORY_RETHINK));
    let next = untidy.map(|block| (block, tidied(&block.value))).find(|(block, tidy)| *tidy != block.value);
    match next {
        Some((block, tidy)) => Generation {
            tool_calls: vec![call(MEMORY_RETHINK, json!({ "label": block.label, "new_memory": tidy }))],
            ..Generation::default()
        },
        None if has(MEMORY_FINISH_EDITS) => {
            Generation { tool_calls: vec![call(MEMORY_FINISH_EDITS, json!({}))], ..Generation::default() }
        }
        None => Generation { text: "The memory blocks are in order.".to_owned(), ..Generation::default() },
    }
}

/// The lines of a block, with the words of each.
struct Lines<'a> {
    texts: Vec<&'a str>,
    words: Vec<Vec<String>>,
}

/// Words that turn what is said around them: a line that has one says something else than a line without it.
const TURNING: &[&str] = &[
    "not", "no", "never", "none", "nothing", "without", "longer", "stopped", "used", "former", "formerly", "was",
    "were", "had", "until", "before", "instead", "moved", "unless", "except", "but", "if", "only", "maybe", "perhaps",
];

impl<'a> Lines<'a> {
    fn of(value: &'a str) -> Self {
        let texts: Vec<&str> = value.lines().collect();
        let words = texts.iter().map(|line| word_sequence(line)).collect();
        Self { texts, words }
    }

    /// The lines that can go, each with one that stays and says it too. Of lines that say the same the first stays.
    fn repeated(&self) -> HashMap<usize, usize> {
        let mut repeated = HashMap::new();
        for (at, words) in self.words.iter().enumerate().filter(|(_, words)| !words.is_empty()) {
            let says_it = |other: &usize| {
                let more = &self.words[*other];
                // Of two that are the same, the one that stood there first stays.
                let same = words == more && *other < at;
                !repeated.contains_key(other) && (same || (more.len() > words.len() && adds_to(words, more)))
            };
            if let Some(other) = (0..self.words.len()).find(says_it) {
                repeated.insert(at, other);
            }
        }
        repeated
    }
}

/// Whether `more` says all that `words` say, in their order, and does not turn it.
fn adds_to(words: &[String], more: &[String]) -> bool {
    let turns = |word: &&String| TURNING.contains(&word.as_str()) || word.ends_with("n't");
    let turned = |words: &[String]| words.iter().filter(turns).count();
    let mut rest = more.iter();
    turned(words) == turned(more) && words.len() > 1 && words.iter().all(|word| rest.any(|other| other == word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_that_says_nothing_of_its_own_goes() {
        let untidy = "Likes tea.\n\n\nHas a dog.\n- likes tea\nHas a dog called Rex.\nLikes tea  \n";
        assert_eq!(tidied(untidy), "Likes tea.\n\nHas a dog called Rex.");
        assert!(untidiness(untidy) > 0.5, "{}", untidiness(untidy));
        assert_eq!(untidiness(&tidied(untidy)), 0.0);
    }

    #[test]
    fn what_is_said_otherwise_stays() {
        for pair in [
            ("Likes tea.", "Does not like tea."),
            ("Ann trusts Bob.", "Bob trusts Ann."),
            ("Lives in Oslo.", "Lived in Oslo until 2020."),
            ("Pays 400 a month.", "Pays 500 a month."),
            ("Works at Acme.", "Works at Acme no longer."),
            ("Rex", "Rex is a dog."),
        ] {
            let both = format!("{}\n{}", pair.0, pair.1);
            assert_eq!(tidied(&both), both);
        }
    }

    fn block() -> impl Strategy<Value = String> {
        let words = prop::sample::select(vec!["likes", "tea", "not", "dog", "Rex", "in", "Oslo", "2020"]);
        let line = prop::collection::vec(words, 0..5).prop_map(|words| words.join(" "));
        prop::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #[test]
        fn tidying_ends_and_every_line_is_still_said(value in block()) {
            let tidy = tidied(&value);
            prop_assert_eq!(tidied(&tidy), tidy.clone());
            prop_assert_eq!(untidiness(&tidy), 0.0);
            for line in value.lines() {
                let words = word_sequence(line);
                let said = tidy.lines().map(word_sequence).any(|kept| kept == words || adds_to(&words, &kept));
                prop_assert!(words.is_empty() || said, "{} is lost", line);
            }
        }
    }
}
