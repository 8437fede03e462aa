//! Groups: agents that work together.

use super::{AgentView, MessageView};

api_type! {
    /// How the agents of a group work together.
    #[derive(Copy, Eq)]
    pub enum GroupKind {
        /// Each speaks in its turn.
        RoundRobin,
        /// One speaks with the user and asks the others.
        Supervisor,
        /// One says who speaks next.
        Dynamic,
        /// The others tidy the memory of one in the background.
        Sleeptime,
    }

    /// A group.
    pub struct GroupView {
        /// Its id.
        pub id: String,
        /// How it works.
        pub kind: GroupKind,
        /// What it is for; its agents are told.
        pub description: String,
        /// The agent that leads it, or whose memory is tidied; `RoundRobin` has none.
        pub manager_id: Option<String>,
        /// Its agents in their order, without the manager.
        pub agent_ids: Vec<String>,
        /// Blocks that all of its agents share.
        pub shared_block_ids: Vec<String>,
        /// The most times that agents speak for one message of the user.
        pub max_turns: Option<u32>,
        /// With this in what an agent says, a dynamic group is done.
        pub termination_token: Option<String>,
        /// After how many turns memory is tidied; `Sleeptime` alone.
        pub every_turns: Option<u32>,
        /// Turns that were not gone through yet; `Sleeptime` alone.
        pub waiting_turns: u32,
        /// Whether its agents talk, or tidy, now.
        pub running: bool,
        /// Who of them has the word.
        pub speaking_id: Option<String>,
        /// When something was last said in it.
        pub last_message_at_ms: Option<i64>,
        /// When it was created.
        pub created_at_ms: i64,
    }

    /// A new group.
    pub struct CreateGroup {
        /// How it works.
        pub kind: GroupKind,
        /// What it is for.
        pub description: String,
        /// Its agents in their order, without the manager.
        pub agent_ids: Vec<String>,
        /// The agent that leads it; not for `RoundRobin`.
        #[serde(default)]
        #[ts(optional)]
        pub manager_id: Option<String>,
        /// Blocks that all of its agents are to share.
        #[serde(default)]
        #[ts(optional, as = "Option<Vec<String>>")]
        pub shared_block_ids: Vec<String>,
        /// The most times that agents speak for one message; as many as there are when left out.
        #[serde(default)]
        #[ts(optional)]
        pub max_turns: Option<u32>,
        /// With this in what an agent says, a dynamic group is done.
        #[serde(default)]
        #[ts(optional)]
        pub termination_token: Option<String>,
        /// After how many turns memory is tidied; 5 when left out.
        #[serde(default)]
        #[ts(optional)]
        pub every_turns: Option<u32>,
    }

    /// Changes of a group; what is left out stays.
    pub struct UpdateGroup {
        /// The group.
        pub group_id: String,
        /// New description.
        #[serde(default)]
        #[ts(optional)]
        pub description: Option<String>,
        /// New agents, in their order.
        #[serde(default)]
        #[ts(optional)]
        pub agent_ids: Option<Vec<String>>,
        /// New manager.
        #[serde(default)]
        #[ts(optional)]
        pub manager_id: Option<String>,
        /// New blocks that all share; agents keep those that are no longer among them.
        #[serde(default)]
        #[ts(optional)]
        pub shared_block_ids: Option<Vec<String>>,
        /// New limit of turns.
        #[serde(default)]
        #[ts(optional)]
        pub max_turns: Option<u32>,
        /// New word that ends the talk.
        #[serde(default)]
        #[ts(optional)]
        pub termination_token: Option<String>,
        /// New number of turns after which memory is tidied.
        #[serde(default)]
        #[ts(optional)]
        pub every_turns: Option<u32>,
    }

    /// Names one group.
    pub struct GroupRef {
        /// Its id.
        pub group_id: String,
    }

    /// A message to a group.
    pub struct SendToGroup {
        /// The group.
        pub group_id: String,
        /// What is said.
        pub text: String,
    }

    /// Which of what was said in a group.
    pub struct ListGroupMessages {
        /// The group.
        pub group_id: String,
        /// Only before this place; the newest when left out.
        #[serde(default)]
        #[ts(optional)]
        pub before_seq: Option<i64>,
        /// At most so many.
        pub limit: usize,
    }

    /// A page of what was said in a group, each thing once, oldest first. A message of the role `User` is the person's
    /// unless it has a sender, which is an agent.
    pub struct GroupMessagePage {
        /// The messages.
        pub messages: Vec<MessageView>,
        /// Whether there are older ones.
        pub has_more_before: bool,
    }

    /// Has the memory of an agent tidied in the background from now on, or no longer.
    pub struct SetSleeptime {
        /// The agent whose memory it is.
        pub agent_id: String,
        /// Whether.
        pub enabled: bool,
        /// After how many turns; 5 when left out.
        #[serde(default)]
        #[ts(optional)]
        pub every_turns: Option<u32>,
    }

    /// An agent, with those that tidy its memory.
    pub struct SleeptimeView {
        /// The group, where there is one.
        pub group: Option<GroupView>,
        /// The agents that tidy.
        pub agents: Vec<AgentView>,
    }
}
