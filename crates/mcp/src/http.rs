//! The SDK's way to the network, which is ours.
//!
//! Each request asks [`Network`] for its client, so that the offline switch counts at once, redirects come back as
//! answers, and nothing but loopback is reached while it is on. A stream that a server may use to speak unasked is not
//! opened: nobody here listens to it, and it would stay open past the switch. What comes out of the SDK as a failure is
//! told here as an error with the server's name.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, Url};
use resident_library::http::{HttpError, Network, Redirects, chain};
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::common::client_side_sse::SseRetryPolicy;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpClientTransportConfig, StreamableHttpError,
    StreamableHttpPostResponse, StreamableHttpResponseLimits,
};
use sse_stream::Sse;

use crate::connection::Failure;
use crate::watch::excerpt;
use crate::{Bounds, McpError, Server};

/// Bytes of a failure's text that are read.
const FAILURE_BYTES: usize = 4 * 1024;

/// Tries to have the rest of an answer, and the time before each.
const RESUMES: usize = 3;
const BEFORE_RESUME: Duration = Duration::from_millis(300);

type Failed = StreamableHttpError<reqwest::Error>;
type Headers = HashMap<HeaderName, HeaderValue>;

/// The way to the network that the SDK is given.
#[derive(Debug, Clone)]
pub(crate) struct Door(pub(crate) Network);

impl Door {
    fn client(&self, uri: &str) -> Result<Client, Failed> {
        let url = Url::parse(uri).map_err(|_| HttpError::Address { url: String::new() });
        url.and_then(|url| self.0.client(&url, Redirects::Return))
            .map_err(|error| Failed::Io(std::io::Error::other(error)))
    }
}

impl StreamableHttpClient for Door {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session_id, auth_header, custom_headers, limits).await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let client = self.client(&uri)?;
        client
            .post_message_with_response_limits(uri, message, session_id, auth_header, custom_headers, limits)
            .await
            .map_err(without_url)
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<(), Failed> {
        let client = self.client(&uri)?;
        client.delete_session(uri, session_id, auth_header, custom_headers).await.map_err(without_url)
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failed> {
        let most = Bounds::default().message_bytes;
        self.get_stream_with_max_sse_event_size(uri, session_id, last_event_id, auth_header, custom_headers, most).await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: Headers,
        most: usize,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failed> {
        // With an event's id it is the answer to a call that goes on; without, it is the stream for unasked words.
        if last_event_id.is_none() {
            return Err(Failed::ServerDoesNotSupportSse);
        }
        let client = self.client(&uri)?;
        client
            .get_stream_with_max_sse_event_size(uri, session_id, last_event_id, auth_header, custom_headers, most)
            .await
            .map_err(without_url)
    }
}

/// How often an answer that broke off is asked to go on. What is asked for is the rest of the answer, by the id of its
/// last event; the call is not made again.
#[derive(Debug)]
struct Resume;

impl SseRetryPolicy for Resume {
    fn retry(&self, times: usize) -> Option<Duration> {
        (times < RESUMES).then_some(BEFORE_RESUME)
    }
}

/// A URL may hold a key, and errors are printed.
fn without_url(error: Failed) -> Failed {
    match error {
        Failed::Client(error) => Failed::Client(error.without_url()),
        other => other,
    }
}

/// The settings of the SDK's transport for `server`.
///
/// # Errors
/// When the address or a header cannot be used, or Resident is offline and the server is elsewhere.
pub(crate) fn config(
    server: &Server,
    url: &str,
    headers: &[(String, String)],
    network: &Network,
    bounds: &Bounds,
) -> Result<StreamableHttpClientTransportConfig, McpError> {
    let url = server.url(url)?;
    network.check(&url).map_err(|source| McpError::Network { server: server.name.clone(), source })?;
    let headers = server.headers(headers)?.into_iter().filter_map(|(name, value)| Some((name?, value))).collect();
    let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
        .custom_headers(headers)
        .max_sse_event_size(bounds.message_bytes)
        .max_json_response_size(bounds.message_bytes)
        .max_error_response_size(FAILURE_BYTES)
        // A session that has ended is begun anew here, where it is known whether a call may be sent again.
        .reinit_on_expired_session(false);
    config.allow_stateless = true;
    config.retry_config = Arc::new(Resume);
    Ok(config)
}

/// What a failure of the SDK's transport means.
pub(crate) fn explain(server: &Server, bounds: &Bounds, error: &Failed) -> Failure {
    let name = server.name.clone();
    let message = |text: &str| excerpt(&server.without_secrets(text));
    let answered = |error| Failure { error, taken: true };
    let not_taken = |error| Failure { error, taken: false };
    match error {
        Failed::Client(error) if error.is_connect() => {
            not_taken(McpError::Unreachable { server: name, message: message(&chain(error)) })
        }
        Failed::Client(error) => answered(McpError::Lost { server: name, message: message(&chain(error)) }),
        Failed::Io(error) => match error.get_ref().and_then(|error| error.downcast_ref::<HttpError>()) {
            Some(HttpError::Offline { host }) => {
                let source = HttpError::Offline { host: host.clone() };
                not_taken(McpError::Network { server: name, source })
            }
            _ => not_taken(McpError::Unreachable { server: name, message: message(&chain(error)) }),
        },
        Failed::SessionExpired => {
            not_taken(McpError::Unreachable { server: name, message: "it has ended the session".to_owned() })
        }
        Failed::AuthRequired(_) => answered(McpError::Unauthorized { server: name, status: 401 }),
        Failed::InsufficientScope(_) => answered(McpError::Unauthorized { server: name, status: 403 }),
        Failed::HttpStatus(status) => {
            answered(McpError::Status { server: name, status: status.status, message: String::new() })
        }
        Failed::ResponseBodyTooLarge { max_size } => answered(McpError::TooLarge { server: name, limit: *max_size }),
        Failed::UnexpectedServerResponse(text) => answered(status(name, text, message)),
        Failed::UnexpectedContentType(kind) => {
            let kind = message(kind.as_deref().unwrap_or("nothing"));
            answered(McpError::Protocol { server: name, message: format!("it answered with {kind}") })
        }
        Failed::Sse(error) => {
            let message =
                format!("{}; at most {} bytes are taken at once", message(&chain(error)), bounds.message_bytes);
            answered(McpError::Protocol { server: name, message })
        }
        other => answered(McpError::Protocol { server: name, message: message(&chain(other)) }),
    }
}

/// The SDK hands on a status in its words only: `HTTP 302 Found: …`.
fn status(server: String, text: &str, message: impl Fn(&str) -> String) -> McpError {
    let (head, body) = text.split_once(':').unwrap_or((text, ""));
    let status = head.strip_prefix("HTTP ").and_then(|head| head.split(' ').next()?.parse::<u16>().ok());
    match status {
        Some(status @ 300..=399) => McpError::Redirect { server, status },
        Some(status @ (401 | 403)) => McpError::Unauthorized { server, status },
        Some(status) => McpError::Status { server, status, message: message(body) },
        None => McpError::Protocol { server, message: message(text) },
    }
}
