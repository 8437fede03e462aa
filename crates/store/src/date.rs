//! Dates in words, for the text that is searched, and time stamps for file names. In UTC, so that a derived row depends
//! on nothing but the text and time of what it is derived from.

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAY_MS: i64 = 86_400_000;

/// The day of `at_ms` in words, such as "7 May 2023".
pub(crate) fn day_in_words(at_ms: i64) -> String {
    let (year, month, day) = civil(at_ms.div_euclid(DAY_MS));
    format!("{day} {} {year}", MONTHS[month - 1])
}

/// The moment `at_ms` as a part of a file name that sorts by time: "20230507T143000.250Z".
pub(crate) fn stamp(at_ms: i64) -> String {
    let (year, month, day) = civil(at_ms.div_euclid(DAY_MS));
    let ms = at_ms.rem_euclid(DAY_MS);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{:03}Z", ms % 1000)
}

/// The moment that a [`stamp`] names.
pub(crate) fn parse_stamp(stamp: &str) -> Option<i64> {
    let digits = |range: std::ops::Range<usize>| stamp.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (digits(0..4)?, digits(4..6)?, digits(6..8)?);
    let ms = digits(9..11)? * 3_600_000 + digits(11..13)? * 60_000 + digits(13..15)? * 1000 + digits(16..19)?;
    let at_ms = days_since_epoch(year, month, day) * DAY_MS + ms;
    // A stamp that names no real moment does not come out of `stamp` again.
    (self::stamp(at_ms) == stamp).then_some(at_ms)
}

/// Year, month and day of the proleptic Gregorian calendar. Years are counted from March here, so that the leap day is
/// the last of its year and a month's first day is a linear function of the month.
fn civil(days: i64) -> (i64, usize, i64) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    // 719,468 days lie between 1 March of the year 0 and the epoch.
    let days = days + 719_468;
    let (cycle, day_of_cycle) = (days.div_euclid(DAYS_OF_400_YEARS), days.rem_euclid(DAYS_OF_400_YEARS));
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    (year, usize::try_from(month).expect("a month is between 1 and 12"), day)
}

fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month_from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (cycle, year_of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    cycle * 146_097 + year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_in_words() {
        for (at_ms, words) in [
            (0, "1 January 1970"),
            (-1, "31 December 1969"),
            (1_683_469_800_000, "7 May 2023"),
            (951_782_400_000, "29 February 2000"),
            (4_107_542_400_000, "1 March 2100"),
        ] {
            assert_eq!(day_in_words(at_ms), words);
        }
    }

    #[test]
    fn stamps_sort_by_time_and_read_back() {
        assert_eq!(stamp(1_683_469_800_250), "20230507T143000.250Z");
        for at_ms in (0..4_000).map(|n| n * 1_234_567_891) {
            assert_eq!(parse_stamp(&stamp(at_ms)), Some(at_ms));
            assert!(stamp(at_ms) < stamp(at_ms + 1));
        }
        for other in ["", "20231340T143000.250Z", "20230507T143000.250Z.db", "garbage", "2023é507T143000.250Z"] {
            assert_eq!(parse_stamp(other), None, "{other}");
        }
    }
}
