//! Core memory blocks.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Extra, Out};
use crate::AgentFileError;
use crate::fields::{Context, Fields};

/// A labelled, limited piece of core memory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Names it within the file.
    pub id: String,
    /// What agents call it.
    pub label: String,
    /// Its text.
    pub value: String,
    /// What it is for.
    pub description: Option<String>,
    /// The longest value it may have, in characters; V1 takes 100,000 where there is none.
    pub limit_chars: Option<u64>,
    /// Whether agents may not write to it.
    pub read_only: bool,
    /// Whatever a client keeps with it.
    pub metadata: Extra,
    /// Other keys.
    pub extra: Extra,
}

impl Block {
    pub(crate) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let label = match fields.text("label", cx)?.filter(|label| !label.is_empty()) {
            Some(label) => label,
            None => {
                cx.mended(&fields.place, "A block had no label; it is called \"notes\".");
                "notes".to_owned()
            }
        };
        let of_v1 = fields.object("metadata")?;
        Ok(Self {
            id: fields.text_or_empty("id", cx)?,
            label,
            value: fields.text_or_empty("value", cx)?,
            description: fields.text("description", cx)?,
            limit_chars: fields.count("limit", cx)?,
            read_only: fields.flag("read_only", cx)?.unwrap_or_default(),
            // The legacy form calls them as its tables do.
            metadata: of_v1.map_or_else(|| fields.object("metadata_"), |map| Ok(Some(map)))?.unwrap_or_default(),
            extra: fields.rest(),
        })
    }

    pub(crate) fn write(&self) -> Value {
        let Self { id, label, value, description, limit_chars, read_only, metadata, extra } = self;
        let mut out = Out::default();
        out.put("id", id.as_str());
        out.put("label", label.as_str());
        out.put("value", value.as_str());
        out.some("description", description.as_ref());
        out.some("limit", limit_chars.as_ref());
        out.put("read_only", *read_only);
        out.put("metadata", metadata.clone());
        out.with(extra)
    }
}
