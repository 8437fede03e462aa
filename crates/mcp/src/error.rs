//! What can go wrong with a server.
//!
//! Every message names the server and, where there is something to do, says what. The words reach the user and, as the
//! result of a failed tool, the model.

use std::time::Duration;

use resident_library::http::HttpError;
use thiserror::Error;

/// Why a server did not do what it was asked.
#[derive(Debug, Error)]
pub enum McpError {
    /// The address is no address.
    #[error(
        "the MCP server \"{server}\" has an address that cannot be used: {message}; correct it in the server's settings"
    )]
    Address {
        /// The server's name.
        server: String,
        /// What is wrong with it.
        message: String,
    },
    /// The server speaks the transport that the protocol gave up.
    #[error(
        "the MCP server \"{server}\" is set up for the old HTTP+SSE transport, which is not supported; use its \
         streamable HTTP address (often the same with /mcp at the end), or start it as a program (stdio)"
    )]
    LegacySse {
        /// The server's name.
        server: String,
    },
    /// A header cannot be sent.
    #[error(
        "the MCP server \"{server}\" has a header that cannot be sent: {header}; correct it in the server's settings"
    )]
    Header {
        /// The server's name.
        server: String,
        /// The header's name, never its value.
        header: String,
    },
    /// The network was not used.
    #[error("the MCP server \"{server}\" was not contacted: {source}")]
    Network {
        /// The server's name.
        server: String,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// The program cannot be started.
    #[error("the MCP server \"{server}\" could not be started: `{command}`: {source}; is the program installed?")]
    Start {
        /// The server's name.
        server: String,
        /// The program, without its arguments.
        command: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// There is no connection: the server cannot be reached or ended before the call was sent.
    #[error("the MCP server \"{server}\" cannot be reached: {message}")]
    Unreachable {
        /// The server's name.
        server: String,
        /// What happened.
        message: String,
    },
    /// The connection was lost when the call had been sent.
    #[error(
        "the connection to the MCP server \"{server}\" was lost after the call had been sent: {message}; it may have \
         been carried out, and it was not sent again"
    )]
    Lost {
        /// The server's name.
        server: String,
        /// What happened.
        message: String,
    },
    /// The server took too long.
    #[error("the MCP server \"{server}\" did not answer within {} s{}", timeout.as_secs_f32(), said(message))]
    Timeout {
        /// The server's name.
        server: String,
        /// The time that it had.
        timeout: Duration,
        /// What is known of why, or nothing.
        message: String,
    },
    /// The caller no longer wants the answer.
    #[error("the call of the MCP server \"{server}\" was cancelled")]
    Cancelled {
        /// The server's name.
        server: String,
    },
    /// The server sent more than is taken.
    #[error("the MCP server \"{server}\" sent more than {limit} bytes at once, and was cut off")]
    TooLarge {
        /// The server's name.
        server: String,
        /// What is taken.
        limit: usize,
    },
    /// The server wants to be signed in to, or refuses who asks.
    #[error(
        "the MCP server \"{server}\" refused the request (HTTP {status}); check the token or the headers in its settings"
    )]
    Unauthorized {
        /// The server's name.
        server: String,
        /// HTTP status: 401 or 403.
        status: u16,
    },
    /// The server refers to another address.
    #[error(
        "the MCP server \"{server}\" refers to another address (HTTP {status}), which is not followed, since it would \
         be given the secrets that were meant for this one; enter the final address in the server's settings"
    )]
    Redirect {
        /// The server's name.
        server: String,
        /// HTTP status: 3xx.
        status: u16,
    },
    /// The server answered with a failure of HTTP.
    #[error("the MCP server \"{server}\" answered with HTTP {status}{}", said(message))]
    Status {
        /// The server's name.
        server: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The server answered something that is not the protocol.
    #[error("the MCP server \"{server}\" does not speak the protocol: {message}")]
    Protocol {
        /// The server's name.
        server: String,
        /// What was wrong.
        message: String,
    },
    /// The server answered with an error of the protocol.
    #[error("the MCP server \"{server}\" answered with error {code}: {message}")]
    Refused {
        /// The server's name.
        server: String,
        /// JSON-RPC error code.
        code: i32,
        /// What it said.
        message: String,
    },
    /// The tool wants something in the middle of the call that Resident does not give.
    #[error("the tool {tool} of the MCP server \"{server}\" {wants}, which is not supported")]
    Unsupported {
        /// The server's name.
        server: String,
        /// The tool.
        tool: String,
        /// What it wants.
        wants: &'static str,
    },
}

/// What kind of failure it is, for those who answer others about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The settings of the server must be changed, or Resident must go online.
    Setup,
    /// The server was too slow.
    Timeout,
    /// The caller cancelled.
    Cancelled,
    /// The server is away, broke off, or gave an answer that is none.
    Connection,
}

impl McpError {
    /// The kind of the failure.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Address { .. }
            | Self::LegacySse { .. }
            | Self::Header { .. }
            | Self::Network { .. }
            | Self::Start { .. }
            | Self::Unauthorized { .. }
            | Self::Redirect { .. } => FailureKind::Setup,
            Self::Timeout { .. } => FailureKind::Timeout,
            Self::Cancelled { .. } => FailureKind::Cancelled,
            Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::TooLarge { .. }
            | Self::Status { .. }
            | Self::Protocol { .. }
            | Self::Refused { .. }
            | Self::Unsupported { .. } => FailureKind::Connection,
        }
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}
