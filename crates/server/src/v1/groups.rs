//! Groups: agents that work together. The current SDK knows them only as part of agents; older clients make them and talk
//! with them through these routes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body as HttpBody, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use resident_app::records::{
    AgentId, BlockId, Group, GroupChanges, GroupId, GroupListing, ManagerType, MessageListing, MessageRow, NewGroup,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::messages::ask::said_of;
use super::messages::request::{Asking, MessageRequest};
use super::messages::shape::{Wanted, listed};
use super::messages::stream::{keep_alive, usage_body};
use super::page::{Order, PageQuery};
use super::runs::store_page;
use crate::error::{Answer, Problem};
use crate::extract::{Body, GroupKey, Id, Path, Query, read_json};
use crate::run_log::Usage;
use crate::state::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(count))
        .routes(routes!(retrieve, update, delete))
        .routes(routes!(messages, talk))
        .routes(routes!(talk_in_stream))
        .routes(routes!(reset))
}

/// A group.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct GroupBody {
    id: String,
    manager_type: String,
    agent_ids: Vec<String>,
    description: String,
    project_id: Option<String>,
    template_id: Option<String>,
    base_template_id: Option<String>,
    deployment_id: Option<String>,
    shared_block_ids: Vec<String>,
    manager_agent_id: Option<String>,
    termination_token: Option<String>,
    max_turns: Option<i64>,
    sleeptime_agent_frequency: Option<i64>,
    turns_counter: Option<i64>,
    last_processed_message_id: Option<String>,
    max_message_buffer_length: Option<i64>,
    min_message_buffer_length: Option<i64>,
    hidden: Option<bool>,
}

pub(super) fn group_body(group: Group) -> GroupBody {
    let kept = |name: &str| group.letta.get(name);
    let number = |name: &str| kept(name).and_then(Value::as_i64);
    let text = |name: &str| kept(name).and_then(Value::as_str).map(str::to_owned);
    GroupBody {
        project_id: text("project_id"),
        template_id: text("template_id"),
        base_template_id: text("base_template_id"),
        deployment_id: None,
        max_message_buffer_length: number("max_message_buffer_length"),
        min_message_buffer_length: number("min_message_buffer_length"),
        hidden: kept("hidden").and_then(Value::as_bool),
        turns_counter: None,
        last_processed_message_id: None,
        manager_type: word(group.manager_type),
        id: group.id.0,
        agent_ids: group.agent_ids.into_iter().map(|id| id.0).collect(),
        description: group.description,
        shared_block_ids: group.shared_block_ids.into_iter().map(|id| id.0).collect(),
        manager_agent_id: group.manager_agent_id.map(|id| id.0),
        termination_token: group.termination_token,
        max_turns: group.max_turns,
        sleeptime_agent_frequency: group.sleeptime_agent_frequency,
    }
}

fn word(manager_type: ManagerType) -> String {
    json!(manager_type).as_str().unwrap_or_default().to_owned()
}

/// Which groups.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct GroupQuery {
    manager_type: Option<String>,
    project_id: Option<String>,
    show_hidden_groups: Option<bool>,
}

/// Lists groups.
#[utoipa::path(get, path = "/v1/groups", tag = "groups", params(GroupQuery, PageQuery), responses((status = 200, body = [GroupBody])))]
async fn list(
    State(shared): State<Shared>,
    Query(query): Query<GroupQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<GroupBody>> {
    let manager_type = query.manager_type.map(|word| read_manager_type(&word, "query")).transpose()?;
    let listing = GroupListing { manager_type, page: store_page(&page, (Order::Asc, 50)) };
    let found = shared.ask(move |app| app.group_records(&listing)).await?;
    let shown = |body: &GroupBody| {
        query.project_id.as_ref().is_none_or(|id| body.project_id.as_ref() == Some(id))
            && (body.hidden != Some(true) || query.show_hidden_groups == Some(true))
    };
    Ok(axum::Json(found.into_iter().map(group_body).filter(shown).collect()))
}

/// Counts groups.
#[utoipa::path(get, path = "/v1/groups/count", tag = "groups", responses((status = 200, body = usize)))]
async fn count(State(shared): State<Shared>) -> Answer<usize> {
    Ok(axum::Json(shared.ask(|app| app.group_records(&GroupListing::default())).await?.len()))
}

/// How a group is led.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct ManagerConfig {
    manager_type: Option<String>,
    manager_agent_id: Option<String>,
    termination_token: Option<String>,
    max_turns: Option<i64>,
    sleeptime_agent_frequency: Option<i64>,
    max_message_buffer_length: Option<i64>,
    min_message_buffer_length: Option<i64>,
}

impl ManagerConfig {
    fn kept(&self) -> Map<String, Value> {
        let lengths = [
            ("max_message_buffer_length", self.max_message_buffer_length),
            ("min_message_buffer_length", self.min_message_buffer_length),
        ];
        lengths.into_iter().filter_map(|(name, length)| Some((name.to_owned(), json!(length?)))).collect()
    }
}

/// A group to be made.
#[derive(Debug, Deserialize, ToSchema)]
struct CreateGroup {
    agent_ids: Vec<String>,
    description: String,
    #[serde(default)]
    manager_config: ManagerConfig,
    project_id: Option<String>,
    #[serde(default)]
    shared_block_ids: Vec<String>,
    hidden: Option<bool>,
}

/// Makes a group.
#[utoipa::path(post, path = "/v1/groups", tag = "groups", request_body = CreateGroup, responses((status = 200, body = GroupBody), (status = 422)))]
async fn create(State(shared): State<Shared>, Body(request): Body<CreateGroup>) -> Answer<GroupBody> {
    let CreateGroup { agent_ids, description, manager_config, project_id, shared_block_ids, hidden } = request;
    let manager_type = match &manager_config.manager_type {
        Some(word) => read_manager_type(word, "body")?,
        None => ManagerType::RoundRobin,
    };
    let mut letta = manager_config.kept();
    letta.extend(project_id.map(|id| ("project_id".to_owned(), json!(id))));
    letta.extend(hidden.map(|hidden| ("hidden".to_owned(), json!(hidden))));
    let new = NewGroup {
        description,
        agent_ids: agent_ids.into_iter().map(AgentId).collect(),
        manager_agent_id: manager_config.manager_agent_id.map(AgentId),
        shared_block_ids: shared_block_ids.into_iter().map(BlockId).collect(),
        max_turns: manager_config.max_turns,
        termination_token: manager_config.termination_token,
        sleeptime_agent_frequency: manager_config.sleeptime_agent_frequency,
        letta: Value::Object(letta),
        ..NewGroup::of(manager_type)
    };
    Ok(axum::Json(group_body(shared.ask(move |app| app.create_group_record(new)).await?)))
}

fn read_manager_type(word: &str, place: &str) -> Result<ManagerType, Problem> {
    let known = "one of round_robin, supervisor, dynamic, sleeptime, voice_sleeptime";
    serde_json::from_value(json!(word))
        .map_err(|_| Problem::invalid(&[place, "manager_config", "manager_type"], format!("it has to be {known}")))
}

/// One group.
#[utoipa::path(get, path = "/v1/groups/{group_id}", tag = "groups", params(("group_id" = String, Path)), responses((status = 200, body = GroupBody), (status = 404)))]
async fn retrieve(State(shared): State<Shared>, Path(id): Path<Id<GroupKey>>) -> Answer<GroupBody> {
    Ok(axum::Json(group_body(shared.ask(move |app| app.group_record(id.as_str())).await?)))
}

/// What of a group is to be changed.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct UpdateGroup {
    agent_ids: Option<Vec<String>>,
    description: Option<String>,
    manager_config: Option<ManagerConfig>,
    project_id: Option<String>,
    shared_block_ids: Option<Vec<String>>,
}

/// Changes a group; how it works stays as it is.
#[utoipa::path(
    patch, path = "/v1/groups/{group_id}", tag = "groups", params(("group_id" = String, Path)),
    request_body = UpdateGroup, responses((status = 200, body = GroupBody), (status = 404), (status = 422))
)]
async fn update(
    State(shared): State<Shared>,
    Path(id): Path<Id<GroupKey>>,
    Body(request): Body<UpdateGroup>,
) -> Answer<GroupBody> {
    let UpdateGroup { agent_ids, description, manager_config, project_id, shared_block_ids } = request;
    let config = manager_config.unwrap_or_default();
    let wanted = config.manager_type.as_deref().map(|word| read_manager_type(word, "body")).transpose()?;
    let mut letta = config.kept();
    letta.extend(project_id.map(|id| ("project_id".to_owned(), json!(id))));
    let changes = GroupChanges {
        description,
        agent_ids: agent_ids.map(|ids| ids.into_iter().map(AgentId).collect()),
        manager_agent_id: config.manager_agent_id.map(AgentId),
        shared_block_ids: shared_block_ids.map(|ids| ids.into_iter().map(BlockId).collect()),
        max_turns: config.max_turns,
        termination_token: config.termination_token,
        sleeptime_agent_frequency: config.sleeptime_agent_frequency,
        letta: Some(Value::Object(letta)),
    };
    let group_id = id.as_str().to_owned();
    let group = shared.ask(move |app| app.group_record(&group_id)).await?;
    if wanted.is_some_and(|wanted| wanted != group.manager_type) {
        let message = "how a group works cannot be changed; make another";
        return Err(Problem::invalid(&["body", "manager_config", "manager_type"], message));
    }
    Ok(axum::Json(group_body(shared.ask(move |app| app.update_group_record(id.as_str(), changes)).await?)))
}

/// Takes a group apart; its agents stay.
#[utoipa::path(delete, path = "/v1/groups/{group_id}", tag = "groups", params(("group_id" = String, Path)), responses((status = 200), (status = 404)))]
async fn delete(State(shared): State<Shared>, Path(id): Path<Id<GroupKey>>) -> Answer<Value> {
    let message = format!("Group id={} successfully deleted", id.as_str());
    let group = resident_app::api::GroupRef { group_id: id.into_string() };
    shared.ask(move |app| app.delete_group(group)).await?;
    Ok(axum::Json(json!({ "message": message })))
}

/// Which messages of a group.
#[derive(Debug, Default, Deserialize, IntoParams)]
struct MessageQuery {
    use_assistant_message: Option<bool>,
    #[serde(default)]
    include_return_message_types: Vec<String>,
}

/// What was said in a group, each thing once, oldest first.
#[utoipa::path(
    get, path = "/v1/groups/{group_id}/messages", tag = "groups",
    params(("group_id" = String, Path), MessageQuery, PageQuery), responses((status = 200, body = Vec<Object>), (status = 404))
)]
async fn messages(
    State(shared): State<Shared>,
    Path(id): Path<Id<GroupKey>>,
    Query(query): Query<MessageQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Vec<Value>> {
    let newest = page.order(Order::Desc) == Order::Desc;
    let limit = page.limit.unwrap_or(50).min(1000);
    let rows = shared
        .ask(move |app| {
            let group_id = Some(app.group_record(id.as_str())?.id);
            let listing = MessageListing { group_id, ..MessageListing::default() };
            app.message_rows(listing, page.after.as_deref(), page.before.as_deref(), (limit, newest))
        })
        .await?;
    let kinds = query.include_return_message_types;
    let wanted = Wanted {
        spoken: query.use_assistant_message != Some(false),
        kinds: (!kinds.is_empty()).then_some(kinds),
        pieces: false,
    };
    Ok(axum::Json(rows.iter().flat_map(|row| listed(row, &wanted)).collect()))
}

/// Says something to a group and answers with all that its agents say.
#[utoipa::path(
    post, path = "/v1/groups/{group_id}/messages", tag = "groups", params(("group_id" = String, Path)),
    request_body = MessageRequest, responses((status = 200, body = Object), (status = 404), (status = 409))
)]
async fn talk(State(shared): State<Shared>, Path(id): Path<Id<GroupKey>>, body: Bytes) -> Result<Response, Problem> {
    let request: MessageRequest = read_json(&body)?;
    let mut talk = Talk::begin(shared, id, &request).await?;
    Ok(keep_alive(async move {
        let mut said = Vec::new();
        while let Some(more) = talk.next().await? {
            said.extend(more);
        }
        let usage = usage_body(talk.usage().await?, None);
        Ok(json!({ "messages": said, "stop_reason": stop_reason(), "usage": usage }))
    })
    .await)
}

/// Says something to a group and streams what its agents say, message by message.
#[utoipa::path(
    post, path = "/v1/groups/{group_id}/messages/stream", tag = "groups", params(("group_id" = String, Path)),
    request_body = MessageRequest, responses((status = 200, content_type = "text/event-stream"), (status = 404), (status = 409))
)]
async fn talk_in_stream(
    State(shared): State<Shared>,
    Path(id): Path<Id<GroupKey>>,
    body: Bytes,
) -> Result<Response, Problem> {
    let request: MessageRequest = read_json(&body)?;
    let talk = Talk::begin(shared, id, &request).await?;
    let frames =
        futures_util::stream::unfold((talk, VecDeque::new(), false), |(mut talk, mut ready, mut over)| async move {
            loop {
                if let Some(frame) = ready.pop_front() {
                    return Some((Ok::<String, Infallible>(frame), (talk, ready, over)));
                }
                if over {
                    return None;
                }
                let frame = |value: &Value| format!("data: {value}\n\n");
                match talk.next().await {
                    Ok(Some(said)) if said.is_empty() => ready.push_back(": \n\n".to_owned()),
                    Ok(Some(said)) => ready.extend(said.iter().map(frame)),
                    Ok(None) => {
                        let usage = usage_body(talk.usage().await.unwrap_or_default(), None);
                        ready.extend([frame(&stop_reason()), frame(&usage), "data: [DONE]\n\n".to_owned()]);
                        over = true;
                    }
                    Err(problem) => {
                        let error = json!({ "message_type": "error_message", "message": problem.message() });
                        ready.extend([format!("event: error\ndata: {error}\n\n"), "data: [DONE]\n\n".to_owned()]);
                        over = true;
                    }
                }
            }
        });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")];
    Ok((headers, HttpBody::from_stream(frames)).into_response())
}

/// Moves what was said in a group to the bin.
#[utoipa::path(patch, path = "/v1/groups/{group_id}/reset-messages", tag = "groups", params(("group_id" = String, Path)), responses((status = 200), (status = 404)))]
async fn reset(State(shared): State<Shared>, Path(id): Path<Id<GroupKey>>) -> Answer<Value> {
    shared.ask(move |app| app.reset_group(id.as_str())).await?;
    Ok(axum::Json(Value::Null))
}

fn stop_reason() -> Value {
    json!({ "message_type": "stop_reason", "stop_reason": "end_turn" })
}

/// How often a talk is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A talk that a client follows.
struct Talk {
    shared: Shared,
    group_id: GroupId,
    wanted: Wanted,
    /// The last message that was there, or was told.
    after: Option<String>,
    turn_ids: Vec<String>,
    over: bool,
}

impl Talk {
    async fn begin(shared: Shared, id: Id<GroupKey>, request: &MessageRequest) -> Result<Self, Problem> {
        let Asking::Say(said) = request.asking()? else {
            return Err(Problem::invalid(&["body", "messages"], "word on a call goes to the agent that made it"));
        };
        let said: Vec<_> = said.into_iter().map(said_of).collect();
        let group_id = GroupId(id.into_string());
        let of = group_id.clone();
        let after = shared
            .ask(move |app| {
                let group_id = Some(app.group_record(of.as_str())?.id);
                let listing = MessageListing { group_id, ..MessageListing::default() };
                let last = app.message_rows(listing, None, None, (1, true))?.pop();
                app.talk_in_group(&of, said)?;
                Ok(last.map(|row| row.message.id))
            })
            .await?;
        let wanted = Wanted { pieces: false, ..request.wanted() };
        Ok(Self { shared, group_id, wanted, after, turn_ids: Vec::new(), over: false })
    }

    /// What was said since the last call, soon; `None` when all is said.
    async fn next(&mut self) -> Result<Option<Vec<Value>>, Problem> {
        if self.over {
            return Ok(None);
        }
        tokio::time::sleep(LOOK).await;
        let (group_id, after) = (self.group_id.clone(), self.after.clone());
        let (running, rows) = self
            .shared
            .ask(move |app| {
                // Asked first: what is said before it falls silent is among the rows.
                let running = app.group_is_talking(&group_id);
                let listing = MessageListing { group_id: Some(group_id), ..MessageListing::default() };
                Ok((running, app.message_rows(listing, after.as_deref(), None, (1000, false))?))
            })
            .await?;
        self.over = !running && rows.len() < 1000;
        if let Some(last) = rows.last() {
            self.after = Some(last.message.id.clone());
        }
        for turn_id in rows.iter().filter_map(|row| row.message.turn_id.clone()) {
            if !self.turn_ids.contains(&turn_id) {
                self.turn_ids.push(turn_id);
            }
        }
        let told = |row: &MessageRow| listed(row, &self.wanted);
        Ok(Some(rows.iter().flat_map(told).filter(|message| message["message_type"] != "user_message").collect()))
    }

    async fn usage(&self) -> Result<Usage, Problem> {
        let turn_ids = self.turn_ids.clone();
        let steps = self.shared.ask(move |app| {
            let mut steps = Vec::new();
            for id in turn_ids {
                steps.extend(app.turn_in_full(&id)?.2);
            }
            Ok(steps)
        });
        let mut usage = Usage::default();
        for step in steps.await? {
            usage.add(&step);
        }
        Ok(usage)
    }
}
