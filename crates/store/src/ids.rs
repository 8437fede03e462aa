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

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
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
id!(/** Names a conversation beside the agent's own thread. */ ConversationId, "conv");
id!(/** Names a tool that is kept as data: custom, or of an MCP server. */ ToolId, "tool");
id!(/** Names an archive of passages. */ ArchiveId, "archive");
id!(/** Names a folder of files; the prefix is the one that clients know from before folders had their name. */ FolderId, "source");
id!(/** Names a file of a folder. */ FileId, "file");
id!(/** Names an identity: a person or an organisation that a client talks for. */ IdentityId, "identity");
id!(/** Names a group of agents. */ GroupId, "group");
id!(/** Names a server of the Model Context Protocol. */ McpServerId, "mcp_server");
