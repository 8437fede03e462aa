//! Agents and profiles that travel: agent files, chats, backups.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use resident_app::api::{
    AgentFilePreview, AgentRef, AgentView, ApiError, ChatFormat, ErrorCode, ExportAgents, ExportChat, FileNotice,
    FileNoticeKind, ImportedAgents, ToolInFile,
};
use resident_app::{App, ImportOptions, most_agent_file_bytes, restore_file};
use serde_json::json;

use crate::agents::{find, find_or_latest};
use crate::output::Output;

#[derive(Args)]
pub(crate) struct ImportArguments {
    /// The agent file
    file: PathBuf,
    /// Another name for its agents
    #[arg(long)]
    name: Option<String>,
    /// Leave out messages, conversations and summaries
    #[arg(long)]
    without_messages: bool,
    /// Only show what would come in
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args)]
pub(crate) struct ExportArguments {
    /// Its name or id
    agent: String,
    /// The file to write [default: the agent's name]
    file: Option<PathBuf>,
    /// Leave out messages, conversations and summaries
    #[arg(long)]
    without_messages: bool,
}

#[derive(Args)]
pub(crate) struct ExportChatArguments {
    /// Its name or id
    agent: String,
    /// The file to write [default: the agent's name]
    file: Option<PathBuf>,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Markdown,
    Json,
}

#[derive(Args)]
pub(crate) struct ChatgptArguments {
    /// The file conversations.json
    file: PathBuf,
    /// The name or id of the agent that shall know them [default: the one last talked to]
    #[arg(long)]
    agent: Option<String>,
}

#[derive(Args)]
pub(crate) struct BackupArguments {
    /// The file to write
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    replace: bool,
}

#[derive(Args)]
pub(crate) struct RestoreArguments {
    /// A file that `resident backup` wrote
    file: PathBuf,
}

pub(crate) fn import(app: &App, arguments: ImportArguments, output: Output) -> Result<(), ApiError> {
    let ImportArguments { file, name, without_messages, dry_run } = arguments;
    let bytes = read(&file)?;
    if dry_run {
        output.value(&app.preview_file(&bytes)?, preview);
        return Ok(());
    }
    let options = ImportOptions { name, without_messages, ..ImportOptions::default() };
    let imported = app.import_file(&bytes, &options)?;
    let agents = imported.agent_ids.into_iter().map(|id| app.get_agent(AgentRef { agent_id: id.0 }));
    let imported = ImportedAgents { agents: agents.collect::<Result<_, _>>()?, notices: imported.notices };
    output.value(&imported, |imported| {
        let line = |agent: &AgentView| format!("{} came in ({}).", agent.name, agent.id);
        let agents = imported.agents.iter().map(line);
        agents.chain(imported.notices.iter().map(notice)).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

/// The bytes of an agent file; one that is too large is not read.
fn read(file: &Path) -> Result<Vec<u8>, ApiError> {
    let most = most_agent_file_bytes();
    let size = fs::metadata(file).map_err(|error| unusable(file, &error))?.len();
    if usize::try_from(size).is_ok_and(|size| size <= most) {
        return fs::read(file).map_err(|error| unusable(file, &error));
    }
    let message = format!("`{}` has {size} bytes; at most {most} are read.", file.display());
    Err(ApiError { code: ErrorCode::TooLong, message, hint: None })
}

fn preview(preview: &AgentFilePreview) -> String {
    let mut lines = Vec::new();
    for agent in &preview.agents {
        lines.push(format!(
            "{} ({}): {} blocks, {} messages, {} conversations, {} passages, {} tools",
            agent.name,
            agent.kind,
            agent.blocks.len(),
            agent.messages,
            agent.conversations,
            agent.passages,
            agent.tools
        ));
        lines.extend(agent.model.as_ref().map(|model| format!("  asks for {model}")));
        lines.extend(agent.blocks.iter().map(|block| format!("  block {}: {} characters", block.label, block.chars)));
    }
    let names = |wanted: fn(&ToolInFile) -> bool| {
        let names: Vec<&str> =
            preview.tools.iter().filter(|tool| wanted(tool)).map(|tool| tool.name.as_str()).collect();
        names.join(", ")
    };
    let tools =
        [("Tools that run here", names(|tool| tool.runs_here)), ("Not run here", names(|tool| !tool.runs_here))];
    lines.extend(
        tools.into_iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| format!("{what}: {names}")),
    );
    lines.extend(preview.folders.iter().map(|folder| format!("Folder {}: {} files", folder.name, folder.files.len())));
    lines.extend(preview.groups.iter().map(|group| format!("Group ({}): {}", group.kind, group.agents.join(", "))));
    for (what, names) in [("Servers, not allowed", &preview.servers), ("Skills, not used", &preview.skills)] {
        if !names.is_empty() {
            lines.push(format!("{what}: {}", names.join(", ")));
        }
    }
    lines.extend(preview.notices.iter().map(notice));
    lines.join("\n")
}

fn notice(notice: &FileNotice) -> String {
    let kind = match notice.kind {
        FileNoticeKind::NotAdopted => "not adopted",
        FileNoticeKind::Mended => "mended",
        FileNoticeKind::Inert => "does nothing here",
        FileNoticeKind::Secret => "secret",
        FileNoticeKind::HiddenText => "hidden text",
    };
    let place = if notice.place.is_empty() { String::new() } else { format!(" ({})", notice.place) };
    format!("{kind}{place}: {}", notice.text)
}

pub(crate) fn export(app: &App, arguments: ExportArguments, output: Output) -> Result<(), ApiError> {
    let ExportArguments { agent, file, without_messages } = arguments;
    let agent_ids = vec![find(app, &agent)?.id];
    let exported = app.export_agents(ExportAgents { agent_ids, without_messages })?;
    write(&file.unwrap_or_else(|| PathBuf::from(&exported.file_name)), &exported.text, output)
}

pub(crate) fn export_chat(app: &App, arguments: ExportChatArguments, output: Output) -> Result<(), ApiError> {
    let ExportChatArguments { agent, file, format } = arguments;
    let format = match format {
        Format::Markdown => ChatFormat::Markdown,
        Format::Json => ChatFormat::Json,
    };
    let exported = app.export_chat(ExportChat { agent_id: find(app, &agent)?.id, format })?;
    write(&file.unwrap_or_else(|| PathBuf::from(&exported.file_name)), &exported.text, output)
}

/// Writes a file that is not there yet.
fn write(file: &Path, text: &str, output: Output) -> Result<(), ApiError> {
    let mut options = File::options();
    let mut target = options.write(true).create_new(true).open(file).map_err(|error| unusable(file, &error))?;
    std::io::Write::write_all(&mut target, text.as_bytes()).map_err(|error| unusable(file, &error))?;
    let written = json!({ "file": file, "bytes": text.len() });
    output.value(&written, |_| format!("Wrote {} ({} bytes).", file.display(), text.len()));
    Ok(())
}

pub(crate) fn import_chatgpt(
    app: &Arc<App>,
    arguments: ChatgptArguments,
    output: Output,
) -> Result<ExitCode, ApiError> {
    let agent = find_or_latest(app, arguments.agent.as_deref())?;
    let file = File::open(&arguments.file).map_err(|error| unusable(&arguments.file, &error))?;
    let imported = app.import_chatgpt(&agent.id, BufReader::new(file))?;
    output.value(&imported, |imported| {
        let counts = format!(
            "{} knows {} conversations with {} messages now, in {} passages.",
            agent.name, imported.conversations, imported.messages, imported.passages
        );
        std::iter::once(counts).chain(imported.notices.iter().map(notice)).collect::<Vec<_>>().join("\n")
    });
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn back_up(app: &App, arguments: &BackupArguments, output: Output) -> Result<ExitCode, ApiError> {
    let bytes = app.back_up_to(&arguments.file, arguments.replace)?;
    output.value(&json!({ "file": arguments.file, "bytes": bytes }), |_| {
        format!("Wrote {} ({bytes} bytes). Keys and model files are not in it.", arguments.file.display())
    });
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn restore(arguments: &RestoreArguments, folder: &Path, output: Output) -> Result<ExitCode, ApiError> {
    restore_file(folder, &arguments.file)?;
    output.value(&json!({ "profile": folder, "file": arguments.file }), |_| {
        format!("The profile `{}` is that of {} now.", folder.display(), arguments.file.display())
    });
    Ok(ExitCode::SUCCESS)
}

fn unusable(file: &Path, error: &std::io::Error) -> ApiError {
    let code = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorCode::NotFound,
        std::io::ErrorKind::StorageFull => ErrorCode::DiskFull,
        _ => ErrorCode::Invalid,
    };
    let message = format!("`{}` could not be used: {error}.", file.display());
    ApiError { code, message, hint: None }
}
