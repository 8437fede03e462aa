//! One connection to one server: the handshake, the listing, a call, the end.
//!
//! Most servers know the protocol's handshake (`initialize`), and those of its newest version no longer do: one that
//! refuses it is asked again in the new way, on a connection of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use resident_library::http::Network;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, CancelledNotification, CancelledNotificationParam,
    ClientCapabilities, ClientConfig, ClientNotification, ClientRequest, ErrorCode, Implementation, JsonObject,
    ListToolsRequest, PaginatedRequestParams, PingRequest, ProtocolVersion, RequestId, ServerResult,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, Peer, PeerRequestOptions, RoleClient, RunningService, ServiceError,
    serve_client_with_lifecycle,
};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::{StreamableHttpClientTransport, StreamableHttpError};

use crate::http::{self, Door};
use crate::process::{LINGER, Program};
use crate::sent::{Recorded, Sent};
use crate::watch::{Ending, Watch, Watched, excerpt};
use crate::{Bounds, McpError, Outcome, Server, ServerAddress, Tools};

/// Time for a program to end by itself once its input is closed.
const GRACE: Duration = Duration::from_millis(1_500);

/// Time for the SDK to close what it holds; for a session over HTTP that is one more request.
const CLOSING: Duration = Duration::from_secs(2);

/// A program that has not answered a ping within this is taken to hang.
const PING: Duration = Duration::from_secs(2);

type Service = RunningService<RoleClient, ClientConfig>;

/// A connection.
pub(crate) struct Connection {
    /// Where it leads.
    pub(crate) address: ServerAddress,
    peer: Peer<RoleClient>,
    service: Mutex<Option<Service>>,
    program: Option<Arc<Program>>,
    sent: Arc<Sent>,
    /// Whether the last operation got no answer in time.
    suspect: AtomicBool,
}

/// Why an operation on a connection failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: McpError,
    /// Whether the server may have taken the request.
    pub(crate) taken: bool,
}

/// What connections are made with.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) network: &'a Network,
    pub(crate) bounds: &'a Bounds,
}

impl Connection {
    /// Connects, and starts the program where the server is one. What is seen of it is kept in `watch`.
    pub(crate) async fn open(server: &Server, means: Means<'_>, watch: &Arc<Watch>) -> Result<Self, McpError> {
        let refused = [ErrorCode::METHOD_NOT_FOUND.0, ErrorCode::UNSUPPORTED_PROTOCOL_VERSION.0];
        match Self::begin(server, means, watch, ClientLifecycleMode::Initialize).await {
            Err(McpError::Refused { code, .. }) if refused.contains(&code) => {
                let preferred_versions = vec![ProtocolVersion::LATEST];
                Self::begin(server, means, &Watch::new(), ClientLifecycleMode::Discover { preferred_versions }).await
            }
            result => result,
        }
    }

    async fn begin(
        server: &Server,
        means: Means<'_>,
        watch: &Arc<Watch>,
        lifecycle: ClientLifecycleMode,
    ) -> Result<Self, McpError> {
        let client = Implementation::new("resident", env!("CARGO_PKG_VERSION"));
        let client = ClientConfig::new(ClientCapabilities::default(), client);
        let mut program = None;
        let sent = Arc::<Sent>::default();
        let served = match &server.address {
            ServerAddress::Stdio { command, args, env } => {
                let start = Program::start(command, args, env, Arc::clone(watch));
                let (started, pipes) = start.map_err(|source| McpError::Start {
                    server: server.name.clone(),
                    command: command.clone(),
                    source,
                })?;
                program = Some(started);
                let output = Watched::new(pipes.output, Arc::clone(watch), *means.bounds);
                // The bound is kept below, where crossing it is an error.
                let transport = AsyncRwTransport::new_client(output, pipes.input).with_max_line_length(usize::MAX);
                let transport = Recorded::new(transport, Arc::clone(&sent));
                serve_client_with_lifecycle(client, transport, lifecycle).await
            }
            ServerAddress::StreamableHttp { url, headers } => {
                let config = http::config(server, url, headers, means.network, means.bounds)?;
                let transport = StreamableHttpClientTransport::with_client(Door(means.network.clone()), config);
                serve_client_with_lifecycle(client, transport, lifecycle).await
            }
            ServerAddress::LegacySse { .. } => return Err(McpError::LegacySse { server: server.name.clone() }),
        };
        match served {
            Ok(service) => Ok(Self {
                address: server.address.clone(),
                peer: service.peer().clone(),
                service: Mutex::new(Some(service)),
                program,
                sent,
                suspect: AtomicBool::new(false),
            }),
            Err(error) => Err(match &program {
                Some(program) if watch.ending().is_some() || is_broken(&error) => {
                    program.end(LINGER).await;
                    before_answer(server, program).await
                }
                Some(_) | None => explain_handshake(server, means.bounds, error),
            }),
        }
    }

    /// Whether nothing more comes of this connection.
    pub(crate) fn is_lost(&self) -> bool {
        self.peer.is_transport_closed()
            || self.sent.is_shut()
            || self.program.as_ref().is_some_and(|program| program.watch.ending().is_some())
    }

    /// Notes that an operation got no answer in time.
    pub(crate) fn suspect(&self) {
        self.suspect.store(self.program.is_some(), Ordering::Relaxed);
    }

    /// Whether the connection can be used. A program that kept someone waiting is first asked whether it is there.
    pub(crate) async fn is_alive(&self) -> bool {
        if self.is_lost() {
            return false;
        }
        if !self.suspect.load(Ordering::Relaxed) {
            return true;
        }
        let ping =
            ClientRequest::PingRequest(PingRequest { method: Default::default(), extensions: Default::default() });
        let answer = tokio::time::timeout(PING, self.peer.send_request(ping)).await;
        // A version of the protocol without pings answers with an error, which is a sign of life as well.
        let alive = matches!(answer, Ok(Ok(_) | Err(ServiceError::McpError(_) | ServiceError::UnexpectedResponse)));
        self.suspect.store(!alive, Ordering::Relaxed);
        alive
    }

    /// The server's tools.
    pub(crate) async fn tools(&self, server: &Server, bounds: &Bounds) -> Result<Tools, Failure> {
        let mut tools = Tools::default();
        if let Some(about) = self.peer.peer_info().as_ref().and_then(|info| info.server_info.as_ref()) {
            tools.server = excerpt(&format!("{} {}", about.name, about.version));
        }
        let mut cursor = None;
        for _ in 0..bounds.pages {
            let params = PaginatedRequestParams::default().with_cursor(cursor);
            let request =
                ListToolsRequest { method: Default::default(), params: Some(params), extensions: Default::default() };
            let page = match self.ask(ClientRequest::ListToolsRequest(request)).await {
                Ok(ServerResult::ListToolsResult(page)) => page,
                Ok(_) => return Err(nonsense(server)),
                Err(Unanswered { error: ServiceError::McpError(error), .. })
                    if error.code == ErrorCode::METHOD_NOT_FOUND =>
                {
                    tools.warnings.push("it offers no tools".to_owned());
                    return Ok(tools);
                }
                Err(error) => return Err(self.explain(server, bounds, error).await),
            };
            if !tools.add(page.tools, bounds) {
                return Ok(tools);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(tools);
            }
        }
        tools.warnings.push(format!("it lists its tools on more than {} pages; the rest is left out", bounds.pages));
        Ok(tools)
    }

    /// Calls a tool, once.
    pub(crate) async fn call(
        &self,
        server: &Server,
        bounds: &Bounds,
        tool: &str,
        arguments: JsonObject,
    ) -> Result<Outcome, Failure> {
        let unsupported = |wants| {
            let error = McpError::Unsupported { server: server.name.clone(), tool: tool.to_owned(), wants };
            Err(Failure { error, taken: true })
        };
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        match self.ask(ClientRequest::CallToolRequest(CallToolRequest::new(params))).await {
            Ok(ServerResult::CallToolResult(result)) => Ok(Outcome::of(result, bounds)),
            // A result without content is told from no result only by what was asked.
            Ok(ServerResult::EmptyResult(_)) => Ok(Outcome::of(CallToolResult::default(), bounds)),
            Ok(ServerResult::InputRequiredResult(_)) => unsupported("asks for input in the middle of the call"),
            Ok(ServerResult::CreateTaskResult(_)) => unsupported("answers with a task that goes on in the background"),
            Ok(_) => Err(nonsense(server)),
            Err(Unanswered { error: ServiceError::McpError(error), .. }) => Ok(Outcome::refused(&error, bounds)),
            Err(unanswered) => Err(self.explain(server, bounds, unanswered).await),
        }
    }

    /// Closes the connection, and ends the program with it.
    pub(crate) async fn close(&self) {
        let service = self.service.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut service) = service {
            let _ = service.close_with_timeout(CLOSING).await;
        }
        if let Some(program) = &self.program {
            program.end(GRACE).await;
        }
    }

    /// The answer to a request. When the program's output ends there will be none, which the SDK would tell seconds
    /// later.
    async fn ask(&self, request: ClientRequest) -> Result<ServerResult, Unanswered> {
        let handle = self.peer.send_request_with_option(request, PeerRequestOptions::no_options()).await;
        let handle = handle.map_err(|error| Unanswered { error, taken: false })?;
        let id = handle.id.clone();
        let mut asked = Asked { peer: &self.peer, sent: &self.sent, id: id.clone(), waiting: true };
        let answer = match &self.program {
            Some(program) => {
                let answer = tokio::select! {
                    biased;
                    answer = handle.await_response() => answer,
                    _ = program.watch.ended() => Err(ServiceError::TransportClosed),
                };
                program.watch.answered();
                answer
            }
            None => handle.await_response().await,
        };
        asked.waiting = false;
        match answer {
            Ok(answer) => Ok(answer),
            // Over HTTP the error itself tells.
            Err(error @ (ServiceError::TransportSend(_) | ServiceError::TransportClosed)) if self.program.is_some() => {
                Err(Unanswered { error, taken: self.sent.taken(&id).await })
            }
            Err(error) => Err(Unanswered { error, taken: true }),
        }
    }

    async fn explain(&self, server: &Server, bounds: &Bounds, unanswered: Unanswered) -> Failure {
        let Unanswered { error, taken } = unanswered;
        let name = server.name.clone();
        let error = match (error, &self.program) {
            (ServiceError::TransportSend(error), None) => return explain_transport(server, bounds, &error),
            (ServiceError::TransportSend(_) | ServiceError::TransportClosed, Some(program)) => {
                match before_answer(server, program).await {
                    McpError::Unreachable { server, message } if taken => McpError::Lost { server, message },
                    error => error,
                }
            }
            (ServiceError::TransportClosed, None) => {
                let message = format!("its answer broke off, or had more than {} bytes", bounds.message_bytes);
                McpError::Lost { server: name, message }
            }
            (ServiceError::McpError(error), _) => {
                let message = excerpt(&server.without_secrets(&error.message));
                McpError::Refused { server: name, code: error.code.0, message }
            }
            (error, _) => {
                let message = excerpt(&server.without_secrets(&error.to_string()));
                McpError::Protocol { server: name, message }
            }
        };
        Failure { error, taken }
    }
}

/// Why a request has no answer, and whether the server may have taken it.
struct Unanswered {
    error: ServiceError,
    taken: bool,
}

/// A request that is waited for. Where that is given up, the server is told, so that it does not work for nobody.
struct Asked<'a> {
    peer: &'a Peer<RoleClient>,
    sent: &'a Sent,
    id: RequestId,
    waiting: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.sent.forget(&self.id);
        if !self.waiting {
            return;
        }
        let params =
            CancelledNotificationParam::new(Some(self.id.clone()), Some("nobody waits for it any more".to_owned()));
        let peer = self.peer.clone();
        tokio::spawn(async move {
            let notification = CancelledNotification::new(params);
            let telling = peer.send_notification(ClientNotification::CancelledNotification(notification));
            let _ = tokio::time::timeout(CLOSING, telling).await;
        });
    }
}

/// An answer came, and it is none to what was asked.
fn nonsense(server: &Server) -> Failure {
    let message = "its answer is none to what was asked".to_owned();
    Failure { error: McpError::Protocol { server: server.name.clone(), message }, taken: true }
}

/// The program ended, or was given up, before it answered.
async fn before_answer(server: &Server, program: &Program) -> McpError {
    let ending = program.watch.ending().unwrap_or(Ending::Closed);
    let message = excerpt(&server.without_secrets(&program.last_words(&ending).await));
    match ending {
        Ending::TooLong(limit) => McpError::TooLarge { server: server.name.clone(), limit },
        Ending::Closed | Ending::Noise(_) | Ending::TooDeep | Ending::Unreadable(_) => {
            McpError::Unreachable { server: server.name.clone(), message }
        }
    }
}

fn explain_transport(server: &Server, bounds: &Bounds, error: &DynamicTransportError) -> Failure {
    match error.error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
        Some(error) => http::explain(server, bounds, error),
        None => {
            let message = excerpt(&server.without_secrets(&error.error.to_string()));
            Failure { error: McpError::Lost { server: server.name.clone(), message }, taken: true }
        }
    }
}

/// Whether the handshake failed because the connection broke. Writing may find that out before reading does.
fn is_broken(error: &ClientInitializeError) -> bool {
    matches!(error, ClientInitializeError::ConnectionClosed(_) | ClientInitializeError::TransportError { .. })
}

fn explain_handshake(server: &Server, bounds: &Bounds, error: ClientInitializeError) -> McpError {
    let name = server.name.clone();
    let protocol = |message: &str| McpError::Protocol { server: server.name.clone(), message: message.to_owned() };
    match error {
        ClientInitializeError::TransportError { error, .. } => {
            before_call(server, explain_transport(server, bounds, &error).error)
        }
        ClientInitializeError::JsonRpcError(error) => {
            let message = excerpt(&server.without_secrets(&error.message));
            McpError::Refused { server: name, code: error.code.0, message }
        }
        ClientInitializeError::ConnectionClosed(_) => protocol("it gave no answer to the handshake"),
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
            protocol("it speaks no version of the protocol that Resident speaks")
        }
        // The SDK's words for the others hold what the server sent, at any length.
        _ => protocol("its answer to the handshake is none"),
    }
}

/// What an error of HTTP means when nothing has been called yet.
pub(crate) fn before_call(server: &Server, error: McpError) -> McpError {
    match error {
        McpError::Lost { server, message } => McpError::Unreachable { server, message },
        McpError::Status { status: 400 | 404 | 405 | 406 | 410, .. } if looks_like_sse(server) => {
            McpError::LegacySse { server: server.name.clone() }
        }
        other => other,
    }
}

/// Servers of the old transport have their address end so, and refuse what the new one begins with.
fn looks_like_sse(server: &Server) -> bool {
    match &server.address {
        ServerAddress::StreamableHttp { url, .. } => {
            let path = url.split(['?', '#']).next().unwrap_or_default();
            path.trim_end_matches('/').ends_with("/sse")
        }
        ServerAddress::Stdio { .. } | ServerAddress::LegacySse { .. } => false,
    }
}
