//! The window as people see it: its parts, with their tokens in the loaded model's vocabulary.

use resident_store::Role;

use super::Window;
use super::compose::{compose_messages, metadata};
use super::shorten::{Shown, shown};
use crate::model::LanguageModel;
use crate::settings::AgentSettings;

/// The label of the part with the folders.
pub const DIRECTORIES: &str = "directories";

/// A kind of part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextPartKind {
    /// The instructions, with what the agent is told of its memory and whatever the model's template adds.
    Instructions,
    /// One tool.
    Tools,
    /// One block, or (under [`DIRECTORIES`]) the folders with what is open of their files.
    Core,
    /// The summary of what was evicted.
    Summary,
    /// One message.
    Message,
}

/// A part of the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextPart {
    /// What it is.
    pub kind: ContextPartKind,
    /// A tool's name, a block's label, a message's role.
    pub label: String,
    /// Its text.
    pub text: String,
    /// Its tokens.
    pub tokens: usize,
}

/// What the next prompt would be. The tokens of the parts add up to `used_tokens`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextOverview {
    /// The parts, in the order of the prompt.
    pub parts: Vec<ContextPart>,
    /// Tokens in all.
    pub used_tokens: usize,
    /// Tokens of the window.
    pub window_tokens: usize,
    /// Where the agent is warned.
    pub pressure_tokens: usize,
    /// Where the oldest part is evicted.
    pub compaction_tokens: usize,
}

/// The parts of `window`, as they are shown.
pub(crate) fn overview(model: &dyn LanguageModel, window: &Window, settings: &AgentSettings) -> ContextOverview {
    let (window, frame) = window.clone().read_by(model, settings.zone());
    let window_tokens = settings.window_tokens(model.info().context_window_tokens);
    let Shown { window, tokens: used_tokens, prompt: _ } =
        shown(model, &window, &frame, settings.compaction_tokens(window_tokens));
    let window = &*window;
    let part = |kind, label: &str, text: String| {
        let tokens = model.count_tokens(&text);
        ContextPart { kind, label: label.to_owned(), text, tokens }
    };
    let instructions = format!("{}\n\n{}", window.agent.system.trim_end(), metadata(window));
    let mut parts = vec![part(ContextPartKind::Instructions, "instructions", instructions)];
    for schema in &frame.menu {
        let text = serde_json::to_string_pretty(schema).expect("a schema is plain data");
        parts.push(part(ContextPartKind::Tools, &schema.name, text));
    }
    for block in &window.blocks {
        parts.push(part(ContextPartKind::Core, &block.label, block.value.clone()));
    }
    if let Some(directories) = &window.directories {
        parts.push(part(ContextPartKind::Core, DIRECTORIES, directories.render()));
    }
    if let Some(summary) = &window.summary {
        parts.push(part(ContextPartKind::Summary, "summary", summary.text.clone()));
    }
    for message in compose_messages(&window.messages, window.agent.agent_type, &frame.zone) {
        let mut text = message.content;
        for call in &message.tool_calls {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("{}({})", call.name, call.arguments));
        }
        parts.push(part(ContextPartKind::Message, role_name(message.role), text));
    }
    settle(&mut parts, used_tokens);
    ContextOverview {
        parts,
        used_tokens,
        window_tokens,
        pressure_tokens: settings.pressure_tokens(window_tokens),
        compaction_tokens: settings.compaction_tokens(window_tokens),
    }
}

/// What templates put around the parts goes to the instructions; where parts count for more than the whole (a tool's
/// schema, pretty-printed here), tools give way first.
fn settle(parts: &mut [ContextPart], used_tokens: usize) {
    let total: usize = parts.iter().map(|part| part.tokens).sum();
    if let Some(instructions) = parts.first_mut() {
        instructions.tokens += used_tokens.saturating_sub(total);
    }
    let mut excess = total.saturating_sub(used_tokens);
    let tools_first = |part: &ContextPart| part.kind != ContextPartKind::Tools;
    let mut order: Vec<_> = (0..parts.len()).collect();
    order.sort_by_key(|index| tools_first(&parts[*index]));
    for index in order {
        let less = excess.min(parts[index].tokens);
        parts[index].tokens -= less;
        excess -= less;
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}
