//! Agents that work together, with the local model: a group is made, talked with and seen to talk, and the memory of an
//! agent is tidied in the background without a word that the user wrote by hand being lost.

use resident_tests::driver::PATIENCE;
use resident_tests::home::Home;
use resident_tests::process::wait_until;
use serde_json::json;

use crate::machine;
use crate::page::{Page, TURN};
use crate::profile::Unopened;

#[test]
fn agents_work_together_in_the_window() {
    let _machine = machine();
    let home = Home::new();
    Unopened::of(&home).close();
    let page = Page::in_window(&home);
    page.reads("Hello, Nick.");
    page.request("createAgent", &json!({ "name": "Bob", "description": "Knows plants." }));
    page.reads("Bob");
    a_group_talks(&page);
    memory_is_tidied(&page);
    page.quit();
}

fn a_group_talks(page: &Page) {
    page.command("New group");
    page.fill("What it is for", "Plans the garden.");
    for _ in 0..2 {
        page.press_at("//*[@role='dialog']//button[normalize-space(.)='Add']");
    }
    page.pictures("group-new");
    page.press_at("//*[@role='dialog']//button[normalize-space(.)='Create']");
    page.reads("Plans the garden.");
    page.type_into("//textarea[starts-with(@aria-label, 'Message ')]", "Hello!");
    page.press("Send");
    let spoken = || page.driver().find_all("//article[contains(@class, 'spoken')]").map_or(0, |found| found.len());
    let done = || spoken() == 2 && !page.is_there("//button[@aria-label='Stop']");
    assert!(wait_until(TURN, done).is_some(), "{} of two spoke:\n{}", spoken(), page.driver().page_text());
    page.pictures("group-talk");
    let groups = page.request("listGroups", &json!({}));
    let said = page.request("listGroupMessages", &json!({ "groupId": groups[0]["id"], "limit": 10 }));
    let roles: Vec<_> = said["messages"].as_array().into_iter().flatten().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["User", "Assistant", "Assistant"], "each thing once");
}

fn memory_is_tidied(page: &Page) {
    page.press_at("(//ul[@aria-label='Agents']//button[contains(@class, 'open')])[1]");
    page.add_to_block("human", "Has a dog called Rex.");
    page.add_to_block("human", "- has a dog");
    page.command("Rename ");
    page.press_at("//*[@role='switch' and @aria-label='Tidy its memory in the background']");
    page.press_at("//*[@role='dialog']//button[normalize-space(.)='Tidy now']");
    let is_tidied = || !page.block("human").contains("- has a dog");
    assert!(wait_until(TURN, is_tidied).is_some(), "the block is still: {}", page.block("human"));
    page.pictures("group-tidied");
    assert!(page.block("human").contains("Has a dog called Rex."), "{}", page.block("human"));
    page.press_at("//*[@role='dialog']//button[normalize-space(.)='Cancel']");
    let closed = || !page.is_there("//*[@role='dialog']");
    assert!(wait_until(PATIENCE, closed).is_some(), "the card closes");
}
