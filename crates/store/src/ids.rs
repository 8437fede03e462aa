//! Newtype ids. Each is the text `<prefix>-<uuid v4>`, the form that Letta's clients know, so that an id says what it
//! names wherever it turns up (a log line, a file, a URL).

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// A new id from the system's randomness.
            #[expect(clippy::new_without_default, reason = "a random id is not a default value")]
            pub fn new() -> Self {
                Self(format!(concat!($prefix, "-{}"), uuid::Uuid::new_v4()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

id!(/** Names an agent. */ AgentId, "agent");
id!(/** Names a core memory block. */ BlockId, "block");
id!(/** Names a message of recall memory. */ MessageId, "message");
id!(/** Names a turn: from a user message to the final answer. */ TurnId, "run");
id!(/** Names a step: one model call and the tools it calls. */ StepId, "step");
id!(/** Names a passage of archival memory. */ PassageId, "passage");
id!(/** Names a summary of evicted messages. */ SummaryId, "summary");
