//! The profile: first start, settings, health, bin, licences.

use super::{AgentView, BlockView, PassageView};

api_type! {
    /// The profile and the program.
    pub struct ProfileView {
        /// Resident's version.
        pub version: String,
        /// The profile's folder.
        pub folder: String,
        /// Whether nobody has given a name yet.
        pub first_start: bool,
        /// What the user is called.
        pub user_name: Option<String>,
        /// Whether keys are kept in the system's keyring, or only until the program ends.
        pub keyring: bool,
        /// Messages and passages that still wait for their vectors.
        pub unembedded: usize,
        /// The newest event, for a subscription from here on.
        pub last_event_seq: u64,
    }

    /// The first start.
    pub struct StartProfile {
        /// What the user is called.
        pub user_name: String,
    }

    /// Light, dark, or as the system says.
    #[derive(Copy, Eq, Default)]
    pub enum Theme {
        /// As the system says.
        #[default]
        System,
        /// Light.
        Light,
        /// Dark.
        Dark,
    }

    /// Settings of the profile.
    pub struct SettingsView {
        /// Whether only this computer is spoken to.
        pub offline: bool,
        /// Light or dark.
        pub theme: Theme,
        /// The default language model.
        pub default_model: String,
        /// Where the agent is warned, in percent of the window.
        pub pressure_percent: u8,
        /// Where the oldest part is evicted, in percent of the window.
        pub compaction_percent: u8,
        /// Steps that a turn may take.
        pub max_steps: usize,
        /// Sampling temperature.
        pub temperature: f32,
        /// The longest answer in tokens.
        pub max_answer_tokens: usize,
        /// Size of the interface's text, in percent.
        pub text_percent: u16,
    }

    /// Changes to settings; what is left out stays.
    #[derive(Default)]
    pub struct UpdateSettings {
        /// Whether only this computer is spoken to.
        #[serde(default)]
        #[ts(optional)]
        pub offline: Option<bool>,
        /// Light or dark.
        #[serde(default)]
        #[ts(optional)]
        pub theme: Option<Theme>,
        /// The default language model.
        #[serde(default)]
        #[ts(optional)]
        pub default_model: Option<String>,
        /// 10 to 95, below compaction.
        #[serde(default)]
        #[ts(optional)]
        pub pressure_percent: Option<u8>,
        /// 20 to 100.
        #[serde(default)]
        #[ts(optional)]
        pub compaction_percent: Option<u8>,
        /// 1 to 100.
        #[serde(default)]
        #[ts(optional)]
        pub max_steps: Option<usize>,
        /// 0 to 2.
        #[serde(default)]
        #[ts(optional)]
        pub temperature: Option<f32>,
        /// 16 to 8192.
        #[serde(default)]
        #[ts(optional)]
        pub max_answer_tokens: Option<usize>,
        /// 80 to 200.
        #[serde(default)]
        #[ts(optional)]
        pub text_percent: Option<u16>,
        /// What the user is called.
        #[serde(default)]
        #[ts(optional)]
        pub user_name: Option<String>,
    }

    /// Everything in the bin.
    pub struct BinView {
        /// Agents.
        pub agents: Vec<AgentView>,
        /// Blocks.
        pub blocks: Vec<BlockView>,
        /// Passages, newest 500.
        pub passages: Vec<PassageView>,
    }

    /// Empties the bin for good; `confirm` must be "empty".
    pub struct EmptyBin {
        /// The word typed.
        pub confirm: String,
    }

    /// One check of the doctor.
    pub struct HealthCheck {
        /// What was looked at.
        pub name: String,
        /// Whether it is well.
        pub ok: bool,
        /// What was found, and what to do if it is not well.
        pub message: String,
    }

    /// A licence of a part.
    pub struct LicenceView {
        /// The part's name.
        pub name: String,
        /// Its version.
        pub version: String,
        /// SPDX expression.
        pub licence: String,
        /// Where it comes from.
        pub source: String,
    }

    /// The end of the log.
    pub struct ReadLog {
        /// At most so many lines.
        pub lines: usize,
    }

    /// Lines of the log.
    pub struct LogLines {
        /// Newest last.
        pub lines: Vec<String>,
        /// The log's file.
        pub path: String,
    }
}
