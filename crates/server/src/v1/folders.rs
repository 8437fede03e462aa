//! Folders of files, and the files of an agent.

use axum::extract::{Multipart, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use resident_app::App;
use resident_app::api::ApiError;
use resident_app::records::{
    AgentId, Duplicate, FileListing, FileView, Folder, FolderFields, FolderFile, FolderListing, Upload,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::agents::{self, AgentBody};
use super::page::{Order, PageQuery};
use super::runs::store_page;
use super::schema::{EMBEDDER, USER_ID, embedding_config, kept, time};
use crate::error::{Answer, Problem};
use crate::extract::{AgentKey, Body, FileKey, FolderKey, Id, Path, Query};
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(count))
        .routes(routes!(retrieve, update, delete))
        .routes(routes!(agents_of))
        .routes(routes!(upload))
        .routes(routes!(list_files))
        .routes(routes!(retrieve_file))
        .routes(routes!(delete_file))
        .routes(routes!(list_of_agent))
        .routes(routes!(attach))
        .routes(routes!(detach))
        .routes(routes!(files_of_agent))
        .routes(routes!(open_file))
        .routes(routes!(close_file))
        .routes(routes!(close_files))
}

/// A folder.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct FolderBody {
    id: String,
    name: String,
    description: Option<String>,
    instructions: Option<String>,
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

pub(super) fn folder_body(folder: Folder) -> FolderBody {
    let embedding = kept(&folder.letta, "embedding").as_str().unwrap_or(EMBEDDER).to_owned();
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    FolderBody {
        id: folder.id.0,
        name: folder.name,
        description: some(folder.description),
        instructions: some(folder.instructions),
        metadata: kept(&folder.letta, "metadata"),
        embedding_config: embedding_config(&embedding),
        vector_db_provider: "native",
        created_at: time(folder.created_at_ms),
        updated_at: time(folder.updated_at_ms),
        created_by_id: USER_ID,
        last_updated_by_id: USER_ID,
    }
}

/// A file.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct FileBody {
    id: String,
    source_id: String,
    folder_id: String,
    file_name: String,
    original_file_name: String,
    file_path: Option<String>,
    file_type: String,
    file_size: i64,
    file_creation_date: Option<String>,
    file_last_modified_date: Option<String>,
    processing_status: &'static str,
    error_message: Option<String>,
    total_chunks: Option<usize>,
    chunks_embedded: Option<usize>,
    content: Option<String>,
    created_at: String,
    updated_at: String,
}

fn file_body(file: FolderFile, content: Option<String>) -> FileBody {
    FileBody {
        id: file.id.0,
        source_id: file.folder_id.0.clone(),
        folder_id: file.folder_id.0,
        original_file_name: file.name.clone(),
        file_name: file.name,
        file_path: None,
        file_type: file.file_type,
        file_size: file.size_bytes,
        file_creation_date: None,
        file_last_modified_date: None,
        // Its text is read when it is uploaded, and can be searched by its words from then on.
        processing_status: "completed",
        error_message: None,
        total_chunks: None,
        chunks_embedded: None,
        content,
        created_at: time(file.created_at_ms),
        updated_at: time(file.updated_at_ms),
    }
}

/// Which folders.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct FolderQuery {
    name: Option<String>,
}

/// Lists folders.
#[utoipa::path(get, path = "/v1/folders", tag = "folders", params(FolderQuery, PageQuery), responses((status = 200, body = [FolderBody])))]
async fn list(
    State(shared): State<Shared>,
    Query(FolderQuery { name }): Query<FolderQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<FolderBody>> {
    let listing = FolderListing { name, agent_id: None, page: store_page(&page, (Order::Asc, 50)) };
    let folders = shared.ask(move |app| app.folder_records(&listing)).await?;
    Ok(axum::Json(folders.into_iter().map(folder_body).collect()))
}

/// Counts folders.
#[utoipa::path(get, path = "/v1/folders/count", tag = "folders", responses((status = 200, body = usize)))]
async fn count(State(shared): State<Shared>) -> Answer<usize> {
    Ok(axum::Json(shared.ask(|app| app.folder_records(&FolderListing::default())).await?.len()))
}

/// A folder to be made or changed.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct FolderRequest {
    name: Option<String>,
    description: Option<String>,
    instructions: Option<String>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    embedding: Option<String>,
}

impl FolderRequest {
    fn fields(self, old: &Value) -> FolderFields {
        let Self { name, description, instructions, metadata, embedding } = self;
        let letta = json!({
            "metadata": metadata.unwrap_or_else(|| kept(old, "metadata")),
            "embedding": embedding.map_or_else(|| kept(old, "embedding"), Value::String),
        });
        FolderFields { name, description, instructions, letta: Some(letta) }
    }
}

/// Makes a folder.
#[utoipa::path(post, path = "/v1/folders", tag = "folders", request_body = FolderRequest, responses((status = 200, body = FolderBody), (status = 409)))]
async fn create(State(shared): State<Shared>, Body(request): Body<FolderRequest>) -> Answer<FolderBody> {
    if request.name.is_none() {
        return Err(Problem::invalid(&["body", "name"], "a folder needs a name"));
    }
    let fields = request.fields(&Value::Null);
    Ok(axum::Json(folder_body(shared.ask(move |app| app.create_folder(fields)).await?)))
}

/// One folder.
#[utoipa::path(get, path = "/v1/folders/{folder_id}", tag = "folders", params(("folder_id" = String, Path)), responses((status = 200, body = FolderBody), (status = 404)))]
async fn retrieve(State(shared): State<Shared>, Path(id): Path<Id<FolderKey>>) -> Answer<FolderBody> {
    Ok(axum::Json(folder_body(shared.ask(move |app| app.folder_record(id.as_str())).await?)))
}

/// Changes a folder.
#[utoipa::path(
    patch, path = "/v1/folders/{folder_id}", tag = "folders", params(("folder_id" = String, Path)),
    request_body = FolderRequest, responses((status = 200, body = FolderBody), (status = 404))
)]
async fn update(
    State(shared): State<Shared>,
    Path(id): Path<Id<FolderKey>>,
    Body(request): Body<FolderRequest>,
) -> Answer<FolderBody> {
    let folder = shared
        .ask(move |app| {
            let fields = request.fields(&app.folder_record(id.as_str())?.letta);
            app.update_folder(id.as_str(), fields)
        })
        .await?;
    Ok(axum::Json(folder_body(folder)))
}

/// Moves a folder with its files to the bin.
#[utoipa::path(delete, path = "/v1/folders/{folder_id}", tag = "folders", params(("folder_id" = String, Path)), responses((status = 200), (status = 404)))]
async fn delete(State(shared): State<Shared>, Path(id): Path<Id<FolderKey>>) -> Answer<Value> {
    shared.ask(move |app| app.delete_folder(id.as_str())).await?;
    Ok(axum::Json(Value::Null))
}

/// The ids of the agents that have a folder.
#[utoipa::path(
    get, path = "/v1/folders/{folder_id}/agents", tag = "folders", params(("folder_id" = String, Path), PageQuery),
    responses((status = 200, body = [String]), (status = 404))
)]
async fn agents_of(
    State(shared): State<Shared>,
    Path(id): Path<Id<FolderKey>>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<String>> {
    let agents = shared.ask(move |app| app.agents_of_folder(id.as_str())).await?;
    let ids: Vec<String> = agents.into_iter().map(|agent| agent.id.0).collect();
    Ok(axum::Json(page.cut(ids, (Order::Desc, 50), "agent", String::as_str)?))
}

/// What happens with a name that is taken.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct UploadQuery {
    duplicate_handling: Option<String>,
    name: Option<String>,
}

/// Adds a file to a folder: text, Markdown or PDF.
#[utoipa::path(
    post, path = "/v1/folders/{folder_id}/upload", tag = "folders", params(("folder_id" = String, Path), UploadQuery),
    responses((status = 200, body = FileBody), (status = 400), (status = 404), (status = 415))
)]
async fn upload(
    State(shared): State<Shared>,
    Path(id): Path<Id<FolderKey>>,
    Query(query): Query<UploadQuery>,
    mut form: Multipart,
) -> Result<Response, Problem> {
    let duplicate = match query.duplicate_handling.as_deref() {
        None | Some("suffix") => Duplicate::Suffix,
        Some("skip") => Duplicate::Skip,
        Some("error") => Duplicate::Refuse,
        Some("replace") => Duplicate::Replace,
        Some(other) => {
            return Err(Problem::invalid(&["query", "duplicate_handling"], format!("`{other}` is not a way")));
        }
    };
    let unread = |error: axum::extract::multipart::MultipartError| Problem::new(error.status(), error.body_text());
    let mut found = None;
    while let Some(field) = form.next_field().await.map_err(unread)? {
        if field.name() == Some("file") {
            let name = query.name.clone().or_else(|| field.file_name().map(str::to_owned));
            let media_type = field.content_type().map(str::to_owned);
            let bytes = field.bytes().await.map_err(unread)?.to_vec();
            found = Some(Upload { name: name.unwrap_or_else(|| "upload".to_owned()), media_type, bytes, duplicate });
        }
    }
    let upload = found.ok_or_else(|| Problem::invalid(&["body", "file"], "the part `file` is missing"))?;
    let (file, new) = shared.ask(move |app| app.upload_file(id.as_str(), upload)).await?;
    let mut response = axum::Json(file_body(file, None)).into_response();
    if !new {
        response.headers_mut().insert(HeaderName::from_static("x-upload-result"), HeaderValue::from_static("skipped"));
    }
    Ok(response)
}

/// Whether texts are wanted too.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct ContentQuery {
    include_content: Option<bool>,
}

/// Lists the files of a folder.
#[utoipa::path(
    get, path = "/v1/folders/{folder_id}/files", tag = "folders",
    params(("folder_id" = String, Path), ContentQuery, PageQuery), responses((status = 200, body = [FileBody]), (status = 404))
)]
async fn list_files(
    State(shared): State<Shared>,
    Path(id): Path<Id<FolderKey>>,
    Query(ContentQuery { include_content }): Query<ContentQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<FileBody>> {
    let page = store_page(&page, (Order::Desc, 1000));
    let files = shared
        .ask(move |app| {
            let folder_id = Some(app.folder_record(id.as_str())?.id);
            let files = app.file_records(&FileListing { folder_id, page, ..FileListing::default() })?;
            let body = |file: FolderFile| {
                let content = if include_content == Some(true) { Some(app.file_text(&file.id)?) } else { None };
                Ok(file_body(file, content))
            };
            files.into_iter().map(body).collect::<Result<Vec<_>, ApiError>>()
        })
        .await?;
    Ok(axum::Json(files))
}

/// One file.
#[utoipa::path(
    get, path = "/v1/folders/{folder_id}/files/{file_id}", tag = "folders",
    params(("folder_id" = String, Path), ("file_id" = String, Path), ContentQuery),
    responses((status = 200, body = FileBody), (status = 404))
)]
async fn retrieve_file(
    State(shared): State<Shared>,
    Path((folder, file)): Path<(Id<FolderKey>, Id<FileKey>)>,
    Query(ContentQuery { include_content }): Query<ContentQuery>,
) -> Answer<FileBody> {
    let (file, text) = shared.ask(move |app| app.file_record(folder.as_str(), file.as_str())).await?;
    Ok(axum::Json(file_body(file, Some(text).filter(|_| include_content == Some(true)))))
}

/// Moves a file to the bin.
#[utoipa::path(
    delete, path = "/v1/folders/{folder_id}/{file_id}", tag = "folders",
    params(("folder_id" = String, Path), ("file_id" = String, Path)), responses((status = 204), (status = 404))
)]
async fn delete_file(
    State(shared): State<Shared>,
    Path((folder, file)): Path<(Id<FolderKey>, Id<FileKey>)>,
) -> Result<StatusCode, Problem> {
    shared.ask(move |app| app.delete_file(folder.as_str(), file.as_str())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the folders of an agent.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/folders", tag = "agents", params(("agent_id" = String, Path), PageQuery),
    responses((status = 200, body = [FolderBody]), (status = 404))
)]
async fn list_of_agent(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<FolderBody>> {
    let page = store_page(&page, (Order::Desc, 100));
    let folders = shared
        .ask(move |app| {
            let agent_id = Some(AgentId(app.agent_record(id.as_str())?.id.0));
            app.folder_records(&FolderListing { name: None, agent_id, page })
        })
        .await?;
    Ok(axum::Json(folders.into_iter().map(folder_body).collect()))
}

/// Lets an agent have a folder.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/folders/attach/{folder_id}", tag = "agents",
    params(("agent_id" = String, Path), ("folder_id" = String, Path)),
    responses((status = 200, body = AgentBody), (status = 404))
)]
async fn attach(
    State(shared): State<Shared>,
    Path((agent, folder)): Path<(Id<AgentKey>, Id<FolderKey>)>,
) -> Answer<AgentBody> {
    change_attachment(shared, agent, folder, true).await
}

/// Takes a folder from an agent.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/folders/detach/{folder_id}", tag = "agents",
    params(("agent_id" = String, Path), ("folder_id" = String, Path)),
    responses((status = 200, body = AgentBody), (status = 404))
)]
async fn detach(
    State(shared): State<Shared>,
    Path((agent, folder)): Path<(Id<AgentKey>, Id<FolderKey>)>,
) -> Answer<AgentBody> {
    change_attachment(shared, agent, folder, false).await
}

async fn change_attachment(
    shared: Shared,
    agent: Id<AgentKey>,
    folder: Id<FolderKey>,
    attached: bool,
) -> Answer<AgentBody> {
    let body = shared
        .ask(move |app| {
            app.attach_folder(agent.as_str(), folder.as_str(), attached)?;
            agents::body(app, agent.as_str())
        })
        .await?;
    Ok(axum::Json(body))
}

/// Which files of an agent.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct AgentFileQuery {
    is_open: Option<bool>,
    cursor: Option<String>,
}

/// Lists the files of an agent's folders, with what is open of them.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/files", tag = "agents",
    params(("agent_id" = String, Path), AgentFileQuery, PageQuery), responses((status = 200, body = Object), (status = 404))
)]
async fn files_of_agent(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    Query(AgentFileQuery { is_open, cursor }): Query<AgentFileQuery>,
    Query(mut page): Query<PageQuery>,
) -> Answer<Value> {
    page.after = page.after.or(cursor);
    let limit = page.limit.unwrap_or(100);
    let mut entries = shared.ask(move |app| agent_files(app, id.as_str())).await?;
    entries.retain(|entry| is_open.is_none_or(|open| entry["is_open"] == open));
    // One more than asked for tells whether there is more.
    page.limit = Some(limit.saturating_add(1));
    let mut shown =
        page.cut(entries, (Order::Desc, limit), "file", |entry| entry["id"].as_str().unwrap_or_default())?;
    let has_more = shown.len() > limit;
    shown.truncate(limit);
    let next = shown.last().filter(|_| has_more).map(|entry| entry["id"].clone());
    Ok(axum::Json(json!({ "files": shown, "next_cursor": next, "has_more": has_more })))
}

fn agent_files(app: &App, agent_id: &str) -> Result<Vec<Value>, ApiError> {
    let entry = |view: FileView| {
        let text = if view.open { Some(app.file_text(&view.file.id)?) } else { None };
        let end = view.lines.map(|lines| view.first_line + lines);
        let visible = text.map(|text| {
            let lines = text.lines().skip(view.first_line).take(view.lines.unwrap_or(usize::MAX));
            lines.collect::<Vec<_>>().join("\n")
        });
        Ok(json!({
            "id": view.file.id.0, "file_id": view.file.id.0, "file_name": view.path(), "folder_id": view.file.folder_id.0,
            "folder_name": view.folder_name, "is_open": view.open, "last_accessed_at": view.accessed_at_ms.map(time),
            "visible_content": visible, "start_line": view.first_line, "end_line": end,
        }))
    };
    app.files_of_agent(agent_id)?.into_iter().map(entry).collect()
}

/// Opens a file for an agent and names those that were closed for it.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/files/{file_id}/open", tag = "agents",
    params(("agent_id" = String, Path), ("file_id" = String, Path)), responses((status = 200, body = [String]), (status = 404))
)]
async fn open_file(
    State(shared): State<Shared>,
    Path((agent, file)): Path<(Id<AgentKey>, Id<FileKey>)>,
) -> Answer<Vec<String>> {
    let closed = shared
        .ask(move |app| {
            let most = agents::most_open_files(app, agent.as_str())?;
            app.open_file(agent.as_str(), file.as_str(), most)
        })
        .await?;
    Ok(axum::Json(closed))
}

/// Closes a file for an agent.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/files/{file_id}/close", tag = "agents",
    params(("agent_id" = String, Path), ("file_id" = String, Path)), responses((status = 200), (status = 404))
)]
async fn close_file(
    State(shared): State<Shared>,
    Path((agent, file)): Path<(Id<AgentKey>, Id<FileKey>)>,
) -> Answer<Value> {
    let message = format!("File id={} successfully closed", file.as_str());
    shared.ask(move |app| app.close_file(agent.as_str(), file.as_str())).await?;
    Ok(axum::Json(json!({ "message": message })))
}

/// Closes all files of an agent and names them.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/files/close-all", tag = "agents", params(("agent_id" = String, Path)),
    responses((status = 200, body = [String]), (status = 404))
)]
async fn close_files(State(shared): State<Shared>, Path(id): Path<Id<AgentKey>>) -> Answer<Vec<String>> {
    Ok(axum::Json(shared.ask(move |app| app.close_files(id.as_str())).await?))
}
