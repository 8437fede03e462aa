//! MCP servers that clients describe: what a person allows is what is started.

use resident_app::api::ErrorCode;
use resident_app::records::{McpServerFields, McpServerKind, McpServerToAllow};
use serde_json::{Value, json};

use crate::Profile;

fn program(config: Value) -> McpServerFields {
    let Value::Object(config) = config else { panic!("an object") };
    McpServerFields { name: Some("files".to_owned()), config: Some((McpServerKind::Stdio, config)) }
}

fn shown(profile: &Profile) -> McpServerToAllow {
    profile.app.mcp_servers_to_allow().expect("servers are listed").pop().expect("there is a server")
}

#[test]
fn the_address_of_a_program_names_its_variables_and_tells_its_words_apart() {
    let profile = Profile::new();
    let config =
        json!({ "command": "npx", "args": ["-y", "a b"], "env": { "NODE_OPTIONS": "--x", "API_KEY": "s3cret" } });
    profile.app.create_mcp_server(program(config)).unwrap();
    let server = shown(&profile);
    assert_eq!(server.address, "API_KEY=… NODE_OPTIONS=… npx -y 'a b'");
    assert!(server.starts_program && !server.allowed);
}

#[test]
fn other_variables_or_words_have_to_be_allowed_anew() {
    let profile = Profile::new();
    let described = |value: &str| program(json!({ "command": "npx", "args": ["files"], "env": { "KEY": value } }));
    let id = profile.app.create_mcp_server(described("one")).unwrap().id;
    let allow = || profile.app.allow_mcp_server(id.as_str(), &shown(&profile).address, true).unwrap();
    allow();
    assert!(shown(&profile).allowed);
    profile.app.update_mcp_server(id.as_str(), described("one")).unwrap();
    assert!(shown(&profile).allowed, "the same again changes nothing");
    profile.app.update_mcp_server(id.as_str(), described("two")).unwrap();
    assert!(!shown(&profile).allowed, "another value may do something else");
    allow();
    profile.app.update_mcp_server(id.as_str(), program(json!({ "command": "npx", "args": ["other"] }))).unwrap();
    assert!(!shown(&profile).allowed);
}

#[test]
fn only_the_address_that_was_shown_is_allowed() {
    let profile = Profile::new();
    let id = profile.app.create_mcp_server(program(json!({ "command": "npx", "args": ["files"] }))).unwrap().id;
    let before = shown(&profile).address;
    profile.app.update_mcp_server(id.as_str(), program(json!({ "command": "sh", "args": ["-c", "true"] }))).unwrap();
    let refused = profile.app.allow_mcp_server(id.as_str(), &before, true).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Conflict);
    assert!(!shown(&profile).allowed);
}
