//! How results, alerts and user messages are packed for the model, in V1's form. The store keeps the plain text; the
//! packing happens when a prompt is composed, so that people and searches never see it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use resident_store::ToolStatus;
use serde_json::json;

/// V1's limit on what a tool returns.
const LONGEST_RESULT_CHARS: usize = 50_000;

/// The result of a tool.
pub(crate) fn pack_result(status: ToolStatus, message: &str, at_ms: i64, zone: &TimeZone) -> String {
    let status = match status {
        ToolStatus::Ok => "OK",
        ToolStatus::Failed => "Failed",
    };
    json!({ "status": status, "message": message, "time": time(at_ms, zone) }).to_string()
}

/// What the user said.
pub(crate) fn pack_user_message(message: &str, at_ms: i64, zone: &TimeZone) -> String {
    json!({ "type": "user_message", "message": message, "time": time(at_ms, zone) }).to_string()
}

/// A note of Resident: a heartbeat, or an alert.
pub(crate) fn pack_alert(kind: &str, message: &str, at_ms: i64, zone: &TimeZone) -> String {
    match kind {
        "heartbeat" => json!({ "type": "heartbeat", "reason": message, "time": time(at_ms, zone) }).to_string(),
        _alert => json!({ "type": "system_alert", "message": message, "time": time(at_ms, zone) }).to_string(),
    }
}

/// A time as the model reads it, such as "2026-11-23 02:15:04 PM UTC+0000".
pub(crate) fn time(at_ms: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned(zone.clone());
    at.strftime("%Y-%m-%d %I:%M:%S %p %Z%z").to_string()
}

/// `result`, or its beginning and a word on how much is left out.
pub(crate) fn cut_result(result: String) -> String {
    let chars = result.chars().count();
    if chars <= LONGEST_RESULT_CHARS {
        return result;
    }
    let kept: String = result.chars().take(LONGEST_RESULT_CHARS).collect();
    format!("{kept}… [the result was cut: {LONGEST_RESULT_CHARS} of {chars} characters are shown]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_packed_as_the_models_know_them() {
        let packed = pack_result(ToolStatus::Failed, "say \"it\"", 1_700_000_000_000, &TimeZone::UTC);
        insta::assert_snapshot!(packed, @r#"{"status":"Failed","message":"say \"it\"","time":"2023-11-14 10:13:20 PM UTC+0000"}"#);
        let beat = pack_alert("heartbeat", "go on", 0, &TimeZone::UTC);
        insta::assert_snapshot!(beat, @r#"{"type":"heartbeat","reason":"go on","time":"1970-01-01 12:00:00 AM UTC+0000"}"#);
    }

    #[test]
    fn a_long_result_is_cut_with_a_word() {
        assert_eq!(cut_result("short".to_owned()), "short");
        let cut = cut_result("é".repeat(LONGEST_RESULT_CHARS + 1));
        assert!(cut.ends_with("[the result was cut: 50000 of 50001 characters are shown]"));
    }
}
