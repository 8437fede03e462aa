//! `resident blocks`.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use resident_app::App;
use resident_app::api::{
    ApiError, BlockRef, BlockView, CreateBlock, ErrorCode, ListBlocks, RevisionView, UndoRevision, UpdateBlock,
};

use crate::agents::find_or_latest;
use crate::output::{Output, time};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The agent's name or id [default: the one last talked to]
    #[arg(long, global = true)]
    agent: Option<String>,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Show all blocks (the default)
    List,
    /// Show one block
    Show {
        /// Its label
        label: String,
    },
    /// Write a block's text
    Set {
        /// Its label
        label: String,
        /// The new text
        value: String,
    },
    /// Create a block
    Create {
        /// Its label
        label: String,
        /// Its text
        #[arg(default_value = "")]
        value: String,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
        /// Characters it may have
        #[arg(long)]
        limit: Option<usize>,
        /// Whether agents may not write to it
        #[arg(long)]
        read_only: bool,
    },
    /// Move a block to the bin
    Delete {
        /// Its label
        label: String,
    },
    /// Show a block's versions
    History {
        /// Its label
        label: String,
    },
    /// Undo one version, the newest unless told otherwise
    Undo {
        /// Its label
        label: String,
        /// The version's number
        revision: Option<i64>,
    },
}

pub(crate) fn run(app: &Arc<App>, arguments: Arguments, output: Output) -> Result<ExitCode, ApiError> {
    let agent_id = find_or_latest(app, arguments.agent.as_deref())?.id;
    let find = |label: &str| find(app, &agent_id, label);
    match arguments.action.unwrap_or(Action::List) {
        Action::List => {
            let blocks = app.list_blocks(ListBlocks { agent_id: Some(agent_id), deleted: false })?;
            output.value(&blocks, |blocks| blocks.iter().map(text).collect::<Vec<_>>().join("\n\n"));
        }
        Action::Show { label } => output.value(&find(&label)?, text),
        Action::Set { label, value } => {
            let block = find(&label)?;
            let request = UpdateBlock {
                block_id: block.id,
                label: None,
                description: None,
                value: Some(value),
                limit_chars: None,
                read_only: None,
                seen_revision: Some(block.revision),
            };
            output.value(&app.update_block(request)?, text);
        }
        Action::Create { label, value, description, limit, read_only } => {
            let request = CreateBlock { agent_id, label, description, value, limit_chars: limit, read_only };
            output.value(&app.create_block(request)?, text);
        }
        Action::Delete { label } => {
            let block = find(&label)?;
            app.delete_block(BlockRef { block_id: block.id.clone() })?;
            output.value(&block, |block| format!("{} is in the bin.", block.label));
        }
        Action::History { label } => {
            let revisions = app.list_revisions(BlockRef { block_id: find(&label)?.id })?;
            output.value(&revisions, |revisions| revisions.iter().map(revision_text).collect::<Vec<_>>().join("\n\n"));
        }
        Action::Undo { label, revision } => {
            let block = find(&label)?;
            let number = revision.unwrap_or(block.revision);
            output.value(&app.undo_revision(UndoRevision { block_id: block.id, number })?, text);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn find(app: &App, agent_id: &str, label: &str) -> Result<BlockView, ApiError> {
    let blocks = app.list_blocks(ListBlocks { agent_id: Some(agent_id.to_owned()), deleted: false })?;
    let labels: Vec<String> = blocks.iter().map(|block| block.label.clone()).collect();
    blocks.into_iter().find(|block| block.label == label).ok_or_else(|| ApiError {
        code: ErrorCode::NotFound,
        message: format!("There is no block `{label}`."),
        hint: Some(format!("There are: {}.", labels.join(", "))),
    })
}

fn text(block: &BlockView) -> String {
    let lock = if block.read_only { ", read-only" } else { "" };
    let head = format!(
        "{} ({} of {} characters{lock}), changed {}",
        block.label,
        block.chars,
        block.limit_chars,
        time(block.updated_at_ms)
    );
    format!("{head}\n{}", block.value).trim_end().to_owned()
}

fn revision_text(revision: &RevisionView) -> String {
    let provenance = &revision.provenance;
    let who = provenance.agent_name.clone().unwrap_or_else(|| format!("{:?}", provenance.actor).to_lowercase());
    let tool = provenance.tool.clone().map(|tool| format!(" with {tool}")).unwrap_or_default();
    let mut lines = vec![format!("{}  {}  by {who}{tool}", revision.number, time(revision.created_at_ms))];
    let before = revision.before.clone().unwrap_or_default();
    lines.extend(
        before
            .lines()
            .filter(|line| !revision.after.lines().any(|after| after == *line))
            .map(|line| format!("  - {line}")),
    );
    lines.extend(
        revision
            .after
            .lines()
            .filter(|line| !before.lines().any(|before| before == *line))
            .map(|line| format!("  + {line}")),
    );
    lines.join("\n")
}
