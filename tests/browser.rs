//! The web UI in a real browser: Debian's Chromium without a display, on a real server, driven from outside by the same
//! protocol as the window.

use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine;
use serde_json::json;

use crate::artefacts;
use crate::driver::Driver;
use crate::home::Home;
use crate::process::{Running, wait_until};
use crate::window::free_port;

/// The size of the first page: as large as the window's display.
const SIZE: (u32, u32) = (1440, 900);

/// A browser. The fields are dropped in this order: session, driver.
#[derive(Debug)]
pub struct Browser {
    driver: Driver,
    chromedriver: Running,
}

impl Browser {
    /// Opens an address in a browser that lives in this home.
    ///
    /// # Panics
    /// When a tool is not installed, or no page opens.
    pub fn open(home: &Home, url: &str) -> Self {
        let port = free_port();
        let mut command = Command::new("chromedriver");
        let log = fs::File::create(artefacts().join("chromedriver.log")).expect("a log can be written");
        home.settle(&mut command).arg(format!("--port={port}")).stdin(Stdio::null()).stdout(log).stderr(Stdio::null());
        let chromedriver = Running::start(&mut command);
        let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!(wait_until(Duration::from_secs(20), listens).is_some(), "chromedriver does not listen");
        let profile = home.path().join("chromium");
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {
                "binary": "/usr/bin/chromium",
                "args": [
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--force-color-profile=srgb",
                    format!("--user-data-dir={}", profile.display()),
                    format!("--window-size={},{}", SIZE.0, SIZE.1),
                ],
                "prefs": { "download.default_directory": home.downloads() },
            },
        });
        let driver = Driver::connect(port, &capabilities).expect("the browser opens");
        driver.go_to(url).expect("the page opens");
        Self { driver, chromedriver }
    }

    /// The page in it.
    pub fn page(&self) -> &Driver {
        &self.driver
    }

    /// Leaves a picture of the page among the artefacts.
    ///
    /// # Panics
    /// When it cannot be taken.
    pub fn screenshot(&self, name: &str) {
        let picture = self.driver.screenshot().expect("a page can be seen");
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture).expect("a picture comes as base64");
        fs::write(artefacts().join(format!("{name}.png")), bytes).expect("a picture can be written");
    }

    /// Closes the browser.
    pub fn quit(mut self) {
        self.driver.close();
        self.chromedriver.ends_within(Duration::from_millis(100));
    }
}
