//! A server as it is set up: its name, and where it is.
//!
//! Addresses carry secrets: headers, the environment of a program, now and then a query in a URL or an argument. They
//! are given with each operation and shown by nothing here: `Debug` has names and no values, and
//! [`Server::without_secrets`] blacks values out of what a server says.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::McpError;

/// A value shorter than this is no secret, and blacking it out would make holes in honest words.
const SHORTEST_SECRET: usize = 6;

/// Headers that belong to the protocol or to HTTP itself.
const RESERVED: [&str; 9] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
    "transfer-encoding",
];

/// A server that was set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its id: connections are kept under it.
    pub id: String,
    /// Its name, as people know it; errors name it.
    pub name: String,
    /// Where it is. When this changes, the next operation connects anew.
    pub address: ServerAddress,
}

/// Where a server is.
#[derive(Clone, PartialEq, Eq)]
pub enum ServerAddress {
    /// A program on this computer, which is started.
    Stdio {
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Its environment, besides the few variables that every program needs; nothing else of ours is handed on.
        env: BTreeMap<String, String>,
    },
    /// A server over streamable HTTP.
    StreamableHttp {
        /// Its address.
        url: String,
        /// Headers that go with every request, `Authorization` among them.
        headers: Vec<(String, String)>,
    },
    /// A server over the older HTTP+SSE transport: known, so that it can be refused in words.
    LegacySse {
        /// Its address.
        url: String,
    },
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdio { command, args, env } => f
                .debug_struct("Stdio")
                .field("command", command)
                .field("args", &args.len())
                .field("env", &env.keys().collect::<Vec<_>>())
                .finish(),
            Self::StreamableHttp { url, headers } => f
                .debug_struct("StreamableHttp")
                .field("url", &host_and_path(url))
                .field("headers", &headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
                .finish(),
            Self::LegacySse { url } => f.debug_struct("LegacySse").field("url", &host_and_path(url)).finish(),
        }
    }
}

impl Server {
    /// The URL of a server over HTTP.
    ///
    /// # Errors
    /// [`McpError::Address`] when it is none.
    pub(crate) fn url(&self, text: &str) -> Result<Url, McpError> {
        let refuse = |message: &str| McpError::Address { server: self.name.clone(), message: message.to_owned() };
        let url = Url::parse(text.trim()).map_err(|_| refuse("it is not a web address"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(refuse("it is not an http or https address"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it has a name or a password in it; use a header instead"));
        }
        Ok(url)
    }

    /// The headers of a server over HTTP, marked so that nobody prints their values.
    ///
    /// # Errors
    /// [`McpError::Header`] when one cannot be sent or belongs to the protocol.
    pub(crate) fn headers(&self, headers: &[(String, String)]) -> Result<HeaderMap, McpError> {
        let refuse = |header: &str| McpError::Header { server: self.name.clone(), header: header.to_owned() };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let header = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| refuse(name))?;
            if RESERVED.contains(&header.as_str()) {
                return Err(refuse(name));
            }
            let mut value = HeaderValue::from_str(value.trim()).map_err(|_| refuse(name))?;
            value.set_sensitive(true);
            map.insert(header, value);
        }
        Ok(map)
    }

    /// `text` with every value that may be secret blacked out.
    pub(crate) fn without_secrets(&self, text: &str) -> String {
        let values: Vec<&str> = match &self.address {
            ServerAddress::Stdio { env, .. } => env.values().map(String::as_str).collect(),
            ServerAddress::StreamableHttp { headers, .. } => {
                // `Bearer token` is repeated without its first word as well.
                headers.iter().flat_map(|(_, value)| [value.as_str(), value.rsplit(' ').next().unwrap_or("")]).collect()
            }
            ServerAddress::LegacySse { .. } => Vec::new(),
        };
        let mut values: Vec<&str> = values.into_iter().filter(|value| value.len() >= SHORTEST_SECRET).collect();
        // The longest first: a part of a secret must not hide the rest of it from the search.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.iter().fold(text.to_owned(), |text, value| text.replace(value, "…"))
    }
}

/// A URL without its query, which may hold a key.
fn host_and_path(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) => format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path()),
        Err(_) => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(url: &str, headers: &[(&str, &str)]) -> Server {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let address = ServerAddress::StreamableHttp { url: url.to_owned(), headers };
        Server { id: "1".to_owned(), name: "notes".to_owned(), address }
    }

    #[test]
    fn nothing_prints_a_secret() {
        let env = BTreeMap::from([("TOKEN".to_owned(), "hunter2hunter2".to_owned())]);
        let stdio =
            ServerAddress::Stdio { command: "notes".to_owned(), args: vec!["--key=hunter2hunter2".to_owned()], env };
        let http = http("https://notes.example/mcp?key=hunter2hunter2", &[("Authorization", "Bearer hunter2hunter2")]);
        for shown in [format!("{stdio:?}"), format!("{http:?}")] {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        let ServerAddress::StreamableHttp { headers, .. } = &http.address else { unreachable!("it was made above") };
        let map = http.headers(headers).expect("the header can be sent");
        assert!(!format!("{map:?}").contains("hunter2"));
        assert_eq!(http.without_secrets("bad token hunter2hunter2; got Bearer hunter2hunter2"), "bad token …; got …");
    }

    #[test]
    fn headers_of_the_protocol_and_broken_ones_are_refused() {
        for (name, value) in
            [("Mcp-Session-Id", "1"), ("Host", "a"), ("a b", "1"), ("X-Key", "a\r\nEvil: 1"), ("X", "\u{1}")]
        {
            let server = http("https://notes.example/mcp", &[]);
            let refused = server.headers(&[(name.to_owned(), value.to_owned())]);
            assert!(matches!(refused, Err(McpError::Header { .. })), "{name}: {value}");
        }
    }

    #[test]
    fn only_web_addresses_without_passwords_are_taken() {
        let server = http("", &[]);
        assert!(server.url(" https://notes.example/mcp ").is_ok());
        for text in ["", "notes", "file:///etc/passwd", "ftp://notes.example/", "https://me:secret@notes.example/mcp"] {
            let refused = server.url(text).expect_err(text);
            assert!(!refused.to_string().contains("secret"), "{refused}");
        }
    }
}
