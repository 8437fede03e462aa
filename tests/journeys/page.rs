//! The page in a person's words: what they see, and what they press.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use resident_tests::driver::{Driver, Element, PATIENCE};
use resident_tests::home::Home;
use resident_tests::process::wait_until;
use resident_tests::root;
use resident_tests::served::Served;
use resident_tests::window::Window;
use serde_json::{Value, json};

use crate::door::Door;

/// How long a turn may take: the model is loaded and its prompt read on a machine that does other things too.
pub(crate) const TURN: Duration = Duration::from_secs(180);

/// Keys as the protocol writes them.
const CONTROL: char = '\u{e009}';
const RELEASED: char = '\u{e000}';
const ENTER: char = '\u{e007}';

/// What of a page a person reads: what was said, and what is in mind. Times of day are left out.
const SHOWN: &str = "
    const words = (article) => {
        const copy = article.cloneNode(true);
        for (const gone of copy.querySelectorAll('time, .actions')) gone.remove();
        return copy.textContent.replace(/\\s+/g, ' ').trim();
    };
    return {
        conversation: [...document.querySelectorAll('article.said, article.answer')].map(words),
        blocks: [...document.querySelectorAll('textarea[aria-label^=\"Text of \"]')].map((block) => block.value),
    };";

/// The page, in the window or in a browser.
pub(crate) struct Page {
    door: Door,
}

impl Page {
    /// The page behind a door that is open.
    pub(crate) fn behind(door: Door) -> Self {
        Self { door }
    }

    /// Opens the window on this home.
    pub(crate) fn in_window(home: &Home) -> Self {
        Self::behind(Door::Window(Window::open(home)))
    }

    /// Starts a server in this home and opens its page in a browser.
    pub(crate) fn in_browser(home: &Home) -> Self {
        Self::behind(Door::browser(home))
    }

    pub(crate) fn driver(&self) -> &Driver {
        self.door.driver()
    }

    /// The server behind the page in a browser.
    pub(crate) fn served(&mut self) -> &mut Served {
        self.door.served()
    }

    /// Leaves a picture among the artefacts.
    pub(crate) fn screenshot(&self, name: &str) {
        self.door.screenshot(name);
    }

    /// What was said and what is in mind, as the page shows it.
    pub(crate) fn shown(&self) -> Value {
        self.driver().script(SHOWN, &[]).expect("the page can be read")
    }

    /// Presses a button, given by its words or its label.
    pub(crate) fn press(&self, words: &str) {
        self.press_at(&format!("//button[normalize-space(.)='{words}' or @aria-label='{words}']"));
    }

    /// Presses what an XPath selects.
    pub(crate) fn press_at(&self, xpath: &str) {
        let button = self.driver().find(xpath);
        self.driver().click(&button).expect("the button can be pressed");
    }

    /// A tab by its words.
    pub(crate) fn open_tab(&self, words: &str) {
        self.press_at(&format!("//button[@role='tab' and normalize-space(.)='{words}']"));
    }

    /// The first start: a name, and nothing else.
    pub(crate) fn introduce_oneself(&self, name: &str) {
        let field = self.driver().find_within("//*[@id='user-name']", TURN);
        self.driver().type_into(&field, name).expect("the field takes text");
        self.press("Begin");
    }

    fn composer(&self) -> Element {
        self.driver().find_within("//textarea[starts-with(@aria-label, 'Message ')]", TURN)
    }

    /// Says something, and waits until the answer is complete.
    pub(crate) fn say(&self, text: &str) {
        let answers = self.answers().len();
        self.driver().type_into(&self.composer(), text).expect("the composer takes text");
        self.press("Send");
        let answered = || self.answers().len() > answers && !self.is_there("//button[@aria-label='Stop']");
        assert!(wait_until(TURN, answered).is_some(), "no answer to `{text}`:\n{}", self.driver().page_text());
    }

    /// Texts of all answers, with what they did.
    pub(crate) fn answers(&self) -> Vec<String> {
        let elements = self.driver().find_all("//article[contains(@class, 'answer')]").unwrap_or_default();
        elements.iter().filter_map(|element| self.driver().text(element).ok()).collect()
    }

    pub(crate) fn is_there(&self, xpath: &str) -> bool {
        self.driver().find_all(xpath).is_ok_and(|found| !found.is_empty())
    }

    /// Waits until a text can be read on the page.
    pub(crate) fn reads(&self, text: &str) {
        let is_read = || self.driver().page_text().contains(text);
        if wait_until(PATIENCE, is_read).is_none() {
            self.door.screenshot("failed");
            panic!("no `{text}` on the page:\n{}", self.driver().page_text());
        }
    }

    /// Waits until a text can be read on the page so often.
    pub(crate) fn reads_times(&self, text: &str, times: usize) {
        let is_read = || self.driver().page_text().matches(text).count() == times;
        assert!(wait_until(PATIENCE, is_read).is_some(), "not {times} `{text}`:\n{}", self.driver().page_text());
    }

    fn block_field(&self, label: &str) -> Element {
        self.driver().find(&format!("//textarea[@aria-label='Text of {label}']"))
    }

    /// The text of a block, as the inspector shows it.
    pub(crate) fn block(&self, label: &str) -> String {
        self.block_field(label);
        let script = "return document.querySelector(`textarea[aria-label='Text of ${arguments[0]}']`).value";
        let value = self.driver().script(script, &[json!(label)]).expect("the block is there");
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a block holds a text, or no longer does.
    pub(crate) fn block_holds(&self, label: &str, text: &str, holds: bool) {
        let is_so = || self.block(label).to_lowercase().contains(text) == holds;
        assert!(wait_until(PATIENCE, is_so).is_some(), "the block {label} is: {}", self.block(label));
    }

    /// Writes a line at the end of a block and saves it.
    pub(crate) fn add_to_block(&self, label: &str, line: &str) {
        // The page's own listeners hear of it as they hear of keys.
        let script = "
            const field = document.querySelector(`textarea[aria-label='Text of ${arguments[0]}']`);
            field.focus();
            field.setSelectionRange(field.value.length, field.value.length);
            document.execCommand('insertText', false, arguments[1]);";
        let text = if self.block(label).is_empty() { line.to_owned() } else { format!("\n{line}") };
        self.driver().script(script, &[json!(label), json!(text)]).expect("the block takes text");
        self.press("Save");
        let saved = || !self.is_there("//*[normalize-space(.)='Not saved yet']");
        assert!(wait_until(PATIENCE, saved).is_some(), "the block {label} was not saved");
    }

    /// Types into the field with this label or placeholder.
    pub(crate) fn type_into(&self, xpath: &str, text: &str) {
        let field = self.driver().find(xpath);
        self.driver().clear(&field).expect("the field can be emptied");
        self.driver().type_into(&field, text).expect("the field takes text");
    }

    /// What a file manager does when a file is dropped on the middle of the page.
    pub(crate) fn drop_file(&self, name: &str, bytes: &[u8]) {
        for event in ["dragenter", "dragover", "drop"] {
            self.drag(event, name, bytes);
        }
    }

    /// One of the events of a file that is dragged over the middle of the page.
    pub(crate) fn drag(&self, event: &str, name: &str, bytes: &[u8]) {
        let script = "
            const bytes = Uint8Array.from(atob(arguments[1]), (char) => char.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], arguments[0]));
            const under = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
            under.dispatchEvent(new DragEvent(arguments[2], { dataTransfer: data, bubbles: true, cancelable: true }));";
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        self.driver().script(script, &[json!(name), json!(text), json!(event)]).expect("the page takes files");
    }

    /// Chooses a file in the dialog that the page has just asked for. A page that is driven gets none, so that its field
    /// is told at once.
    pub(crate) fn choose_file(&self, file: &Path) {
        let field = || self.driver().find_all("/html/body/input[@type='file']").ok()?.pop();
        assert!(wait_until(PATIENCE, || field().is_some()).is_some(), "the page asks for no file");
        let field = field().expect("it was there");
        self.driver().type_into(&field, &file.to_string_lossy()).expect("the field takes a file");
    }

    /// Presses keys where the focus is.
    pub(crate) fn press_keys(&self, keys: &str) {
        let focused = self.driver().focused().expect("something has the focus");
        self.driver().type_into(&focused, keys).expect("it takes keys");
    }

    /// Lets the page save the file that it has just offered, and reads it.
    pub(crate) fn saved(&self, home: &Home) -> Vec<u8> {
        self.door.saved(home)
    }

    /// Asks the application as the page does.
    pub(crate) fn request(&self, method: &str, params: &Value) -> Value {
        self.door.request(method, params)
    }

    /// The field with this label.
    pub(crate) fn fill(&self, label: &str, text: &str) {
        self.type_into(&format!("//*[@id=//label[starts-with(normalize-space(.), '{label}')]/@for]"), text);
    }

    /// Runs a command by the keyboard alone, through the palette.
    pub(crate) fn command(&self, words: &str) {
        let composer = self.composer();
        self.driver().type_into(&composer, &format!("{CONTROL}k{RELEASED}")).expect("the composer takes keys");
        let palette = self.driver().find("//*[@role='combobox']");
        self.driver().type_into(&palette, &format!("{words}{ENTER}")).expect("the palette takes text");
    }

    /// Leaves pictures in light and dark, at three widths; nobody is kept out by what they show.
    pub(crate) fn pictures(&self, name: &str) {
        for width in [1440, 1024, 720] {
            self.driver().resize(width, 900).expect("the window takes a size");
            for theme in ["light", "dark"] {
                let script = "document.documentElement.dataset.theme = arguments[0]";
                self.driver().script(script, &[json!(theme)]).expect("the page takes a theme");
                self.door.screenshot(&format!("{name}-{width}-{theme}"));
                if width != 1024 {
                    self.is_accessible(&format!("{name}, {width} wide, {theme}"));
                }
            }
        }
        self.driver().resize(1440, 900).expect("the window takes a size");
    }

    /// Looks at the page with axe-core, colours included.
    fn is_accessible(&self, view: &str) {
        if self.driver().script("return typeof axe", &[]).expect("the page runs scripts") != "object" {
            let axe = root().join("ui/node_modules/axe-core/axe.min.js");
            let axe = std::fs::read_to_string(&axe).expect("the packages of ui/ are installed");
            self.driver().script(&axe, &[]).expect("axe can be put into the page");
        }
        let script = "
            const answer = arguments[arguments.length - 1];
            const told = (found) => found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html + ' ' + n.failureSummary).join(' | ')}`);
            axe.run(document.body, { rules: { region: { enabled: false } } }).then((found) => answer(told(found)), (error) => answer([String(error)]));";
        let found = self.driver().script_later(script, &[]).expect("axe answers");
        assert_eq!(found, json!([]), "{view}");
    }

    /// Quits as a person does.
    pub(crate) fn quit(self) {
        self.door.quit();
    }
}
