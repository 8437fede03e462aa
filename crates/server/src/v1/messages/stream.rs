//! How a turn's log reaches a client: as one answer, or as a stream of server-sent events.
//!
//! A model on a small computer may think for minutes. Clients give up on silence after a while and send the message
//! again; so both ways begin at once and put something on the line while there is nothing to say: white space before
//! the JSON of an answer, comments and pings in a stream. Neither means anything to a reader.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, interval_at, timeout};

use super::shape::{Wanted, entry_messages};
use crate::error::Problem;
use crate::run_log::{Ending, RunLog, Seen, Usage};

/// What ends within this is answered with a status of its own.
const PROMPT: Duration = Duration::from_millis(300);

/// How often something is put on a silent line: more often than the shortest time-out that a client would set.
const HEARTBEAT: Duration = Duration::from_millis(400);

/// How often V1's own sign of life is sent.
const PING: Duration = Duration::from_secs(20);

/// How a client wants a stream.
#[derive(Debug, Clone)]
pub(crate) struct StreamForm {
    pub(crate) wanted: Wanted,
    pub(crate) pings: bool,
    /// Whether each message is numbered, so that the stream can be taken up again.
    pub(crate) numbered: bool,
    /// Only what has a larger number.
    pub(crate) after: u64,
}

/// The whole answer of a turn.
pub(crate) async fn answer(log: Arc<RunLog>, wanted: Wanted) -> Response {
    keep_alive(async move { whole(&log, &wanted).await }).await
}

/// An answer that may take long.
pub(crate) async fn keep_alive(answer: impl Future<Output = Result<Value, Problem>> + Send + 'static) -> Response {
    let mut answer = Box::pin(answer);
    match timeout(PROMPT, &mut answer).await {
        Ok(Ok(body)) => axum::Json(body).into_response(),
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => slow_answer(answer),
    }
}

/// An answer that is not there yet: status and white space now, JSON later.
fn slow_answer(answer: impl Future<Output = Result<Value, Problem>> + Send + 'static) -> Response {
    let body = async move {
        match answer.await {
            Ok(body) => body,
            // The status is on its way already.
            Err(problem) => failed_body(&problem),
        }
    };
    let body = futures_util::stream::once(async move { Bytes::from(body.await.to_string()) }).boxed();
    let start = (Some(body), interval_at(Instant::now(), HEARTBEAT));
    let stream = futures_util::stream::unfold(start, |(body, mut beat)| async move {
        let mut body = body?;
        tokio::select! {
            biased;
            text = body.next() => text.map(|text| (text, (None, beat))),
            _ = beat.tick() => Some((Bytes::from_static(b" "), (Some(body), beat))),
        }
    });
    let body = Body::from_stream(stream.map(Ok::<_, Infallible>));
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

fn failed_body(problem: &Problem) -> Value {
    let error = json!({ "message_type": "error_message", "run_id": null, "error_type": "internal_error", "message": problem.message(), "detail": null });
    json!({
        "messages": [],
        "stop_reason": stop_reason("error"),
        "usage": usage_body(Usage::default(), None),
        "error": error,
    })
}

async fn whole(log: &RunLog, wanted: &Wanted) -> Result<Value, Problem> {
    log.over().await;
    let wanted = Wanted { pieces: false, ..wanted.clone() };
    let (turn_id, entries, ending, usage) = match log.see(0) {
        Seen::Refused(problem) => return Err(problem),
        Seen::Entries { turn_id, entries, ending: Some((ending, usage)) } => (turn_id, entries, ending, usage),
        Seen::Entries { ending: None, .. } | Seen::NotBegun => {
            return Err(Problem::internal("a turn's log is over before its end"));
        }
    };
    let messages: Vec<Value> = entries.iter().flat_map(|entry| entry_messages(entry, &turn_id, &wanted)).collect();
    let mut body = json!({
        "messages": messages,
        "stop_reason": stop_reason(&ending.stop_reason),
        "usage": usage_body(usage, Some(&turn_id)),
    });
    if let Some(error) = &ending.error {
        body["error"] = error_body(&turn_id, error);
    }
    Ok(body)
}

fn stop_reason(reason: &str) -> Value {
    json!({ "message_type": "stop_reason", "stop_reason": reason })
}

pub(crate) fn usage_body(usage: Usage, turn_id: Option<&str>) -> Value {
    let Usage { steps, prompt_tokens, cached_tokens, completion_tokens } = usage;
    json!({
        "message_type": "usage_statistics",
        "completion_tokens": completion_tokens,
        "prompt_tokens": prompt_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "step_count": steps,
        "run_ids": turn_id.map(|id| vec![id]),
        "cached_input_tokens": cached_tokens,
        "cache_write_tokens": null,
        "reasoning_tokens": null,
        "context_tokens": null,
    })
}

fn error_body(turn_id: &str, error: &str) -> Value {
    json!({
        "message_type": "error_message",
        "run_id": turn_id,
        "error_type": "llm_error",
        "message": error,
        "detail": null,
    })
}

/// A turn as a stream. What cannot begin within a moment has its error in the stream.
pub(crate) async fn stream(log: Arc<RunLog>, form: StreamForm) -> Response {
    if let Ok(Err(problem)) = timeout(PROMPT, log.begun()).await {
        return problem.into_response();
    }
    let frames = Frames::new(log, form);
    let body = futures_util::stream::unfold(frames, |mut frames| async move {
        let text = frames.next().await?;
        Some((Ok::<_, Infallible>(text), frames))
    });
    response(body)
}

fn response(body: impl Stream<Item = Result<String, Infallible>> + Send + 'static) -> Response {
    let mut response = (StatusCode::OK, Body::from_stream(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The frames of one client's stream.
struct Frames {
    log: Arc<RunLog>,
    news: watch::Receiver<u64>,
    form: StreamForm,
    /// Entries read so far.
    read: usize,
    /// Messages told so far.
    told: u64,
    ready: VecDeque<String>,
    pinged: Option<Instant>,
    over: bool,
}

impl Frames {
    fn new(log: Arc<RunLog>, form: StreamForm) -> Self {
        let news = log.watch();
        Self { log, news, form, read: 0, told: 0, ready: VecDeque::new(), pinged: None, over: false }
    }

    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            if self.over {
                return None;
            }
            self.news.mark_unchanged();
            self.read_log();
            if !self.ready.is_empty() || self.over {
                continue;
            }
            match timeout(HEARTBEAT, self.news.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => self.over = true,
                Err(_) => return Some(self.sign_of_life()),
            }
        }
    }

    fn sign_of_life(&mut self) -> String {
        let due = self.pinged.is_none_or(|at| at.elapsed() >= PING);
        match self.log.turn_id() {
            Some(turn_id) if due && self.form.pings => self.ping(&turn_id),
            Some(_) | None => ": waiting\n\n".to_owned(),
        }
    }

    fn ping(&mut self, turn_id: &str) -> String {
        self.pinged = Some(Instant::now());
        let now = jiff::Timestamp::now().as_millisecond();
        data(&json!({
            "id": format!("ping-{}", uuid::Uuid::new_v4()),
            "date": crate::v1::schema::message_time(now),
            "message_type": "ping",
            "run_id": turn_id,
        }))
    }

    fn read_log(&mut self) {
        match self.log.see(self.read) {
            Seen::NotBegun => {}
            Seen::Refused(problem) => {
                let error = json!({
                    "message_type": "error_message", "run_id": "", "error_type": "internal_error",
                    "message": problem.message(), "detail": null,
                });
                self.ready.push_back(data(&stop_reason("error")));
                self.ready.push_back(format!("event: error\n{}", data(&error)));
                self.ready.push_back(DONE.to_owned());
                self.over = true;
            }
            Seen::Entries { turn_id, entries, ending } => {
                if self.pinged.is_none() && self.form.pings && self.form.after == 0 {
                    let ping = self.ping(&turn_id);
                    self.ready.push_back(ping);
                }
                self.read += entries.len();
                for entry in &entries {
                    for message in entry_messages(entry, &turn_id, &self.form.wanted) {
                        self.tell(message);
                    }
                }
                if let Some((ending, usage)) = ending {
                    self.end(&turn_id, &ending, usage);
                }
            }
        }
    }

    fn tell(&mut self, mut message: Value) {
        self.told += 1;
        if self.told <= self.form.after {
            return;
        }
        if self.form.numbered {
            message["seq_id"] = json!(self.told);
        }
        self.ready.push_back(data(&message));
    }

    fn end(&mut self, turn_id: &str, ending: &Ending, usage: Usage) {
        self.ready.push_back(data(&stop_reason(&ending.stop_reason)));
        if let Some(error) = &ending.error {
            // A frame with a name makes clients raise an error; that of a turn that ended with one is what they expect.
            self.ready.push_back(format!("event: error\n{}", data(&error_body(turn_id, error))));
        }
        self.ready.push_back(data(&usage_body(usage, Some(turn_id))));
        self.ready.push_back(DONE.to_owned());
        self.over = true;
    }
}

const DONE: &str = "data: [DONE]\n\n";

fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}
