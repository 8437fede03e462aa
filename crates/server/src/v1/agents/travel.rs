//! Agent files in and out.

use std::collections::BTreeMap;

use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use resident_app::{ExportOptions, ImportOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Answer, Problem};
use crate::extract::{AgentKey, Id, Path, Query};
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(export)).routes(routes!(import))
}

/// What of an agent is written.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct ExportQuery {
    /// Its messages stand in the place of the agent's own.
    conversation_id: Option<String>,
    scrub_messages: Option<bool>,
    use_legacy_format: Option<bool>,
    /// Everything is written, however many steps it took.
    #[serde(rename = "max_steps")]
    _max_steps: Option<usize>,
}

/// Writes an agent into an agent file, with those that are in groups with it.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/export", tag = "agents", params(("agent_id" = String, Path), ExportQuery),
    responses((status = 200, body = Object), (status = 404))
)]
async fn export(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    if query.use_legacy_format == Some(true) {
        return Err(Problem::bad_request("The legacy format is read here, and not written."));
    }
    let options = ExportOptions {
        without_messages: query.scrub_messages == Some(true),
        conversation_id: query.conversation_id.filter(|id| id != "default"),
    };
    let bytes = shared.ask(move |app| app.export_file(&[id.into_string()], options)).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}

/// A file and how it is taken in, as a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a form that is read part by part")]
struct ImportForm {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    append_copy_suffix: Option<bool>,
    name: Option<String>,
    override_name: Option<String>,
    model: Option<String>,
    override_model_handle: Option<String>,
    embedding: Option<String>,
    override_embedding_handle: Option<String>,
    strip_messages: Option<bool>,
    secrets: Option<String>,
    env_vars_json: Option<String>,
}

/// What was taken in.
#[derive(Debug, Serialize, ToSchema)]
struct ImportedBody {
    agent_ids: Vec<String>,
}

/// Takes an agent file in, all of it or nothing.
#[utoipa::path(
    post, path = "/v1/agents/import", tag = "agents",
    request_body(content = ImportForm, content_type = "multipart/form-data"),
    responses((status = 200, body = ImportedBody), (status = 400))
)]
async fn import(State(shared): State<Shared>, headers: HeaderMap, mut form: Multipart) -> Answer<ImportedBody> {
    let unread = |error: MultipartError| Problem::new(error.status(), error.body_text());
    let (mut file, mut parts) = (None, BTreeMap::new());
    while let Some(field) = form.next_field().await.map_err(unread)? {
        let Some(name) = field.name().map(str::to_owned) else { continue };
        if name == "file" {
            file = Some(field.bytes().await.map_err(unread)?);
        } else {
            parts.insert(name, field.text().await.map_err(unread)?);
        }
    }
    let file = file.ok_or_else(|| Problem::invalid(&["body", "file"], "the part `file` is missing"))?;
    let mut options = options_of(&mut parts)?;
    let of_header = headers.get("x-override-embedding-model").and_then(|value| value.to_str().ok());
    options.embedding = options.embedding.or_else(|| of_header.map(str::to_owned));
    let imported = shared.ask(move |app| app.import_file(&file, &options)).await?;
    for notice in &imported.notices {
        tracing::info!(place = %notice.place, text = %notice.text, "of an agent file that was taken in");
    }
    Ok(axum::Json(ImportedBody { agent_ids: imported.agent_ids.into_iter().map(|id| id.0).collect() }))
}

/// How a file is taken in; parts that only a cloud knows are passed over.
fn options_of(parts: &mut BTreeMap<String, String>) -> Result<ImportOptions, Problem> {
    let mut text = |names: [&str; 2]| {
        let mut found = names.iter().filter_map(|name| parts.remove(*name));
        found.find(|text| !text.is_empty())
    };
    let (name, model) = (text(["name", "override_name"]), text(["model", "override_model_handle"]));
    let embedding = text(["embedding", "override_embedding_handle"]);
    let secrets = text(["secrets", "env_vars_json"]).unwrap_or_else(|| "{}".to_owned());
    let secrets: Map<String, Value> = serde_json::from_str(&secrets)
        .map_err(|error| Problem::invalid(&["body", "secrets"], format!("not a JSON object: {error}")))?;
    let flag = |name: &str, default: bool| match parts.get(name).map(|text| text.to_lowercase()) {
        None => Ok(default),
        Some(text) if ["true", "1", "on", "yes"].contains(&text.as_str()) => Ok(true),
        Some(text) if ["false", "0", "off", "no"].contains(&text.as_str()) => Ok(false),
        Some(_) => Err(Problem::invalid(&["body", name], "neither true nor false")),
    };
    Ok(ImportOptions {
        name,
        copy_suffix: flag("append_copy_suffix", true)?,
        model,
        embedding,
        without_messages: flag("strip_messages", false)?,
        secrets: secrets.into_iter().map(|(name, _)| name).collect(),
    })
}
