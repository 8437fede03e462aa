//! From the errors of the parts to what people read: what happened, what is safe, what to do.

use resident_agent::{AgentError, ModelError};
use resident_library::LibraryError;
use resident_memory::{EmbedError, MemoryError};
use resident_remote::RemoteError;
use resident_store::StoreError;

use crate::api::{ApiError, ErrorCode};

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Invalid, message)
    }

    /// There is no such thing.
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("There is no {what} `{id}`."))
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn of(code: ErrorCode, error: &dyn std::error::Error) -> Self {
        tracing::debug!(%error, ?code, "a request failed");
        Self::new(code, sentence(&with_sources(error)))
    }
}

/// An error with its causes, in one line.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text += ": ";
            text += &cause_text;
        }
        source = cause.source();
    }
    text
}

/// A message as a sentence: a capital at its start, a full stop at its end.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let (code, hint) = match &error {
            StoreError::InUse { .. } => {
                (ErrorCode::InUse, Some("Close the other window or command that uses this profile, then try again."))
            }
            StoreError::Corrupt { .. } => {
                (ErrorCode::Profile, Some("Restore the newest backup; the damaged file is kept beside it."))
            }
            StoreError::NewerSchema { .. } => {
                (ErrorCode::Profile, Some("Install the newer Resident; nothing was changed."))
            }
            StoreError::DiskFull { .. } => {
                (ErrorCode::DiskFull, Some("Make room and try again; what was saved before is safe."))
            }
            StoreError::ReadOnly { .. } => {
                (ErrorCode::Profile, Some("Choose another folder with RESIDENT_HOME, or make this one writable."))
            }
            StoreError::NotFound { .. } => (ErrorCode::NotFound, None),
            StoreError::Duplicate { .. } => (ErrorCode::Conflict, None),
            StoreError::BadExpression { .. } => (ErrorCode::Invalid, None),
            StoreError::WrongDimension { .. } | StoreError::RolledBack { .. } => (ErrorCode::Internal, None),
            StoreError::CannotOpen { .. } | StoreError::Io { .. } | StoreError::Sqlite { .. } => {
                (ErrorCode::Profile, None)
            }
        };
        let mut api = Self::of(code, &error);
        api.hint = hint.map(str::to_owned);
        api
    }
}

impl From<MemoryError> for ApiError {
    fn from(error: MemoryError) -> Self {
        match error {
            MemoryError::Store(error) => error.into(),
            error @ MemoryError::OverLimit { .. } => Self::of(ErrorCode::OverLimit, &error),
            error @ (MemoryError::Conflict { .. } | MemoryError::ChangedMeanwhile { .. }) => {
                Self::of(ErrorCode::Conflict, &error)
            }
            error => Self::of(ErrorCode::Invalid, &error),
        }
    }
}

impl From<AgentError> for ApiError {
    fn from(error: AgentError) -> Self {
        let code = match error {
            AgentError::Memory(error) => return error.into(),
            AgentError::Store(error) => return error.into(),
            AgentError::Model(error) => return error.into(),
            AgentError::Busy { .. } => ErrorCode::Conflict,
            AgentError::TooLong { .. } => ErrorCode::TooLong,
            AgentError::AgentNotFound(_)
            | AgentError::ConversationNotFound(_)
            | AgentError::TurnNotFound(_)
            | AgentError::MessageNotFound(_) => ErrorCode::NotFound,
            AgentError::Cancelled => ErrorCode::Cancelled,
            AgentError::Empty
            | AgentError::NotUserMessage(_)
            | AgentError::NotPending(_)
            | AgentError::NotRunning(_)
            | AgentError::NothingToCompact(_)
            | AgentError::ToolRules { .. } => ErrorCode::Invalid,
        };
        Self::of(code, &error)
    }
}

impl From<ModelError> for ApiError {
    fn from(error: ModelError) -> Self {
        let (code, hint) = match &error {
            ModelError::PromptTooLong { .. } => (ErrorCode::TooLong, None),
            ModelError::Offline { .. } => (ErrorCode::Offline, Some("Turn offline off in Settings to use it.")),
            ModelError::Unreachable { .. } => (ErrorCode::Endpoint, Some("Check that it runs, then try again.")),
            ModelError::Refused { .. } => {
                (ErrorCode::Endpoint, Some("Check the key and the model's name in Settings."))
            }
            ModelError::Protocol { .. } => {
                (ErrorCode::Endpoint, Some("Check that the address is that of an OpenAI-compatible API."))
            }
            ModelError::Load { .. } => (ErrorCode::Model, Some("Choose another model in Models.")),
            ModelError::Engine { .. } => (ErrorCode::Model, Some("Try again; what was said is safe.")),
        };
        Self { hint: hint.map(str::to_owned), ..Self::of(code, &error) }
    }
}

impl From<RemoteError> for ApiError {
    fn from(error: RemoteError) -> Self {
        let (code, hint) = match &error {
            RemoteError::Address { .. } => (ErrorCode::Invalid, Some("It looks like http://localhost:11434/v1.")),
            RemoteError::Key => (ErrorCode::Invalid, None),
            RemoteError::Offline { .. } => (ErrorCode::Offline, Some("Turn offline off in Settings to use it.")),
            RemoteError::Unreachable { .. } => (ErrorCode::Endpoint, Some("Check that it runs, then try again.")),
            RemoteError::Refused { .. } => (ErrorCode::Endpoint, Some("Check the key.")),
            RemoteError::Protocol { .. } => {
                (ErrorCode::Endpoint, Some("Check that the address is that of an OpenAI-compatible API."))
            }
            RemoteError::Cancelled => (ErrorCode::Cancelled, None),
            RemoteError::Network(_) => (ErrorCode::Endpoint, None),
        };
        Self { hint: hint.map(str::to_owned), ..Self::of(code, &error) }
    }
}

impl From<EmbedError> for ApiError {
    fn from(error: EmbedError) -> Self {
        Self::of(ErrorCode::Model, &error)
    }
}

impl From<LibraryError> for ApiError {
    fn from(error: LibraryError) -> Self {
        let (code, hint) = match &error {
            LibraryError::Unknown { .. } => (ErrorCode::NotFound, None),
            LibraryError::DiskFull { .. } => (ErrorCode::DiskFull, Some("Make room and try again.")),
            LibraryError::Busy { .. } => (ErrorCode::Conflict, None),
            LibraryError::Cancelled { .. } => (ErrorCode::Cancelled, None),
            LibraryError::Status { .. } | LibraryError::Interrupted { .. } => {
                (ErrorCode::Endpoint, Some("Try again; the download goes on where it stopped."))
            }
            LibraryError::Http(_) => (ErrorCode::Offline, Some("Turn offline off in Settings to download models.")),
            LibraryError::Missing { .. } | LibraryError::WrongHash { .. } | LibraryError::NotAModel { .. } => {
                (ErrorCode::Model, Some("Choose another model, or download this one again in Models."))
            }
            LibraryError::Manifest { .. }
            | LibraryError::WrongSize { .. }
            | LibraryError::NotPossible { .. }
            | LibraryError::Wheel { .. }
            | LibraryError::Io { .. } => (ErrorCode::Model, None),
        };
        Self { hint: hint.map(str::to_owned), ..Self::of(code, &error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_sentences() {
        assert_eq!(sentence("could not open `x`"), "Could not open `x`.");
        assert_eq!(sentence(" Done. "), "Done.");
    }

    #[test]
    fn a_model_that_is_offline_says_how_to_change_that() {
        let error = ApiError::from(ModelError::Offline { host: "api.example.com".to_owned() });
        assert_eq!(error.code, ErrorCode::Offline);
        assert!(error.to_string().contains("api.example.com") && error.hint.is_some());
    }
}
