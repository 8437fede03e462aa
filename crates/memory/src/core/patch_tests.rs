//! Patches as models and diff programs write them.

use proptest::prelude::*;
use similar::TextDiff;

use super::{PatchOperation, apply, parse};
use crate::MemoryError;

fn patched(value: &str, patch: &str) -> Result<String, String> {
    let apply_all = || -> Result<String, MemoryError> {
        match parse("human", patch)?.as_slice() {
            [PatchOperation::Update { label, move_to: None, hunks }] if label == "human" => apply(label, value, hunks),
            other => panic!("expected one update of human, got {other:?}"),
        }
    };
    apply_all().map_err(|error| error.to_string())
}

#[test]
fn a_unified_diff_is_applied() {
    let patch = "--- a/human\n+++ b/human\n@@ -1,3 +1,3 @@\n name: Ada\n-likes tea\n+likes coffee\n has a dog\n";
    assert_eq!(patched("name: Ada\nlikes tea\nhas a dog", patch).unwrap(), "name: Ada\nlikes coffee\nhas a dog");
}

#[test]
fn wrong_or_missing_line_numbers_do_not_matter_where_the_lines_are_unique() {
    let value = "name: Ada\nlikes tea\nhas a dog";
    for header in ["@@ -40,1 +40,1 @@\n", "@@\n", "@@ @@\n", "@@ name: Ada\n", "@@ name: Ada @@\n", ""] {
        let patch = format!("{header}-likes tea\n+likes coffee\n+likes milk");
        assert_eq!(patched(value, &patch).unwrap(), "name: Ada\nlikes coffee\nlikes milk\nhas a dog", "{header:?}");
    }
}

#[test]
fn line_numbers_choose_among_equal_lines() {
    assert_eq!(patched("a\nb\na\nb\na", "@@ -3 +3 @@\n-a\n+x").unwrap(), "a\nb\nx\nb\na");
}

#[test]
fn an_ambiguous_place_is_refused_with_the_lines() {
    assert_eq!(
        patched("a\nb\na", "-a\n+x").unwrap_err(),
        "The patch was not applied: the lines at line 1 of the patch occur at lines [1, 3] of memory block `human`. Add \
         more unchanged lines around the change, or a header with line numbers."
    );
}

#[test]
fn a_place_that_is_not_there_is_refused() {
    assert_eq!(
        patched("a", "@@\n-b\n+x").unwrap_err(),
        "The patch was not applied: the lines at line 1 of the patch are not in memory block `human`. Unchanged and \
         removed lines must be copied exactly from the block."
    );
    assert!(patched("a", "@@ no such line\n-a\n+x").is_err());
}

#[test]
fn added_lines_without_context_go_to_the_end() {
    assert_eq!(patched("a\nb", "+c").unwrap(), "a\nb\nc");
    assert_eq!(patched("a\nb", "@@ -0,0 +1 @@\n+c").unwrap(), "c\na\nb");
    assert_eq!(patched("a\nb", "@@ a\n+c").unwrap(), "a\nc\nb");
}

#[test]
fn an_unmarked_line_is_named() {
    assert_eq!(
        patched("a", "@@\n a\nfoo").unwrap_err(),
        "The patch could not be read, line 3: a line of a patch begins with a space (kept), `-` (removed) or `+` (added)."
    );
    assert!(patched("a", " \n").is_err());
}

#[test]
fn sections_add_update_move_and_delete() {
    let patch = "*** Begin Patch\n*** Add Block: project\n+one\n+\n+two\n*** Update Block: human\n*** Move to: person\n@@\n\
                 -a\n+b\n*** End of File\n*** Delete Block: old\n*** End Patch\n";
    let operations = parse("ignored", patch).unwrap();
    let [PatchOperation::Add { label, value }, PatchOperation::Update { label: updated, move_to, hunks }, deleted] =
        operations.as_slice()
    else {
        panic!("three operations, got {operations:?}");
    };
    assert_eq!((label.as_str(), value.as_str()), ("project", "one\n\ntwo"));
    assert_eq!((updated.as_str(), move_to.as_deref()), ("human", Some("person")));
    assert_eq!(apply(updated, "a", hunks).unwrap(), "b");
    assert_eq!(*deleted, PatchOperation::Delete { label: "old".to_owned() });
}

#[test]
fn an_unknown_section_is_refused() {
    let refusal = parse("human", "*** Rename Block: x").unwrap_err().to_string();
    assert!(refusal.contains("`*** Rename Block: x` is not a section"), "{refusal}");
}

fn text() -> impl Strategy<Value = String> {
    let line =
        prop::sample::select(vec!["", "a", "b", " b", "-c", "+d", "@@ e", "--- f", "+++ g", "\\ h", "d\u{e9}j\u{e0}"]);
    prop::collection::vec(line, 0..14).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn the_diff_of_two_texts_turns_one_into_the_other(before in text(), after in text(), context in 0..4_usize) {
        let diff = TextDiff::from_lines(&before, &after);
        let patch = diff.unified_diff().context_radius(context).to_string();
        if before == after {
            prop_assert!(patch.is_empty());
        } else {
            prop_assert_eq!(patched(&before, &patch), Ok(after));
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(patch in "[-+ @*\\\\a-b0-9,\n]{0,60}", value in "[ab\n]{0,20}") {
        if let Ok(operations) = parse("human", &patch) {
            for operation in operations {
                if let PatchOperation::Update { hunks, .. } = operation {
                    let _ = apply("human", &value, &hunks);
                }
            }
        }
    }
}
