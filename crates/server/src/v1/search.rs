//! What looks across all agents: messages, passages, and the tags of agents and blocks.

use std::collections::BTreeSet;

use axum::extract::State;
use resident_app::App;
use resident_app::api::{ApiError, MessageHit, RoleView, SearchMessages};
use resident_app::records::{ArchivalHit, MessageListing, PassageScope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::messages::shape::{Wanted, listed};
use super::page::{Order, PageQuery};
use super::passages::{PassageBody, Search, passage_body, scope_of};
use super::schema::{Moment, time};
use crate::error::Answer;
use crate::extract::{Body, Id, MessageKey, Path, Query};
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list_messages))
        .routes(routes!(retrieve_message))
        .routes(routes!(search_messages))
        .routes(routes!(search_passages))
        .routes(routes!(list_tags))
}

/// Which messages.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct MessageQuery {
    /// Only rows newer than this message.
    after: Option<String>,
    /// Only rows older than this message.
    before: Option<String>,
    limit: Option<usize>,
    /// From which end the limit counts. The answer is always oldest first.
    #[param(inline)]
    order: Option<Order>,
    conversation_id: Option<String>,
    #[serde(default)]
    include_return_message_types: Vec<String>,
}

/// Lists the messages of all agents, oldest first.
#[utoipa::path(get, path = "/v1/messages", tag = "messages", params(MessageQuery), responses((status = 200, body = Vec<Object>)))]
async fn list_messages(State(shared): State<Shared>, Query(query): Query<MessageQuery>) -> Answer<Vec<Value>> {
    let MessageQuery { after, before, limit, order, conversation_id, include_return_message_types } = query;
    let page = (limit.unwrap_or(100).min(1000), order != Some(Order::Asc));
    let listing = MessageListing::default();
    let mut rows = shared.ask(move |app| app.message_rows(listing, after.as_deref(), before.as_deref(), page)).await?;
    if let Some(conversation) = conversation_id {
        rows.retain(|row| row.conversation_id.as_deref().unwrap_or("default") == conversation);
    }
    let kinds = if include_return_message_types.is_empty() { None } else { Some(include_return_message_types) };
    let wanted = Wanted { kinds, ..Wanted::default() };
    Ok(axum::Json(rows.iter().flat_map(|row| listed(row, &wanted)).collect()))
}

/// The messages that one row is told as.
#[utoipa::path(
    get, path = "/v1/messages/{message_id}", tag = "messages", params(("message_id" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 404))
)]
async fn retrieve_message(State(shared): State<Shared>, Path(id): Path<Id<MessageKey>>) -> Answer<Vec<Value>> {
    let row = shared.ask(move |app| app.message_row(id.as_str())).await?;
    Ok(axum::Json(listed(&row, &Wanted::default())))
}

/// A search through everything said.
#[derive(Debug, Deserialize, ToSchema)]
struct MessageSearch {
    query: String,
    agent_id: Option<String>,
    #[serde(default)]
    roles: Option<Vec<String>>,
    limit: Option<usize>,
    start_date: Option<Moment>,
    end_date: Option<Moment>,
}

/// Searches messages by words and by meaning.
#[utoipa::path(post, path = "/v1/messages/search", tag = "messages", request_body = MessageSearch, responses((status = 200, body = Vec<Object>)))]
async fn search_messages(State(shared): State<Shared>, Body(search): Body<MessageSearch>) -> Answer<Vec<Value>> {
    let limit = search.limit.unwrap_or(50).clamp(1, 100);
    let hits = shared.ask(move |app| find_messages(app, &search, limit)).await?;
    Ok(axum::Json(hits.into_iter().map(found_message).collect()))
}

fn find_messages(app: &App, search: &MessageSearch, limit: usize) -> Result<Vec<MessageHit>, ApiError> {
    let read_role = |word: &String| match word.as_str() {
        "user" => Some(RoleView::User),
        "assistant" => Some(RoleView::Assistant),
        "system" => Some(RoleView::System),
        "tool" => Some(RoleView::Tool),
        _ => None,
    };
    let roles: Vec<RoleView> = search.roles.iter().flatten().filter_map(read_role).collect();
    let mut hits = Vec::new();
    for agent_id in agents_to_search(app, search.agent_id.as_deref())? {
        hits.extend(app.search_messages(SearchMessages {
            agent_id,
            query: search.query.clone(),
            roles: roles.clone(),
            from_ms: search.start_date.map(Moment::as_ms),
            to_ms: search.end_date.map(Moment::as_ms),
            limit,
        })?);
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    hits.truncate(limit);
    Ok(hits)
}

fn agents_to_search(app: &App, agent_id: Option<&str>) -> Result<Vec<String>, ApiError> {
    match agent_id {
        Some(id) => Ok(vec![app.agent_record(id)?.id.0]),
        None => Ok(app.agent_records()?.into_iter().map(|agent| agent.id.0).collect()),
    }
}

fn found_message(hit: MessageHit) -> Value {
    let message = hit.message;
    let kind = match message.role {
        RoleView::User => "user_message",
        RoleView::Assistant => "assistant_message",
        RoleView::System | RoleView::Tool => "system_message",
    };
    json!({
        "message_type": kind, "message_id": message.id, "content": message.content, "agent_id": message.agent_id,
        "conversation_id": null, "created_at": time(message.created_at_ms),
    })
}

/// A search through archival memory.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct PassageSearch {
    query: Option<String>,
    agent_id: Option<String>,
    archive_id: Option<String>,
    tags: Option<Vec<String>>,
    tag_match_mode: Option<String>,
    limit: Option<usize>,
    start_date: Option<Moment>,
    end_date: Option<Moment>,
}

/// A passage that was found.
#[derive(Debug, Serialize, ToSchema)]
struct FoundPassage {
    passage: PassageBody,
    score: f32,
    #[schema(value_type = Object)]
    metadata: Value,
}

/// Searches passages by words and by meaning; the newest come first without a query.
#[utoipa::path(post, path = "/v1/passages/search", tag = "passages", request_body = PassageSearch, responses((status = 200, body = [FoundPassage])))]
async fn search_passages(State(shared): State<Shared>, Body(search): Body<PassageSearch>) -> Answer<Vec<FoundPassage>> {
    let hits = shared.ask(move |app| find_passages(app, search)).await?;
    let found = hits.into_iter().map(|hit| FoundPassage {
        score: hit.score,
        metadata: json!({ "reasons": hit.reasons.iter().map(ToString::to_string).collect::<Vec<_>>() }),
        passage: passage_body(hit.passage),
    });
    Ok(axum::Json(found.collect()))
}

fn find_passages(app: &App, search: PassageSearch) -> Result<Vec<ArchivalHit>, ApiError> {
    let scope = match (&search.agent_id, &search.archive_id) {
        (Some(agent_id), _) => scope_of(app, agent_id)?,
        (None, Some(archive_id)) => PassageScope::Archive(app.archive_record(archive_id)?.id),
        (None, None) => PassageScope::Everywhere,
    };
    let asked = Search {
        query: search.query.unwrap_or_default(),
        tags: search.tags.unwrap_or_default(),
        match_all_tags: search.tag_match_mode.as_deref() == Some("all"),
        from: search.start_date,
        to: search.end_date,
        limit: search.limit.unwrap_or(50).clamp(1, 100),
    };
    asked.run(app, scope)
}

/// Which tags.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct TagQuery {
    name: Option<String>,
    query_text: Option<String>,
}

/// Lists the tags of agents and blocks.
#[utoipa::path(get, path = "/v1/tags", tag = "tags", params(TagQuery, PageQuery), responses((status = 200, body = [String])))]
async fn list_tags(
    State(shared): State<Shared>,
    Query(query): Query<TagQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<String>> {
    let tags: BTreeSet<String> = shared.ask(|app| app.tags_of_agents_and_blocks()).await?;
    let words = query.name.or(query.query_text).map(|words| words.to_lowercase());
    let tags = tags.into_iter().filter(|tag| words.as_ref().is_none_or(|words| tag.to_lowercase().contains(words)));
    Ok(axum::Json(page.cut(tags.collect(), (Order::Asc, 50), "tag", String::as_str)?))
}
