//! The figures: a table for people, JSON for whoever compares.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::corpus::{Conversation, Question};
use crate::eval::EvalError;

/// The categories of LoCoMo that have an answer, and are reported together.
const ANSWERABLE: [&str; 4] = ["1", "2", "3", "4"];

/// What a question found.
pub(super) struct Answer<'a> {
    pub(super) conversation: &'a Conversation,
    pub(super) question: &'a Question,
    /// The turns, best first.
    pub(super) found: &'a [String],
    pub(super) took: Duration,
}

/// The figures of some questions, summed up.
#[derive(Debug, Default, Clone)]
struct Tally {
    recall: [f64; 3],
    reciprocal_rank: f64,
    took_ms: Vec<f64>,
}

/// How many turns each of the recall figures looks at.
const DEPTHS: [usize; 3] = [5, 10, 20];

/// Everything that was measured.
#[derive(Debug, Default)]
pub(super) struct Report {
    verbose: bool,
    by_category: BTreeMap<String, Tally>,
    left_out: usize,
    record_s: f64,
    embed_s: f64,
    size_bytes: u64,
}

impl Report {
    /// Nothing is counted yet; with `verbose`, questions that do badly are shown.
    pub(super) fn new(verbose: bool) -> Self {
        Self { verbose, ..Self::default() }
    }

    /// Notes how long recording took.
    pub(super) fn recorded(&mut self, took: Duration) {
        self.record_s = took.as_secs_f64();
    }

    /// Notes how long embedding took, and how large the profile is then.
    pub(super) fn embedded(&mut self, took: Duration, size_bytes: u64) {
        self.embed_s = took.as_secs_f64();
        self.size_bytes = size_bytes;
    }

    /// Counts a question that has no evidence.
    pub(super) fn left_out(&mut self) {
        self.left_out += 1;
    }

    /// Counts a question.
    pub(super) fn add(&mut self, answer: Answer<'_>) {
        let Answer { conversation, question, found, took } = answer;
        let evidence: HashSet<&str> = question.evidence.iter().map(String::as_str).collect();
        let tally = self.by_category.entry(question.category.clone()).or_default();
        let share = |depth: usize| {
            let right = found.iter().take(depth).filter(|turn| evidence.contains(turn.as_str())).count();
            right as f64 / evidence.len() as f64
        };
        for (sum, depth) in tally.recall.iter_mut().zip(DEPTHS) {
            *sum += share(depth);
        }
        let first = found.iter().position(|turn| evidence.contains(turn.as_str()));
        tally.reciprocal_rank += first.map_or(0.0, |rank| 1.0 / (rank + 1) as f64);
        tally.took_ms.push(took.as_secs_f64() * 1_000.0);
        if self.verbose && share(10) < 1.0 {
            println!("{} [{}] {}", conversation.id, question.category, question.text);
            for turn in &question.evidence {
                let rank = found.iter().position(|found| found == turn).map(|rank| rank + 1);
                let (said, _) = conversation.turns.iter().find(|(said, _)| said.id == *turn).expect("was checked");
                println!(
                    "    {} {turn} {}: {}",
                    rank.map_or("-".to_owned(), |r| r.to_string()),
                    said.speaker,
                    said.text
                );
            }
        }
    }

    fn sum(&self, wanted: impl Fn(&str) -> bool) -> Tally {
        let mut sum = Tally::default();
        for (_, tally) in self.by_category.iter().filter(|(category, _)| wanted(category)) {
            sum.recall.iter_mut().zip(tally.recall).for_each(|(sum, more)| *sum += more);
            sum.reciprocal_rank += tally.reciprocal_rank;
            sum.took_ms.extend(&tally.took_ms);
        }
        sum
    }

    fn rows(&self) -> Vec<(String, Tally)> {
        let mut rows = vec![
            ("all".to_owned(), self.sum(|_| true)),
            ("categories 1-4".to_owned(), self.sum(|category| ANSWERABLE.contains(&category))),
        ];
        rows.extend(self.by_category.iter().map(|(category, tally)| (format!("category {category}"), tally.clone())));
        rows
    }

    /// The table.
    pub(super) fn print(&self) {
        println!(
            "recorded in {:.1} s, embedded in {:.1} s, {:.1} MB on disk; {} questions without evidence left out",
            self.record_s,
            self.embed_s,
            self.size_bytes as f64 / 1e6,
            self.left_out
        );
        println!(
            "\n{:<18}{:>10}{:>8}{:>8}{:>8}{:>8}{:>9}{:>9}",
            "", "questions", "R@5", "R@10", "R@20", "MRR", "p50 ms", "p95 ms"
        );
        for (name, tally) in self.rows() {
            let Figures { questions, recall, mrr, p50_ms, p95_ms } = tally.figures();
            let [r5, r10, r20] = recall;
            println!("{name:<18}{questions:>10}{r5:>8.4}{r10:>8.4}{r20:>8.4}{mrr:>8.4}{p50_ms:>9.2}{p95_ms:>9.2}");
        }
    }

    /// Writes everything as JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, path: &Path) -> Result<(), EvalError> {
        let mut report = self.sum(|_| true).figures().json();
        report["categories_1_4"] = self.sum(|category| ANSWERABLE.contains(&category)).figures().json();
        let by_category = self.by_category.iter().map(|(category, tally)| (category.clone(), tally.figures().json()));
        report["by_category"] = Value::Object(by_category.collect());
        report["questions_without_evidence"] = json!(self.left_out);
        report["index"] = json!({"record_s": self.record_s, "embed_s": self.embed_s, "bytes": self.size_bytes});
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(path, text).map_err(|source| EvalError::File { action: "write", path: path.to_owned(), source })
    }
}

/// Means and percentiles of some questions; 0 where there are none.
struct Figures {
    questions: usize,
    recall: [f64; 3],
    mrr: f64,
    p50_ms: f64,
    p95_ms: f64,
}

impl Tally {
    fn figures(&self) -> Figures {
        let questions = self.took_ms.len();
        let mean = |sum: f64| if questions == 0 { 0.0 } else { sum / questions as f64 };
        let mut sorted = self.took_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let percentile = |percent: usize| {
            let rank = (questions * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).copied().unwrap_or_default()
        };
        Figures {
            questions,
            recall: self.recall.map(mean),
            mrr: mean(self.reciprocal_rank),
            p50_ms: percentile(50),
            p95_ms: percentile(95),
        }
    }
}

impl Figures {
    fn json(&self) -> Value {
        let Self { questions, recall: [r5, r10, r20], mrr, p50_ms, p95_ms } = self;
        json!({
            "recall_at_5": r5, "recall_at_10": r10, "recall_at_20": r20, "mrr": mrr,
            "p50_ms": p50_ms, "p95_ms": p95_ms, "questions": questions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recall_counts_evidence_and_the_first_hit_gives_the_rank() {
        let line = r#"{"id": "c", "sessions": [], "questions":
            [{"id": 1, "text": "?", "category": 2, "evidence": ["a", "b"]}]}"#;
        let conversation: Conversation = serde_json::from_str(line).unwrap();
        let found: Vec<String> = ["x", "a", "y", "z", "w", "v", "b"].map(str::to_owned).into();
        let mut report = Report::new(false);
        let question = &conversation.questions[0];
        report.add(Answer { conversation: &conversation, question, found: &found, took: Duration::from_millis(3) });
        let figures = report.sum(|_| true).figures();
        assert_eq!((figures.recall, figures.mrr, figures.p95_ms), ([0.5, 1.0, 1.0], 0.5, 3.0));
        assert_eq!(report.sum(|category| category == "9").figures().recall, [0.0; 3]);
    }
}
