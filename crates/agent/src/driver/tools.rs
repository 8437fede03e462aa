//! Runs tools. What a tool changes and the result that the model reads are one transaction: after a crash either both
//! are there or neither is.

use resident_memory::MemoryError;
use resident_memory::core::EditContext;
use resident_store::{Actor, Message, NewMessage, Provenance, Role, StoreError, ToolCall, ToolStatus};

use super::Driver;
use crate::AgentError;
use crate::events::{AgentEvent, MemoryChange};
use crate::others::Errand;
use crate::outside::OutsideResult;
use crate::step::{Event, ToolEnd};
use crate::tools::{Arguments, SearchContext, ToolError, ToolFunction, Written, cut_result, tool};

impl Driver<'_> {
    pub(super) fn run_tool(&mut self, call: &ToolCall) -> Result<Event, AgentError> {
        self.opened = None;
        let Some(found) = tool(&call.name) else {
            return self.call_outside(call);
        };
        let arguments = Arguments::new(found, &call.arguments);
        match found.function {
            ToolFunction::Say(say) => {
                let said = say(&arguments);
                self.answered(call, said)
            }
            ToolFunction::Search(search) => {
                if let Ok(Some(query)) = arguments.optional_text("query") {
                    self.emit(AgentEvent::Searching { query: query.to_owned() });
                }
                let context = SearchContext {
                    memory: self.context.memory,
                    agent: &self.agent,
                    turn_id: &self.turn.id,
                    asked: &self.asked.id,
                    now_ms: self.store.now_ms(),
                    zone: &self.zone,
                    window_tokens: self.window_tokens(),
                };
                let result = search(&context, &arguments);
                self.answered(call, result)
            }
            ToolFunction::Tell(errand) => {
                let errand = errand(&arguments);
                self.tell_others(call, errand)
            }
            ToolFunction::Write(_) => self.write_memory(call, found.function, &arguments),
        }
    }

    /// Calls a tool that Resident does not have. The step machine lets only attached tools through that exist; a change of
    /// the agent may come between.
    fn call_outside(&mut self, call: &ToolCall) -> Result<Event, AgentError> {
        let names = std::slice::from_ref(&call.name);
        let outside = self.context.outside.filter(|outside| !outside.schemas(names).is_empty());
        match outside.map(|outside| outside.call(&call.name, &call.arguments, self.cancel)) {
            Some(OutsideResult { status, text }) => Ok(self.ended(call, status, text)),
            None => Ok(self.ended(call, ToolStatus::Failed, format!("There is no tool named {}.", call.name))),
        }
    }

    /// Says something to other agents. What was recorded so far is saved: they may take long, and the user watches.
    fn tell_others(&mut self, call: &ToolCall, errand: Result<Errand, ToolError>) -> Result<Event, AgentError> {
        let errand = match errand {
            Ok(errand) => errand,
            Err(error) => return Ok(self.ended(call, ToolStatus::Failed, repairable(error)?)),
        };
        let Some(others) = self.context.others else {
            return Ok(self.ended(call, ToolStatus::Failed, "There are no other agents here.".to_owned()));
        };
        match others.run(&self.agent, self.turn, &errand, self.cancel) {
            Ok(answer) => Ok(self.ended(call, ToolStatus::Ok, answer)),
            Err(reason) => Ok(self.ended(call, ToolStatus::Failed, reason)),
        }
    }

    fn answered(&mut self, call: &ToolCall, result: Result<String, ToolError>) -> Result<Event, AgentError> {
        match result {
            Ok(text) => Ok(self.ended(call, ToolStatus::Ok, text)),
            Err(error) => Ok(self.ended(call, ToolStatus::Failed, repairable(error)?)),
        }
    }

    fn write_memory(
        &mut self,
        call: &ToolCall,
        function: ToolFunction,
        arguments: &Arguments,
    ) -> Result<Event, AgentError> {
        let ToolFunction::Write(write) = function else { return Ok(super::cancelled()) };
        let provenance = Provenance {
            actor: Actor::Agent,
            agent_id: Some(self.agent.id.clone()),
            turn_id: Some(self.turn.id.clone()),
            message_id: Some(self.asked.id.clone()),
            tool: Some(call.name.clone()),
        };
        let edit = EditContext {
            agent_id: &self.agent.id,
            conversation_id: self.thread.conversation_id.as_ref(),
            provenance: &provenance,
            now_ms: self.store.now_ms(),
            seen: &self.seen,
            tidies: self.options.tidies,
        };
        let draft = self.result_message(call, ToolStatus::Ok, String::new());
        let done = self.store.write(|w| {
            let written = write(w, &edit, arguments)?;
            let message = w.append_message(&NewMessage { content: cut_result(written.message.clone()), ..draft })?;
            Ok::<(Written, Message), ToolError>((written, message))
        });
        let (Written { changes, .. }, message) = match done {
            Ok(done) => done,
            Err(error) => return Ok(self.ended(call, ToolStatus::Failed, repairable(error)?)),
        };
        self.memory().notify_written();
        if let Some(open) = &mut self.open {
            open.called(&call.name, ToolStatus::Ok);
        }
        for change in changes {
            self.know(&change)?;
            self.emit(AgentEvent::Changed(change));
        }
        let output = message.content.clone();
        self.emit(AgentEvent::Recorded(message));
        Ok(Event::ToolEnded(ToolEnd { name: call.name.clone(), status: ToolStatus::Ok, output, wrote_memory: true }))
    }

    /// The model knows of its own changes: its next call of this step is made with them in mind.
    fn know(&mut self, change: &MemoryChange) -> Result<(), AgentError> {
        let MemoryChange::Block { block_id, .. } = change else { return Ok(()) };
        if let Some(block) = self.store.read::<_, AgentError>(|reader| Ok(reader.block(block_id)?))? {
            self.seen.retain(|seen| seen.id != block.id);
            self.seen.push(block);
        }
        Ok(())
    }

    /// A call that changed no memory is over.
    fn ended(&mut self, call: &ToolCall, status: ToolStatus, output: String) -> Event {
        let output = cut_result(output);
        self.record_result(call, status, output.clone());
        Event::ToolEnded(ToolEnd { name: call.name.clone(), status, output, wrote_memory: false })
    }

    pub(super) fn result_message(&self, call: &ToolCall, status: ToolStatus, content: String) -> NewMessage {
        let mut message = self.draft(Role::Tool, content);
        message.tool_call_id = Some(call.id.clone());
        message.name = Some(call.name.clone());
        message.tool_status = Some(status);
        message
    }
}

/// The sentence with which a model can repair its call. A store that fails is no matter of the model's.
fn repairable(error: ToolError) -> Result<String, AgentError> {
    match error {
        ToolError::Store(error) | ToolError::Memory(MemoryError::Store(error)) => match error {
            StoreError::NotFound { .. } | StoreError::Duplicate { .. } => Ok(error.to_string()),
            other => Err(AgentError::Store(other)),
        },
        other => Ok(other.to_string()),
    }
}
