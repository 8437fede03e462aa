//! Resident in a real window: the real program on a virtual display, driven from outside.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::display::Display;
use crate::driver::Driver;
use crate::home::Home;
use crate::process::{Running, wait_until};
use crate::{artefacts, program};

/// What the driver and the program need to meet. Without the first two the session hangs; the accessibility bus is not
/// there, and there is no graphics card.
const ENVIRONMENT: [(&str, &str); 5] = [
    ("TAURI_AUTOMATION", "true"),
    ("TAURI_WEBVIEW_AUTOMATION", "true"),
    ("NO_AT_BRIDGE", "1"),
    ("WEBKIT_DISABLE_DMABUF_RENDERER", "1"),
    ("WEBKIT_DISABLE_COMPOSITING_MODE", "1"),
];

/// The size of the display: the largest window that a journey looks at.
const DISPLAY: (u32, u32) = (1440, 900);

/// An open window. The fields are dropped in this order: session, driver, display.
#[derive(Debug)]
pub struct Window {
    driver: Driver,
    server: Running,
    display: Display,
}

impl Window {
    /// Starts Resident in this home.
    ///
    /// # Panics
    /// When a tool is not installed, or no window opens.
    pub fn open(home: &Home) -> Self {
        Self::open_with(home, &program("resident-desktop"), &[])
    }

    /// The same, with every system call that concerns a socket written to a file.
    ///
    /// # Panics
    /// As [`Window::open`].
    pub fn open_traced(home: &Home, trace: &Path) -> Self {
        let arguments = crate::trace::arguments(trace, &program("resident-desktop"));
        Self::open_with(home, Path::new("/usr/bin/strace"), &arguments)
    }

    /// The same, with any program that has a Tauri window.
    ///
    /// # Panics
    /// As [`Window::open`].
    pub fn open_with(home: &Home, binary: &Path, arguments: &[String]) -> Self {
        let display = Display::new(DISPLAY.0, DISPLAY.1);
        let port = free_port();
        let mut command = Command::new("dbus-run-session");
        command.args(["--", "WebKitWebDriver", &format!("--port={port}")]);
        home.settle(&mut command).envs(ENVIRONMENT).env("DISPLAY", display.name());
        let log = std::fs::File::create(artefacts().join("webdriver.log")).expect("a log can be written");
        let errors = log.try_clone().expect("a file can be opened twice");
        let server = Running::start(command.stdin(Stdio::null()).stdout(log).stderr(errors));
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!(wait_until(Duration::from_secs(20), listens).is_some(), "WebKitWebDriver does not listen");
        let capabilities = json!({
            "webkitgtk:browserOptions": { "binary": binary, "args": arguments },
        });
        let driver = Driver::connect(port, &capabilities).expect("the window opens");
        Self { driver, server, display }
    }

    /// The page in it.
    pub fn page(&self) -> &Driver {
        &self.driver
    }

    /// Leaves a picture of the window among the artefacts.
    ///
    /// # Panics
    /// When it cannot be taken.
    pub fn screenshot(&self, name: &str) {
        // What was drawn last is on the display one frame later.
        std::thread::sleep(Duration::from_millis(400));
        let place = self.driver.place().expect("a window is somewhere");
        self.display.screenshot(place, &artefacts().join(format!("{name}.png")));
    }

    /// Answers the dialog that asks where to save a file.
    ///
    /// # Panics
    /// When there is none.
    pub fn save_as(&self, file: &Path) {
        self.display.answer("Save File", &file.to_string_lossy());
    }

    /// Drags files from another program to the middle of the window.
    ///
    /// # Panics
    /// When they cannot be dragged.
    pub fn drag_in(&self, files: &[PathBuf]) {
        let (x, y, width, height) = self.driver.place().expect("a window is somewhere");
        self.display.drag(files, (x + width / 2, y + height / 2));
    }

    /// Quits Resident as closing its window does, and waits until it has.
    pub fn quit(mut self) {
        self.driver.close();
        self.server.ends_within(Duration::from_secs(1));
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port is free");
    listener.local_addr().expect("a bound socket has an address").port()
}
