//! Every place beside the first conversation: agents, what an agent does to its blocks, the archive with documents, the
//! context window, models and settings. What answers is an endpoint on this computer that says what it is told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use resident_tests::driver::PATIENCE;
use resident_tests::home::Home;
use resident_tests::process::wait_until;
use serde_json::json;

use crate::endpoint::server::Server;
use crate::endpoint::{calls, json_reply, says};
use crate::machine;
use crate::page::Page;
use crate::profile::Unopened;

#[test]
fn every_place_does_what_it_shows() {
    let _machine = machine();
    let home = Home::new();
    let server = tidying_model();
    Unopened::of(&home).close();
    let page = Page::in_window(&home);

    settings(&page, &server);
    models(&page);
    agents(&page);
    tidied_blocks(&page);
    documents(&page);
    context(&page);
    page.quit();
}

/// A model that makes a block, renames one, removes one, and says so.
fn tidying_model() -> Server {
    let asked = AtomicUsize::new(0);
    Server::start(move |request| {
        if request.path.ends_with("/models") {
            return json_reply(200, &json!({ "data": [{ "id": "tidy-8b" }, { "id": "tidy-70b" }] }));
        }
        if !request.path.ends_with("/chat/completions") {
            return json_reply(404, &json!({}));
        }
        let memory = |arguments| calls("memory", &arguments);
        match asked.fetch_add(1, Ordering::Relaxed) {
            0 => memory(json!({ "command": "create", "path": "/memories/books", "description": "What is read.",
                "file_text": "Reads: The Ice Palace.\nNext: Growth of the Soil." })),
            1 => {
                memory(json!({ "command": "rename", "old_path": "/memories/plans", "new_path": "/memories/projects" }))
            }
            2 => memory(json!({ "command": "delete", "path": "/memories/trip" })),
            _ => says("Done. I keep what goes on in one block, and the books in another."),
        }
    })
}

fn settings(page: &Page, server: &Server) {
    page.press("Settings");
    page.press("Add");
    page.fill("Name", "studio");
    page.fill("Address", &server.url());
    page.press_at("//form[@aria-label='Endpoint']//button[normalize-space(.)='Check']");
    page.reads("has 2 models: tidy-70b, tidy-8b");
    page.pictures("settings-endpoint");
    page.press_at("//form[@aria-label='Endpoint']//button[normalize-space(.)='Save']");
    let is_saved = || !page.is_there("//form[@aria-label='Endpoint']");
    assert!(wait_until(PATIENCE, is_saved).is_some(), "the form closes when the endpoint is saved");
    page.request("updateSettings", &json!({ "defaultModel": "remote/studio/tidy-8b" }));
    page.pictures("settings");
}

fn models(page: &Page) {
    page.press("Models");
    page.reads("tidy-70b");
    page.reads("came with Resident");
    page.pictures("models");
}

fn agents(page: &Page) {
    page.press("New");
    page.fill("Name", "Novel");
    page.fill("Persona", "I keep track of Ingrid and her ferry.");
    page.pictures("agent-new");
    page.press("Create");
    page.reads("I am Novel.");

    page.command("Rename Novel");
    page.fill("Name", "The novel");
    page.press_at("//*[@role='dialog']//button[normalize-space(.)='Save']");
    page.reads("I am The novel.");
    page.command("Duplicate The novel");
    page.reads("I am The novel copy.");
    page.command("Delete The novel copy");
    page.reads("The novel copy is in the bin.");
    page.screenshot("agent-deleted");
    page.press_at("//*[@aria-label='Notices']//button[normalize-space(.)='Undo']");
    page.reads("I am The novel copy.");
    page.command("Delete The novel copy");
    page.press_at("//*[@aria-label='Notices']//button[@aria-label='Close']");
}

fn tidied_blocks(page: &Page) {
    page.press_at("//nav//button[.//*[normalize-space(.)='The novel']]");
    let agents = page.request("listAgents", &json!({ "deleted": false }));
    let agent = agents.as_array().into_iter().flatten().find(|agent| agent["name"] == "The novel");
    let agent_id = &agent.expect("it was made")["id"];
    for (label, value) in [("plans", "Second part, due in March."), ("trip", "Ferry at 8:15, twice a day.")] {
        page.request("createBlock", &json!({ "agentId": agent_id, "label": label, "value": value }));
    }
    page.request("updateAgent", &json!({ "agentId": agent_id, "tools": ["memory"] }));
    page.say("Tidy your blocks, please.");
    page.press_at("//button[contains(., '3 memory changes')]");
    page.reads("Made the block books");
    page.reads("Renamed plans to projects");
    page.reads("Removed the block trip");
    page.pictures("tidied");

    for undo in ["Undo: Made", "Undo: Renamed", "Undo: Removed"] {
        page.press_at(&format!("//button[starts-with(@aria-label, '{undo}')]"));
    }
    page.reads_times("Undone", 3);
    let blocks = page.request("listBlocks", &json!({ "agentId": agent_id, "deleted": false }));
    let labels: Vec<_> = blocks.as_array().into_iter().flatten().map(|block| block["label"].as_str()).collect();
    assert_eq!(labels, [Some("persona"), Some("human"), Some("plans"), Some("trip")]);
}

fn documents(page: &Page) {
    page.press("Archive");
    page.reads("Text files can be dropped here");
    page.pictures("archive-empty");
    let letter = "The ferry is called the Havørn. It was built in 1961 and has one engine. ".repeat(60);
    drag(page, "dragenter", &[("havørn.md", &letter)]);
    page.screenshot("archive-dropping");
    drag(page, "drop", &[("havørn.md", &letter), ("notes.txt", "Ingrid is forty-one."), ("empty.txt", "")]);
    page.reads("This document was not saved.");
    page.reads("2 documents are saved as");
    page.pictures("archive-documents");
    page.press_at("//*[@role='alert']//button[@aria-label='Close']");
    page.type_into("//input[@type='search']", "Ingrid");
    page.reads("From notes.txt");

    page.press_at("//button[starts-with(normalize-space(.), 'As of')]");
    page.screenshot("archive-as-of");
    let script = "
        const field = document.querySelector('.as-of input');
        field.value = '2020-01-01';
        field.dispatchEvent(new Event('change', { bubbles: true }));";
    page.driver().script(script, &[]).expect("the field takes a day");
    page.reads("As of 1 January 2020");
    page.reads("Nothing saved for later matches.");
    page.press_at("//button[normalize-space(.)='Back to today']");
    page.reads("As of today");
}

/// What a file manager does when files are dragged onto the list.
fn drag(page: &Page, event: &str, files: &[(&str, &str)]) {
    let script = "
        const data = new DataTransfer();
        for (const [name, text] of arguments[1]) data.items.add(new File([text], name));
        const pane = document.querySelector('main [role=group].pane');
        pane.dispatchEvent(new DragEvent(arguments[0], { dataTransfer: data, bubbles: true, cancelable: true }));";
    page.driver().script(script, &[json!(event), json!(files)]).expect("the list takes files");
}

fn context(page: &Page) {
    page.press_at("//nav//button[.//*[normalize-space(.)='The novel']]");
    page.press_at("//button[starts-with(@aria-label, 'Context window')]");
    page.reads("In The novel's mind now");
    std::thread::sleep(Duration::from_millis(300));
    page.pictures("context");
}
