//! The errands of agents: asking one, telling one, asking those with some tags, asking the group that one leads.

use std::sync::Arc;

use resident_agent::{AgentError, Cancel, Errand, OtherAgents, TurnOptions, TurnRequest, asked_note};
use resident_store::{Agent, AgentId, Group, ManagerType, Role, Thread, Turn, TurnStatus};
use serde_json::{Value, json};

use crate::App;
use crate::api::{ApiError, ErrorCode};
use crate::records::Said;

/// So many agents may ask each other in a row; beyond that they only pass on what nobody does.
const LONGEST_CHAIN: usize = 8;

/// No more agents than this are asked at once.
const MOST_ASKED: usize = 50;

/// The other agents of a profile, for the turn of one.
pub(crate) struct Others(pub(crate) Arc<App>);

impl OtherAgents for Others {
    fn run(&self, from: &Agent, turn: &Turn, errand: &Errand, cancel: &Cancel) -> Result<String, String> {
        let asking = Asking { app: &self.0, from, options: TurnOptions::of(turn), cancel };
        let done = match errand {
            Errand::Ask { agent_id, message } => {
                asking.find(agent_id).and_then(|to| asking.ask(&to, message)).map(|answer| answer.to_string())
            }
            Errand::Tell { agent_id, message } => asking.find(agent_id).and_then(|to| asking.tell(&to, message)),
            Errand::AskTagged { match_all, match_some, message } => asking.ask_tagged(match_all, match_some, message),
            Errand::AskGroup { message } => asking.ask_group(message),
        };
        done.map_err(|error| error.to_string())
    }
}

/// An agent that asks others, in a turn.
struct Asking<'a> {
    app: &'a Arc<App>,
    from: &'a Agent,
    options: TurnOptions,
    cancel: &'a Cancel,
}

impl Asking<'_> {
    /// The agent of this id or name.
    fn find(&self, asked: &AgentId) -> Result<Agent, ApiError> {
        let wanted = asked.as_str().trim();
        let agents = self.app.agent_records()?;
        if let Some(found) = agents.iter().find(|agent| agent.id.as_str() == wanted) {
            return Ok(found.clone());
        }
        let mut named = agents.iter().filter(|agent| agent.name.eq_ignore_ascii_case(wanted));
        match (named.next(), named.next()) {
            (Some(found), None) => Ok(found.clone()),
            (Some(first), Some(second)) => Err(ApiError::invalid(format!(
                "There are several agents named {wanted}. Use an id, such as {} or {}.",
                first.id, second.id
            ))),
            (None, _) => {
                let others = agents.iter().filter(|agent| agent.id != self.from.id);
                let known: Vec<String> = others.map(|agent| format!("{} ({})", agent.name, agent.id)).collect();
                let known = if known.is_empty() { "there is no other".to_owned() } else { known.join(", ") };
                Err(ApiError::invalid(format!("There is no agent {wanted}. Agents: {known}.")))
            }
        }
    }

    /// Asks `to` and waits for what it answers.
    fn ask(&self, to: &Agent, message: &str) -> Result<Value, ApiError> {
        let _waiting = self.wait_for(to)?;
        let request = TurnRequest {
            messages: vec![asked_note(self.from, true), Said::by_agent(self.from, message)],
            options: self.options_of_asked(None).to_json(),
            ..TurnRequest::of(Thread::own(&to.id), "")
        };
        let turn = self.app.take_turn(&request, self.cancel, |_| Ok(()))?;
        self.answer(to, &turn)
    }

    /// Tells `to`, who hears it when it is free.
    fn tell(&self, to: &Agent, message: &str) -> Result<String, ApiError> {
        if to.id == self.from.id {
            return Err(ApiError::invalid("That is you yourself."));
        }
        let now_ms = self.app.store.now_ms();
        self.app.write(|writer| Ok(writer.insert_letter(&self.from.id, &to.id, message, now_ms)?))?;
        self.app.deliver_letters(&to.id);
        Ok(format!("{} will hear it.", to.name))
    }

    fn ask_tagged(&self, all: &[String], some: &[String], message: &str) -> Result<String, ApiError> {
        if all.is_empty() && some.is_empty() {
            return Err(ApiError::invalid("Name at least one tag in `match_all` or `match_some`."));
        }
        let has = |agent: &Agent, tag: &String| agent.tags.contains(tag);
        let fits = |agent: &Agent| {
            agent.id != self.from.id
                && all.iter().all(|tag| has(agent, tag))
                && (some.is_empty() || some.iter().any(|tag| has(agent, tag)))
        };
        let agents: Vec<Agent> = self.app.agent_records()?.into_iter().filter(fits).collect();
        if agents.len() > MOST_ASKED {
            let found = agents.len();
            return Err(ApiError::invalid(format!(
                "{found} agents have these tags; at most {MOST_ASKED} are asked at once."
            )));
        }
        let mut answers = Vec::new();
        for agent in &agents {
            answers.push(self.answer_or_reason(agent, self.ask(agent, message))?);
        }
        Ok(Value::Array(answers).to_string())
    }

    /// Asks the agents of the group in whose talk this turn is, or of the one group that this agent supervises.
    fn ask_group(&self, message: &str) -> Result<String, ApiError> {
        let groups = self.app.store.read::<_, ApiError>(|reader| Ok(reader.groups_of_agent(&self.from.id)?))?;
        let leads = |group: &&Group| {
            group.manager_type == ManagerType::Supervisor
                && group.manager_agent_id.as_ref() == Some(&self.from.id)
                && self.options.group_id.as_ref().is_none_or(|id| *id == group.id)
        };
        let mut led = groups.iter().filter(leads);
        let Some(group) = led.next() else { return Err(ApiError::invalid("You lead no group.")) };
        let mut word = Some(Said::by_agent(self.from, message));
        let mut answers = Vec::new();
        for member in self.app.members_of(group)? {
            let waiting = self.wait_for(&member);
            let spoken = waiting.and_then(|_waiting| {
                let options = self.options_of_asked(Some(group));
                let turn = self.app.speak_in_group(group, &member, (word.take(), options), self.cancel)?;
                turn.map_or_else(|| Ok(Value::Null), |turn| self.answer(&member, &turn))
            });
            answers.push(self.answer_or_reason(&member, spoken)?);
        }
        self.app.speaks(&group.id, Some(&self.from.id));
        Ok(Value::Array(answers).to_string())
    }

    /// Of several that are asked, one that cannot answer does not take the others' answers along.
    fn answer_or_reason(&self, of: &Agent, answer: Result<Value, ApiError>) -> Result<Value, ApiError> {
        match answer {
            Err(error) if self.cancel.is_cancelled() => Err(error),
            Err(error) => Ok(json!({ "agent_id": of.id, "name": of.name, "error": error.to_string() })),
            Ok(answer) => Ok(answer),
        }
    }

    fn wait_for(&self, to: &Agent) -> Result<super::company::Waiting<'_>, ApiError> {
        if to.id == self.from.id {
            return Err(ApiError::invalid("That is you yourself."));
        }
        if self.options.asked_by.len() >= LONGEST_CHAIN {
            return Err(ApiError::invalid("Too many agents ask each other in a row. Answer with what you know."));
        }
        let asks = self.options.asked_by.contains(&to.id);
        let waiting = self.app.company.wait_for(&self.from.id, &to.id).filter(|_| !asks);
        waiting.ok_or_else(|| {
            let name = &to.name;
            ApiError::new(
                ErrorCode::Conflict,
                format!("{name} waits for your answer. Say to {name} what you have to say in it."),
            )
        })
    }

    fn options_of_asked(&self, group: Option<&Group>) -> TurnOptions {
        let asked_by = self.options.asked_by.iter().chain([&self.from.id]).cloned().collect();
        TurnOptions {
            asked_by,
            background: true,
            group_id: group.map(|group| group.id.clone()),
            ..TurnOptions::default()
        }
    }

    /// What an agent said in a turn.
    fn answer(&self, of: &Agent, turn: &Turn) -> Result<Value, ApiError> {
        let name = &of.name;
        match turn.status {
            TurnStatus::Completed if turn.stop_reason.as_deref() == Some("requires_approval") => {
                Err(ApiError::invalid(format!("{name} waits until the user allows a call, and has not answered.")))
            }
            TurnStatus::Completed => {
                let said = self.app.messages_of_turn(turn.id.as_str())?.into_iter();
                let spoken = said.filter(|message| message.role == Role::Assistant && !message.content.is_empty());
                let texts: Vec<String> = spoken.map(|message| message.content).collect();
                Ok(json!({ "agent_id": of.id, "name": name, "response": texts }))
            }
            TurnStatus::Cancelled => Err(AgentError::Cancelled.into()),
            TurnStatus::Failed | TurnStatus::Interrupted | TurnStatus::Running => {
                let reason = turn.error.clone().unwrap_or_else(|| "the turn was interrupted".to_owned());
                Err(ApiError::invalid(format!("{name} could not answer: {reason}")))
            }
        }
    }
}
