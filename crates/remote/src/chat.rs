//! A language model behind an OpenAI-compatible endpoint.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use reqwest::Method;
use resident_agent::{
    Cancel, Finish, GenerateOptions, Generation, Guidance, LanguageModel, Locality, ModelError, ModelInfo, Progress,
    Prompt,
};
use resident_library::http::Network;
use serde_json::Value;

use crate::adapt::{Dialect, speaks_of_length};
use crate::answer::Answer;
use crate::endpoint::{Base, RemoteEndpoint};
use crate::error::RemoteError;
use crate::exchange::{Body, Exchange, Patience, Reply, is_html, parse_json};
use crate::sse::SseParser;
use crate::text::Hold;
use crate::wire;

/// The window of a model whose endpoint does not tell it: the default of common local servers is 4096, that of models
/// 8192 and more; too small costs a compaction, too large would cost words that the server drops unseen.
const DEFAULT_CONTEXT_TOKENS: usize = 8192;

/// An answer that is not streamed may have so many bytes.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// A refusal can teach seven things; each is learned once.
const MAX_ADAPTATIONS: usize = 7;

/// Tokens that a message costs beside its text: role and separators.
const MESSAGE_TOKENS: usize = 4;

/// Estimates are stored in thousandths of what the rule of thumb says.
const CALIBRATION_UNIT: u32 = 1000;

/// A tokenizer that needs more than twice the rule of thumb does not exist for text that people write.
const CALIBRATION_MAX: u32 = 2 * CALIBRATION_UNIT;

/// What is known of a remote model, and how it is spoken to.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteModelOptions {
    /// Its window, where it is known: see [`crate::context_window`].
    pub context_window_tokens: Option<usize>,
    /// How much it must be led.
    pub guidance: Guidance,
    /// How patient to be.
    pub patience: Patience,
}

impl Default for RemoteModelOptions {
    fn default() -> Self {
        Self { context_window_tokens: None, guidance: Guidance::None, patience: Patience::default() }
    }
}

/// A language model behind an endpoint.
#[derive(Debug)]
pub struct RemoteLanguageModel {
    network: Network,
    endpoint: RemoteEndpoint,
    base: Base,
    model: String,
    options: RemoteModelOptions,
    /// What this model of this endpoint turned out not to understand.
    dialect: Mutex<Dialect>,
    /// How many tokens the endpoint counts for one that is estimated, in thousandths; learned from its usage.
    calibration: AtomicU32,
}

impl RemoteLanguageModel {
    /// The model `model` of `endpoint`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`RemoteError::Address`] when the base URL cannot be used.
    pub fn new(
        network: Network,
        endpoint: RemoteEndpoint,
        model: impl Into<String>,
        options: RemoteModelOptions,
    ) -> Result<Self, RemoteError> {
        let base = endpoint.base()?;
        let calibration = AtomicU32::new(CALIBRATION_UNIT);
        Ok(Self { network, endpoint, base, model: model.into(), options, dialect: Mutex::default(), calibration })
    }

    fn handle(&self) -> String {
        format!("remote/{}/{}", self.endpoint.id, self.model)
    }

    fn window(&self) -> usize {
        self.options.context_window_tokens.unwrap_or(DEFAULT_CONTEXT_TOKENS)
    }

    fn dialect(&self) -> Dialect {
        *self.dialect.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn converse(
        &self,
        prompt: &Prompt,
        options: &GenerateOptions,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Generation, RemoteError> {
        let exchange = Exchange {
            network: &self.network,
            key: &self.endpoint.api_key,
            patience: &self.options.patience,
            cancel: Some(cancel),
        };
        let url = self.base.method("chat/completions");
        let mut adaptations = 0;
        loop {
            let dialect = self.dialect();
            let sent_tools = wire::sends_tools(prompt, dialect);
            let request = wire::request(&self.model, prompt, options, dialect);
            let would_help = |status: u16, message: &str| dialect.after(status, message, sent_tools).is_some();
            let sent = exchange.send(Method::POST, url.clone(), Some(&request), &would_help).await;
            let (status, message) = match sent {
                Ok(Reply::Answer(body)) => return self.read(*body, &exchange, prompt, on_progress).await,
                Ok(Reply::Refusal { status, message }) => (status, message),
                Err(RemoteError::Cancelled) => return Ok(cancelled()),
                Err(error) => return Err(error),
            };
            match dialect.after(status, &message, sent_tools) {
                Some(next) if adaptations < MAX_ADAPTATIONS => {
                    tracing::info!(model = %self.handle(), %message, "the endpoint is asked in other words");
                    *self.dialect.lock().unwrap_or_else(PoisonError::into_inner) = next;
                    adaptations += 1;
                }
                Some(_) | None => {
                    return Err(RemoteError::Refused { host: self.base.host(), status, message });
                }
            }
        }
    }

    /// Reads an answer, streamed or whole: what its first byte is decides, since content types lie.
    async fn read(
        &self,
        mut body: Body,
        exchange: &Exchange<'_>,
        prompt: &Prompt,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Generation, RemoteError> {
        let host = body.host().to_owned();
        let problem = |message: String| RemoteError::Protocol { host: host.clone(), message };
        let mut answer = Answer::new(&host, self.hold(prompt));
        let mut parser = SseParser::default();
        let mut start = Vec::new();
        let mut kind = None;
        while !answer.is_done() {
            let chunk = match body.chunk(exchange).await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(RemoteError::Cancelled) => return Ok(answer.cancelled()),
                Err(error) => return Err(error),
            };
            let chunk = if kind.is_none() {
                start.extend_from_slice(&chunk);
                kind = Kind::of(&start);
                if kind.is_none() { continue } else { std::mem::take(&mut start) }
            } else {
                chunk
            };
            match kind {
                Some(Kind::Stream) => {
                    let events = parser.feed(&chunk).map_err(|_| problem("a part of the stream is too long".into()))?;
                    for event in events {
                        answer.event(&event, on_progress)?;
                    }
                }
                Some(Kind::Whole) => {
                    start.extend_from_slice(&chunk);
                    if start.len() > MAX_ANSWER_BYTES {
                        return Err(problem("the answer is too long".into()));
                    }
                }
                None => {}
            }
        }
        match kind {
            Some(Kind::Stream) => {
                if let Some(event) = parser.finish() {
                    // Half an event at the end of a cut stream is no event; what is missing is said by `finish`.
                    let _ = answer.event(&event, on_progress);
                }
            }
            Some(Kind::Whole) => {
                let value = parse_json(&start).map_err(&problem)?;
                answer.value(&value, on_progress)?;
                answer.event("[DONE]", on_progress)?;
            }
            None => return Err(problem("the answer is empty".into())),
        }
        let generation = answer.finish(prompt, on_progress)?;
        self.calibrate(prompt, &generation);
        Ok(generation)
    }

    fn hold(&self, prompt: &Prompt) -> Hold {
        match (wire::has_menu(prompt), self.dialect().tools_as_text) {
            (false, _) => Hold::Nothing,
            (true, false) => Hold::Whole,
            (true, true) => Hold::Anywhere,
        }
    }

    /// Learns from what the endpoint counted. Only upwards: a server that cut the prompt counts too few.
    fn calibrate(&self, prompt: &Prompt, generation: &Generation) {
        let estimated = estimate_prompt(prompt);
        let counted = generation.usage.prompt_tokens;
        // A short prompt is mostly template, which says little about the text.
        if counted < 64 || estimated == 0 {
            return;
        }
        let ratio = u32::try_from(counted * CALIBRATION_UNIT as usize / estimated).unwrap_or(CALIBRATION_MAX);
        self.calibration.store(ratio.clamp(CALIBRATION_UNIT, CALIBRATION_MAX), Ordering::Relaxed);
    }

    fn calibrated(&self, estimate: usize) -> usize {
        (estimate * self.calibration.load(Ordering::Relaxed) as usize).div_ceil(CALIBRATION_UNIT as usize)
    }

    fn too_long(&self, prompt: &Prompt) -> ModelError {
        ModelError::PromptTooLong {
            model: self.handle(),
            prompt_tokens: self.count_prompt_tokens(prompt),
            context_window_tokens: self.window(),
        }
    }
}

impl LanguageModel for RemoteLanguageModel {
    fn info(&self) -> ModelInfo {
        ModelInfo {
            handle: self.handle(),
            name: self.model.clone(),
            locality: Locality::Remote { host: self.base.host() },
            context_window_tokens: self.window(),
            guidance: self.options.guidance,
        }
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.calibrated(estimate(text))
    }

    fn count_prompt_tokens(&self, prompt: &Prompt) -> usize {
        self.calibrated(estimate_prompt(prompt))
    }

    fn generate(
        &self,
        prompt: &Prompt,
        options: &GenerateOptions,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Generation, ModelError> {
        // Some servers drop the oldest words of a prompt that is too long without a word.
        if self.count_prompt_tokens(prompt) >= self.window() {
            return Err(self.too_long(prompt));
        }
        if cancel.is_cancelled() {
            return Ok(cancelled());
        }
        let done = self.network.block_on(self.converse(prompt, options, cancel, on_progress));
        match done.map_err(RemoteError::from).and_then(|done| done) {
            Ok(generation) => Ok(generation),
            Err(RemoteError::Refused { message, .. }) if speaks_of_length(&message) => Err(self.too_long(prompt)),
            Err(error) => Err(error.into_model(&self.handle())),
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Stream,
    Whole,
}

impl Kind {
    fn of(start: &[u8]) -> Option<Self> {
        let first = *start.trim_ascii_start().first()?;
        Some(if first == b'{' || first == b'[' || is_html(start) { Self::Whole } else { Self::Stream })
    }
}

fn cancelled() -> Generation {
    Generation { finish: Finish::Cancelled, ..Generation::default() }
}

/// About how many tokens a text has. Vocabularies hold common words of four letters and more; other scripts are cut
/// finer, down to a token a character.
fn estimate(text: &str) -> usize {
    Letters::default().and(text.as_bytes()).tokens()
}

/// What the estimate of a text is made from. A window is read letter by letter several times a turn, so that this works
/// on bytes.
#[derive(Debug, Default, Clone, Copy)]
struct Letters {
    ascii: usize,
    other: usize,
}

impl Letters {
    /// With what stands in a part of a text, in UTF-8.
    fn and(self, bytes: &[u8]) -> Self {
        let ascii = self.ascii + bytes.iter().filter(|byte| byte.is_ascii()).count();
        // The first byte of a letter of several begins with two ones, each further one with a one and a zero.
        let other = self.other + bytes.iter().filter(|byte| **byte >= 0b1100_0000).count();
        Self { ascii, other }
    }

    fn tokens(self) -> usize {
        (self.ascii * 2).div_ceil(7) + self.other
    }
}

/// Counts what is written to it.
impl std::io::Write for Letters {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        *self = self.and(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn estimate_prompt(prompt: &Prompt) -> usize {
    let tools: usize = prompt
        .menu
        .iter()
        .map(|tool| estimate(&tool.name) + estimate(&tool.description) + estimate_value(&tool.parameters) + 16)
        .sum();
    let messages: usize = prompt
        .messages
        .iter()
        .map(|message| {
            let calls = message.tool_calls.iter().map(|call| estimate(&call.name) + estimate_value(&call.arguments));
            MESSAGE_TOKENS + estimate(&message.content) + calls.sum::<usize>()
        })
        .sum();
    MESSAGE_TOKENS + estimate(&prompt.system) + tools + messages
}

fn estimate_value(value: &Value) -> usize {
    let mut letters = Letters::default();
    serde_json::to_writer(&mut letters, value).expect("counting cannot fail, and a value is plain data");
    letters.tokens()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted_as_they_are_read() {
        let ways = |text: &str| text.chars().partition::<String, _>(char::is_ascii);
        for text in ["", "plain words", "naïve café", "日本語", "smile 🙂 \u{10ffff}"] {
            let (ascii, other) = ways(text);
            assert_eq!(estimate(text), (ascii.len() * 2).div_ceil(7) + other.chars().count(), "{text}");
        }
        let value = serde_json::json!({ "a": ["ü", 1.5, null], "b": "\n" });
        assert_eq!(estimate_value(&value), estimate(&value.to_string()));
    }
}
