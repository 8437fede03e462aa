//! The V1 REST API as `letta-client` speaks it. Each file is a resource: its routes, and how its things look. The
//! routes and the OpenAPI document come from the same annotations.

mod agents;
mod archives;
mod blocks;
mod conversations;
mod folders;
mod groups;
mod health;
mod identities;
mod mcp_servers;
mod messages;
mod models;
mod not_offered;
mod page;
mod passages;
mod runs;
mod schema;
mod search;
mod tools;

use axum::Router;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;

use crate::state::Shared;

#[derive(OpenApi)]
#[openapi(info(
    title = "Resident",
    description = "Compatible with letta-client 1.3.3 and later (V1 REST as of server 0.16.8)."
))]
struct Api;

/// The routes, and the document that describes them.
pub(crate) fn routes() -> (Router<Shared>, Document) {
    let (router, document) = OpenApiRouter::with_openapi(Api::openapi())
        .merge(health::routes())
        .merge(agents::routes())
        .merge(messages::routes())
        .merge(blocks::routes())
        .merge(passages::routes())
        .merge(tools::routes())
        .merge(models::routes())
        .merge(archives::routes())
        .merge(folders::routes())
        .merge(groups::routes())
        .merge(identities::routes())
        .merge(mcp_servers::routes())
        .merge(runs::routes())
        .merge(conversations::routes())
        .merge(search::routes())
        .split_for_parts();
    (router.merge(not_offered::routes()), document)
}
