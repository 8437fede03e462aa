//! The talk of a group: what the user says to it, and the turns of its agents that follow.

use std::sync::Arc;

use resident_agent::{
    AgentError, Cancel, Guidance, NextSpeaker, SEND_MESSAGE_TO_ALL_AGENTS_IN_GROUP, TurnOptions, TurnRequest,
    begin_request, chosen_speaker, group_note, next_by_rule, speaker_prompt, system_text,
};
use resident_store::{
    Agent, AgentId, Group, GroupId, ManagerType, Message, NewMessage, Role, Thread, Turn, TurnId, TurnStatus,
};

use crate::App;
use crate::api::{ApiError, ErrorCode, EventKind, GroupMessagePage, GroupView, ListGroupMessages, Nothing};
use crate::event_log::About;
use crate::records::Said;
use crate::requests::check_size;
use crate::views::message_view;

/// No page is longer than this.
const MOST_MESSAGES: usize = 500;

/// V1's word with which an agent ends the talk of a dynamic group.
const TERMINATION_TOKEN: &str = "DONE!";

/// How many of the last things said the manager of a dynamic group reads.
const MOST_SAID: usize = 40;

impl App {
    /// What was said in a group, each thing once.
    pub fn list_group_messages(&self, request: ListGroupMessages) -> Result<GroupMessagePage, ApiError> {
        let ListGroupMessages { group_id, before_seq, limit } = request;
        let group = self.group_record(&group_id)?;
        let limit = limit.clamp(1, MOST_MESSAGES);
        let mut said = self.said_in_group(&group.id, before_seq, limit + 1)?;
        let has_more_before = said.len() > limit;
        said.drain(..said.len().saturating_sub(limit));
        let messages = said.into_iter().map(|message| message_view(message, 0)).collect();
        Ok(GroupMessagePage { messages, has_more_before })
    }

    /// What was said in a group, as it is kept: the last before a place, or the very last.
    pub fn said_in_group(
        &self,
        group_id: &GroupId,
        before_seq: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Message>, ApiError> {
        self.store.read(|reader| Ok(reader.said_in_group(group_id, before_seq, limit)?))
    }

    /// Says something to a group. What is said is recorded when this returns.
    pub fn send_to_group(self: &Arc<Self>, request: crate::api::SendToGroup) -> Result<GroupView, ApiError> {
        let group = self.group_record(&request.group_id)?;
        self.talk_in_group(&group.id, vec![Said::by_user(&request.text)])?;
        self.group_view(&group)
    }

    /// The same with several messages, as clients send them.
    pub fn talk_in_group(self: &Arc<Self>, group_id: &GroupId, said: Vec<Said>) -> Result<(), ApiError> {
        let group = self.group_record(group_id.as_str())?;
        for said in &said {
            check_size(&said.text)?;
        }
        if self.company.speaking(&group.id).is_some() {
            return Err(ApiError::new(ErrorCode::Conflict, "The group is talking.".to_owned())
                .with_hint("Wait until it is done, or stop it."));
        }
        let members = self.members_of(&group)?;
        let manager = self.manager_of(&group)?;
        if members.is_empty() {
            return Err(ApiError::invalid("There is nobody in the group."));
        }
        let led = match (&manager, group.manager_type) {
            (Some(manager), ManagerType::Supervisor | ManagerType::Dynamic) => Some((manager, self.is_led(manager)?)),
            (_, ManagerType::RoundRobin) => None,
            (_, ManagerType::Sleeptime | ManagerType::VoiceSleeptime) => {
                let error = ApiError::invalid("This group works in the background; nobody talks in it.");
                return Err(error.with_hint("Talk with the agent whose memory it tidies."));
            }
            (None, _) => return Err(ApiError::invalid("The agent that leads the group is in the bin.")),
        };
        let talk = match (led, group.manager_type) {
            (Some((manager, _)), ManagerType::Dynamic) => {
                self.record_in_group(&group, manager, said)?;
                Talk::Chosen
            }
            // A model that must be led chooses no tools: the others are asked for it, and it speaks last.
            (Some((manager, false)), _) => {
                let tools = vec![SEND_MESSAGE_TO_ALL_AGENTS_IN_GROUP.to_owned()];
                Talk::Begun { first: self.open_talk(&group, manager, said, tools)?, then: Vec::new() }
            }
            (supervised, _) => {
                let turns = usize::try_from(group.max_turns.unwrap_or(0)).unwrap_or(0);
                let turns = if turns == 0 || supervised.is_some() { members.len() } else { turns };
                let last = supervised.map(|(manager, _)| manager.clone());
                let mut then: Vec<Agent> = members.iter().cycle().take(turns).skip(1).cloned().collect();
                then.extend(last);
                Talk::Begun { first: self.open_talk(&group, &members[0], said, Vec::new())?, then }
            }
        };
        let id = group.id.clone();
        self.run_group(&id, move |app, cancel| {
            if let Err(error) = app.go_on(&group, talk, cancel) {
                tracing::warn!(group = %group.id, %error, "the talk of a group ended early");
                if error.code != ErrorCode::Cancelled {
                    app.send(About::default(), EventKind::Failed { error });
                }
            }
        })
    }

    /// Whether the agents of a group talk, or tidy, now.
    pub fn group_is_talking(&self, group_id: &GroupId) -> bool {
        self.company.speaking(group_id).is_some()
    }

    /// Moves what was said in a group to the bin.
    pub fn reset_group(&self, group_id: &str) -> Result<(), ApiError> {
        let group = self.group_record(group_id)?;
        if self.group_is_talking(&group.id) {
            return Err(ApiError::new(ErrorCode::Conflict, "The group is talking.".to_owned()));
        }
        let now_ms = self.store.now_ms();
        self.write(|writer| Ok(writer.delete_messages_of_group(&group.id, now_ms)?))?;
        self.send(About::default(), EventKind::MessagesChanged);
        Ok(())
    }

    /// Stops the talk of a group: whoever has the word, and everybody after.
    pub fn cancel_group(&self, request: crate::api::GroupRef) -> Result<Nothing, ApiError> {
        let group = self.group_record(&request.group_id)?;
        self.drivers.cancel(&TurnId(group.id.0));
        Ok(Nothing {})
    }

    /// The agents of a group that are not in the bin, in their order.
    pub(crate) fn members_of(&self, group: &Group) -> Result<Vec<Agent>, ApiError> {
        self.store.read(|reader| {
            let mut members = Vec::new();
            for id in &group.agent_ids {
                members.extend(reader.agent(id)?.filter(|agent| agent.deleted_at_ms.is_none()));
            }
            Ok(members)
        })
    }

    pub(crate) fn manager_of(&self, group: &Group) -> Result<Option<Agent>, ApiError> {
        let Some(id) = &group.manager_agent_id else { return Ok(None) };
        let manager = self.store.read::<_, ApiError>(|reader| Ok(reader.agent(id)?))?;
        Ok(manager.filter(|agent| agent.deleted_at_ms.is_none()))
    }

    /// Whether an agent's model must be led. One that is not here is not asked: its turn will say so.
    fn is_led(&self, agent: &Agent) -> Result<bool, ApiError> {
        let handle = self.model_handle_of(agent)?;
        Ok(self.models.guidance(&handle) == Guidance::Full)
    }

    /// Records what the user says in the thread of an agent that does not answer it.
    fn record_in_group(&self, group: &Group, hearer: &Agent, said: Vec<Said>) -> Result<(), ApiError> {
        let now_ms = self.store.now_ms();
        let recorded = self.write(|writer| {
            let mut recorded = Vec::new();
            for said in said {
                if said.text.trim().is_empty() {
                    return Err(AgentError::Empty.into());
                }
                recorded.push(writer.append_message(&NewMessage {
                    otid: said.otid,
                    sender_id: said.sender_id,
                    group_id: Some(group.id.clone()),
                    ..NewMessage::said(&hearer.id, said.role, said.text.replace('\0', ""), now_ms)
                })?);
            }
            Ok(recorded)
        })?;
        for message in recorded {
            let message = message_view(message, 0);
            self.send(About::agent(hearer.id.as_str()), EventKind::MessageRecorded { message });
        }
        Ok(())
    }

    /// Begins the first turn of a talk, which answers the user.
    fn open_talk(
        self: &Arc<Self>,
        group: &Group,
        first: &Agent,
        said: Vec<Said>,
        tools: Vec<String>,
    ) -> Result<First, ApiError> {
        let mut messages = self.heard_in_group(group, first)?;
        messages.extend(said);
        let options = TurnOptions { group_id: Some(group.id.clone()), tools, ..TurnOptions::default() };
        let request =
            TurnRequest { messages, options: options.to_json(), ..TurnRequest::of(Thread::own(&first.id), "") };
        let after_seq = self.last_event_seq();
        let (turn, messages) = begin_request(&self.store, &request)?;
        self.start_turn(turn.clone(), messages);
        Ok(First { agent_id: first.id.clone(), turn_id: turn.id, after_seq })
    }

    /// The turns that follow.
    fn go_on(self: &Arc<Self>, group: &Group, talk: Talk, cancel: &Cancel) -> Result<(), ApiError> {
        match talk {
            Talk::Begun { first, then } => {
                self.speaks(&group.id, Some(&first.agent_id));
                if !went_well(&self.wait_for_turn(&first.turn_id, first.after_seq, cancel)?) {
                    return Ok(());
                }
                for agent in then {
                    let turn = self.speak_in_group(group, &agent, (None, in_group(group)), cancel)?;
                    if !turn.as_ref().is_some_and(went_well) {
                        return Ok(());
                    }
                }
                Ok(())
            }
            Talk::Chosen => {
                let members = self.members_of(group)?;
                let most = group.max_turns.and_then(|turns| usize::try_from(turns).ok()).unwrap_or(members.len());
                let token = group.termination_token.as_deref().unwrap_or(TERMINATION_TOKEN);
                for _ in 0..most {
                    let Some(next) = self.next_speaker(group, &members, cancel)? else { return Ok(()) };
                    let turn = self.speak_in_group(group, &next, (None, in_group(group)), cancel)?;
                    let Some(turn) = turn.filter(went_well) else { return Ok(()) };
                    let said = self.messages_of_turn(turn.id.as_str())?;
                    let spoken = |message: &&Message| message.role == Role::Assistant;
                    if !token.is_empty() && said.iter().filter(spoken).any(|message| message.content.contains(token)) {
                        return Ok(());
                    }
                }
                Ok(())
            }
        }
    }

    /// Who speaks next in a dynamic group; `None` when it is done.
    fn next_speaker(&self, group: &Group, members: &[Agent], cancel: &Cancel) -> Result<Option<Agent>, ApiError> {
        let said = self.said_in_group(&group.id, None, MOST_SAID)?;
        let by_rule = || next_by_rule(members, &said).cloned();
        let Some(manager) = self.manager_of(group)? else { return Ok(by_rule()) };
        self.speaks(&group.id, Some(&manager.id));
        if self.is_led(&manager)? {
            return Ok(by_rule());
        }
        let model = self.model_of(&manager, &About::agent(manager.id.as_str()))?;
        let prompt = speaker_prompt(system_text(&self.store, &manager.id)?, &group.description, members, &said);
        let settings = self.settings()?.for_agents().for_agent(&manager);
        let window = settings.window_tokens(model.info().context_window_tokens);
        let options = settings.generate_options(window, self.seed.unwrap_or_default());
        let answer = model.generate(&prompt, &options, cancel, &mut |_| {}).map_err(AgentError::from)?;
        Ok(match chosen_speaker(&answer, members) {
            NextSpeaker::Speaks(agent) => Some(agent.clone()),
            NextSpeaker::Nobody => None,
            NextSpeaker::Unclear => by_rule(),
        })
    }

    /// Lets an agent hear what was said since it was last there, and `word` besides, and speak. `None` when there is
    /// nothing that it has not heard.
    pub(crate) fn speak_in_group(
        self: &Arc<Self>,
        group: &Group,
        agent: &Agent,
        (word, options): (Option<Said>, TurnOptions),
        cancel: &Cancel,
    ) -> Result<Option<Turn>, ApiError> {
        let mut messages = self.heard_in_group(group, agent)?;
        messages.extend(word);
        if messages.iter().all(|said| said.role == Role::System) {
            return Ok(None);
        }
        self.speaks(&group.id, Some(&agent.id));
        let request =
            TurnRequest { messages, options: options.to_json(), ..TurnRequest::of(Thread::own(&agent.id), "") };
        self.take_turn(&request, cancel, |_| Ok(())).map(Some)
    }

    /// What an agent is told when it gets the word: that it is in the group, where it was elsewhere before, and what was
    /// said there since.
    fn heard_in_group(&self, group: &Group, agent: &Agent) -> Result<Vec<Said>, ApiError> {
        let everybody = self.members_of(group)?.into_iter().chain(self.manager_of(group)?);
        let others: Vec<Agent> = everybody.filter(|other| other.id != agent.id).collect();
        self.store.read(|reader| {
            let last = reader.last_message(&agent.id)?;
            let comes_in = last.is_none_or(|last| last.group_id.as_ref() != Some(&group.id));
            let names: Vec<&str> = others.iter().map(|agent| agent.name.as_str()).collect();
            let mut said: Vec<Said> = comes_in.then(|| group_note(&group.description, &names)).into_iter().collect();
            for message in reader.unheard_in_group(&group.id, &agent.id)? {
                let by = match message.role {
                    Role::Assistant => Some(message.agent_id.clone()),
                    Role::System | Role::User | Role::Tool => message.sender_id.clone().map(AgentId),
                };
                let name = match &by {
                    Some(id) => reader.agent(id)?.map(|agent| agent.name).or(message.name),
                    None => message.name,
                };
                let sender_id = by.map(|id| id.0);
                let origin_id = Some(message.id);
                said.push(Said { sender_id, name, origin_id, ..Said::by_user(&message.content) });
            }
            Ok(said)
        })
    }
}

/// A talk that has begun.
enum Talk {
    /// The first turn runs; these speak after it.
    Begun { first: First, then: Vec<Agent> },
    /// The manager says who speaks.
    Chosen,
}

/// The first turn of a talk.
struct First {
    agent_id: AgentId,
    turn_id: TurnId,
    after_seq: u64,
}

fn in_group(group: &Group) -> TurnOptions {
    TurnOptions { group_id: Some(group.id.clone()), ..TurnOptions::default() }
}

/// Whether others go on after a turn.
fn went_well(turn: &Turn) -> bool {
    turn.status == TurnStatus::Completed && turn.stop_reason.as_deref() != Some("requires_approval")
}
