//! Archives: passages that agents may share.

use axum::extract::State;
use axum::http::StatusCode;
use resident_app::App;
use resident_app::api::{ApiError, PassageRefs};
use resident_app::records::{AgentId, Archive, ArchiveListing, NewArchive, NewPassages, PassageScope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::page::{Order, PageQuery};
use super::passages::{PassageBody, passage_body};
use super::runs::store_page;
use super::schema::{EMBEDDER, Moment, USER_ID, embedding_config, kept, time};
use crate::error::{Answer, Problem};
use crate::extract::{AgentKey, ArchiveKey, Body, Id, PassageKey, Path, Query};
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(retrieve, update, delete))
        .routes(routes!(save))
        .routes(routes!(save_many))
        .routes(routes!(delete_passage))
        .routes(routes!(attach))
        .routes(routes!(detach))
}

/// An archive.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct ArchiveBody {
    id: String,
    name: String,
    description: Option<String>,
    #[schema(value_type = Object)]
    metadata: Value,
    #[schema(value_type = Object)]
    embedding_config: Value,
    vector_db_provider: &'static str,
    created_at: String,
    updated_at: String,
    created_by_id: &'static str,
    last_updated_by_id: &'static str,
}

fn body(archive: Archive) -> ArchiveBody {
    let embedding = kept(&archive.letta, "embedding").as_str().unwrap_or(EMBEDDER).to_owned();
    ArchiveBody {
        id: archive.id.0,
        name: archive.name,
        description: Some(archive.description),
        metadata: json!({}),
        embedding_config: embedding_config(&embedding),
        vector_db_provider: "native",
        created_at: time(archive.created_at_ms),
        updated_at: time(archive.updated_at_ms),
        created_by_id: USER_ID,
        last_updated_by_id: USER_ID,
    }
}

/// Which archives.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct ArchiveQuery {
    name: Option<String>,
    agent_id: Option<String>,
}

/// Lists archives.
#[utoipa::path(get, path = "/v1/archives", tag = "archives", params(ArchiveQuery, PageQuery), responses((status = 200, body = [ArchiveBody])))]
async fn list(
    State(shared): State<Shared>,
    Query(ArchiveQuery { name, agent_id }): Query<ArchiveQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<ArchiveBody>> {
    let page = store_page(&page, (Order::Desc, 50));
    let listing = ArchiveListing { agent_id: agent_id.map(AgentId), name, page };
    let archives = shared.ask(move |app| app.archive_records(&listing)).await?;
    Ok(axum::Json(archives.into_iter().map(body).collect()))
}

/// An archive to be made.
#[derive(Debug, Deserialize, ToSchema)]
struct CreateArchive {
    name: String,
    description: Option<String>,
    embedding: Option<String>,
}

/// Makes an archive.
#[utoipa::path(post, path = "/v1/archives", tag = "archives", request_body = CreateArchive, responses((status = 200, body = ArchiveBody)))]
async fn create(State(shared): State<Shared>, Body(request): Body<CreateArchive>) -> Answer<ArchiveBody> {
    let CreateArchive { name, description, embedding } = request;
    let letta = embedding.map_or_else(|| json!({}), |embedding| json!({ "embedding": embedding }));
    let new = NewArchive { name, description: description.unwrap_or_default(), letta };
    Ok(axum::Json(body(shared.ask(move |app| app.create_archive(new)).await?)))
}

/// One archive.
#[utoipa::path(get, path = "/v1/archives/{archive_id}", tag = "archives", params(("archive_id" = String, Path)), responses((status = 200, body = ArchiveBody), (status = 404)))]
async fn retrieve(State(shared): State<Shared>, Path(id): Path<Id<ArchiveKey>>) -> Answer<ArchiveBody> {
    Ok(axum::Json(body(shared.ask(move |app| app.archive_record(id.as_str())).await?)))
}

/// Changes to an archive; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct UpdateArchive {
    name: Option<String>,
    description: Option<String>,
}

/// Changes an archive.
#[utoipa::path(
    patch, path = "/v1/archives/{archive_id}", tag = "archives", params(("archive_id" = String, Path)),
    request_body = UpdateArchive, responses((status = 200, body = ArchiveBody), (status = 404))
)]
async fn update(
    State(shared): State<Shared>,
    Path(id): Path<Id<ArchiveKey>>,
    Body(UpdateArchive { name, description }): Body<UpdateArchive>,
) -> Answer<ArchiveBody> {
    let archive = shared.ask(move |app| app.update_archive(id.as_str(), name, description)).await?;
    Ok(axum::Json(body(archive)))
}

/// Moves an archive with its passages to the bin.
#[utoipa::path(delete, path = "/v1/archives/{archive_id}", tag = "archives", params(("archive_id" = String, Path)), responses((status = 204), (status = 404)))]
async fn delete(State(shared): State<Shared>, Path(id): Path<Id<ArchiveKey>>) -> Result<StatusCode, Problem> {
    shared.ask(move |app| app.delete_archive(id.as_str())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A passage to be saved.
#[derive(Debug, Deserialize, ToSchema)]
struct NewPassage {
    text: String,
    tags: Option<Vec<String>>,
    created_at: Option<Moment>,
}

/// Saves a passage in an archive.
#[utoipa::path(
    post, path = "/v1/archives/{archive_id}/passages", tag = "archives", params(("archive_id" = String, Path)),
    request_body = NewPassage, responses((status = 200, body = PassageBody), (status = 404))
)]
async fn save(
    State(shared): State<Shared>,
    Path(id): Path<Id<ArchiveKey>>,
    Body(passage): Body<NewPassage>,
) -> Answer<PassageBody> {
    let mut saved = shared.ask(move |app| save_all(app, id.as_str(), vec![passage])).await?;
    if saved.is_empty() {
        return Err(Problem::invalid(&["body", "text"], "the text is empty"));
    }
    Ok(axum::Json(saved.remove(0)))
}

fn save_all(app: &App, archive_id: &str, passages: Vec<NewPassage>) -> Result<Vec<PassageBody>, ApiError> {
    let archive = app.archive_record(archive_id)?;
    let at_ms = passages.first().and_then(|passage| passage.created_at).map(Moment::as_ms);
    let new = passages.into_iter().map(|passage| NewPassages {
        text: passage.text,
        tags: passage.tags.unwrap_or_default(),
        archive_id: Some(archive.id.clone()),
        ..NewPassages::default()
    });
    Ok(app.save_passages(None, new.collect(), at_ms)?.into_iter().map(passage_body).collect())
}

/// Passages to be saved.
#[derive(Debug, Deserialize, ToSchema)]
struct NewPassageBatch {
    passages: Vec<NewPassage>,
}

/// Saves passages in an archive, all of them or none.
#[utoipa::path(
    post, path = "/v1/archives/{archive_id}/passages/batch", tag = "archives", params(("archive_id" = String, Path)),
    request_body = NewPassageBatch, responses((status = 200, body = [PassageBody]), (status = 404))
)]
async fn save_many(
    State(shared): State<Shared>,
    Path(id): Path<Id<ArchiveKey>>,
    Body(NewPassageBatch { passages }): Body<NewPassageBatch>,
) -> Answer<Vec<PassageBody>> {
    Ok(axum::Json(shared.ask(move |app| save_all(app, id.as_str(), passages)).await?))
}

/// Moves a passage of an archive to the bin.
#[utoipa::path(
    delete, path = "/v1/archives/{archive_id}/passages/{passage_id}", tag = "archives",
    params(("archive_id" = String, Path), ("passage_id" = String, Path)), responses((status = 204), (status = 404))
)]
async fn delete_passage(
    State(shared): State<Shared>,
    Path((archive, passage)): Path<(Id<ArchiveKey>, Id<PassageKey>)>,
) -> Result<StatusCode, Problem> {
    shared
        .ask(move |app| {
            let archive = app.archive_record(archive.as_str())?;
            app.passage_record(&PassageScope::Archive(archive.id), passage.as_str())?;
            app.delete_passages(PassageRefs { passage_ids: vec![passage.into_string()] })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets an agent have an archive.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/archives/attach/{archive_id}", tag = "agents",
    params(("agent_id" = String, Path), ("archive_id" = String, Path)), responses((status = 200), (status = 404))
)]
async fn attach(
    State(shared): State<Shared>,
    Path((agent, archive)): Path<(Id<AgentKey>, Id<ArchiveKey>)>,
) -> Answer<Value> {
    shared.ask(move |app| app.attach_archive(agent.as_str(), archive.as_str(), true)).await?;
    Ok(axum::Json(Value::Null))
}

/// Takes an archive from an agent.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/archives/detach/{archive_id}", tag = "agents",
    params(("agent_id" = String, Path), ("archive_id" = String, Path)), responses((status = 200), (status = 404))
)]
async fn detach(
    State(shared): State<Shared>,
    Path((agent, archive)): Path<(Id<AgentKey>, Id<ArchiveKey>)>,
) -> Answer<Value> {
    shared.ask(move |app| app.attach_archive(agent.as_str(), archive.as_str(), false)).await?;
    Ok(axum::Json(Value::Null))
}
