//! The tools for files of folders: opening lines of them, so that they stand in the prompt, and searching them by a
//! regular expression or by meaning. They are offered while a folder is attached. Names and arguments are V1's; how many
//! files may be open depends on the window.

use regex::{Regex, RegexBuilder};
use resident_memory::{ArchivalQuery, Sort};
use resident_store::{FileView, PassageFilter, PassageScope};
use serde_json::{Value, json};

use super::recall::reasons;
use super::schema::{Kind, Parameter};
use super::{Arguments, GREP_FILES, OPEN_FILES, SEMANTIC_SEARCH_FILES, SearchContext, Tool, ToolError, ToolFunction};
use crate::window::FileLimits;

/// V1's page of matches.
const MATCHES_A_PAGE: usize = 20;

/// Lines around a match beyond this would show the file rather than the match.
const MOST_CONTEXT_LINES: i64 = 20;

/// A line longer than this (of a minified file, say) is cut.
const LONGEST_LINE_CHARS: usize = 400;

/// The largest automaton that a pattern may become, so that none of them fills the memory.
const LARGEST_PATTERN_BYTES: usize = 1 << 20;

const DEFAULT_RESULTS: i64 = 5;
const MOST_RESULTS: i64 = 50;

pub(super) static OPEN: Tool = Tool {
    name: OPEN_FILES,
    description: "Opens files of your folders, or some lines of them, so that their text stands in front of you. When too \
                  many are open, the one opened longest ago is closed.",
    parameters: &[
        Parameter {
            name: "file_requests",
            description: "The files to open.",
            kind: Kind::FileRequests,
            required: true,
        },
        Parameter::optional("close_all_others", Kind::Boolean, "Whether to close all other files."),
    ],
    aliases: &[("files", "file_requests")],
    function: ToolFunction::Search(open),
};

pub(super) static GREP: Tool = Tool {
    name: GREP_FILES,
    description: "Searches the files of your folders for a regular expression and shows the lines that match.",
    parameters: &[
        Parameter::text("pattern", "The regular expression; case does not matter."),
        Parameter::optional("include", Kind::Text, "Only files whose name is like this, such as *.md."),
        Parameter::optional("context_lines", Kind::Integer, "How many lines around each match, 1 when left out."),
        Parameter::optional("offset", Kind::Integer, "How many matches to leave out, for the next page."),
    ],
    aliases: &[("query", "pattern")],
    function: ToolFunction::Search(grep),
};

pub(super) static SEARCH: Tool = Tool {
    name: SEMANTIC_SEARCH_FILES,
    description: "Searches the files of your folders by meaning and words, and shows the passages that fit best.",
    parameters: &[
        Parameter::text("query", "What to look for, in a few words or as a question."),
        Parameter::optional("limit", Kind::Integer, "How many results, 5 when left out."),
    ],
    aliases: &[("top_k", "limit")],
    function: ToolFunction::Search(search),
};

/// A file that is to be opened, and which lines of it.
struct Request {
    view: FileView,
    first_line: usize,
    lines: Option<usize>,
}

fn open(context: &SearchContext<'_>, arguments: &Arguments) -> Result<String, ToolError> {
    let files = files(context)?;
    let requests = arguments.list("file_requests")?;
    let requests: Vec<Request> =
        requests.iter().map(|value| request(&files, arguments, value)).collect::<Result<_, _>>()?;
    let limits = FileLimits::of(context.window_tokens);
    if requests.len() > limits.open {
        return Err(ToolError::TooManyFiles { most: limits.open, asked: requests.len() });
    }
    let agent_id = &context.agent.id;
    let closed = context.memory.store().write(|w| {
        let mut closed =
            if arguments.truth("close_all_others")? { w.close_files_but(agent_id, 0)? } else { Vec::new() };
        // Those opened first in one call count as opened earlier.
        for (request, at_ms) in requests.iter().zip(context.now_ms..) {
            w.open_file(agent_id, &request.view.file.id, (request.first_line, request.lines), at_ms)?;
        }
        closed.extend(w.close_files_but(agent_id, limits.open)?);
        Ok::<_, ToolError>(closed)
    })?;
    let opened: Vec<_> = requests.iter().map(|request| request.view.path()).collect();
    let mut text = format!("Opened {}.", opened.join(", "));
    let closed: Vec<_> = files
        .iter()
        .filter(|view| closed.contains(&view.file.id) && !opened.contains(&view.path()))
        .map(FileView::path)
        .collect();
    if !closed.is_empty() {
        text.push_str(&format!(" Closed {}.", closed.join(", ")));
    }
    Ok(text)
}

fn request(files: &[FileView], arguments: &Arguments, value: &Value) -> Result<Request, ToolError> {
    let expected = "a list of objects with a `file_name`";
    let name = value.get("file_name").or(Some(value)).and_then(Value::as_str);
    let name = name.ok_or_else(|| arguments.wrong("file_requests", expected, value))?;
    let number = |field: &str| match value.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(number) => match number.as_u64().and_then(|number| usize::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(arguments.wrong("file_requests", "a list in which offset and length are numbers", value)),
        },
    };
    Ok(Request { view: named(files, name)?, first_line: number("offset")?.unwrap_or(0), lines: number("length")? })
}

/// The file of that name, with its folder or, where only one folder has it, without.
fn named(files: &[FileView], name: &str) -> Result<FileView, ToolError> {
    let name = name.trim();
    let by_path = files.iter().find(|view| view.path() == name);
    let mut by_name = files.iter().filter(|view| view.file.name == name);
    let found = by_path.or_else(|| by_name.next().filter(|_| by_name.next().is_none()));
    found.cloned().ok_or_else(|| {
        let known = files.iter().map(FileView::path).collect::<Vec<_>>().join(", ");
        ToolError::NoSuchFile { name: name.to_owned(), known }
    })
}

fn grep(context: &SearchContext<'_>, arguments: &Arguments) -> Result<String, ToolError> {
    let pattern = compiled(arguments.text("pattern")?)?;
    let include = arguments.optional_text("include")?.filter(|glob| !glob.trim().is_empty());
    let include = include.map(|glob| compiled(&as_pattern(glob))).transpose()?;
    let around = arguments.optional_integer("context_lines")?.unwrap_or(1).clamp(0, MOST_CONTEXT_LINES);
    let around = usize::try_from(around).unwrap_or_default();
    let offset = usize::try_from(arguments.optional_integer("offset")?.unwrap_or(0)).unwrap_or_default();
    let mut matches = 0;
    let mut shown = Vec::new();
    for view in files(context)? {
        let path = view.path();
        let wanted = |include: &Regex| include.is_match(&path) || include.is_match(&view.file.name);
        if include.as_ref().is_some_and(|include| !wanted(include)) {
            continue;
        }
        let text = context.memory.store().read(|reader| reader.file_text(&view.file.id))?.unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        for (number, _) in lines.iter().enumerate().filter(|(_, line)| pattern.is_match(line)) {
            if matches >= offset && shown.len() < MATCHES_A_PAGE {
                shown.push(excerpt(&path, &lines, number, around));
            }
            matches += 1;
        }
    }
    if shown.is_empty() {
        return Ok(if matches == 0 {
            "No matches found.".to_owned()
        } else {
            format!("There are only {matches} matches.")
        });
    }
    let last = offset + shown.len();
    let mut text = format!("Showing matches {} to {last} of {matches}:\n\n{}", offset + 1, shown.join("\n\n"));
    if last < matches {
        text.push_str(&format!("\n\nFor more matches, use offset={last}."));
    }
    Ok(text)
}

fn excerpt(path: &str, lines: &[&str], number: usize, around: usize) -> String {
    let (first, last) = (number.saturating_sub(around), (number + around).min(lines.len() - 1));
    let shown = (first..=last).map(|line| {
        let mark = if line == number { ">" } else { " " };
        let text: String = lines[line].chars().take(LONGEST_LINE_CHARS).collect();
        format!("{mark} {}: {text}", line + 1)
    });
    format!("{path}:\n{}", shown.collect::<Vec<_>>().join("\n"))
}

fn compiled(pattern: &str) -> Result<Regex, ToolError> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(LARGEST_PATTERN_BYTES)
        .build()
        .map_err(|error| ToolError::WrongPattern { pattern: pattern.to_owned(), details: error.to_string() })
}

/// A name with `*` and `?` as a regular expression.
fn as_pattern(glob: &str) -> String {
    let inner = regex::escape(glob.trim()).replace(r"\*", ".*").replace(r"\?", ".");
    format!("^{inner}$")
}

fn search(context: &SearchContext<'_>, arguments: &Arguments) -> Result<String, ToolError> {
    let limit = arguments.optional_integer("limit")?.unwrap_or(DEFAULT_RESULTS).clamp(1, MOST_RESULTS);
    let limit = usize::try_from(limit).expect("clamped to a small positive number");
    let scope = PassageScope::FilesOf(context.agent.id.clone());
    let filter = PassageFilter { limit, ..PassageFilter::of(&scope) };
    let query = ArchivalQuery { text: arguments.text("query")?.to_owned(), filter, sort: Sort::Relevance };
    let found = context.memory.search_passages(&scope, &query)?;
    if found.hits.is_empty() {
        return Ok(json!({ "message": "No results found.", "results": [] }).to_string());
    }
    let files = files(context)?;
    let results: Vec<_> = found
        .hits
        .iter()
        .map(|hit| {
            let file = files.iter().find(|view| Some(&view.file.id) == hit.passage.file_id.as_ref());
            let name = file.map(FileView::path).or_else(|| hit.passage.document.clone());
            json!({ "file_name": name, "content": hit.passage.text, "relevance": reasons(&hit.reasons) })
        })
        .collect();
    Ok(json!({ "message": format!("Showing {} results:", results.len()), "results": results }).to_string())
}

fn files(context: &SearchContext<'_>) -> Result<Vec<FileView>, ToolError> {
    Ok(context.memory.store().read(|reader| reader.files_of(&context.agent.id))?)
}
