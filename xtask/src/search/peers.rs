//! The other programs. Each is a Python process that answers one line with one line.

use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::report::Built;
use crate::vectors::DIMENSION;
use crate::{Arguments, NEAREST, SearchError};

/// All others.
pub(crate) const PEERS: [&str; 3] = ["sqlite-vec", "faiss flat f32", "usearch HNSW f32"];

/// The script that they run.
const SCRIPT: &str = include_str!("peers.py");

/// Another program.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) built: Built,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts a program and has it build its index from the vectors in `folder`; `None` when it takes too long.
    pub(crate) fn start(name: &'static str, arguments: &Arguments, folder: &Path) -> Result<Option<Self>, SearchError> {
        let failed = |reason: String| SearchError::Peer { peer: name, reason };
        let mut command = Command::new(&arguments.python);
        let numbers = [arguments.size, DIMENSION, NEAREST, arguments.patience_s];
        command.args(["-B", "-c", SCRIPT, name]).arg(folder).args(numbers.map(|number| number.to_string()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| failed(error.to_string()))?;
        let questions = process.stdin.take().expect("its input was piped above");
        let answers = BufReader::new(process.stdout.take().expect("its output was piped above"));
        let built = Built { seconds: 0.0, memory_mib: None, disk_mib: 0.0 };
        let mut peer = Self { name, built, process, questions, answers };
        let said = peer.ask(&json!({"do": "build"}))?;
        if let Some(reason) = said["gave_up"].as_str() {
            println!("{name} is left out: {reason}");
            return Ok(None);
        }
        let number = |field: &str| said[field].as_f64();
        peer.built = Built {
            seconds: number("seconds").unwrap_or_default(),
            memory_mib: number("memory_mib"),
            disk_mib: number("disk_mib").unwrap_or_default(),
        };
        Ok(Some(peer))
    }

    /// The milliseconds that each question takes, and what is found.
    pub(crate) fn search(&mut self, questions: Range<usize>) -> Result<Vec<(f64, Vec<i64>)>, SearchError> {
        let said = self.ask(&json!({"do": "search", "start": questions.start, "end": questions.end}))?;
        let answers = said["answers"].as_array().map_or(&[][..], Vec::as_slice);
        let keys = |found: &Value| found.as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
        Ok(answers.iter().map(|answer| (answer["ms"].as_f64().unwrap_or(f64::NAN), keys(&answer["keys"]))).collect())
    }

    /// The median of the milliseconds that opening what it saved takes.
    pub(crate) fn open(&mut self) -> Result<f64, SearchError> {
        Ok(self.ask(&json!({"do": "open"}))?["ms"].as_f64().unwrap_or(f64::NAN))
    }

    fn ask(&mut self, question: &Value) -> Result<Value, SearchError> {
        let failed = |reason: String| SearchError::Peer { peer: self.name, reason };
        writeln!(self.questions, "{question}").map_err(|error| failed(error.to_string()))?;
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(|error| failed(error.to_string()))?;
        serde_json::from_str(&line).map_err(|_| failed("it did not answer; what it said stands above".to_owned()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
