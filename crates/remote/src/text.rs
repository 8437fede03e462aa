//! The text of an answer while it streams: reasoning that is written into it between `<think>` tags is told apart, and
//! what looks like a tool call is held back until it is known to be one.

const THINK: &str = "<think>";
const THINK_END: &str = "</think>";

/// How a call begins that a model writes into its text.
const CALL_STARTS: [&str; 4] = ["{", "```json", "```tool", "<tool_call>"];

/// What may be a call and is not shown before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Nothing: there are no tools.
    Nothing,
    /// A text that begins as a call does: the endpoint knows tools, and some of its models do not.
    Whole,
    /// Whatever begins as a call does, also after other words: calls come as text.
    Anywhere,
}

/// A piece that can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Of the answer.
    Text(String),
    /// Of the reasoning.
    Thoughts(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but white space so far; thoughts may begin.
    Start,
    Thinking,
    /// After the thoughts, nothing but white space so far.
    Answer,
    Text,
    Held,
}

/// Sorts a text that arrives in pieces.
#[derive(Debug)]
pub(crate) struct TextFlow {
    hold: Hold,
    state: State,
    /// What is not decided yet.
    pending: String,
    /// What was shown of the answer.
    text: String,
    thoughts: String,
}

/// A finished text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sorted {
    /// What was shown of the answer.
    pub(crate) text: String,
    /// The reasoning.
    pub(crate) thoughts: String,
    /// What was held back.
    pub(crate) held: String,
}

impl TextFlow {
    pub(crate) fn new(hold: Hold) -> Self {
        Self { hold, state: State::Start, pending: String::new(), text: String::new(), thoughts: String::new() }
    }

    /// What can be shown after this piece.
    pub(crate) fn push(&mut self, piece: &str) -> Vec<Piece> {
        self.pending.push_str(piece);
        let mut shown = Vec::new();
        while self.step(&mut shown) {}
        shown
    }

    /// The sorted text, and what can still be shown: all but what was held back.
    pub(crate) fn finish(mut self) -> (Sorted, Vec<Piece>) {
        let mut shown = Vec::new();
        let rest = std::mem::take(&mut self.pending);
        let mut held = String::new();
        match self.state {
            State::Thinking => self.show_thoughts(rest, &mut shown),
            State::Held => held = rest,
            State::Start | State::Answer | State::Text => self.show_text(rest, &mut shown),
        }
        (Sorted { text: self.text, thoughts: self.thoughts, held }, shown)
    }

    /// Decides on some of what is pending; whether it did.
    fn step(&mut self, shown: &mut Vec<Piece>) -> bool {
        match self.state {
            State::Start | State::Answer => self.begin(),
            State::Thinking => {
                let (thoughts, ended) = match self.pending.find(THINK_END) {
                    Some(end) => (self.pending.drain(..end).collect(), true),
                    None => (self.take_all_but_prefix_of(&[THINK_END]), false),
                };
                self.show_thoughts(thoughts, shown);
                if ended {
                    self.pending.drain(..THINK_END.len());
                    self.state = State::Answer;
                }
                ended
            }
            State::Text => {
                let starts: &[&str] = if self.hold == Hold::Anywhere { &CALL_STARTS } else { &[] };
                let start = starts.iter().filter_map(|start| self.pending.find(start)).min();
                let text = match start {
                    Some(start) => self.pending.drain(..start).collect(),
                    None => self.take_all_but_prefix_of(starts),
                };
                self.show_text(text, shown);
                if start.is_some() {
                    self.state = State::Held;
                }
                false
            }
            State::Held => false,
        }
    }

    fn begin(&mut self) -> bool {
        let trimmed = self.pending.trim_start();
        let may_think = self.state == State::Start;
        if trimmed.is_empty() || (may_think && THINK.starts_with(trimmed)) {
            return false;
        }
        if may_think && trimmed.starts_with(THINK) {
            self.pending = trimmed[THINK.len()..].to_owned();
            self.state = State::Thinking;
            return true;
        }
        let holds = self.hold != Hold::Nothing;
        if holds && CALL_STARTS.iter().any(|start| trimmed.starts_with(start)) {
            self.state = State::Held;
        } else if holds && CALL_STARTS.iter().any(|start| start.starts_with(trimmed)) {
            return false;
        } else {
            self.pending = trimmed.to_owned();
            self.state = State::Text;
        }
        true
    }

    /// All that is pending except an end that may be the beginning of one of `marks`.
    fn take_all_but_prefix_of(&mut self, marks: &[&str]) -> String {
        let text = &self.pending;
        let starts = text.char_indices().map(|(at, _)| at);
        let keep = starts
            .filter(|at| marks.iter().any(|mark| mark.len() > text.len() - at && mark.starts_with(&text[*at..])))
            .min()
            .unwrap_or(text.len());
        self.pending.drain(..keep).collect()
    }

    fn show_text(&mut self, text: String, shown: &mut Vec<Piece>) {
        if !text.is_empty() {
            self.text.push_str(&text);
            shown.push(Piece::Text(text));
        }
    }

    fn show_thoughts(&mut self, thoughts: String, shown: &mut Vec<Piece>) {
        if !thoughts.is_empty() {
            self.thoughts.push_str(&thoughts);
            shown.push(Piece::Thoughts(thoughts));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sort(hold: Hold, pieces: &[&str]) -> Sorted {
        let mut flow = TextFlow::new(hold);
        let mut shown: Vec<Piece> = pieces.iter().flat_map(|piece| flow.push(piece)).collect();
        let (sorted, rest) = flow.finish();
        shown.extend(rest);
        let text: String = shown
            .iter()
            .filter_map(|piece| if let Piece::Text(text) = piece { Some(text.as_str()) } else { None })
            .collect();
        assert_eq!(text, sorted.text, "what was shown is what is returned");
        sorted
    }

    fn sorted(text: &str, thoughts: &str, held: &str) -> Sorted {
        Sorted { text: text.into(), thoughts: thoughts.into(), held: held.into() }
    }

    #[test]
    fn thoughts_calls_and_text_are_told_apart() {
        for (hold, given, expected) in [
            (Hold::Nothing, "Hello {x}", sorted("Hello {x}", "", "")),
            (Hold::Nothing, "{\"a\": 1}", sorted("{\"a\": 1}", "", "")),
            (Hold::Nothing, "<think>hm</think>\n\nHi", sorted("Hi", "hm", "")),
            (Hold::Whole, "<think>hm</think>{\"name\"", sorted("", "hm", "{\"name\"")),
            (Hold::Whole, "Use {x}", sorted("Use {x}", "", "")),
            (Hold::Anywhere, "Sure: {x}", sorted("Sure: ", "", "{x}")),
            (Hold::Anywhere, "a <b> `c` d", sorted("a <b> `c` d", "", "")),
            (Hold::Whole, "<think>never ends", sorted("", "never ends", "")),
            (Hold::Whole, "<thin", sorted("<thin", "", "")),
        ] {
            assert_eq!(sort(hold, &[given]), expected, "{given}");
        }
    }

    proptest! {
        #[test]
        fn the_same_text_is_sorted_the_same_however_it_arrives(
            parts in prop::collection::vec(
                prop::sample::select(vec!["<think>", "</think>", "{", "```", "json", "<tool_call>", "é", " ", "<", "a"]), 0..8),
            cuts in prop::collection::vec(0_usize..60, 0..6),
        ) {
            let text: String = parts.concat();
            let mut cuts: Vec<usize> =
                cuts.into_iter().map(|cut| cut.min(text.len())).filter(|cut| text.is_char_boundary(*cut)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            for hold in [Hold::Nothing, Hold::Whole, Hold::Anywhere] {
                prop_assert_eq!(sort(hold, &pieces), sort(hold, &[&text]));
            }
        }
    }
}
