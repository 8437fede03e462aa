//! The `memory` tool: every edit of core memory as one tool with commands over paths, `/memories/<label>`.

use resident_memory::core as blocks;

use super::core::edited;
use super::schema::{Kind, Parameter};
use super::{Arguments, MEMORY, Tool, ToolError, ToolFunction, Written};
use crate::events::MemoryChange;

pub(super) static MEMORY_TOOL: Tool = Tool {
    name: MEMORY,
    description: "Edits memory blocks as if they were files under /memories. Commands: create (path, description, \
                  file_text), str_replace (path, old_string, new_string), insert (path, insert_line, insert_text), \
                  delete (path), rename (old_path, new_path; or path and description to describe it anew).",
    parameters: &[
        Parameter {
            name: "command",
            description: "What to do.",
            kind: Kind::OneOf(&["create", "str_replace", "insert", "delete", "rename"]),
            required: true,
        },
        Parameter::optional("path", Kind::Text, "The block, as /memories/label."),
        Parameter::optional("file_text", Kind::Text, "The text of the new block."),
        Parameter::optional("description", Kind::Text, "What the block is for."),
        Parameter::optional("old_string", Kind::Text, "The text to replace; it must occur exactly once."),
        Parameter::optional("new_string", Kind::Text, "The text that takes its place."),
        Parameter::optional("insert_line", Kind::Integer, "The line after which the text goes: 0 is the beginning."),
        Parameter::optional("insert_text", Kind::Text, "The text to insert."),
        Parameter::optional("old_path", Kind::Text, "The block to rename."),
        Parameter::optional("new_path", Kind::Text, "Its new path."),
    ],
    aliases: &[("old_str", "old_string"), ("new_str", "new_string")],
    function: ToolFunction::Write(|w, edit, arguments| match arguments.text("command")? {
        "create" => {
            let text = arguments.optional_text("file_text")?.unwrap_or_default();
            let done = blocks::create(w, edit, path(arguments, "path")?, arguments.text("description")?, text)?;
            let message = format!("The memory block {} was created.", done.block.label);
            Ok(Written::block(message, done))
        }
        "str_replace" => {
            let new = arguments.optional_text("new_string")?.unwrap_or_default();
            let done = blocks::replace_once(w, edit, path(arguments, "path")?, arguments.text("old_string")?, new)?;
            Ok(edited(done))
        }
        "insert" => {
            let text = match arguments.optional_text("insert_text")? {
                Some(text) => text,
                None => arguments.optional_text("new_string")?.map_or_else(|| arguments.text("insert_text"), Ok)?,
            };
            let line = arguments.optional_integer("insert_line")?.unwrap_or(-1);
            Ok(edited(blocks::insert(w, edit, path(arguments, "path")?, text, line)?))
        }
        "delete" => {
            let label = path(arguments, "path")?;
            let altered = blocks::delete(w, edit, label)?;
            let message = format!("The memory block {label} was deleted.");
            Ok(Written { message, changes: vec![MemoryChange::BlockAltered(altered)] })
        }
        "rename" => rename(w, edit, arguments),
        other => Err(ToolError::UnknownCommand { command: other.to_owned() }),
    }),
};

/// Renames a block, or, where there is a path and a description, describes it anew.
fn rename(
    w: &mut resident_store::Writer<'_>,
    edit: &blocks::EditContext<'_>,
    arguments: &Arguments,
) -> Result<Written, ToolError> {
    let Some(description) = arguments.optional_text("description")?.filter(|_| arguments.has("path")) else {
        let (old, new) = (path(arguments, "old_path")?, path(arguments, "new_path")?);
        let altered = blocks::rename(w, edit, old, new)?;
        let message = format!("The memory block {old} is now called {new}.");
        return Ok(Written { message, changes: vec![MemoryChange::BlockAltered(altered)] });
    };
    let label = path(arguments, "path")?;
    let altered = blocks::describe(w, edit, label, description)?;
    let message = format!("The memory block {label} has a new description.");
    Ok(Written { message, changes: vec![MemoryChange::BlockAltered(altered)] })
}

/// The label that a path names.
fn path<'a>(arguments: &'a Arguments, name: &str) -> Result<&'a str, ToolError> {
    let path = arguments.text(name)?.trim();
    let label = path.trim_start_matches('/');
    let label = label.strip_prefix("memories/").unwrap_or(label).trim_matches('/');
    if label.is_empty() || label == "memories" {
        return Err(ToolError::WrongPath { path: path.to_owned() });
    }
    Ok(label)
}
