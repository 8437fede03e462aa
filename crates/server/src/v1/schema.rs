//! Shapes that several resources share, as clients of V1 read them. What Resident has no value for is `null`, since
//! clients were written against a server that always sent every field.

use resident_app::records::{Agent, AgentType, Block};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A time in V1's form.
pub(super) fn time(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default().to_string()
}

/// A time as clients send it: with an offset, without one (then it is UTC), or only a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub(super) struct Moment(jiff::Timestamp);

impl Moment {
    pub(super) fn as_ms(self) -> i64 {
        self.0.as_millisecond()
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = String::deserialize(reader)?;
        let in_utc =
            |time: jiff::civil::DateTime| time.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp());
        text.parse::<jiff::Timestamp>()
            .or_else(|_| text.parse::<jiff::civil::DateTime>().and_then(in_utc))
            .map(Self)
            .map_err(|_| serde::de::Error::custom(format!("`{text}` is not a time such as 2026-01-31T12:00:00Z")))
    }
}

/// A time of a message: V1 cuts these to whole seconds.
pub(super) fn message_time(at_ms: i64) -> String {
    let second = jiff::Timestamp::from_second(at_ms.div_euclid(1000)).unwrap_or_default();
    second.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// A field that only clients of V1 read.
pub(super) fn kept(letta: &Value, field: &str) -> Value {
    letta.get(field).cloned().unwrap_or(Value::Null)
}

/// V1's word for how an agent speaks; as it was asked for, where Resident maps it to another.
pub(super) fn agent_type_name(agent: &Agent) -> String {
    let asked = agent.letta.get("agent_type").and_then(Value::as_str);
    let own = match agent.agent_type {
        AgentType::MemgptAgent => "memgpt_agent",
        AgentType::LettaV1Agent => "letta_v1_agent",
    };
    asked.unwrap_or(own).to_owned()
}

/// A block.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct BlockBody {
    id: String,
    label: String,
    value: String,
    description: Option<String>,
    limit: usize,
    read_only: bool,
    #[schema(value_type = Object)]
    metadata: Value,
    #[schema(value_type = Vec<String>)]
    tags: Value,
    #[schema(value_type = bool)]
    hidden: Value,
    is_template: bool,
    #[schema(value_type = Option<String>)]
    template_name: Value,
    template_id: Option<String>,
    base_template_id: Option<String>,
    deployment_id: Option<String>,
    entity_id: Option<String>,
    #[schema(value_type = Option<String>)]
    project_id: Value,
    preserve_on_migration: bool,
    created_by_id: &'static str,
    last_updated_by_id: &'static str,
}

/// The one user of a profile, in V1's terms.
pub(super) const USER_ID: &str = "user-00000000-0000-4000-8000-000000000000";

pub(super) fn block_body(block: Block) -> BlockBody {
    let Block { id, label, description, value, limit_chars, read_only, metadata, letta, .. } = block;
    BlockBody {
        id: id.0,
        label,
        value,
        description: Some(description),
        limit: limit_chars,
        read_only,
        metadata,
        tags: letta.get("tags").cloned().unwrap_or_else(|| json!([])),
        hidden: kept(&letta, "hidden"),
        is_template: letta.get("is_template").and_then(Value::as_bool).unwrap_or(false),
        template_name: kept(&letta, "template_name"),
        template_id: None,
        base_template_id: None,
        deployment_id: None,
        entity_id: None,
        project_id: kept(&letta, "project_id"),
        preserve_on_migration: false,
        created_by_id: USER_ID,
        last_updated_by_id: USER_ID,
    }
}

/// The embedder's handle that is reported where a client asked for none.
pub(super) const EMBEDDER: &str = "local/all-minilm-l6-v2";

/// What V1 tells of an embedding model.
pub(super) fn embedding_config(handle: &str) -> Value {
    let name = handle.rsplit('/').next().unwrap_or(handle);
    json!({
        "embedding_model": name,
        "embedding_endpoint_type": "openai",
        "embedding_endpoint": null,
        "embedding_dim": 384,
        "embedding_chunk_size": 300,
        "batch_size": 32,
        "handle": handle,
    })
}
