//! The tool of recall memory. Dates work, unlike in V1 on a server of one's own: they are read in the user's time zone,
//! and an end date without a time means the end of that day. Results of tools, and the agent's own earlier searches,
//! are not among the results: they would answer the question with itself.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use resident_memory::{Reason, RecallQuery};
use resident_store::{Message, Role};
use serde_json::{Value, json};

use super::schema::{Kind, Parameter};
use super::{Arguments, CONVERSATION_SEARCH, SearchContext, Tool, ToolError, ToolFunction, package};

const DEFAULT_RESULTS: i64 = 5;
const MOST_RESULTS: i64 = 50;

/// So many more hits are asked for than shown, so that what is left out does not leave a page short.
const SPARE_RESULTS: usize = 10;

pub(super) static SEARCH: Tool = Tool {
    name: CONVERSATION_SEARCH,
    description: "Searches everything that was said between you and the user, by meaning, words, speaker and date. Use \
                  it when the user refers to something said before that you no longer see.",
    parameters: &[
        Parameter::optional("query", Kind::Text, "What to look for. Left out, the newest messages are shown."),
        Parameter::optional("roles", Kind::SomeOf(&["assistant", "user", "tool"]), "Only what these speakers said."),
        Parameter::optional("limit", Kind::Integer, "How many results, 5 when left out."),
        Parameter::optional("start_date", Kind::Text, "Only from this date or time on (ISO 8601)."),
        Parameter::optional("end_date", Kind::Text, "Only up to this date or time (ISO 8601); a date is included."),
    ],
    aliases: &[("start_datetime", "start_date"), ("end_datetime", "end_date"), ("top_k", "limit")],
    function: ToolFunction::Search(search),
};

fn search(context: &SearchContext<'_>, arguments: &Arguments) -> Result<String, ToolError> {
    let limit = arguments.optional_integer("limit")?.unwrap_or(DEFAULT_RESULTS).clamp(1, MOST_RESULTS);
    let limit = usize::try_from(limit).expect("clamped to a small positive number");
    let query = RecallQuery {
        text: arguments.optional_text("query")?.unwrap_or_default().to_owned(),
        roles: roles(arguments)?,
        from_ms: start_of(arguments, "start_date", context.zone)?,
        to_ms: end_of(arguments, "end_date", context.zone)?,
        conversation_id: None,
        limit: limit + SPARE_RESULTS,
        exclude_turn: Some(context.turn_id.clone()),
    };
    let hits = context.memory.search_messages(&context.agent.id, &query)?;
    let hits: Vec<_> =
        hits.into_iter().filter(|hit| hit.message.id != *context.asked && !is_echo(&hit.message)).take(limit).collect();
    if hits.is_empty() {
        return Ok(json!({ "message": "No results found.", "results": [] }).to_string());
    }
    let results: Vec<_> = hits
        .iter()
        .map(|hit| {
            let message = &hit.message;
            let mut result = json!({
                "timestamp": package::time(message.created_at_ms, context.zone),
                "time_ago": time_ago(context.now_ms - message.created_at_ms),
                "role": message.role,
                "content": message.content,
            });
            if !query.text.trim().is_empty() {
                result["relevance"] = reasons(&hit.reasons);
            }
            result
        })
        .collect();
    Ok(json!({ "message": format!("Showing {} results:", results.len()), "results": results }).to_string())
}

/// The speakers asked for; the user and the agent when none are. Tool results are never searched, whatever was asked.
fn roles(arguments: &Arguments) -> Result<Vec<Role>, ToolError> {
    let mut roles = Vec::new();
    for word in arguments.texts("roles")? {
        match word.as_str() {
            "user" => roles.push(Role::User),
            "assistant" => roles.push(Role::Assistant),
            "tool" => {}
            other => return Err(arguments.wrong("roles", "a list of `user` and `assistant`", &Value::from(other))),
        }
    }
    Ok(if roles.is_empty() { vec![Role::User, Role::Assistant] } else { roles })
}

/// Whether a message only repeats an earlier search.
fn is_echo(message: &Message) -> bool {
    message.role == Role::Tool || message.tool_calls.iter().any(|call| call.name == CONVERSATION_SEARCH)
}

/// Why something was found, in words.
pub(super) fn reasons(reasons: &[Reason]) -> Value {
    Value::String(reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// The beginning of what an argument names.
pub(super) fn start_of(arguments: &Arguments, name: &str, zone: &TimeZone) -> Result<Option<i64>, ToolError> {
    instant(arguments, name, zone, DayEdge::Start)
}

/// The first moment after what an argument names: after the day, where it names a day.
pub(super) fn end_of(arguments: &Arguments, name: &str, zone: &TimeZone) -> Result<Option<i64>, ToolError> {
    instant(arguments, name, zone, DayEdge::End)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DayEdge {
    Start,
    End,
}

fn instant(arguments: &Arguments, name: &str, zone: &TimeZone, edge: DayEdge) -> Result<Option<i64>, ToolError> {
    let Some(text) = arguments.optional_text(name)?.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    parse_instant(text, zone, edge).map(Some).ok_or_else(|| {
        arguments.wrong(name, "a date like 2026-11-23 or a time like 2026-11-23T14:30", &Value::from(text))
    })
}

fn parse_instant(text: &str, zone: &TimeZone, edge: DayEdge) -> Option<i64> {
    // An end is the first moment that does not count any more.
    let past = match edge {
        DayEdge::Start => 0,
        DayEdge::End => 1,
    };
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_millisecond() + past);
    }
    let in_zone = |zoned: Zoned| zoned.timestamp().as_millisecond();
    // A date parses as a date and time at midnight too, so how it is written decides which is meant.
    if text.contains([':', 'T']) {
        return text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok().map(|zoned| in_zone(zoned) + past);
    }
    let date = text.parse::<Date>().ok()?;
    match edge {
        DayEdge::Start => date.to_zoned(zone.clone()).ok().map(in_zone),
        DayEdge::End => date.checked_add(1.day()).ok()?.to_zoned(zone.clone()).ok().map(in_zone),
    }
}

/// How long ago, in the largest unit that fits.
fn time_ago(elapsed_ms: i64) -> String {
    const UNITS: [(i64, &str); 5] = [
        (31_536_000_000, "year"),
        (2_592_000_000, "month"),
        (86_400_000, "day"),
        (3_600_000, "hour"),
        (60_000, "minute"),
    ];
    for (unit_ms, name) in UNITS {
        match elapsed_ms / unit_ms {
            ..=0 => {}
            1 => return format!("1 {name} ago"),
            count => return format!("{count} {name}s ago"),
        }
    }
    "just now".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_date_includes_its_day() {
        let zone = TimeZone::UTC;
        let day = 86_400_000;
        assert_eq!(parse_instant("1970-01-02", &zone, DayEdge::Start), Some(day));
        assert_eq!(parse_instant("1970-01-02", &zone, DayEdge::End), Some(2 * day));
        assert_eq!(parse_instant("1970-01-02T01:00", &zone, DayEdge::End), Some(day + 3_600_001));
        assert_eq!(parse_instant("1970-01-02T01:00:00Z", &zone, DayEdge::End), Some(day + 3_600_001));
        assert_eq!(parse_instant("1970-01-02T01:00:00+01:00", &zone, DayEdge::Start), Some(day));
        assert_eq!(parse_instant("yesterday", &zone, DayEdge::Start), None);
    }

    #[test]
    fn time_is_told_in_the_largest_unit() {
        assert_eq!(time_ago(59_000), "just now");
        assert_eq!(time_ago(60_000), "1 minute ago");
        assert_eq!(time_ago(3 * 86_400_000), "3 days ago");
        assert_eq!(time_ago(-5), "just now");
    }
}
