//! Search through recall and archival memory: by words (FTS5, BM25) and by meaning (vectors), fused on scores. What is
//! not embedded yet is found by its words; each hit says why it was found.

mod dates;
mod messages;
mod passages;
mod rank;
mod reason;
mod words;

pub use messages::{RecallHit, RecallQuery};
pub use passages::{ArchivalHit, ArchivalPage, ArchivalQuery, Sort};
pub use reason::Reason;

use dates::DateRange;
use jiff::tz::TimeZone;

/// A query, taken apart once for both searches.
struct Question {
    terms: Vec<String>,
    match_expression: String,
    dates: Option<DateRange>,
}

impl Question {
    /// `None` when the text has no words, so that nothing is asked.
    fn read(text: &str, now_ms: i64, time_zone: &TimeZone) -> Option<Self> {
        let terms = words::terms(text);
        if terms.is_empty() {
            return None;
        }
        let match_expression = words::match_expression(&terms);
        Some(Self { terms, match_expression, dates: dates::named_range(text, now_ms, time_zone) })
    }

    fn names_time_of(&self, at_ms: i64) -> bool {
        self.dates.is_some_and(|dates| dates.contains(at_ms))
    }
}
