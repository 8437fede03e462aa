//! An HTTP server on loopback that answers as a test tells it, well or badly, and keeps what it was asked.
//!
//! Plain threads and sockets, since a real HTTP library would refuse to misbehave. One request a connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// In lower case.
    pub(crate) head: String,
    /// As JSON; null where there is none.
    pub(crate) body: Value,
}

impl Request {
    /// The method of the protocol.
    pub(crate) fn method(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }
}

/// A server.
pub(crate) struct Raw {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Raw {
    /// A server that writes what `answer` gives, and hangs up.
    pub(crate) fn start(answer: impl Fn(&Request, &mut dyn Write) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
                std::thread::spawn(move || {
                    if let Some(request) = read(&stream) {
                        kept.lock().expect("nobody panics with it").push(request.clone());
                        answer(&request, &mut &stream);
                    }
                });
            }
        });
        Self { address, asked }
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Request> {
        self.asked.lock().expect("nobody panics with it").clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// A whole answer.
pub(crate) fn whole(out: &mut dyn Write, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let _ = write!(out, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
}

/// Answers the handshake as a server does. `false` for anything else.
pub(crate) fn handshake(request: &Request, out: &mut dyn Write) -> bool {
    match request.method() {
        "initialize" => {
            let result = json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "raw", "version": "1"},
            });
            let body = json!({"jsonrpc": "2.0", "id": request.body["id"], "result": result}).to_string();
            whole(out, "200 OK", "Content-Type: application/json\r\n", &body);
        }
        "notifications/initialized" | "notifications/cancelled" => whole(out, "202 Accepted", "", ""),
        _ => return false,
    }
    true
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head: head.to_ascii_lowercase(), body: serde_json::from_slice(&body).unwrap_or_default() })
}
