//! Takes the values of secrets out of a graph that goes to somebody else. Their names stay, so that the reader sees what
//! has to be filled in. Secrets have their places; beside them, what is named like one anywhere in a configuration is
//! taken for one.

use serde_json::Value;

use crate::graph::{AgentFile, Extra, McpServer};

impl AgentFile {
    /// Empties every secret, and leaves its name.
    pub fn blank_secrets(&mut self) {
        blank(self);
    }
}

/// Empties every secret of `file`.
pub(crate) fn blank(file: &mut AgentFile) {
    for agent in &mut file.agents {
        agent.secrets.values_mut().for_each(String::clear);
        [
            &mut agent.llm_config,
            &mut agent.embedding_config,
            &mut agent.model_settings,
            &mut agent.compaction_settings,
            &mut agent.metadata,
            &mut agent.extra,
        ]
        .into_iter()
        .for_each(blank_named);
    }
    for tool in &mut file.tools {
        [&mut tool.metadata, &mut tool.extra].into_iter().for_each(blank_named);
    }
    for folder in &mut file.folders {
        [&mut folder.metadata, &mut folder.extra].into_iter().for_each(blank_named);
    }
    for of_agent in &mut file.resident.agents {
        blank_named(&mut of_agent.settings);
    }
    file.mcp_servers.iter_mut().for_each(blank_server);
    [&mut file.metadata, &mut file.extra].into_iter().for_each(blank_named);
}

fn blank_server(server: &mut McpServer) {
    let McpServer { server_url, stdio_config, token, custom_headers, metadata, extra, .. } = server;
    if let Some(url) = server_url {
        *url = url_without_secrets(url);
    }
    if let Some(token) = token {
        token.clear();
    }
    custom_headers.values_mut().for_each(blank_value);
    if let Some(config) = stdio_config {
        if let Some(Value::Object(env)) = config.get_mut("env") {
            env.values_mut().for_each(blank_value);
        }
        if let Some(Value::Array(args)) = config.get_mut("args") {
            blank_args(args);
        }
        blank_named(config);
    }
    [metadata, extra].into_iter().for_each(blank_named);
}

fn blank_value(value: &mut Value) {
    *value = Value::String(String::new());
}

/// Empties the texts of `map` and of what is in it that are named like secrets.
fn blank_named(map: &mut Extra) {
    for (key, value) in map {
        match value {
            Value::String(text) if is_secret(key) => text.clear(),
            Value::Object(map) if is_secret(key) => {
                map.values_mut().filter(|value| value.is_string()).for_each(blank_value)
            }
            Value::Object(map) => blank_named(map),
            Value::Array(list) => list.iter_mut().filter_map(Value::as_object_mut).for_each(blank_named),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Whether what has this name is a secret.
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 14] = [
        "apikey",
        "accesskey",
        "secretkey",
        "privatekey",
        "accesstoken",
        "authtoken",
        "refreshtoken",
        "bearertoken",
        "clientsecret",
        "password",
        "passwd",
        "authorization",
        "credentials",
        "customheaders",
    ];
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let plain = plain.strip_suffix("enc").unwrap_or(&plain);
    matches!(plain, "token" | "secret" | "secrets" | "key") || WORDS.iter().any(|word| plain.ends_with(word))
}

/// The address without a name and password before the host and without the values of its query.
fn url_without_secrets(url: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let mut out = match address.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
            format!("{scheme}://{}", &rest[host..])
        }
        None => address.to_owned(),
    };
    if let Some(query) = query {
        let names: Vec<String> = query
            .split('&')
            .map(|pair| pair.split_once('=').map_or_else(String::new, |(name, _)| format!("{name}=")))
            .collect();
        out = format!("{out}?{}", names.join("&"));
    }
    out
}

/// Empties what follows `--api-key` and the like, with an equals sign or as the next argument.
fn blank_args(args: &mut [Value]) {
    let mut next_is_secret = false;
    for arg in args {
        let Value::String(text) = arg else { continue };
        if std::mem::take(&mut next_is_secret) {
            text.clear();
            continue;
        }
        match text.split_once('=') {
            Some((name, _)) if is_secret(name) => *text = format!("{name}="),
            Some(_) => {}
            None => next_is_secret = text.starts_with('-') && is_secret(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_say_what_is_secret() {
        for (name, secret) in [
            ("api_key", true),
            ("OPENAI_API_KEY", true),
            ("X-Api-Key", true),
            ("token", true),
            ("--password", true),
            ("token_enc", true),
            ("max_tokens", false),
            ("termination_token", false),
            ("return_token_ids", false),
            ("monkey", false),
            ("handle", false),
        ] {
            assert_eq!(is_secret(name), secret, "{name}");
        }
    }

    #[test]
    fn addresses_and_arguments_lose_their_secrets() {
        assert_eq!(url_without_secrets("https://me:pw@host/a?key=1&b=2"), "https://host/a?key=&b=");
        assert_eq!(url_without_secrets("https://host/a@b"), "https://host/a@b");
        let mut args =
            [json!("-y"), json!("server"), json!("--api-key"), json!("s3"), json!("--token=s4"), json!("x=1")];
        blank_args(&mut args);
        assert_eq!(json!(args), json!(["-y", "server", "--api-key", "", "--token=", "x=1"]));
    }
}
