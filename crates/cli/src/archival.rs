//! `resident archival`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use resident_app::App;
use resident_app::api::{
    AgentRef, ApiError, CreatePassage, ErrorCode, PassageHit, PassageRefs, PassageSort, SearchPassages, TagCount,
};

use crate::agents::find_or_latest;
use crate::output::{Output, first_line, table, time};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The agent's name or id [default: the one last talked to]
    #[arg(long, global = true)]
    agent: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List passages, newest first
    List {
        /// Only with this tag
        #[arg(long)]
        tag: Vec<String>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Search passages
    Search {
        /// Words or a question
        query: String,
        /// Only with this tag
        #[arg(long)]
        tag: Vec<String>,
        /// At most so many
        #[arg(long, default_value_t = 10)]
        limit: usize,
    },
    /// Save a passage
    Add {
        /// Its text
        text: String,
        /// A tag
        #[arg(long)]
        tag: Vec<String>,
    },
    /// Save a text file in pieces
    AddFile {
        /// The file
        path: PathBuf,
        /// A tag
        #[arg(long)]
        tag: Vec<String>,
    },
    /// Move passages to the bin
    Delete {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Take passages out of the bin
    Restore {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// List tags
    Tags,
}

pub(crate) fn run(app: &Arc<App>, arguments: Arguments, output: Output) -> Result<ExitCode, ApiError> {
    let agent_id = find_or_latest(app, arguments.agent.as_deref())?.id;
    match arguments.action {
        Action::List { tag, limit } => {
            let request = search(agent_id, String::new(), tag, limit);
            let page = app.search_passages(SearchPassages { sort: PassageSort::Newest, ..request })?;
            output.value(&page, |page| rows(&page.hits));
        }
        Action::Search { query, tag, limit } => {
            let page = app.search_passages(search(agent_id, query, tag, limit))?;
            output.value(&page, |page| rows(&page.hits));
        }
        Action::Add { text, tag } => {
            let saved = app.create_passage(CreatePassage { agent_id, text, tags: tag, document: None })?;
            output.value(&saved, |saved| saved.iter().map(|passage| passage.id.clone()).collect::<Vec<_>>().join("\n"));
        }
        Action::AddFile { path, tag } => {
            let text = fs::read_to_string(&path).map_err(|error| ApiError {
                code: ErrorCode::Invalid,
                message: format!("`{}` could not be read as text: {error}.", path.display()),
                hint: None,
            })?;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let saved = app.create_passage(CreatePassage { agent_id, text, tags: tag, document: name })?;
            output.value(&saved, |saved| format!("Saved {} passages.", saved.len()));
        }
        Action::Delete { ids } => {
            app.delete_passages(PassageRefs { passage_ids: ids.clone() })?;
            output.value(&ids, |ids| format!("{} in the bin.", ids.len()));
        }
        Action::Restore { ids } => {
            app.restore_passages(PassageRefs { passage_ids: ids.clone() })?;
            output.value(&ids, |ids| format!("{} taken out of the bin.", ids.len()));
        }
        Action::Tags => {
            let tags = app.list_tags(AgentRef { agent_id })?;
            let row = |count: &TagCount| vec![count.tag.clone(), count.passages.to_string()];
            output.value(&tags, |tags| table(&tags.iter().map(row).collect::<Vec<_>>()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn search(agent_id: String, query: String, tags: Vec<String>, limit: usize) -> SearchPassages {
    SearchPassages {
        agent_id,
        query,
        tags,
        match_all_tags: false,
        from_ms: None,
        to_ms: None,
        as_of_ms: None,
        sort: PassageSort::Relevance,
        deleted: false,
        offset: 0,
        limit,
    }
}

fn rows(hits: &[PassageHit]) -> String {
    let row = |hit: &PassageHit| {
        let passage = &hit.passage;
        let tags = passage.tags.iter().map(|tag| format!("#{tag}")).collect::<Vec<_>>().join(" ");
        let why = hit.reasons.join("; ");
        vec![passage.id.clone(), time(passage.created_at_ms), first_line(&passage.text, 80), tags, why]
    };
    table(&hits.iter().map(row).collect::<Vec<_>>())
}
