//! Those who ask: clients that say something to one agent after the other, and readers of streams that are held open.

use std::collections::HashMap;
use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::endpoint::{MODEL, SLOW_ANSWER, SLOWLY};
use crate::server::Server;

/// What a client went through.
#[derive(Default)]
pub(crate) struct Told {
    /// Of each turn the agent, what was said, and how long the client waited.
    pub(crate) turns: Vec<(String, String, Duration)>,
    /// What went wrong.
    pub(crate) errors: Vec<String>,
    /// How long a request without work took between the turns.
    pub(crate) idle: Vec<Duration>,
}

/// Says something to `agents`, one after the other, `turns` times in all, beginning with another one in each client.
pub(crate) fn talk(server: &Server, agents: &[String], turns: usize, number: usize) -> Told {
    let mut client = server.client();
    let mut told = Told::default();
    for turn in 0..turns {
        let began = Instant::now();
        match client.ask("GET", "/v1/health/", None) {
            Ok(_) => told.idle.push(began.elapsed()),
            Err(error) => told.errors.push(format!("health: {error}")),
        }
        let agent = &agents[(number + turn) % agents.len()];
        let text = format!("client {number} turn {turn} to {agent}");
        let began = Instant::now();
        let answer = client.json("POST", &format!("/v1/agents/{agent}/messages"), Some(&json!({ "input": text })));
        let waited = began.elapsed();
        match answer {
            Ok(answer) if texts(&answer["messages"], "assistant_message") == [format!("You said: {text}")] => {
                told.turns.push((agent.clone(), text, waited));
            }
            Ok(answer) => told.errors.push(format!("{text}: {answer:.300}")),
            Err(error) => told.errors.push(format!("{text}: {error}")),
        }
    }
    told
}

/// What is recorded, compared with what was said.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    /// Agents whose answers do not follow what they answer.
    pub(crate) disordered: usize,
}

/// Compares what was said to each agent with what the server lists.
pub(crate) fn check_records(server: &Server, said: &HashMap<&str, Vec<&str>>) -> io::Result<Records> {
    let mut found = Records::default();
    for (agent, said) in said {
        let messages = Value::Array(messages_of(server, agent)?);
        let (asked, answers) = (texts(&messages, "user_message"), texts(&messages, "assistant_message"));
        let distinct = |texts: &[String]| texts.iter().collect::<HashSet<_>>().len();
        let recorded: HashSet<&str> = asked.iter().map(String::as_str).collect();
        found.lost += said.iter().filter(|text| !recorded.contains(*text)).count();
        found.doubled += asked.len() - distinct(&asked) + answers.len() - distinct(&answers);
        let expected: Vec<_> = asked.iter().map(|text| format!("You said: {text}")).collect();
        found.disordered += usize::from(answers != expected);
    }
    Ok(found)
}

fn messages_of(server: &Server, agent: &str) -> io::Result<Vec<Value>> {
    let mut client = server.client();
    let mut messages: Vec<Value> = Vec::new();
    loop {
        let after = messages.last().and_then(|message| message["id"].as_str()).map(|id| format!("&after={id}"));
        let path = format!("/v1/agents/{agent}/messages?order=asc&limit=1000{}", after.unwrap_or_default());
        match client.json("GET", &path, None)? {
            Value::Array(page) if page.is_empty() => return Ok(messages),
            Value::Array(page) => messages.extend(page),
            other => return Err(io::Error::other(format!("not a list: {other:.300}"))),
        }
    }
}

/// How the streams fared.
pub(crate) struct Streams {
    /// Those that came to their end with all that was said.
    pub(crate) whole: usize,
    /// How long a request without work took while they were open.
    pub(crate) health: Vec<Duration>,
    pub(crate) memory_bytes: Option<u64>,
}

/// Holds `count` streams open at once, each for six seconds.
pub(crate) fn hold_streams(server: &Server, count: usize) -> io::Result<Streams> {
    let names = (0..count).map(|number| server.create_agent(&format!("stream {number}"), MODEL));
    let agents: Vec<String> = names.collect::<io::Result<_>>()?;
    thread::scope(|scope| {
        let readers: Vec<_> = agents.iter().map(|agent| scope.spawn(|| follow(server, agent))).collect();
        thread::sleep(Duration::from_secs(3));
        let mut client = server.client();
        let mut health = Vec::new();
        for _ in 0..20 {
            let began = Instant::now();
            client.ask("GET", "/v1/health/", None)?;
            health.push(began.elapsed());
            thread::sleep(Duration::from_millis(50));
        }
        let memory_bytes = server.memory_bytes();
        let whole = readers.into_iter().filter_map(|reader| reader.join().ok()).filter(|whole| *whole).count();
        Ok(Streams { whole, health, memory_bytes })
    })
}

/// Whether all that is said comes through a stream.
fn follow(server: &Server, agent: &str) -> bool {
    let body = json!({ "input": format!("Count {SLOWLY}."), "streaming": true, "stream_tokens": true });
    let Ok(answer) = server.client().ask("POST", &format!("/v1/agents/{agent}/messages"), Some(&body)) else {
        return false;
    };
    let text = String::from_utf8_lossy(&answer.body);
    let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let pieces = Value::Array(events.filter_map(|event| serde_json::from_str(event).ok()).collect());
    texts(&pieces, "assistant_message").concat() == SLOW_ANSWER
}

/// Notes the server's memory twice a second until `stop`.
pub(crate) fn watch_memory(server: &Server, stop: &AtomicBool) -> Vec<u64> {
    let mut samples = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        samples.extend(server.memory_bytes());
        thread::sleep(Duration::from_millis(500));
    }
    samples
}

fn texts(messages: &Value, kind: &str) -> Vec<String> {
    let messages = messages.as_array().into_iter().flatten().filter(|message| message["message_type"] == kind);
    messages.map(|message| message["content"].as_str().unwrap_or_default().to_owned()).collect()
}
