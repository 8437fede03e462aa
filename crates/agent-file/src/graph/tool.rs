//! Tools and the servers that some of them come from. The code of a tool is text here and nothing else.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Extra, Out};
use crate::fields::{Context, Fields, wrong};
use crate::{AgentFileError, NoticeKind};

/// The kinds of tools that V1 knows.
pub const TOOL_TYPES: [&str; 11] = [
    "custom",
    "letta_core",
    "letta_memory_core",
    "letta_multi_agent_core",
    "letta_sleeptime_core",
    "letta_voice_sleeptime_core",
    "letta_builtin",
    "letta_files_core",
    "external_langchain",
    "external_composio",
    "external_mcp",
];

/// The longest results that V1 lets a tool be set to, in characters.
const RETURN_CHARS: std::ops::RangeInclusive<u64> = 1..=1_000_000;

/// A tool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Names it within the file.
    pub id: String,
    /// What models call.
    pub name: String,
    /// What the model is told of it.
    pub description: Option<String>,
    /// One of [`TOOL_TYPES`].
    pub tool_type: String,
    /// Its program text, which is never run.
    pub source_code: Option<String>,
    /// The language of that text.
    pub source_type: Option<String>,
    /// Its schema in the form of function calling: `{name, description, parameters}`.
    pub json_schema: Extra,
    /// Words under which clients find it.
    pub tags: Vec<String>,
    /// The longest result that a model is shown, in characters.
    pub return_char_limit: Option<u64>,
    /// Whether a call of it waits for the user.
    pub default_requires_approval: Option<bool>,
    /// The server that it comes from.
    pub mcp_server_id: Option<String>,
    /// Whatever a client keeps with it (`metadata_` in a file).
    pub metadata: Extra,
    /// Other keys.
    pub extra: Extra,
}

impl Tool {
    /// Whether it is one that the program which wrote the file had of its own, so that its name says what it does.
    pub fn is_built_in(&self) -> bool {
        self.tool_type.starts_with("letta_")
    }

    /// The name of the server that it comes from, as its metadata says.
    pub fn mcp_server_name(&self) -> Option<&str> {
        self.metadata.get("mcp")?.get("server_name")?.as_str()
    }

    pub(crate) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let place = fields.place;
        let mut tool_type = fields.text("tool_type", cx)?.unwrap_or_else(|| "custom".to_owned());
        if !TOOL_TYPES.contains(&tool_type.as_str()) {
            let text = format!(
                "{} is no kind of tool that is known here; it counts as custom.",
                crate::json::quoted(&tool_type)
            );
            cx.mended(&place.key("tool_type"), text);
            tool_type = "custom".to_owned();
        }
        let json_schema = fields.object("json_schema")?.unwrap_or_default();
        let of_schema = json_schema.get("name").and_then(Value::as_str).map(str::to_owned);
        let name = match fields.text("name", cx)?.or(of_schema) {
            Some(name) => name,
            None => return Err(AgentFileError::Missing { place: place.words(), key: "name" }),
        };
        let mut metadata = match fields.object("metadata_")? {
            Some(map) => map,
            None => fields.object("metadata")?.unwrap_or_default(),
        };
        let mcp_server_id = take_server_id(&mut metadata);
        let limit = fields.count("return_char_limit", cx)?;
        let return_char_limit = limit.map(|limit| limit.clamp(*RETURN_CHARS.start(), *RETURN_CHARS.end()));
        if limit != return_char_limit {
            cx.mended(
                &place.key("return_char_limit"),
                "The longest result was out of bounds; it is the nearest bound.",
            );
        }
        let tool = Self {
            id: fields.text_or_empty("id", cx)?,
            name,
            description: fields.text("description", cx)?,
            tool_type,
            source_code: fields.text("source_code", cx)?,
            source_type: fields.text("source_type", cx)?,
            json_schema,
            tags: fields.texts("tags")?,
            return_char_limit,
            default_requires_approval: fields.flag("default_requires_approval", cx)?,
            mcp_server_id,
            metadata,
            extra: fields.rest(),
        };
        tool.say_what_becomes_of_it(&place, cx);
        Ok(tool)
    }

    fn say_what_becomes_of_it(&self, place: &crate::place::Place<'_>, cx: &mut Context<'_>) {
        let name = crate::json::quoted(&self.name);
        if !self.is_built_in() && self.source_code.is_some() {
            let text = format!("The code of the tool {name} is kept as text. It is not run here.");
            cx.notices.add_as(NoticeKind::Inert, place, "The code of tools is kept as text. It is not run here.", text);
        }
        let properties = self.json_schema.get("parameters").and_then(|parameters| parameters.get("properties"));
        let has = |name| properties.and_then(|properties| properties.get(name)).is_some();
        if self.is_built_in() && (has("old_str") || has("new_str")) {
            let text = format!("The schema of {name} has the argument names of an older version; both are understood.");
            cx.notices.add(NoticeKind::Mended, place, text);
        }
    }

    pub(crate) fn write(&self) -> Value {
        let Self {
            id,
            name,
            description,
            tool_type,
            source_code,
            source_type,
            json_schema,
            tags,
            return_char_limit,
            default_requires_approval,
            mcp_server_id,
            metadata,
            extra,
        } = self;
        let mut out = Out::default();
        out.put("id", id.as_str());
        out.put("name", name.as_str());
        out.some("description", description.as_ref());
        out.put("tool_type", tool_type.as_str());
        out.some("source_type", source_type.as_ref());
        out.some("source_code", source_code.as_ref());
        out.map("json_schema", json_schema);
        out.put("tags", tags.clone());
        out.some("return_char_limit", return_char_limit.as_ref());
        out.some("default_requires_approval", default_requires_approval.as_ref());
        let mut metadata = metadata.clone();
        if let Some(id) = mcp_server_id {
            put_server_id(&mut metadata, id);
        }
        out.put("metadata_", metadata);
        out.with(extra)
    }
}

/// V1 keeps the server of a tool in its metadata: `{"mcp": {"server_id": …, "server_name": …}}`.
fn take_server_id(metadata: &mut Extra) -> Option<String> {
    let mcp = metadata.get_mut("mcp")?.as_object_mut()?;
    mcp.get("server_id")?.as_str()?;
    match mcp.shift_remove("server_id")? {
        Value::String(id) => Some(id),
        _ => None,
    }
}

fn put_server_id(metadata: &mut Extra, id: &str) {
    let mcp = metadata.entry("mcp").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(mcp) = mcp {
        mcp.insert("server_id".to_owned(), id.into());
    }
}

/// A server of the Model Context Protocol. It is a description: nothing is started or called because a file says so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct McpServer {
    /// Names it within the file.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is talked to: `stdio`, `sse` or `streamable_http`.
    pub server_type: String,
    /// Where it is reached.
    pub server_url: Option<String>,
    /// The program that is started for it: `command`, `args` and perhaps `env`, whose values are secrets.
    pub stdio_config: Option<Extra>,
    /// A secret that it is called with.
    pub token: Option<String>,
    /// Headers that it is called with; their values are secrets.
    pub custom_headers: Extra,
    /// Whatever a client keeps with it (`metadata_` in a file).
    pub metadata: Extra,
    /// Other keys.
    pub extra: Extra,
}

impl McpServer {
    pub(crate) fn read(mut fields: Fields<'_>, cx: &mut Context<'_>) -> Result<Self, AgentFileError> {
        let place = fields.place;
        let name = match fields.text("server_name", cx)? {
            Some(name) => name,
            None => fields.required_text("name", cx)?,
        };
        let server = Self {
            id: fields.text_or_empty("id", cx)?,
            name,
            server_type: fields.text("server_type", cx)?.unwrap_or_else(|| "streamable_http".to_owned()),
            server_url: fields.text("server_url", cx)?,
            stdio_config: fields.object("stdio_config")?,
            token: fields.text("token", cx)?,
            custom_headers: fields.object("custom_headers")?.unwrap_or_default(),
            metadata: fields.object("metadata_")?.unwrap_or_default(),
            extra: fields.rest(),
        };
        if let Some((key, value)) = server.custom_headers.iter().find(|(_, value)| !value.is_string()) {
            return Err(wrong(&place.key("custom_headers").key(key), "a text", value));
        }
        let text = format!(
            "The server {} is kept as a description. It is neither started nor called before you allow it.",
            crate::json::quoted(&server.name)
        );
        cx.notices.add_as(NoticeKind::Inert, &place, "Servers of tools are not started before you allow it.", text);
        let env = server.stdio_config.as_ref().and_then(|config| config.get("env")?.as_object());
        let in_env =
            env.is_some_and(|env| env.values().any(|value| value.as_str().is_some_and(|value| !value.is_empty())));
        let in_headers =
            server.custom_headers.values().any(|value| value.as_str().is_some_and(|value| !value.is_empty()));
        if in_env || in_headers || server.token.as_ref().is_some_and(|token| !token.is_empty()) {
            let text = format!("The file carries secrets of the server {}.", crate::json::quoted(&server.name));
            cx.notices.add(NoticeKind::Secret, &place, text);
        }
        Ok(server)
    }

    pub(crate) fn write(&self) -> Value {
        let Self { id, name, server_type, server_url, stdio_config, token, custom_headers, metadata, extra } = self;
        let mut out = Out::default();
        out.put("id", id.as_str());
        out.put("server_type", server_type.as_str());
        out.put("server_name", name.as_str());
        out.some("server_url", server_url.as_ref());
        out.some("stdio_config", stdio_config.as_ref());
        out.some("token", token.as_ref());
        out.map("custom_headers", custom_headers);
        out.map("metadata_", metadata);
        out.with(extra)
    }
}
