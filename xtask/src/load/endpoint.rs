//! An OpenAI-compatible endpoint that answers what it is told by the number of the turn, after a fixed time, in the
//! pieces in which models answer: a word at a time. It notes how long each turn was in its hands.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{Head, buffered};

/// The name of its model.
pub(crate) const MODEL: &str = "script-1";

/// A message with this in it is answered with [`SLOW_ANSWER`], a word a second.
pub(crate) const SLOWLY: &str = "slowly";

/// What is said slowly.
pub(crate) const SLOW_ANSWER: &str = "one two three four five six";

/// The endpoint, which listens until the program ends.
pub(crate) struct Endpoint {
    pub(crate) base_url: String,
    shared: Arc<Shared>,
}

struct Shared {
    latency: Duration,
    /// How long each text was in its hands.
    took: Mutex<HashMap<String, Duration>>,
}

impl Endpoint {
    /// Starts one that thinks for `latency` about every answer.
    pub(crate) fn start(latency: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let shared = Arc::new(Shared { latency, took: Mutex::default() });
        let serving = shared.clone();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = serving.clone();
                // A connection that breaks is what the server did; its turn says so.
                thread::spawn(move || buffered(connection).and_then(|connection| shared.serve(connection)));
            }
        });
        Ok(Self { base_url, shared })
    }

    /// How long each text was in its hands.
    pub(crate) fn took(&self) -> HashMap<String, Duration> {
        self.shared.took.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn serve(&self, mut connection: BufReader<TcpStream>) -> io::Result<()> {
        loop {
            let Some(head) = Head::read(&mut connection)? else { return Ok(()) };
            let began = Instant::now();
            let body = head.body(&mut connection)?;
            if head.first.starts_with("GET") {
                let models = json!({ "object": "list", "data": [{ "id": MODEL, "max_model_len": 16384 }] }).to_string();
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
                write!(connection.get_mut(), "{head} {}\r\n\r\n{models}", models.len())?;
                continue;
            }
            let said = last_of_user(&body)?;
            thread::sleep(self.latency);
            self.answer(connection.get_mut(), &said, began)?;
        }
    }

    fn answer(&self, connection: &mut TcpStream, said: &str, began: Instant) -> io::Result<()> {
        let (answer, pause) = match said.contains(SLOWLY) {
            true => (SLOW_ANSWER.to_owned(), Duration::from_secs(1)),
            false => (format!("You said: {said}"), Duration::ZERO),
        };
        connection
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")?;
        send(connection, &event(&json!({ "role": "assistant", "content": "" }), None))?;
        for word in answer.split_inclusive(' ') {
            send(connection, &event(&json!({ "content": word }), None))?;
            thread::sleep(pause);
        }
        send(connection, &event(&json!({}), Some("stop")))?;
        let usage = json!({ "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110 });
        send(connection, &json!({ "id": "chatcmpl-1", "model": MODEL, "choices": [], "usage": usage }).to_string())?;
        self.took.lock().unwrap_or_else(PoisonError::into_inner).insert(said.to_owned(), began.elapsed());
        // The end of the body comes with its last piece, so that the client can keep the connection.
        let done = "data: [DONE]\n\n";
        write!(connection, "{:x}\r\n{done}\r\n0\r\n\r\n", done.len())
    }
}

fn event(delta: &Value, finish: Option<&str>) -> String {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
    json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": MODEL, "choices": [choice] }).to_string()
}

fn send(connection: &mut TcpStream, event: &str) -> io::Result<()> {
    let piece = format!("data: {event}\n\n");
    connection.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes())
}

/// What of a request matters.
#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    messages: Vec<Said<'a>>,
}

#[derive(Deserialize)]
struct Said<'a> {
    role: &'a str,
    #[serde(borrow, default)]
    content: Option<Cow<'a, str>>,
}

/// What agents of the older kind are told: the words within an event.
#[derive(Deserialize)]
struct Packed {
    message: String,
}

/// What the user said last.
fn last_of_user(body: &[u8]) -> io::Result<String> {
    let Asked { messages } = serde_json::from_slice(body)?;
    let last = messages.iter().rev().find(|message| message.role == "user");
    let content = last.and_then(|message| message.content.as_deref()).unwrap_or_default();
    // What Resident itself tells the agent comes after it, as an event.
    let said = content.split("\n\n{\"type\":\"system_alert\"").next().unwrap_or(content);
    let packed = serde_json::from_str::<Packed>(said).map(|packed| packed.message);
    let said = packed.unwrap_or_else(|_| said.to_owned());
    Ok(said.lines().last().unwrap_or_default().to_owned())
}
