//! Dates in the words of a query: "yesterday", "last week", "three days ago", "last spring", "in May 2023", "on 7 May",
//! "two weeks before 7 May", "2023-05-07".
//!
//! What they name becomes a soft preference in ranking and never a filter: people misremember dates, and a memory about
//! May need not have been said in May.

use jiff::{
    Span, Timestamp, ToSpan, Zoned,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use super::words::words;

/// A span of time that a query names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateRange {
    /// Its first millisecond.
    pub(crate) from_ms: i64,
    /// The first millisecond after it.
    pub(crate) to_ms: i64,
}

impl DateRange {
    /// Whether a moment lies in it.
    pub(crate) fn contains(self, at_ms: i64) -> bool {
        (self.from_ms..self.to_ms).contains(&at_ms)
    }

    /// How near a moment lies to it, 0..1: 1 within, and less with every day outside. What happened is more often told
    /// in the days after than announced in those before.
    pub(crate) fn nearness(self, at_ms: i64) -> f64 {
        const DAY_MS: f64 = 86_400_000.0;
        const FADES_AFTER_DAYS: f64 = 7.0;
        const FADES_BEFORE_DAYS: f64 = 3.0;
        let days_before = (self.from_ms - at_ms).max(0) as f64 / DAY_MS;
        let days_after = (at_ms - self.to_ms + 1).max(0) as f64 / DAY_MS;
        (-days_before / FADES_BEFORE_DAYS - days_after / FADES_AFTER_DAYS).exp()
    }
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

const NUMBERS: [&str; 12] =
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// Whether a word of a query that names a time is likely a part of that name.
pub(crate) fn is_of_a_date(word: &str) -> bool {
    month(word).is_some()
        || day_of_month(word).is_some()
        || year(word).is_some()
        || Unit::of(word).is_some()
        || matches!(word, "spring" | "summer" | "autumn" | "fall" | "winter")
        || WEEKDAYS.iter().any(|(name, _)| *name == word)
        || NUMBERS.contains(&word)
        || matches!(word, "yesterday" | "today" | "tonight" | "last" | "previous" | "past" | "ago")
}

/// The first span of time that `query` names, as it is understood at `now_ms` in `time_zone`; `None` when it names none.
pub(crate) fn named_range(query: &str, now_ms: i64, time_zone: &TimeZone) -> Option<DateRange> {
    let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(time_zone.clone());
    // A date stands in a sentence; nobody writes it behind a page of text.
    let words: Vec<String> = words(query).take(200).collect();
    let (first, after) = (0..words.len())
        .find_map(|at| days_named(&words[at..], at.checked_sub(1).map(|b| words[b].as_str()), now.date()))?;
    range(first, after, &now)
}

/// The first day and the day after the last that `words` begin with. `before` is the word in front of them.
fn days_named(words: &[String], before: Option<&str>, today: Date) -> Option<(Date, Date)> {
    let word = |at: usize| words.get(at).map(String::as_str);
    beside_a_date(words, today)
        .or_else(|| relative(word(0)?, word(1), word(2), today))
        .or_else(|| weekday(word(0)?, before, today))
        .or_else(|| iso(word(0)?, word(1), word(2)))
        .or_else(|| named_month(words, before, today))
        .or_else(|| season(words, before, today))
        .or_else(|| year_alone(word(0)?, before))
}

/// "two weeks before 7 May", "the day after 2023-05-07".
fn beside_a_date(words: &[String], today: Date) -> Option<(Date, Date)> {
    let word = |at: usize| words.get(at).map(String::as_str);
    let (count, unit_at) = number(word(0)?).map_or((1, 0), |count| (count, 1));
    let unit = Unit::of(word(unit_at)?)?;
    let direction = word(unit_at + 1)?;
    let (date, _) = days_named(&words[unit_at + 2..], Some(direction), today)?;
    match direction {
        "before" => unit.around(unit.back(date, count)?),
        "after" => unit.around(unit.back(date, -count)?),
        _ => None,
    }
}

/// "last spring", "in the summer of 2022", "winter 2022" (the one that begins in that year), in the northern hemisphere.
fn season(words: &[String], before: Option<&str>, today: Date) -> Option<(Date, Date)> {
    let word = |at: usize| words.get(at).map(String::as_str);
    let first_month = match word(0)? {
        "spring" => 3,
        "summer" => 6,
        "autumn" | "fall" => 9,
        "winter" => 12,
        _ => return None,
    };
    let year = word(if word(1) == Some("of") { 2 } else { 1 }).and_then(self::year);
    // "spring" and "fall" are verbs too.
    let meant = year.is_some() || matches!(before, Some("in" | "since" | "during" | "last" | "this" | "the"));
    let begins = |year| Date::new(year, first_month, 1).ok().filter(|_| meant);
    let begun = match year {
        Some(year) => begins(year)?,
        None => begins(today.year()).filter(|date| *date <= today).or_else(|| begins(today.year() - 1))?,
    };
    // "last spring" said in spring is that of the year before.
    let ends = |date: Date| date.checked_add(3.months()).ok();
    let begun = if before == Some("last") && ends(begun)? > today { begins(begun.year() - 1)? } else { begun };
    Some((begun, ends(begun)?))
}

fn relative(first: &str, second: Option<&str>, third: Option<&str>, today: Date) -> Option<(Date, Date)> {
    match (first, second) {
        ("today" | "tonight", _) => return day(today),
        ("yesterday", _) => return day(today.checked_sub(1.day()).ok()?),
        _ => {}
    }
    let unit = Unit::of(second?)?;
    match first {
        "this" => unit.around(today),
        "last" | "previous" | "past" => unit.around(unit.back(today, 1)?),
        _ if third == Some("ago") => {
            let count = number(first)?;
            unit.around(unit.back(today, count)?)
        }
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum Unit {
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    fn of(word: &str) -> Option<Self> {
        match word {
            "day" | "days" | "night" => Some(Self::Day),
            "week" | "weeks" => Some(Self::Week),
            "month" | "months" => Some(Self::Month),
            "year" | "years" => Some(Self::Year),
            _ => None,
        }
    }

    fn span(self, count: i64) -> Option<Span> {
        let span = Span::new();
        match self {
            Self::Day => span.try_days(count),
            Self::Week => span.try_weeks(count),
            Self::Month => span.try_months(count),
            Self::Year => span.try_years(count),
        }
        .ok()
    }

    fn back(self, date: Date, count: i64) -> Option<Date> {
        date.checked_sub(self.span(count)?).ok()
    }

    /// The calendar unit that `date` lies in.
    fn around(self, date: Date) -> Option<(Date, Date)> {
        let first = match self {
            Self::Day => date,
            Self::Week => date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).ok()?,
            Self::Month => date.first_of_month(),
            Self::Year => date.first_of_year(),
        };
        Some((first, first.checked_add(self.span(1)?).ok()?))
    }
}

/// "on Monday", "last Friday": the latest such day before today.
fn weekday(word: &str, before: Option<&str>, today: Date) -> Option<(Date, Date)> {
    let (_, weekday) = WEEKDAYS.iter().find(|(name, _)| *name == word)?;
    matches!(before, Some("on" | "last" | "this")).then_some(())?;
    day(today.nth_weekday(-1, *weekday).ok()?)
}

/// "2023-05-07", which the words are cut from.
fn iso(year: &str, month: Option<&str>, day_of_month: Option<&str>) -> Option<(Date, Date)> {
    let month = month.filter(|month| month.len() == 2)?.parse().ok()?;
    let day_of_month = day_of_month.filter(|day| day.len() == 2)?.parse().ok()?;
    day(Date::new(self::year(year)?, month, day_of_month).ok()?)
}

/// "7 May 2023", "7th of May", "May 7, 2023", "May 2023", "in May": without a year the latest one that is not to come.
fn named_month(words: &[String], before: Option<&str>, today: Date) -> Option<(Date, Date)> {
    let word = |at: usize| words.get(at).map(String::as_str);
    let (day_before, month_at) = match word(0).and_then(day_of_month) {
        Some(day) if word(1) == Some("of") => (Some(day), 2),
        Some(day) => (Some(day), 1),
        None => (None, 0),
    };
    let month = month(word(month_at)?)?;
    let day_after = if day_before.is_none() { word(month_at + 1).and_then(day_of_month) } else { None };
    let year = word(month_at + 1 + usize::from(day_after.is_some())).and_then(self::year);
    let Some(day_of_month) = day_before.or(day_after) else {
        // "may" and "march" are verbs too.
        let meant = year.is_some() || matches!(before, Some("in" | "since" | "during" | "of" | "last" | "this"));
        let year = year.unwrap_or(if month > today.month() { today.year() - 1 } else { today.year() });
        return meant.then(|| Unit::Month.around(Date::new(year, month, 1).ok()?)).flatten();
    };
    match year {
        Some(year) => day(Date::new(year, month, day_of_month).ok()?),
        None => {
            let this_year = Date::new(today.year(), month, day_of_month).ok()?;
            day(if this_year > today { this_year.checked_sub(1.year()).ok()? } else { this_year })
        }
    }
}

/// "in 2023".
fn year_alone(word: &str, before: Option<&str>) -> Option<(Date, Date)> {
    matches!(before, Some("in" | "since" | "during" | "of")).then_some(())?;
    Unit::Year.around(Date::new(year(word)?, 1, 1).ok()?)
}

fn day(date: Date) -> Option<(Date, Date)> {
    Unit::Day.around(date)
}

fn month(word: &str) -> Option<i8> {
    let at = MONTHS.iter().position(|name| *name == word || (word.len() == 3 && name.starts_with(word)))?;
    i8::try_from(at + 1).ok()
}

fn year(word: &str) -> Option<i16> {
    word.parse().ok().filter(|year| word.len() == 4 && (1900..2200).contains(year))
}

fn day_of_month(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let ending = &word[digits.len()..];
    matches!(ending, "" | "st" | "nd" | "rd" | "th")
        .then(|| digits.parse().ok())
        .flatten()
        .filter(|day| (1..=31).contains(day))
}

fn number(word: &str) -> Option<i64> {
    if matches!(word, "a" | "an") {
        return Some(1);
    }
    let written = NUMBERS.iter().position(|name| *name == word).and_then(|at| i64::try_from(at + 1).ok());
    written.or_else(|| word.parse().ok().filter(|count| (1..1_000).contains(count)))
}

fn range(first: Date, after: Date, now: &Zoned) -> Option<DateRange> {
    let start = |date: Date| Some(date.to_zoned(now.time_zone().clone()).ok()?.timestamp().as_millisecond());
    Some(DateRange { from_ms: start(first)?, to_ms: start(after)? })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::named_range;

    /// Friday, 2023-11-17, 15:00 UTC.
    const NOW: i64 = 1_700_233_200_000;

    fn check(query: &str, expected: Option<(&str, &str)>) {
        let date = |ms| jiff::Timestamp::from_millisecond(ms).unwrap().to_zoned(TimeZone::UTC).date().to_string();
        let found = named_range(query, NOW, &TimeZone::UTC).map(|range| (date(range.from_ms), date(range.to_ms)));
        let found = found.as_ref().map(|(from, to)| (from.as_str(), to.as_str()));
        assert_eq!(found, expected, "{query}");
    }

    #[test]
    fn dates_in_words_are_understood() {
        check("what did we do yesterday?", Some(("2023-11-16", "2023-11-17")));
        check("today", Some(("2023-11-17", "2023-11-18")));
        check("last week's plans", Some(("2023-11-06", "2023-11-13")));
        check("this month", Some(("2023-11-01", "2023-12-01")));
        check("three weeks ago", Some(("2023-10-23", "2023-10-30")));
        check("2 days ago", Some(("2023-11-15", "2023-11-16")));
        check("a year ago", Some(("2022-01-01", "2023-01-01")));
        check("on Monday", Some(("2023-11-13", "2023-11-14")));
        check("last Friday", Some(("2023-11-10", "2023-11-11")));
        check("trips in May 2023", Some(("2023-05-01", "2023-06-01")));
        check("trips in May", Some(("2023-05-01", "2023-06-01")));
        check("trips in December", Some(("2022-12-01", "2023-01-01")));
        check("on 7 May, 2023", Some(("2023-05-07", "2023-05-08")));
        check("the 7th of May", Some(("2023-05-07", "2023-05-08")));
        check("on Dec 24th", Some(("2022-12-24", "2022-12-25")));
        check("May 7, 2022", Some(("2022-05-07", "2022-05-08")));
        check("notes of 2023-05-07", Some(("2023-05-07", "2023-05-08")));
        check("31 February 2023", Some(("2023-02-01", "2023-03-01")));
        check("in 2021", Some(("2021-01-01", "2022-01-01")));
        check("last spring", Some(("2023-03-01", "2023-06-01")));
        check("last autumn", Some(("2022-09-01", "2022-12-01")));
        check("this fall", Some(("2023-09-01", "2023-12-01")));
        check("the summer of 2022", Some(("2022-06-01", "2022-09-01")));
        check("winter 2021", Some(("2021-12-01", "2022-03-01")));
        check("two weeks before 7 May 2023", Some(("2023-04-17", "2023-04-24")));
        check("the day after 2023-05-07", Some(("2023-05-08", "2023-05-09")));
        check("a month before May 2023", Some(("2023-04-01", "2023-05-01")));
    }

    #[test]
    fn other_words_are_no_dates() {
        for query in [
            "may I ask",
            "march on",
            "room 2023",
            "last dance",
            "99999999 years ago",
            "",
            "sun",
            "spring on",
            "two weeks before the trip",
        ] {
            check(query, None);
        }
    }

    #[test]
    fn days_begin_at_midnight_of_the_time_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let range = named_range("today", NOW, &zone).unwrap();
        assert_eq!(range.from_ms, 1_700_172_000_000);
        assert!(range.contains(NOW) && !range.contains(range.to_ms));
    }
}
