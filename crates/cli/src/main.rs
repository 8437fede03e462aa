//! The `resident` command: the same profile and the same API as the window, for terminals and scripts. Results go to
//! standard output (`--json`: as JSON, one value, or one line for each event of a chat), everything else to standard
//! error. Exit codes are in [`output::exit_code`].

mod agents;
mod archival;
mod blocks;
mod chat;
mod models;
mod output;
mod profile;
mod server;
mod travel;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use resident_app::api::ApiError;
use resident_app::{App, OpenOptions};

use output::Output;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A private assistant that lives on your computer and remembers.
#[derive(Parser)]
#[command(name = "resident", version, propagate_version = true)]
struct Arguments {
    /// The profile's folder [default: this system's place for data, or RESIDENT_HOME]
    #[arg(long, global = true, value_name = "FOLDER")]
    profile: Option<PathBuf>,

    /// A folder with models, beside those that came with the program
    #[arg(long, global = true, value_name = "FOLDER")]
    models: Vec<PathBuf>,

    /// Print results as JSON
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Talk with an agent
    Chat(chat::Arguments),
    /// List, create, change and delete agents
    Agents(agents::Arguments),
    /// See, edit and undo what an agent always has in mind
    Blocks(blocks::Arguments),
    /// Search, add and delete what an agent has saved for later
    Archival(archival::Arguments),
    /// List, load, add and download models
    Models(models::Arguments),
    /// Serve the profile over HTTP, for letta-client and for a browser
    Server(server::Arguments),
    /// Take chats of ChatGPT in, from the file conversations.json of its export
    ImportChatgpt(travel::ChatgptArguments),
    /// Write the whole profile into one file
    Backup(travel::BackupArguments),
    /// Put such a file in the place of the profile; what is there now is kept beside it
    Restore(travel::RestoreArguments),
    /// Check the profile, its database and its models
    Doctor(profile::DoctorArguments),
    /// Print the version
    Version,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    match run(arguments, output) {
        Ok(code) => code,
        Err(error) => output.fail(&error),
    }
}

fn run(arguments: Arguments, output: Output) -> Result<ExitCode, ApiError> {
    let Arguments { profile, models, json: _, command } = arguments;
    if let Command::Version = command {
        output.value(&serde_json::json!({ "version": env!("CARGO_PKG_VERSION") }), |value| {
            format!("resident {}", value["version"].as_str().unwrap_or_default())
        });
        return Ok(ExitCode::SUCCESS);
    }
    let folder = profile.clone().unwrap_or_else(resident_app::default_profile_folder);
    if let Command::Doctor(arguments) = &command
        && let Some(code) = profile::restore_if_asked(arguments, &folder, output)?
    {
        return Ok(code);
    }
    if let Command::Restore(arguments) = &command {
        return travel::restore(arguments, &folder, output);
    }
    let models = models.into_iter().chain(models_beside_the_program()).collect();
    let allowed_mcp = match &command {
        Command::Server(arguments) => arguments.allow_mcp.clone(),
        _ => Vec::new(),
    };
    let app = App::open(OpenOptions { profile, models, allowed_mcp, ..OpenOptions::default() })
        .map_err(|error| profile::with_backups(error, &folder))?;
    let result = execute(&app, command, output);
    app.shutdown();
    result
}

fn execute(app: &Arc<App>, command: Command, output: Output) -> Result<ExitCode, ApiError> {
    match command {
        Command::Chat(arguments) => chat::run(app, arguments, output),
        Command::Agents(arguments) => agents::run(app, arguments, output),
        Command::Blocks(arguments) => blocks::run(app, arguments, output),
        Command::Archival(arguments) => archival::run(app, arguments, output),
        Command::Models(arguments) => models::run(app, arguments, output),
        Command::Server(arguments) => server::run(app, arguments, output),
        Command::ImportChatgpt(arguments) => travel::import_chatgpt(app, arguments, output),
        Command::Backup(arguments) => travel::back_up(app, &arguments, output),
        Command::Doctor(_) => profile::check(app, output),
        Command::Restore(_) | Command::Version => Ok(ExitCode::SUCCESS),
    }
}

/// Where an installer puts the models, seen from the program.
fn models_beside_the_program() -> Vec<PathBuf> {
    let Ok(program) = std::env::current_exe().and_then(std::fs::canonicalize) else { return Vec::new() };
    let Some(folder) = program.parent() else { return Vec::new() };
    let places = ["models", "../lib/Resident/models", "../Resources/models"];
    places.iter().map(|place| folder.join(place)).filter(|place| place.is_dir()).collect()
}
