//! Taking turns: beginning a turn of a thread as soon as no other runs in it, and waiting for its end. Who waits for whom
//! is known, so that two agents never wait for each other.

use std::collections::HashMap;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use resident_agent::{AgentError, Cancel, TurnRequest, begin_request_in};
use resident_store::{AgentId, GroupId, Turn, TurnId, Writer};

use crate::App;
use crate::api::{ApiError, ErrorCode, EventKind};
use crate::event_log::About;

/// How often whoever waits looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Who waits for whom, and which groups talk.
#[derive(Debug, Default)]
pub(crate) struct Company {
    /// How many turns have ended; whoever waits for a thread looks again when it grows.
    ended: Mutex<u64>,
    news: Condvar,
    /// For each agent in whose turn another is asked, whom it asks.
    waits: Mutex<HashMap<AgentId, Vec<AgentId>>>,
    /// Groups whose agents talk or tidy, with who has the word.
    running: Mutex<HashMap<GroupId, Option<AgentId>>>,
}

/// While it lives, one agent is known to wait for another.
pub(crate) struct Waiting<'a> {
    company: &'a Company,
    from: AgentId,
    to: AgentId,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waits = lock(&self.company.waits);
        let Some(asked) = waits.get_mut(&self.from) else { return };
        if let Some(at) = asked.iter().position(|agent| *agent == self.to) {
            asked.swap_remove(at);
        }
        if asked.is_empty() {
            waits.remove(&self.from);
        }
    }
}

impl Company {
    /// A turn has ended: whoever waits for its thread may go on.
    pub(crate) fn turn_ended(&self) {
        *lock(&self.ended) += 1;
        self.news.notify_all();
    }

    /// Says that `from` waits for `to`, unless `to` waits for `from`, through others or not.
    pub(crate) fn wait_for(&self, from: &AgentId, to: &AgentId) -> Option<Waiting<'_>> {
        let mut waits = lock(&self.waits);
        let mut reached = vec![to];
        let mut at = 0;
        while let Some(agent) = reached.get(at).copied() {
            if agent == from {
                return None;
            }
            let further = waits.get(agent).into_iter().flatten();
            let new: Vec<&AgentId> = further.filter(|next| !reached.contains(next)).collect();
            reached.extend(new);
            at += 1;
        }
        waits.entry(from.clone()).or_default().push(to.clone());
        Some(Waiting { company: self, from: from.clone(), to: to.clone() })
    }

    /// Whether a group talks or tidies, and who has the word.
    pub(crate) fn speaking(&self, group_id: &GroupId) -> Option<Option<AgentId>> {
        lock(&self.running).get(group_id).cloned()
    }

    /// Marks a group as one that talks; `false` when it does already.
    fn enter(&self, group_id: &GroupId) -> bool {
        let mut running = lock(&self.running);
        let free = !running.contains_key(group_id);
        if free {
            running.insert(group_id.clone(), None);
        }
        free
    }

    fn count(&self) -> u64 {
        *lock(&self.ended)
    }

    /// Waits for a turn to end since `seen`, for a while.
    fn wait(&self, seen: u64) {
        let ended = lock(&self.ended);
        drop(self.news.wait_timeout_while(ended, LOOK, |ended| *ended == seen));
    }
}

impl App {
    /// Runs a turn as soon as its thread is free, and returns it as it ended. `settle` is done in the transaction that
    /// begins it.
    pub(crate) fn take_turn(
        self: &Arc<Self>,
        request: &TurnRequest,
        cancel: &Cancel,
        settle: impl Fn(&mut Writer<'_>) -> Result<(), AgentError>,
    ) -> Result<Turn, ApiError> {
        loop {
            if cancel.is_cancelled() {
                return Err(AgentError::Cancelled.into());
            }
            let seen = self.company.count();
            let after_seq = self.last_event_seq();
            let begun = self.store.write(|writer| {
                let begun = begin_request_in(writer, request, self.store.now_ms())?;
                settle(writer)?;
                Ok::<_, AgentError>(begun)
            });
            match begun {
                Ok((turn, messages)) => {
                    self.start_turn(turn.clone(), messages);
                    return self.wait_for_turn(&turn.id, after_seq, cancel);
                }
                Err(AgentError::Busy { .. }) => self.company.wait(seen),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits for a turn that began after event `after_seq`.
    pub(crate) fn wait_for_turn(&self, turn_id: &TurnId, after_seq: u64, cancel: &Cancel) -> Result<Turn, ApiError> {
        let (told, end) = channel();
        let listener = move |event: &crate::api::Event| {
            if matches!(event.what, EventKind::TurnEnded { .. } | EventKind::Gap) {
                // Whoever waited may be gone.
                let _unless_nobody_waits = told.send(());
            }
        };
        self.follow_turn(turn_id.as_str(), after_seq, Box::new(listener));
        loop {
            if cancel.is_cancelled() {
                self.drivers.cancel(turn_id);
            }
            match end.recv_timeout(LOOK) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.turn_record(turn_id.as_str())
    }

    /// Runs what a group does on a thread of its own, unless it does something already; `cancel_group` stops it.
    pub(crate) fn run_group(
        self: &Arc<Self>,
        group_id: &GroupId,
        work: impl FnOnce(&Arc<Self>, &Cancel) + Send + 'static,
    ) -> Result<(), ApiError> {
        if !self.company.enter(group_id) {
            return Err(ApiError::new(ErrorCode::Conflict, "The group is talking.".to_owned())
                .with_hint("Wait until it is done, or stop it."));
        }
        let key = TurnId(group_id.0.clone());
        let cancel = self.drivers.register(&key);
        self.speaks(group_id, None);
        let (app, group_id) = (self.clone(), group_id.clone());
        let job = move || {
            let ended = Ended { app: &app, group_id: &group_id, key: &key };
            work(&app, &cancel);
            drop(ended);
        };
        self.drivers.begin(Box::new(job));
        Ok(())
    }

    /// Says who has the word in a group that runs.
    pub(crate) fn speaks(&self, group_id: &GroupId, agent_id: Option<&AgentId>) {
        lock(&self.company.running).insert(group_id.clone(), agent_id.cloned());
        self.tell_speaking(group_id, true, agent_id);
    }

    fn tell_speaking(&self, group_id: &GroupId, running: bool, agent_id: Option<&AgentId>) {
        let agent_id = agent_id.map(|id| id.0.clone());
        self.send(About::default(), EventKind::GroupSpeaking { group_id: group_id.0.clone(), running, agent_id });
    }
}

/// Takes a group out of the list of those that run, however its work ends.
struct Ended<'a> {
    app: &'a Arc<App>,
    group_id: &'a GroupId,
    key: &'a TurnId,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        lock(&self.app.company.running).remove(self.group_id);
        self.app.drivers.release(self.key);
        self.app.tell_speaking(self.group_id, false, None);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_somebody_who_waits_for_them() {
        let company = Company::default();
        let [ada, bob, cleo] = ["ada", "bob", "cleo"].map(AgentId::from);
        let first = company.wait_for(&ada, &bob).expect("nobody waits");
        let second = company.wait_for(&bob, &cleo).expect("cleo waits for nobody");
        assert!(company.wait_for(&cleo, &ada).is_none());
        assert!(company.wait_for(&ada, &ada).is_none());
        drop(second);
        let third = company.wait_for(&cleo, &ada).expect("bob does not wait any more");
        assert!(company.wait_for(&bob, &cleo).is_none());
        drop((first, third));
        assert!(company.wait_for(&bob, &cleo).is_some());
    }
}
