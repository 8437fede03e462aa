//! Three-way merge by lines: takes the changes from `base` to `theirs` over into `ours`, which has its own changes from
//! the same base. Undo is such a merge: base is the text after the revision, theirs the text before it, ours the text
//! of today.
//!
//! Changes of the same lines collide; changes that only touch (a line replaced and one added right below it) do not,
//! since adding a line below is how a memory grows, and undoing the line above must not need the newer one to go.

use std::ops::Range;

use similar::{
    Algorithm, DiffTag,
    algorithms::{Capture, Replace, diff_slices},
};

/// `ours` with the changes from `base` to `theirs`; `None` where both changed the same lines in different ways.
pub(crate) fn merge(base: &str, ours: &str, theirs: &str) -> Option<String> {
    if ours == base {
        return Some(theirs.to_owned());
    }
    let (base, ours, theirs) = (lines(base), lines(ours), lines(theirs));
    let mut changes = changes(&base, &theirs);
    let mine = self::changes(&base, &ours);
    changes.retain(|change| !mine.contains(change));
    if changes.iter().any(|change| mine.iter().any(|own| collide(change, own))) {
        return None;
    }
    // Stable: where both insert at one place, what is brought back comes before what was added since.
    changes.extend(mine);
    changes.sort_by_key(|change| (change.replaced.start, change.replaced.end));

    let mut merged: Vec<&str> = Vec::new();
    let mut done = 0;
    for change in changes {
        merged.extend(&base[done..change.replaced.start]);
        merged.extend(change.lines);
        done = change.replaced.end;
    }
    merged.extend(&base[done..]);
    Some(merged.join("\n"))
}

/// Lines of the base that are replaced by others; an empty range is an insertion, no lines a deletion.
#[derive(Debug, PartialEq)]
struct Change<'a> {
    replaced: Range<usize>,
    lines: Vec<&'a str>,
}

fn changes<'a>(base: &[&'a str], changed: &[&'a str]) -> Vec<Change<'a>> {
    // Without the clean-up of `capture_diff_slices`, which moves insertions without moving where they say they belong.
    let mut operations = Replace::new(Capture::new());
    let Ok(()) = diff_slices(Algorithm::Myers, &mut operations, base, changed);
    let operations = operations.into_inner().into_ops();
    operations
        .into_iter()
        .filter(|operation| operation.tag() != DiffTag::Equal)
        .map(|operation| Change { replaced: operation.old_range(), lines: changed[operation.new_range()].to_vec() })
        .collect()
}

fn collide(left: &Change<'_>, right: &Change<'_>) -> bool {
    left.replaced.start < right.replaced.end && right.replaced.start < left.replaced.end
}

/// The empty text has no line, so that the first line of a text is an insertion like any other.
fn lines(text: &str) -> Vec<&str> {
    if text.is_empty() { Vec::new() } else { text.split('\n').collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::merge;

    fn check(base: &str, ours: &str, theirs: &str, expected: Option<&str>) {
        assert_eq!(merge(base, ours, theirs).as_deref(), expected, "base {base:?}, ours {ours:?}, theirs {theirs:?}");
    }

    #[test]
    fn later_changes_of_other_lines_are_kept() {
        check("a\nb", "a\nb\nc", "a", Some("a\nc"));
        check("x", "x\ny", "", Some("y"));
        check("a\nB\nc", "A\nB\nc", "a\nb\nc", Some("A\nb\nc"));
        check("a", "a\nc", "a\nb", Some("a\nb\nc"));
    }

    #[test]
    fn changes_of_the_same_line_collide_unless_they_are_equal() {
        check("tea", "milk", "coffee", None);
        check("tea", "", "coffee", None);
        check("tea\nx", "coffee\nx", "coffee\nx", Some("coffee\nx"));
    }

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["", "a", "b", "c"]), 0..6).prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #[test]
        fn a_side_that_changed_nothing_takes_the_other(base in text(), other in text()) {
            prop_assert_eq!(merge(&base, &base, &other), Some(other.clone()));
            prop_assert_eq!(merge(&base, &other, &base), Some(other));
        }

        #[test]
        fn equal_changes_are_made_once(base in text(), other in text()) {
            prop_assert_eq!(merge(&base, &other, &other), Some(other));
        }
    }
}
