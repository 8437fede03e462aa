//! The server under load: the `resident` command as a process of its own, on a profile that nothing else has touched.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::Client;

/// The name of the endpoint in the server's settings.
const ENDPOINT: &str = "scripted";

/// Processor time is told in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// The server. Dropping it ends it.
pub(crate) struct Server {
    pub(crate) address: String,
    process: Child,
}

impl Server {
    /// Starts `program` on a profile within `home`, with an endpoint whose model agents are to name.
    pub(crate) fn start(program: &Path, home: &Path, endpoint: &str) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg("--json").arg("--profile").arg(home.join("profile"));
        command.args(["server", "--no-auth", "--port", "0"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(home.join("server.log"))?);
        let mut process = command.spawn()?;
        let mut line = String::new();
        if let Some(said) = process.stdout.take() {
            BufReader::new(said).read_line(&mut line)?;
        }
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let server = Self { address: said["address"].as_str().unwrap_or_default().to_owned(), process };
        if server.address.is_empty() {
            return Err(io::Error::other(fs::read_to_string(home.join("server.log"))?));
        }
        let body = json!({ "id": ENDPOINT, "baseUrl": endpoint });
        server.client().json("POST", "/app/request/saveEndpoint", Some(&body))?;
        Ok(server)
    }

    /// A connection to it.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Makes an agent that a model of the endpoint answers for; its id.
    pub(crate) fn create_agent(&self, name: &str, model: &str) -> io::Result<String> {
        let body = json!({ "name": name, "model": format!("remote/{ENDPOINT}/{model}") });
        let agent = self.client().json("POST", "/v1/agents/", Some(&body))?;
        Ok(agent["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Its resident memory in bytes; `None` where the system does not say.
    pub(crate) fn memory_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
    }

    /// The processor time that it has used; `None` where the system does not say.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // The program's name, in parentheses, may have spaces in it; the times are the 12th and 13th after it.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |place: usize| fields.get(place)?.parse::<u32>().ok();
        Some(TICK * (ticks(11)? + ticks(12)?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
