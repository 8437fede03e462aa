//! Archival memory through the API.

use resident_app::api::ErrorCode;
use serde_json::json;

use crate::Profile;

#[test]
fn passages_are_saved_found_edited_and_moved_to_the_bin_and_back() {
    let profile = Profile::new();
    profile.call("startProfile", json!({ "userName": "Nick" }));
    let agent = profile.agent();
    let save = |text: &str, tag: &str| {
        profile.call("createPassage", json!({ "agentId": agent, "text": text, "tags": [tag] }))[0]["id"].clone()
    };
    let key = save("The spare key is with Marta.", "home");
    save("The car needs new tyres in November.", "car");
    let search = |query: &str, tags: &[&str]| {
        profile.call("searchPassages", json!({ "agentId": agent, "query": query, "tags": tags, "limit": 10 }))
    };
    let found = search("where is the key?", &[]);
    assert_eq!(found["hits"][0]["passage"]["id"], key);
    assert!(found["hits"][0]["reasons"][0].as_str().is_some_and(|why| why.contains("key")), "{found}");
    assert_eq!(search("", &["car"])["total"], 1);

    profile.call("updatePassage", json!({ "passageId": key, "text": "The spare key is with Jonas." }));
    assert_eq!(search("Jonas", &[])["hits"][0]["passage"]["id"], key);
    assert_eq!(search("Marta", &[])["total"], 0, "what was edited away is not found");

    profile.call("deletePassages", json!({ "passageIds": [key] }));
    assert_eq!(search("Jonas", &[])["total"], 0);
    assert_eq!(profile.call("listBin", json!({}))["passages"][0]["id"], key);
    profile.call("restorePassages", json!({ "passageIds": [key] }));
    assert_eq!(search("Jonas", &[])["total"], 1);
    let tags = profile.call("listTags", json!({ "agentId": agent }));
    assert_eq!(tags.as_array().map(Vec::len), Some(2));
}

#[test]
fn a_document_becomes_passages_that_cover_it() {
    let profile = Profile::new();
    profile.call("startProfile", json!({ "userName": "Nick" }));
    let sentence = |number: usize| format!("Sentence number {number} of the report says something of its own. ");
    let text: String = (0..200).map(sentence).collect();
    let request = json!({ "agentId": profile.agent(), "text": text, "document": "report.txt" });
    let saved = profile.call("createPassage", request);
    assert!(saved.as_array().is_some_and(|saved| saved.len() > 5));
    let found = profile
        .call("searchPassages", json!({ "agentId": profile.agent(), "query": "sentence number 173", "limit": 3 }));
    assert_eq!(found["hits"][0]["passage"]["document"], "report.txt");
    let texts: Vec<_> =
        found["hits"].as_array().expect("a list").iter().map(|hit| hit["passage"]["text"].to_string()).collect();
    assert!(texts.iter().any(|text| text.contains("number 173 ")), "{texts:?}");
}

#[test]
fn a_document_that_is_too_large_is_refused_whole() {
    let profile = Profile::new();
    profile.call("startProfile", json!({ "userName": "Nick" }));
    let request = json!({ "agentId": profile.agent(), "text": "word ".repeat(2_000_000), "document": "large.txt" });
    let error = profile.refused("createPassage", request);
    assert_eq!(error.code, ErrorCode::TooLong);
    assert!(error.message.contains("large.txt has 10 MB"), "{error}");
    let all = profile.call("searchPassages", json!({ "agentId": profile.agent(), "limit": 10 }));
    assert_eq!(all["total"], 0);
}

#[test]
fn an_archive_answers_as_of_a_day() {
    let profile = Profile::new();
    profile.call("startProfile", json!({ "userName": "Nick" }));
    profile.call("createPassage", json!({ "agentId": profile.agent(), "text": "The market is open on Saturdays." }));
    let as_of = |at_ms: i64| {
        let search = json!({ "agentId": profile.agent(), "query": "market", "asOfMs": at_ms, "limit": 10 });
        profile.call("searchPassages", search)["total"].clone()
    };
    assert_eq!(as_of(1_500_000_000_000), 0, "it was not known then");
    assert_eq!(as_of(4_000_000_000_000), 1);
}

#[test]
fn an_empty_passage_is_refused() {
    let profile = Profile::new();
    profile.call("startProfile", json!({ "userName": "Nick" }));
    let error = profile.refused("createPassage", json!({ "agentId": profile.agent(), "text": " \n\u{0} " }));
    assert_eq!(error.code, ErrorCode::Invalid);
}
