//! Whether the server is there. Clients ask this without a token.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Shared;

/// The last published server whose V1 API this follows; clients compare it with what they need.
const V1_VERSION: &str = "0.16.8";

#[derive(Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The version of the V1 API.
    version: &'static str,
    /// The version of Resident.
    resident_version: &'static str,
}

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(check))
}

/// Says that the server is there.
#[utoipa::path(get, path = "/v1/health", tag = "health", responses((status = 200, body = Health)))]
async fn check() -> axum::Json<Health> {
    axum::Json(Health { status: "ok", version: V1_VERSION, resident_version: env!("CARGO_PKG_VERSION") })
}
