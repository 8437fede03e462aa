//! What an endpoint turned out not to understand.
//!
//! Servers of the protocol differ in what they refuse. A refusal is an answer that no model has worked on, so the same
//! request may be sent once more without what was refused; what was learned is kept, so that it happens once.

/// What is left out or said otherwise for one model of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Dialect {
    /// Tools are described in the system message and calls are read from the text.
    pub(crate) tools_as_text: bool,
    /// The limit is called `max_completion_tokens`.
    pub(crate) completion_tokens: bool,
    /// Temperature, top-p, seed and stop are left to the endpoint.
    pub(crate) no_sampling: bool,
    /// Usage is not asked for.
    pub(crate) no_stream_options: bool,
    /// `tool_choice` is left out.
    pub(crate) no_tool_choice: bool,
    /// `parallel_tool_calls` is left out.
    pub(crate) no_parallel_choice: bool,
    /// Only the first message may be of the system, and the others alternate.
    pub(crate) strict_roles: bool,
}

impl Dialect {
    /// What to say instead after this refusal; `None` when nothing would help.
    pub(crate) fn after(self, status: u16, message: &str, sent_tools: bool) -> Option<Self> {
        if !matches!(status, 400 | 404 | 422 | 500 | 501) || speaks_of_length(message) {
            return None;
        }
        let message = message.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        let mut next = self;
        if says(&["max_completion_tokens"]) {
            next.completion_tokens = true;
        } else if says(&["stream_options", "include_usage"]) {
            next.no_stream_options = true;
        } else if says(&["parallel_tool_calls"]) {
            next.no_parallel_choice = true;
        } else if sent_tools && says(&["tool_choice"]) && !self.no_tool_choice {
            next.no_tool_choice = true;
        } else if says(&["alternate", "system message must", "system role", "role system"]) {
            next.strict_roles = true;
        } else if sent_tools
            && says(&["tool", "function"])
            && (refuses(status) || says(&["support", "jinja", "requir"]))
        {
            next.tools_as_text = true;
        } else if says(&["temperature", "top_p", "seed", "'stop'", "\"stop\""]) {
            next.no_sampling = true;
        }
        (next != self).then_some(next)
    }
}

/// Statuses that always mean the request and never the model or the server.
fn refuses(status: u16) -> bool {
    matches!(status, 400 | 422)
}

/// Whether a refusal is about a prompt that is too long.
pub(crate) fn speaks_of_length(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "context length",
        "context_length",
        "context size",
        "context window",
        "maximum context",
        "too many tokens",
        "prompt is too long",
        "reduce the length",
    ]
    .iter()
    .any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_refusals_teach_what_to_leave_out() {
        let none = Dialect::default();
        let text = Dialect { tools_as_text: true, ..none };
        for (status, message, expected) in [
            (400, "registry.ollama.ai/library/gemma:2b does not support tools", Some(text)),
            (500, "tools param requires --jinja flag", Some(text)),
            (400, "\"auto\" tool choice requires --enable-auto-tool-choice to be set", Some(text)),
            (404, "No endpoints found that support tool use", Some(text)),
            (
                400,
                "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
                Some(Dialect { completion_tokens: true, ..none }),
            ),
            (400, "Unsupported value: 'temperature' must be 1", Some(Dialect { no_sampling: true, ..none })),
            (422, "extra field stream_options", Some(Dialect { no_stream_options: true, ..none })),
            (500, "Conversation roles must alternate", Some(Dialect { strict_roles: true, ..none })),
            (400, "Invalid tool_choice type", Some(Dialect { no_tool_choice: true, ..none })),
            (400, "This model's maximum context length is 4096 tokens, tools included", None),
            (401, "bad key for tools", None),
            (429, "too many tool requests", None),
            (500, "the function crashed", None),
            (400, "no", None),
        ] {
            assert_eq!(none.after(status, message, true), expected, "{message}");
        }
    }

    #[test]
    fn nothing_is_learned_twice() {
        let text = Dialect { tools_as_text: true, ..Dialect::default() };
        assert_eq!(text.after(400, "does not support tools", false), None);
    }
}
