//! What was measured, as a table and as rows of JSON.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

/// What building an index took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Built {
    pub(crate) seconds: f64,
    /// Memory of the process for it that is not a file's; `None` where the system does not tell.
    pub(crate) memory_mib: Option<f64>,
    /// Size of its file.
    pub(crate) disk_mib: f64,
}

/// One program's figures.
pub(crate) struct Measured {
    name: &'static str,
    built: Built,
    times_ms: Vec<f64>,
    recalls: Vec<f64>,
    /// Median time to open what was saved.
    pub(crate) open_ms: Option<f64>,
}

impl Measured {
    /// Nothing asked yet.
    pub(crate) fn new(name: &'static str, built: Built) -> Self {
        Self { name, built, times_ms: Vec::new(), recalls: Vec::new(), open_ms: None }
    }

    /// Adds the answer to a question.
    pub(crate) fn add(&mut self, ms: f64, recall: f64) {
        self.times_ms.push(ms);
        self.recalls.push(recall);
    }

    /// The time of all answers.
    pub(crate) fn spent_ms(&self) -> f64 {
        self.times_ms.iter().sum()
    }

    fn percentile(&self, part: f64) -> f64 {
        let mut times = self.times_ms.clone();
        times.sort_by(f64::total_cmp);
        times
            .get(((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1)))
            .copied()
            .unwrap_or(f64::NAN)
    }

    fn recall(&self) -> f64 {
        self.recalls.iter().sum::<f64>() / self.recalls.len() as f64
    }

    /// The figures that are compared: a name, the figure, and whether more is better.
    fn figures(&self) -> [(&'static str, Option<f64>, bool); 7] {
        [
            ("p50 ms", Some(self.percentile(0.5)), false),
            ("p95 ms", Some(self.percentile(0.95)), false),
            ("recall@10", Some(self.recall()), true),
            ("build s", Some(self.built.seconds), false),
            ("open ms", self.open_ms, false),
            ("memory MiB", self.built.memory_mib, false),
            ("disk MiB", Some(self.built.disk_mib), false),
        ]
    }
}

/// All figures of a run.
pub(crate) struct Report {
    /// How many vectors were stored.
    pub(crate) size: usize,
    /// The instructions that Resident used.
    pub(crate) kernel: &'static str,
    pub(crate) own: Measured,
    pub(crate) peers: Vec<Measured>,
}

impl Report {
    /// Prints a table.
    pub(crate) fn print(&self) {
        println!("\n{} vectors, {}, {} questions\n", self.size, self.kernel, self.own.times_ms.len());
        let names = self.own.figures().map(|(name, _, _)| name);
        println!("| | {} |", names.join(" | "));
        println!("|---|{}", "---|".repeat(names.len()));
        for measured in std::iter::once(&self.own).chain(&self.peers) {
            let cells = measured.figures().map(|(name, figure, _)| match figure {
                Some(figure) if name == "recall@10" => format!("{figure:.4}"),
                Some(figure) if figure < 100.0 => format!("{figure:.2}"),
                Some(figure) => format!("{figure:.0}"),
                None => "?".to_owned(),
            });
            println!("| {} | {} |", measured.name, cells.join(" | "));
        }
    }

    /// Writes a row for each figure and each of the others.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(&self.rows())?;
        text.push('\n');
        fs::write(path, text)
    }

    fn rows(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        for peer in &self.peers {
            for ((name, ours, more_is_better), (_, theirs, _)) in self.own.figures().into_iter().zip(peer.figures()) {
                let (Some(ours), Some(theirs)) = (ours, theirs) else { continue };
                let ratio = if more_is_better { ours / theirs } else { theirs / ours };
                let case = format!("{} vectors, {name}, against {}", self.size, peer.name);
                rows.push(
                    json!({"case": case, "ours": rounded(ours), "peer": rounded(theirs), "ratio": rounded(ratio)}),
                );
            }
        }
        rows
    }
}

fn rounded(figure: f64) -> f64 {
    (figure * 1e4).round() / 1e4
}
