//! Days that are named from today ("next Tuesday", "in two weeks") with the date beside them.
//!
//! A memory is read months after it was said, so the user's words are kept and the date is put after them in brackets:
//! "next Tuesday (1 December 2026)". A weekday without "next" or "this" stays as it is, since it may come every week.
//! Today is the day of the user's message in the user's time zone, and is passed in.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::patterns::patterns;

patterns! {
    /// A day or a time named from today.
    RELATIVE = r"(?ix)\b(?:
        (?P<two>the\ day\ after\ tomorrow|the\ day\ before\ yesterday)
        | (?P<one>today|tonight|this\ (?:morning|afternoon|evening)|tomorrow|yesterday)
        | (?P<which>next|this\ coming|this|coming|last)\ (?P<day>monday|tuesday|wednesday|thursday|friday|saturday|sunday|weekend)
        | (?P<whose>next|last)\ (?P<span>week|month|year)
        | in\ (?P<count>\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve)\ (?P<unit>day|week|month|year)s?(?:'\ time)?
        | (?P<past_count>\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve)\ (?P<past_unit>day|week|month|year)s?\ ago
        )\b(?P<dated>\ \()?";
    /// The same with the date that [`dated`] puts after it.
    DATED = r"(?i)\b((?:tomorrow|yesterday|today|tonight|morning|afternoon|evening|monday|tuesday|wednesday|thursday|friday|saturday|sunday|weekend|days?|weeks?|months?|years?|time|ago)) \((?:week of )?(?:\d{1,2} )?(?:(?:january|february|march|april|may|june|july|august|september|october|november|december) )?\d{4}\)";
}

/// `text` with a date after each day that is named from `today`.
pub(super) fn dated(text: &str, today: Date) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for found in RELATIVE.captures_iter(text) {
        let whole = found.get(0).map_or(0..0, |whole| whole.range());
        let date = if found.name("dated").is_some() { None } else { resolved(&found, today) };
        let Some(date) = date else { continue };
        out += &text[from..whole.end];
        out += &format!(" ({date})");
        from = whole.end;
    }
    out + &text[from..]
}

/// `text` without the dates that [`dated`] put into it.
pub fn undated(text: &str) -> String {
    DATED.replace_all(text, "$1").into_owned()
}

fn resolved(found: &regex::Captures<'_>, today: Date) -> Option<String> {
    let part = |name: &str| found.name(name).map(|part| part.as_str().to_lowercase());
    if let Some(two) = part("two") {
        return Some(day(today.saturating_add(if two.ends_with("tomorrow") { 2 } else { -2 }.days())));
    }
    if let Some(one) = part("one") {
        let days = match one.as_str() {
            "tomorrow" => 1,
            "yesterday" => -1,
            _today => 0,
        };
        return Some(day(today.saturating_add(days.days())));
    }
    if let (Some(which), Some(named)) = (part("which"), part("day")) {
        return Some(day(on_weekday(&which, &named, today)));
    }
    if let (Some(whose), Some(span)) = (part("whose"), part("span")) {
        let ahead = if whose == "next" { 1 } else { -1 };
        return Some(match span.as_str() {
            "week" => format!("week of {}", day(monday_of(today).saturating_add((7 * ahead).days()))),
            "month" => month(today.saturating_add(ahead.months())),
            _year => today.saturating_add(ahead.years()).year().to_string(),
        });
    }
    let (count, unit, sign) = match (part("count"), part("unit")) {
        (Some(count), Some(unit)) => (count, unit, 1),
        _past => (part("past_count")?, part("past_unit")?, -1),
    };
    let count = sign * number(&count)?;
    Some(match unit.as_str() {
        "day" => day(today.saturating_add(count.days())),
        "week" => day(today.saturating_add((7 * count).days())),
        "month" => month(today.saturating_add(count.months())),
        _year => today.saturating_add(count.years()).year().to_string(),
    })
}

/// "This Friday" is the first from today on, "next Friday" the one of the week that begins next Monday, "last Friday" the
/// latest that is over.
fn on_weekday(which: &str, named: &str, today: Date) -> Date {
    let weekday = match named {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "sunday" => Weekday::Sunday,
        // A weekend begins on its Saturday.
        _saturday => Weekday::Saturday,
    };
    let in_week = i64::from(weekday.to_monday_zero_offset());
    let todays = i64::from(today.weekday().to_monday_zero_offset());
    let days = match which {
        "next" => 7 - todays + in_week,
        "last" => -((todays - in_week - 1).rem_euclid(7) + 1),
        "this" => (in_week - todays).rem_euclid(7),
        _coming => (in_week - todays - 1).rem_euclid(7) + 1,
    };
    today.saturating_add(days.days())
}

fn monday_of(date: Date) -> Date {
    date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days())
}

fn day(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

fn month(date: Date) -> String {
    date.strftime("%B %Y").to_string()
}

fn number(word: &str) -> Option<i64> {
    const WORDS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    if matches!(word, "a" | "an") {
        return Some(1);
    }
    let spelt = || WORDS.iter().position(|spelt| *spelt == word).and_then(|at| i64::try_from(at + 1).ok());
    word.parse().ok().or_else(spelt)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_named_from_today_get_their_date() {
        // A Monday.
        let today = date(2026, 11, 23);
        for (said, kept) in [
            ("My appointment is next Tuesday.", "My appointment is next Tuesday (1 December 2026)."),
            ("The plumber comes this Friday at 9", "The plumber comes this Friday (27 November 2026) at 9"),
            ("I fly tomorrow", "I fly tomorrow (24 November 2026)"),
            ("We met last Monday", "We met last Monday (16 November 2026)"),
            ("The lease ends in two months", "The lease ends in two months (January 2027)"),
            ("I moved here 3 years ago", "I moved here 3 years ago (2023)"),
            ("My exam is in 10 days, wish me luck", "My exam is in 10 days (3 December 2026), wish me luck"),
            ("We go hiking next week", "We go hiking next week (week of 30 November 2026)"),
            ("Mum visits next weekend", "Mum visits next weekend (5 December 2026)"),
            ("the day after tomorrow is a holiday", "the day after tomorrow (25 November 2026) is a holiday"),
            ("My band rehearses on Tuesdays", "My band rehearses on Tuesdays"),
            ("My dentist is on Tuesday", "My dentist is on Tuesday"),
        ] {
            assert_eq!(dated(said, today), kept);
            assert_eq!(undated(kept), said);
            assert_eq!(dated(kept, today), kept, "a date is not put twice");
        }
    }

    #[test]
    fn a_year_of_the_users_own_stays() {
        for own in ["I bought the house (2019).", "The song is from May (1971)"] {
            assert_eq!(undated(own), own);
        }
    }

    proptest::proptest! {
        #[test]
        fn weekdays_fall_where_their_words_say(offset in 0_i64..2000, at in 0_usize..7) {
            let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
            let today = date(2024, 1, 1).saturating_add(offset.days());
            let days = |which: &str| today.until(on_weekday(which, names[at], today)).unwrap().get_days();
            proptest::prop_assert!((0..7).contains(&days("this")));
            proptest::prop_assert!((1..=7).contains(&days("coming")));
            proptest::prop_assert!((-7..=-1).contains(&days("last")));
            proptest::prop_assert!((1..=13).contains(&days("next")));
            let weekday = on_weekday("next", names[at], today).weekday();
            proptest::prop_assert_eq!(usize::try_from(weekday.to_monday_zero_offset()).unwrap(), at);
        }
    }
}
