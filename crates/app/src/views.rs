//! From rows of the store to what the API shows. Each conversion takes the row apart whole, so that a new field of the
//! store cannot be forgotten here. The way back exists only where a client sends such a value.

use std::collections::HashMap;

use resident_store::{
    Actor, Agent, AgentId, AgentType, Block, BlockRevision, Message, Passage, Provenance, Reader, Role, Step,
    StoreError, ToolCall, ToolStatus, Turn, TurnStatus,
};

use crate::api::{
    ActorView, AgentKind, AgentView, ApiError, BlockView, ErrorCode, MessageView, PassageView, ProvenanceView,
    RevisionView, RoleView, StepView, ToolCallView, TurnState, TurnView,
};

/// The tool whose call is shown as what the agent says.
const SPEAKING_TOOL: &str = "send_message";

pub(crate) fn agent_kind(agent_type: AgentType) -> AgentKind {
    match agent_type {
        AgentType::MemgptAgent => AgentKind::MemgptAgent,
        AgentType::LettaV1Agent => AgentKind::LettaV1Agent,
    }
}

pub(crate) fn agent_type(kind: AgentKind) -> AgentType {
    match kind {
        AgentKind::MemgptAgent => AgentType::MemgptAgent,
        AgentKind::LettaV1Agent => AgentType::LettaV1Agent,
    }
}

pub(crate) fn role_view(role: Role) -> RoleView {
    match role {
        Role::System => RoleView::System,
        Role::User => RoleView::User,
        Role::Assistant => RoleView::Assistant,
        Role::Tool => RoleView::Tool,
    }
}

pub(crate) fn role(view: RoleView) -> Role {
    match view {
        RoleView::System => Role::System,
        RoleView::User => Role::User,
        RoleView::Assistant => Role::Assistant,
        RoleView::Tool => Role::Tool,
    }
}

fn turn_state(status: TurnStatus) -> TurnState {
    match status {
        TurnStatus::Running => TurnState::Running,
        TurnStatus::Completed => TurnState::Completed,
        TurnStatus::Interrupted => TurnState::Interrupted,
        TurnStatus::Cancelled => TurnState::Cancelled,
        TurnStatus::Failed => TurnState::Failed,
    }
}

/// An agent with what its conversation says about it.
pub(crate) fn agent_view(reader: &Reader<'_>, agent: Agent) -> Result<AgentView, StoreError> {
    let last_message_at_ms = reader.last_message(&agent.id)?.map(|message| message.created_at_ms);
    let latest_turn = reader.latest_turn(&agent.id)?;
    let turn_in = |status| latest_turn.as_ref().filter(|turn| turn.status == status).map(|turn| turn.id.0.clone());
    let (running_turn_id, interrupted_turn_id) = (turn_in(TurnStatus::Running), turn_in(TurnStatus::Interrupted));
    let Agent {
        id,
        name,
        description,
        agent_type,
        system,
        model,
        tools,
        tool_rules,
        settings: _,
        metadata: _,
        tags: _,
        letta: _,
        window_start_seq: _,
        created_at_ms,
        updated_at_ms: _,
        deleted_at_ms,
    } = agent;
    Ok(AgentView {
        id: id.0,
        name,
        description,
        kind: agent_kind(agent_type),
        system,
        model,
        tools,
        tool_rules,
        created_at_ms,
        last_message_at_ms,
        deleted_at_ms,
        running_turn_id,
        interrupted_turn_id,
    })
}

pub(crate) fn turn_view(turn: Turn) -> TurnView {
    let Turn {
        id,
        agent_id,
        conversation_id: _,
        message_id: _,
        status,
        stop_reason,
        error,
        request_key: _,
        options: _,
        started_at_ms,
        ended_at_ms,
    } = turn;
    let error = error.map(|message| ApiError { code: ErrorCode::Model, message, hint: None });
    TurnView {
        id: id.0,
        agent_id: agent_id.0,
        state: turn_state(status),
        stop_reason,
        error,
        started_at_ms,
        ended_at_ms,
    }
}

pub(crate) fn step_view(step: Step) -> StepView {
    let Step {
        id,
        turn_id,
        agent_id: _,
        number,
        model,
        prompt_tokens,
        cached_tokens,
        completion_tokens,
        duration_ms,
        trace,
        started_at_ms,
    } = step;
    StepView {
        id: id.0,
        turn_id: turn_id.0,
        number,
        model,
        prompt_tokens,
        cached_tokens,
        completion_tokens,
        duration_ms,
        trace,
        started_at_ms,
    }
}

pub(crate) fn tool_call_view(call: ToolCall) -> ToolCallView {
    let ToolCall { id, name, arguments } = call;
    ToolCallView { id, name, arguments }
}

/// A message; `window_start_seq` is the first that is still in the agent's window.
pub(crate) fn message_view(message: Message, window_start_seq: i64) -> MessageView {
    let Message {
        id,
        seq,
        agent_id,
        conversation_id: _,
        turn_id,
        step_id,
        role,
        content,
        thoughts,
        tool_calls,
        tool_call_id,
        name,
        tool_status,
        otid,
        sender_id,
        group_id,
        origin_id,
        created_at_ms,
        deleted_at_ms: _,
    } = message;
    let spoken_by_call = tool_calls.iter().any(|call| call.name == SPEAKING_TOOL);
    let shown = tool_calls.into_iter().filter(|call| call.name != SPEAKING_TOOL).map(tool_call_view);
    MessageView {
        otid,
        sender_id,
        group_id: group_id.map(|id| id.0),
        origin_id: origin_id.map(|id| id.0),
        spoken_by_call,
        id: id.0,
        seq,
        agent_id: agent_id.0,
        turn_id: turn_id.map(|id| id.0),
        step_id: step_id.map(|id| id.0),
        role: role_view(role),
        content,
        thoughts,
        tool_calls: shown.collect(),
        tool_call_id,
        name,
        failed: tool_status == Some(ToolStatus::Failed),
        created_at_ms,
        in_window: seq >= window_start_seq,
    }
}

/// Names of agents, for provenance: an agent in the bin still wrote what it wrote.
#[derive(Default)]
pub(crate) struct AgentNames(HashMap<AgentId, String>);

impl AgentNames {
    pub(crate) fn read(reader: &Reader<'_>) -> Result<Self, StoreError> {
        let all = reader.agents(false)?.into_iter().chain(reader.agents(true)?);
        Ok(Self(all.map(|agent| (agent.id, agent.name)).collect()))
    }

    pub(crate) fn provenance(&self, provenance: Provenance) -> ProvenanceView {
        let Provenance { actor, agent_id, turn_id, message_id, tool } = provenance;
        ProvenanceView {
            actor: match actor {
                Actor::User => ActorView::User,
                Actor::Agent => ActorView::Agent,
                Actor::System => ActorView::System,
            },
            agent_name: agent_id.as_ref().and_then(|id| self.0.get(id)).cloned(),
            agent_id: agent_id.map(|id| id.0),
            turn_id: turn_id.map(|id| id.0),
            message_id: message_id.map(|id| id.0),
            tool,
        }
    }

    pub(crate) fn passage(&self, passage: Passage) -> PassageView {
        let Passage {
            id,
            archive_id: _,
            agent_id,
            file_id: _,
            text,
            tags,
            provenance,
            document,
            valid_from_ms,
            valid_to_ms,
            superseded_by,
            created_at_ms,
            updated_at_ms,
            deleted_at_ms,
        } = passage;
        PassageView {
            id: id.0,
            // Whose archive it lies in; nobody's own where clients share one.
            agent_id: agent_id.map(|id| id.0).unwrap_or_default(),
            text,
            tags,
            provenance: self.provenance(provenance),
            document,
            valid_from_ms,
            valid_to_ms,
            superseded_by: superseded_by.map(|id| id.0),
            created_at_ms,
            updated_at_ms,
            deleted_at_ms,
        }
    }

    pub(crate) fn revision(&self, revision: BlockRevision) -> RevisionView {
        let BlockRevision { block_id: _, number, before, after, provenance, created_at_ms } = revision;
        RevisionView { number, before, after, provenance: self.provenance(provenance), created_at_ms }
    }

    /// A block with who holds it and who wrote it last.
    pub(crate) fn block(&self, reader: &Reader<'_>, block: Block) -> Result<BlockView, StoreError> {
        let agent_ids = reader.agents_of_block(&block.id)?.into_iter().map(|id| id.0).collect();
        let revision = reader.latest_block_revision(&block.id)?;
        let Block {
            id,
            label,
            description,
            value,
            limit_chars,
            read_only,
            metadata: _,
            letta: _,
            created_at_ms: _,
            updated_at_ms,
            deleted_at_ms,
        } = block;
        Ok(BlockView {
            id: id.0,
            label,
            description,
            chars: value.chars().count(),
            value,
            limit_chars,
            read_only,
            agent_ids,
            revision: revision.as_ref().map_or(0, |revision| revision.number),
            provenance: self
                .provenance(revision.map_or_else(|| Provenance::system("create"), |revision| revision.provenance)),
            updated_at_ms,
            deleted_at_ms,
        })
    }
}
