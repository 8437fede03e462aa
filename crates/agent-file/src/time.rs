//! Moments as agent files write them: ISO 8601 with an offset, or without one, which means UTC. Only that form is kept as
//! it came; everything else that can be understood is written anew in it.

/// Milliseconds since the Unix epoch of the moment that `text` names, rounded down: `2025-10-31T22:56:56.459100+00:00`,
/// `2025-10-31 22:56:56Z` or `2025-10-31`. `None` where it names none.
pub fn ms_of(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let day = day_of(date)?;
    if rest.is_empty() {
        return Some(day * DAY_MS);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let clock = clock.as_bytes();
    if clock[2] != b':' || clock[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (digits(&clock[..2])?, digits(&clock[3..5])?, digits(&clock[6..])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("0", rest),
    };
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let ms = digits(format!("{fraction:0<3}").get(..3)?.as_bytes())?;
    let of_day = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
    Some(day * DAY_MS + of_day - offset_ms(zone)?)
}

/// The moment `ms` milliseconds after the Unix epoch as agent files write it: `2025-10-31T22:56:56.459+00:00`. Years
/// before 0 and after 9999, which that form does not know, are shown as the nearest that it does.
pub fn text_of(ms: i64) -> String {
    let ms = ms.clamp(FIRST_MS, LAST_MS);
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let of_day = ms.rem_euclid(DAY_MS);
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}+00:00", of_day % 1000)
}

const DAY_MS: i64 = 86_400_000;
/// The first moment of the year 1 and the last of the year 9999: what four digits can name and V1 reads.
const FIRST_MS: i64 = -62_135_596_800_000;
const LAST_MS: i64 = 253_402_300_799_999;

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

fn offset_ms(zone: &str) -> Option<i64> {
    let sign = match zone.bytes().next() {
        None => return Some(0),
        Some(b'Z' | b'z') => return (zone.len() == 1).then_some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let zone = &zone.as_bytes()[1..];
    let (hours, minutes) = match zone.len() {
        4 => (&zone[..2], &zone[2..]),
        5 if zone[2] == b':' => (&zone[..2], &zone[3..]),
        _ => return None,
    };
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}

/// Days since the Unix epoch of `YYYY-MM-DD`.
fn day_of(date: &str) -> Option<i64> {
    let bytes = date.as_bytes();
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(&bytes[..4])?, digits(&bytes[5..7])?, digits(&bytes[8..])?);
    let days = days_since_epoch(year, month, day);
    // A date that is in no calendar comes out as another one.
    (year > 0 && civil(days) == (year, month, day)).then_some(days)
}

/// Days since the Unix epoch in the proleptic Gregorian calendar. Years are counted from March, so that the leap day is
/// the last of its year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (cycle, of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    // 719,468 days lie between 1 March of the year 0 and the epoch.
    cycle * 146_097 + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + day_of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (cycle, of_cycle) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_cycle = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let day_of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_cycle + cycle * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_are_read_in_the_forms_that_files_have() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2025-10-31T22:56:56.459100+00:00", Some(1_761_951_416_459)),
            ("2025-10-31T22:56:56.459100", Some(1_761_951_416_459)),
            ("2025-10-31 23:56:56.4+0100", Some(1_761_951_416_400)),
            ("2024-02-29", Some(1_709_164_800_000)),
            ("2023-02-29", None),
            ("2025-13-01T00:00:00Z", None),
            ("2025-10-31T24:00:00Z", None),
            ("2025-10-31T22:56", None),
            ("2025-10-31T22:56:56.Z", None),
            ("2025-10-31T22:56:56+25:00", None),
            ("tomorrow", None),
            ("\u{661}\u{662}\u{663}\u{664}-10-31", None),
            ("", None),
        ] {
            assert_eq!(ms_of(text), ms, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_moment_that_is_written_reads_back(ms in FIRST_MS..=LAST_MS) {
            prop_assert_eq!(ms_of(&text_of(ms)), Some(ms));
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,40}") {
            let _ = ms_of(&text);
        }
    }
}
