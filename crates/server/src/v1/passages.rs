//! Passages of an agent's archival memory.

use axum::extract::State;
use resident_app::App;
use resident_app::api::{ApiError, PassageRefs};
use resident_app::records::{ArchivalHit, ArchivalQuery, NewPassages, Passage, PassageFilter, PassageScope, Sort};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schema::{Moment, USER_ID, time};
use crate::error::Answer;
use crate::extract::{AgentKey, Body, Id, PassageKey, Path, Query};
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(search)).routes(routes!(delete))
}

/// A passage.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct PassageBody {
    pub(super) id: String,
    text: String,
    embedding: Option<Vec<f32>>,
    #[schema(value_type = Option<Object>)]
    embedding_config: Option<Value>,
    tags: Vec<String>,
    #[schema(value_type = Object)]
    metadata: Value,
    archive_id: Option<String>,
    source_id: Option<String>,
    file_id: Option<String>,
    file_name: Option<String>,
    is_deleted: bool,
    created_at: String,
    updated_at: String,
    created_by_id: &'static str,
    last_updated_by_id: &'static str,
}

pub(super) fn passage_body(passage: Passage) -> PassageBody {
    PassageBody {
        id: passage.id.0,
        text: passage.text,
        embedding: None,
        embedding_config: None,
        tags: passage.tags,
        metadata: json!({}),
        archive_id: Some(passage.archive_id.0),
        source_id: None,
        file_id: passage.file_id.map(|id| id.0),
        file_name: passage.document,
        is_deleted: passage.deleted_at_ms.is_some(),
        created_at: time(passage.created_at_ms),
        updated_at: time(passage.updated_at_ms),
        created_by_id: USER_ID,
        last_updated_by_id: USER_ID,
    }
}

/// A passage to be saved.
#[derive(Debug, Deserialize, ToSchema)]
struct NewPassage {
    text: String,
    #[serde(default)]
    tags: Option<Vec<String>>,
    /// When it was saved, where that was elsewhere.
    created_at: Option<Moment>,
}

/// Saves a passage. One that is too long for one vector is kept in several.
#[utoipa::path(
    post, path = "/v1/agents/{agent_id}/archival-memory", tag = "agents", params(("agent_id" = String, Path)),
    request_body = NewPassage, responses((status = 200, body = [PassageBody]), (status = 404))
)]
async fn create(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    Body(NewPassage { text, tags, created_at }): Body<NewPassage>,
) -> Answer<Vec<PassageBody>> {
    let new = NewPassages { text, tags: tags.unwrap_or_default(), ..NewPassages::default() };
    let at_ms = created_at.map(Moment::as_ms);
    let saved = shared.ask(move |app| app.save_passages(Some(id.as_str()), vec![new], at_ms)).await?;
    Ok(axum::Json(saved.into_iter().map(passage_body).collect()))
}

/// Which passages.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct PassageQuery {
    /// Only passages saved after this one.
    after: Option<String>,
    /// Only passages saved before this one.
    before: Option<String>,
    limit: Option<usize>,
    /// Only those in which this stands.
    search: Option<String>,
    ascending: Option<bool>,
}

/// Lists passages.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/archival-memory", tag = "agents",
    params(("agent_id" = String, Path), PassageQuery), responses((status = 200, body = [PassageBody]), (status = 404))
)]
async fn list(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    Query(query): Query<PassageQuery>,
) -> Answer<Vec<PassageBody>> {
    let PassageQuery { after, before, limit, search, ascending } = query;
    let rows = shared
        .ask(move |app| {
            let scope = scope_of(app, id.as_str())?;
            app.passage_records(&scope, after.as_deref(), before.as_deref())
        })
        .await?;
    let words = search.map(|words| words.to_lowercase());
    let mut rows: Vec<Passage> = rows
        .into_iter()
        .filter(|row| words.as_ref().is_none_or(|words| row.text.to_lowercase().contains(words)))
        .collect();
    if ascending == Some(false) {
        rows.reverse();
    }
    Ok(axum::Json(rows.into_iter().take(limit.unwrap_or(100).min(1000)).map(passage_body).collect()))
}

/// A search.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct SearchQuery {
    query: String,
    #[serde(default)]
    tags: Vec<String>,
    tag_match_mode: Option<String>,
    top_k: Option<usize>,
    start_datetime: Option<Moment>,
    end_datetime: Option<Moment>,
}

/// A passage that was found.
#[derive(Debug, Serialize, ToSchema)]
struct Found {
    id: String,
    content: String,
    timestamp: String,
    tags: Vec<String>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
struct FoundPassages {
    count: usize,
    results: Vec<Found>,
}

/// Searches archival memory by words and by meaning.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/archival-memory/search", tag = "agents",
    params(("agent_id" = String, Path), SearchQuery), responses((status = 200, body = FoundPassages), (status = 404))
)]
async fn search(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    Query(query): Query<SearchQuery>,
) -> Answer<FoundPassages> {
    let SearchQuery { query, tags, tag_match_mode, top_k, start_datetime, end_datetime } = query;
    if query.trim().is_empty() {
        return Ok(axum::Json(FoundPassages { count: 0, results: Vec::new() }));
    }
    let search = Search {
        query,
        tags,
        match_all_tags: tag_match_mode.as_deref() == Some("all"),
        from: start_datetime,
        to: end_datetime,
        limit: top_k.unwrap_or(5).clamp(1, 500),
    };
    let hits = shared.ask(move |app| search.run(app, scope_of(app, id.as_str())?)).await?;
    let found = hits.into_iter().map(|ArchivalHit { passage, .. }| Found {
        timestamp: time(passage.created_at_ms),
        id: passage.id.0,
        content: passage.text,
        tags: passage.tags,
    });
    let results: Vec<Found> = found.collect();
    Ok(axum::Json(FoundPassages { count: results.len(), results }))
}

/// The archival memory of an agent.
pub(super) fn scope_of(app: &App, agent_id: &str) -> Result<PassageScope, ApiError> {
    Ok(PassageScope::Agent(app.agent_record(agent_id)?.id))
}

/// A search in any scope.
pub(super) struct Search {
    pub(super) query: String,
    pub(super) tags: Vec<String>,
    pub(super) match_all_tags: bool,
    pub(super) from: Option<Moment>,
    pub(super) to: Option<Moment>,
    pub(super) limit: usize,
}

impl Search {
    /// What is found: the best first, or the newest where nothing is asked for.
    pub(super) fn run(self, app: &App, scope: PassageScope) -> Result<Vec<ArchivalHit>, ApiError> {
        let sort = if self.query.trim().is_empty() { Sort::Newest } else { Sort::Relevance };
        let filter = PassageFilter {
            tags: self.tags,
            match_all_tags: self.match_all_tags,
            from_ms: self.from.map(Moment::as_ms),
            to_ms: self.to.map(Moment::as_ms),
            limit: self.limit,
            ..PassageFilter::of(scope.clone())
        };
        app.find_passages(&scope, &ArchivalQuery { text: self.query, filter, sort })
    }
}

/// Moves a passage to the bin.
#[utoipa::path(
    delete, path = "/v1/agents/{agent_id}/archival-memory/{memory_id}", tag = "agents",
    params(("agent_id" = String, Path), ("memory_id" = String, Path)), responses((status = 200), (status = 404))
)]
async fn delete(
    State(shared): State<Shared>,
    Path((agent, passage)): Path<(Id<AgentKey>, Id<PassageKey>)>,
) -> Answer<Value> {
    let message = format!("Memory id={} successfully deleted", passage.as_str());
    shared
        .ask(move |app| {
            let id = passage.into_string();
            app.passage_record(&scope_of(app, agent.as_str())?, &id)?;
            app.delete_passages(PassageRefs { passage_ids: vec![id] })
        })
        .await?;
    Ok(axum::Json(json!({ "message": message })))
}
