//! Who is let in. A page in a browser must not reach a server on the same computer: the `Host` must be one of this
//! server's own (a name that was made to point here is none), a page of another origin is refused, and bodies are of
//! kinds that a page cannot send without asking. Then the token counts, everywhere but for the health of the server and
//! the files of the web UI, which hold nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, TRANSFER_ENCODING};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::error::Problem;
use crate::options::{Access, ServerOptions};

/// The header in which V1's clients may send the password instead.
const BARE_PASSWORD: &str = "x-bare-password";

/// What is compared with each request.
pub(crate) struct Guard {
    hosts: Vec<String>,
    /// Comparing hashes takes as long for a near guess as for a far one.
    token: Option<[u8; 32]>,
}

impl Guard {
    pub(crate) fn new(options: &ServerOptions, address: SocketAddr) -> Self {
        let port = address.port();
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
        if !address.ip().is_unspecified() {
            names.push(SocketAddr::new(address.ip(), 0).to_string().trim_end_matches(":0").to_owned());
        }
        // A name with a port of its own is meant as it is: that of a proxy, or of a published port.
        let given = options.host_names.iter().map(|name| name.to_lowercase());
        let (whole, bare): (Vec<String>, Vec<String>) =
            given.partition(|name| name.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()));
        names.extend(bare);
        let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).chain(whole).collect();
        if port == 80 {
            hosts.extend(names);
        }
        let token = match &options.access {
            Access::Token(token) => Some(hash(token)),
            Access::Anyone => None,
        };
        Self { hosts, token }
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        let headers = request.headers();
        self.check_host(headers)?;
        self.check_origin(headers)?;
        check_body(request)?;
        if needs_token(request.uri().path()) { self.check_token(headers) } else { Ok(()) }
    }

    fn check_host(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default().to_lowercase();
        let known = hosts.next().is_none() && self.hosts.contains(&host);
        if known {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "This server answers to its own names only. Start it with `--host-name` to add one.",
        ))
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
        let own = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        if own.is_some_and(|host| self.hosts.contains(&host.to_lowercase())) {
            return Ok(());
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "Pages of other origins may not ask this server."))
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(token) = &self.token else { return Ok(()) };
        let given = |name: &str, prefix: &str| {
            let value = headers.get(name)?.to_str().ok()?;
            value.strip_prefix(prefix).map(hash)
        };
        let bearer = given(AUTHORIZATION.as_str(), "Bearer ");
        let password = given(BARE_PASSWORD, "password ");
        if [bearer, password].contains(&Some(*token)) {
            return Ok(());
        }
        Err(Problem::new(StatusCode::UNAUTHORIZED, "The token is missing or wrong: send `Authorization: Bearer …`."))
    }
}

/// Lets a request in, or says why not.
pub(crate) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            let (method, path) = (request.method(), request.uri().path());
            tracing::warn!(%method, %path, status = problem.status.as_u16(), reason = %problem.message(), "refused");
            problem.into_response()
        }
    }
}

/// A message of 16 MB is already refused by the application, and so is a file of that size.
const MOST_BODY_BYTES: usize = 32 * 1024 * 1024;

/// Requests that bring an agent file or an export of chats. As JSON text it has a stroke before each quotation mark.
pub(crate) const MOST_FILE_BYTES: usize = 128 * 1024 * 1024;
const BRING_FILES: [&str; 4] =
    ["/v1/agents/import", "/app/request/previewAgentFile", "/app/request/importAgentFile", "/app/request/importChats"];

/// How large the body of a request to `path` may be.
pub(crate) fn most_body_bytes(path: &str) -> usize {
    if BRING_FILES.contains(&path.trim_end_matches('/')) { MOST_FILE_BYTES } else { MOST_BODY_BYTES }
}

/// Bodies are JSON or a form with files, and of a size that they say themselves before they are read. `text/plain` is
/// what a foreign page can send without asking.
fn check_body(request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.unwrap_or(0) == 0 && !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(());
    }
    let most = most_body_bytes(request.uri().path());
    if length.is_some_and(|length| length > most) {
        let most = most / (1024 * 1024);
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("A body has at most {most} MB.")));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_lowercase();
    if ["application/json", "multipart/form-data"].contains(&kind.as_str()) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "A body is `application/json`."))
}

fn needs_token(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let guarded = ["/v1", "/app", "/openapi.json"];
    let is_guarded =
        guarded.iter().any(|root| path == *root || path.strip_prefix(root).is_some_and(|r| r.starts_with('/')));
    is_guarded && path != "/v1/health"
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
