//! The main journey: a first start, a memory that the assistant makes by itself, corrections by hand, the archive, and
//! a second start that knows it all.

use std::fs;

use resident_tests::artefacts;
use resident_tests::home::Home;
use resident_tests::trace::{foreign_addresses, is_complete};
use resident_tests::window::Window;
use serde_json::json;

use crate::door::Door;
use crate::machine;
use crate::page::Page;

#[test]
fn what_is_told_in_the_window_is_remembered_after_a_restart() {
    let _machine = machine();
    let home = Home::new();
    let trace = artefacts().join("window.strace");

    let page = Page::behind(Door::Window(Window::open_traced(&home, &trace)));
    first_conversation(&page);
    corrections_by_hand(&page);
    archive(&page);
    page.quit();

    let page = Page::in_window(&home);
    everything_is_still_there(&page);
    page.quit();

    let trace = fs::read_to_string(&trace).expect("strace wrote its file");
    assert!(is_complete(&trace) && trace.contains("AF_UNIX"), "the trace has the sockets of the window");
    assert_eq!(foreign_addresses(&trace), [""; 0], "nothing but this computer was spoken to");
}

pub(crate) fn first_conversation(page: &Page) {
    page.reads("What should I call you?");
    page.screenshot("first-start");
    page.introduce_oneself("Nick");
    page.reads("Hello, Nick.");
    page.pictures("welcome");

    page.say("Remember I prefer dark mode.");
    let answer = page.answers().pop().unwrap_or_default();
    assert!(answer.contains("human"), "the change is shown in the turn that made it: {answer}");
    page.block_holds("human", "dark mode", true);
    page.pictures("remembered");
}

pub(crate) fn corrections_by_hand(page: &Page) {
    let before = page.block("persona");
    page.add_to_block("persona", "I answer in one sentence.");
    page.block_holds("persona", "one sentence", true);
    let block = "//article[@aria-label='Block persona']";
    page.press_at(&format!("{block}//button[contains(., 'by')]"));
    page.press_at(&format!("({block}//button[normalize-space(.)='Undo'])[1]"));
    page.block_holds("persona", "one sentence", false);
    assert_eq!(page.block("persona"), before, "undo brings back what was there");
    page.screenshot("undone");
}

pub(crate) fn archive(page: &Page) {
    page.open_tab("Archive");
    page.press("Save something");
    page.type_into("//form[@aria-label='Passage']//textarea", "The spare key is with Marta, two doors down.");
    page.type_into("//form[@aria-label='Passage']//input", "home");
    page.press("Save");
    page.reads("1 passage");
    search_the_archive(page);
    page.pictures("archive");
    page.open_tab("Memory");
}

fn search_the_archive(page: &Page) {
    page.type_into("//input[@type='search']", "where is the key");
    page.reads("1 passage found");
    page.reads("with Marta");
}

pub(crate) fn everything_is_still_there(page: &Page) {
    page.reads("Remember I prefer dark mode.");
    page.block_holds("human", "dark mode", true);
    page.open_tab("Archive");
    search_the_archive(page);
    page.open_tab("Memory");

    let agents = page.request("listAgents", &json!({ "deleted": false }));
    let context = page.request("getContext", &json!({ "agentId": agents[0]["id"] }));
    let parts = context["parts"].as_array().expect("the context has parts");
    let core = parts.iter().filter(|part| part["kind"] == "Core");
    let in_mind = core.map(|part| part["text"].as_str().unwrap_or_default().to_lowercase()).collect::<String>();
    assert!(in_mind.contains("dark mode"), "the next prompt has the memory: {in_mind}");

    page.say("Which mode do I prefer, dark or light?");
    let answer = page.answers().pop().unwrap_or_default().to_lowercase();
    assert!(answer.contains("dark"), "the answer knows it: {answer}");
    page.pictures("after-restart");
}
