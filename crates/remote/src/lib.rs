//! OpenAI-compatible language models and embedders over HTTP
