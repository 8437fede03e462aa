//! A `resident server` of its own: started on a port, stopped as Ctrl-C stops it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::home::Home;
use crate::process::{Running, first_line};
use crate::program;

/// A server that runs.
#[derive(Debug)]
pub struct Served {
    process: Running,
    address: String,
    token: String,
}

impl Served {
    /// Serves the profile of this home; port 0 is any free one.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(home: &Home, port: u16) -> Self {
        let mut command = Command::new(program("resident"));
        command.args(["server", "--json", "--port", &port.to_string()]);
        let mut process = Running::start(home.settle(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()));
        let mut output = process.child().stdout.take().expect("the output is piped");
        let said: Value = serde_json::from_str(&first_line(&mut output)).expect("the server says where it listens");
        // What follows is read away, so that it never waits for a reader.
        std::thread::spawn(move || BufReader::new(output).lines().for_each(drop));
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        Self { process, address: text("address"), token: text("token") }
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The port in it.
    ///
    /// # Panics
    /// Never: the server names its port.
    pub fn port(&self) -> u16 {
        self.address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address has a port")
    }

    /// What it wants to be shown.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Starts it again where it was.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self, home: &Home) {
        *self = Self::start(home, self.port());
    }

    /// Stops it as Ctrl-C does.
    ///
    /// # Panics
    /// When it goes on.
    pub fn stop(&mut self) {
        self.process.interrupt();
        assert!(self.process.ends_within(Duration::from_secs(8)), "the server stops, whoever has its page open");
    }
}
