//! An HTTP/1.1 server on loopback that does exactly what a test tells it, byte by byte: wait, send half a head, hang up
//! in the middle of a chunk. It counts what it is asked, so that "asked once" can be checked.
//!
//! Plain threads and sockets, since a real HTTP library would refuse to misbehave. One request a connection.

#![allow(dead_code, reason = "every test file compiles this module and uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One thing that the server does.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Waits, or until the client has gone.
    Wait(Duration),
}

/// What the server does after a request; then it hangs up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply(pub(crate) Vec<Act>);

impl Reply {
    /// Hangs up without a word.
    pub(crate) fn hang_up() -> Self {
        Self::default()
    }

    /// A head without a length: the body ends where the connection does.
    pub(crate) fn head(status: u16, headers: &[(&str, &str)]) -> Self {
        let mut text = format!("HTTP/1.1 {status} Because\r\nConnection: close\r\n");
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        Self(vec![Act::Send(text.into_bytes())])
    }

    /// A whole answer.
    pub(crate) fn whole(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let length = body.as_ref().len().to_string();
        let headers = [headers, &[("Content-Length", length.as_str())]].concat();
        Self::head(status, &headers).send(body)
    }

    /// Sends bytes.
    #[must_use]
    pub(crate) fn send(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push(Act::Send(bytes.as_ref().to_vec()));
        self
    }

    /// Waits.
    #[must_use]
    pub(crate) fn wait(mut self, duration: Duration) -> Self {
        self.0.push(Act::Wait(duration));
        self
    }

    /// Sends bytes one at a time, so that every character and line is split.
    #[must_use]
    pub(crate) fn trickle(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend(bytes.as_ref().iter().map(|byte| Act::Send(vec![*byte])));
        self
    }
}

/// A running server; it ends when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// A server that answers with what `handler` says.
    pub(crate) fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (handler, log, stopped) = (Arc::new(handler), Arc::clone(&requests), Arc::clone(&stop));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (handler, log, stopped) = (Arc::clone(&handler), Arc::clone(&log), Arc::clone(&stopped));
                std::thread::spawn(move || {
                    let Some(request) = read_request(&stream) else { return };
                    log.lock().expect("no test panics with the log").push(request.clone());
                    perform(&stream, handler(&request), &stopped);
                });
            }
        });
        Self { address, requests, stop }
    }

    /// A server that gives these answers in turn, and the last one again and again.
    pub(crate) fn in_turn(replies: Vec<Reply>) -> Self {
        let at = Mutex::new(0_usize);
        Self::start(move |_| {
            let mut at = at.lock().expect("no handler panics");
            let reply = replies[(*at).min(replies.len() - 1)].clone();
            *at += 1;
            reply
        })
    }

    /// `http://127.0.0.1:port`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Everything it was asked.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no handler panics").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        let _ = TcpStream::connect(self.address);
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let mut request =
        Request { method: words.next()?.to_owned(), path: words.next()?.to_owned(), ..Request::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

fn perform(mut stream: &TcpStream, reply: Reply, stop: &AtomicBool) {
    let _ = stream.set_nodelay(true);
    for act in reply.0 {
        match act {
            Act::Send(bytes) => {
                if stream.write_all(&bytes).is_err() {
                    return;
                }
            }
            Act::Wait(duration) => {
                let end = Instant::now() + duration;
                while Instant::now() < end && !stop.load(Ordering::SeqCst) && !is_gone(stream) {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }
    let _ = stream.shutdown(std::net::Shutdown::Write);
}

fn is_gone(stream: &TcpStream) -> bool {
    let _ = stream.set_nonblocking(true);
    let gone = matches!(stream.peek(&mut [0]), Ok(0));
    let _ = stream.set_nonblocking(false);
    gone
}
