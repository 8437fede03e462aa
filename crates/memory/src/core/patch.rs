//! Patches as models write them: unified diffs, and sections `*** Add Block:`, `*** Update Block:` (with
//! `*** Move to:`) and `*** Delete Block:`.
//!
//! A hunk is found by its content; the line numbers of its header only choose among several places, because models
//! count badly. Where content alone is ambiguous and there are no numbers, the patch is refused, not guessed.

use std::ops::Range;

use crate::MemoryError;

const NO_NEWLINE: &str = "\\ No newline at end of file";
/// Codex-style patches may mark the end of the file; it says nothing that the lines do not.
const END_OF_FILE: &str = "*** End of File";

/// What a patch asks for, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PatchOperation {
    /// Make a block with this text.
    Add { label: String, value: String },
    /// Change the text of a block, and perhaps its label.
    Update { label: String, move_to: Option<String>, hunks: Vec<Hunk> },
    /// Remove a block.
    Delete { label: String },
}

/// Neighbouring lines before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hunk {
    /// The line of the patch where it begins, for messages.
    patch_line: usize,
    /// The place that the header claims: zero-based line of the old text.
    claimed_start: Option<usize>,
    /// A line of the old text that the hunk comes after.
    anchor: Option<String>,
    lines: Vec<(Side, String)>,
    /// Whether the last line of the old text has no line break, where the patch says so.
    old_unterminated: bool,
    /// The same for the new text.
    new_unterminated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Both,
    Old,
    New,
}

/// Reads a patch. Lines outside of any section belong to the block `label`.
pub(crate) fn parse(label: &str, patch: &str) -> Result<Vec<PatchOperation>, MemoryError> {
    let mut operations = Vec::new();
    let mut lines: Vec<(usize, &str)> = patch.split('\n').enumerate().map(|(index, line)| (index + 1, line)).collect();
    while lines.last().is_some_and(|(_, line)| line.trim().is_empty()) {
        lines.pop();
    }
    let mut rest = lines.as_slice();
    while let Some(((number, line), after)) = rest.split_first() {
        let heading = line.trim_end();
        if heading == "*** Begin Patch" || heading == "*** End Patch" || heading.is_empty() {
            rest = after;
            continue;
        }
        let (operation, remaining) = if let Some(added) = heading.strip_prefix("*** Add Block:") {
            add_section(added.trim(), after)?
        } else if let Some(deleted) = heading.strip_prefix("*** Delete Block:") {
            (PatchOperation::Delete { label: deleted.trim().to_owned() }, after)
        } else if let Some(updated) = heading.strip_prefix("*** Update Block:") {
            update_section(updated.trim(), after)?
        } else if heading.starts_with("*** ") && heading != END_OF_FILE {
            return Err(malformed(*number, format!("`{heading}` is not a section of a patch")));
        } else {
            let body = after_file_header(rest);
            let end = section_end(body);
            let hunks = hunks(&body[..end])?;
            (PatchOperation::Update { label: label.to_owned(), move_to: None, hunks }, &body[end..])
        };
        operations.push(operation);
        rest = remaining;
    }
    if operations.is_empty() {
        return Err(malformed(1, "the patch is empty".to_owned()));
    }
    Ok(operations)
}

/// `value` after the hunks of one update.
pub(crate) fn apply(label: &str, value: &str, hunks: &[Hunk]) -> Result<String, MemoryError> {
    let mut lines: Vec<String> = value.split('\n').map(str::to_owned).collect();
    // The piece after the last line break is a line only where it is not empty; so the empty text has no lines.
    let mut terminated = lines.last().is_some_and(String::is_empty);
    if terminated {
        lines.pop();
    }
    let mut from = 0;
    let mut shift = 0_isize;
    for hunk in hunks {
        let found = hunk.locate(label, &lines, from, shift)?;
        let new = hunk.new_lines(&lines[found.clone()]);
        let (start, added, removed) = (found.start, new.len(), found.len());
        lines.splice(found, new);
        from = start + added;
        shift += added.cast_signed() - removed.cast_signed();
        terminated = match (hunk.old_unterminated, hunk.new_unterminated) {
            (_, true) => false,
            (true, false) => true,
            (false, false) => terminated,
        };
    }
    let mut patched = lines.join("\n");
    if terminated && !lines.is_empty() {
        patched.push('\n');
    }
    Ok(patched)
}

impl Hunk {
    /// The lines of the text that the hunk replaces.
    fn locate(&self, label: &str, lines: &[String], from: usize, shift: isize) -> Result<Range<usize>, MemoryError> {
        let old: Vec<&str> =
            self.lines.iter().filter(|(side, _)| *side != Side::New).map(|(_, text)| text.as_str()).collect();
        let from = self.after_anchor(label, lines, from)?;
        let claimed = self.claimed_start.map(|start| start.saturating_add_signed(shift));
        if old.is_empty() {
            let start = claimed.unwrap_or(if self.anchor.is_some() { from } else { lines.len() }).min(lines.len());
            return Ok(start.max(from)..start.max(from));
        }
        let mut places = matches(lines, &old, from, |text, wanted| text == wanted);
        if places.is_empty() {
            places = matches(lines, &old, from, |text, wanted| text.trim_end() == wanted.trim_end());
        }
        let start =
            match (places.as_slice(), claimed) {
                ([], _) => {
                    return Err(MemoryError::PatchNoMatch { label: label.to_owned(), patch_line: self.patch_line });
                }
                ([only], _) => *only,
                ([first, ..], None) if self.anchor.is_some() => *first,
                (_, None) => {
                    let lines = places.iter().map(|place| place + 1).collect();
                    return Err(MemoryError::PatchAmbiguous {
                        label: label.to_owned(),
                        patch_line: self.patch_line,
                        lines,
                    });
                }
                ([first, rest @ ..], Some(claimed)) => rest.iter().fold(*first, |best, &place| {
                    if place.abs_diff(claimed) < best.abs_diff(claimed) { place } else { best }
                }),
            };
        Ok(start..start + old.len())
    }

    fn after_anchor(&self, label: &str, lines: &[String], from: usize) -> Result<usize, MemoryError> {
        let Some(anchor) = &self.anchor else { return Ok(from) };
        match lines[from..].iter().position(|line| line.trim() == anchor) {
            Some(at) => Ok(from + at + 1),
            None => Err(MemoryError::PatchNoMatch { label: label.to_owned(), patch_line: self.patch_line }),
        }
    }

    /// What stands in the place of `old` afterwards. Kept lines stay as the text has them, also where the patch has
    /// other white space at their ends.
    fn new_lines(&self, old: &[String]) -> Vec<String> {
        let mut old = old.iter();
        let mut new = Vec::new();
        for (side, text) in &self.lines {
            match side {
                Side::Both => new.extend(old.next().cloned()),
                Side::Old => {
                    old.next();
                }
                Side::New => new.push(text.clone()),
            }
        }
        new
    }
}

fn matches(lines: &[String], wanted: &[&str], from: usize, equal: impl Fn(&str, &str) -> bool) -> Vec<usize> {
    if wanted.len() > lines.len() {
        return Vec::new();
    }
    (from..=lines.len() - wanted.len())
        .filter(|&start| lines[start..].iter().zip(wanted).all(|(text, wanted)| equal(text, wanted)))
        .collect()
}

type Numbered<'a> = (usize, &'a str);

fn add_section<'a, 'b>(
    label: &str,
    rest: &'a [Numbered<'b>],
) -> Result<(PatchOperation, &'a [Numbered<'b>]), MemoryError> {
    let end = section_end(rest);
    let mut value = Vec::new();
    for (number, line) in &rest[..end] {
        match line.strip_prefix('+') {
            Some(text) => value.push(text),
            None if line.trim().is_empty() => value.push(""),
            None => {
                return Err(malformed(*number, "the lines of a new block begin with `+`".to_owned()));
            }
        }
    }
    let value = value.join("\n").trim_end_matches('\n').to_owned();
    Ok((PatchOperation::Add { label: label.to_owned(), value }, &rest[end..]))
}

fn update_section<'a, 'b>(
    label: &str,
    rest: &'a [Numbered<'b>],
) -> Result<(PatchOperation, &'a [Numbered<'b>]), MemoryError> {
    let (move_to, rest) = match rest.split_first() {
        Some(((_, line), after)) if line.starts_with("*** Move to:") => {
            (Some(line["*** Move to:".len()..].trim().to_owned()), after)
        }
        Some(_) | None => (None, rest),
    };
    let end = section_end(rest);
    let hunks = hunks(after_file_header(&rest[..end]))?;
    if hunks.is_empty() && move_to.is_none() {
        let number = rest.first().map_or(1, |(number, _)| *number);
        return Err(malformed(number, format!("the update of `{label}` changes nothing")));
    }
    Ok((PatchOperation::Update { label: label.to_owned(), move_to, hunks }, &rest[end..]))
}

fn section_end(lines: &[Numbered<'_>]) -> usize {
    lines.iter().position(|(_, line)| line.starts_with("*** ") && line.trim_end() != END_OF_FILE).unwrap_or(lines.len())
}

/// Skips `--- a` and `+++ b`, which can only stand before the first hunk.
fn after_file_header<'a, 'b>(lines: &'a [Numbered<'b>]) -> &'a [Numbered<'b>] {
    match lines {
        [(_, first), (_, second), rest @ ..] if first.starts_with("--- ") && second.starts_with("+++ ") => rest,
        _ => lines,
    }
}

fn hunks(lines: &[Numbered<'_>]) -> Result<Vec<Hunk>, MemoryError> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let filled = lines.iter().rposition(|(_, line)| !line.trim().is_empty()).map_or(0, |last| last + 1);
    for &(number, line) in &lines[..filled] {
        if let Some(header) = line.strip_prefix("@@") {
            hunks.push(hunk_header(number, header));
            continue;
        }
        if line.trim_end() == END_OF_FILE {
            continue;
        }
        if hunks.is_empty() {
            hunks.push(Hunk { patch_line: number, ..Hunk::default() });
        }
        let hunk = hunks.last_mut().expect("a hunk was just pushed where there was none");
        if line == NO_NEWLINE {
            let side = hunk.lines.last().map(|(side, _)| *side);
            hunk.old_unterminated |= matches!(side, Some(Side::Both | Side::Old));
            hunk.new_unterminated |= matches!(side, Some(Side::Both | Side::New));
            continue;
        }
        let (side, text) = match line.as_bytes().first() {
            // An editor or a model may have dropped the space of an empty kept line.
            None => (Side::Both, ""),
            Some(b' ') => (Side::Both, &line[1..]),
            Some(b'-') => (Side::Old, &line[1..]),
            Some(b'+') => (Side::New, &line[1..]),
            Some(_) => {
                let message = "a line of a patch begins with a space (kept), `-` (removed) or `+` (added)";
                return Err(malformed(number, message.to_owned()));
            }
        };
        hunk.lines.push((side, text.to_owned()));
    }
    hunks.retain(|hunk| !hunk.lines.is_empty());
    Ok(hunks)
}

/// Reads `@@ -3,2 +3,4 @@`, `@@` alone, or `@@ a line that stands above`.
fn hunk_header(patch_line: usize, header: &str) -> Hunk {
    let mut hunk = Hunk { patch_line, ..Hunk::default() };
    let header = header.trim();
    match header.strip_prefix('-').and_then(old_range) {
        // A range without lines names the line that it comes after.
        Some((start, 0)) => hunk.claimed_start = Some(start),
        Some((start, _)) => hunk.claimed_start = Some(start.saturating_sub(1)),
        None => {
            let anchor = header.trim_end_matches("@@").trim();
            hunk.anchor = (!anchor.is_empty()).then(|| anchor.to_owned());
        }
    }
    hunk
}

/// Start and length from `3,2 +3,4 @@`.
fn old_range(text: &str) -> Option<(usize, usize)> {
    let (range, rest) = text.split_once(' ')?;
    if !rest.trim_start().starts_with('+') {
        return None;
    }
    match range.split_once(',') {
        Some((start, length)) => Some((start.parse().ok()?, length.parse().ok()?)),
        None => Some((range.parse().ok()?, 1)),
    }
}

fn malformed(line: usize, message: String) -> MemoryError {
    MemoryError::PatchMalformed { line, message }
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
