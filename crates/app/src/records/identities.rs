//! Identities: whom a client talks for. They are kept for clients.

use resident_store::{AgentId, BlockId, Identity, IdentityId, IdentityListing};
use serde_json::{Value, json};

use crate::App;
use crate::api::ApiError;

/// What a client sets of an identity; what is `None` stays, or is empty where it is new.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IdentityFields {
    /// The client's own key for it.
    pub identifier_key: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    pub identity_type: Option<String>,
    /// What the client knows of it.
    pub properties: Option<Value>,
    /// The agents that belong to it.
    pub agent_ids: Option<Vec<String>>,
    /// The blocks that belong to it.
    pub block_ids: Option<Vec<String>>,
}

impl App {
    /// Identities.
    pub fn identity_records(&self, listing: &IdentityListing) -> Result<Vec<Identity>, ApiError> {
        self.store.read(|reader| Ok(reader.list_identities(listing)?))
    }

    /// An identity that is not in the bin.
    pub fn identity_record(&self, id: &str) -> Result<Identity, ApiError> {
        let found = self.store.read::<_, ApiError>(|reader| Ok(reader.identity(&IdentityId::from(id))?))?;
        found.filter(|identity| identity.deleted_at_ms.is_none()).ok_or_else(|| ApiError::not_found("identity", id))
    }

    /// Makes an identity; where `replace` is set, one with the same key is changed instead.
    pub fn save_identity(&self, fields: IdentityFields, replace: bool) -> Result<Identity, ApiError> {
        let key = fields.identifier_key.clone().unwrap_or_default();
        if key.trim().is_empty() {
            return Err(ApiError::invalid("An identity needs its `identifier_key`."));
        }
        let known = self.store.read::<_, ApiError>(|reader| Ok(reader.identity_by_key(&key)?))?;
        if let (Some(identity), true) = (known, replace) {
            return self.update_identity(identity.id.as_str(), fields);
        }
        let now_ms = self.store.now_ms();
        let identity = Identity {
            id: IdentityId::new(),
            identifier_key: key,
            name: String::new(),
            identity_type: "user".to_owned(),
            properties: json!([]),
            letta: json!({}),
            agent_ids: Vec::new(),
            block_ids: Vec::new(),
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            deleted_at_ms: None,
        };
        let identity = with_fields(identity, fields);
        self.write(|writer| Ok(writer.insert_identity(&identity)?))?;
        Ok(identity)
    }

    /// Changes an identity.
    pub fn update_identity(&self, id: &str, fields: IdentityFields) -> Result<Identity, ApiError> {
        let mut identity = with_fields(self.identity_record(id)?, fields);
        identity.updated_at_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.update_identity(&identity)?))?;
        Ok(identity)
    }

    /// Moves an identity to the bin.
    pub fn delete_identity(&self, id: &str) -> Result<(), ApiError> {
        let identity = self.identity_record(id)?;
        let now_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.set_identity_deleted(&identity.id, Some(now_ms))?))
    }

    /// Lets an agent belong to an identity, or no longer.
    pub fn attach_identity(&self, agent_id: &str, identity_id: &str, attached: bool) -> Result<(), ApiError> {
        let agent = self.agent_record(agent_id)?;
        let mut identity = self.identity_record(identity_id)?;
        identity.agent_ids.retain(|id| *id != agent.id);
        if attached {
            identity.agent_ids.push(agent.id);
        }
        identity.updated_at_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.update_identity(&identity)?))
    }
}

fn with_fields(identity: Identity, fields: IdentityFields) -> Identity {
    let IdentityFields { identifier_key, name, identity_type, properties, agent_ids, block_ids } = fields;
    Identity {
        identifier_key: identifier_key.unwrap_or(identity.identifier_key),
        name: name.unwrap_or(identity.name),
        identity_type: identity_type.unwrap_or(identity.identity_type),
        properties: properties.unwrap_or(identity.properties),
        agent_ids: agent_ids.map_or(identity.agent_ids, |ids| ids.into_iter().map(AgentId).collect()),
        block_ids: block_ids.map_or(identity.block_ids, |ids| ids.into_iter().map(BlockId).collect()),
        ..identity
    }
}
