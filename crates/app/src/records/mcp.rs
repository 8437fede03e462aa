//! Servers of the Model Context Protocol. A client may describe one; it is started or contacted only after the person
//! allowed it, in the terminal that starts Resident or in its window, and not through the API that described it.
//!
//! What is allowed is an address: a URL, or a command with its arguments and the names of the variables that it is given.
//! Some variables (`NODE_OPTIONS`) can make a harmless command run anything, so that the person has to see them, and new
//! values have to be allowed anew.

use std::collections::BTreeMap;
use std::time::Duration;

use resident_agent::{Cancel, OutsideResult, OutsideTools, ToolSchema};
use resident_mcp::{McpError, Outcome, Patience, Server, ServerAddress};
use resident_store::{
    McpServer, McpServerId, McpServerKind, Page, ToolDefinition, ToolId, ToolListing, ToolStatus, ToolType,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::App;
use crate::api::{ApiError, ErrorCode};

/// Time for a server to start and list its tools, or to answer a call.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest result that a model is shown, in characters.
const RETURN_CHARS: usize = 50_000;

/// Parts of an address that are secret, or may be: they are kept where keys are.
const SECRETS: [&str; 4] = ["env", "auth_header", "auth_token", "custom_headers"];

/// The names of the variables that a program is given, in what is kept of its server.
const VARIABLES: &str = "env_names";

/// A server as a client describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct McpServerFields {
    /// Its name.
    pub name: Option<String>,
    /// How it is talked to, and where; secrets among it.
    pub config: Option<(McpServerKind, Map<String, Value>)>,
}

/// What a look at a server's tools changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct McpRefresh {
    /// Names of tools that are gone.
    pub deleted: Vec<String>,
    /// Names of tools that are described anew.
    pub updated: Vec<String>,
    /// Names of new tools.
    pub added: Vec<String>,
}

/// A server as the person is shown it who may allow it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct McpServerToAllow {
    /// Its id.
    pub id: String,
    /// What the client that described it calls it.
    pub name: String,
    /// What is allowed: a URL, or a command with its arguments and the names of its variables.
    pub address: String,
    /// Whether allowing it lets a program be started on this computer.
    pub starts_program: bool,
    /// Whether it is allowed.
    pub allowed: bool,
}

impl App {
    /// Servers as the person is shown them, oldest first.
    pub fn mcp_servers_to_allow(&self) -> Result<Vec<McpServerToAllow>, ApiError> {
        let shown = |server: McpServer| McpServerToAllow {
            id: server.id.0,
            address: address_text(server.kind, &server.config),
            starts_program: server.kind == McpServerKind::Stdio,
            name: server.name,
            allowed: server.allowed,
        };
        Ok(self.mcp_server_records()?.into_iter().map(shown).collect())
    }

    /// Lets the server of this address be started and called, or no longer. For the person's own doors alone.
    pub fn allow_mcp_server(&self, id: &str, address: &str, allowed: bool) -> Result<(), ApiError> {
        let server = self.mcp_server_record(id)?;
        if allowed && address_text(server.kind, &server.config) != address {
            let message = format!("{} has another address by now. Look at it again.", server.name);
            return Err(ApiError::new(ErrorCode::Conflict, message));
        }
        self.set_mcp_server_allowed(id, allowed).map(|_| ())
    }

    /// Servers, oldest first.
    pub fn mcp_server_records(&self) -> Result<Vec<McpServer>, ApiError> {
        self.store.read(|reader| Ok(reader.list_mcp_servers(&Page::default())?))
    }

    /// A server.
    pub fn mcp_server_record(&self, id: &str) -> Result<McpServer, ApiError> {
        let found = self.store.read::<_, ApiError>(|reader| Ok(reader.mcp_server(&McpServerId::from(id))?))?;
        found.filter(|server| server.deleted_at_ms.is_none()).ok_or_else(|| ApiError::not_found("MCP server", id))
    }

    /// Keeps a server as a client describes it. It is allowed only where the person allowed its very address before.
    pub fn create_mcp_server(&self, fields: McpServerFields) -> Result<McpServer, ApiError> {
        let (kind, config) = fields.config.ok_or_else(|| ApiError::invalid("An MCP server needs its `config`."))?;
        let now_ms = self.store.now_ms();
        let (config, secrets) = parted(config);
        let server = McpServer {
            id: McpServerId::new(),
            name: crate::settings::checked_name(&fields.name.unwrap_or_default())?,
            allowed: self.is_allowed(kind, &config),
            kind,
            config,
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            deleted_at_ms: None,
        };
        self.write(|writer| Ok(writer.insert_mcp_server(&server)?))?;
        self.keep_secrets(&server.id, &secrets);
        Ok(server)
    }

    /// Changes a server. With another address it has to be allowed anew.
    pub fn update_mcp_server(&self, id: &str, fields: McpServerFields) -> Result<McpServer, ApiError> {
        let mut server = self.mcp_server_record(id)?;
        if let Some(name) = fields.name {
            server.name = crate::settings::checked_name(&name)?;
        }
        let was = (server.kind, server.config.clone());
        let mut other_variables = false;
        if let Some((kind, config)) = fields.config {
            let (config, secrets) = parted(config);
            other_variables = self.secrets_of(&server.id).get("env") != secrets.get("env");
            server.kind = kind;
            server.config = config;
            self.keep_secrets(&server.id, &secrets);
        }
        server.updated_at_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.update_mcp_server(&server)?))?;
        if other_variables || was != (server.kind, server.config.clone()) {
            self.mcp.close(id);
            let allowed = self.is_allowed(server.kind, &server.config);
            return self.set_mcp_server_allowed(id, allowed);
        }
        self.mcp_server_record(id)
    }

    fn set_mcp_server_allowed(&self, id: &str, allowed: bool) -> Result<McpServer, ApiError> {
        let server = McpServer { allowed, ..self.mcp_server_record(id)? };
        self.write(|writer| Ok(writer.update_mcp_server(&server)?))?;
        if !allowed {
            self.mcp.close(id);
        }
        Ok(server)
    }

    /// Removes a server with its tools.
    pub fn delete_mcp_server(&self, id: &str) -> Result<(), ApiError> {
        let server = self.mcp_server_record(id)?;
        let now_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.delete_mcp_server(&server.id, now_ms)?))?;
        self.mcp.close(id);
        self.models.forget_secret(&secret_name(&server.id));
        Ok(())
    }

    /// Asks a server for its tools and keeps what it says.
    pub fn refresh_mcp_server(&self, id: &str) -> Result<McpRefresh, ApiError> {
        let server = self.allowed_server(id)?;
        let listed = self.mcp.list_tools(&server, &Patience::of(PATIENCE)).map_err(failed)?;
        for warning in &listed.warnings {
            tracing::warn!(server = %server.name, %warning, "a listing of tools");
        }
        let server_id = McpServerId::from(id);
        let now_ms = self.store.now_ms();
        self.write(|writer| {
            let listing = ToolListing { mcp_server_id: Some(server_id.clone()), ..ToolListing::default() };
            let mut gone = writer.list_tools(&listing)?;
            let mut refresh = McpRefresh::default();
            for tool in listed.tools {
                let known = gone.iter().position(|known| known.name == tool.name).map(|place| gone.remove(place));
                let definition = definition(&server_id, tool, known.as_ref(), now_ms);
                match known {
                    Some(known) if known.json_schema == definition.json_schema => {}
                    Some(_) => {
                        writer.update_tool(&definition)?;
                        refresh.updated.push(definition.name);
                    }
                    None if writer.tool_by_name(&definition.name)?.is_some() => {
                        tracing::warn!(tool = %definition.name, "left out: there is a tool of this name already");
                    }
                    None => {
                        writer.insert_tool(&definition)?;
                        refresh.added.push(definition.name);
                    }
                }
            }
            for tool in gone {
                writer.set_tool_deleted(&tool.id, Some(now_ms))?;
                refresh.deleted.push(tool.name);
            }
            Ok(refresh)
        })
    }

    /// The tools of a server, as it said when it was asked last.
    pub fn tools_of_mcp_server(&self, id: &str) -> Result<Vec<ToolDefinition>, ApiError> {
        let server = self.mcp_server_record(id)?;
        let listing = ToolListing { mcp_server_id: Some(server.id), ..ToolListing::default() };
        self.store.read(|reader| Ok(reader.list_tools(&listing)?))
    }

    /// Calls a tool of a server.
    pub fn call_mcp_tool(&self, id: &str, tool_id: &str, arguments: &Map<String, Value>) -> Result<Outcome, ApiError> {
        let server = self.allowed_server(id)?;
        let tool = self.tools_of_mcp_server(id)?.into_iter().find(|tool| tool.id.as_str() == tool_id);
        let tool = tool.ok_or_else(|| ApiError::not_found("tool of this server", tool_id))?;
        self.mcp.call(&server, &tool.name, arguments, &Patience::of(PATIENCE)).map_err(failed)
    }

    fn allowed_server(&self, id: &str) -> Result<Server, ApiError> {
        let server = self.mcp_server_record(id)?;
        if !server.allowed {
            let error = ApiError::new(ErrorCode::Forbidden, format!("{} has not been allowed yet.", server.name));
            let hint = format!(
                "Whoever runs Resident allows it in the window's settings, or with `resident server --allow-mcp {}`.",
                quoted(&address_text(server.kind, &server.config))
            );
            return Err(error.with_hint(hint));
        }
        let address = address(server.kind, &server.config, &self.secrets_of(&server.id))?;
        Ok(Server { id: server.id.0, name: server.name, address })
    }

    fn is_allowed(&self, kind: McpServerKind, config: &Value) -> bool {
        self.allowed_mcp.contains(&address_text(kind, config))
    }

    fn secrets_of(&self, id: &McpServerId) -> Map<String, Value> {
        let kept = self.models.secret(&secret_name(id));
        kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    fn keep_secrets(&self, id: &McpServerId, secrets: &Map<String, Value>) {
        if secrets.is_empty() {
            self.models.forget_secret(&secret_name(id));
        } else {
            self.models.keep_secret(&secret_name(id), &Value::Object(secrets.clone()).to_string());
        }
    }
}

impl OutsideTools for App {
    fn schemas(&self, names: &[String]) -> Vec<ToolSchema> {
        let found = names.iter().filter_map(|name| self.callable_mcp_tool(name));
        let schema = |(_, tool): (McpServerId, ToolDefinition)| ToolSchema {
            parameters: tool.json_schema["parameters"].clone(),
            name: tool.name,
            description: tool.description,
        };
        found.map(schema).collect()
    }

    fn call(&self, name: &str, arguments: &Value, cancel: &Cancel) -> OutsideResult {
        let called = self
            .callable_mcp_tool(name)
            .ok_or_else(|| ApiError::not_found("tool", name))
            .and_then(|(server, _)| self.allowed_server(server.as_str()))
            .and_then(|server| {
                let patience = Patience { timeout: PATIENCE, cancelled: &|| cancel.is_cancelled() };
                let arguments = arguments.as_object().cloned().unwrap_or_default();
                self.mcp.call(&server, name, &arguments, &patience).map_err(failed)
            });
        match called {
            Ok(Outcome { text, failed: false }) => OutsideResult { status: ToolStatus::Ok, text },
            Ok(Outcome { text, failed: true }) => OutsideResult { status: ToolStatus::Failed, text },
            Err(error) => OutsideResult { status: ToolStatus::Failed, text: error.to_string() },
        }
    }
}

impl App {
    /// A tool of an MCP server that the person allowed, by the tool's name.
    fn callable_mcp_tool(&self, name: &str) -> Option<(McpServerId, ToolDefinition)> {
        let found = self.store.read::<_, ApiError>(|reader| {
            let Some(tool) = reader.tool_by_name(name)? else { return Ok(None) };
            let Some(server_id) = tool.mcp_server_id.clone() else { return Ok(None) };
            let server = reader.mcp_server(&server_id)?.filter(|server| server.deleted_at_ms.is_none());
            Ok(server.filter(|server| server.allowed).map(|_| (server_id, tool)))
        });
        found.unwrap_or_else(|error| {
            tracing::warn!(%name, %error, "a tool could not be looked up");
            None
        })
    }
}

fn secret_name(id: &McpServerId) -> String {
    format!("mcp/{id}")
}

/// What may be kept with everything else, and what is secret. Of variables the names are no secret.
fn parted(config: Map<String, Value>) -> (Value, Map<String, Value>) {
    let (secret, mut open): (Map<String, Value>, Map<String, Value>) = config
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .partition(|(name, _)| SECRETS.contains(&name.as_str()));
    open.remove(VARIABLES);
    let variables = secret.get("env").and_then(Value::as_object);
    if let Some(variables) = variables.filter(|variables| !variables.is_empty()) {
        let mut names: Vec<&String> = variables.keys().collect();
        names.sort_unstable();
        open.insert(VARIABLES.to_owned(), json!(names));
    }
    (Value::Object(open), secret)
}

/// A server's address in one line: its URL, or its command with its arguments, as a shell would take them, behind the
/// names of its variables.
fn address_text(kind: McpServerKind, config: &Value) -> String {
    let text = |name: &str| config[name].as_str().unwrap_or_default().to_owned();
    match kind {
        McpServerKind::Stdio => {
            let variables = texts(config, VARIABLES).into_iter().map(|name| format!("{}=…", quoted(&name)));
            let words = std::iter::once(text("command")).chain(texts(config, "args"));
            variables.chain(words.map(|word| quoted(&word))).collect::<Vec<_>>().join(" ")
        }
        McpServerKind::StreamableHttp | McpServerKind::Sse => text("server_url"),
    }
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:@%+=,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn texts(config: &Value, name: &str) -> Vec<String> {
    serde_json::from_value(config[name].clone()).unwrap_or_default()
}

fn address(kind: McpServerKind, config: &Value, secrets: &Map<String, Value>) -> Result<ServerAddress, ApiError> {
    let needed = |name: &str| {
        let text = config[name].as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
        text.ok_or_else(|| ApiError::invalid(format!("The server's `config` needs its `{name}`.")))
    };
    let pairs = |name: &str| -> BTreeMap<String, String> {
        secrets.get(name).cloned().and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    };
    Ok(match kind {
        McpServerKind::Stdio => {
            ServerAddress::Stdio { command: needed("command")?, args: texts(config, "args"), env: pairs("env") }
        }
        McpServerKind::StreamableHttp => {
            let mut headers: Vec<(String, String)> = pairs("custom_headers").into_iter().collect();
            if let Some(token) = secrets.get("auth_token").and_then(Value::as_str) {
                let name = secrets.get("auth_header").and_then(Value::as_str).unwrap_or("Authorization");
                headers.push((name.to_owned(), token.to_owned()));
            }
            ServerAddress::StreamableHttp { url: needed("server_url")?, headers }
        }
        McpServerKind::Sse => ServerAddress::LegacySse { url: needed("server_url")? },
    })
}

fn definition(
    server_id: &McpServerId,
    tool: resident_mcp::Tool,
    known: Option<&ToolDefinition>,
    now_ms: i64,
) -> ToolDefinition {
    let resident_mcp::Tool { name, description, input_schema } = tool;
    ToolDefinition {
        id: known.map_or_else(ToolId::new, |known| known.id.clone()),
        json_schema: json!({ "name": name, "description": description, "parameters": input_schema }),
        name,
        description,
        source_code: None,
        source_type: None,
        tags: vec![format!("mcp:{server_id}")],
        tool_type: ToolType::ExternalMcp,
        default_requires_approval: known.is_some_and(|known| known.default_requires_approval),
        return_char_limit: RETURN_CHARS,
        mcp_server_id: Some(server_id.clone()),
        metadata: json!({}),
        created_at_ms: known.map_or(now_ms, |known| known.created_at_ms),
        updated_at_ms: now_ms,
        deleted_at_ms: None,
    }
}

fn failed(error: McpError) -> ApiError {
    ApiError::new(ErrorCode::Endpoint, error.to_string())
}
