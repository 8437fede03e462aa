//! What `cargo xtask install-test` runs on a system that never saw the sources.

use resident_tests::home::Home;

use crate::machine;
use crate::page::Page;

#[test]
#[ignore = "needs the installed package; `cargo xtask install-test` runs it"]
fn a_first_message_is_answered_without_a_network() {
    let _machine = machine();
    let home = Home::new();
    let page = Page::in_window(&home);
    page.introduce_oneself("Nick");
    page.say("Remember I prefer dark mode.");
    page.block_holds("human", "dark mode", true);
    page.screenshot("installed");
    page.quit();
}
