//! Agents that travel through the window and through the browser: a file is dropped on the page, looked at and taken in,
//! goes out again by the page, and means the same. What cannot be taken in is said, and changes nothing.

use std::fs;
use std::path::PathBuf;

use resident_agent_file::{AgentFile, Limits, WriteOptions, read, write};
use resident_tests::driver::PATIENCE;
use resident_tests::home::Home;
use resident_tests::process::wait_until;
use resident_tests::root;
use resident_tests::window::Window;
use serde_json::{Value, json};

use crate::machine;
use crate::page::Page;
use crate::profile::Unopened;

/// Files that were written for tests, one of each form.
const WRITTEN: [&str; 3] = ["current.af", "legacy.af", "wild.af"];

/// Real files. They belong to others and are no part of the sources.
const REAL: [&str; 5] = [
    "memgpt_agent.af",
    "memgpt_agent_with_convo.af",
    "outreach_workflow_agent.af",
    "deep_research_agent.af",
    "evie.af",
];

#[test]
fn files_dropped_on_the_window_mean_the_same_after_a_journey() {
    let _machine = machine();
    let home = Home::new();
    Unopened::of(&home).close();
    every_file_travels(Page::in_window(&home), &home);
}

#[test]
fn files_dropped_on_the_browser_mean_the_same_after_a_journey() {
    let _machine = machine();
    let home = Home::new();
    Unopened::of(&home).close();
    every_file_travels(Page::in_browser(&home), &home);
}

#[expect(clippy::print_stderr, reason = "a file that is skipped is named")]
fn every_file_travels(page: Page, home: &Home) {
    page.reads("Hello, Nick.");
    for (name, bytes) in files() {
        let Some(bytes) = bytes else {
            eprintln!("skipped: {name} is not here");
            continue;
        };
        let original = graph(&bytes);
        let first = taken_in(&page, name, &bytes);
        assert_eq!(first.len(), original.agents.len(), "{name}: as many agents as are in the file");
        first.iter().for_each(|agent| is_shown(&page, agent));
        // A file begins with the agent that it is about.
        let leads = |agents: &[Value]| agents.iter().find(|agent| agent["name"] == original.agents[0].name).cloned();
        let written = taken_out(&page, &first, &leads(&first).expect("it came in"), home);
        same(&graph(&written), &original, &format!("{name}, written"));
        let second = taken_in(&page, name, &written);
        let again = taken_out(&page, &second, &leads(&second).expect("it came in"), home);
        same(&graph(&again), &original, &format!("{name}, in and out again"));
    }
    page.quit();
}

fn files() -> impl Iterator<Item = (&'static str, Option<Vec<u8>>)> {
    let real = REAL.map(|name| (name, fs::read(shared().join(name)).ok()));
    WRITTEN.map(|name| (name, Some(written(name)))).into_iter().chain(real)
}

fn shared() -> PathBuf {
    let shared = std::env::var_os("RESIDENT_SHARED_DATA").map(PathBuf::from);
    shared.unwrap_or_else(|| root().join("../shared")).join("data/agent-files")
}

fn fixture(name: &str) -> PathBuf {
    root().join("crates/agent-file/tests/fixtures").join(name)
}

fn written(name: &str) -> Vec<u8> {
    let path = fixture(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is in a file, without the values of secrets, so that files can be compared.
fn graph(bytes: &[u8]) -> AgentFile {
    let read = |bytes: &[u8]| read(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{error}")).file;
    let mut file = read(&write(&read(bytes), &WriteOptions::default()));
    file.created_at = None;
    file.canonical()
}

/// A whole file is too much to read, so that the first difference is told.
fn same(found: &AgentFile, expected: &AgentFile, what: &str) {
    if found == expected {
        return;
    }
    let lines = |file: &AgentFile| serde_json::to_string_pretty(file).expect("a file is plain data");
    let (found, expected) = (lines(found), lines(expected));
    let other = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    panic!("{what}: {other:?}, {} lines instead of {}", found.lines().count(), expected.lines().count());
}

/// Drops a file on the page and presses the button; the agents that are there then and were not before.
fn taken_in(page: &Page, name: &str, bytes: &[u8]) -> Vec<Value> {
    let before = agents(page);
    page.drop_file(name, bytes);
    page.driver()
        .find("//*[@role='dialog']//*[@role='heading' and starts-with(., 'Bring in ') and not(.='Bring in an agent')]");
    assert_eq!(agents(page), before, "{name}: nothing changes before the button is pressed");
    page.press_at("//*[@role='dialog']//button[normalize-space(.)='Bring in']");
    let new = || agents(page).into_iter().filter(|agent| !before.contains(agent)).collect::<Vec<_>>();
    let is_closed = || !page.is_there("//*[@role='dialog']") && !new().is_empty();
    assert!(wait_until(PATIENCE, is_closed).is_some(), "{name} is not taken in:\n{}", page.driver().page_text());
    let new = new();
    page.reads(&match new.as_slice() {
        [one] => format!("{} is here.", one["name"].as_str().unwrap_or_default()),
        more => format!("{} agents are here.", more.len()),
    });
    new
}

fn agents(page: &Page) -> Vec<Value> {
    page.request("listAgents", &json!({ "deleted": false })).as_array().cloned().unwrap_or_default()
}

/// Opens an agent by its place in the list.
fn open(page: &Page, agent: &Value) {
    let at = agents(page).iter().position(|other| other["id"] == agent["id"]).expect("the agent is there");
    page.press_at(&format!("(//ul[@aria-label='Agents']//button[contains(@class, 'open')])[{}]", at + 1));
}

/// Its blocks and what was said to it are there for a person to read.
fn is_shown(page: &Page, agent: &Value) {
    open(page, agent);
    let name = agent["name"].as_str().unwrap_or_default();
    let blocks = page.request("listBlocks", &json!({ "agentId": agent["id"], "deleted": false }));
    let blocks: Vec<&str> =
        blocks.as_array().into_iter().flatten().filter_map(|block| block["value"].as_str()).collect();
    let query = json!({ "agentId": agent["id"], "limit": 20 });
    let messages = page.request("listMessages", &query)["messages"].take();
    let said = messages.as_array().into_iter().flatten().filter(|message| message["role"] == "User");
    let said: Vec<&str> = said.filter_map(|message| message["content"].as_str()).collect();
    let is_so = || {
        let shown = page.shown();
        let conversation = shown["conversation"].to_string();
        shown["blocks"] == json!(blocks) && said.iter().all(|said| conversation.contains(&one_line(said)))
    };
    assert!(wait_until(PATIENCE, is_so).is_some(), "{name}: {blocks:?}, {said:?}\nare not in {:#}", page.shown());
}

/// A text as it stands within a JSON text that has each run of white space as one space.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let quoted = json!(words.join(" ")).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// What the page saves of an agent and those that came with it.
fn taken_out(page: &Page, together: &[Value], agent: &Value, home: &Home) -> Vec<u8> {
    open(page, agent);
    page.command("with you");
    let name = agent["name"].as_str().unwrap_or_default();
    page.driver().find(&format!("//*[@role='dialog']//*[@role='heading' and .='Take {name} with you']"));
    if together.len() > 1 {
        page.press_at("//*[@role='dialog']//summary");
        for other in together.iter().filter(|other| other["id"] != agent["id"]) {
            let id = other["id"].as_str().unwrap_or_default();
            page.press_at(&format!("//*[@role='dialog']//input[@value='{id}']"));
        }
    }
    page.press("Save…");
    let bytes = page.saved(home);
    page.reads("is saved as");
    bytes
}

#[test]
fn files_dragged_from_another_program_are_taken_in() {
    let _machine = machine();
    let home = Home::new();
    Unopened::of(&home).close();
    let window = Window::open(&home);
    let reads = |words: &str| {
        let is_read = || window.page().page_text().contains(words);
        assert!(wait_until(PATIENCE, is_read).is_some(), "no `{words}`:\n{}", window.page().page_text());
    };
    let press = |xpath: &str| window.page().click(&window.page().find(xpath)).expect("it can be pressed");
    reads("Hello, Nick.");
    window.drag_in(&[fixture("legacy.af"), fixture("current.af")]);
    reads("Bring in Rho?");
    reads("legacy.af, and 1 file after it");
    press("//*[@role='dialog']//button[normalize-space(.)='Bring in']");
    reads("Bring in 2 agents?");
    press("//*[@role='dialog']//button[normalize-space(.)='Bring in']");
    reads("2 agents are here.");

    press("//button[normalize-space(.)='Archive']");
    reads("1 passage");
    let letter = home.path().join("ferry.md");
    fs::write(&letter, "The ferry is called the Havørn.").expect("a file can be written");
    window.drag_in(&[letter]);
    reads("ferry.md is saved as 1 passage.");
    window.quit();
}

#[test]
fn a_file_that_is_refused_says_why_and_changes_nothing() {
    let _machine = machine();
    let home = Home::new();
    Unopened::of(&home).close();
    is_refused(Page::in_window(&home));
    is_refused(Page::in_browser(&home));
}

fn is_refused(page: Page) {
    page.reads("Hello, Nick.");
    let before = agents(&page);
    for (name, bytes, words) in [
        ("scan.pdf", &b"%PDF-1.4"[..], "not an agent file"),
        ("half.af", br#"{"agents": [{"name": "Juno""#, "line 1"),
        ("wrong.af", br#"{"agents": [{"name": {}}]}"#, "agents[0].name"),
        ("photo.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF", "not a text"),
        ("empty.af", b"", "empty"),
    ] {
        page.drop_file(name, bytes);
        let alert = page.driver().find("//*[@role='dialog']//*[@role='alert']");
        let told = page.driver().text(&alert).expect("it has words");
        assert!(told.contains(words), "{name}: {told}");
        page.reads("Nothing was changed.");
        assert!(!page.is_there("//button[normalize-space(.)='Bring in']"), "{name}: there is nothing to bring in");
        page.press("Close");
        assert_eq!(agents(&page), before, "{name}: nothing came in");
    }
    page.quit();
}

#[test]
fn files_are_chosen_by_the_keyboard_and_taken_back() {
    let _machine = machine();
    let home = Home::new();
    Unopened::of(&home).close();
    chosen(Page::in_window(&home));
    let home = Home::new();
    Unopened::of(&home).close();
    chosen(Page::in_browser(&home));
}

fn chosen(page: Page) {
    page.reads("Hello, Nick.");
    let before = agents(&page);
    page.command("from a file");
    page.choose_file(&fixture("legacy.af"));
    page.reads("An older kind of agent file.");
    let focused = page.driver().script("return document.activeElement.value", &[]).expect("the page runs scripts");
    assert_eq!(focused, "Rho", "the name can be typed over at once");
    page.press_keys("\u{e007}");
    page.reads("Rho is here.");
    page.press("Undo");
    assert!(wait_until(PATIENCE, || agents(&page) == before).is_some(), "{:?}", agents(&page));

    page.press("Settings");
    page.press_at("//div[contains(@class, 'row') and contains(., 'Chats from ChatGPT')]//button");
    page.choose_file(&fixture("chatgpt.json"));
    page.reads("Brought in: 3 conversations with 5 messages, and 3 passages in the archive.");
    page.pictures("settings-chats-in");
    page.press_at("//div[contains(@class, 'row') and contains(., 'Chats from ChatGPT')]//button");
    page.choose_file(&fixture("chatgpt.json"));
    page.reads("There was nothing new in it.");
    page.quit();
}

#[test]
fn every_view_of_a_journey_is_calm() {
    let _machine = machine();
    let home = Home::new();
    Unopened::of(&home).close();
    let page = Page::in_window(&home);
    page.reads("Hello, Nick.");
    for (view, name, bytes) in [
        ("arrival-refused", "scan.pdf", b"%PDF-1.4".to_vec()),
        ("arrival-crowd", "crowd.af", crowd()),
        ("arrival-wild", "wild.af", written("wild.af")),
        ("arrival-legacy", "legacy.af", written("legacy.af")),
        ("arrival", "current.af", written("current.af")),
        ("arrival-evie", "evie.af", fs::read(shared().join("evie.af")).unwrap_or_else(|_| written("current.af"))),
    ] {
        page.drop_file(name, &bytes);
        page.driver().find("//*[@role='dialog']//*[@role='alert' or normalize-space(.)='Cancel']");
        page.pictures(view);
        let script = "for (const fold of document.querySelectorAll('[role=dialog] details')) fold.open = true";
        page.driver().script(script, &[]).expect("what is folded opens");
        page.pictures(&format!("{view}-open"));
        page.press("Close");
    }
    page.drag("dragenter", "current.af", &written("current.af"));
    page.pictures("dropping");
    page.drag("dragleave", "current.af", &[]);
    taken_in(&page, "current.af", &written("current.af"));
    page.pictures("arrived");
    page.command("with you");
    page.press_at("//*[@role='dialog']//summary");
    page.pictures("departure");
    page.press("Cancel");
    page.press_at("//button[normalize-space(.)='New']");
    page.pictures("new-agent");
    page.press("Cancel");
    page.press("Settings");
    for name in ["Tools from elsewhere", "From elsewhere"] {
        let script =
            "document.querySelector(`section[aria-label='${arguments[0]}']`).scrollIntoView({ block: 'center' })";
        page.driver().script(script, &[json!(name)]).expect("the page scrolls");
        page.pictures(&format!("settings-{}", name.replace(' ', "-").to_lowercase()));
    }
    page.quit();
}

/// A file of thirty agents with more to say about it than anyone reads.
fn crowd() -> Vec<u8> {
    let agents: Vec<Value> = (0..30)
        .map(|at| {
            json!({
                "id": format!("agent-{at}"), "name": format!("Clerk {at} of the harbour office"), "agent_type": "memgpt_agent",
                "description": "Answers letters about moorings, dues and the tide.", "llm_config": { "handle": "openai/gpt-4o" },
                "block_ids": (0..3).map(|block| format!("block-{at}-{block}")).collect::<Vec<_>>(),
                "tool_ids": (0..10).map(|tool| format!("tool-{}", (at * 7 + tool) % 200)).collect::<Vec<_>>(),
                "messages": [{ "role": "user", "content": "What does a mooring cost?" }],
                "tool_exec_environment_variables": { "HARBOUR_KEY": "a secret" },
            })
        })
        .collect();
    let blocks: Vec<Value> = (0..90)
        .map(|at| json!({ "id": format!("block-{}-{}", at / 3, at % 3), "label": format!("notes_{}", at % 3), "value": "Dues are paid in May. ".repeat(at), "limit": 20_000 }))
        .collect();
    let tools: Vec<Value> = (0..200)
        .map(|at| json!({ "id": format!("tool-{at}"), "name": format!("look_up_mooring_{at}"), "tool_type": "custom", "source_code": "print('no')" }))
        .collect();
    json!({ "agents": agents, "blocks": blocks, "tools": tools, "groups": [], "files": [], "sources": [], "mcp_servers": [] })
        .to_string()
        .into_bytes()
}
