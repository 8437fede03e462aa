//! Trial of the harness.
use resident_tests::{home::Home, window::Window};

#[test]
fn opens() {
    let home = Home::new();
    let w = Window::open(&home);
    println!("{}", w.page().page_text());
    w.screenshot("trial");
    w.page().resize(1024, 768).unwrap();
    w.screenshot("trial-1024");
    w.quit();
}
