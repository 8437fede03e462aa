//! A chat as a file for people (Markdown) and for programs (JSON).
//!
//! What was said may be anything, and is shown where Markdown is rendered: nothing in it may pose as another speaker,
//! end the fold of a tool call, run, or fetch. So words stand in a quotation, code stands in fences that are longer than
//! any in it, and what would begin HTML or an image does not.

use std::fmt::Write;

use serde::Serialize;

/// A chat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Chat {
    /// What it is called.
    pub title: String,
    /// What was said, oldest first.
    pub messages: Vec<ChatMessage>,
}

/// Something that was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// Who said it, by name.
    pub speaker: String,
    /// `user`, `assistant`, `system` or `tool`.
    pub role: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The words.
    pub text: String,
    /// What was thought before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thoughts: Option<String>,
    /// The tools that were called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ChatCall>,
}

/// A call of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChatCall {
    /// The tool.
    pub name: String,
    /// Its arguments, the text of a JSON object.
    pub arguments: String,
    /// What it gave back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Whether it did what it was asked.
    pub succeeded: bool,
}

/// The chat as JSON, indented.
pub fn json(chat: &Chat) -> Vec<u8> {
    serde_json::to_vec_pretty(chat).expect("a chat has nothing that JSON cannot hold")
}

/// The chat as Markdown; `when` writes a time in the zone and words of the reader.
pub fn markdown(chat: &Chat, when: impl Fn(i64) -> String) -> String {
    let mut out = format!("# {}\n", line(&chat.title));
    for message in &chat.messages {
        write!(out, "\n**{}** · {}\n", line(&message.speaker), line(&when(message.at_ms))).expect(TO_MEMORY);
        if let Some(thoughts) = message.thoughts.as_deref().filter(|thoughts| !thoughts.trim().is_empty()) {
            fold(&mut out, "Thoughts", &[("", thoughts)]);
        }
        if !message.text.trim().is_empty() {
            out.push('\n');
            quotation(&mut out, &message.text);
        }
        for call in &message.calls {
            let failed = if call.succeeded { "" } else { " (failed)" };
            let mut parts = vec![("Arguments", call.arguments.as_str())];
            parts.extend(call.result.as_deref().map(|result| ("Result", result)));
            fold(&mut out, &format!("Tool: {}{failed}", call.name), &parts);
        }
    }
    out
}

const TO_MEMORY: &str = "a string can be written to";

/// Text for one line of Markdown that means nothing but its letters.
fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\u{2028}' | '\u{2029}' => out.push(' '),
            c if c.is_control() => out.push(' '),
            c if c.is_ascii_punctuation()
                && !matches!(c, ',' | '.' | ':' | ';' | '\'' | '"' | '/' | '?' | '-' | '+') =>
            {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Writes `text` as a quotation, in which its own Markdown still means what it means.
fn quotation(out: &mut String, text: &str) {
    let lines: Vec<&str> =
        text.lines().flat_map(|line| line.split(['\r', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}'])).collect();
    let mut at = 0;
    while at < lines.len() {
        let Some((mark, info)) = fence(lines[at]) else {
            writeln!(out, "> {}", words(lines[at])).expect(TO_MEMORY);
            at += 1;
            continue;
        };
        let closes = |line: &&str| fence(line).is_some_and(|(end, info)| info.is_empty() && end.starts_with(mark));
        let end = lines[at + 1..].iter().position(closes).map_or(lines.len(), |after| at + 1 + after);
        // A fence of its own, so that what this takes for code is what a renderer takes for code.
        let code = lines[at + 1..end].join("\n");
        let language: String = info.chars().take_while(|c| c.is_ascii_alphanumeric() || "+-#.".contains(*c)).collect();
        let ours = longer_than_any(&code);
        writeln!(out, ">\n> {ours}{language}").expect(TO_MEMORY);
        lines[at + 1..end].iter().for_each(|line| writeln!(out, "> {line}").expect(TO_MEMORY));
        writeln!(out, "> {ours}").expect(TO_MEMORY);
        at = end + 1;
    }
}

/// The mark of a fence and what follows it, where the line is one.
fn fence(line: &str) -> Option<(&str, &str)> {
    let inner = line.trim_start();
    let first = inner.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = inner.chars().take_while(|c| *c == first).count();
    let (mark, info) = inner.split_at(length);
    (length >= 3 && !info.contains('`')).then_some((mark, info.trim()))
}

/// A fence that nothing in `code` can end.
fn longer_than_any(code: &str) -> String {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// One line of Markdown in which no HTML begins and no image is fetched. What could be an odd fence is none.
fn words(line: &str) -> String {
    let safe = line.replace('<', "&lt;").replace("![", "!\\[");
    if safe.trim_start().starts_with("```") || safe.trim_start().starts_with("~~~") {
        return safe.replacen("```", "\\`\\`\\`", 1).replacen("~~~", "\\~\\~\\~", 1);
    }
    safe
}

/// Writes a fold with parts that are shown letter by letter.
fn fold(out: &mut String, title: &str, parts: &[(&str, &str)]) {
    let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    write!(out, "\n<details><summary>{title}</summary>\n").expect(TO_MEMORY);
    for (name, text) in parts {
        if !name.is_empty() {
            write!(out, "\n{name}:\n").expect(TO_MEMORY);
        }
        let fence = longer_than_any(text);
        let text = text.replace('\r', "\n");
        write!(out, "\n{fence}\n{}\n{fence}\n", text.trim_end_matches('\n')).expect(TO_MEMORY);
    }
    out.push_str("\n</details>\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> Chat {
        let message = ChatMessage {
            speaker: "Ada".into(),
            role: "assistant".into(),
            at_ms: 0,
            text: text.into(),
            thoughts: None,
            calls: vec![ChatCall {
                name: "memory_insert".into(),
                arguments: "{\"a\":\"```\"}".into(),
                result: Some(text.into()),
                succeeded: false,
            }],
        };
        Chat { title: "A *chat*\n# with <b>".into(), messages: vec![message] }
    }

    #[test]
    fn a_chat_is_read_with_its_code_and_its_calls_folded() {
        let markdown = markdown(&said("Look:\n```rust\nlet a: Vec<u8>;\n```\nDone <script>."), |_| "1 May".into());
        assert_eq!(
            markdown,
            "# A \\*chat\\* \\# with &lt;b\\>\n\n**Ada** · 1 May\n\n> Look:\n>\n> ```rust\n> let a: Vec<u8>;\n> ```\n\
             > Done &lt;script>.\n\n<details><summary>Tool: memory_insert (failed)</summary>\n\nArguments:\n\n````\n\
             {\"a\":\"```\"}\n````\n\nResult:\n\n````\nLook:\n```rust\nlet a: Vec<u8>;\n```\nDone <script>.\n````\n\n\
             </details>\n"
        );
    }

    proptest! {
        /// Outside of fences no line is anything but ours or a quotation, and no fence is left open.
        #[test]
        fn nothing_breaks_out(text in "(\\PC|[`~<>!\\[\\]#*\n\r ]|```|</details>|<img src=x>){0,60}") {
            let markdown = markdown(&said(&text), |_| "now".into());
            let mut open: Option<String> = None;
            for line in markdown.split('\n') {
                let inner = line.strip_prefix("> ").unwrap_or(line);
                let run = inner.len() - inner.trim_start_matches('`').len();
                match &open {
                    Some(fence) if inner.trim_end() == fence => open = None,
                    Some(fence) => prop_assert!(!inner.trim_start().starts_with(fence.as_str()), "{markdown}"),
                    None if run >= 3 => open = Some("`".repeat(run)),
                    None if line.starts_with('>') => prop_assert!(!line.contains('<') && !line.contains("!["), "{markdown}"),
                    None => prop_assert!(
                        line.is_empty() || line.starts_with("# A") || line.starts_with("**Ada** · now")
                            || line == "Arguments:" || line == "Result:" || line == "</details>"
                            || line.starts_with("<details><summary>Tool: "),
                        "{line:?} in {markdown}"
                    ),
                }
            }
            prop_assert_eq!(open, None);
        }
    }
}
