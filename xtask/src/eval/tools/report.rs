//! The figures: a table for people, JSON for `docs/benchmarks`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::assistant::Seen;
use super::score::Score;
use crate::eval::EvalError;

/// Counts of one kind of case.
#[derive(Debug, Default)]
struct Tally {
    cases: usize,
    /// Right and asked, for each figure.
    figures: BTreeMap<&'static str, (usize, usize)>,
}

/// Everything that was measured.
#[derive(Debug)]
pub(super) struct Report {
    seeds: u64,
    verbose: bool,
    began: Instant,
    kinds: Vec<(&'static str, Tally)>,
    cases: Vec<Value>,
}

/// One run of a case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) seed: u64,
    pub(super) kind: &'static str,
    pub(super) text: &'a str,
}

/// The figures and their goals in percent.
const FIGURES: [(&str, usize); 5] =
    [("valid", 100), ("right tool", 90), ("right text", 85), ("wrote", 100), ("answered", 75)];

impl Report {
    /// Nothing is counted yet; with `verbose`, what goes right is shown too.
    pub(super) fn new(seeds: u64, verbose: bool) -> Self {
        Self { seeds, verbose, began: Instant::now(), kinds: Vec::new(), cases: Vec::new() }
    }

    /// Counts a case, and shows it when it went wrong or everything is to be shown.
    pub(super) fn add(&mut self, run: Run<'_>, seen: &Seen, score: Score) {
        let Run { seed, kind, text } = run;
        let Score { valid, right_tool, right_text, wrote, answered, problem } = score;
        let figures =
            [Some(valid), right_tool, right_text, wrote, answered].into_iter().zip(FIGURES.map(|(name, _)| name));
        let asked: Vec<(&str, bool)> = figures.filter_map(|(value, name)| Some((name, value?))).collect();
        let at = self.kinds.iter().position(|(name, _)| *name == kind).unwrap_or_else(|| {
            self.kinds.push((kind, Tally::default()));
            self.kinds.len() - 1
        });
        let tally = &mut self.kinds[at].1;
        tally.cases += 1;
        for (name, right) in &asked {
            let (count, of) = tally.figures.entry(name).or_default();
            *count += usize::from(*right);
            *of += 1;
        }
        let calls: Vec<Value> = seen
            .calls
            .iter()
            .map(|call| json!({"tool": call.tool, "arguments": call.arguments, "failed": call.failed}))
            .collect();
        if self.verbose || asked.iter().any(|(_, right)| !right) {
            let wrong: Vec<_> = asked.iter().filter(|(_, right)| !right).map(|(name, _)| *name).collect();
            let mark = if wrong.is_empty() { "ok".to_owned() } else { format!("WRONG ({})", wrong.join(", ")) };
            println!("{mark}  seed {seed}  {kind}: {text}");
            for call in &seen.calls {
                println!("    {} {}", call.tool, call.arguments);
            }
            println!("    \u{2192} {}", seen.answer);
            if let Some(problem) = &problem {
                println!("    {problem}");
            }
        }
        let figures: serde_json::Map<String, Value> =
            asked.into_iter().map(|(name, right)| (name.to_owned(), json!(right))).collect();
        self.cases.push(json!({
            "seed": seed, "kind": kind, "text": text, "calls": calls, "answer": seen.answer, "figures": figures,
            "problem": problem,
        }));
    }

    fn total(&self, figure: &str) -> (usize, usize) {
        let counts = self.kinds.iter().filter_map(|(_, tally)| tally.figures.get(figure));
        counts.fold((0, 0), |(right, of), (more, asked)| (right + more, of + asked))
    }

    /// The table.
    pub(super) fn print(&self) {
        print!("\n{:<16}{:>6}", "", "runs");
        for (name, _) in FIGURES {
            print!("{name:>18}");
        }
        println!();
        for (kind, tally) in &self.kinds {
            print!("{kind:<16}{:>6}", tally.cases);
            for (name, _) in FIGURES {
                print!("{:>18}", share(tally.figures.get(name).copied()));
            }
            println!();
        }
        print!("{:<16}{:>6}", "all", self.cases.len());
        for (name, _) in FIGURES {
            print!("{:>18}", share(Some(self.total(name))));
        }
        print!("\n{:<22}", "goal");
        for (_, goal) in FIGURES {
            print!("{:>18}", format!("{goal} %"));
        }
        println!("\n{} seeds, {:.0} s", self.seeds, self.began.elapsed().as_secs_f64());
    }

    /// Writes everything as JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, path: &Path) -> Result<(), EvalError> {
        let figures: serde_json::Map<String, Value> = FIGURES
            .iter()
            .map(|(name, goal)| {
                let (right, of) = self.total(name);
                ((*name).to_owned(), json!({"right": right, "of": of, "goal_percent": goal}))
            })
            .collect();
        let report = json!({"seeds": self.seeds, "figures": figures, "cases": self.cases});
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(path, text).map_err(|source| EvalError::File { action: "write", path: path.to_owned(), source })
    }
}

fn share(counts: Option<(usize, usize)>) -> String {
    match counts {
        Some((right, of)) if of > 0 => format!("{right}/{of} {:.1} %", right as f64 * 100.0 / of as f64),
        Some(_) | None => "-".to_owned(),
    }
}
