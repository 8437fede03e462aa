//! Brings letters to their agents: what one said to another that did not have to answer.

use std::sync::Arc;

use resident_agent::{Cancel, TurnOptions, TurnRequest, asked_note};
use resident_store::{AgentId, Letter, Thread, TurnId};

use crate::App;
use crate::api::{ApiError, ErrorCode};
use crate::records::Said;

impl App {
    /// Brings letters that an earlier run left.
    pub(crate) fn deliver_all_letters(self: &Arc<Self>) -> Result<(), ApiError> {
        let waiting = self.store.read::<_, ApiError>(|reader| Ok(reader.agents_with_letters()?))?;
        for agent_id in waiting {
            self.deliver_letters(&agent_id);
        }
        Ok(())
    }

    /// Brings an agent its letters, one turn for each, as soon as it is free.
    pub(crate) fn deliver_letters(self: &Arc<Self>, to: &AgentId) {
        let key = TurnId::new();
        let cancel = self.drivers.register(&key);
        let (app, to) = (self.clone(), to.clone());
        self.drivers.begin(Box::new(move || {
            if let Err(error) = app.deliver(&to, &cancel) {
                // They stay, and are brought at the next occasion.
                tracing::warn!(agent = %to, %error, "letters could not be brought");
            }
            app.drivers.release(&key);
        }));
    }

    fn deliver(self: &Arc<Self>, to: &AgentId, cancel: &Cancel) -> Result<(), ApiError> {
        loop {
            let next = self.store.read::<_, ApiError>(|reader| Ok(reader.letters_to(to)?.into_iter().next()))?;
            let Some(letter) = next else { return Ok(()) };
            if !self.deliver_one(&letter, cancel)? {
                return Ok(());
            }
        }
    }

    /// Whether the letter was heard by this; somebody else may have brought it meanwhile.
    fn deliver_one(self: &Arc<Self>, letter: &Letter, cancel: &Cancel) -> Result<bool, ApiError> {
        let from = self.agent(letter.from.as_str())?;
        let request = TurnRequest {
            messages: vec![asked_note(&from, false), Said::by_agent(&from, &letter.text)],
            options: TurnOptions { background: true, ..TurnOptions::default() }.to_json(),
            ..TurnRequest::of(Thread::own(&letter.to), "")
        };
        match self.take_turn(&request, cancel, |writer| Ok(writer.delete_letter(letter.key)?)) {
            Ok(_) => Ok(true),
            Err(error) if error.code == ErrorCode::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}
