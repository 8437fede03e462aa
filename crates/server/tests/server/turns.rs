//! Turns that clients ask for.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::Served;
use super::endpoint::server::Server;
use super::endpoint::{completions, end, refuses, says, stream, text};

fn hello(agent: &str) -> (String, Value) {
    (format!("/v1/agents/{agent}/messages"), json!({ "messages": [{ "role": "user", "content": "Hello" }] }))
}

fn spoken(answer: &Value) -> Vec<&str> {
    let messages = answer["messages"].as_array().expect("an answer has messages").iter();
    messages
        .filter(|message| message["message_type"] == "assistant_message")
        .filter_map(|m| m["content"].as_str())
        .collect()
}

#[test]
fn a_message_is_answered_and_both_are_listed() {
    let endpoint = Server::start(|_| says("Hello, Nick."));
    let served = Served::with_model_at(&endpoint);
    let agent = served.agent();
    let (path, body) = hello(&agent);
    let (status, answer) = served.ask("POST", &path, Some(&body));
    assert_eq!(status, 200, "{answer}");
    assert_eq!(spoken(&answer), ["Hello, Nick."]);
    assert_eq!(answer["stop_reason"]["stop_reason"], "end_turn");
    assert_eq!(answer["usage"]["step_count"], 1);
    assert_eq!(served.said_to(&agent), ["Hello"]);
}

#[test]
fn a_slow_answer_begins_at_once_and_is_whole_at_its_end() {
    let endpoint =
        Server::start(|_| stream().wait(Duration::from_millis(1500)).send(text("At last.")).send(end("stop")));
    let served = Served::with_model_at(&endpoint);
    let (path, body) = hello(&served.agent());
    let answer = served.text("POST", &path, Some(&body), &[]);
    assert!(answer.contains("1\r\n \r\n"), "white space was sent while there was nothing to say: {answer}");
    let (status, answer) = (200, served.ask("GET", &path, None).1);
    assert_eq!(status, 200);
    assert!(answer.to_string().contains("At last."));
}

#[test]
fn a_retry_joins_the_turn_that_runs_and_gets_its_answer() {
    let endpoint = Server::start(|_| stream().wait(Duration::from_millis(1200)).send(text("Once.")).send(end("stop")));
    let served = Served::with_model_at(&endpoint);
    let agent = served.agent();
    let (path, body) = hello(&agent);
    thread::scope(|scope| {
        let first = scope.spawn(|| served.ask_with("POST", &path, Some(&body), &[("x-stainless-retry-count", "0")]));
        thread::sleep(Duration::from_millis(500));
        let retry = served.ask_with("POST", &path, Some(&body), &[("x-stainless-retry-count", "1")]);
        let first = first.join().expect("the first request ends");
        assert_eq!(spoken(&first.1), ["Once."]);
        assert_eq!(spoken(&retry.1), ["Once."]);
    });
    assert_eq!(served.said_to(&agent), ["Hello"], "it was said once");
    assert_eq!(completions(&endpoint), 1, "and answered once");
    let again = served.ask_with("POST", &path, Some(&body), &[("x-stainless-retry-count", "0")]);
    assert_eq!(spoken(&again.1), ["Once."]);
    assert_eq!(served.said_to(&agent).len(), 2, "the same words said anew are another message");
}

#[test]
fn turns_of_one_agent_wait_for_each_other() {
    let endpoint = Server::start(|_| stream().wait(Duration::from_millis(150)).send(text("Yes.")).send(end("stop")));
    let served = Served::with_model_at(&endpoint);
    let agent = served.agent();
    let path = format!("/v1/agents/{agent}/messages");
    thread::scope(|scope| {
        for number in 0..5 {
            let (path, served) = (&path, &served);
            scope.spawn(move || {
                let body = json!({ "messages": [{ "role": "user", "content": format!("Message {number}") }] });
                let (status, answer) = served.ask("POST", path, Some(&body));
                assert_eq!((status, spoken(&answer)), (200, vec!["Yes."]), "{answer}");
            });
        }
    });
    let mut said = served.said_to(&agent);
    said.sort();
    assert_eq!(said, (0..5).map(|number| format!("Message {number}")).collect::<Vec<_>>());
}

#[test]
fn a_stream_has_its_parts_in_order() {
    let endpoint = Server::start(|_| stream().send(text("Hello, ")).send(text("Nick.")).send(end("stop")));
    let served = Served::with_model_at(&endpoint);
    let agent = served.agent();
    for (tokens, pieces) in [(false, 1), (true, 2)] {
        let body =
            json!({ "messages": [{ "role": "user", "content": "Hello" }], "streaming": true, "stream_tokens": tokens });
        let answer = served.text("POST", &format!("/v1/agents/{agent}/messages"), Some(&body), &[]);
        let frames: Vec<Value> = answer
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect();
        let kinds: Vec<&str> = frames.iter().filter_map(|frame| frame["message_type"].as_str()).collect();
        let mut wanted = vec!["ping"];
        wanted.extend(vec!["assistant_message"; pieces]);
        wanted.extend(["stop_reason", "usage_statistics"]);
        assert_eq!(kinds, wanted, "{answer}");
        assert!(answer.contains("data: [DONE]"));
        let words: String = frames.iter().filter_map(|frame| frame["content"].as_str()).collect();
        assert_eq!(words, "Hello, Nick.");
        let ids: Vec<&str> =
            frames.iter().filter(|f| f["content"].is_string()).filter_map(|f| f["id"].as_str()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "pieces of one message have its id");
        let (_, listed) = served.ask("GET", &format!("/v1/agents/{agent}/messages"), None);
        assert_eq!(
            listed.as_array().and_then(|all| all.last()).map(|last| last["id"].as_str()),
            Some(ids.last().copied())
        );
    }
}

#[test]
fn a_model_that_fails_ends_the_turn_with_an_error_and_the_agent_goes_on() {
    let endpoint = Server::start(|request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        if body.contains("Again") { says("Here I am.") } else { refuses(400, "no such model") }
    });
    let served = Served::with_model_at(&endpoint);
    let agent = served.agent();
    let (path, body) = hello(&agent);
    let (status, answer) = served.ask("POST", &path, Some(&body));
    assert_eq!((status, &answer["stop_reason"]["stop_reason"]), (200, &json!("llm_api_error")), "{answer}");
    let streamed = served.text("POST", &format!("{path}/stream"), Some(&body), &[]);
    assert!(streamed.contains("event: error") && streamed.contains("error_message"), "{streamed}");
    let (_, answer) = served.ask("POST", &path, Some(&json!({ "input": "Again" })));
    assert_eq!(spoken(&answer), ["Here I am."]);
}

#[test]
fn a_client_that_goes_away_loses_nothing() {
    let endpoint =
        Server::start(|_| stream().wait(Duration::from_millis(600)).send(text("Still here.")).send(end("stop")));
    let served = Served::with_model_at(&endpoint);
    let agent = served.agent();
    let (path, body) = hello(&agent);
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        served.address(),
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(served.address()).expect("the server listens");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("the request is sent");
    thread::sleep(Duration::from_millis(200));
    drop(stream);
    let deadline = std::time::Instant::now() + super::PATIENCE;
    while !served.ask("GET", &path, None).1.to_string().contains("Still here.") {
        assert!(std::time::Instant::now() < deadline, "the turn went on without its client");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn two_hundred_streams_are_open_at_once() {
    let endpoint = Server::start(|_| stream().wait(Duration::from_millis(900)).send(text("Done.")).send(end("stop")));
    let served = Served::with_model_at(&endpoint);
    let agent = served.agent();
    let body = json!({ "messages": [{ "role": "user", "content": "Hello", "otid": "one" }], "streaming": true });
    let path = format!("/v1/agents/{agent}/messages");
    thread::scope(|scope| {
        let streams: Vec<_> = (0..200)
            .map(|_| scope.spawn(|| served.text("POST", &path, Some(&body), &[]).contains("data: [DONE]")))
            .collect();
        assert!(streams.into_iter().all(|stream| stream.join().expect("a stream ends")));
    });
    assert_eq!(served.said_to(&agent), ["Hello"], "all of them were the same request");
}
