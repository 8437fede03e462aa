//! Identities: whom a client talks for. The current SDK attaches them to agents and no more; older clients make them.

use axum::extract::State;
use resident_app::records::{AgentId, Identity, IdentityFields, IdentityListing};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::page::{Order, PageQuery};
use super::runs::store_page;
use crate::error::Answer;
use crate::extract::{AgentKey, Body, Id, IdentityKey, Path, Query};
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create, upsert))
        .routes(routes!(retrieve, update, delete))
        .routes(routes!(attach))
        .routes(routes!(detach))
}

/// An identity.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct IdentityBody {
    id: String,
    identifier_key: String,
    name: String,
    identity_type: String,
    #[schema(value_type = Vec<Object>)]
    properties: Value,
    agent_ids: Vec<String>,
    block_ids: Vec<String>,
    project_id: Option<String>,
}

pub(super) fn identity_body(identity: Identity) -> IdentityBody {
    IdentityBody {
        id: identity.id.0,
        identifier_key: identity.identifier_key,
        name: identity.name,
        identity_type: identity.identity_type,
        properties: identity.properties,
        agent_ids: identity.agent_ids.into_iter().map(|id| id.0).collect(),
        block_ids: identity.block_ids.into_iter().map(|id| id.0).collect(),
        project_id: None,
    }
}

/// Which identities.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct IdentityQuery {
    name: Option<String>,
    identifier_key: Option<String>,
    identity_type: Option<String>,
    agent_id: Option<String>,
}

/// Lists identities.
#[utoipa::path(get, path = "/v1/identities", tag = "identities", params(IdentityQuery, PageQuery), responses((status = 200, body = [IdentityBody])))]
async fn list(
    State(shared): State<Shared>,
    Query(query): Query<IdentityQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<IdentityBody>> {
    let listing = IdentityListing {
        identifier_key: query.identifier_key,
        name: query.name,
        identity_type: query.identity_type,
        agent_id: query.agent_id.map(AgentId),
        page: store_page(&page, (Order::Desc, 50)),
    };
    let found = shared.ask(move |app| app.identity_records(&listing)).await?;
    Ok(axum::Json(found.into_iter().map(identity_body).collect()))
}

/// An identity to be made or changed.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct IdentityRequest {
    identifier_key: Option<String>,
    name: Option<String>,
    identity_type: Option<String>,
    #[schema(value_type = Option<Vec<Object>>)]
    properties: Option<Value>,
    agent_ids: Option<Vec<String>>,
    block_ids: Option<Vec<String>>,
}

impl From<IdentityRequest> for IdentityFields {
    fn from(request: IdentityRequest) -> Self {
        let IdentityRequest { identifier_key, name, identity_type, properties, agent_ids, block_ids } = request;
        let properties = properties.filter(Value::is_array);
        Self { identifier_key, name, identity_type, properties, agent_ids, block_ids }
    }
}

/// Makes an identity.
#[utoipa::path(post, path = "/v1/identities", tag = "identities", request_body = IdentityRequest, responses((status = 200, body = IdentityBody), (status = 409)))]
async fn create(State(shared): State<Shared>, Body(request): Body<IdentityRequest>) -> Answer<IdentityBody> {
    let made = shared.ask(move |app| app.save_identity(request.into(), false)).await?;
    Ok(axum::Json(identity_body(made)))
}

/// Makes an identity, or changes the one with its key.
#[utoipa::path(put, path = "/v1/identities", tag = "identities", request_body = IdentityRequest, responses((status = 200, body = IdentityBody)))]
async fn upsert(State(shared): State<Shared>, Body(request): Body<IdentityRequest>) -> Answer<IdentityBody> {
    let made = shared.ask(move |app| app.save_identity(request.into(), true)).await?;
    Ok(axum::Json(identity_body(made)))
}

/// One identity.
#[utoipa::path(get, path = "/v1/identities/{identity_id}", tag = "identities", params(("identity_id" = String, Path)), responses((status = 200, body = IdentityBody), (status = 404)))]
async fn retrieve(State(shared): State<Shared>, Path(id): Path<Id<IdentityKey>>) -> Answer<IdentityBody> {
    Ok(axum::Json(identity_body(shared.ask(move |app| app.identity_record(id.as_str())).await?)))
}

/// Changes an identity.
#[utoipa::path(
    patch, path = "/v1/identities/{identity_id}", tag = "identities", params(("identity_id" = String, Path)),
    request_body = IdentityRequest, responses((status = 200, body = IdentityBody), (status = 404))
)]
async fn update(
    State(shared): State<Shared>,
    Path(id): Path<Id<IdentityKey>>,
    Body(request): Body<IdentityRequest>,
) -> Answer<IdentityBody> {
    let changed = shared.ask(move |app| app.update_identity(id.as_str(), request.into())).await?;
    Ok(axum::Json(identity_body(changed)))
}

/// Moves an identity to the bin.
#[utoipa::path(delete, path = "/v1/identities/{identity_id}", tag = "identities", params(("identity_id" = String, Path)), responses((status = 200), (status = 404)))]
async fn delete(State(shared): State<Shared>, Path(id): Path<Id<IdentityKey>>) -> Answer<Value> {
    shared.ask(move |app| app.delete_identity(id.as_str())).await?;
    Ok(axum::Json(Value::Null))
}

/// Lets an agent belong to an identity.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/identities/attach/{identity_id}", tag = "agents",
    params(("agent_id" = String, Path), ("identity_id" = String, Path)), responses((status = 200), (status = 404))
)]
async fn attach(
    State(shared): State<Shared>,
    Path((agent, identity)): Path<(Id<AgentKey>, Id<IdentityKey>)>,
) -> Answer<Value> {
    shared.ask(move |app| app.attach_identity(agent.as_str(), identity.as_str(), true)).await?;
    Ok(axum::Json(Value::Null))
}

/// Takes an agent from an identity.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/identities/detach/{identity_id}", tag = "agents",
    params(("agent_id" = String, Path), ("identity_id" = String, Path)), responses((status = 200), (status = 404))
)]
async fn detach(
    State(shared): State<Shared>,
    Path((agent, identity)): Path<(Id<AgentKey>, Id<IdentityKey>)>,
) -> Answer<Value> {
    shared.ask(move |app| app.attach_identity(agent.as_str(), identity.as_str(), false)).await?;
    Ok(axum::Json(Value::Null))
}
