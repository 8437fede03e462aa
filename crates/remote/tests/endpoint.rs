//! Lists of models, windows and embeddings, as common servers give them.

mod support;

use std::time::Duration;

use resident_library::http::Network;
use resident_memory::Embedder;
use resident_remote::{KeySource, Patience, RemoteEmbedder, RemoteEndpoint, RemoteError, context_window, list_models};
use serde_json::{Value, json};
use support::server::{Reply, Server};
use support::{body, json_reply, refuses};

fn endpoint(server: &Server) -> RemoteEndpoint {
    RemoteEndpoint { id: "here".into(), base_url: server.url(), api_key: KeySource::none() }
}

fn patience() -> Patience {
    Patience {
        first_byte: Duration::from_secs(2),
        idle: Duration::from_millis(400),
        retries: 1,
        pause: Duration::from_millis(1),
        longest_pause: Duration::from_secs(1),
    }
}

/// A server with these answers by path, and 404 for the rest.
fn paths(answers: &[(&'static str, Value)]) -> Server {
    let answers = answers.to_vec();
    Server::start(move |request| match answers.iter().find(|(path, _)| *path == request.path) {
        Some((_, value)) => json_reply(200, value),
        None => Reply::whole(404, &[], "404 page not found"),
    })
}

#[test]
fn models_are_listed_by_name() {
    let server = paths(&[(
        "/v1/models",
        json!({ "object": "list", "data": [{ "id": "qwen3:4b" }, { "id": "gemma3", "max_model_len": 4096 }, {}] }),
    )]);
    let models = list_models(&Network::new(true), &endpoint(&server), &patience()).expect("a list");
    let names: Vec<_> = models.iter().map(|model| (model.id.as_str(), model.context_window_tokens)).collect();
    assert_eq!(names, [("gemma3", Some(4096)), ("qwen3:4b", None)]);
}

#[test]
fn what_is_no_list_is_said() {
    let network = Network::new(true);
    for (reply, words) in [
        (Reply::whole(200, &[], "<html>router login</html>"), "check the base URL"),
        (json_reply(200, &json!({ "hello": 1 })), "no list of models"),
        (refuses(401, "bad key"), "bad key"),
        (refuses(404, "nothing here"), "nothing here"),
    ] {
        let server = Server::in_turn(vec![reply]);
        let error = list_models(&network, &endpoint(&server), &patience()).expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
    }
    let server = paths(&[("/v1/models", json!({ "object": "list", "data": null }))]);
    assert!(list_models(&network, &endpoint(&server), &patience()).expect("no models yet").is_empty());
}

#[test]
fn the_window_is_the_one_that_the_server_has_reserved() {
    let list = ("/v1/models", json!({ "data": [{ "id": "m" }] }));
    let show = ("/api/show", json!({ "model_info": { "qwen3.context_length": 40960 }, "parameters": "stop \"x\"" }));
    let show_set =
        ("/api/show", json!({ "model_info": {}, "parameters": "stop \"x\"\nnum_ctx                        16384" }));
    let running = ("/api/ps", json!({ "models": [{ "name": "m", "context_length": 32768 }] }));
    let none_running = ("/api/ps", json!({ "models": [] }));
    for (name, answers, window) in [
        ("vLLM", vec![("/v1/models", json!({ "data": [{ "id": "m", "max_model_len": 1000 }] }))], Some(1000)),
        (
            "llama-server",
            vec![list.clone(), ("/props", json!({ "default_generation_settings": { "n_ctx": 2048 } }))],
            Some(2048),
        ),
        (
            "LM Studio",
            vec![
                list.clone(),
                ("/api/v0/models/m", json!({ "loaded_context_length": 4444, "max_context_length": 9999 })),
            ],
            Some(4444),
        ),
        ("Ollama, running", vec![list.clone(), running, show.clone()], Some(32768)),
        ("Ollama, set", vec![list.clone(), none_running.clone(), show_set], Some(16384)),
        ("Ollama, by default", vec![list.clone(), none_running, show], Some(4096)),
        ("unknown", vec![list], None),
    ] {
        let server = paths(&answers);
        let found = context_window(&Network::new(true), &endpoint(&server), "m").expect(name);
        assert_eq!(found, window, "{name}");
    }
}

fn embedding_server() -> Server {
    Server::start(|request| {
        let body = body(request);
        let texts = body["input"].as_array().expect("texts");
        // The last comes first, so that only the index tells which is which.
        let data: Vec<Value> = texts
            .iter()
            .enumerate()
            .rev()
            .map(|(index, text)| {
                let length = text.as_str().expect("a text").len();
                json!({ "index": index, "embedding": [3 * length, 4 * length, 0] })
            })
            .collect();
        json_reply(200, &json!({ "data": data }))
    })
}

#[test]
fn embeddings_are_unit_vectors_in_the_order_of_the_texts() {
    let server = Server::start(|request| {
        let body = body(request);
        let count = body["input"].as_array().expect("texts").len();
        let data: Vec<Value> = (0..count)
            .rev()
            .map(|index| {
                let text = body["input"][index].as_str().expect("a text");
                json!({ "index": index, "embedding": if text == "x" { [2, 0] } else { [0, 5] } })
            })
            .collect();
        json_reply(200, &json!({ "data": data }))
    });
    let embedder = RemoteEmbedder::new(Network::new(true), endpoint(&server), "e", None, patience()).expect("asked");
    assert_eq!((embedder.id(), embedder.dimension()), ("remote/here/e", 2));
    let vectors = embedder.embed(&["x", "y", ""]).expect("vectors");
    assert_eq!(vectors, [vec![1.0, 0.0], vec![0.0, 1.0], vec![0.0, 1.0]]);
    assert!(embedder.embed(&[]).expect("nothing").is_empty());
}

#[test]
fn many_texts_go_in_batches() {
    let server = embedding_server();
    let embedder = RemoteEmbedder::new(Network::new(true), endpoint(&server), "e", Some(3), patience()).expect("known");
    assert!(server.requests().is_empty(), "a known dimension is not asked for");
    let texts = vec!["word"; 150];
    assert_eq!(embedder.embed(&texts).expect("vectors").len(), 150);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn embeddings_that_are_not_what_was_asked_for_are_refused() {
    for value in [
        json!({ "data": [] }),
        json!({ "data": [{ "embedding": [1, 0] }] }),
        json!({ "data": [{ "embedding": [0, 0, 0] }] }),
        json!({ "data": [{ "embedding": ["a", "b", "c"] }] }),
        json!({ "data": [{ "index": 7, "embedding": [1, 0, 0] }] }),
        json!({ "data": [{ "embedding": "AAAA" }] }),
        json!({ "hello": 1 }),
    ] {
        let server = Server::in_turn(vec![json_reply(200, &value)]);
        let embedder =
            RemoteEmbedder::new(Network::new(true), endpoint(&server), "e", Some(3), patience()).expect("known");
        let error = embedder.embed(&["one"]).expect_err("not an embedding");
        assert!(error.transient, "another try may be luckier: {error}");
    }
    let server = Server::in_turn(vec![refuses(404, "no such model")]);
    let embedder = RemoteEmbedder::new(Network::new(true), endpoint(&server), "e", Some(3), patience()).expect("known");
    assert!(!embedder.embed(&["one"]).expect_err("refused").transient);
}

#[test]
fn an_embedder_that_is_away_is_an_error_at_once() {
    let endpoint =
        RemoteEndpoint { id: "away".into(), base_url: "https://example.com".into(), api_key: KeySource::none() };
    let result = RemoteEmbedder::new(Network::new(true), endpoint, "e", None, patience());
    assert!(matches!(result, Err(RemoteError::Offline { .. })));
}
