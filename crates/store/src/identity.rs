//! Identities: the people and organisations that a client talks for, with the agents and blocks that belong to them.
//! Resident keeps them for clients and reads nothing of them.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::page::{Listing, Page};
use crate::sql::{Json, Reader, Writer};
use crate::{AgentId, BlockId, IdentityId, StoreError};

/// One identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Its id.
    pub id: IdentityId,
    /// The client's own key for it; unique among the identities that are not in the bin.
    pub identifier_key: String,
    /// Its name.
    pub name: String,
    /// What it is, in the client's words (`user`, `org`, `other`).
    pub identity_type: String,
    /// What the client knows of it, as the client keeps it.
    pub properties: Value,
    /// What clients of Letta's API set and only they read, as a JSON object.
    pub letta: Value,
    /// The agents attached to it, in the order in which they were.
    pub agent_ids: Vec<AgentId>,
    /// The blocks attached to it, in the order in which they were.
    pub block_ids: Vec<BlockId>,
    /// When it was created.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When it was moved to the bin.
    pub deleted_at_ms: Option<i64>,
}

/// Which identities are listed; those in the bin never are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IdentityListing {
    /// Of exactly this key.
    pub identifier_key: Option<String>,
    /// Of exactly this name.
    pub name: Option<String>,
    /// Of this type.
    pub identity_type: Option<String>,
    /// Attached to this agent.
    pub agent_id: Option<AgentId>,
    /// Which part.
    pub page: Page,
}

pub(crate) const SCHEMA: &str = "
CREATE TABLE identities (
    key            INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT NOT NULL UNIQUE,
    identifier_key TEXT NOT NULL,
    name           TEXT NOT NULL,
    identity_type  TEXT NOT NULL,
    properties     TEXT NOT NULL,
    letta          TEXT NOT NULL,
    created_at_ms  INTEGER NOT NULL,
    updated_at_ms  INTEGER NOT NULL,
    deleted_at_ms  INTEGER
) STRICT;
CREATE UNIQUE INDEX identities_by_key ON identities (identifier_key) WHERE deleted_at_ms IS NULL;

CREATE TABLE identity_agents (
    key         INTEGER PRIMARY KEY,
    identity_id TEXT NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    agent_id    TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    UNIQUE (identity_id, agent_id)
) STRICT;
CREATE INDEX identities_of_agent ON identity_agents (agent_id);

CREATE TABLE identity_blocks (
    key         INTEGER PRIMARY KEY,
    identity_id TEXT NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    block_id    TEXT NOT NULL REFERENCES blocks (id) ON DELETE CASCADE,
    UNIQUE (identity_id, block_id)
) STRICT;
CREATE INDEX identities_of_block ON identity_blocks (block_id);
";

fn of_row(row: &Row<'_>) -> rusqlite::Result<Identity> {
    Ok(Identity {
        id: IdentityId(row.get("id")?),
        identifier_key: row.get("identifier_key")?,
        name: row.get("name")?,
        identity_type: row.get("identity_type")?,
        properties: row.get::<_, Json<_>>("properties")?.0,
        letta: row.get::<_, Json<_>>("letta")?.0,
        agent_ids: Vec::new(),
        block_ids: Vec::new(),
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
        deleted_at_ms: row.get("deleted_at_ms")?,
    })
}

impl Reader<'_> {
    /// The identity called `id`, in the bin or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn identity(&self, id: &IdentityId) -> Result<Option<Identity>, StoreError> {
        let found = self.first("SELECT * FROM identities WHERE id = ?", [id.as_str()], of_row)?;
        found.map(|identity| self.with_attached(identity)).transpose()
    }

    /// The identity that the client calls `key`; none in the bin.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn identity_by_key(&self, key: &str) -> Result<Option<Identity>, StoreError> {
        let sql = "SELECT * FROM identities WHERE identifier_key = ? AND deleted_at_ms IS NULL";
        self.first(sql, [key], of_row)?.map(|identity| self.with_attached(identity)).transpose()
    }

    /// A part of the identities that `listing` means.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_identities(&self, listing: &IdentityListing) -> Result<Vec<Identity>, StoreError> {
        let IdentityListing { identifier_key, name, identity_type, agent_id, page } = listing;
        let mut asked = Listing::of("identities", "key").and("deleted_at_ms IS NULL");
        let columns = [("identifier_key", identifier_key), ("name", name), ("identity_type", identity_type)];
        for (column, value) in columns {
            if let Some(value) = value {
                asked = asked.and_is(column, value);
            }
        }
        if let Some(agent_id) = agent_id {
            let attached = "id IN (SELECT identity_id FROM identity_agents WHERE agent_id = ?)";
            asked = asked.and_with(attached, agent_id.to_string());
        }
        let found = self.page(asked, page, of_row)?;
        found.into_iter().map(|identity| self.with_attached(identity)).collect()
    }

    fn with_attached(&self, identity: Identity) -> Result<Identity, StoreError> {
        let id = identity.id.as_str();
        let agents = "SELECT agent_id FROM identity_agents WHERE identity_id = ? ORDER BY key";
        let blocks = "SELECT block_id FROM identity_blocks WHERE identity_id = ? ORDER BY key";
        Ok(Identity {
            agent_ids: self.all(agents, [id], |row| row.get(0).map(AgentId))?,
            block_ids: self.all(blocks, [id], |row| row.get(0).map(BlockId))?,
            ..identity
        })
    }
}

impl Writer<'_> {
    /// Adds an identity with what is attached to it.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when its id or its key is taken; [`StoreError::NotFound`] when an agent or block to be
    /// attached is not there.
    pub fn insert_identity(&mut self, identity: &Identity) -> Result<(), StoreError> {
        self.refuse_second_identity(identity)?;
        let name = ("identity", identity.id.as_str());
        self.insert(
            name,
            name,
            "INSERT INTO identities (id, identifier_key, name, identity_type, properties, letta, created_at_ms,
                                     updated_at_ms, deleted_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                identity.id.as_str(),
                identity.identifier_key,
                identity.name,
                identity.identity_type,
                Json(&identity.properties),
                Json(&identity.letta),
                identity.created_at_ms,
                identity.updated_at_ms,
                identity.deleted_at_ms,
            ],
        )?;
        self.attach_all(identity)
    }

    /// Writes an identity and what is attached to it: all but its id, its creation and the bin.
    ///
    /// # Errors
    /// As for [`Writer::insert_identity`]; [`StoreError::NotFound`] when there is no such identity.
    pub fn update_identity(&mut self, identity: &Identity) -> Result<(), StoreError> {
        self.refuse_second_identity(identity)?;
        let id = identity.id.as_str();
        self.change(
            ("identity", id),
            "UPDATE identities SET identifier_key = ?, name = ?, identity_type = ?, properties = ?, letta = ?,
                                   updated_at_ms = ? WHERE id = ?",
            params![
                identity.identifier_key,
                identity.name,
                identity.identity_type,
                Json(&identity.properties),
                Json(&identity.letta),
                identity.updated_at_ms,
                id,
            ],
        )?;
        self.execute("DELETE FROM identity_agents WHERE identity_id = ?", [id])?;
        self.execute("DELETE FROM identity_blocks WHERE identity_id = ?", [id])?;
        self.attach_all(identity)
    }

    /// Moves an identity to the bin (with the time) or back (with `None`).
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when it comes back while another has its key; [`StoreError::NotFound`] when there is no
    /// such identity.
    pub fn set_identity_deleted(&mut self, id: &IdentityId, at_ms: Option<i64>) -> Result<(), StoreError> {
        if let (Some(identity), None) = (self.identity(id)?, at_ms) {
            self.refuse_second_identity(&identity)?;
        }
        self.change(
            ("identity", id.as_str()),
            "UPDATE identities SET deleted_at_ms = ? WHERE id = ?",
            params![at_ms, id.as_str()],
        )
    }

    fn attach_all(&mut self, identity: &Identity) -> Result<(), StoreError> {
        let id = identity.id.as_str();
        let what = ("attached identity", id);
        for agent_id in &identity.agent_ids {
            let sql = "INSERT INTO identity_agents (identity_id, agent_id) VALUES (?, ?)";
            self.insert(what, ("agent", agent_id.as_str()), sql, [id, agent_id.as_str()])?;
        }
        for block_id in &identity.block_ids {
            let sql = "INSERT INTO identity_blocks (identity_id, block_id) VALUES (?, ?)";
            self.insert(what, ("block", block_id.as_str()), sql, [id, block_id.as_str()])?;
        }
        Ok(())
    }

    fn refuse_second_identity(&self, identity: &Identity) -> Result<(), StoreError> {
        match self.identity_by_key(&identity.identifier_key)? {
            Some(other) if other.id != identity.id => {
                Err(StoreError::Duplicate { what: "identity with the key", id: identity.identifier_key.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }
}
