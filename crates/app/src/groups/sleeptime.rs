//! Sleeptime: after so many turns of an agent, and when nobody has talked for a while, others go through what was said and
//! tidy its memory.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use resident_agent::{
    AgentError, Cancel, DEFAULT_SLEEPTIME_FREQUENCY, SLEEPTIME_PERSONA, SLEEPTIME_PERSONA_TEXT, TurnOptions,
    TurnRequest, sleeptime_agent, sleeptime_request,
};
use resident_store::{
    Agent, AgentId, Block, BlockId, Group, GroupId, GroupListing, ManagerType, Provenance, Reader, Thread, Turn, Writer,
};
use serde_json::json;

use super::records::NewGroup;
use crate::App;
use crate::api::{ApiError, EventKind, GroupRef, GroupView, SetSleeptime, SleeptimeView};
use crate::event_log::About;
use crate::views::agent_view;

impl App {
    /// Has the memory of an agent tidied in the background from now on, or no longer.
    pub fn set_sleeptime(self: &Arc<Self>, request: SetSleeptime) -> Result<SleeptimeView, ApiError> {
        let SetSleeptime { agent_id, enabled, every_turns } = request;
        let agent = self.agent_in_use(&agent_id)?;
        let group = match (self.sleeptime_group_of(&agent.id)?, enabled) {
            (Some(group), true) => {
                let frequency = every_turns.map(i64::from).or(group.sleeptime_agent_frequency);
                let group = Group { sleeptime_agent_frequency: frequency, ..group };
                self.write(|writer| Ok(writer.update_group(&group)?))?;
                Some(group)
            }
            (None, true) => {
                let frequency = every_turns.map_or(DEFAULT_SLEEPTIME_FREQUENCY, i64::from);
                Some(self.begin_sleeptime(&agent, frequency)?)
            }
            (Some(group), false) => {
                let now_ms = self.store.now_ms();
                self.write(|writer| {
                    writer.set_group_deleted(&group.id, Some(now_ms))?;
                    for id in &group.agent_ids {
                        // Agents that do something besides stay.
                        if writer.groups_of_agent(id)?.is_empty() && is_sleeptime_agent(writer, id)? {
                            writer.set_agent_deleted(id, Some(now_ms))?;
                        }
                    }
                    Ok::<_, ApiError>(())
                })?;
                None
            }
            (None, false) => None,
        };
        self.send(About::default(), EventKind::GroupsChanged);
        self.send(About::default(), EventKind::AgentsChanged);
        let agents = match &group {
            Some(group) => self.members_of(group)?,
            None => Vec::new(),
        };
        let agents = self.store.read::<_, ApiError>(|reader| {
            Ok(agents.into_iter().map(|agent| agent_view(reader, agent)).collect::<Result<_, _>>()?)
        })?;
        Ok(SleeptimeView { group: group.map(|group| self.group_view(&group)).transpose()?, agents })
    }

    /// Has the memory that a group tidies tidied now, whether or not it is time.
    pub fn tidy_now(self: &Arc<Self>, request: GroupRef) -> Result<GroupView, ApiError> {
        let group = self.group_record(&request.group_id)?;
        if !group.manager_type.is_sleeptime() {
            return Err(ApiError::invalid("This group talks; it does not tidy memory."));
        }
        self.tidy(&group)?;
        self.group_view(&group)
    }

    /// The group that tidies the memory of an agent.
    pub fn sleeptime_group_of(&self, agent_id: &AgentId) -> Result<Option<Group>, ApiError> {
        let groups = self.store.read::<_, ApiError>(|reader| Ok(reader.groups_of_agent(agent_id)?))?;
        Ok(groups.into_iter().find(|group| tidies_for(group, agent_id)))
    }

    /// A turn of an agent's own thread has ended: it may be time to tidy.
    pub(crate) fn after_turn(self: &Arc<Self>, turn: &Turn) {
        self.company.turn_ended();
        self.idle.something_happened();
        if turn.conversation_id.is_some() || TurnOptions::of(turn).tidies {
            return;
        }
        if let Err(error) = self.tidy_when_due(&turn.agent_id) {
            tracing::warn!(agent = %turn.agent_id, %error, "memory could not be tidied");
        }
    }

    fn tidy_when_due(self: &Arc<Self>, agent_id: &AgentId) -> Result<(), ApiError> {
        let groups = self.store.read::<_, ApiError>(|reader| Ok(reader.groups_of_agent(agent_id)?))?;
        for group in groups.into_iter().filter(|group| tidies_for(group, agent_id)) {
            let due = group.sleeptime_agent_frequency.unwrap_or(1).max(1);
            let waiting = self.store.read::<_, ApiError>(|reader| waiting_turns(reader, &group))?;
            if i64::from(waiting) >= due && self.company.speaking(&group.id).is_none() {
                self.tidy(&group)?;
            }
        }
        Ok(())
    }

    /// Nobody has talked for a while: whatever was not gone through is gone through now.
    fn tidy_all(self: &Arc<Self>) -> Result<(), ApiError> {
        let groups = self.store.read::<_, ApiError>(|reader| Ok(reader.list_groups(&GroupListing::default())?))?;
        for group in groups.into_iter().filter(|group| group.manager_type.is_sleeptime()) {
            let waiting = self.store.read::<_, ApiError>(|reader| waiting_turns(reader, &group))?;
            if waiting > 0 && self.company.speaking(&group.id).is_none() {
                self.tidy(&group)?;
            }
        }
        Ok(())
    }

    fn tidy(self: &Arc<Self>, group: &Group) -> Result<(), ApiError> {
        let group_id = group.id.clone();
        self.run_group(&group.id, move |app, cancel| {
            if let Err(error) = app.run_sleeptime(&group_id, cancel) {
                tracing::warn!(group = %group_id, %error, "memory was not tidied");
            }
        })
    }

    fn run_sleeptime(self: &Arc<Self>, group_id: &GroupId, cancel: &Cancel) -> Result<(), ApiError> {
        let group = self.group_record(group_id.as_str())?;
        let Some(manager) = self.manager_of(&group)? else { return Ok(()) };
        let said =
            self.store.read::<_, ApiError>(|reader| Ok(reader.spoken_since(&manager.id, group.processed_seq)?))?;
        let processed = said.last().map_or(group.processed_seq, |last| last.seq);
        for agent in self.members_of(&group)? {
            self.speaks(&group.id, Some(&agent.id));
            let options = TurnOptions { tidies: true, background: true, ..TurnOptions::default() };
            let request = TurnRequest {
                messages: vec![sleeptime_request(&manager.name, &said)],
                options: options.to_json(),
                ..TurnRequest::of(Thread::own(&agent.id), "")
            };
            self.take_turn(&request, cancel, |writer| {
                share_blocks(writer, &manager.id, &agent.id)?;
                // What the first of them was told counts as gone through; should its turn fail, the turn says so and can be
                // tried again.
                Ok(writer.set_group_processed(&group.id, processed)?)
            })?;
            self.send(About::agent(manager.id.as_str()), EventKind::BlocksChanged);
        }
        Ok(())
    }

    /// Makes an agent that tidies the memory of another, and the group of both.
    fn begin_sleeptime(self: &Arc<Self>, agent: &Agent, frequency: i64) -> Result<Group, ApiError> {
        let now_ms = self.store.now_ms();
        let mut tidier = sleeptime_agent(&agent.name, now_ms);
        tidier.model.clone_from(&agent.model);
        let persona = Block {
            id: BlockId::new(),
            label: SLEEPTIME_PERSONA.to_owned(),
            description: "How you keep the memory of the other agent.".to_owned(),
            value: SLEEPTIME_PERSONA_TEXT.to_owned(),
            limit_chars: resident_memory::core::default_limit(SLEEPTIME_PERSONA),
            read_only: false,
            metadata: json!({}),
            letta: json!({}),
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            deleted_at_ms: None,
        };
        let group = self.new_group(NewGroup {
            description: format!("Tidies the memory of {}.", agent.name),
            agent_ids: vec![tidier.id.clone()],
            manager_agent_id: Some(agent.id.clone()),
            sleeptime_agent_frequency: Some(frequency),
            ..NewGroup::of(ManagerType::Sleeptime)
        });
        self.write(|writer| {
            writer.insert_agent(&tidier)?;
            let provenance = Provenance { agent_id: Some(tidier.id.clone()), ..Provenance::system("create") };
            writer.insert_block(&persona, &provenance)?;
            writer.attach_block(&tidier.id, &persona.id)?;
            share_blocks(writer, &agent.id, &tidier.id)?;
            // What was said before is not gone through: the memory that there is came of it.
            let last = writer.last_message(&agent.id)?.map_or(0, |last| last.seq);
            let group = Group { processed_seq: last, ..group };
            writer.insert_group(&group)?;
            Ok::<_, ApiError>(group)
        })
    }
}

/// Whether a group tidies the memory of this agent.
fn tidies_for(group: &Group, agent_id: &AgentId) -> bool {
    group.manager_type.is_sleeptime() && group.manager_agent_id.as_ref() == Some(agent_id)
}

fn is_sleeptime_agent(writer: &Writer<'_>, id: &AgentId) -> Result<bool, ApiError> {
    Ok(writer.agent(id)?.is_some_and(|agent| agent.letta["agent_type"] == "sleeptime_agent"))
}

/// How many turns of its manager a sleeptime group has not gone through.
pub(super) fn waiting_turns(reader: &Reader<'_>, group: &Group) -> Result<u32, ApiError> {
    let Some(manager) = &group.manager_agent_id else { return Ok(0) };
    Ok(u32::try_from(reader.count_turns_since(manager, group.processed_seq)?).unwrap_or(u32::MAX))
}

/// Gives `tidier` the blocks of `agent`, but for those whose label it has already.
fn share_blocks(writer: &mut Writer<'_>, agent: &AgentId, tidier: &AgentId) -> Result<(), AgentError> {
    let mut labels: Vec<String> = writer.blocks_of(tidier)?.into_iter().map(|block| block.label).collect();
    for block in writer.blocks_of(agent)? {
        if !labels.contains(&block.label) {
            writer.attach_block(tidier, &block.id)?;
            labels.push(block.label);
        }
    }
    Ok(())
}

/// Notices when nobody has talked for a while.
#[derive(Default)]
pub(crate) struct Idle {
    state: Mutex<IdleState>,
    news: Condvar,
    watch: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct IdleState {
    /// When a turn last ended, until its silence was noticed.
    since: Option<Instant>,
    closing: bool,
}

impl Idle {
    fn something_happened(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).since = Some(Instant::now());
        self.news.notify_all();
    }

    /// Watches over `app`, and has memory tidied once nothing happened for `quiet`.
    pub(crate) fn watch(app: &Arc<App>, quiet: Duration) {
        let weak = Arc::downgrade(app);
        let watch = std::thread::spawn(move || watch_over(&weak, quiet));
        *app.idle.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(watch);
    }

    /// Ends the watch.
    pub(crate) fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closing = true;
        self.news.notify_all();
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner).take();
        if watch.is_some_and(|watch| watch.join().is_err()) {
            tracing::error!("the thread that waits for quiet ended with a panic");
        }
    }
}

/// How long the watch holds on to the program at most.
const LOOK: Duration = Duration::from_secs(1);

fn watch_over(weak: &Weak<App>, quiet: Duration) {
    loop {
        let Some(app) = weak.upgrade() else { return };
        let mut state = app.idle.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closing {
            return;
        }
        if state.since.is_some_and(|since| since.elapsed() >= quiet) {
            state.since = None;
            drop(state);
            if let Err(error) = app.tidy_all() {
                tracing::warn!(%error, "memory could not be tidied");
            }
            continue;
        }
        let wait = state.since.map_or(LOOK, |since| quiet.saturating_sub(since.elapsed()).min(LOOK));
        drop(app.idle.news.wait_timeout(state, wait));
    }
}
