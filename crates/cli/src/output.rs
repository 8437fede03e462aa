//! What the command prints, and its exit codes.

use std::process::ExitCode;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use resident_app::api::{ApiError, ErrorCode};
use serde::Serialize;

/// Prints for people or for programs.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints a result: as JSON, or as the text that `text` makes of it.
    #[expect(clippy::print_stdout, reason = "results of a command go to standard output")]
    pub(crate) fn value<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) {
        if self.json {
            println!("{}", serde_json::to_string_pretty(value).expect("results are plain data"));
        } else {
            let text = text(value);
            if !text.is_empty() {
                println!("{text}");
            }
        }
    }

    /// Prints one line of JSON, whatever was asked for.
    #[expect(clippy::print_stdout, reason = "events of a chat go to standard output")]
    pub(crate) fn line<T: Serialize>(self, value: &T) {
        println!("{}", serde_json::to_string(value).expect("events are plain data"));
    }

    /// Says what goes on, beside the result.
    #[expect(clippy::print_stderr, reason = "what is no result goes to standard error")]
    pub(crate) fn note(self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }

    /// Prints an error and returns its exit code.
    #[expect(clippy::print_stderr, reason = "errors of a command go to standard error")]
    pub(crate) fn fail(self, error: &ApiError) -> ExitCode {
        if self.json {
            eprintln!("{}", serde_json::to_string(error).expect("errors are plain data"));
        } else {
            eprintln!("resident: {error}");
        }
        exit_code(error.code)
    }
}

/// 1 something failed, 2 a wrong argument (also from the parser), 3 no such thing, 4 the profile cannot be used, 5 a
/// model or endpoint failed, 130 stopped.
pub(crate) fn exit_code(code: ErrorCode) -> ExitCode {
    ExitCode::from(match code {
        ErrorCode::Invalid
        | ErrorCode::OverLimit
        | ErrorCode::TooLong
        | ErrorCode::Unsupported
        | ErrorCode::Forbidden => 2,
        ErrorCode::NotFound => 3,
        ErrorCode::Profile | ErrorCode::InUse | ErrorCode::DiskFull => 4,
        ErrorCode::Offline | ErrorCode::Model | ErrorCode::Endpoint => 5,
        ErrorCode::Cancelled => 130,
        ErrorCode::Conflict | ErrorCode::Internal => 1,
    })
}

/// A time as people here write it, to the minute.
pub(crate) fn time(at_ms: i64) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(at_ms) else { return String::new() };
    timestamp.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Rows with columns as wide as their widest cell.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The first line of a text, cut to `length` characters.
pub(crate) fn first_line(text: &str, length: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(length).collect();
    if cut.len() < text.len() { cut + "…" } else { cut }
}
