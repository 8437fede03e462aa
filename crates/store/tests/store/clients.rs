//! What clients keep beside agents: identities and MCP servers.

use resident_store::{
    AgentId, BlockId, Identity, IdentityId, IdentityListing, McpServer, McpServerId, McpServerKind, Page, Provenance,
    StoreError, ToolDefinition, ToolId, ToolType,
};
use serde_json::json;

use crate::support::{NOW_MS, Profile, block};

fn identity(key: &str) -> Identity {
    Identity {
        id: IdentityId::new(),
        identifier_key: key.to_owned(),
        name: "Kim".to_owned(),
        identity_type: "user".to_owned(),
        properties: json!([{ "key": "plan", "value": "free", "type": "string" }]),
        letta: json!({}),
        agent_ids: Vec::new(),
        block_ids: Vec::new(),
        created_at_ms: NOW_MS,
        updated_at_ms: NOW_MS,
        deleted_at_ms: None,
    }
}

fn server(name: &str) -> McpServer {
    McpServer {
        id: McpServerId::new(),
        name: name.to_owned(),
        kind: McpServerKind::Stdio,
        config: json!({ "command": "tools", "args": ["--quiet"] }),
        allowed: false,
        created_at_ms: NOW_MS,
        updated_at_ms: NOW_MS,
        deleted_at_ms: None,
    }
}

#[test]
fn an_identity_is_kept_with_its_agents_and_blocks() {
    let mut profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let own = block("human", "Kim.");
    profile.write(|w| w.insert_block(&own, &Provenance::system("create")));
    let mut kim = Identity { agent_ids: vec![bob.clone(), ada.clone()], ..identity("kim") };
    profile.write(|w| w.insert_identity(&kim));
    profile.reopen().unwrap();
    assert_eq!(profile.read(|r| r.identity_by_key("kim")), Some(kim.clone()));
    kim.agent_ids = vec![ada.clone()];
    kim.block_ids = vec![own.id.clone()];
    kim.name = "Kim Q.".to_owned();
    profile.write(|w| w.update_identity(&kim));
    assert_eq!(profile.read(|r| r.identity(&kim.id)), Some(kim.clone()));

    let listed = |listing: IdentityListing| profile.read(|r| r.list_identities(&listing)).len();
    assert_eq!(listed(IdentityListing { agent_id: Some(ada.clone()), ..IdentityListing::default() }), 1);
    assert_eq!(listed(IdentityListing { agent_id: Some(bob), ..IdentityListing::default() }), 0);
    assert_eq!(listed(IdentityListing { name: Some("Kim Q.".to_owned()), ..IdentityListing::default() }), 1);
    assert_eq!(listed(IdentityListing { identity_type: Some("org".to_owned()), ..IdentityListing::default() }), 0);
    profile.write(|w| w.purge_agent(&ada));
    assert_eq!(profile.read(|r| r.identity(&kim.id)).unwrap().agent_ids, [], "what is gone is attached to nobody");
}

#[test]
fn the_key_of_an_identity_is_unique_and_a_refused_change_changes_nothing() {
    let profile = Profile::new();
    let (kim, other) = (identity("kim"), identity("kim"));
    profile.write(|w| w.insert_identity(&kim));
    let refused = profile.store().write(|w| w.insert_identity(&other));
    assert!(matches!(refused, Err(StoreError::Duplicate { .. })), "{refused:?}");
    for (agents, blocks, missing) in
        [(vec![AgentId::new()], Vec::new(), "agent"), (Vec::new(), vec![BlockId::new()], "block")]
    {
        let changed = Identity { name: "X".to_owned(), agent_ids: agents, block_ids: blocks, ..kim.clone() };
        let refused = profile.store().write(|w| w.update_identity(&changed));
        assert!(matches!(&refused, Err(StoreError::NotFound { what, .. }) if *what == missing), "{refused:?}");
    }
    assert_eq!(profile.read(|r| r.identity(&kim.id)), Some(kim.clone()));
    profile.write(|w| w.set_identity_deleted(&kim.id, Some(NOW_MS)));
    profile.write(|w| w.insert_identity(&other));
    let back = profile.store().write(|w| w.set_identity_deleted(&kim.id, None));
    assert!(matches!(back, Err(StoreError::Duplicate { .. })), "{back:?}");
}

#[test]
fn a_server_that_changes_must_be_allowed_again() {
    let mut profile = Profile::new();
    let mut tools = server("tools");
    profile.write(|w| w.insert_mcp_server(&tools));
    let refused = profile.store().write(|w| w.insert_mcp_server(&server("tools")));
    assert!(matches!(refused, Err(StoreError::Duplicate { .. })), "{refused:?}");
    tools.allowed = true;
    profile.write(|w| w.update_mcp_server(&tools));
    profile.reopen().unwrap();
    assert_eq!(profile.read(|r| r.list_mcp_servers(&Page::default())), [tools.clone()]);
    tools.config = json!({ "command": "other", "args": [] });
    profile.write(|w| w.update_mcp_server(&tools));
    assert!(!profile.read(|r| r.mcp_server(&tools.id)).unwrap().allowed, "another command was never allowed");
}

#[test]
fn the_tools_of_a_server_go_with_it() {
    let profile = Profile::new();
    let tools = server("tools");
    let tool = ToolDefinition {
        id: ToolId::new(),
        name: "roll_dice".to_owned(),
        description: String::new(),
        json_schema: json!({}),
        source_code: None,
        source_type: None,
        tags: Vec::new(),
        tool_type: ToolType::ExternalMcp,
        default_requires_approval: false,
        return_char_limit: 50_000,
        mcp_server_id: Some(tools.id.clone()),
        metadata: json!({}),
        created_at_ms: NOW_MS,
        updated_at_ms: NOW_MS,
        deleted_at_ms: None,
    };
    profile.write(|w| w.insert_mcp_server(&tools).and_then(|()| w.insert_tool(&tool)));
    profile.write(|w| w.delete_mcp_server(&tools.id, NOW_MS));
    assert_eq!(profile.read(|r| r.tool_by_name("roll_dice")), None);
    assert_eq!(profile.read(|r| r.list_mcp_servers(&Page::default())), []);
    let unknown = profile.store().write(|w| w.delete_mcp_server(&McpServerId::new(), NOW_MS));
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
}
