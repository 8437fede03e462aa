//! What V1's schema (server 0.16.8) refuses: keys that it does not know in tools, folders, files, views and tool rules,
//! kinds that it does not know, names that it finds unfit. What would be refused is set aside, with a stand-in where one
//! is needed, so that the rest of the file is read there; see [`crate::kept`].

use serde_json::{Map, Value, json};

use crate::kept::Kept;

type Object = Map<String, Value>;

const TOOL: &[&str] = &[
    "id",
    "tool_type",
    "description",
    "source_type",
    "name",
    "tags",
    "source_code",
    "json_schema",
    "args_json_schema",
    "return_char_limit",
    "pip_requirements",
    "npm_requirements",
    "default_requires_approval",
    "enable_parallel_execution",
    "created_by_id",
    "last_updated_by_id",
    "metadata_",
    "project_id",
];

const FILE: &[&str] = &[
    "id",
    "source_id",
    "file_name",
    "original_file_name",
    "file_path",
    "file_type",
    "file_size",
    "file_creation_date",
    "file_last_modified_date",
    "processing_status",
    "error_message",
    "total_chunks",
    "chunks_embedded",
    "content",
];

const FOLDER: &[&str] =
    &["id", "name", "description", "instructions", "metadata", "embedding", "embedding_chunk_size", "embedding_config"];

const VIEW: &[&str] = &[
    "id",
    "agent_id",
    "file_id",
    "source_id",
    "file_name",
    "is_open",
    "visible_content",
    "last_accessed_at",
    "start_line",
    "end_line",
];

/// The tools that V1 has of its own, by their kinds.
const OWN_TOOLS: &[(&[&str], &[&str])] = &[
    (
        &["letta_core", "letta_memory_core", "letta_sleeptime_core"],
        &[
            "memory",
            "send_message",
            "conversation_search",
            "archival_memory_insert",
            "archival_memory_search",
            "core_memory_append",
            "core_memory_replace",
            "rethink_memory",
            "memory_replace",
            "memory_insert",
            "memory_apply_patch",
            "memory_rethink",
            "memory_finish_edits",
        ],
    ),
    (
        &["letta_multi_agent_core"],
        &[
            "send_message_to_agent_and_wait_for_reply",
            "send_message_to_agents_matching_tags",
            "send_message_to_agent_async",
        ],
    ),
    (
        &["letta_voice_sleeptime_core"],
        &["rethink_user_memory", "finish_rethinking_memory", "store_memories", "search_memory"],
    ),
    (&["letta_builtin"], &["run_code", "run_code_with_tools", "web_search", "fetch_webpage"]),
    (&["letta_files_core"], &["open_files", "grep_files", "semantic_search_files"]),
];

/// Endpoints of language models.
const ENDPOINTS: &[&str] = &[
    "openai",
    "anthropic",
    "google_ai",
    "google_vertex",
    "azure",
    "groq",
    "ollama",
    "webui",
    "webui-legacy",
    "lmstudio",
    "lmstudio-legacy",
    "lmstudio-chatcompletions",
    "llamacpp",
    "koboldcpp",
    "vllm",
    "hugging-face",
    "minimax",
    "mistral",
    "together",
    "bedrock",
    "deepseek",
    "xai",
    "zai",
    "zai_coding",
    "baseten",
    "fireworks",
    "openrouter",
    "chatgpt_oauth",
];

/// Endpoints of embedding models.
const EMBEDDING_ENDPOINTS: &[&str] = &[
    "openai",
    "anthropic",
    "bedrock",
    "google_ai",
    "google_vertex",
    "azure",
    "groq",
    "ollama",
    "webui",
    "webui-legacy",
    "lmstudio",
    "lmstudio-legacy",
    "llamacpp",
    "koboldcpp",
    "vllm",
    "hugging-face",
    "mistral",
    "together",
    "pinecone",
];

/// Sets aside what V1 refuses of a thing of the list `list`.
pub(crate) fn set_aside(list: &'static str, object: &mut Object, kept: &mut Kept) {
    match list {
        "agents" => agent(object, kept),
        "messages" => message(object, kept),
        "files_agents" => unknown(object, VIEW, kept),
        "files" => unknown(object, FILE, kept),
        "tools" => tool(object, kept),
        "sources" => {
            unknown(object, FOLDER, kept);
            embedding_config(object, kept);
        }
        "agent_file" => metadata(object, kept),
        _ => {}
    }
}

fn unknown(object: &mut Object, known: &[&str], kept: &mut Kept) {
    kept.take(object, |key| !known.contains(&key));
}

/// A tool that V1 calls its own has to be one that it has; others are custom tools to it.
fn tool(object: &mut Object, kept: &mut Kept) {
    unknown(object, TOOL, kept);
    let word = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let own = OWN_TOOLS.iter().find(|(kinds, _)| kinds.contains(&word("tool_type")));
    if own.is_some_and(|(_, names)| !names.contains(&word("name"))) {
        kept.replace(object, "tool_type", "custom".into());
    }
}

fn agent(object: &mut Object, kept: &mut Kept) {
    if let Some(name) = object.get("name").and_then(Value::as_str).filter(|name| !name.chars().all(is_fit)) {
        let stand_in: String = name.chars().map(|c| if is_fit(c) { c } else { '_' }).collect();
        kept.replace(object, "name", stand_in.into());
    }
    for key in ["model", "embedding"] {
        let handle = object.get(key).and_then(Value::as_str).filter(|handle| !handle.is_empty());
        let is_handle = |handle: &str| {
            handle.split_once('/').is_some_and(|(provider, name)| !provider.is_empty() && !name.is_empty())
        };
        if handle.is_some_and(|handle| !is_handle(handle)) {
            kept.replace(object, key, Value::Null);
        }
    }
    let of_v1 = |config: &Value| {
        text(config, "model").is_some()
            && text(config, "model_endpoint_type").is_some_and(|endpoint| ENDPOINTS.contains(&endpoint))
            && config.get("context_window").is_some_and(Value::is_u64)
    };
    if object.get("llm_config").is_some_and(|config| !of_v1(config)) {
        kept.replace(object, "llm_config", Value::Null);
    }
    embedding_config(object, kept);
    if object.get("model_settings").is_some_and(|settings| text(settings, "provider_type").is_none()) {
        kept.replace(object, "model_settings", Value::Null);
    }
    let speaks = object.get("agent_type").and_then(Value::as_str) == Some("voice_convo_agent");
    if speaks && object.get("enable_sleeptime") != Some(&Value::Bool(true)) {
        // Without a value of its own there is nothing to come back to but none.
        object.entry("enable_sleeptime").or_insert(Value::Null);
        kept.replace(object, "enable_sleeptime", Value::Bool(true));
    }
    tool_rules(object, kept);
}

/// Whether V1 takes a character in the name of an agent. It takes what Python calls a letter or a digit, which leaves out
/// the vowel signs and other marks that many scripts write words with; where they may be, only what is certainly a
/// letter is taken for one.
fn is_fit(c: char) -> bool {
    const LETTERS: [std::ops::RangeInclusive<char>; 9] = [
        '\u{05D0}'..='\u{05EA}',
        '\u{0620}'..='\u{064A}',
        '\u{0904}'..='\u{0939}',
        '\u{0E01}'..='\u{0E30}',
        '\u{3041}'..='\u{3096}',
        '\u{30A1}'..='\u{30FA}',
        '\u{3400}'..='\u{4DBF}',
        '\u{4E00}'..='\u{9FFF}',
        '\u{AC00}'..='\u{D7A3}',
    ];
    c.is_ascii_alphanumeric()
        || matches!(c, ' ' | '-' | '_' | '\'')
        // Circled and squared letters are symbols.
        || (c.is_lowercase() || c.is_uppercase()) && !matches!(c, '\u{0345}' | '\u{2160}'..='\u{24FF}' | '\u{1F100}'..)
        || LETTERS.iter().any(|letters| letters.contains(&c))
}

fn embedding_config(object: &mut Object, kept: &mut Kept) {
    let of_v1 = |config: &Value| {
        config.is_null()
            || text(config, "embedding_endpoint_type").is_some_and(|endpoint| EMBEDDING_ENDPOINTS.contains(&endpoint))
                && text(config, "embedding_model").is_some()
                && config.get("embedding_dim").is_some_and(Value::is_u64)
    };
    if object.get("embedding_config").is_some_and(|config| !of_v1(config)) {
        kept.replace(object, "embedding_config", Value::Null);
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

fn tool_rules(object: &mut Object, kept: &mut Kept) {
    let Some(rules) = object.get("tool_rules").and_then(Value::as_array) else { return };
    if rules.iter().all(is_rule) {
        return;
    }
    let known = rules.iter().filter(|rule| is_rule(rule)).cloned().collect();
    kept.replace(object, "tool_rules", Value::Array(known));
}

/// Whether V1 knows a rule and every key in it.
fn is_rule(rule: &Value) -> bool {
    let kind = text(rule, "type").unwrap_or_default();
    let (needs, may): (bool, &[&str]) = match kind {
        "run_first" => (true, &["args"]),
        "exit_loop" | "continue_loop" | "required_before_exit" | "requires_approval" => (true, &[]),
        "constrain_child_tools" => (is_list_of_texts(rule.get("children")), &["children", "child_arg_nodes"]),
        "parent_last_tool" => (is_list_of_texts(rule.get("children")), &["children"]),
        "conditional" => (
            rule.get("child_output_mapping").is_some_and(Value::is_object),
            &["default_child", "child_output_mapping", "require_output_mapping"],
        ),
        "max_count_per_step" => (rule.get("max_count_limit").is_some_and(Value::is_i64), &["max_count_limit"]),
        _ => (false, &[]),
    };
    let known = |key: &str| matches!(key, "type" | "tool_name" | "prompt_template") || may.contains(&key);
    needs && text(rule, "tool_name").is_some() && rule.as_object().is_some_and(|rule| rule.keys().all(|key| known(key)))
}

fn is_list_of_texts(value: Option<&Value>) -> bool {
    value.and_then(Value::as_array).is_some_and(|list| list.iter().all(Value::is_string))
}

fn message(object: &mut Object, kept: &mut Kept) {
    for (key, is_known) in [("content", is_part as fn(&Value) -> bool), ("approvals", is_approval)] {
        let Some(list) = object.get(key).and_then(Value::as_array) else { continue };
        if !list.iter().all(is_known) {
            let known = list.iter().filter(|value| is_known(value)).cloned().collect();
            kept.replace(object, key, Value::Array(known));
        }
    }
}

/// Whether V1 finds in an answer to a request what it needs: a decision, or what the call gave back.
fn is_approval(value: &Value) -> bool {
    let decided = text(value, "type").is_none_or(|kind| kind == "approval")
        && text(value, "tool_call_id").is_some()
        && value.get("approve").is_some_and(Value::is_boolean);
    decided || matches!(text(value, "status"), Some("success" | "error"))
}

/// Whether V1 knows a part of a message's content and finds in it what it needs.
fn is_part(part: &Value) -> bool {
    let is_text = |key| part.get(key).is_some_and(Value::is_string);
    match text(part, "type") {
        Some("text" | "reasoning" | "omitted_reasoning") => true,
        Some("image") => part.get("source").is_some_and(Value::is_object),
        Some("tool_call") => is_text("id") && is_text("name") && part.get("input").is_some_and(Value::is_object),
        Some("tool_return") => {
            is_text("tool_call_id") && is_text("content") && part.get("is_error").is_some_and(Value::is_boolean)
        }
        Some("redacted_reasoning") => is_text("data"),
        Some("summarized_reasoning") => is_text("id") && part.get("summary").is_some_and(Value::is_array),
        Some(_) | None => false,
    }
}

/// What the file says of itself has to be texts.
fn metadata(object: &mut Object, kept: &mut Kept) {
    let Some(metadata) = object.get("metadata").and_then(Value::as_object) else { return };
    if metadata.values().all(Value::is_string) {
        return;
    }
    let texts: Object = metadata
        .iter()
        .filter(|(_, value)| value.is_string())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    kept.replace(object, "metadata", json!(texts));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_letters() {
        for name in ["Ada-2 O'Neil_x", "Zoë", "Ольга", "小明", "さくら", "민준", "محمد"] {
            assert!(name.chars().all(is_fit), "{name}");
        }
        for c in ['(', '/', '.', '\n', '😀', 'Ⓐ', '\u{093E}', '\u{0E31}'] {
            assert!(!is_fit(c), "{c:?}");
        }
    }
}
