//! An endpoint that speaks the OpenAI protocol and misbehaves on demand, for this crate's tests and for those of
//! crates that talk to it through Resident: include the file with `#[path]`.
//!
//! Replies are built from the pieces of the protocol (events, whole completions, refusals) on top of a server that
//! sends exactly the bytes it is told to.

#![allow(dead_code, reason = "every test file compiles this module and uses a part of it")]

#[path = "../../../library/tests/support/server.rs"]
pub(crate) mod server;

use serde_json::{Value, json};
use server::{Reply, Request, Server};

/// The data of one event of a stream.
pub(crate) fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// A part of a streamed answer.
pub(crate) fn delta(delta: &Value) -> String {
    event(&json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] }))
}

/// A piece of text of a streamed answer.
pub(crate) fn text(text: &str) -> String {
    delta(&json!({ "content": text }))
}

/// The end of a streamed answer: reason, usage, `[DONE]`.
pub(crate) fn end(reason: &str) -> String {
    event(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }))
        + &event(&json!({ "choices": [], "usage": { "prompt_tokens": 7, "completion_tokens": 3 } }))
        + "data: [DONE]\n\n"
}

/// The head of a stream.
pub(crate) fn stream() -> Reply {
    Reply::head(200, &[("Content-Type", "text/event-stream")])
}

/// A whole streamed answer.
pub(crate) fn says(words: &str) -> Reply {
    stream().send(text(words)).send(end("stop"))
}

/// A streamed answer with one call.
pub(crate) fn calls(name: &str, arguments: &Value) -> Reply {
    let call = json!({ "index": 0, "id": "c1", "type": "function",
        "function": { "name": name, "arguments": arguments.to_string() } });
    stream().send(delta(&json!({ "tool_calls": [call] }))).send(end("tool_calls"))
}

/// JSON with a status.
pub(crate) fn json_reply(status: u16, value: &Value) -> Reply {
    Reply::whole(status, &[("Content-Type", "application/json")], value.to_string())
}

/// A refusal as the protocol words it.
pub(crate) fn refuses(status: u16, message: &str) -> Reply {
    json_reply(status, &json!({ "error": { "message": message, "type": "invalid_request_error" } }))
}

/// The JSON of a request's body.
pub(crate) fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).expect("a request has a JSON body")
}

/// How many completions were asked for.
pub(crate) fn completions(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.path.ends_with("/chat/completions")).count()
}
