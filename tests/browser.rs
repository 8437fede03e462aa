//! The web UI in a real browser: the real server, and Debian's Chromium without a display, driven from outside by the
//! same protocol as the window.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};

use crate::driver::Driver;
use crate::home::Home;
use crate::process::{Running, first_line, wait_until};
use crate::window::free_port;
use crate::{artefacts, program};

/// The size of the first page: as large as the window's display.
const SIZE: (u32, u32) = (1440, 900);

/// A browser on a server of its own. The fields are dropped in this order: session, driver, server.
#[derive(Debug)]
pub struct Browser {
    driver: Driver,
    chromedriver: Running,
    server: Running,
    address: String,
    token: String,
}

impl Browser {
    /// Starts `resident server` in this home and opens its address, with the token as it prints it.
    ///
    /// # Panics
    /// When a tool is not installed, or no page opens.
    pub fn open(home: &Home) -> Self {
        let mut command = Command::new(program("resident"));
        command.args(["server", "--port", "0", "--json"]);
        let server = Running::start(home.settle(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()));
        let (server, said) = read_first_line(server);
        let said: Value = serde_json::from_str(&said).expect("the server says where it listens");
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let (address, token) = (text("address"), text("token"));

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
            },
        });
        let driver = Driver::connect(port, &capabilities).expect("the browser opens");
        driver.go_to(&format!("http://{address}/#token={token}")).expect("the page opens");
        Self { driver, chromedriver, server, address, token }
    }

    /// The page in it.
    pub fn page(&self) -> &Driver {
        &self.driver
    }

    /// Where the server listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What the server wants to be shown.
    pub fn token(&self) -> &str {
        &self.token
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

    /// Closes the browser and stops the server as Ctrl-C does.
    ///
    /// # Panics
    /// When the server does not stop.
    pub fn quit(mut self) {
        self.driver.close();
        self.chromedriver.ends_within(Duration::from_millis(100));
        self.server.interrupt();
        assert!(self.server.ends_within(Duration::from_secs(20)), "the server stops");
    }
}

/// The first line that a server prints; what follows is read away, so that it never waits for a reader.
fn read_first_line(mut server: Running) -> (Running, String) {
    let mut output = server.child().stdout.take().expect("the output is piped");
    let line = first_line(&mut output);
    std::thread::spawn(move || BufReader::new(output).lines().for_each(drop));
    (server, line)
}
