//! A server made with the official SDK, spoken to over stdio and HTTP, and what the tests share.

#![allow(dead_code, reason = "every test file compiles this module and uses a part of it")]

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use resident_library::http::Network;
use resident_mcp::{Bounds, McpError, Outcome, Patience, Server, ServerAddress, Servers};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation,
    InitializeRequestParams, InitializeResult, ListToolsResult, PaginatedRequestParams, ServerCapabilities,
    ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Map, Value, json};

/// The name of the file into which a server writes a line for each call that it has taken.
pub(crate) const CALLS: &str = "NOTES_CALLS";

/// A server with one tool for each thing that a test wants to see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    /// A line is written into this file for each call.
    pub(crate) calls: Option<String>,
    /// Knows only the newest version of the protocol, which has no handshake.
    pub(crate) modern: bool,
    /// Lists its tools on pages without end.
    pub(crate) endless: bool,
}

impl Notes {
    fn answer(&self, tool: &str, arguments: &Map<String, Value>) -> CallToolResult {
        let text = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let said = |text: String| CallToolResult::success(vec![ContentBlock::text(text)]);
        match tool {
            "echo" => said(text("text")),
            "fail" => CallToolResult::error(vec![ContentBlock::text("there is no such note")]),
            "env" => said(std::env::var(text("name")).unwrap_or_else(|_| "not set".to_owned())),
            "pid" => said(std::process::id().to_string()),
            "image" => {
                let image = ContentBlock::image("AAAAAAAA", "image/png");
                CallToolResult::success(vec![ContentBlock::text("a photo:"), image])
            }
            "big" => said("x".repeat(arguments.get("bytes").and_then(Value::as_u64).unwrap_or_default() as usize)),
            "child" => {
                let child = Command::new("sleep").arg("600").stdin(Stdio::null()).stdout(Stdio::null()).spawn();
                said(child.map(|child| child.id().to_string()).unwrap_or_default())
            }
            "last" => {
                std::thread::spawn(|| {
                    std::thread::sleep(Duration::from_millis(50));
                    std::process::exit(0);
                });
                said("bye".to_owned())
            }
            "die" => {
                let _ = writeln!(std::io::stderr(), "the disk is full");
                std::process::exit(7)
            }
            other => CallToolResult::error(vec![ContentBlock::text(format!("{other} is not written"))]),
        }
    }
}

impl ServerHandler for Notes {
    fn get_info(&self) -> ServerConfig {
        InitializeResult::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("notes", "1.2.3"))
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        if self.modern {
            return Err(ErrorData::method_not_found::<rmcp::model::InitializeResultMethod>());
        }
        context.peer.set_peer_info(request.clone());
        self.negotiate_initialize(&request)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema: Map<String, Value> =
            serde_json::from_value(json!({"type": "object", "properties": {"text": {"type": "string"}}}))
                .map_err(|_| ErrorData::internal_error("a schema is an object", None))?;
        // Two pages, so that a client that reads only the first is found out.
        let page = request.and_then(|request| request.cursor);
        let mut result = match &page {
            None => ListToolsResult::with_all_items(vec![
                Tool::new("echo", "Says it again.", schema.clone()),
                Tool::new("not a name", "Cannot be called.", schema),
            ]),
            Some(_) => ListToolsResult::with_all_items(vec![Tool::new("fail", "Fails.", schema)]),
        };
        if page.is_none() || self.endless {
            result.next_cursor = Some("next".to_owned());
        }
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if let Some(path) = &self.calls {
            note(path, &request.name);
        }
        let arguments = request.arguments.unwrap_or_default();
        match request.name.as_ref() {
            "unknown" => Err(ErrorData::invalid_params("there is no tool of this name", None)),
            "slow" => {
                let ms = arguments.get("ms").and_then(Value::as_u64).unwrap_or_default();
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Ok(CallToolResult::success(vec![ContentBlock::text("at last")]).into())
            }
            name => Ok(self.answer(name, &arguments).into()),
        }
    }
}

/// Adds a line to a file.
pub(crate) fn note(path: &str, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("the file can be written");
    writeln!(file, "{line}").expect("the file can be written");
}

/// The lines of a file that may not be there.
pub(crate) fn lines(path: &str) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Servers that are reached whatever the address, with small bounds.
pub(crate) fn servers(offline: bool) -> Servers {
    let bounds = Bounds { message_bytes: 256 * 1024, unasked_bytes: 1024 * 1024, pages: 8, ..Bounds::default() };
    Servers::with_bounds(Network::new(offline), bounds)
}

/// A server called `notes`.
pub(crate) fn server(address: ServerAddress) -> Server {
    Server { id: "mcp_server-1".to_owned(), name: "notes".to_owned(), address }
}

/// Time enough for what should come at once.
pub(crate) fn soon() -> Patience<'static> {
    Patience::of(Duration::from_secs(20))
}

/// Calls a tool with time enough.
pub(crate) fn call(servers: &Servers, server: &Server, tool: &str, arguments: Value) -> Result<Outcome, McpError> {
    let arguments: Map<String, Value> = serde_json::from_value(arguments).expect("arguments are an object");
    servers.call(server, tool, &arguments, &soon())
}

/// The text of a call that must not fail.
pub(crate) fn text(servers: &Servers, server: &Server, tool: &str, arguments: Value) -> String {
    let outcome = call(servers, server, tool, arguments).unwrap_or_else(|error| panic!("{tool}: {error}"));
    assert!(!outcome.failed, "{}", outcome.text);
    outcome.text
}
