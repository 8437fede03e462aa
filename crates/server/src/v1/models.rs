//! Models that agents can be given, by handle.

use axum::extract::State;
use resident_app::api::{ModelPurpose, ModelView, Nothing};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Problem;
use crate::state::Shared;

/// What is said of the window of a model that was not asked yet.
const UNKNOWN_WINDOW_TOKENS: usize = 8192;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(list_embedders))
}

/// Lists language models.
#[utoipa::path(get, path = "/v1/models", tag = "models", responses((status = 200, body = Vec<Object>)))]
async fn list(State(shared): State<Shared>) -> Result<axum::Json<Vec<Value>>, Problem> {
    let models = shared.ask(|app| app.list_models(Nothing {})).await?;
    let models = models.into_iter().filter(|model| model.purpose == ModelPurpose::Language);
    Ok(axum::Json(models.map(language_body).collect()))
}

/// Lists embedding models.
#[utoipa::path(get, path = "/v1/models/embedding", tag = "models", responses((status = 200, body = Vec<Object>)))]
async fn list_embedders(State(shared): State<Shared>) -> Result<axum::Json<Vec<Value>>, Problem> {
    let models = shared.ask(|app| app.list_models(Nothing {})).await?;
    let models = models.into_iter().filter(|model| model.purpose == ModelPurpose::Embedding);
    Ok(axum::Json(models.map(embedding_body).collect()))
}

fn provider(model: &ModelView) -> String {
    model.handle.split('/').next().unwrap_or("local").to_owned()
}

fn language_body(model: ModelView) -> Value {
    let window = model.context_window_tokens.unwrap_or(UNKNOWN_WINDOW_TOKENS);
    let provider = provider(&model);
    json!({
        "name": model.name,
        "display_name": model.name,
        "model": model.handle.rsplit('/').next(),
        "handle": model.handle,
        "model_endpoint_type": "openai",
        "model_endpoint": model.remote_host,
        "model_type": "llm",
        "provider_type": "openai",
        "provider_name": provider,
        "provider_category": "base",
        "context_window": window,
        "max_context_window": window,
    })
}

fn embedding_body(model: ModelView) -> Value {
    let provider = provider(&model);
    json!({
        "name": model.name,
        "display_name": model.name,
        "handle": model.handle,
        "embedding_model": model.handle.rsplit('/').next(),
        "embedding_dim": 384,
        "embedding_chunk_size": 300,
        "embedding_endpoint_type": "openai",
        "embedding_endpoint": model.remote_host,
        "model_type": "embedding",
        "provider_name": provider,
        "provider_type": "openai",
        "batch_size": 32,
    })
}
