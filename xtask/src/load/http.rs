//! As much of HTTP/1.1 as a load needs: a connection that is kept, with requests and answers in JSON. A client or server
//! of a library would work as well and would take more of the computer, which the server under load needs.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body, where it is JSON and the server did what it was asked.
    pub(crate) fn json(&self) -> io::Result<Value> {
        if self.status != 200 {
            let said = String::from_utf8_lossy(&self.body);
            return Err(io::Error::other(format!("status {}: {said:.300}", self.status)));
        }
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// A connection to a server, made at the first request and kept.
pub(crate) struct Client {
    address: String,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), connection: None }
    }

    /// What the server answers to a request, with a body or without.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Answer> {
        let answered = self.try_ask(method, path, body);
        if answered.is_err() {
            self.connection = None;
        }
        answered
    }

    /// The JSON that the server answers.
    pub(crate) fn json(&mut self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Value> {
        self.ask(method, path, body)?.json()
    }

    fn try_ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Answer> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(buffered(TcpStream::connect(&self.address)?)?),
        };
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        connection.get_mut().write_all(request.as_bytes())?;
        let head = Head::read(connection)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        Ok(Answer { status, body: head.body(connection)? })
    }
}

/// A connection whose small writes go out at once.
pub(crate) fn buffered(connection: TcpStream) -> io::Result<BufReader<TcpStream>> {
    connection.set_nodelay(true)?;
    Ok(BufReader::with_capacity(32 << 10, connection))
}

/// What stands before a body.
pub(crate) struct Head {
    /// The request line or the status line.
    pub(crate) first: String,
    length: Option<usize>,
    chunked: bool,
}

impl Head {
    /// The next head; `None` where the other side hung up instead.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let first = line(from)?;
        if first.is_empty() {
            return Ok(None);
        }
        let mut head = Self { first, length: None, chunked: false };
        loop {
            let line = line(from)?;
            let Some((name, value)) = line.split_once(':') else { return Ok(Some(head)) };
            match (name.to_ascii_lowercase().as_str(), value.trim()) {
                ("content-length", value) => head.length = value.parse().ok(),
                ("transfer-encoding", value) => head.chunked = value.eq_ignore_ascii_case("chunked"),
                _ => {}
            }
        }
    }

    /// The body that belongs to it.
    pub(crate) fn body(&self, from: &mut impl BufRead) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if !self.chunked {
            take(from, self.length.unwrap_or(0), &mut body)?;
            return Ok(body);
        }
        loop {
            let size = line(from)?;
            let size = usize::from_str_radix(&size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            take(from, size, &mut body)?;
            line(from)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}

fn take(from: &mut impl BufRead, bytes: usize, into: &mut Vec<u8>) -> io::Result<()> {
    let before = into.len();
    from.take(bytes as u64).read_to_end(into)?;
    if into.len() - before == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}
