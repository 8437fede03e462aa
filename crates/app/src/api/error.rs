//! What went wrong, for people and for clients.

api_type! {
    /// What a client may want to tell apart.
    #[derive(Copy, Eq)]
    pub enum ErrorCode {
        /// An argument is not acceptable; the message says which.
        Invalid,
        /// There is no such thing.
        NotFound,
        /// Something else changed or runs meanwhile.
        Conflict,
        /// A block would be over its limit.
        OverLimit,
        /// Resident is offline.
        Offline,
        /// A model could not be loaded, or failed.
        Model,
        /// A remote endpoint failed.
        Endpoint,
        /// The message does not fit into the context window.
        TooLong,
        /// What the person has not allowed.
        Forbidden,
        /// A document of a kind that is not read here.
        Unsupported,
        /// The profile's folder or database cannot be used.
        Profile,
        /// A second instance has the profile open.
        InUse,
        /// The disk is full.
        DiskFull,
        /// It was cancelled.
        Cancelled,
        /// A defect of Resident.
        Internal,
    }

    /// An error.
    pub struct ApiError {
        /// What kind.
        pub code: ErrorCode,
        /// What happened and what is safe, in a sentence.
        pub message: String,
        /// What to do.
        pub hint: Option<String>,
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}
