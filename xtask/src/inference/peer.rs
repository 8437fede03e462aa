//! The other program, in a Python process that answers one line with one line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::{Arguments, BenchError};

/// A program that is compared with.
pub(crate) struct Program {
    name: &'static str,
    script: &'static str,
}

/// Runs GGUF files.
pub(crate) const LLAMA: Program = Program { name: "llama.cpp", script: include_str!("llama.py") };

/// Runs the default embedder in eight bits.
pub(crate) const ONNXRUNTIME: Program = Program { name: "onnxruntime", script: include_str!("onnxruntime.py") };

/// The other program, where there is one.
pub(crate) struct Peer(Option<Running>);

struct Running {
    name: &'static str,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it, if there is a Python for it.
    pub(crate) fn start(program: &Program, arguments: &Arguments, files: &[&Path]) -> Result<Self, BenchError> {
        let Some(python) = &arguments.python else { return Ok(Self(None)) };
        let mut command = Command::new(python);
        command.args(["-B", "-c", program.script]).arg(arguments.threads.to_string()).args(files);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let failed = |error: std::io::Error| BenchError::Peer { peer: program.name, reason: error.to_string() };
        let mut process = command.spawn().map_err(failed)?;
        let questions = process.stdin.take().expect("its input was piped above");
        let answers = BufReader::new(process.stdout.take().expect("its output was piped above"));
        Ok(Self(Some(Running { name: program.name, process, questions, answers })))
    }

    /// The number that it answers; `None` where there is no other program.
    pub(crate) fn ask(&mut self, question: &Value) -> Result<Option<f64>, BenchError> {
        let Some(Running { name, questions, answers, .. }) = &mut self.0 else { return Ok(None) };
        let failed = |reason: String| BenchError::Peer { peer: name, reason };
        writeln!(questions, "{question}").map_err(|error| failed(error.to_string()))?;
        let mut line = String::new();
        answers.read_line(&mut line).map_err(|error| failed(error.to_string()))?;
        let number = line.trim().parse();
        number.map(Some).map_err(|_| failed("it did not answer; what it said stands above".to_owned()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
