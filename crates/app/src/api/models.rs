//! Models and remote endpoints.

api_type! {
    /// Where a model stands.
    #[serde(tag = "type")]
    pub enum ModelState {
        /// It could be downloaded.
        Downloadable,
        /// It is being downloaded.
        Downloading {
            /// Bytes so far.
            bytes: u64,
            /// Bytes in all.
            of: u64,
        },
        /// It can be used, and is loaded at its first use.
        Available,
        /// It is being loaded.
        Loading,
        /// It is in memory.
        Loaded,
        /// It could not be loaded.
        Failed {
            /// Why.
            message: String,
        },
    }

    /// How a model that is on this computer came here.
    #[derive(Copy, Eq)]
    pub enum ModelOrigin {
        /// With the program.
        Bundled,
        /// By a download of Resident.
        Downloaded,
        /// It lies in a cache that other programs use too.
        Shared,
        /// The person added its file, which stays where it lies.
        Added,
    }

    /// What a model is for.
    #[derive(Copy, Eq)]
    pub enum ModelPurpose {
        /// Answers.
        Language,
        /// Finds.
        Embedding,
    }

    /// One model.
    pub struct ModelView {
        /// What requests name it by.
        pub handle: String,
        /// Its name.
        pub name: String,
        /// What it is for.
        pub purpose: ModelPurpose,
        /// The host that sees what is said; `None` on this computer.
        pub remote_host: Option<String>,
        /// Where it stands.
        pub state: ModelState,
        /// How it came here; `None` for one that is not on this computer, or not whole.
        pub origin: Option<ModelOrigin>,
        /// Whether it is the profile's default.
        pub is_default: bool,
        /// Whether it is a small demonstration model.
        pub demonstration: bool,
        /// Size of its file.
        pub size_bytes: Option<u64>,
        /// Memory it needs at its full context.
        pub memory_bytes: Option<u64>,
        /// Whether it fits this computer; `None` where that is not known.
        pub fits: Option<bool>,
        /// Its context window.
        pub context_window_tokens: Option<usize>,
        /// Its licence.
        pub licence: Option<String>,
        /// What it is good for, in one line.
        pub description: String,
    }

    /// Names a model.
    pub struct ModelRef {
        /// Its handle.
        pub handle: String,
    }

    /// A GGUF file to be added to the library where it lies.
    pub struct AddModelFile {
        /// Its path.
        pub path: String,
    }

    /// An OpenAI-compatible endpoint.
    pub struct EndpointView {
        /// Its id: a short name without spaces, used in handles.
        pub id: String,
        /// Its base URL, up to and with `/v1`.
        pub base_url: String,
        /// The host, for the badge.
        pub host: String,
        /// The last four characters of its key.
        pub key_hint: Option<String>,
        /// Models to offer.
        pub models: Vec<String>,
        /// Whether it is on this computer, so that offline does not forbid it.
        pub loopback: bool,
    }

    /// A new or changed endpoint.
    pub struct SaveEndpoint {
        /// Its id.
        pub id: String,
        /// Its base URL.
        pub base_url: String,
        /// Its key, kept in the keyring; left out to keep what is there, empty to remove it.
        #[serde(default)]
        #[ts(optional)]
        pub api_key: Option<String>,
        /// Models to offer; asked from the endpoint when left out.
        #[serde(default)]
        #[ts(optional)]
        pub models: Option<Vec<String>>,
    }

    /// Names an endpoint.
    pub struct EndpointRef {
        /// Its id.
        pub endpoint_id: String,
    }

    /// What an endpoint answered to a look.
    pub struct EndpointCheck {
        /// Models it has.
        pub models: Vec<String>,
        /// How long it took.
        pub latency_ms: u64,
    }
}
