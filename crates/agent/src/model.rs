//! The port to a language model: a prompt and a menu of tools in, text and tool calls out. `inference` (GGUF under a
//! grammar) and `remote` (OpenAI-compatible endpoints) implement it.
//!
//! The menu is the whole of what the model may call in this step; tool rules and guidance have narrowed it before. A
//! local model cannot leave it, since the grammar is made from it; a call of a remote model is checked by the caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resident_store::{Role, ToolCall};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Generates the next message of a conversation.
pub trait LanguageModel: Send + Sync {
    /// What is known of the model.
    fn info(&self) -> ModelInfo;

    /// Tokens of `text`, exact for a local model, estimated for a remote one.
    fn count_tokens(&self, text: &str) -> usize;

    /// Tokens of the whole prompt as the model will read it, with its template and its tool descriptions.
    fn count_prompt_tokens(&self, prompt: &Prompt) -> usize;

    /// Generates until the model ends its message, a limit is met or `cancel` is set (looked at before every token).
    /// What it writes is reported to `on_progress` while it is written.
    ///
    /// # Errors
    /// [`ModelError`]; nothing that was reported counts then.
    fn generate(
        &self,
        prompt: &Prompt,
        options: &GenerateOptions,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Generation, ModelError>;
}

/// What is known of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// `local/<id>` or `remote/<endpoint>/<model>`.
    pub handle: String,
    /// Its name for people, such as "SmolLM2 135M".
    pub name: String,
    /// Where it runs.
    pub locality: Locality,
    /// The longest prompt and answer together, in tokens.
    pub context_window_tokens: usize,
    /// How much it must be led.
    pub guidance: Guidance,
}

/// Where a model runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Locality {
    /// On this computer, in this process.
    Local,
    /// At an endpoint, named by its host.
    Remote {
        /// Host and port, as a person would recognise them.
        host: String,
    },
}

/// How much a model must be led.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guidance {
    /// It sees all its tools and chooses.
    None,
    /// It cannot choose: an intent router narrows the menu before each step (models below about 1 B weights).
    Full,
}

/// What the model reads.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prompt {
    /// Instructions, blocks and summary, already composed, in the order that keeps the longest prefix unchanged.
    pub system: String,
    /// The conversation, oldest first.
    pub messages: Vec<PromptMessage>,
    /// The tools that may be called in this step.
    pub menu: Vec<ToolSchema>,
    /// Whether one of them must be, may be, or none can be.
    pub tool_choice: ToolChoice,
    /// Whether the schemas of the menu are told to the model. Guided steps show worked examples instead.
    pub describe_tools: bool,
}

/// One message of the prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptMessage {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
    /// The tools that an assistant message calls.
    pub tool_calls: Vec<ToolCall>,
    /// The call that a tool message answers.
    pub tool_call_id: Option<String>,
}

impl PromptMessage {
    /// A message without tool calls.
    pub fn text(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), tool_calls: Vec::new(), tool_call_id: None }
    }
}

/// One tool as the model sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSchema {
    /// Its name.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// JSON Schema of its arguments, an object. `enum`, `pattern`, `maxLength` and the order of `properties` bind a
    /// local model.
    pub parameters: serde_json::Value,
}

/// Whether a step calls tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ToolChoice {
    /// Text, or one or more tool calls.
    #[default]
    Auto,
    /// Text only.
    None,
    /// Exactly one call of a tool on the menu.
    Required,
}

/// How to generate.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerateOptions {
    /// The longest answer, in tokens.
    pub max_tokens: usize,
    /// 0 is greedy.
    pub temperature: f32,
    /// Nucleus: the smallest set of tokens whose probabilities reach this; 1 is off.
    pub top_p: f32,
    /// Tokens below this share of the likeliest token's probability are dropped; 0 is off.
    pub min_p: f32,
    /// Divides the logits of tokens seen lately; 1 is off.
    pub repetition_penalty: f32,
    /// Seeds the sampler; the same seed, prompt and model give the same text.
    pub seed: u64,
    /// Generation ends before any of these.
    pub stop: Vec<String>,
    /// A regular expression that text (not a tool call) matches from its first to its last character. Binds a local
    /// model; a remote one does not know it.
    pub text_pattern: Option<String>,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            max_tokens: 512,
            temperature: 0.7,
            top_p: 0.95,
            min_p: 0.05,
            repetition_penalty: 1.1,
            seed: 0,
            stop: Vec::new(),
            text_pattern: None,
        }
    }
}

/// A flag that stops a generation at the next token; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks for the stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// What happens during a generation.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// Tokens of the prompt read so far, of all that must be read.
    Reading {
        /// Read so far.
        tokens: usize,
        /// To be read.
        of: usize,
    },
    /// More text of the answer.
    Text(String),
    /// More of the model's reasoning, where it gives it apart from its text.
    Thoughts(String),
    /// More of the arguments of the call with this index, as JSON text.
    ToolCall {
        /// Which call of the message.
        index: usize,
        /// The tool's name.
        name: String,
        /// The new piece of the arguments' JSON text.
        arguments_delta: String,
    },
}

/// What the model wrote.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Generation {
    /// The text of the message.
    pub text: String,
    /// Reasoning, where the model gives it apart from its text.
    pub thoughts: Option<String>,
    /// The calls, well formed.
    pub tool_calls: Vec<ToolCall>,
    /// Calls whose arguments did not parse (remote models only): name and what was written. The agent answers them
    /// with a failed result that says how to repair them.
    pub malformed_calls: Vec<MalformedCall>,
    /// Why it ended.
    pub finish: Finish,
    /// What it cost.
    pub usage: Usage,
}

/// A call that could not be parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct MalformedCall {
    /// The call's id, made up when the endpoint gave none.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// What was written where a JSON object should be.
    pub arguments: String,
    /// What is wrong with it.
    pub error: String,
}

/// Why a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Finish {
    /// The model ended its message.
    #[default]
    Stop,
    /// `max_tokens` or the context window was reached.
    Length,
    /// It was cancelled; the text so far is returned.
    Cancelled,
}

/// Tokens of one generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the prompt that were taken from the cache.
    pub cached_tokens: usize,
    /// Tokens written.
    pub completion_tokens: usize,
}

/// Why a generation failed.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The prompt does not leave room for an answer.
    #[error("the prompt needs {prompt_tokens} tokens; {model} has room for {context_window_tokens}")]
    PromptTooLong {
        /// The model's handle.
        model: String,
        /// What the prompt needs.
        prompt_tokens: usize,
        /// What there is.
        context_window_tokens: usize,
    },
    /// A remote model while Resident is offline.
    #[error("Resident is offline; {host} was not contacted")]
    Offline {
        /// The host that would have been contacted.
        host: String,
    },
    /// The endpoint cannot be reached, is slow, or answers with an error that may pass.
    #[error("{host} did not answer: {message}")]
    Unreachable {
        /// The endpoint's host.
        host: String,
        /// What happened.
        message: String,
    },
    /// The endpoint refused (bad key, unknown model, bad request).
    #[error("{host} refused the request ({status}): {message}")]
    Refused {
        /// The endpoint's host.
        host: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The endpoint answered something that is not the protocol, or stopped in the middle.
    #[error("{host} gave an answer that could not be read: {message}")]
    Protocol {
        /// The endpoint's host.
        host: String,
        /// What was wrong.
        message: String,
    },
    /// The model could not be loaded.
    #[error("could not load {model}: {message}")]
    Load {
        /// Handle or path.
        model: String,
        /// Why.
        message: String,
    },
    /// The engine failed while it ran.
    #[error("{model} failed: {message}")]
    Engine {
        /// The model's handle.
        model: String,
        /// What happened.
        message: String,
    },
}
