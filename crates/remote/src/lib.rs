//! OpenAI-compatible language models and embedders over HTTP: Ollama, LM Studio, llama-server, and services that speak
//! the same protocol.
//!
//! [`RemoteLanguageModel`] and [`RemoteEmbedder`] implement the ports of `agent` and `memory`. They are synchronous:
//! the runtime belongs to the [`Network`](resident_library::http::Network) that they are given, and that also decides
//! whether they may speak at all.
//!
//! **A message is never sent twice.** A request is sent again only when the endpoint cannot have taken the first one:
//! the connection failed before anything was written, or the endpoint refused it with a status. Once a byte of an
//! answer has arrived, or the time for it has run out, the request has failed. A gateway that reports a timeout (504,
//! 524) may still have a model at work behind it, so that is not sent again either.
//!
//! Keys are asked for at each request, put into one header, and kept out of logs, errors and `Debug`.

mod adapt;
mod answer;
mod chat;
mod discover;
mod embed;
mod endpoint;
mod error;
mod exchange;
mod menu;
mod sse;
mod text;
mod wire;

pub use chat::{RemoteLanguageModel, RemoteModelOptions};
pub use discover::{RemoteModel, context_window, list_models};
pub use embed::RemoteEmbedder;
pub use endpoint::{KeySource, RemoteEndpoint, host_of_endpoint};
pub use error::RemoteError;
pub use exchange::Patience;
