//! The tools of core memory, each one edit of `resident_memory::core`.

use resident_memory::core as blocks;
use resident_store::Alteration;

use super::schema::{Kind, Parameter};
use super::{
    CORE_MEMORY_APPEND, CORE_MEMORY_REPLACE, MEMORY_APPLY_PATCH, MEMORY_FINISH_EDITS, MEMORY_INSERT, MEMORY_REPLACE,
    MEMORY_RETHINK, Tool, ToolFunction, Written,
};
use crate::events::MemoryChange;

const WHICH_BLOCK: &str = "The label of the memory block to edit.";

/// `insert_line` counts lines; so does its default.
const AT_THE_END: i64 = -1;

pub(super) static APPEND: Tool = Tool {
    name: CORE_MEMORY_APPEND,
    description: "Adds a line to the end of a memory block. Use it for something new about the user or yourself that \
                  should always be in mind.",
    parameters: &[
        Parameter::label(WHICH_BLOCK),
        Parameter::text("content", "The line to add, as a short sentence that can be understood on its own."),
    ],
    aliases: &[("name", "label")],
    function: ToolFunction::Write(|w, edit, arguments| {
        let done = blocks::append(w, edit, arguments.text("label")?, arguments.text("content")?)?;
        Ok(Written::block(done.block.value.clone(), done))
    }),
};

pub(super) static REPLACE_ALL: Tool = Tool {
    name: CORE_MEMORY_REPLACE,
    description: "Replaces text in a memory block. The old text must be exactly what stands there. To forget \
                  something, replace it with empty text.",
    parameters: &[
        Parameter::label(WHICH_BLOCK),
        Parameter::text("old_content", "The text to replace, exactly as it stands in the block."),
        Parameter::text("new_content", "The text that takes its place; empty to remove it."),
    ],
    aliases: &[
        ("name", "label"),
        ("old_string", "old_content"),
        ("new_string", "new_content"),
        ("old_str", "old_content"),
        ("new_str", "new_content"),
    ],
    function: ToolFunction::Write(|w, edit, arguments| {
        let (old, new) = (arguments.text("old_content")?, arguments.text("new_content")?);
        let done = blocks::replace_all(w, edit, arguments.text("label")?, old, new)?;
        Ok(Written::block(done.block.value.clone(), done))
    }),
};

pub(super) static INSERT: Tool = Tool {
    name: MEMORY_INSERT,
    description: "Inserts text into a memory block at a line.",
    parameters: &[
        Parameter::label(WHICH_BLOCK),
        Parameter::text("new_string", "The text to insert, without line numbers."),
        Parameter::optional(
            "insert_line",
            Kind::Integer,
            "The line after which the text goes: 0 for the beginning, -1 (the default) for the end.",
        ),
    ],
    aliases: &[("new_str", "new_string"), ("insert_text", "new_string"), ("content", "new_string")],
    function: ToolFunction::Write(|w, edit, arguments| {
        let line = arguments.optional_integer("insert_line")?.unwrap_or(AT_THE_END);
        let done = blocks::insert(w, edit, arguments.text("label")?, arguments.text("new_string")?, line)?;
        Ok(edited(done))
    }),
};

pub(super) static REPLACE_ONCE: Tool = Tool {
    name: MEMORY_REPLACE,
    description: "Replaces one piece of text in a memory block. The old text must occur there exactly once, so give \
                  enough of it. To forget something, replace it with empty text.",
    parameters: &[
        Parameter::label(WHICH_BLOCK),
        Parameter::text("old_string", "The text to replace, exactly as it stands, without line numbers."),
        Parameter::text("new_string", "The text that takes its place; empty to remove it."),
    ],
    aliases: &[
        ("old_str", "old_string"),
        ("new_str", "new_string"),
        ("old_content", "old_string"),
        ("new_content", "new_string"),
    ],
    function: ToolFunction::Write(|w, edit, arguments| {
        let (old, new) = (arguments.text("old_string")?, arguments.text("new_string")?);
        Ok(edited(blocks::replace_once(w, edit, arguments.text("label")?, old, new)?))
    }),
};

pub(super) static RETHINK: Tool = Tool {
    name: MEMORY_RETHINK,
    description: "Writes a memory block anew from beginning to end, and creates it when there is none of that label. \
                  Use it to tidy up; for a small change use another tool.",
    parameters: &[
        Parameter::text("label", "The label of the memory block to write."),
        Parameter::text("new_memory", "The whole new text of the block, with what stays true of the old one."),
    ],
    aliases: &[("target_block_label", "label"), ("new_value", "new_memory")],
    function: ToolFunction::Write(|w, edit, arguments| {
        Ok(edited(blocks::rethink(w, edit, arguments.text("label")?, arguments.text("new_memory")?)?))
    }),
};

pub(super) static APPLY_PATCH: Tool = Tool {
    name: MEMORY_APPLY_PATCH,
    description: "Applies a patch to memory blocks. For one block: a unified diff, with context lines. For several: \
                  sections that begin with `*** Add Block: label`, `*** Update Block: label` or \
                  `*** Delete Block: label`, and `*** Move to: label` to rename.",
    parameters: &[
        Parameter::text("label", "The label of the memory block that the patch is for."),
        Parameter::text("patch", "The patch, without line numbers in front of its lines."),
    ],
    aliases: &[],
    function: ToolFunction::Write(|w, edit, arguments| {
        let changes = blocks::apply_patch(w, edit, arguments.text("label")?, arguments.text("patch")?)?;
        let done: Vec<_> = changes.iter().map(describe).collect();
        let message = format!("The patch was applied: {}.", done.join(", "));
        Ok(Written { message, changes: changes.into_iter().map(MemoryChange::from).collect() })
    }),
};

pub(super) static FINISH: Tool = Tool {
    name: MEMORY_FINISH_EDITS,
    description: "Says that you are done with editing memory. Call it once nothing is left to tidy.",
    parameters: &[],
    aliases: &[],
    function: ToolFunction::Say(|_| Ok("Memory edits are finished.".to_owned())),
};

pub(super) fn edited(done: blocks::BlockEdit) -> Written {
    let message = format!("The memory block {} was edited.", done.block.label);
    Written::block(message, done)
}

fn describe(change: &blocks::BlockChange) -> String {
    match change {
        blocks::BlockChange::Written(done) => format!("{} was written", done.block.label),
        blocks::BlockChange::Altered(blocks::AlteredBlock { block, alteration }) => match alteration.what {
            Alteration::Renamed => format!("{} is now called {}", alteration.before, block.label),
            Alteration::Described => format!("{} has a new description", block.label),
            Alteration::Removed => format!("{} was deleted", block.label),
        },
    }
}
