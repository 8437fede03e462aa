//! Carries a plan out: everything of a file into one transaction of the store.

use std::collections::{HashMap, HashSet};

use resident_agent::{ToolRules, default_agent};
use resident_agent_file::{self as graph, AgentFile, Notice, NoticeKind};
use resident_store::{Agent, AgentId, AgentType, BlockId, FileId, FolderId, Thread, Writer};
use serde_json::{Map, Value, json};

use super::messages::Place;
use super::plan::{Plan, ServerFate, ToolFate, asked_embedding, asked_model, notice};
use super::threads::{InFile, write_conversation, write_thread};
use super::{Imported, carry, folders, memory, ours, preview};
use crate::App;
use crate::api::ApiError;
use crate::records::{client_settings, runs_as};
use crate::settings::checked_name;

/// The longest name of an agent, in characters.
const NAME_CHARS: usize = 120;

/// Writes what `plan` decided.
pub(super) fn import(app: &App, writer: &mut Writer<'_>, mut plan: Plan, now_ms: i64) -> Result<Imported, ApiError> {
    write_servers_and_tools(writer, &plan, now_ms)?;
    folders::write(writer, &mut plan.file, now_ms)?;
    let tools = plan.attached_tools();
    let rows: Vec<Agent> = (0..plan.file.agents.len()).map(|at| agent_row(&mut plan, at, &tools, now_ms)).collect();
    rows.iter().try_for_each(|row| writer.insert_agent(row))?;
    write_blocks(writer, &plan.file, now_ms)?;
    let mut more = HashMap::new();
    for (agent, row) in plan.file.agents.iter().zip(&rows) {
        attach(writer, agent, &row.id, now_ms)?;
        let of_agent = write_threads(writer, &plan, agent, row, now_ms)?;
        more.insert(agent.id.clone(), of_agent);
    }
    super::groups::write(writer, &plan.file, now_ms)?;
    write_archives(writer, &plan.file, now_ms)?;
    let agent_ids: Vec<AgentId> = rows.into_iter().map(|row| row.id).collect();
    let ours = ours::graph(app, writer, &agent_ids)?;
    carry::take_down(writer, &plan, ours, &more)?;
    Ok(Imported {
        agent_ids,
        group_ids: plan.file.groups.iter().map(|group| group.id.clone()).collect(),
        notices: preview::notices(plan.notices),
    })
}

fn write_servers_and_tools(writer: &mut Writer<'_>, plan: &Plan, now_ms: i64) -> Result<(), ApiError> {
    for server in &plan.file.mcp_servers {
        if let Some(ServerFate::New(row)) = plan.servers.get(&server.id) {
            writer.insert_mcp_server(row)?;
        }
    }
    for tool in &plan.file.tools {
        if plan.tools.get(&tool.id) == Some(&ToolFate::New) {
            let server = tool.mcp_server_id.as_ref().and_then(|id| plan.servers.get(id));
            let server_here = matches!(server, Some(ServerFate::Known | ServerFate::New(_)));
            writer.insert_tool(&ours::tool_row(tool, server_here, now_ms))?;
        }
    }
    Ok(())
}

/// The row of the agent at `at`, with a word on what of it is not adopted.
fn agent_row(plan: &mut Plan, at: usize, tools: &HashMap<String, String>, now_ms: i64) -> Agent {
    let agent = &plan.file.agents[at];
    let of_resident = plan.file.resident.agents.iter().find(|of_agent| of_agent.agent_id == agent.id);
    let agent_type = runs_as(&agent.agent_type).unwrap_or(AgentType::LettaV1Agent);
    let blank = default_agent("", agent_type, now_ms);
    let letta = letta_of(agent);
    let settings = match of_resident {
        Some(of_resident) => of_resident.settings.clone(),
        None => client_settings(&letta, agent.context_window_limit),
    };
    let created_at_ms = of_resident.and_then(|of_resident| of_resident.created_at_ms).unwrap_or(now_ms);
    let (rules, notices) = rules_of(agent, at);
    let row = Agent {
        id: AgentId(agent.id.clone()),
        name: name_of(&agent.name),
        description: agent.description.clone().unwrap_or_default(),
        system: agent.system.clone().unwrap_or(blank.system),
        model: plan.models.get(&agent.id).cloned(),
        tools: tools_of(tools, agent),
        tool_rules: Value::Array(rules),
        settings: Value::Object(settings),
        metadata: Value::Object(agent.metadata.clone()),
        tags: agent.tags.clone(),
        letta: Value::Object(letta),
        created_at_ms,
        updated_at_ms: created_at_ms,
        ..blank
    };
    plan.notices.extend(notices);
    row
}

/// What clients of V1 see of an agent as it came.
fn letta_of(agent: &graph::Agent) -> Map<String, Value> {
    let mut letta = agent.extra.clone();
    let mut put = |name: &str, value: Value| {
        letta.insert(name.to_owned(), value);
    };
    put("agent_type", json!(agent.agent_type));
    let maps = [
        ("llm_config", &agent.llm_config),
        ("embedding_config", &agent.embedding_config),
        ("model_settings", &agent.model_settings),
        ("compaction_settings", &agent.compaction_settings),
    ];
    for (name, map) in maps.into_iter().filter(|(_, map)| !map.is_empty()) {
        put(name, Value::Object(map.clone()));
    }
    let texts =
        [("model", asked_model(agent)), ("embedding", asked_embedding(agent)), ("timezone", agent.timezone.clone())];
    for (name, text) in texts {
        if let Some(text) = text {
            put(name, Value::String(text));
        }
    }
    if let Some(flag) = agent.enable_sleeptime {
        put("enable_sleeptime", json!(flag));
    }
    if agent.message_buffer_autoclear {
        put("message_buffer_autoclear", json!(true));
    }
    letta
}

/// A name that the window can show.
fn name_of(name: &str) -> String {
    let short: String = name.chars().filter(|letter| !letter.is_control()).take(NAME_CHARS).collect();
    checked_name(&short).unwrap_or_else(|_| "Agent".to_owned())
}

/// The names of the tools that an agent has here; `attached` has those that agents can have, by their ids.
fn tools_of(attached: &HashMap<String, String>, agent: &graph::Agent) -> Vec<String> {
    let by_id = agent.tool_ids.iter().filter_map(|id| attached.get(id));
    let named = agent.tool_names.iter().filter(|name| resident_agent::tool(name).is_some());
    let mut seen = HashSet::new();
    by_id.chain(named).filter(|name| seen.insert(*name)).cloned().collect()
}

/// The rules that can be read.
fn rules_of(agent: &graph::Agent, at: usize) -> (Vec<Value>, Vec<Notice>) {
    let (mut rules, mut notices) = (Vec::new(), Vec::new());
    for (nth, rule) in agent.tool_rules.iter().enumerate() {
        let rule = Value::Object(rule.clone());
        match ToolRules::from_json(&json!([rule])) {
            Ok(_) => rules.push(rule),
            Err(error) => {
                let place = format!("agents[{at}].tool_rules[{nth}]");
                let text = format!("This rule is kept with the file and not followed here: {error}.");
                notices.push(notice(NoticeKind::Inert, &place, &text));
            }
        }
    }
    (rules, notices)
}

/// Writes the blocks that agents or their conversations have.
fn write_blocks(writer: &mut Writer<'_>, file: &AgentFile, now_ms: i64) -> Result<(), ApiError> {
    let of_agents = file.agents.iter().flat_map(|agent| &agent.block_ids);
    let conversations = file.resident.agents.iter().flat_map(|of_agent| &of_agent.conversations);
    let of_conversations = conversations.flat_map(|conversation| &conversation.block_ids);
    let wanted: HashSet<&String> = of_agents.chain(of_conversations).collect();
    let mut revisions: HashMap<&str, Vec<&graph::BlockRevision>> = HashMap::new();
    for revision in &file.resident.block_revisions {
        revisions.entry(&revision.block_id).or_default().push(revision);
    }
    for block in file.blocks.iter().filter(|block| wanted.contains(&block.id)) {
        let mut of_block = revisions.remove(block.id.as_str()).unwrap_or_default();
        of_block.sort_by_key(|revision| revision.number);
        memory::write_block(writer, block, &of_block, now_ms)?;
    }
    Ok(())
}

/// Attaches to an agent what it shares with others.
fn attach(writer: &mut Writer<'_>, agent: &graph::Agent, id: &AgentId, now_ms: i64) -> Result<(), ApiError> {
    let blocks: Vec<BlockId> = agent.block_ids.iter().cloned().map(BlockId).collect();
    writer.attach_blocks(id, &blocks)?;
    for folder_id in &agent.folder_ids {
        writer.attach_folder(id, &FolderId(folder_id.clone()))?;
    }
    for view in agent.file_views.iter().filter(|view| view.open) {
        let file_id = FileId(view.file_id.clone());
        // A view of a file in a folder that no agent has is kept with the file.
        if writer.file(&file_id)?.is_some() {
            writer.open_file(id, &file_id, (0, None), now_ms)?;
        }
    }
    Ok(())
}

/// Writes what was said to an agent, in its own thread and in its conversations.
fn write_threads(
    writer: &mut Writer<'_>,
    plan: &Plan,
    agent: &graph::Agent,
    row: &Agent,
    now_ms: i64,
) -> Result<Vec<String>, ApiError> {
    let of_resident = plan.file.resident.agents.iter().find(|of_agent| of_agent.agent_id == agent.id);
    let own = Thread::own(&row.id);
    let by_call = row.agent_type == AgentType::MemgptAgent;
    let from = InFile {
        messages: agent.messages.iter().filter(|message| !plan.prompts.contains(&message.id)).collect(),
        in_context: &agent.in_context_message_ids,
        summaries: of_resident.map_or(&[], |of_resident| &of_resident.summaries),
    };
    let mut more = write_thread(writer, &Place { thread: &own, by_call }, &from, now_ms)?;
    for conversation in of_resident.into_iter().flat_map(|of_resident| &of_resident.conversations) {
        more.extend(write_conversation(writer, (&row.id, by_call), conversation, now_ms)?);
    }
    Ok(more.into_iter().map(|id| id.0).collect())
}

/// Writes the archives that agents have.
fn write_archives(writer: &mut Writer<'_>, file: &AgentFile, now_ms: i64) -> Result<(), ApiError> {
    let attached = || file.resident.archives.iter().filter(|archive| !archive.agent_ids.is_empty());
    let coming: HashSet<&str> =
        attached().flat_map(|archive| archive.passages.iter().map(|passage| passage.id.as_str())).collect();
    for archive in attached() {
        memory::write_archive(writer, archive, &coming, now_ms)?;
    }
    Ok(())
}
