//! What was measured, as text and as rows of JSON.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clients::{Records, Streams};

/// What a load showed.
pub(crate) struct Report {
    /// Resident's own share of each turn of each client, in their order.
    pub(crate) own: Vec<Vec<Duration>>,
    /// What requests without work took.
    pub(crate) idle: Vec<Duration>,
    pub(crate) errors: Vec<String>,
    /// How many turns were asked for.
    pub(crate) asked: usize,
    pub(crate) seconds: f64,
    /// Processor time of the server.
    pub(crate) processor: Option<Duration>,
    /// Of the server, twice a second.
    pub(crate) memory: Vec<u64>,
    pub(crate) records: Records,
    pub(crate) streams_open: usize,
    pub(crate) streams: Streams,
}

impl Report {
    /// Whether every turn was answered and recorded once and in its place, and every stream came to its end.
    pub(crate) fn is_whole(&self) -> bool {
        let all = self.own.concat().len() == self.asked && self.streams.whole == self.streams_open;
        all && self.errors.is_empty() && self.records == Records::default()
    }

    /// For the person who started it.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| writeln!(text, "{name:44} {value}").expect("text takes any");
        for (name, figure) in self.figures() {
            line(name, figure.map_or_else(|| "not known".to_owned(), |figure| format!("{figure:.1}")));
        }
        let own = (0..10)
            .map(|tenth| percentile_ms(&self.tenth(tenth), 95).map_or_else(String::new, |ms| format!("{ms:.1}")));
        line("95th percentile in every tenth, ms", own.collect::<Vec<_>>().join(" "));
        let tenths = self.memory.len().div_ceil(10).max(1);
        let memory = self.memory.iter().step_by(tenths).map(|bytes| format!("{:.0}", mib(*bytes)));
        line("memory at every tenth, MiB", memory.collect::<Vec<_>>().join(" "));
        for error in self.errors.iter().take(5) {
            line("error", error.clone());
        }
        text
    }

    /// `{"case", "ours"}` for each figure.
    pub(crate) fn rows(&self) -> Value {
        let figures = self.figures().into_iter();
        Value::Array(figures.map(|(case, ours)| json!({ "case": format!("load: {case}"), "ours": ours })).collect())
    }

    /// Resident's own share of the turns in a tenth of the run.
    fn tenth(&self, tenth: usize) -> Vec<Duration> {
        let part = |own: &Vec<Duration>| own[own.len() * tenth / 10..own.len() * (tenth + 1) / 10].to_vec();
        self.own.iter().flat_map(part).collect()
    }

    fn figures(&self) -> Vec<(&'static str, Option<f64>)> {
        let count = |count: usize| Some(count as f64);
        let Records { lost, doubled, disordered } = self.records;
        let own = self.own.concat();
        let processor = self.processor.map(|time| 1000.0 * time.as_secs_f64() / own.len().max(1) as f64);
        let later = &self.memory[self.memory.len() / 2..];
        vec![
            ("turns", count(own.len())),
            ("turns a second", Some(own.len() as f64 / self.seconds)),
            ("errors", count(self.errors.len())),
            ("messages lost", count(lost)),
            ("messages doubled", count(doubled)),
            ("agents out of order", count(disordered)),
            ("own share of a turn, median, ms", percentile_ms(&own, 50)),
            ("own share of a turn, 95th percentile, ms", percentile_ms(&own, 95)),
            ("own share of a turn, 99th percentile, ms", percentile_ms(&own, 99)),
            ("processor time of the server a turn, ms", processor),
            ("a request without work, median, ms", percentile_ms(&self.idle, 50)),
            ("a request without work, 95th percentile, ms", percentile_ms(&self.idle, 95)),
            ("memory, least of the second half, MiB", later.iter().min().map(|bytes| mib(*bytes))),
            ("memory, most of the second half, MiB", later.iter().max().map(|bytes| mib(*bytes))),
            ("streams open at once", count(self.streams_open)),
            ("streams whole", count(self.streams.whole)),
            ("a request without work meanwhile, median, ms", percentile_ms(&self.streams.health, 50)),
            ("memory meanwhile, MiB", self.streams.memory_bytes.map(mib)),
        ]
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn percentile_ms(times: &[Duration], percent: usize) -> Option<f64> {
    let mut times = times.to_vec();
    times.sort_unstable();
    let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(place).map(|time| 1000.0 * time.as_secs_f64())
}
