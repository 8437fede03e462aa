//! Remote endpoints through the API.

use std::net::TcpListener;

use resident_app::api::ErrorCode;
use serde_json::json;

use crate::Profile;
use crate::endpoint::json_reply;
use crate::endpoint::server::Server;

#[test]
fn an_endpoint_is_asked_for_its_models_and_its_key_is_shown_by_four_characters() {
    let server = Server::start(|_| json_reply(200, &json!({ "data": [{ "id": "tiny" }, { "id": "large" }] })));
    let profile = Profile::new();
    let request = json!({ "id": "home", "baseUrl": server.url(), "apiKey": "sk-abcdefgh1234" });
    let endpoint = profile.call("saveEndpoint", request);
    assert_eq!(endpoint["keyHint"], "1234");
    assert_eq!(endpoint["loopback"], true);
    let models = profile.call("listModels", json!({}));
    let remote = models.as_array().expect("a list").iter().filter(|model| !model["remoteHost"].is_null());
    let handles: Vec<_> = remote.map(|model| model["handle"].as_str().unwrap_or_default().to_owned()).collect();
    let mut sorted = handles.clone();
    sorted.sort();
    assert_eq!(sorted, ["remote/home/large", "remote/home/tiny"]);
    let sent = server.requests();
    assert!(sent.iter().any(|request| request.header("authorization") == Some("Bearer sk-abcdefgh1234")));

    profile.call("deleteEndpoint", json!({ "endpointId": "home" }));
    assert_eq!(profile.call("listEndpoints", json!({})), json!([]));
}

#[test]
fn a_key_is_never_in_the_profile_or_in_an_answer() {
    let server = Server::start(|_| json_reply(200, &json!({ "data": [] })));
    let profile = Profile::new();
    let key = "sk-very-secret-key-9876";
    let endpoint = profile.call("saveEndpoint", json!({ "id": "home", "baseUrl": server.url(), "apiKey": key }));
    assert!(!endpoint.to_string().contains(key));
    for entry in walk(profile.folder.path()) {
        let bytes = std::fs::read(&entry).unwrap_or_default();
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()), "{}", entry.display());
    }
}

#[test]
fn offline_refuses_everything_but_this_computer_before_a_socket_is_opened() {
    let profile = Profile::new();
    let request = json!({ "id": "far", "baseUrl": "https://api.example.com/v1" });
    let error = profile.refused("checkEndpoint", request);
    assert_eq!(error.code, ErrorCode::Offline);
    assert!(error.message.contains("api.example.com") && error.hint.is_some());
}

#[test]
fn an_endpoint_that_is_down_or_no_address_is_told_apart() {
    let profile = Profile::new();
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
    let down = json!({ "id": "down", "baseUrl": format!("http://127.0.0.1:{port}") });
    assert_eq!(profile.refused("checkEndpoint", down).code, ErrorCode::Endpoint);
    let nonsense = json!({ "id": "x", "baseUrl": "ftp://somewhere" });
    assert_eq!(profile.refused("checkEndpoint", nonsense).code, ErrorCode::Invalid);
    let unnamed = json!({ "id": "two words", "baseUrl": "http://localhost:1" });
    assert_eq!(profile.refused("saveEndpoint", unnamed).code, ErrorCode::Invalid);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.flat_map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { vec![entry.path()] }).collect()
}
