//! Servers of the Model Context Protocol. A server is only a description until the user allows it: nothing is started or
//! called before. Secrets (tokens, headers with keys) are no part of the description; they are kept where keys are.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::page::{Listing, Page};
use crate::sql::{Json, Reader, Word, Writer};
use crate::{McpServerId, StoreError};

/// How a server is talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum McpServerKind {
    /// Over HTTP, as the protocol has it today.
    StreamableHttp,
    /// A program on this computer, over its standard input and output.
    Stdio,
    /// Over HTTP with server-sent events, the older way.
    Sse,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct McpServer {
    /// Its id.
    pub id: McpServerId,
    /// Its name; unique among the servers that are not in the bin.
    pub name: String,
    /// How it is talked to.
    pub kind: McpServerKind,
    /// Where or how it is reached (`server_url`, or `command` and `args`), without secrets.
    pub config: Value,
    /// Whether the user allowed it to be started and called.
    pub allowed: bool,
    /// When it was created.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When it was moved to the bin.
    pub deleted_at_ms: Option<i64>,
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE mcp_servers (
    key           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    kind          TEXT NOT NULL,
    config        TEXT NOT NULL,
    allowed       INTEGER NOT NULL DEFAULT 0,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    deleted_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX mcp_servers_by_name ON mcp_servers (name) WHERE deleted_at_ms IS NULL;
CREATE INDEX tools_of_mcp_server ON tools (mcp_server_id) WHERE mcp_server_id IS NOT NULL;
";

fn of_row(row: &Row<'_>) -> rusqlite::Result<McpServer> {
    Ok(McpServer {
        id: McpServerId(row.get("id")?),
        name: row.get("name")?,
        kind: row.get::<_, Word<_>>("kind")?.0,
        config: row.get::<_, Json<_>>("config")?.0,
        allowed: row.get("allowed")?,
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
        deleted_at_ms: row.get("deleted_at_ms")?,
    })
}

impl Reader<'_> {
    /// The server called `id`, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn mcp_server(&self, id: &McpServerId) -> Result<Option<McpServer>, StoreError> {
        self.first("SELECT * FROM mcp_servers WHERE id = ?", [id.as_str()], of_row)
    }

    /// A part of the servers that are not in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_mcp_servers(&self, page: &Page) -> Result<Vec<McpServer>, StoreError> {
        self.page(Listing::of("mcp_servers", "key").and("deleted_at_ms IS NULL"), page, of_row)
    }

    fn mcp_server_by_name(&self, name: &str) -> Result<Option<McpServer>, StoreError> {
        self.first("SELECT * FROM mcp_servers WHERE name = ? AND deleted_at_ms IS NULL", [name], of_row)
    }
}

impl Writer<'_> {
    /// Adds a server.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id or its name is taken.
    pub fn insert_mcp_server(&mut self, server: &McpServer) -> Result<(), StoreError> {
        self.refuse_second_server(server)?;
        let name = ("MCP server", server.id.as_str());
        self.insert(
            name,
            name,
            "INSERT INTO mcp_servers (id, name, kind, config, allowed, created_at_ms, updated_at_ms, deleted_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                server.id.as_str(),
                server.name,
                Word(server.kind),
                Json(&server.config),
                server.allowed,
                server.created_at_ms,
                server.updated_at_ms,
                server.deleted_at_ms,
            ],
        )?;
        Ok(())
    }

    /// Writes what can be changed of a server. One that is reached in another way than before is no longer allowed: what
    /// the user allowed was the other.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when another has the new name; [`StoreError::NotFound`] when there is no such server.
    pub fn update_mcp_server(&mut self, server: &McpServer) -> Result<(), StoreError> {
        self.refuse_second_server(server)?;
        let before = self.mcp_server(&server.id)?;
        let same = before.is_some_and(|before| before.kind == server.kind && before.config == server.config);
        self.change(
            ("MCP server", server.id.as_str()),
            "UPDATE mcp_servers SET name = ?, kind = ?, config = ?, allowed = ?, updated_at_ms = ? WHERE id = ?",
            params![
                server.name,
                Word(server.kind),
                Json(&server.config),
                server.allowed && same,
                server.updated_at_ms,
                server.id.as_str(),
            ],
        )
    }

    /// Moves a server and its tools to the bin.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such server.
    pub fn delete_mcp_server(&mut self, id: &McpServerId, at_ms: i64) -> Result<(), StoreError> {
        self.execute(
            "UPDATE tools SET deleted_at_ms = ? WHERE mcp_server_id = ? AND deleted_at_ms IS NULL",
            params![at_ms, id.as_str()],
        )?;
        self.change(
            ("MCP server", id.as_str()),
            "UPDATE mcp_servers SET deleted_at_ms = ?, allowed = 0 WHERE id = ?",
            params![at_ms, id.as_str()],
        )
    }

    fn refuse_second_server(&self, server: &McpServer) -> Result<(), StoreError> {
        match self.mcp_server_by_name(&server.name)? {
            Some(other) if other.id != server.id => {
                Err(StoreError::Duplicate { what: "MCP server with the name", id: server.name.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }
}
