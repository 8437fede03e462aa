//! One request and its answer: key, retries, timeouts and cancel.
//!
//! What is sent again, and when not, is written at the head of the crate. Cancel is looked at forty times a second in
//! every phase: between tries, before the answer, within it.

use std::fmt::Write;
use std::pin::Pin;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response, Url};
use resident_agent::Cancel;
use resident_library::http::{Network, Redirects, chain, host_of, offline_host};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, Sleep, sleep, timeout_at};

use crate::endpoint::{KeySource, authorization};
use crate::error::RemoteError;

/// How often the cancel flag is looked at while nothing arrives.
const CANCEL_POLL: Duration = Duration::from_millis(25);

/// So much of a refusal is read.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

/// So much of a refusal is told.
const MAX_REFUSAL_CHARS: usize = 400;

/// An answer that is not streamed may have so many bytes; an embedding of 64 texts has about one million.
const MAX_BODY_BYTES: usize = 32 << 20;

/// How patient Resident is with an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// From the request to the first byte of the answer. A local model on a slow computer reads its prompt meanwhile.
    pub first_byte: Duration,
    /// Between two bytes of the answer.
    pub idle: Duration,
    /// Tries after the first one, where trying again is allowed.
    pub retries: u32,
    /// The pause before the second try; doubled for each further one.
    pub pause: Duration,
    /// An endpoint that asks for a longer pause than this is given up.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(600),
            idle: Duration::from_secs(120),
            retries: 3,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
        }
    }
}

/// Who is spoken to, and how.
#[derive(Clone, Copy)]
pub(crate) struct Exchange<'a> {
    pub(crate) network: &'a Network,
    pub(crate) key: &'a KeySource,
    pub(crate) patience: &'a Patience,
    pub(crate) cancel: Option<&'a Cancel>,
}

/// What came back.
pub(crate) enum Reply {
    /// A success, whose body is still to be read.
    Answer(Box<Body>),
    /// A refusal that trying again does not change.
    Refusal {
        /// HTTP status.
        status: u16,
        /// What it said, in short.
        message: String,
    },
}

/// The body of an answer.
pub(crate) struct Body {
    response: Response,
    lookout: Lookout,
    host: String,
    deadline: Instant,
    begun: bool,
}

impl Exchange<'_> {
    /// The JSON that `url` answers.
    pub(crate) async fn get(&self, url: Url) -> Result<Value, RemoteError> {
        let host = host_of(&url);
        self.json(self.send::<Value>(Method::GET, url, None, &|_, _| false).await?, host).await
    }

    /// The JSON that `url` answers to `body`.
    pub(crate) async fn post(&self, url: Url, body: &Value) -> Result<Value, RemoteError> {
        let host = host_of(&url);
        self.json(self.send(Method::POST, url, Some(body), &|_, _| false).await?, host).await
    }

    async fn json(&self, reply: Reply, host: String) -> Result<Value, RemoteError> {
        let mut body = match reply {
            Reply::Answer(body) => body,
            Reply::Refusal { status, message } => return Err(RemoteError::Refused { host, status, message }),
        };
        let mut bytes = Vec::new();
        while let Some(chunk) = body.chunk(self).await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_BODY_BYTES {
                return Err(RemoteError::Protocol { host, message: "the answer is too long".into() });
            }
        }
        parse_json(&bytes).map_err(|message| RemoteError::Protocol { host, message })
    }

    /// Sends a request and waits for the head of its answer. `would_help` says of a refusal that the caller knows what
    /// to change, so that it is not sent again as it is.
    pub(crate) async fn send<B: Serialize>(
        &self,
        method: Method,
        url: Url,
        body: Option<&B>,
        would_help: &dyn Fn(u16, &str) -> bool,
    ) -> Result<Reply, RemoteError> {
        let host = host_of(&url);
        let mut lookout = Lookout::new(url.clone());
        let mut tries = 0;
        loop {
            let deadline = Instant::now() + self.patience.first_byte;
            let again = match self.attempt(&method, body, deadline, &mut lookout).await? {
                Outcome::Response(response) if response.status().is_success() => {
                    let body = Body { response, lookout, host, deadline, begun: false };
                    return Ok(Reply::Answer(Box::new(body)));
                }
                Outcome::Response(response) => {
                    let status = response.status().as_u16();
                    let pause = retry_after(&response);
                    let message = self.refusal(response, deadline, &mut lookout).await?;
                    if !may_pass(status) || would_help(status, &message) {
                        return Ok(Reply::Refusal { status, message });
                    }
                    Again { message: format!("it answered {status}: {message}"), pause }
                }
                Outcome::NotConnected(message) => Again { message, pause: None },
            };
            let pause = again.pause.unwrap_or(self.patience.pause * 2_u32.pow(tries.min(10)));
            if tries == self.patience.retries || pause > self.patience.longest_pause {
                return Err(RemoteError::Unreachable { host, message: again.message });
            }
            tries += 1;
            tracing::debug!(%host, tries, "the endpoint is asked again");
            self.unless_stopped(&mut lookout, sleep(pause)).await?;
        }
    }

    async fn attempt<B: Serialize>(
        &self,
        method: &Method,
        body: Option<&B>,
        deadline: Instant,
        lookout: &mut Lookout,
    ) -> Result<Outcome, RemoteError> {
        let url = &lookout.url;
        let mut request = self.network.client(url, Redirects::Return)?.request(method.clone(), url.clone());
        if let Some(key) = self.key.get() {
            request = request.header(AUTHORIZATION, authorization(&key)?);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let host = host_of(url);
        match self.unless_stopped(lookout, timeout_at(deadline, request.send())).await? {
            Ok(Ok(response)) => Ok(Outcome::Response(response)),
            Ok(Err(error)) => match offline_host(&error) {
                Some(host) => Err(RemoteError::Offline { host }),
                // Nothing was written yet: the only failure after which the same message may go out again.
                None if error.is_connect() => Ok(Outcome::NotConnected(chain(&error.without_url()))),
                None => Err(RemoteError::Unreachable {
                    host,
                    message: self.without_key(&format!("it hung up ({})", chain(&error.without_url()))),
                }),
            },
            Err(_) => {
                let message = format!("no answer within {} s", self.patience.first_byte.as_secs());
                Err(RemoteError::Unreachable { host, message })
            }
        }
    }

    /// What a refusal says, without the key.
    async fn refusal(
        &self,
        mut response: Response,
        deadline: Instant,
        lookout: &mut Lookout,
    ) -> Result<String, RemoteError> {
        if response.status().is_redirection() {
            let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok()).unwrap_or("nowhere");
            return Ok(format!("it redirects to {target}; use the address it means as the base URL"));
        }
        let mut bytes = Vec::new();
        // A refusal that breaks off is a refusal with fewer words.
        while let Ok(Ok(Some(chunk))) = self.unless_stopped(lookout, timeout_at(deadline, response.chunk())).await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_REFUSAL_BYTES {
                break;
            }
        }
        Ok(self.without_key(&refusal_text(&bytes)))
    }

    fn without_key(&self, text: &str) -> String {
        match self.key.get() {
            Some(key) => text.replace(&key, "…"),
            None => text.to_owned(),
        }
    }

    /// The future's output, unless the caller cancels or Resident goes offline first.
    async fn unless_stopped<F: Future>(&self, lookout: &mut Lookout, future: F) -> Result<F::Output, RemoteError> {
        let stopped = async {
            loop {
                if self.cancel.is_some_and(Cancel::is_cancelled) {
                    return RemoteError::Cancelled;
                }
                if let Err(error) = self.network.check(&lookout.url) {
                    return error.into();
                }
                lookout.rest().await;
            }
        };
        tokio::select! {
            biased;
            error = stopped => Err(error),
            output = future => Ok(output),
        }
    }
}

/// When to look next whether to go on. It goes with an exchange from its beginning to its end: a timer that were set for
/// each piece of an answer would wake the runtime each time.
struct Lookout {
    url: Url,
    timer: Pin<Box<Sleep>>,
}

impl Lookout {
    fn new(url: Url) -> Self {
        Self { url, timer: Box::pin(sleep(CANCEL_POLL)) }
    }

    /// Waits until it is time to look again.
    async fn rest(&mut self) {
        self.timer.as_mut().await;
        self.timer.as_mut().reset(Instant::now() + CANCEL_POLL);
    }
}

enum Outcome {
    Response(Response),
    NotConnected(String),
}

struct Again {
    message: String,
    pause: Option<Duration>,
}

impl Body {
    /// The next piece, or `None` at the end.
    pub(crate) async fn chunk(&mut self, exchange: &Exchange<'_>) -> Result<Option<Vec<u8>>, RemoteError> {
        let patience = exchange.patience;
        let deadline = if self.begun { Instant::now() + patience.idle } else { self.deadline };
        let chunk = exchange.unless_stopped(&mut self.lookout, timeout_at(deadline, self.response.chunk())).await?;
        let host = self.host.clone();
        match chunk {
            Ok(Ok(chunk)) => {
                self.begun = true;
                Ok(chunk.map(|chunk| chunk.to_vec()))
            }
            Ok(Err(error)) => {
                let message = format!("it stopped in the middle ({})", chain(&error.without_url()));
                Err(RemoteError::Protocol { host, message })
            }
            Err(_) if self.begun => {
                let message = format!("it stopped in the middle: nothing for {} s", patience.idle.as_secs());
                Err(RemoteError::Unreachable { host, message })
            }
            Err(_) => {
                let message = format!("no answer within {} s", patience.first_byte.as_secs());
                Err(RemoteError::Unreachable { host, message })
            }
        }
    }

    /// The endpoint's host.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

/// Statuses after which the endpoint has not worked on the request and may do so later. 504 and 524 are a gateway's
/// word that the server behind it is late, and perhaps still at work.
fn may_pass(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 529)
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds: f64 = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// JSON from bytes, or what they are instead.
pub(crate) fn parse_json(bytes: &[u8]) -> Result<Value, String> {
    if is_html(bytes) {
        return Err("a web page came instead of an answer; check the base URL".into());
    }
    serde_json::from_slice(bytes).map_err(|error| format!("it is not JSON ({error})"))
}

/// Whether bytes begin as a web page does.
pub(crate) fn is_html(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'<')
}

/// What a refusal says, wherever it says it.
fn refusal_text(bytes: &[u8]) -> String {
    if is_html(bytes) {
        return "a web page came instead of an answer; check the base URL".into();
    }
    let said = serde_json::from_slice::<Value>(bytes).ok().and_then(|value| error_message(&value));
    let said = said.unwrap_or_else(|| String::from_utf8_lossy(bytes).trim().to_owned());
    if said.is_empty() {
        return "it did not say why".into();
    }
    let mut text: String = said.chars().take(MAX_REFUSAL_CHARS).collect();
    if text.len() < said.len() {
        write!(text, "…").expect("a string takes what is written to it");
    }
    text
}

/// The message of an error object in the forms in which servers send it.
pub(crate) fn error_message(value: &Value) -> Option<String> {
    let error = value.get("error").filter(|error| !error.is_null()).or_else(|| {
        // FastAPI and a few gateways have it at the top.
        let outer = value.get("detail").or_else(|| value.get("message"))?;
        (value.get("choices").is_none() && value.get("data").is_none()).then_some(outer)
    })?;
    let inner = error.get("message").unwrap_or(error);
    Some(inner.as_str().map_or_else(|| inner.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_in_every_form() {
        for (body, message) in [
            (r#"{"error":{"message":"no such model","type":"x"}}"#, "no such model"),
            (r#"{"error":"model not found"}"#, "model not found"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            (r#"{"message":"slow down"}"#, "slow down"),
            ("plain words\n", "plain words"),
            ("", "it did not say why"),
            ("<html><body>502</body></html>", "a web page came instead of an answer; check the base URL"),
        ] {
            assert_eq!(refusal_text(body.as_bytes()), message);
        }
        assert_eq!(refusal_text("é".repeat(1000).as_bytes()).chars().count(), MAX_REFUSAL_CHARS + 1);
    }

    #[test]
    fn only_refusals_before_the_work_may_pass() {
        for status in [429, 500, 502, 503] {
            assert!(may_pass(status), "{status}");
        }
        for status in [400, 401, 404, 408, 422, 504, 524] {
            assert!(!may_pass(status), "{status}");
        }
    }
}
