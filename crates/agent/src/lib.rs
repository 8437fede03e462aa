//! The agent: turn, step, tools, context window and compaction. Its step function is pure; a driver runs its effects.

pub mod guidance;
mod model;

pub use model::{
    Cancel, Finish, GenerateOptions, Generation, Guidance, LanguageModel, Locality, MalformedCall, ModelError,
    ModelInfo, Progress, Prompt, PromptMessage, ToolChoice, ToolSchema, Usage,
};
