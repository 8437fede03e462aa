//! Agents that travel: agent files, chats as files, chats of other programs.

use super::AgentView;

api_type! {
    /// An agent file to be looked at.
    pub struct PreviewAgentFile {
        /// What is in the file.
        pub text: String,
    }

    /// The form in which a file was written.
    #[derive(Copy, Eq)]
    pub enum FileForm {
        /// The form of today.
        Current,
        /// The same within a text, as some programs write it.
        DoubleEncoded,
        /// One agent with all its own, as programs wrote it before 2025-09.
        Legacy,
    }

    /// What an agent file would bring.
    pub struct AgentFilePreview {
        /// Its form.
        pub form: FileForm,
        /// Its agents.
        pub agents: Vec<AgentInFile>,
        /// Its tools.
        pub tools: Vec<ToolInFile>,
        /// Its folders.
        pub folders: Vec<FolderInFile>,
        /// Its groups. They are kept; nobody leads them here.
        pub groups: Vec<GroupInFile>,
        /// The names of its MCP servers. They are kept; none is started or called before the user allows it.
        pub servers: Vec<String>,
        /// The names of its skills. They are kept and not used.
        pub skills: Vec<String>,
        /// What is not adopted, what was mended, what looks like a trick.
        pub notices: Vec<FileNotice>,
    }

    /// An agent of a file.
    pub struct AgentInFile {
        /// Its name.
        pub name: String,
        /// V1's kind of it.
        pub kind: String,
        /// What it is for.
        pub description: Option<String>,
        /// The handle of the model that it asks for.
        pub model: Option<String>,
        /// Its blocks.
        pub blocks: Vec<BlockInFile>,
        /// Messages of its own thread.
        pub messages: usize,
        /// Conversations beside it.
        pub conversations: usize,
        /// Passages of archival memory.
        pub passages: usize,
        /// Tools that it has.
        pub tools: usize,
    }

    /// A block of a file.
    pub struct BlockInFile {
        /// Its label.
        pub label: String,
        /// Its length in characters.
        pub chars: usize,
        /// Whether the agent may not write to it.
        pub read_only: bool,
    }

    /// A tool of a file.
    pub struct ToolInFile {
        /// Its name.
        pub name: String,
        /// What it does, as models are told.
        pub description: String,
        /// Whether it is one of Resident's own, so that it runs here.
        pub runs_here: bool,
        /// Whether its agents have it here, as a description at least.
        pub attached: bool,
    }

    /// A folder of a file.
    pub struct FolderInFile {
        /// Its name.
        pub name: String,
        /// The names of its files.
        pub files: Vec<String>,
    }

    /// A group of a file.
    pub struct GroupInFile {
        /// V1's kind of it.
        pub kind: String,
        /// What it is for.
        pub description: String,
        /// The name of the agent that leads it.
        pub led_by: Option<String>,
        /// The names of its agents.
        pub agents: Vec<String>,
    }

    /// What a notice is about.
    #[derive(Copy, Eq)]
    pub enum FileNoticeKind {
        /// Something is left out.
        NotAdopted,
        /// Something was put right.
        Mended,
        /// Something comes in and does nothing here.
        Inert,
        /// The file carries a secret.
        Secret,
        /// A text has characters that are not seen.
        HiddenText,
    }

    /// What a person should know about a file.
    pub struct FileNotice {
        /// What it is about.
        pub kind: FileNoticeKind,
        /// Where in the file; empty for the file as a whole.
        pub place: String,
        /// In a sentence.
        pub text: String,
    }

    /// An agent file to be taken in.
    pub struct ImportAgentFile {
        /// What is in the file.
        pub text: String,
        /// Another name for its agents.
        #[serde(default)]
        #[ts(optional)]
        pub name: Option<String>,
        /// Leaves out messages, conversations and summaries.
        #[serde(default)]
        pub without_messages: bool,
    }

    /// What was taken in.
    pub struct ImportedAgents {
        /// The agents.
        pub agents: Vec<AgentView>,
        /// What was not adopted and why.
        pub notices: Vec<FileNotice>,
    }

    /// Agents to be written into a file.
    pub struct ExportAgents {
        /// Their ids; those that are in groups with them go along.
        pub agent_ids: Vec<String>,
        /// Leaves out messages, conversations and summaries.
        #[serde(default)]
        pub without_messages: bool,
    }

    /// A file that was written.
    pub struct ExportedFile {
        /// A name for it.
        pub file_name: String,
        /// Its media type.
        pub media_type: String,
        /// What is in it.
        pub text: String,
    }

    /// How a chat is written.
    #[derive(Copy, Eq, Default)]
    pub enum ChatFormat {
        /// For people.
        #[default]
        Markdown,
        /// For programs.
        Json,
    }

    /// A chat to be written into a file.
    pub struct ExportChat {
        /// The agent whose own thread it is.
        pub agent_id: String,
        /// How.
        #[serde(default)]
        pub format: ChatFormat,
    }

    /// Chats of ChatGPT to be taken in.
    pub struct ImportChats {
        /// The agent that shall know them.
        pub agent_id: String,
        /// What is in `conversations.json`.
        pub text: String,
    }

    /// Chats that were taken in.
    pub struct ImportedChats {
        /// Conversations.
        pub conversations: usize,
        /// Messages in them.
        pub messages: usize,
        /// Passages of archival memory made from them.
        pub passages: usize,
        /// What was left out and why.
        pub notices: Vec<FileNotice>,
    }
}
