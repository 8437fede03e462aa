//! Chat completions against an endpoint that behaves, and one that does not.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use resident_agent::{
    Cancel, Finish, GenerateOptions, Generation, LanguageModel, ModelError, Progress, Prompt, PromptMessage,
    ToolChoice, ToolSchema,
};
use resident_library::http::Network;
use resident_remote::{KeySource, Patience, RemoteEndpoint, RemoteLanguageModel, RemoteModelOptions};
use resident_store::Role;
use serde_json::json;
use support::server::{Reply, Server};
use support::{body, calls, completions, delta, end, event, json_reply, refuses, says, stream, text};

const LONG: Duration = Duration::from_secs(20);

fn patience() -> Patience {
    Patience {
        first_byte: Duration::from_millis(800),
        idle: Duration::from_millis(400),
        retries: 3,
        pause: Duration::from_millis(1),
        longest_pause: Duration::from_secs(2),
    }
}

fn model_at(base_url: &str, network: Network) -> RemoteLanguageModel {
    let endpoint = RemoteEndpoint {
        id: "here".into(),
        base_url: base_url.into(),
        api_key: KeySource::new(|| Some("sk-secret-key".into())),
    };
    let options = RemoteModelOptions { patience: patience(), ..RemoteModelOptions::default() };
    RemoteLanguageModel::new(network, endpoint, "tiny", options).expect("an endpoint")
}

fn model(server: &Server) -> RemoteLanguageModel {
    model_at(&server.url(), Network::new(true))
}

fn prompt() -> Prompt {
    Prompt {
        system: "You are Resident.".into(),
        messages: vec![PromptMessage::text(Role::User, "Hello")],
        ..Prompt::default()
    }
}

fn prompt_with_tools(tool_choice: ToolChoice) -> Prompt {
    let tool = |name: &str| ToolSchema {
        name: name.into(),
        description: "Does something.".into(),
        parameters: json!({ "type": "object", "properties": { "text": { "type": "string" } } }),
    };
    Prompt { menu: vec![tool("note"), tool("search")], tool_choice, describe_tools: true, ..prompt() }
}

fn generate(model: &RemoteLanguageModel, prompt: &Prompt) -> (Result<Generation, ModelError>, Vec<Progress>) {
    let mut told = Vec::new();
    let result = model.generate(prompt, &GenerateOptions::default(), &Cancel::default(), &mut |p| told.push(p));
    (result, told)
}

fn shown(told: &[Progress]) -> String {
    told.iter().filter_map(|p| if let Progress::Text(text) = p { Some(text.as_str()) } else { None }).collect()
}

/// What a server that always gives this reply leads to, and how often it was asked.
fn outcome(reply: Reply) -> (Result<Generation, ModelError>, usize) {
    let server = Server::in_turn(vec![reply]);
    let (result, _) = generate(&model(&server), &prompt());
    (result, completions(&server))
}

#[test]
fn a_streamed_answer_arrives_however_it_is_split() {
    let stream_text = format!(
        ": ping\r\n\r\n{}{}{}{}",
        delta(&json!({ "role": "assistant", "content": "" })),
        delta(&json!({ "reasoning_content": "Größe?" })),
        text("Grüße, 世界 🙂").replace("\n\n", "\r\n\r\n"),
        end("stop"),
    );
    let server = Server::in_turn(vec![stream().trickle(&stream_text)]);
    let (result, told) = generate(&model(&server), &prompt());
    let generation = result.expect("an answer");
    assert_eq!(generation.text, "Grüße, 世界 🙂");
    assert_eq!(generation.thoughts.as_deref(), Some("Größe?"));
    assert_eq!(generation.finish, Finish::Stop);
    assert_eq!((generation.usage.prompt_tokens, generation.usage.completion_tokens), (7, 3));
    assert_eq!(shown(&told), generation.text);
    let request = &server.requests()[0];
    assert_eq!(request.path, "/v1/chat/completions");
    assert_eq!(request.header("authorization"), Some("Bearer sk-secret-key"));
    assert_eq!(body(request)["stream"], true);
}

#[test]
fn thoughts_in_the_text_are_told_apart() {
    for reply in [
        stream().send(text("<thi")).send(text("nk>hm</th")).send(text("ink>\nHi")).send(end("stop")),
        stream().send(delta(&json!({ "reasoning": "hm" }))).send(text("Hi")).send(end("stop")),
    ] {
        let generation = outcome(reply).0.expect("an answer");
        assert_eq!((generation.text.as_str(), generation.thoughts.as_deref()), ("Hi", Some("hm")));
    }
}

#[test]
fn calls_in_pieces_and_in_parallel_are_put_together() {
    let piece = |index: u32, id: Option<&str>, name: Option<&str>, arguments: &str| {
        let call = json!({ "index": index, "id": id, "function": { "name": name, "arguments": arguments } });
        delta(&json!({ "tool_calls": [call] }))
    };
    let reply = stream()
        .send(text("Let me see."))
        .send(piece(0, Some("a"), Some("note"), ""))
        .send(piece(0, None, None, "{\"text\": \"gr"))
        .send(piece(1, Some("b"), Some("search"), "{\"te"))
        .send(piece(0, None, None, "ün\"}"))
        .send(piece(1, None, None, "xt\": \"\"}"))
        .send(end("tool_calls"));
    let server = Server::in_turn(vec![reply]);
    let (result, told) = generate(&model(&server), &prompt_with_tools(ToolChoice::Auto));
    let generation = result.expect("an answer");
    let called: Vec<_> = generation.tool_calls.iter().map(|call| (call.name.as_str(), &call.arguments)).collect();
    assert_eq!(called, [("note", &json!({ "text": "grün" })), ("search", &json!({ "text": "" }))]);
    assert_eq!(generation.tool_calls[0].id, "a");
    assert_eq!(generation.text, "Let me see.");
    let first: String = told
        .iter()
        .filter_map(|progress| match progress {
            Progress::ToolCall { index: 0, arguments_delta, .. } => Some(arguments_delta.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(first, "{\"text\": \"grün\"}");
}

#[test]
fn calls_without_a_usable_index_are_told_apart_by_their_ids() {
    let call = |id: &str, text: &str| json!({ "index": 0, "id": id, "function": { "name": "note", "arguments": { "text": text } } });
    let reply = stream()
        .send(delta(&json!({ "tool_calls": [call("call_0", "one")] })))
        .send(delta(&json!({ "tool_calls": [call("call_1", "two")] })))
        .send(end("tool_calls"));
    let mut prompt = prompt_with_tools(ToolChoice::Auto);
    let server = Server::in_turn(vec![reply]);
    let model = model(&server);
    let first = generate(&model, &prompt).0.expect("an answer");
    assert_eq!(first.tool_calls.len(), 2);
    prompt
        .messages
        .push(PromptMessage { tool_calls: first.tool_calls.clone(), ..PromptMessage::text(Role::Assistant, "") });
    let second = generate(&model, &prompt).0.expect("an answer");
    assert!(
        second.tool_calls.iter().all(|call| first.tool_calls.iter().all(|old| old.id != call.id)),
        "an id that the endpoint gives again is replaced"
    );
}

#[test]
fn arguments_that_do_not_parse_are_told_and_the_good_call_beside_them_is_kept() {
    let call = |index: u32, arguments: &str| json!({ "index": index, "id": format!("c{index}"), "function": { "name": "note", "arguments": arguments } });
    let reply = stream()
        .send(delta(&json!({ "tool_calls": [call(0, "{\"text\": \"cut"), call(1, "{\"text\": \"whole\"}")] })))
        .send(delta(&json!({ "tool_calls": [call(2, "[1]"), call(3, "")] })))
        .send(end("tool_calls"));
    let server = Server::in_turn(vec![reply]);
    let generation = generate(&model(&server), &prompt_with_tools(ToolChoice::Auto)).0.expect("an answer");
    let good: Vec<_> = generation.tool_calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(good, ["c1", "c3"], "no arguments at all are an empty object");
    let bad: Vec<_> = generation.malformed_calls.iter().map(|call| call.arguments.as_str()).collect();
    assert_eq!(bad, ["{\"text\": \"cut", "[1]"]);
    assert!(generation.malformed_calls.iter().all(|call| !call.error.is_empty() && call.name == "note"));
}

#[test]
fn an_answer_that_is_not_streamed_is_read_too() {
    let message = json!({ "role": "assistant", "content": "Hi", "tool_calls": [
        { "id": "x", "type": "function", "function": { "name": "note", "arguments": "{\"text\": \"a\"}" } }] });
    let reply = json_reply(
        200,
        &json!({ "choices": [{ "index": 0, "message": message, "finish_reason": "length" }],
            "usage": { "prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": { "cached_tokens": 4 } } }),
    );
    let generation = outcome(reply).0.expect("an answer");
    assert_eq!((generation.text.as_str(), generation.tool_calls.len()), ("Hi", 1));
    assert_eq!(generation.finish, Finish::Length);
    assert_eq!(generation.usage.cached_tokens, 4);
}

#[test]
fn an_endpoint_without_tools_is_told_of_them_in_words_and_remembered() {
    let server = Server::start(|request| {
        let body = body(request);
        if body.get("tools").is_some() {
            return refuses(400, "registry.ollama.ai/library/tiny does not support tools");
        }
        let system = body["messages"][0]["content"].as_str().unwrap_or_default();
        assert!(system.contains("search") && system.contains("Does something."), "{system}");
        stream()
            .send(text("Noted. ```json\n{\"name\": \"note\", "))
            .send(text("\"arguments\": {\"text\": \"a\"}}\n```"))
            .send(end("stop"))
    });
    let model = model(&server);
    let (result, told) = generate(&model, &prompt_with_tools(ToolChoice::Required));
    let generation = result.expect("an answer");
    assert_eq!(generation.tool_calls[0].arguments, json!({ "text": "a" }));
    assert_eq!(generation.text, "Noted. ");
    assert_eq!(shown(&told), "Noted. ", "the call is not shown as text");
    assert_eq!(completions(&server), 2);
    generate(&model, &prompt_with_tools(ToolChoice::Auto)).0.expect("an answer");
    assert_eq!(completions(&server), 3, "what was learned is not asked again");
}

#[test]
fn a_call_that_a_model_writes_into_its_text_is_a_call() {
    let reply = stream().send(text("{\"name\": \"no")).send(text("te\", \"arguments\": {}}")).send(end("stop"));
    let server = Server::in_turn(vec![reply]);
    let (result, told) = generate(&model(&server), &prompt_with_tools(ToolChoice::Required));
    assert_eq!(result.expect("an answer").tool_calls[0].name, "note");
    assert_eq!(shown(&told), "");
}

#[test]
fn an_endpoint_that_wants_other_words_gets_them() {
    let server = Server::start(|request| {
        let body = body(request);
        if body.get("max_tokens").is_some() {
            return refuses(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.");
        }
        if body.get("temperature").is_some() {
            return refuses(400, "Unsupported value: 'temperature' does not support 0.7");
        }
        says("Hi")
    });
    assert_eq!(generate(&model(&server), &prompt()).0.expect("an answer").text, "Hi");
    assert_eq!(completions(&server), 3);
}

#[test]
fn refusals_that_may_pass_are_waited_out() {
    let slow_down = || Reply::whole(429, &[("Retry-After", "0.05")], "{\"error\": \"slow down\"}");
    for replies in [vec![slow_down(), says("Hi")], vec![refuses(500, "oops"), refuses(503, "loading"), says("Hi")]] {
        let asked = replies.len();
        let server = Server::in_turn(replies);
        assert_eq!(generate(&model(&server), &prompt()).0.expect("an answer").text, "Hi");
        assert_eq!(completions(&server), asked);
    }
}

#[test]
fn refusals_that_do_not_pass_are_given_up_in_time() {
    let (result, asked) = outcome(refuses(500, "out of memory"));
    assert!(matches!(&result, Err(ModelError::Unreachable { message, .. }) if message.contains("out of memory")));
    assert_eq!(asked, 4, "the first try and three more");
    let started = Instant::now();
    let (result, asked) = outcome(Reply::whole(429, &[("Retry-After", "3600")], ""));
    assert!(matches!(result, Err(ModelError::Unreachable { .. })));
    assert_eq!(asked, 1);
    assert!(started.elapsed() < Duration::from_secs(5), "an hour is not waited");
}

#[test]
fn a_bad_key_or_model_is_refused_once_and_the_key_is_not_repeated() {
    let (result, asked) = outcome(refuses(401, "Incorrect API key provided: sk-secret-key."));
    let error = result.expect_err("refused");
    assert!(matches!(error, ModelError::Refused { status: 401, .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("sk-secret-key"));
    assert_eq!(asked, 1);
    let (result, asked) = outcome(refuses(404, "model \"tiny\" not found, try pulling it first"));
    assert!(matches!(result, Err(ModelError::Refused { status: 404, .. })));
    assert_eq!(asked, 1);
}

#[test]
fn a_message_is_never_sent_twice_once_it_may_have_been_taken() {
    let chunk = |data: &str| format!("{:x}\r\n{data}\r\n", data.len());
    for (what, reply) in [
        ("hung up before an answer", Reply::hang_up()),
        ("half a head", Reply(Vec::new()).send("HTTP/1.1 200 O")),
        ("silent", Reply(Vec::new()).wait(LONG)),
        ("a head and nothing more", stream().wait(LONG)),
        ("stops in the middle", stream().send(text("Hel"))),
        ("stalls in the middle", stream().send(text("Hel")).wait(LONG)),
        (
            "cut inside a chunk",
            Reply::head(200, &[("Transfer-Encoding", "chunked")]).send(chunk(&text("Hel"))).send("ff\r\nda"),
        ),
        (
            "an error in the stream",
            stream().send(text("Hel")).send(event(&json!({ "error": { "message": "crashed" } }))),
        ),
        ("a gateway's timeout", Reply::whole(504, &[], "upstream timed out")),
        ("a web page", Reply::whole(200, &[("Content-Type", "text/html")], "<!doctype html><h1>Log in</h1>")),
        ("JSON of another kind", json_reply(200, &json!([1, 2]))),
        ("half JSON", Reply::whole(200, &[], "{\"choices\": [")),
        ("half JSON in an event", stream().send("data: {\"choices\": [\n\n")),
        ("nothing", stream()),
        ("an empty answer", stream().send(end("stop"))),
        ("a redirect", Reply::whole(307, &[("Location", "http://192.0.2.1/v1/chat/completions")], "")),
    ] {
        let started = Instant::now();
        let (result, asked) = outcome(reply);
        let error = result.expect_err(what);
        assert!(
            matches!(error, ModelError::Unreachable { .. } | ModelError::Protocol { .. } | ModelError::Refused { .. }),
            "{what}: {error:?}"
        );
        assert_eq!(asked, 1, "{what}: asked again after {error}");
        assert!(started.elapsed() < Duration::from_secs(5), "{what} took {:?}", started.elapsed());
    }
}

#[test]
fn what_went_wrong_is_said_in_words_that_help() {
    for (reply, words) in [
        (Reply::whole(200, &[], "<html></html>"), "check the base URL"),
        (stream().send(text("Hel")), "stopped in the middle"),
        (stream().send(end("content_filter")), "content filter"),
        (stream().send(end("stop")), "empty"),
        (stream().send(event(&json!({ "error": "crashed" }))), "crashed"),
        (Reply::whole(308, &[("Location", "https://example.com/v1")], ""), "https://example.com/v1"),
    ] {
        let error = outcome(reply).0.expect_err(words).to_string();
        assert!(error.contains(words) && error.contains("127.0.0.1"), "{error}");
    }
}

#[test]
fn a_stream_without_its_last_line_is_whole_if_it_said_why_it_ended() {
    let last = event(&json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] }));
    let reply = stream().send(text("Hi")).send(last.trim_end());
    assert_eq!(outcome(reply).0.expect("an answer").text, "Hi");
}

#[test]
fn a_port_where_nobody_listens_is_tried_again_and_then_said() {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let model = model_at(&format!("http://127.0.0.1:{port}"), Network::new(true));
    let error = generate(&model, &prompt()).0.expect_err("nobody is there");
    assert!(matches!(&error, ModelError::Unreachable { host, .. } if host.ends_with(&port.to_string())), "{error}");
}

#[test]
fn cancel_works_in_every_phase() {
    for (phase, reply) in [
        ("before the head", Reply(Vec::new()).wait(LONG)),
        ("before the first byte", stream().wait(LONG)),
        ("in the answer", stream().send(text("Hel")).wait(LONG)),
        ("between tries", Reply::whole(503, &[("Retry-After", "2")], "")),
    ] {
        let server = Server::in_turn(vec![reply]);
        let model = model(&server);
        let cancel = Cancel::default();
        let remote = cancel.clone();
        let canceller = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            remote.cancel();
            Instant::now()
        });
        let mut told = Vec::new();
        let result = model.generate(&prompt(), &GenerateOptions::default(), &cancel, &mut |p| told.push(p));
        let late = canceller.join().expect("it only sleeps").elapsed();
        let generation = result.unwrap_or_else(|error| panic!("{phase}: {error}"));
        assert_eq!(generation.finish, Finish::Cancelled, "{phase}");
        assert_eq!(generation.text, shown(&told), "{phase}: the text so far is returned");
        assert!(late < Duration::from_millis(300), "{phase}: {late:?} late");
        assert_eq!(completions(&server), 1, "{phase}");
    }
}

#[test]
fn offline_a_remote_host_is_not_contacted_and_this_computer_is() {
    let network = Network::new(true);
    let error = generate(&model_at("https://api.example.com", network.clone()), &prompt()).0.expect_err("offline");
    assert!(matches!(error, ModelError::Offline { host } if host == "api.example.com"));
    // A documentation address: were it contacted, the error would be another and would take its time.
    let error = generate(&model_at("http://192.0.2.7:11434", network.clone()), &prompt()).0.expect_err("offline");
    assert!(matches!(error, ModelError::Offline { host } if host == "192.0.2.7:11434"));
    let server = Server::in_turn(vec![says("Hi")]);
    let local = model_at(&format!("http://localhost:{}/v1/", server.port()), network);
    assert_eq!(generate(&local, &prompt()).0.expect("an answer").text, "Hi");
}

#[test]
fn going_offline_does_not_break_an_answer_of_this_computer() {
    let network = Network::new(false);
    let server = Server::in_turn(vec![
        stream().send(text("Hel")).wait(Duration::from_millis(200)).send(text("lo")).send(end("stop")),
    ]);
    let model = model_at(&server.url(), network.clone());
    let switch = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        network.set_offline(true);
    });
    assert_eq!(generate(&model, &prompt()).0.expect("this computer is never offline to itself").text, "Hello");
    switch.join().expect("it only sleeps");
}

#[test]
fn a_prompt_that_is_too_long_is_told_as_such() {
    let server = Server::in_turn(vec![refuses(400, "This model's maximum context length is 4096 tokens.")]);
    let model = model(&server);
    let error = generate(&model, &prompt()).0.expect_err("too long");
    assert!(matches!(error, ModelError::PromptTooLong { .. }), "{error}");
    let long = Prompt { system: "word ".repeat(20_000), ..prompt() };
    assert!(matches!(generate(&model, &long).0, Err(ModelError::PromptTooLong { .. })));
    assert_eq!(completions(&server), 1, "a prompt that is surely too long is not sent");
}

#[test]
fn estimates_learn_from_what_the_endpoint_counts() {
    let usage = event(&json!({ "choices": [], "usage": { "prompt_tokens": 900, "completion_tokens": 1 } }));
    let finish = event(&json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] }));
    let server = Server::in_turn(vec![stream().send(text("Hi")).send(finish).send(usage).send("data: [DONE]\n\n")]);
    let model = model(&server);
    let long = Prompt { system: "some words ".repeat(200), ..prompt() };
    let before = model.count_prompt_tokens(&long);
    generate(&model, &long).0.expect("an answer");
    let after = model.count_prompt_tokens(&long);
    assert!(before < after && (890..=910).contains(&after), "{before} then {after}");
}

#[test]
fn a_key_is_asked_for_at_each_request() {
    let server = Server::in_turn(vec![says("Hi")]);
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let endpoint = RemoteEndpoint {
        id: "here".into(),
        base_url: server.url(),
        api_key: KeySource::new(move || (counter.fetch_add(1, Ordering::SeqCst) > 0).then(|| "later".into())),
    };
    let model = RemoteLanguageModel::new(Network::new(true), endpoint, "tiny", RemoteModelOptions::default());
    let model = model.expect("an endpoint");
    generate(&model, &prompt()).0.expect("an answer");
    generate(&model, &prompt()).0.expect("an answer");
    let keys: Vec<_> =
        server.requests().iter().map(|request| request.header("authorization").map(str::to_owned)).collect();
    assert_eq!(keys, [None, Some("Bearer later".into())]);
}

#[test]
fn a_call_in_one_piece_is_read() {
    let server = Server::in_turn(vec![calls("note", &json!({ "text": "a" }))]);
    let generation = generate(&model(&server), &prompt_with_tools(ToolChoice::Required)).0.expect("an answer");
    assert_eq!(generation.tool_calls[0].name, "note");
}
