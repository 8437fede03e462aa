//! The journey of the window once more, in a browser on `resident server`: the same steps, on a profile that the window
//! then opens and shows as the browser did. And what only a browser meets: a token, and a server that goes away.

use std::fs;
use std::net::{TcpListener, TcpStream};

use resident_tests::browser::Browser;
use resident_tests::driver::PATIENCE;
use resident_tests::home::Home;
use resident_tests::process::wait_until;
use resident_tests::served::Served;
use serde_json::json;

use crate::door::Door;
use crate::machine;
use crate::page::Page;
use crate::profile::Unopened;
use crate::window::{archive, corrections_by_hand, everything_is_still_there, first_conversation};

/// Where the window's server listens.
const LETTAS: &str = "127.0.0.1:8283";

#[test]
fn what_is_told_in_the_browser_is_remembered_and_shown_in_the_window() {
    let _machine = machine();
    let home = Home::new();
    let page = Page::in_browser(&home);
    first_conversation(&page);
    corrections_by_hand(&page);
    archive(&page);
    page.quit();

    let page = Page::in_browser(&home);
    everything_is_still_there(&page);
    let in_browser = page.shown();
    page.quit();

    let page = Page::in_window(&home);
    page.reads("Which mode do I prefer, dark or light?");
    page.block_holds("human", "dark mode", true);
    assert_eq!(page.shown(), in_browser, "the window shows what the browser showed");
    everything_is_still_there(&page);
    page.add_to_block("persona", "I answer in one sentence.");
    let in_window = page.shown();
    page.quit();

    let page = Page::in_browser(&home);
    page.block_holds("persona", "one sentence", true);
    assert_eq!(page.shown(), in_window, "the browser shows what the window showed");
    page.quit();
}

#[test]
fn a_browser_without_the_token_is_asked_for_it() {
    let _machine = machine();
    let home = Home::new();
    Unopened::of(&home).close();
    let served = Served::start(&home, 0);
    let browser = Browser::open(&home, &format!("http://{}/", served.address()));
    let token = served.token().to_owned();
    let page = Page::behind(Door::Browser(browser, served));

    page.reads("Resident wants to know that it is you.");
    page.pictures("token");
    page.type_into("//*[@id='token']", "guessed");
    page.press("Open");
    page.reads("The server does not accept this token.");
    page.pictures("token-refused");
    page.type_into("//*[@id='token']", &token);
    page.press("Open");
    page.reads("Hello, Nick.");
    page.driver().script("location.reload()", &[]).expect("the page is loaded again");
    page.reads("Hello, Nick.");
    page.quit();
}

#[test]
fn a_server_that_goes_away_is_said_and_taken_up_again() {
    let _machine = machine();
    let home = Home::new();
    let profile = Unopened::of(&home);
    let agent_id = profile.agent_id.clone();
    profile.close();
    let mut page = Page::in_browser(&home);
    page.reads("Hello, Nick.");
    let composer = "//textarea[starts-with(@aria-label, 'Message ')]";
    page.type_into(composer, "A thought that is half");

    page.served().stop();
    page.reads("Resident does not answer. What you wrote is still here");
    page.pictures("away");
    let profile = Unopened::again(&home, &agent_id);
    profile.call("createBlock", json!({ "agentId": agent_id, "label": "plans", "value": "Ferry at 8:15." }));
    profile.close();
    page.served().start_again(&home);

    page.block_holds("plans", "ferry", true);
    let is_said = || page.driver().page_text().contains("Resident does not answer.");
    assert!(wait_until(PATIENCE, || !is_said()).is_some(), "the page says that the server is back");
    let field = page.driver().find(composer);
    page.driver().type_into(&field, ", and whole").expect("the composer takes text");
    let script = "return document.activeElement.value";
    let written = page.driver().script(script, &[]).expect("the composer can be read");
    assert_eq!(written, "A thought that is half, and whole");
    page.request("createBlock", &json!({ "agentId": agent_id, "label": "books", "value": "The Ice Palace" }));
    page.block_holds("books", "ice palace", true);
    page.quit();
}

#[test]
fn a_server_is_switched_on_in_the_window_and_ends_with_it() {
    let _machine = machine();
    let home = Home::new();
    Unopened::of(&home).close();
    let page = Page::in_window(&home);
    page.reads("Hello, Nick.");
    page.press("Settings");
    let taken = TcpListener::bind(LETTAS).expect("Letta's port is free where journeys run");
    page.press_at("//button[@role='switch' and @aria-label='Server']");
    page.reads("Port 8283 is taken by another program, so the server did not start.");
    page.pictures("server-taken");
    drop(taken);

    page.press_at("//button[@role='switch' and @aria-label='Server']");
    page.reads("http://127.0.0.1:8283");
    page.pictures("server-on");
    page.press("Copy for letta-client");
    page.reads("The line for letta-client is on the clipboard.");
    let token = fs::read_to_string(home.profile().join("server-token")).expect("the profile has a token");
    let browser = Browser::open(&home, &format!("http://{LETTAS}/#token={token}"));
    let shows = || browser.page().page_text().contains("Hello, Nick.");
    assert!(wait_until(PATIENCE, shows).is_some(), "the browser shows the profile that the window has open");

    page.press_at("//button[@role='switch' and @aria-label='Server']");
    let ended = || TcpStream::connect(LETTAS).is_err();
    assert!(wait_until(PATIENCE, ended).is_some(), "the server ends with its switch");
    page.press_at("//button[@role='switch' and @aria-label='Server']");
    page.reads("http://127.0.0.1:8283");
    page.quit();
    assert!(wait_until(PATIENCE, ended).is_some(), "and with its window");
    browser.quit();
}
