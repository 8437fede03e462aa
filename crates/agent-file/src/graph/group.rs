//! Groups: agents that work together, and who leads them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Extra, Out};
use crate::AgentFileError;
use crate::fields::{Context, Fields};

/// The kinds of groups that V1 knows.
pub const MANAGER_KINDS: [&str; 5] = ["round_robin", "supervisor", "dynamic", "sleeptime", "voice_sleeptime"];

/// Agents that work together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Names it within the file.
    pub id: String,
    /// What it is for.
    pub description: String,
    /// Its agents, without the one that leads it.
    pub agent_ids: Vec<String>,
    /// How it is led.
    pub manager: Manager,
    /// Blocks that all of them share.
    pub shared_block_ids: Vec<String>,
    /// Other keys.
    pub extra: Extra,
}

/// How a group is led (`manager_config` in a file).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Manager {
    /// One of [`MANAGER_KINDS`].
    pub kind: String,
    /// The agent that leads; `round_robin` has none.
    pub agent_id: Option<String>,
    /// Other keys (`sleeptime_agent_frequency`, `max_turns`, `termination_token`).
    pub extra: Extra,
}

impl Group {
    pub(crate) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let place = fields.place;
        let manager = match fields.object("manager_config")? {
            Some(map) => Manager::read(Fields::new(Value::Object(map), place.key("manager_config"))?, cx)?,
            None => Manager { kind: MANAGER_KINDS[0].to_owned(), ..Manager::default() },
        };
        Ok(Self {
            id: fields.text_or_empty("id", cx)?,
            description: fields.text_or_empty("description", cx)?,
            agent_ids: fields.texts("agent_ids")?,
            manager,
            shared_block_ids: fields.texts("shared_block_ids")?,
            extra: fields.rest(),
        })
    }

    pub(crate) fn write(&self) -> Value {
        let Self { id, description, agent_ids, manager, shared_block_ids, extra } = self;
        let mut out = Out::default();
        out.put("id", id.as_str());
        out.put("description", description.as_str());
        out.put("agent_ids", agent_ids.clone());
        out.put("manager_config", manager.write());
        out.put("shared_block_ids", shared_block_ids.clone());
        out.with(extra)
    }
}

impl Manager {
    /// Whether this kind of group needs an agent that leads it.
    pub fn needs_agent(&self) -> bool {
        self.kind != "round_robin"
    }

    fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let mut kind = fields.text("manager_type", cx)?.unwrap_or_else(|| MANAGER_KINDS[0].to_owned());
        if !MANAGER_KINDS.contains(&kind.as_str()) {
            let text = format!(
                "{} is no kind of group that is known here; its agents speak in turn.",
                crate::json::quoted(&kind)
            );
            cx.mended(&fields.place.key("manager_type"), text);
            kind = MANAGER_KINDS[0].to_owned();
        }
        Ok(Self { kind, agent_id: fields.text("manager_agent_id", cx)?, extra: fields.rest() })
    }

    fn write(&self) -> Value {
        let Self { kind, agent_id, extra } = self;
        let mut out = Out::default();
        out.put("manager_type", kind.as_str());
        out.some("manager_agent_id", agent_id.as_ref());
        out.with(extra)
    }
}
