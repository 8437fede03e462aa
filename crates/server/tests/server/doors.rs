//! Who is let in, and what of a request is refused before anything is done.

use resident_server::{Access, ServerOptions};
use serde_json::json;

use super::Served;

fn status_of(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[test]
fn only_the_servers_own_names_are_answered() {
    let served = Served::new(Access::Anyone);
    let port = served.address().port();
    let ask =
        |host: &str| status_of(&served.raw(&format!("GET /v1/health/ HTTP/1.1\r\n{host}Connection: close\r\n\r\n")));
    for own in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "resident.test"] {
        assert_eq!(ask(&format!("Host: {own}:{port}\r\n")), 200, "{own}");
    }
    for foreign in
        ["Host: evil.example\r\n", "Host: 127.0.0.1.evil.example:8283\r\n", "Host: localhost\r\n", "Host: \r\n"]
    {
        assert_eq!(ask(foreign), 403, "{foreign}");
    }
    assert!([400, 403].contains(&ask("")), "a request without a Host");
    assert!([400, 403].contains(&ask(&format!("Host: localhost:{port}\r\nHost: evil.example\r\n"))), "two Hosts");
}

#[test]
fn pages_of_other_origins_and_bodies_that_they_can_send_are_refused() {
    let served = Served::new(Access::Anyone);
    let own = format!("http://{}", served.address());
    assert_eq!(served.ask_with("GET", "/v1/agents/", None, &[("Origin", &own)]).0, 200);
    for origin in ["http://evil.example", "null", "https://localhost"] {
        assert_eq!(served.ask_with("GET", "/v1/agents/", None, &[("Origin", origin)]).0, 403, "{origin}");
    }
    let host = served.address();
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let request = format!(
            "POST /v1/agents/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        assert_eq!(status_of(&served.raw(&request)), 415, "{kind}");
    }
    assert_eq!(served.ask("GET", "/v1/agents/", None).1, json!([]), "nothing was made");
}

#[test]
fn a_body_that_is_too_large_or_too_deep_is_refused_and_the_server_goes_on() {
    let served = Served::new(Access::Anyone);
    let host = served.address();
    let huge = format!(
        "POST /v1/agents/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: 1073741824\r\n\r\n{{"
    );
    assert_eq!(status_of(&served.raw(&huge)), 413);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep = format!(
        "POST /v1/agents/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{deep}",
        deep.len()
    );
    assert_eq!(status_of(&served.raw(&deep)), 422);
    assert_eq!(served.ask("GET", "/v1/health/", None).0, 200);
}

#[test]
fn the_token_is_wanted_everywhere_but_for_health_and_the_page() {
    let served = Served::new(Access::Token("secret".to_owned()));
    assert_eq!(served.ask("GET", "/v1/health/", None).0, 200);
    for path in ["/v1/agents/", "/app/events", "/openapi.json"] {
        assert_eq!(served.ask("GET", path, None).0, 401, "{path}");
    }
    let with = |name: &str, value: &str| served.ask_with("GET", "/v1/agents/", None, &[(name, value)]).0;
    assert_eq!(with("Authorization", "Bearer secret"), 200);
    assert_eq!(with("X-BARE-PASSWORD", "password secret"), 200);
    for wrong in ["Bearer secre", "Bearer secret2", "Bearer ", "secret", "Basic secret"] {
        assert_eq!(with("Authorization", wrong), 401, "{wrong}");
    }
}

#[test]
fn a_server_that_anyone_in_the_network_could_use_does_not_start() {
    let served = Served::new(Access::Anyone);
    let mut options = ServerOptions::on_loopback(Access::Anyone);
    options.address = ([0, 0, 0, 0], 0).into();
    assert!(resident_server::start(served.app.clone(), &options).is_err());
    options.access = Access::Token(String::new());
    assert!(resident_server::start(served.app.clone(), &options).is_err());
}

#[test]
fn wrong_ids_and_bodies_are_told_apart_from_things_that_are_not_there() {
    let served = Served::new(Access::Anyone);
    assert_eq!(served.ask("GET", "/v1/agents/agent-1", None).0, 422);
    assert_eq!(served.ask("GET", "/v1/agents/agent-00000000-0000-4000-8000-000000000000", None).0, 404);
    let (status, body) = served.ask("POST", "/v1/agents/", Some(&json!({ "name": 7 })));
    assert_eq!(status, 422, "{body}");
    assert!(body["detail"].to_string().contains("name"), "{body}");
    let (status, body) = served.ask("GET", "/v1/nothing/here", None);
    assert_eq!((status, body["detail"].is_string()), (404, true), "{body}");
    assert_eq!(served.ask("GET", "/v1/templates", None).0, 501);
}

#[test]
fn every_route_is_in_the_document() {
    let served = Served::new(Access::Anyone);
    let (status, document) = served.ask("GET", "/openapi.json", None);
    assert_eq!(status, 200);
    for path in ["/v1/agents", "/v1/agents/{agent_id}/messages", "/v1/blocks/{block_id}", "/v1/runs/{run_id}/stream"] {
        assert!(document["paths"][path].is_object(), "{path} is missing");
    }
}
