//! Skills: folders of instructions that some programs load. Resident carries them along.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Extra, Out};
use crate::fields::{Context, Fields, wrong};
use crate::{AgentFileError, NoticeKind, safe_file_name};

/// A skill.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Skill {
    /// Its name, by which it is known.
    pub name: String,
    /// Its files by their harmless names; `SKILL.md` is the first that is read.
    pub files: BTreeMap<String, String>,
    /// Where it comes from. Never fetched.
    pub source_url: Option<String>,
    /// Other keys.
    pub extra: Extra,
}

impl Skill {
    pub(crate) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let name = fields.required_text("name", cx)?;
        let outer = fields.place;
        let place = outer.key("files");
        let mut files = BTreeMap::new();
        for (key, value) in fields.object("files")?.unwrap_or_default() {
            let Value::String(text) = value else { return Err(wrong(&place.key(&key), "a text", &value)) };
            let safe = safe_file_name(&key).into_owned();
            if safe != key {
                cx.mended(
                    &place.key(&key),
                    format!("The name of this file could lead out of its folder; it is {safe:?} here."),
                );
            }
            match files.entry(safe) {
                Entry::Vacant(free) => {
                    free.insert(text);
                }
                Entry::Occupied(_) => {
                    let text = "Another file of the skill has this name; this one is left out.";
                    cx.notices.add(NoticeKind::NotAdopted, &place.key(&key), text);
                }
            }
        }
        let skill = Self { name, files, source_url: fields.text("source_url", cx)?, extra: fields.rest() };
        if skill.has_content() {
            let text =
                format!("The skill {} is kept with the file and not used here.", crate::json::quoted(&skill.name));
            cx.notices.add_as(NoticeKind::Inert, &outer, "Skills are kept with the file and not used here.", text);
        }
        Ok(skill)
    }

    /// Whether there is anything in it that V1 reads.
    pub(crate) fn has_content(&self) -> bool {
        self.files.contains_key("SKILL.md") || self.source_url.is_some()
    }

    pub(crate) fn write(&self) -> Value {
        let Self { name, files, source_url, extra } = self;
        let mut out = Out::default();
        out.put("name", name.as_str());
        if !files.is_empty() {
            let files: Map<String, Value> =
                files.iter().map(|(name, text)| (name.clone(), text.as_str().into())).collect();
            out.put("files", files);
        }
        out.some("source_url", source_url.as_ref());
        out.with(extra)
    }
}
