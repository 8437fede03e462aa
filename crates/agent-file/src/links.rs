//! Every id of a graph and every reference to one, in one walk, so that dropping what leads nowhere, numbering anew and
//! bringing into canonical order cannot disagree about where ids are.

use std::collections::{HashMap, HashSet};
use std::fmt::Arguments;

use crate::graph::{AgentFile, Message, Provenance, Summary};

/// What an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An agent.
    Agent,
    /// A group of agents.
    Group,
    /// A block of core memory.
    Block,
    /// A file of a folder.
    File,
    /// A folder.
    Folder,
    /// A tool.
    Tool,
    /// A server that tools come from.
    McpServer,
    /// A message.
    Message,
    /// A turn, which is nothing but a name that messages and memories share.
    Turn,
    /// A conversation.
    Conversation,
    /// An archive.
    Archive,
    /// A passage.
    Passage,
}

impl Kind {
    /// What ids of this kind begin with, as V1 checks it.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Group => "group",
            Self::Block => "block",
            Self::File => "file",
            Self::Folder => "source",
            Self::Tool => "tool",
            Self::McpServer => "mcp_server",
            Self::Message => "message",
            Self::Turn => "turn",
            Self::Conversation => "conversation",
            Self::Archive => "archive",
            Self::Passage => "passage",
        }
    }
}

impl Kind {
    /// What a person calls it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::McpServer => "server",
            Self::Agent
            | Self::Group
            | Self::Block
            | Self::File
            | Self::Tool
            | Self::Message
            | Self::Turn
            | Self::Conversation
            | Self::Archive
            | Self::Passage => self.prefix(),
        }
    }
}

/// Something for each id of each kind.
#[derive(Debug)]
pub(crate) struct ById<T>([HashMap<String, T>; 12]);

impl<T> Default for ById<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| HashMap::new()))
    }
}

impl<T> ById<T> {
    pub(crate) fn of(&self, kind: Kind) -> &HashMap<String, T> {
        &self.0[kind as usize]
    }

    pub(crate) fn of_mut(&mut self, kind: Kind) -> &mut HashMap<String, T> {
        &mut self.0[kind as usize]
    }
}

/// What a walk does with ids.
pub(crate) trait Visit {
    /// A thing of this kind has this id.
    fn declared(&mut self, kind: Kind, place: Arguments<'_>, id: &mut String);

    /// Something refers to this id; `false` takes the reference away.
    fn referred(&mut self, kind: Kind, place: Arguments<'_>, id: &mut String) -> bool;
}

fn one(visit: &mut impl Visit, kind: Kind, place: Arguments<'_>, id: &mut Option<String>) {
    if id.as_mut().is_some_and(|id| !visit.referred(kind, place, id)) {
        *id = None;
    }
}

fn many(visit: &mut impl Visit, kind: Kind, place: Arguments<'_>, ids: &mut Vec<String>) {
    ids.retain_mut(|id| visit.referred(kind, place, id));
}

/// Walks over all ids of `file`, agents first and each thing's references right after it, so that the order of the walk
/// depends on nothing but the agents' order and what they refer to.
pub(crate) fn walk(file: &mut AgentFile, visit: &mut impl Visit) {
    for (at, agent) in file.agents.iter_mut().enumerate() {
        visit.declared(Kind::Agent, format_args!("agents[{at}]"), &mut agent.id);
        many(visit, Kind::Block, format_args!("agents[{at}].block_ids"), &mut agent.block_ids);
        many(visit, Kind::Tool, format_args!("agents[{at}].tool_ids"), &mut agent.tool_ids);
        many(visit, Kind::Folder, format_args!("agents[{at}].source_ids"), &mut agent.folder_ids);
        many(visit, Kind::Group, format_args!("agents[{at}].group_ids"), &mut agent.group_ids);
        agent.file_views.retain_mut(|view| {
            visit.referred(Kind::File, format_args!("agents[{at}].files_agents"), &mut view.file_id)
        });
        walk_messages(&mut agent.messages, visit, format_args!("agents[{at}].messages"));
        let place = format_args!("agents[{at}].in_context_message_ids");
        many(visit, Kind::Message, place, &mut agent.in_context_message_ids);
    }
    for (at, group) in file.groups.iter_mut().enumerate() {
        visit.declared(Kind::Group, format_args!("groups[{at}]"), &mut group.id);
        one(
            visit,
            Kind::Agent,
            format_args!("groups[{at}].manager_config.manager_agent_id"),
            &mut group.manager.agent_id,
        );
        many(visit, Kind::Agent, format_args!("groups[{at}].agent_ids"), &mut group.agent_ids);
        many(visit, Kind::Block, format_args!("groups[{at}].shared_block_ids"), &mut group.shared_block_ids);
    }
    for (at, block) in file.blocks.iter_mut().enumerate() {
        visit.declared(Kind::Block, format_args!("blocks[{at}]"), &mut block.id);
    }
    for (at, file) in file.files.iter_mut().enumerate() {
        visit.declared(Kind::File, format_args!("files[{at}]"), &mut file.id);
        // Every file has a folder once a file is read; one that has none keeps its text.
        visit.referred(Kind::Folder, format_args!("files[{at}].source_id"), &mut file.folder_id);
    }
    for (at, folder) in file.folders.iter_mut().enumerate() {
        visit.declared(Kind::Folder, format_args!("sources[{at}]"), &mut folder.id);
    }
    for (at, tool) in file.tools.iter_mut().enumerate() {
        visit.declared(Kind::Tool, format_args!("tools[{at}]"), &mut tool.id);
        one(visit, Kind::McpServer, format_args!("tools[{at}].metadata_.mcp.server_id"), &mut tool.mcp_server_id);
    }
    for (at, server) in file.mcp_servers.iter_mut().enumerate() {
        visit.declared(Kind::McpServer, format_args!("mcp_servers[{at}]"), &mut server.id);
    }
    walk_resident(file, visit);
}

fn walk_resident(file: &mut AgentFile, visit: &mut impl Visit) {
    let resident = &mut file.resident;
    resident
        .agents
        .retain_mut(|of_agent| visit.referred(Kind::Agent, format_args!("resident.agents"), &mut of_agent.agent_id));
    for (at, of_agent) in resident.agents.iter_mut().enumerate() {
        let place = format_args!("resident.agents[{at}].summaries");
        walk_summaries(&mut of_agent.summaries, visit, place);
        for (nth, conversation) in of_agent.conversations.iter_mut().enumerate() {
            let place = format_args!("resident.agents[{at}].conversations[{nth}]");
            visit.declared(Kind::Conversation, place, &mut conversation.id);
            many(visit, Kind::Block, place, &mut conversation.block_ids);
            walk_messages(&mut conversation.messages, visit, place);
            many(visit, Kind::Message, place, &mut conversation.in_context_message_ids);
            walk_summaries(&mut conversation.summaries, visit, place);
        }
    }
    for (at, archive) in resident.archives.iter_mut().enumerate() {
        visit.declared(Kind::Archive, format_args!("resident.archives[{at}]"), &mut archive.id);
        one(visit, Kind::Agent, format_args!("resident.archives[{at}].owner_id"), &mut archive.owner_id);
        many(visit, Kind::Agent, format_args!("resident.archives[{at}].agent_ids"), &mut archive.agent_ids);
        for (nth, passage) in archive.passages.iter_mut().enumerate() {
            let place = format_args!("resident.archives[{at}].passages[{nth}]");
            visit.declared(Kind::Passage, place, &mut passage.id);
            one(visit, Kind::Passage, place, &mut passage.superseded_by);
            walk_provenance(&mut passage.provenance, visit, place);
            for revision in &mut passage.revisions {
                walk_provenance(&mut revision.provenance, visit, place);
            }
        }
    }
    resident.block_revisions.retain_mut(|revision| {
        visit.referred(Kind::Block, format_args!("resident.block_revisions"), &mut revision.block_id)
    });
    for (at, revision) in resident.block_revisions.iter_mut().enumerate() {
        walk_provenance(&mut revision.provenance, visit, format_args!("resident.block_revisions[{at}]"));
    }
}

fn walk_messages(messages: &mut [Message], visit: &mut impl Visit, place: Arguments<'_>) {
    for (at, message) in messages.iter_mut().enumerate() {
        visit.declared(Kind::Message, format_args!("{place}[{at}]"), &mut message.id);
        one(visit, Kind::Group, format_args!("{place}[{at}].group_id"), &mut message.group_id);
        one(visit, Kind::Message, format_args!("{place}[{at}].resident_origin_id"), &mut message.origin_id);
        one(visit, Kind::Turn, format_args!("{place}[{at}].turn_id"), &mut message.turn_id);
        one(visit, Kind::Message, format_args!("{place}[{at}].approval_request_id"), &mut message.approval_request_id);
    }
}

fn walk_summaries(summaries: &mut [Summary], visit: &mut impl Visit, place: Arguments<'_>) {
    for summary in summaries {
        one(visit, Kind::Message, place, &mut summary.first_message_id);
    }
}

fn walk_provenance(provenance: &mut Provenance, visit: &mut impl Visit, place: Arguments<'_>) {
    one(visit, Kind::Agent, place, &mut provenance.agent_id);
    one(visit, Kind::Message, place, &mut provenance.message_id);
    one(visit, Kind::Turn, place, &mut provenance.turn_id);
}

/// Gathers the ids that are declared.
#[derive(Debug, Default)]
pub(crate) struct Declared(pub(crate) ById<()>);

impl Visit for Declared {
    fn declared(&mut self, kind: Kind, _: Arguments<'_>, id: &mut String) {
        self.0.of_mut(kind).insert(id.clone(), ());
    }

    fn referred(&mut self, _: Kind, _: Arguments<'_>, _: &mut String) -> bool {
        true
    }
}

/// Numbers ids in the order in which a walk meets them, declarations only or references as well.
struct Numbering {
    declared: ById<()>,
    by_reference: bool,
    numbers: ById<usize>,
}

impl Numbering {
    fn meet(&mut self, kind: Kind, id: &str) {
        let numbers = self.numbers.of_mut(kind);
        if !numbers.contains_key(id) {
            numbers.insert(id.to_owned(), numbers.len());
        }
    }
}

impl Visit for Numbering {
    fn declared(&mut self, kind: Kind, _: Arguments<'_>, id: &mut String) {
        self.meet(kind, id);
    }

    fn referred(&mut self, kind: Kind, _: Arguments<'_>, id: &mut String) -> bool {
        // Turns are declared nowhere: they are where they are named.
        if kind == Kind::Turn || (self.by_reference && self.declared.of(kind).contains_key(id)) {
            self.meet(kind, id);
        }
        true
    }
}

/// Puts the numbers in the place of the ids, and takes references away that lead nowhere.
struct Renumbered<'n>(&'n ById<usize>);

impl Visit for Renumbered<'_> {
    fn declared(&mut self, kind: Kind, place: Arguments<'_>, id: &mut String) {
        self.referred(kind, place, id);
    }

    fn referred(&mut self, kind: Kind, _: Arguments<'_>, id: &mut String) -> bool {
        let Some(number) = self.0.of(kind).get(id) else { return false };
        *id = format!("{}-{number}", kind.prefix());
        true
    }
}

/// How ids are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Each list from 0 on.
    Lists,
    /// As the agents refer to things, which are then listed in that order.
    FirstAppearance,
}

/// Gives all ids of `file` new numbers.
pub(crate) fn renumber(file: &mut AgentFile, order: Order) {
    let mut declared = Declared::default();
    walk(file, &mut declared);
    let by_reference = order == Order::FirstAppearance;
    let mut numbering = Numbering { declared: declared.0, by_reference, numbers: ById::default() };
    walk(file, &mut numbering);
    let numbers = numbering.numbers;
    if by_reference {
        let number = |kind: Kind, id: &str| numbers.of(kind).get(id).copied().unwrap_or(usize::MAX);
        file.groups.sort_by_key(|group| number(Kind::Group, &group.id));
        file.blocks.sort_by_key(|block| number(Kind::Block, &block.id));
        file.files.sort_by_key(|file| number(Kind::File, &file.id));
        file.folders.sort_by_key(|folder| number(Kind::Folder, &folder.id));
        file.tools.sort_by_key(|tool| number(Kind::Tool, &tool.id));
        file.mcp_servers.sort_by_key(|server| number(Kind::McpServer, &server.id));
        file.resident.agents.sort_by_key(|of_agent| number(Kind::Agent, &of_agent.agent_id));
        file.resident
            .block_revisions
            .sort_by_key(|revision| (number(Kind::Block, &revision.block_id), revision.number));
    }
    walk(file, &mut Renumbered(&numbers));
}

/// Puts the ids that `new_id` gives in the place of those that there are.
struct Renamed<F> {
    new_id: F,
    known: ById<String>,
}

impl<F: FnMut(Kind, &str) -> String> Visit for Renamed<F> {
    fn declared(&mut self, kind: Kind, place: Arguments<'_>, id: &mut String) {
        self.referred(kind, place, id);
    }

    fn referred(&mut self, kind: Kind, _: Arguments<'_>, id: &mut String) -> bool {
        let Self { new_id, known } = self;
        let new = known.of_mut(kind).entry(id.clone()).or_insert_with(|| new_id(kind, id));
        id.clone_from(new);
        true
    }
}

impl AgentFile {
    /// Gives everything the id that `new_id` says for it, once for each id that there is, and all references with it.
    pub fn rename(&mut self, new_id: impl FnMut(Kind, &str) -> String) {
        walk(self, &mut Renamed { new_id, known: ById::default() });
    }
}

/// Ids that are not taken.
#[derive(Debug)]
pub(crate) struct Fresh {
    kind: Kind,
    taken: HashSet<String>,
    next: usize,
}

impl Fresh {
    pub(crate) fn new(kind: Kind, taken: HashSet<String>) -> Self {
        Self { kind, taken, next: 0 }
    }

    /// Takes `id`; `false` where it is taken, or no id at all.
    pub(crate) fn take(&mut self, id: &str) -> bool {
        !id.is_empty() && self.taken.insert(id.to_owned())
    }

    /// An id that was not taken. It is the same for the same file.
    pub(crate) fn next(&mut self) -> String {
        loop {
            let id = format!("{}@{}", self.kind.prefix(), self.next);
            self.next += 1;
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}
