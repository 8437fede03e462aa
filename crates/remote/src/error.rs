//! What can go wrong with an endpoint, and how the ports are told.

use resident_agent::ModelError;
use resident_library::http::HttpError;
use resident_memory::EmbedError;
use thiserror::Error;

/// Why an endpoint did not do what it was asked.
#[derive(Debug, Error)]
pub enum RemoteError {
    /// The base URL cannot be used.
    #[error("{url:?} is not the address of an endpoint: {message}")]
    Address {
        /// What was given, without passwords.
        url: String,
        /// What is wrong with it.
        message: &'static str,
    },
    /// The key has characters that no key has.
    #[error("the key of the endpoint has characters that cannot be sent; enter it again")]
    Key,
    /// Resident is offline.
    #[error("Resident is offline; {host} was not contacted")]
    Offline {
        /// The host that would have been contacted.
        host: String,
    },
    /// It cannot be reached, is slow, or answers with an error that may pass.
    #[error("{host} did not answer: {message}")]
    Unreachable {
        /// The endpoint's host.
        host: String,
        /// What happened.
        message: String,
    },
    /// It refused.
    #[error("{host} refused the request ({status}): {message}")]
    Refused {
        /// The endpoint's host.
        host: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// It answered something that is not the protocol, or stopped in the middle.
    #[error("{host} gave an answer that could not be read: {message}")]
    Protocol {
        /// The endpoint's host.
        host: String,
        /// What was wrong.
        message: String,
    },
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The network could not be set up.
    #[error(transparent)]
    Network(HttpError),
}

impl From<HttpError> for RemoteError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Offline { host } => Self::Offline { host },
            HttpError::Address { .. } | HttpError::Client(_) | HttpError::Runtime(_) => Self::Network(error),
        }
    }
}

impl RemoteError {
    /// The port's error for the model with this handle.
    pub(crate) fn into_model(self, handle: &str) -> ModelError {
        match self {
            Self::Offline { host } => ModelError::Offline { host },
            Self::Unreachable { host, message } => ModelError::Unreachable { host, message },
            Self::Refused { host, status, message } => ModelError::Refused { host, status, message },
            Self::Protocol { host, message } => ModelError::Protocol { host, message },
            error @ (Self::Address { .. } | Self::Key | Self::Cancelled | Self::Network(_)) => {
                ModelError::Engine { model: handle.to_owned(), message: error.to_string() }
            }
        }
    }

    /// The port's error for the embedder with this id.
    pub(crate) fn into_embed(self, embedder: &str) -> EmbedError {
        let transient = match &self {
            Self::Offline { .. } | Self::Unreachable { .. } | Self::Protocol { .. } | Self::Cancelled => true,
            Self::Address { .. } | Self::Key | Self::Refused { .. } | Self::Network(_) => false,
        };
        EmbedError { embedder: embedder.to_owned(), message: self.to_string(), transient }
    }
}
