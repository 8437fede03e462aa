//! The answer of a model, put together from the pieces in which it arrives: text, reasoning, tool calls, usage.
//!
//! Read loosely, since servers of the protocol differ: the index of a tool call may be missing or always zero, its
//! arguments may be an object instead of a string, reasoning has two names. Strict only about the end: a stream that
//! neither names a reason to finish nor says `[DONE]` was cut.

use std::collections::HashSet;

use resident_agent::{Finish, Generation, MalformedCall, Progress, Prompt, ToolSchema, Usage};
use resident_store::ToolCall;
use serde_json::Value;

use crate::error::RemoteError;
use crate::exchange::error_message;
use crate::menu::{Found, find_call, read_arguments};
use crate::text::{Hold, Piece, Sorted, TextFlow};

/// A menu has a few dozen tools at most; a stream that opens more calls than this is broken.
const MAX_CALLS: usize = 128;

/// An answer that is being put together.
pub(crate) struct Answer<'a> {
    host: &'a str,
    flow: TextFlow,
    thoughts: String,
    calls: Vec<PartialCall>,
    finish: Option<String>,
    usage: Usage,
    done: bool,
}

#[derive(Default)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(host: &'a str, hold: Hold) -> Self {
        Self {
            host,
            flow: TextFlow::new(hold),
            thoughts: String::new(),
            calls: Vec::new(),
            finish: None,
            usage: Usage::default(),
            done: false,
        }
    }

    /// Takes the data of one event.
    pub(crate) fn event(&mut self, data: &str, on_progress: &mut dyn FnMut(Progress)) -> Result<(), RemoteError> {
        match data.trim() {
            "" => Ok(()),
            "[DONE]" => {
                self.done = true;
                Ok(())
            }
            data => {
                let value = serde_json::from_str(data)
                    .map_err(|error| self.problem(format!("a part of the stream is not JSON ({error})")))?;
                self.value(&value, on_progress)
            }
        }
    }

    /// Takes one object: a part of a stream, or the whole of an answer that was not streamed.
    pub(crate) fn value(&mut self, value: &Value, on_progress: &mut dyn FnMut(Progress)) -> Result<(), RemoteError> {
        if let Some(message) = error_message(value) {
            return Err(self.problem(message));
        }
        if !value.is_object() {
            return Err(self.problem("a part of it is not an object".into()));
        }
        self.take_usage(value);
        let Some(choice) = value.pointer("/choices/0") else { return Ok(()) };
        let message = choice.get("delta").or_else(|| choice.get("message")).unwrap_or(&Value::Null);
        let text = |key: &str| message.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(thoughts) = text("reasoning_content").or_else(|| text("reasoning")) {
            self.thoughts.push_str(thoughts);
            on_progress(Progress::Thoughts(thoughts.to_owned()));
        }
        if let Some(content) = text("content") {
            tell(self.flow.push(content), on_progress);
        }
        for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            self.take_call(call, on_progress)?;
        }
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            self.finish = Some(reason.to_owned());
        }
        Ok(())
    }

    /// Whether the endpoint said that nothing more comes.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// What had been written when the caller cancelled. Calls do not count: none of them may be whole.
    pub(crate) fn cancelled(self) -> Generation {
        let (sorted, _) = self.flow.finish();
        let thoughts = self.thoughts + &sorted.thoughts;
        Generation {
            text: sorted.text,
            thoughts: (!thoughts.is_empty()).then_some(thoughts),
            finish: Finish::Cancelled,
            usage: self.usage,
            ..Generation::default()
        }
    }

    /// The whole answer.
    pub(crate) fn finish(
        mut self,
        prompt: &Prompt,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Generation, RemoteError> {
        if self.finish.is_none() && !self.done {
            return Err(self.problem("it stopped in the middle".into()));
        }
        let (sorted, shown) = std::mem::replace(&mut self.flow, TextFlow::new(Hold::Nothing)).finish();
        tell(shown, on_progress);
        let mut generation = Generation { usage: self.usage, ..Generation::default() };
        if self.finish.as_deref() == Some("length") {
            generation.finish = Finish::Length;
        }
        let mut ids = Ids::of(prompt);
        for call in &self.calls {
            call.read(ids.take(&call.id), &mut generation);
        }
        let thoughts = self.thoughts.clone() + &sorted.thoughts;
        generation.thoughts = (!thoughts.is_empty()).then_some(thoughts);
        settle_text(sorted, &prompt.menu, &mut ids, &mut generation, on_progress);
        self.check_substance(&generation)?;
        Ok(generation)
    }

    fn check_substance(&self, generation: &Generation) -> Result<(), RemoteError> {
        let empty = generation.text.trim().is_empty()
            && generation.tool_calls.is_empty()
            && generation.malformed_calls.is_empty()
            && generation.thoughts.is_none();
        if !empty {
            return Ok(());
        }
        let message = match self.finish.as_deref() {
            Some("content_filter") => "its content filter withheld the answer",
            Some("length") => "the answer ended before its first word; the prompt may fill the model's window",
            _ => "the answer is empty",
        };
        Err(self.problem(message.into()))
    }

    fn take_usage(&mut self, value: &Value) {
        let Some(usage) = value.get("usage").filter(|usage| usage.is_object()) else { return };
        let number = |path: &str| {
            usage.pointer(path).and_then(Value::as_u64).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
        };
        self.usage = Usage {
            prompt_tokens: number("/prompt_tokens").unwrap_or(self.usage.prompt_tokens),
            cached_tokens: number("/prompt_tokens_details/cached_tokens").unwrap_or(self.usage.cached_tokens),
            completion_tokens: number("/completion_tokens").unwrap_or(self.usage.completion_tokens),
        };
    }

    fn take_call(&mut self, piece: &Value, on_progress: &mut dyn FnMut(Progress)) -> Result<(), RemoteError> {
        let text = |path: &str| piece.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let (id, name) = (text("/id"), text("/function/name"));
        let at = self.place(piece.get("index").and_then(Value::as_u64), id, name);
        if at >= MAX_CALLS {
            return Err(self.problem("it opens more tool calls than there are tools".into()));
        }
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        // Some servers repeat the name with every piece.
        if call.name != name {
            call.name.push_str(name);
        }
        let arguments_delta = match piece.pointer("/function/arguments") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        call.arguments.push_str(&arguments_delta);
        on_progress(Progress::ToolCall { index: at, name: call.name.clone(), arguments_delta });
        Ok(())
    }

    /// Which call a piece belongs to. A piece with a new id and a name opens a call, whatever its index says.
    fn place(&mut self, index: Option<u64>, id: &str, name: &str) -> usize {
        let found = match index {
            Some(index) => self.calls.iter().rposition(|call| call.index == Some(index)),
            None if name.is_empty() => self.calls.len().checked_sub(1),
            None => self.calls.iter().position(|call| !id.is_empty() && call.id == id),
        };
        let continues = |call: &PartialCall| id.is_empty() || call.id.is_empty() || call.id == id || name.is_empty();
        match found.filter(|at| continues(&self.calls[*at])) {
            Some(at) => at,
            None => {
                self.calls.push(PartialCall { index, ..PartialCall::default() });
                self.calls.len() - 1
            }
        }
    }

    fn problem(&self, message: String) -> RemoteError {
        RemoteError::Protocol { host: self.host.to_owned(), message }
    }
}

impl PartialCall {
    fn read(&self, id: String, generation: &mut Generation) {
        let name = self.name.trim().to_owned();
        let problem = match read_arguments(&Value::String(self.arguments.clone())) {
            Ok(_) if name.is_empty() => "the call names no tool".to_owned(),
            Ok(arguments) => {
                generation.tool_calls.push(ToolCall { id, name, arguments: Value::Object(arguments) });
                return;
            }
            Err(error) => error,
        };
        let arguments = self.arguments.clone();
        generation.malformed_calls.push(MalformedCall { id, name, arguments, error: problem });
    }
}

/// Decides what the held part of a text was: a call, or text after all.
fn settle_text(
    sorted: Sorted,
    menu: &[ToolSchema],
    ids: &mut Ids,
    generation: &mut Generation,
    on_progress: &mut dyn FnMut(Progress),
) {
    generation.text = sorted.text;
    let called = !generation.tool_calls.is_empty() || !generation.malformed_calls.is_empty();
    // Calls that came as calls are the answer; JSON beside them is talk.
    let found = if called { Found::Nothing } else { find_call(&sorted.held, menu) };
    match found {
        Found::Call { name, arguments } => {
            let arguments = Value::Object(arguments);
            let arguments_delta = arguments.to_string();
            on_progress(Progress::ToolCall { index: 0, name: name.clone(), arguments_delta });
            generation.tool_calls.push(ToolCall { id: ids.take(""), name, arguments });
        }
        Found::Malformed { name, text, error } => {
            generation.malformed_calls.push(MalformedCall { id: ids.take(""), name, arguments: text, error });
        }
        Found::Nothing if !sorted.held.is_empty() => {
            generation.text.push_str(&sorted.held);
            on_progress(Progress::Text(sorted.held));
        }
        Found::Nothing => {}
    }
}

fn tell(pieces: Vec<Piece>, on_progress: &mut dyn FnMut(Progress)) {
    for piece in pieces {
        on_progress(match piece {
            Piece::Text(text) => Progress::Text(text),
            Piece::Thoughts(text) => Progress::Thoughts(text),
        });
    }
}

/// Ids of calls, unique within a conversation. Some servers number them anew in every answer.
struct Ids(HashSet<String>);

impl Ids {
    fn of(prompt: &Prompt) -> Self {
        let calls = prompt.messages.iter().flat_map(|message| &message.tool_calls);
        Self(calls.map(|call| call.id.clone()).collect())
    }

    /// The endpoint's id where it can be used, a new one otherwise.
    fn take(&mut self, given: &str) -> String {
        let usable = !given.is_empty() && given.len() <= 128 && !self.0.contains(given);
        let id = if usable { given.to_owned() } else { format!("call-{}", uuid::Uuid::new_v4()) };
        self.0.insert(id.clone());
        id
    }
}
