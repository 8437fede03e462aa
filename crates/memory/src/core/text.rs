//! Edits of a text, without a store: append, replace, insert at a line. The semantics are those of the V1 server's
//! memory tools, because models were trained on them.
//!
//! Two things differ on purpose: an empty text takes new content as it is, without an empty first line, and an empty
//! search text is refused instead of matching between all characters.

use crate::MemoryError;

/// Columns between tab stops when tabs are expanded.
const TAB_COLUMNS: usize = 8;

/// `value` with `content` on a new line at its end.
pub(crate) fn append(value: &str, content: &str) -> String {
    join_nonempty(value, content)
}

/// `value` with every occurrence of `old` replaced.
pub(crate) fn replace_all(label: &str, value: &str, old: &str, new: &str) -> Result<String, MemoryError> {
    if old.is_empty() {
        return Err(MemoryError::EmptyArgument { argument: "old_content" });
    }
    if !value.contains(old) {
        return Err(MemoryError::OldContentNotFound { label: label.to_owned(), old_content: old.to_owned() });
    }
    Ok(value.replace(old, new))
}

/// `value` with the only occurrence of `old` replaced, tabs expanded on both sides.
pub(crate) fn replace_once(label: &str, value: &str, old: &str, new: &str) -> Result<String, MemoryError> {
    refuse_line_numbers("old_string", old)?;
    refuse_line_numbers("new_string", new)?;
    let (value, old, new) = (expand_tabs(value), expand_tabs(old), expand_tabs(new));
    if old.is_empty() {
        return Err(MemoryError::EmptyArgument { argument: "old_string" });
    }
    let starts: Vec<usize> = value.match_indices(&old).map(|(start, _)| start).collect();
    match starts.as_slice() {
        [] => Err(MemoryError::NotVerbatim { label: label.to_owned(), old_string: old }),
        [start] => Ok(format!("{}{new}{}", &value[..*start], &value[start + old.len()..])),
        several => {
            let lines = several.iter().map(|start| line_of(&value, *start)).collect();
            Err(MemoryError::SeveralOccurrences { label: label.to_owned(), old_string: old, lines })
        }
    }
}

/// `value` with `new` inserted after line `insert_line`: 0 is before the first line, -1 at the end.
pub(crate) fn insert(value: &str, new: &str, insert_line: i64) -> Result<String, MemoryError> {
    refuse_line_numbers("new_string", new)?;
    let (value, new) = (expand_tabs(value), expand_tabs(new));
    if value.is_empty() && matches!(insert_line, -1..=1) {
        return Ok(new);
    }
    let mut lines: Vec<&str> = value.split('\n').collect();
    let at = match usize::try_from(insert_line) {
        Ok(at) if at <= lines.len() => at,
        Err(_) if insert_line == -1 => lines.len(),
        Ok(_) | Err(_) => return Err(MemoryError::InsertLine { insert_line, lines: lines.len() }),
    };
    lines.splice(at..at, new.split('\n'));
    Ok(lines.join("\n"))
}

/// Refuses text that was copied with the line numbers of a numbered display (`12→ text`).
pub(crate) fn refuse_line_numbers(argument: &'static str, text: &str) -> Result<(), MemoryError> {
    if text.split('\n').any(begins_with_line_number) {
        return Err(MemoryError::LineNumbers { argument });
    }
    Ok(())
}

fn begins_with_line_number(line: &str) -> bool {
    let line = line.trim_start();
    let after = line.trim_start_matches(|c: char| c.is_ascii_digit());
    after.len() < line.len() && after.starts_with('→')
}

/// `text` with each tab replaced by spaces up to the next multiple of eight columns.
pub(crate) fn expand_tabs(text: &str) -> String {
    if !text.contains('\t') {
        return text.to_owned();
    }
    let mut expanded = String::with_capacity(text.len() + TAB_COLUMNS);
    let mut column = 0;
    for character in text.chars() {
        match character {
            '\t' => {
                let spaces = TAB_COLUMNS - column % TAB_COLUMNS;
                expanded.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
            }
            '\n' | '\r' => {
                expanded.push(character);
                column = 0;
            }
            _ => {
                expanded.push(character);
                column += 1;
            }
        }
    }
    expanded
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

fn join_nonempty(value: &str, content: &str) -> String {
    if value.is_empty() { content.to_owned() } else { format!("{value}\n{content}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(result: Result<String, MemoryError>, expected: Result<&str, &str>) {
        let result = result.map_err(|error| error.to_string());
        assert_eq!(result.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn append_starts_a_new_line_but_not_in_an_empty_text() {
        assert_eq!(append("a", "b"), "a\nb");
        assert_eq!(append("", "b"), "b");
        assert_eq!(append("a\n", "b"), "a\n\nb");
    }

    #[test]
    fn replace_all_replaces_every_exact_occurrence() {
        check(replace_all("human", "tea, tea", "tea", "coffee"), Ok("coffee, coffee"));
        check(replace_all("human", "tea and more", " and more", ""), Ok("tea"));
        check(replace_all("human", "tea", "Tea", "coffee"), Err("Old content 'Tea' not found in memory block 'human'"));
        check(replace_all("human", "tea", "", "coffee"), Err("old_content is empty: give the text to look for."));
    }

    #[test]
    fn replace_once_wants_exactly_one_occurrence() {
        check(replace_once("human", "likes tea\nhas a dog", "tea", "coffee"), Ok("likes coffee\nhas a dog"));
        check(replace_once("human", "a\tb", "a\tb", "c"), Ok("c"));
        check(replace_once("human", "a\tb", "a       b", "c\td"), Ok("c       d"));
        check(
            replace_once("human", "likes tea", "coffee", "milk"),
            Err(
                "No replacement was performed, old_string `coffee` did not appear verbatim in memory block with label \
                 `human`. Copy the text exactly as it stands in the block, with its spaces and line breaks.",
            ),
        );
        check(
            replace_once("human", "tea\nmilk\ntea", "tea", "coffee"),
            Err("No replacement was performed. Multiple occurrences of old_string `tea` in lines [1, 3] of memory \
                 block with label `human`. Give a longer old_string that occurs only once."),
        );
    }

    #[test]
    fn line_number_prefixes_are_refused() {
        let refusal = "old_string contains a line number prefix, which is not allowed. Line numbers such as `12→` are \
                       only shown for orientation and are no part of the memory block: leave them out.";
        check(replace_once("human", "likes tea", "1→ likes tea", "x"), Err(refusal));
        check(replace_once("human", "likes tea", "likes tea\n  12→x", "x"), Err(refusal));
        check(replace_once("human", "12 → 13", "12 → 13", "x"), Ok("x"));
        assert!(insert("a", "1→b", -1).is_err());
    }

    #[test]
    fn insert_counts_lines_from_the_start_and_minus_one_is_the_end() {
        check(insert("a\nb", "x", 0), Ok("x\na\nb"));
        check(insert("a\nb", "x", 1), Ok("a\nx\nb"));
        check(insert("a\nb", "x", 2), Ok("a\nb\nx"));
        check(insert("a\nb", "x\ny", -1), Ok("a\nb\nx\ny"));
        check(insert("", "x", -1), Ok("x"));
        check(
            insert("a\nb", "x", 3),
            Err("Invalid insert_line 3: the memory block has 2 lines, so it should be within 0 (before the first \
                 line) and 2 (after the last), or -1 for the end."),
        );
        assert!(insert("a\nb", "x", -2).is_err());
    }

    #[test]
    fn tabs_reach_to_the_next_multiple_of_eight() {
        assert_eq!(expand_tabs("\ta"), "        a");
        assert_eq!(expand_tabs("ab\tc\nabc\td"), "ab      c\nabc     d");
    }
}
