//! What can go wrong: with the server as a whole ([`ServerError`]), and with one request ([`Problem`]).

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use resident_app::api::{ApiError, ErrorCode};
use serde_json::{Value, json};

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Anyone in the network could have used it.
    #[error("a server without a token listens on loopback only, and {0} is not loopback")]
    Unprotected(SocketAddr),
    /// A token without characters protects nothing.
    #[error("the token is empty")]
    EmptyToken,
    /// The address is taken, or not one of this computer.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A new token cannot be kept.
    #[error("the token cannot be kept in `{path}`: {source}", path = .path.display())]
    Token {
        /// The file for it.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The system gave no threads.
    #[error("cannot start the server's threads: {0}")]
    Threads(std::io::Error),
}

/// A request that was not done. Clients see V1's form, `{"detail": …}`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) detail: Value,
}

/// What a route answers.
pub(crate) type Answer<T> = Result<axum::Json<T>, Problem>;

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: Value::String(detail.into()) }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("There is no {what} `{id}`."))
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// What Resident does not offer, and why.
    pub(crate) fn not_offered(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, detail)
    }

    /// A value that is not acceptable, with the place where it stands: `["body", "messages", "0"]`.
    pub(crate) fn invalid(place: &[&str], message: impl Into<String>) -> Self {
        let detail = json!([{ "type": "value_error", "loc": place, "msg": message.into() }]);
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, detail }
    }

    pub(crate) fn internal(message: impl std::fmt::Display) -> Self {
        tracing::error!(%message, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Resident failed at this; its log says more.")
    }

    /// In one line, for places where a status can no longer be sent.
    pub(crate) fn message(&self) -> String {
        self.detail.as_str().map_or_else(|| self.detail.to_string(), str::to_owned)
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        let status = match error.code {
            ErrorCode::Invalid | ErrorCode::TooLong => StatusCode::BAD_REQUEST,
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::Forbidden => StatusCode::FORBIDDEN,
            ErrorCode::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::Conflict | ErrorCode::InUse | ErrorCode::Cancelled => StatusCode::CONFLICT,
            ErrorCode::OverLimit => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorCode::Offline | ErrorCode::Model | ErrorCode::Endpoint => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            ErrorCode::Profile | ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(json!({ "detail": self.detail }))).into_response();
        // Clients repeat a request after most errors, without a word that says it is the same. Nothing here gets better
        // by being asked again at once.
        response.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
        response
    }
}
