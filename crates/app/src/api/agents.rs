//! Agents.

api_type! {
    /// How an agent speaks and chains its steps.
    #[derive(Copy, Eq)]
    pub enum AgentKind {
        /// Speaks through `send_message`, chains with `request_heartbeat`.
        MemgptAgent,
        /// Speaks in plain text.
        LettaV1Agent,
    }

    /// One agent, as a list shows it.
    pub struct AgentView {
        /// Its id.
        pub id: String,
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// How it speaks and chains.
        pub kind: AgentKind,
        /// Its instructions.
        pub system: String,
        /// The handle of its model; `None` is the profile's default.
        pub model: Option<String>,
        /// Tools attached to it.
        pub tools: Vec<String>,
        /// Tool rules, in V1's form.
        pub tool_rules: serde_json::Value,
        /// When it was created.
        pub created_at_ms: i64,
        /// When something was last said in its conversation.
        pub last_message_at_ms: Option<i64>,
        /// When it was moved to the bin.
        pub deleted_at_ms: Option<i64>,
        /// The turn that runs now.
        pub running_turn_id: Option<String>,
        /// The last turn, where the program ended before it did.
        pub interrupted_turn_id: Option<String>,
    }

    /// Which agents to list.
    pub struct ListAgents {
        /// Those in the bin instead of those in use.
        #[serde(default)]
        pub deleted: bool,
    }

    /// A new agent.
    pub struct CreateAgent {
        /// Its name.
        pub name: String,
        /// What it is for.
        #[serde(default)]
        #[ts(optional)]
        pub description: Option<String>,
        /// How it speaks; `LettaV1Agent` when left out.
        #[serde(default)]
        #[ts(optional)]
        pub kind: Option<AgentKind>,
        /// Text of its persona block.
        #[serde(default)]
        #[ts(optional)]
        pub persona: Option<String>,
        /// Text of its human block.
        #[serde(default)]
        #[ts(optional)]
        pub human: Option<String>,
        /// The handle of its model.
        #[serde(default)]
        #[ts(optional)]
        pub model: Option<String>,
    }

    /// Names one agent.
    pub struct AgentRef {
        /// Its id.
        pub agent_id: String,
    }

    /// Changes to an agent; what is left out stays.
    pub struct UpdateAgent {
        /// The agent.
        pub agent_id: String,
        /// New name.
        #[serde(default)]
        #[ts(optional)]
        pub name: Option<String>,
        /// New description.
        #[serde(default)]
        #[ts(optional)]
        pub description: Option<String>,
        /// New instructions.
        #[serde(default)]
        #[ts(optional)]
        pub system: Option<String>,
        /// New model; the empty text stands for the profile's default.
        #[serde(default)]
        #[ts(optional)]
        pub model: Option<String>,
        /// New list of tools.
        #[serde(default)]
        #[ts(optional)]
        pub tools: Option<Vec<String>>,
        /// New tool rules.
        #[serde(default)]
        #[ts(optional)]
        pub tool_rules: Option<serde_json::Value>,
    }

    /// A copy of an agent: blocks, archive and settings, without its conversation.
    pub struct DuplicateAgent {
        /// The agent.
        pub agent_id: String,
        /// The copy's name.
        pub name: String,
    }
}
