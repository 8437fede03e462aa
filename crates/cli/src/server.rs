//! `resident server`: the profile over HTTP, for Letta's clients and for the web UI.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::channel;

use clap::Args;
use resident_app::App;
use resident_app::api::{ApiError, ErrorCode};
use resident_server::{Access, ServerError, ServerOptions};
use serde_json::json;

use crate::output::Output;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// The port; 0 is any free one
    #[arg(long, default_value_t = 8283)]
    port: u16,
    /// What clients send as `Authorization: Bearer …` [default: one that is made for the profile and kept in it]
    #[arg(long, env = "RESIDENT_SERVER_TOKEN", hide_env_values = true, conflicts_with = "no_auth")]
    token: Option<String>,
    /// Ask for no token; only on loopback
    #[arg(long)]
    no_auth: bool,
    /// An MCP server that may be started or contacted: its command with its arguments, or its URL (may be repeated)
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) allow_mcp: Vec<String>,
    /// A further name by which clients call this server, with its port where that is another (may be repeated)
    #[arg(long, value_name = "NAME")]
    host_name: Vec<String>,
}

pub(crate) fn run(app: &Arc<App>, arguments: Arguments, output: Output) -> Result<ExitCode, ApiError> {
    let Arguments { host, port, token, no_auth, allow_mcp: _, host_name } = arguments;
    let token = match (token, no_auth) {
        (Some(token), _) => Some(token),
        (None, true) => None,
        (None, false) => Some(resident_server::profile_token(&app.profile_folder()).map_err(not_started)?),
    };
    let access = token.clone().map_or(Access::Anyone, Access::Token);
    let options = ServerOptions { address: (host, port).into(), access, host_names: host_name };
    let server = resident_server::start(app.clone(), &options).map_err(not_started)?;

    let (stop, stopped) = channel();
    ctrlc::set_handler(move || {
        // A second press finds the first one's message still there, which is as good.
        let _ = stop.send(());
    })
    .map_err(|error| failed(format!("Ctrl-C cannot be listened to: {error}.")))?;
    let address = server.address();
    let said = json!({ "event": "listening", "address": address.to_string(), "token": token });
    if output.is_json() {
        output.line(&said);
    } else {
        output.value(&said, |_| greeting(&address.to_string(), token.as_deref()));
    }
    // The sender lives in the handler, for as long as the program.
    let _ = stopped.recv();
    output.note("Stopping: answers on their way are finished.");
    server.stop();
    Ok(ExitCode::SUCCESS)
}

fn greeting(address: &str, token: Option<&str>) -> String {
    let (page, client) = match token {
        Some(token) => (format!("http://{address}/#token={token}"), format!(", api_key=\"{token}\"")),
        None => (format!("http://{address}/"), String::new()),
    };
    format!(
        "Resident listens on http://{address}\n\n  In a browser:  {page}\n  letta-client:  Letta(base_url=\"http://{address}\"{client})\n\nCtrl-C stops it."
    )
}

fn not_started(error: ServerError) -> ApiError {
    failed(format!("The server did not start: {error}."))
}

fn failed(message: String) -> ApiError {
    ApiError { code: ErrorCode::Invalid, message, hint: None }
}
