//! The two doors to the same page: the window of this computer, and a browser on a server. A journey says what a person
//! does and does not know which of them it goes through.

use std::fs;

use resident_tests::browser::Browser;
use resident_tests::driver::{Driver, PATIENCE};
use resident_tests::home::Home;
use resident_tests::process::wait_until;
use resident_tests::served::Served;
use resident_tests::window::Window;
use serde_json::{Value, json};

/// Where a page is shown.
pub(crate) enum Door {
    /// In the window.
    Window(Window),
    /// In a browser, on this server. They are dropped in this order.
    Browser(Browser, Served),
}

impl Door {
    /// A browser on a server in this home, at the address as the server prints it.
    pub(crate) fn browser(home: &Home) -> Self {
        let served = Served::start(home, 0);
        let url = format!("http://{}/#token={}", served.address(), served.token());
        Self::Browser(Browser::open(home, &url), served)
    }

    pub(crate) fn driver(&self) -> &Driver {
        match self {
            Self::Window(window) => window.page(),
            Self::Browser(browser, _) => browser.page(),
        }
    }

    /// Leaves a picture among the artefacts; those of the browser have names of their own.
    pub(crate) fn screenshot(&self, name: &str) {
        match self {
            Self::Window(window) => window.screenshot(name),
            Self::Browser(browser, _) => browser.screenshot(&format!("web-{name}")),
        }
    }

    /// Asks the application as the page does.
    pub(crate) fn request(&self, method: &str, params: &Value) -> Value {
        let (script, token) = match self {
            Self::Window(_) => (
                "return window.__TAURI_INTERNALS__.invoke('request', { method: arguments[0], params: arguments[1] })",
                "",
            ),
            Self::Browser(_, served) => (
                "return fetch(`/app/request/${arguments[0]}`, {
                    method: 'POST',
                    headers: { 'content-type': 'application/json', authorization: `Bearer ${arguments[2]}` },
                    body: JSON.stringify(arguments[1]),
                }).then(async (answer) => {
                    if (!answer.ok) throw new Error(await answer.text());
                    return answer.json();
                })",
                served.token(),
            ),
        };
        let arguments = [json!(method), params.clone(), json!(token)];
        self.driver().script(script, &arguments).expect("the application answers")
    }

    /// Lets the page save the file that it has just offered, and reads it.
    pub(crate) fn saved(&self, home: &Home) -> Vec<u8> {
        let folder = home.downloads();
        fs::create_dir_all(&folder).expect("a folder can be created");
        if let Self::Window(window) = self {
            window.save_as(&folder.join("saved.af"));
        }
        let mut saved = None;
        wait_until(PATIENCE, || {
            let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
            // A browser gives a file its name when all of it is there.
            saved = files.into_iter().find(|file| file.extension().is_some_and(|extension| extension == "af"));
            saved.as_ref().and_then(|file| fs::metadata(file).ok()).is_some_and(|file| file.len() > 0)
        });
        let file = saved.unwrap_or_else(|| panic!("nothing was saved:\n{}", self.driver().page_text()));
        let bytes = fs::read(&file).expect("what was saved can be read");
        fs::remove_file(file).expect("and removed");
        bytes
    }

    /// The server behind a browser.
    pub(crate) fn served(&mut self) -> &mut Served {
        match self {
            Self::Window(_) => panic!("a window needs no server"),
            Self::Browser(_, served) => served,
        }
    }

    /// Quits: the window as the program's own menu does, the server as Ctrl-C does.
    pub(crate) fn quit(self) {
        match self {
            Self::Window(window) => {
                // The page is gone before it can answer.
                drop(window.page().script("window.__TAURI_INTERNALS__.invoke('quit')", &[]));
                window.quit();
            }
            Self::Browser(browser, mut served) => {
                // The page is still open: a server does not wait for those who look at it.
                served.stop();
                browser.quit();
            }
        }
    }
}
