//! Groups as rows and as the window sees them: making, changing, taking apart.

use std::collections::HashSet;

use resident_store::{AgentId, BlockId, Group, GroupId, GroupListing, ManagerType, Writer};
use serde_json::{Value, json};

use super::sleeptime::waiting_turns;
use crate::App;
use crate::api::{ApiError, CreateGroup, EventKind, GroupKind, GroupRef, GroupView, Nothing, UpdateGroup};
use crate::event_log::About;
use crate::records::with_fields;

/// No group has more agents.
const MOST_AGENTS: usize = 100;

/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 10_000;

/// A group to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGroup {
    /// See [`Group::manager_type`].
    pub manager_type: ManagerType,
    /// See [`Group::description`].
    pub description: String,
    /// See [`Group::agent_ids`].
    pub agent_ids: Vec<AgentId>,
    /// See [`Group::manager_agent_id`].
    pub manager_agent_id: Option<AgentId>,
    /// See [`Group::shared_block_ids`].
    pub shared_block_ids: Vec<BlockId>,
    /// See [`Group::max_turns`].
    pub max_turns: Option<i64>,
    /// See [`Group::termination_token`].
    pub termination_token: Option<String>,
    /// See [`Group::sleeptime_agent_frequency`].
    pub sleeptime_agent_frequency: Option<i64>,
    /// See [`Group::letta`].
    pub letta: Value,
}

impl NewGroup {
    /// Without anything but how it works.
    pub fn of(manager_type: ManagerType) -> Self {
        Self {
            manager_type,
            description: String::new(),
            agent_ids: Vec::new(),
            manager_agent_id: None,
            shared_block_ids: Vec::new(),
            max_turns: None,
            termination_token: None,
            sleeptime_agent_frequency: None,
            letta: json!({}),
        }
    }
}

/// Changes of a group; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupChanges {
    /// New description.
    pub description: Option<String>,
    /// New agents.
    pub agent_ids: Option<Vec<AgentId>>,
    /// New manager.
    pub manager_agent_id: Option<AgentId>,
    /// New shared blocks.
    pub shared_block_ids: Option<Vec<BlockId>>,
    /// New limit of turns.
    pub max_turns: Option<i64>,
    /// New word that ends the talk.
    pub termination_token: Option<String>,
    /// New number of turns after which memory is tidied.
    pub sleeptime_agent_frequency: Option<i64>,
    /// Fields to set in [`Group::letta`].
    pub letta: Option<Value>,
}

impl App {
    /// Groups, oldest first.
    pub fn list_groups(&self, _: Nothing) -> Result<Vec<GroupView>, ApiError> {
        let groups = self.group_records(&GroupListing::default())?;
        groups.iter().map(|group| self.group_view(group)).collect()
    }

    /// Creates a group.
    pub fn create_group(&self, request: CreateGroup) -> Result<GroupView, ApiError> {
        let CreateGroup {
            kind,
            description,
            agent_ids,
            manager_id,
            shared_block_ids,
            max_turns,
            termination_token,
            every_turns,
        } = request;
        let frequency = every_turns.unwrap_or(u32::try_from(resident_agent::DEFAULT_SLEEPTIME_FREQUENCY).unwrap_or(5));
        let group = self.create_group_record(NewGroup {
            description,
            agent_ids: agent_ids.into_iter().map(AgentId).collect(),
            manager_agent_id: manager_id.map(AgentId),
            shared_block_ids: shared_block_ids.into_iter().map(BlockId).collect(),
            max_turns: max_turns.map(i64::from),
            termination_token,
            sleeptime_agent_frequency: (kind == GroupKind::Sleeptime).then_some(i64::from(frequency)),
            ..NewGroup::of(manager_type(kind))
        })?;
        self.group_view(&group)
    }

    /// Changes a group.
    pub fn update_group(&self, request: UpdateGroup) -> Result<GroupView, ApiError> {
        let UpdateGroup {
            group_id,
            description,
            agent_ids,
            manager_id,
            shared_block_ids,
            max_turns,
            termination_token,
            every_turns,
        } = request;
        let changes = GroupChanges {
            description,
            agent_ids: agent_ids.map(|ids| ids.into_iter().map(AgentId).collect()),
            manager_agent_id: manager_id.map(AgentId),
            shared_block_ids: shared_block_ids.map(|ids| ids.into_iter().map(BlockId).collect()),
            max_turns: max_turns.map(i64::from),
            termination_token,
            sleeptime_agent_frequency: every_turns.map(i64::from),
            letta: None,
        };
        let group = self.update_group_record(&group_id, changes)?;
        self.group_view(&group)
    }

    /// Takes a group apart. Its agents stay, and what they said.
    pub fn delete_group(&self, request: GroupRef) -> Result<Nothing, ApiError> {
        self.cancel_group(request.clone())?;
        let now_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.set_group_deleted(&GroupId(request.group_id), Some(now_ms))?))?;
        self.send(About::default(), EventKind::GroupsChanged);
        Ok(Nothing {})
    }

    /// Groups as they are kept; none in the bin.
    pub fn group_records(&self, listing: &GroupListing) -> Result<Vec<Group>, ApiError> {
        self.store.read(|reader| Ok(reader.list_groups(listing)?))
    }

    /// The groups that an agent leads or is in.
    pub fn groups_of_agent(&self, agent_id: &AgentId) -> Result<Vec<Group>, ApiError> {
        self.store.read(|reader| Ok(reader.groups_of_agent(agent_id)?))
    }

    /// A group that is not in the bin.
    pub fn group_record(&self, group_id: &str) -> Result<Group, ApiError> {
        let group = self.store.read::<_, ApiError>(|reader| Ok(reader.group(&GroupId::from(group_id))?))?;
        group.filter(|group| group.deleted_at_ms.is_none()).ok_or_else(|| ApiError::not_found("group", group_id))
    }

    /// Makes a group, and gives its agents the blocks that they are to share.
    pub fn create_group_record(&self, new: NewGroup) -> Result<Group, ApiError> {
        let group = self.new_group(new);
        self.check_group(&group)?;
        let group = self.write(|writer| {
            let last = match &group.manager_agent_id {
                Some(manager) if group.manager_type.is_sleeptime() => writer.last_message(manager)?,
                Some(_) | None => None,
            };
            let group = Group { processed_seq: last.map_or(0, |last| last.seq), ..group };
            writer.insert_group(&group)?;
            attach_shared(writer, &group)?;
            Ok::<_, ApiError>(group)
        })?;
        self.send(About::default(), EventKind::GroupsChanged);
        Ok(group)
    }

    /// Changes a group. How it works stays as it is.
    pub fn update_group_record(&self, group_id: &str, changes: GroupChanges) -> Result<Group, ApiError> {
        let GroupChanges {
            description,
            agent_ids,
            manager_agent_id,
            shared_block_ids,
            max_turns,
            termination_token,
            sleeptime_agent_frequency,
            letta,
        } = changes;
        let group = self.group_record(group_id)?;
        let group = Group {
            description: description.unwrap_or(group.description),
            agent_ids: agent_ids.unwrap_or(group.agent_ids),
            manager_agent_id: manager_agent_id.or(group.manager_agent_id),
            shared_block_ids: shared_block_ids.unwrap_or(group.shared_block_ids),
            max_turns: max_turns.or(group.max_turns),
            termination_token: termination_token.or(group.termination_token),
            sleeptime_agent_frequency: sleeptime_agent_frequency.or(group.sleeptime_agent_frequency),
            letta: letta.map_or(group.letta.clone(), |fields| with_fields(&group.letta, &fields)),
            updated_at_ms: self.store.now_ms(),
            ..group
        };
        self.check_group(&group)?;
        self.write(|writer| {
            writer.update_group(&group)?;
            attach_shared(writer, &group)
        })?;
        self.send(About::default(), EventKind::GroupsChanged);
        Ok(group)
    }

    pub(super) fn new_group(&self, new: NewGroup) -> Group {
        let NewGroup {
            manager_type,
            description,
            agent_ids,
            manager_agent_id,
            shared_block_ids,
            max_turns,
            termination_token,
            sleeptime_agent_frequency,
            letta,
        } = new;
        let now_ms = self.store.now_ms();
        Group {
            id: GroupId::new(),
            manager_type,
            description,
            agent_ids,
            manager_agent_id,
            shared_block_ids,
            max_turns,
            termination_token,
            sleeptime_agent_frequency,
            processed_seq: 0,
            letta,
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            deleted_at_ms: None,
        }
    }

    fn check_group(&self, group: &Group) -> Result<(), ApiError> {
        let refuse = |message: &str| Err(ApiError::invalid(message.to_owned()));
        let members: HashSet<&AgentId> = group.agent_ids.iter().collect();
        for id in group.agent_ids.iter().chain(&group.manager_agent_id) {
            self.agent_in_use(id.as_str())?;
        }
        for id in &group.shared_block_ids {
            self.block_record(id.as_str())?;
        }
        if group.agent_ids.is_empty() {
            return refuse("A group needs at least one agent.");
        }
        if members.len() != group.agent_ids.len() {
            return refuse("An agent can be in a group once.");
        }
        if group.agent_ids.len() > MOST_AGENTS {
            return refuse("A group has at most 100 agents.");
        }
        if group.description.chars().count() > LONGEST_DESCRIPTION {
            return refuse("The description of a group has at most 10,000 characters.");
        }
        match (&group.manager_agent_id, group.manager_type) {
            (None, ManagerType::RoundRobin) => {}
            (Some(_), ManagerType::RoundRobin) => return refuse("In a round robin nobody leads."),
            (None, _) => return refuse("Say which agent leads the group."),
            (Some(manager), _) if members.contains(manager) => {
                return refuse("The agent that leads a group is not one of those whom it leads.");
            }
            (Some(_), _) => {}
        }
        let positive = |number: Option<i64>| number.is_none_or(|number| (1..=1_000).contains(&number));
        if !positive(group.max_turns) || !positive(group.sleeptime_agent_frequency) {
            return refuse("Numbers of turns are between 1 and 1,000.");
        }
        Ok(())
    }

    pub(crate) fn group_view(&self, group: &Group) -> Result<GroupView, ApiError> {
        let speaking = self.company.speaking(&group.id);
        let number = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        let (last, waiting) = self.store.read::<_, ApiError>(|reader| {
            let last = reader.said_in_group(&group.id, None, 1)?.pop();
            let waiting = if group.manager_type.is_sleeptime() { waiting_turns(reader, group)? } else { 0 };
            Ok((last.map(|last| last.created_at_ms), waiting))
        })?;
        Ok(GroupView {
            id: group.id.0.clone(),
            kind: kind(group.manager_type),
            description: group.description.clone(),
            manager_id: group.manager_agent_id.clone().map(|id| id.0),
            agent_ids: group.agent_ids.iter().map(|id| id.0.clone()).collect(),
            shared_block_ids: group.shared_block_ids.iter().map(|id| id.0.clone()).collect(),
            max_turns: group.max_turns.map(number),
            termination_token: group.termination_token.clone(),
            every_turns: group.sleeptime_agent_frequency.map(number),
            waiting_turns: waiting,
            running: speaking.is_some(),
            speaking_id: speaking.flatten().map(|id| id.0),
            last_message_at_ms: last,
            created_at_ms: group.created_at_ms,
        })
    }
}

/// Gives the agents of a group the blocks that it shares.
fn attach_shared(writer: &mut Writer<'_>, group: &Group) -> Result<(), ApiError> {
    for block_id in &group.shared_block_ids {
        for agent_id in group.agent_ids.iter().chain(&group.manager_agent_id) {
            writer.attach_block(agent_id, block_id)?;
        }
    }
    Ok(())
}

fn kind(manager_type: ManagerType) -> GroupKind {
    match manager_type {
        ManagerType::RoundRobin => GroupKind::RoundRobin,
        ManagerType::Supervisor => GroupKind::Supervisor,
        ManagerType::Dynamic => GroupKind::Dynamic,
        ManagerType::Sleeptime | ManagerType::VoiceSleeptime => GroupKind::Sleeptime,
    }
}

fn manager_type(kind: GroupKind) -> ManagerType {
    match kind {
        GroupKind::RoundRobin => ManagerType::RoundRobin,
        GroupKind::Supervisor => ManagerType::Supervisor,
        GroupKind::Dynamic => ManagerType::Dynamic,
        GroupKind::Sleeptime => ManagerType::Sleeptime,
    }
}
