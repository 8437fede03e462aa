//! `resident agents`.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use resident_app::App;
use resident_app::api::{
    AgentRef, AgentView, ApiError, CreateAgent, DuplicateAgent, ErrorCode, ListAgents, UpdateAgent,
};

use crate::output::{Output, table, time};
use crate::travel;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List agents (the default)
    List {
        /// Those in the bin instead
        #[arg(long)]
        deleted: bool,
    },
    /// Create an agent
    Create {
        /// Its name
        name: String,
        /// Text of its persona block
        #[arg(long)]
        persona: Option<String>,
        /// Text of its human block
        #[arg(long)]
        human: Option<String>,
        /// The handle of its model
        #[arg(long)]
        model: Option<String>,
    },
    /// Rename an agent
    Rename {
        /// Its name or id
        agent: String,
        /// The new name
        name: String,
    },
    /// Change the model of an agent
    Model {
        /// Its name or id
        agent: String,
        /// A handle, or "default"
        handle: String,
    },
    /// Copy an agent without its conversation
    Duplicate {
        /// Its name or id
        agent: String,
        /// The copy's name
        name: String,
    },
    /// Move an agent to the bin
    Delete {
        /// Its name or id
        agent: String,
    },
    /// Take an agent out of the bin
    Restore {
        /// Its name or id
        agent: String,
    },
    /// Take the agents of an agent file (.af) in
    Import(travel::ImportArguments),
    /// Write an agent into an agent file, with those that are in groups with it
    Export(travel::ExportArguments),
    /// Write the chat with an agent into a file
    ExportChat(travel::ExportChatArguments),
}

pub(crate) fn run(app: &Arc<App>, arguments: Arguments, output: Output) -> Result<ExitCode, ApiError> {
    match arguments.action.unwrap_or(Action::List { deleted: false }) {
        Action::List { deleted } => {
            let agents = app.list_agents(ListAgents { deleted })?;
            output.value(&agents, |agents| rows(agents));
        }
        Action::Create { name, persona, human, model } => {
            let request = CreateAgent { name, description: None, kind: None, persona, human, model };
            one(output, &app.create_agent(request)?);
        }
        Action::Rename { agent, name } => {
            one(output, &app.update_agent(UpdateAgent { name: Some(name), ..unchanged(find(app, &agent)?) })?);
        }
        Action::Model { agent, handle } => {
            let model = Some(if handle == "default" { String::new() } else { handle });
            one(output, &app.update_agent(UpdateAgent { model, ..unchanged(find(app, &agent)?) })?);
        }
        Action::Duplicate { agent, name } => {
            one(output, &app.duplicate_agent(DuplicateAgent { agent_id: find(app, &agent)?.id, name })?);
        }
        Action::Delete { agent } => {
            let agent = find(app, &agent)?;
            app.delete_agent(AgentRef { agent_id: agent.id.clone() })?;
            output.value(&agent, |agent| format!("{} is in the bin.", agent.name));
        }
        Action::Restore { agent } => {
            let deleted = app.list_agents(ListAgents { deleted: true })?;
            let agent_id = pick(deleted, &agent)?.id;
            one(output, &app.restore_agent(AgentRef { agent_id })?);
        }
        Action::Import(arguments) => travel::import(app, arguments, output)?,
        Action::Export(arguments) => travel::export(app, arguments, output)?,
        Action::ExportChat(arguments) => travel::export_chat(app, arguments, output)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The agent with this id or name.
pub(crate) fn find(app: &App, agent: &str) -> Result<AgentView, ApiError> {
    pick(app.list_agents(ListAgents { deleted: false })?, agent)
}

/// The agent that was named, or the one that was last talked to.
pub(crate) fn find_or_latest(app: &App, agent: Option<&str>) -> Result<AgentView, ApiError> {
    match agent {
        Some(agent) => find(app, agent),
        None => app.list_agents(ListAgents { deleted: false })?.into_iter().next().ok_or_else(|| ApiError {
            code: ErrorCode::NotFound,
            message: "There is no agent yet.".to_owned(),
            hint: Some("Create one with `resident agents create NAME`, or start with `resident chat`.".to_owned()),
        }),
    }
}

fn pick(agents: Vec<AgentView>, wanted: &str) -> Result<AgentView, ApiError> {
    let mut found: Vec<AgentView> = agents
        .into_iter()
        .filter(|agent| agent.id == wanted || agent.name.to_lowercase() == wanted.to_lowercase())
        .collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(ApiError {
            code: ErrorCode::NotFound,
            message: format!("There is no agent `{wanted}`."),
            hint: Some("`resident agents` lists them.".to_owned()),
        }),
        count => Err(ApiError {
            code: ErrorCode::Invalid,
            message: format!("{count} agents are called `{wanted}`."),
            hint: Some("Name one by its id; `resident agents` lists them.".to_owned()),
        }),
    }
}

fn unchanged(agent: AgentView) -> UpdateAgent {
    UpdateAgent {
        agent_id: agent.id,
        name: None,
        description: None,
        system: None,
        model: None,
        tools: None,
        tool_rules: None,
    }
}

fn one(output: Output, agent: &AgentView) {
    output.value(agent, |agent| rows(std::slice::from_ref(agent)));
}

fn rows(agents: &[AgentView]) -> String {
    let row = |agent: &AgentView| {
        let model = agent.model.clone().unwrap_or_else(|| "default model".to_owned());
        let last = agent.last_message_at_ms.map(time).unwrap_or_default();
        vec![agent.name.clone(), agent.id.clone(), model, last]
    };
    table(&agents.iter().map(row).collect::<Vec<_>>())
}
