//! Blocks: by themselves, and as an agent's core memory, where they go by their labels.

use axum::extract::State;
use resident_app::App;
use resident_app::api::{ApiError, AttachBlock};
use resident_app::records::{AgentId, Block, BlockChanges, NewBlock};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::agents::{self, AgentBody};
use super::page::{Order, PageQuery};
use super::schema::{BlockBody, block_body};
use crate::error::Answer;
use crate::extract::{AgentKey, BlockKey, Body, Id, Path, Query};
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(count))
        .routes(routes!(retrieve, update, delete))
        .routes(routes!(agents_of))
        .routes(routes!(list_of_agent))
        .routes(routes!(retrieve_of_agent, update_of_agent))
        .routes(routes!(attach))
        .routes(routes!(detach))
}

/// A block to be made, alone or with an agent.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(super) struct CreateBlock {
    label: String,
    value: String,
    description: Option<String>,
    limit: Option<usize>,
    read_only: Option<bool>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    tags: Option<Vec<String>>,
    hidden: Option<bool>,
    is_template: Option<bool>,
    template_name: Option<String>,
    project_id: Option<String>,
}

/// What only clients of V1 read of a block.
#[derive(Debug, Default)]
struct Kept {
    tags: Option<Vec<String>>,
    hidden: Option<bool>,
    is_template: Option<bool>,
    template_name: Option<String>,
    project_id: Option<String>,
}

impl Kept {
    fn into_fields(self) -> Option<Value> {
        let Self { tags, hidden, is_template, template_name, project_id } = self;
        let mut fields = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        set("tags", tags.map(Value::from));
        set("hidden", hidden.map(Value::from));
        set("is_template", is_template.map(Value::from));
        set("template_name", template_name.map(Value::from));
        set("project_id", project_id.map(Value::from));
        if fields.is_empty() { None } else { Some(Value::Object(fields)) }
    }
}

impl From<CreateBlock> for NewBlock {
    fn from(block: CreateBlock) -> Self {
        let CreateBlock { label, value, description, limit, read_only, metadata, .. } = block.clone();
        let CreateBlock { tags, hidden, is_template, template_name, project_id, .. } = block;
        Self {
            label,
            value,
            description,
            limit_chars: limit,
            read_only: read_only.unwrap_or(false),
            metadata,
            letta: Kept { tags, hidden, is_template, template_name, project_id }.into_fields(),
        }
    }
}

/// Changes to a block; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct UpdateBlock {
    label: Option<String>,
    value: Option<String>,
    description: Option<String>,
    limit: Option<usize>,
    read_only: Option<bool>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    tags: Option<Vec<String>>,
    hidden: Option<bool>,
    is_template: Option<bool>,
    template_name: Option<String>,
    project_id: Option<String>,
}

impl From<UpdateBlock> for BlockChanges {
    fn from(changes: UpdateBlock) -> Self {
        let UpdateBlock {
            label,
            value,
            description,
            limit,
            read_only,
            metadata,
            tags,
            hidden,
            is_template,
            template_name,
            project_id,
        } = changes;
        Self {
            label,
            value,
            description,
            limit_chars: limit,
            read_only,
            metadata,
            letta: Kept { tags, hidden, is_template, template_name, project_id }.into_fields(),
        }
    }
}

/// Which blocks.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct BlockQuery {
    label: Option<String>,
    templates_only: Option<bool>,
    name: Option<String>,
    label_search: Option<String>,
    description_search: Option<String>,
    value_search: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    match_all_tags: Option<bool>,
    connected_to_agents_count_gt: Option<usize>,
    connected_to_agents_count_lt: Option<usize>,
    #[serde(default)]
    connected_to_agents_count_eq: Vec<usize>,
    project_id: Option<String>,
}

impl BlockQuery {
    fn wants(&self, block: &Block) -> bool {
        let holds = |text: &str, words: &Option<String>| {
            words.as_ref().is_none_or(|words| text.to_lowercase().contains(&words.to_lowercase()))
        };
        let kept = |field: &str| block.letta.get(field);
        let tags: Vec<&str> =
            kept("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let has = |tag: &String| tags.contains(&tag.as_str());
        let tagged = match (self.tags.is_empty(), self.match_all_tags) {
            (true, _) => true,
            (false, Some(true)) => self.tags.iter().all(has),
            (false, _) => self.tags.iter().any(has),
        };
        let is_template = kept("is_template").and_then(Value::as_bool).unwrap_or(false);
        self.label.as_ref().is_none_or(|label| *label == block.label)
            && (self.templates_only != Some(true) || is_template)
            && self.name.as_ref().is_none_or(|name| kept("template_name").and_then(Value::as_str) == Some(name))
            && self.project_id.as_ref().is_none_or(|id| kept("project_id").and_then(Value::as_str) == Some(id))
            && holds(&block.label, &self.label_search)
            && holds(&block.description, &self.description_search)
            && holds(&block.value, &self.value_search)
            && tagged
    }

    fn wants_count(&self, agents: usize) -> bool {
        self.connected_to_agents_count_gt.is_none_or(|count| agents > count)
            && self.connected_to_agents_count_lt.is_none_or(|count| agents < count)
            && (self.connected_to_agents_count_eq.is_empty() || self.connected_to_agents_count_eq.contains(&agents))
    }

    fn find(&self, app: &App) -> Result<Vec<Block>, ApiError> {
        let blocks = app.block_records()?.into_iter().filter(|block| self.wants(block));
        let counted = blocks.map(|block| {
            let agents = app.agents_of_block(block.id.as_str())?.len();
            Ok::<_, ApiError>((block, agents))
        });
        let counted = counted.collect::<Result<Vec<_>, _>>()?.into_iter();
        Ok(counted.filter(|(_, agents)| self.wants_count(*agents)).map(|(block, _)| block).collect())
    }
}

/// Lists blocks.
#[utoipa::path(get, path = "/v1/blocks", tag = "blocks", params(BlockQuery, PageQuery), responses((status = 200, body = [BlockBody])))]
async fn list(
    State(shared): State<Shared>,
    Query(query): Query<BlockQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<BlockBody>> {
    let blocks = shared.ask(move |app| query.find(app)).await?;
    let blocks = page.cut(blocks, (Order::Asc, 50), "block", |block| block.id.as_str())?;
    Ok(axum::Json(blocks.into_iter().map(block_body).collect()))
}

/// Counts blocks.
#[utoipa::path(get, path = "/v1/blocks/count", tag = "blocks", responses((status = 200, body = usize)))]
async fn count(State(shared): State<Shared>) -> Answer<usize> {
    Ok(axum::Json(shared.ask(|app| app.block_records()).await?.len()))
}

/// Makes a block that no agent has yet.
#[utoipa::path(post, path = "/v1/blocks", tag = "blocks", request_body = CreateBlock, responses((status = 200, body = BlockBody)))]
async fn create(State(shared): State<Shared>, Body(block): Body<CreateBlock>) -> Answer<BlockBody> {
    let block = shared.ask(move |app| app.create_block_record(block.into())).await?;
    Ok(axum::Json(block_body(block)))
}

/// One block.
#[utoipa::path(
    get, path = "/v1/blocks/{block_id}", tag = "blocks", params(("block_id" = String, Path)),
    responses((status = 200, body = BlockBody), (status = 404))
)]
async fn retrieve(State(shared): State<Shared>, Path(id): Path<Id<BlockKey>>) -> Answer<BlockBody> {
    let block = shared.ask(move |app| app.block_record(id.as_str())).await?;
    Ok(axum::Json(block_body(block)))
}

/// Changes a block.
#[utoipa::path(
    patch, path = "/v1/blocks/{block_id}", tag = "blocks", params(("block_id" = String, Path)),
    request_body = UpdateBlock, responses((status = 200, body = BlockBody), (status = 404))
)]
async fn update(
    State(shared): State<Shared>,
    Path(id): Path<Id<BlockKey>>,
    Body(changes): Body<UpdateBlock>,
) -> Answer<BlockBody> {
    let block = shared.ask(move |app| app.update_block_record(id.as_str(), changes.into())).await?;
    Ok(axum::Json(block_body(block)))
}

/// Moves a block to the bin.
#[utoipa::path(
    delete, path = "/v1/blocks/{block_id}", tag = "blocks", params(("block_id" = String, Path)),
    responses((status = 200), (status = 404))
)]
async fn delete(State(shared): State<Shared>, Path(id): Path<Id<BlockKey>>) -> Answer<Value> {
    shared.ask(move |app| app.delete_block_record(id.as_str())).await?;
    Ok(axum::Json(Value::Null))
}

/// The agents that have a block.
#[utoipa::path(
    get, path = "/v1/blocks/{block_id}/agents", tag = "blocks", params(("block_id" = String, Path), PageQuery),
    responses((status = 200, body = [AgentBody]), (status = 404))
)]
async fn agents_of(
    State(shared): State<Shared>,
    Path(id): Path<Id<BlockKey>>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<AgentBody>> {
    let agents = shared
        .ask(move |app| {
            let ids = app.agents_of_block(id.as_str())?;
            let agents = app.agent_records()?.into_iter().filter(|agent| ids.contains(&agent.id)).collect();
            agents::bodies(app, agents)
        })
        .await?;
    Ok(axum::Json(page.cut(agents, (Order::Desc, 50), "agent", AgentBody::id)?))
}

/// Lists the blocks of an agent.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/core-memory/blocks", tag = "agents",
    params(("agent_id" = String, Path), PageQuery), responses((status = 200, body = [BlockBody]), (status = 404))
)]
async fn list_of_agent(
    State(shared): State<Shared>,
    Path(id): Path<Id<AgentKey>>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<BlockBody>> {
    let blocks = shared
        .ask(move |app| {
            let agent = app.agent_record(id.as_str())?;
            Ok(app.blocks_of_agents(std::slice::from_ref(&agent.id))?.remove(&agent.id).unwrap_or_default())
        })
        .await?;
    let blocks = page.cut(blocks, (Order::Desc, 50), "block", |block| block.id.as_str())?;
    Ok(axum::Json(blocks.into_iter().map(block_body).collect()))
}

/// One block of an agent, by its label.
#[utoipa::path(
    get, path = "/v1/agents/{agent_id}/core-memory/blocks/{*block_label}", tag = "agents",
    params(("agent_id" = String, Path), ("block_label" = String, Path)),
    responses((status = 200, body = BlockBody), (status = 404))
)]
async fn retrieve_of_agent(
    State(shared): State<Shared>,
    Path((id, label)): Path<(Id<AgentKey>, String)>,
) -> Answer<BlockBody> {
    let block = shared.ask(move |app| app.block_of_agent(id.as_str(), &label)).await?;
    Ok(axum::Json(block_body(block)))
}

/// Changes a block of an agent, by its label.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/core-memory/blocks/{*block_label}", tag = "agents",
    params(("agent_id" = String, Path), ("block_label" = String, Path)),
    request_body = UpdateBlock, responses((status = 200, body = BlockBody), (status = 404))
)]
async fn update_of_agent(
    State(shared): State<Shared>,
    Path((id, label)): Path<(Id<AgentKey>, String)>,
    Body(changes): Body<UpdateBlock>,
) -> Answer<BlockBody> {
    let block = shared
        .ask(move |app| {
            let block = app.block_of_agent(id.as_str(), &label)?;
            app.update_block_record(block.id.as_str(), changes.into())
        })
        .await?;
    Ok(axum::Json(block_body(block)))
}

/// Shares a block with an agent.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/core-memory/blocks/attach/{block_id}", tag = "agents",
    params(("agent_id" = String, Path), ("block_id" = String, Path)),
    responses((status = 200, body = AgentBody), (status = 404))
)]
async fn attach(
    State(shared): State<Shared>,
    Path((agent, block)): Path<(Id<AgentKey>, Id<BlockKey>)>,
) -> Answer<AgentBody> {
    change_attachment(shared, agent, block, |app, pair| app.attach_block(pair).map(|_| ())).await
}

/// Ends the sharing of a block with an agent.
#[utoipa::path(
    patch, path = "/v1/agents/{agent_id}/core-memory/blocks/detach/{block_id}", tag = "agents",
    params(("agent_id" = String, Path), ("block_id" = String, Path)),
    responses((status = 200, body = AgentBody), (status = 404))
)]
async fn detach(
    State(shared): State<Shared>,
    Path((agent, block)): Path<(Id<AgentKey>, Id<BlockKey>)>,
) -> Answer<AgentBody> {
    change_attachment(shared, agent, block, |app, pair| {
        let agent_id = AgentId(pair.agent_id.clone());
        let attached = app.blocks_of_agents(std::slice::from_ref(&agent_id))?.remove(&agent_id).unwrap_or_default();
        if !attached.iter().any(|block| block.id.as_str() == pair.block_id) {
            return Err(ApiError::not_found("block of this agent", &pair.block_id));
        }
        app.detach_block(pair).map(|_| ())
    })
    .await
}

async fn change_attachment(
    shared: Shared,
    agent: Id<AgentKey>,
    block: Id<BlockKey>,
    change: impl FnOnce(&App, AttachBlock) -> Result<(), ApiError> + Send + 'static,
) -> Answer<AgentBody> {
    let (agent_id, block_id) = (agent.into_string(), block.into_string());
    let body = shared
        .ask(move |app| {
            app.agent_record(&agent_id)?;
            app.block_record(&block_id)?;
            change(app, AttachBlock { agent_id: agent_id.clone(), block_id })?;
            agents::body(app, &agent_id)
        })
        .await?;
    Ok(axum::Json(body))
}
