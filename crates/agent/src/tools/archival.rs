//! The tools of archival memory.

use resident_memory::{ArchivalQuery, NewPassages, Sort, archival};
use resident_store::{PassageFilter, PassageId};
use serde_json::json;

use super::recall::{end_of, reasons, start_of};
use super::schema::{Kind, Parameter};
use super::{
    ARCHIVAL_MEMORY_INSERT, ARCHIVAL_MEMORY_REPLACE, ARCHIVAL_MEMORY_SEARCH, Arguments, SearchContext, Tool, ToolError,
    ToolFunction, Written, package,
};

/// V1's RETRIEVAL_QUERY_DEFAULT_PAGE_SIZE.
const DEFAULT_RESULTS: i64 = 5;

/// More passages than this would fill most windows.
const MOST_RESULTS: i64 = 50;

pub(super) static INSERT: Tool = Tool {
    name: ARCHIVAL_MEMORY_INSERT,
    description: "Saves a text to archival memory, where it is kept for good and found by searching. Use it for what \
                  need not always be in mind: longer notes, records, things for later.",
    parameters: &[
        Parameter::text("content", "The text to save. It should be understandable on its own."),
        Parameter::optional("tags", Kind::Texts, "A few words under which to file it."),
    ],
    aliases: &[("text", "content")],
    function: ToolFunction::Write(|w, edit, arguments| {
        let passages = NewPassages {
            text: arguments.text("content")?.to_owned(),
            tags: arguments.texts("tags")?,
            archive_id: None,
            file_id: None,
            document: None,
            valid_from_ms: None,
        };
        let passages = archival::insert(w, edit, passages)?;
        let message = match passages.len() {
            1 => "Saved to archival memory.".to_owned(),
            parts => format!("Saved to archival memory, in {parts} parts."),
        };
        Ok(Written::passages(message, passages))
    }),
};

pub(super) static REPLACE: Tool = Tool {
    name: ARCHIVAL_MEMORY_REPLACE,
    description: "Corrects a text that archival_memory_search found: the new text takes its place, and the old one is \
                  kept as what was true before. To forget it, give empty text: it goes to the bin.",
    parameters: &[
        Parameter::text("passage_id", "The id of the text, as the search shows it."),
        Parameter::text("new_content", "The whole text as it should be; empty to forget it."),
    ],
    aliases: &[("id", "passage_id"), ("memory_id", "passage_id"), ("content", "new_content")],
    function: ToolFunction::Write(|w, edit, arguments| {
        let id = PassageId::from(arguments.text("passage_id")?.trim());
        let text = arguments.text("new_content")?;
        if text.trim().is_empty() {
            let forgotten = archival::forget(w, edit, &id)?;
            return Ok(Written::forgotten("Moved to the bin.".to_owned(), forgotten));
        }
        let passage = archival::supersede(w, edit, &id, text, &[])?;
        Ok(Written::passages("Corrected in archival memory.".to_owned(), vec![passage]))
    }),
};

pub(super) static SEARCH: Tool = Tool {
    name: ARCHIVAL_MEMORY_SEARCH,
    description: "Searches archival memory by meaning and words. Use it when what is asked may have been saved but is \
                  not in your memory blocks.",
    parameters: &[
        Parameter::text("query", "What to look for, in a few words or as a question."),
        Parameter::optional("tags", Kind::Texts, "Only passages filed under these tags."),
        Parameter::optional(
            "tag_match_mode",
            Kind::OneOf(&["any", "all"]),
            "Whether a passage must have any of the tags (the default) or all of them.",
        ),
        Parameter::optional("top_k", Kind::Integer, "How many results, 5 when left out."),
        Parameter::optional("start_datetime", Kind::Text, "Only what was saved from this date or time on (ISO 8601)."),
        Parameter::optional("end_datetime", Kind::Text, "Only what was saved up to this date or time (ISO 8601)."),
    ],
    aliases: &[("limit", "top_k"), ("start_date", "start_datetime"), ("end_date", "end_datetime")],
    function: ToolFunction::Search(search),
};

fn search(context: &SearchContext<'_>, arguments: &Arguments) -> Result<String, ToolError> {
    let top_k = arguments.optional_integer("top_k")?.unwrap_or(DEFAULT_RESULTS).clamp(1, MOST_RESULTS);
    let top_k = usize::try_from(top_k).expect("clamped to a small positive number");
    let page = match arguments.optional_integer("page")? {
        Some(page) => usize::try_from(page).unwrap_or(0),
        None => 0,
    };
    let match_all_tags = arguments.optional_text("tag_match_mode")?.is_some_and(|mode| mode == "all");
    let filter = PassageFilter {
        tags: arguments.texts("tags")?,
        match_all_tags,
        from_ms: start_of(arguments, "start_datetime", context.zone)?,
        to_ms: end_of(arguments, "end_datetime", context.zone)?,
        offset: page * top_k,
        limit: top_k,
        ..PassageFilter::of(&context.agent.id)
    };
    let query = ArchivalQuery { text: arguments.text("query")?.to_owned(), filter, sort: Sort::Relevance };
    let found = context.memory.search_passages(&context.agent.id, &query)?;
    if found.hits.is_empty() {
        return Ok(json!({ "message": "No results found.", "results": [] }).to_string());
    }
    let results: Vec<_> = found
        .hits
        .iter()
        .map(|hit| {
            json!({
                "id": hit.passage.id,
                "timestamp": package::time(hit.passage.created_at_ms, context.zone),
                "content": hit.passage.text,
                "tags": hit.passage.tags,
                "relevance": reasons(&hit.reasons),
            })
        })
        .collect();
    let message = format!("Showing {} of {} results:", results.len(), found.total.max(results.len()));
    Ok(json!({ "message": message, "results": results }).to_string())
}
