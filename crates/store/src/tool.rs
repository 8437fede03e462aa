//! Tools as data: custom tools that a client described, and tools of MCP servers. What is kept here is what a model is
//! told and what clients ask back. Source code is inert text: nothing in Resident runs it. The tools that Resident has of
//! its own are code and have no row.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::page::{Listing, Page};
use crate::sql::{Json, Reader, Word, Writer};
use crate::{McpServerId, StoreError, ToolId};

/// Where a tool comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolType {
    /// A client described it, and runs it itself where it does.
    Custom,
    /// An MCP server offers it.
    ExternalMcp,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolDefinition {
    /// Its id.
    pub id: ToolId,
    /// The name that models call; unique among the tools that are not in the bin.
    pub name: String,
    /// What the model is told of it.
    pub description: String,
    /// The whole schema in the form of function calling: `{name, description, parameters}`.
    pub json_schema: Value,
    /// The program text that came with it, which is never run.
    pub source_code: Option<String>,
    /// The language of that text, as the client says.
    pub source_type: Option<String>,
    /// Words under which clients find it again.
    pub tags: Vec<String>,
    /// Where it comes from.
    pub tool_type: ToolType,
    /// Whether a call of it waits for the user where an agent says nothing else.
    pub default_requires_approval: bool,
    /// The longest result that a model is shown, in characters.
    pub return_char_limit: usize,
    /// The server that offers it.
    pub mcp_server_id: Option<McpServerId>,
    /// Whatever else a client wants to keep with it; never read by Resident.
    pub metadata: Value,
    /// When it was created.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When it was moved to the bin.
    pub deleted_at_ms: Option<i64>,
}

/// Which tools are listed; those in the bin never are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolListing {
    /// Of which server.
    pub mcp_server_id: Option<McpServerId>,
    /// Which part.
    pub page: Page,
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE tools (
    key                       INTEGER PRIMARY KEY AUTOINCREMENT,
    id                        TEXT NOT NULL UNIQUE,
    name                      TEXT NOT NULL,
    description               TEXT NOT NULL,
    json_schema               TEXT NOT NULL,
    source_code               TEXT,
    source_type               TEXT,
    tags                      TEXT NOT NULL,
    tool_type                 TEXT NOT NULL,
    default_requires_approval INTEGER NOT NULL,
    return_char_limit         INTEGER NOT NULL,
    mcp_server_id             TEXT,
    metadata                  TEXT NOT NULL,
    created_at_ms             INTEGER NOT NULL,
    updated_at_ms             INTEGER NOT NULL,
    deleted_at_ms             INTEGER
) STRICT;
CREATE UNIQUE INDEX tools_by_name ON tools (name) WHERE deleted_at_ms IS NULL;
";

fn of_row(row: &Row<'_>) -> rusqlite::Result<ToolDefinition> {
    Ok(ToolDefinition {
        id: ToolId(row.get("id")?),
        name: row.get("name")?,
        description: row.get("description")?,
        json_schema: row.get::<_, Json<_>>("json_schema")?.0,
        source_code: row.get("source_code")?,
        source_type: row.get("source_type")?,
        tags: row.get::<_, Json<_>>("tags")?.0,
        tool_type: row.get::<_, Word<_>>("tool_type")?.0,
        default_requires_approval: row.get("default_requires_approval")?,
        return_char_limit: usize::try_from(row.get::<_, i64>("return_char_limit")?).unwrap_or(usize::MAX),
        mcp_server_id: row.get::<_, Option<String>>("mcp_server_id")?.map(McpServerId),
        metadata: row.get::<_, Json<_>>("metadata")?.0,
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
        deleted_at_ms: row.get("deleted_at_ms")?,
    })
}

impl Reader<'_> {
    /// The tool called `id`, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tool(&self, id: &ToolId) -> Result<Option<ToolDefinition>, StoreError> {
        self.first("SELECT * FROM tools WHERE id = ?", [id.as_str()], of_row)
    }

    /// The tool that models call `name`; none in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tool_by_name(&self, name: &str) -> Result<Option<ToolDefinition>, StoreError> {
        self.first("SELECT * FROM tools WHERE name = ? AND deleted_at_ms IS NULL", [name], of_row)
    }

    /// A part of the tools that `listing` means.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_tools(&self, listing: &ToolListing) -> Result<Vec<ToolDefinition>, StoreError> {
        let ToolListing { mcp_server_id, page } = listing;
        let mut asked = Listing::of("tools", "key").and("deleted_at_ms IS NULL");
        if let Some(server) = mcp_server_id {
            asked = asked.and_is("mcp_server_id", server.as_str());
        }
        self.page(asked, page, of_row)
    }
}

impl Writer<'_> {
    /// Adds a tool.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id is taken, or its name by a tool that is not in the bin.
    pub fn insert_tool(&mut self, tool: &ToolDefinition) -> Result<(), StoreError> {
        self.refuse_second_tool(tool)?;
        let name = ("tool", tool.id.as_str());
        self.insert(
            name,
            name,
            "INSERT INTO tools (id, name, description, json_schema, source_code, source_type, tags, tool_type,
                                default_requires_approval, return_char_limit, mcp_server_id, metadata, created_at_ms,
                                updated_at_ms, deleted_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                tool.id.as_str(),
                tool.name,
                tool.description,
                Json(&tool.json_schema),
                tool.source_code,
                tool.source_type,
                Json(&tool.tags),
                Word(tool.tool_type),
                tool.default_requires_approval,
                limit_of(tool),
                tool.mcp_server_id.as_ref().map(McpServerId::as_str),
                Json(&tool.metadata),
                tool.created_at_ms,
                tool.updated_at_ms,
                tool.deleted_at_ms,
            ],
        )?;
        Ok(())
    }

    /// Writes what can be changed of a tool: all but its id, its creation and the bin.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when another tool has the new name; [`StoreError::NotFound`] when there is no such tool.
    pub fn update_tool(&mut self, tool: &ToolDefinition) -> Result<(), StoreError> {
        self.refuse_second_tool(tool)?;
        self.change(
            ("tool", tool.id.as_str()),
            "UPDATE tools SET name = ?, description = ?, json_schema = ?, source_code = ?, source_type = ?, tags = ?,
                              tool_type = ?, default_requires_approval = ?, return_char_limit = ?, mcp_server_id = ?,
                              metadata = ?, updated_at_ms = ? WHERE id = ?",
            params![
                tool.name,
                tool.description,
                Json(&tool.json_schema),
                tool.source_code,
                tool.source_type,
                Json(&tool.tags),
                Word(tool.tool_type),
                tool.default_requires_approval,
                limit_of(tool),
                tool.mcp_server_id.as_ref().map(McpServerId::as_str),
                Json(&tool.metadata),
                tool.updated_at_ms,
                tool.id.as_str(),
            ],
        )
    }

    /// Moves a tool to the bin (with the time) or back (with `None`).
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when it comes back while another has its name; [`StoreError::NotFound`] when there is no
    /// such tool.
    pub fn set_tool_deleted(&mut self, id: &ToolId, at_ms: Option<i64>) -> Result<(), StoreError> {
        if let (Some(tool), None) = (self.tool(id)?, at_ms) {
            self.refuse_second_tool(&tool)?;
        }
        self.change(
            ("tool", id.as_str()),
            "UPDATE tools SET deleted_at_ms = ? WHERE id = ?",
            params![at_ms, id.as_str()],
        )
    }

    fn refuse_second_tool(&self, tool: &ToolDefinition) -> Result<(), StoreError> {
        match self.tool_by_name(&tool.name)? {
            Some(other) if other.id != tool.id => {
                Err(StoreError::Duplicate { what: "tool with the name", id: tool.name.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn limit_of(tool: &ToolDefinition) -> i64 {
    i64::try_from(tool.return_char_limit).unwrap_or(i64::MAX)
}
