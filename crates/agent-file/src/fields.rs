//! Takes the fields of one JSON object apart. What has a name here is taken out; what is left is kept as it is, so that a
//! round trip loses nothing. Wrong types are errors with their place; what is plainly meant (`"5000"` for 5000) is
//! taken as that, with a notice.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::limits::Counts;
use crate::notice::Notices;
use crate::place::Place;
use crate::{AgentFileError, Limits, NoticeKind, time};

/// What reading one file needs and gathers.
pub(crate) struct Context<'l> {
    pub(crate) limits: &'l Limits,
    pub(crate) notices: Notices,
    pub(crate) counts: Counts,
}

impl<'l> Context<'l> {
    pub(crate) fn new(limits: &'l Limits) -> Self {
        Self { limits, notices: Notices::default(), counts: Counts::default() }
    }

    pub(crate) fn mended(&mut self, place: &dyn Display, text: impl Into<String>) {
        self.notices.add(NoticeKind::Mended, place, text);
    }

    /// Counts `more` messages at `place`.
    pub(crate) fn count_messages(&mut self, place: &Place<'_>, more: usize) -> Result<(), AgentFileError> {
        self.counts.messages += more;
        within(place, self.counts.messages, "messages", self.limits.messages)
    }

    /// Counts `more` passages at `place`.
    pub(crate) fn count_passages(&mut self, place: &Place<'_>, more: usize) -> Result<(), AgentFileError> {
        self.counts.passages += more;
        within(place, self.counts.passages, "passages", self.limits.passages)
    }
}

/// An error where `found` things are more than `limit`.
pub(crate) fn within(place: &Place<'_>, found: usize, what: &'static str, limit: usize) -> Result<(), AgentFileError> {
    if found > limit {
        return Err(AgentFileError::TooMany { place: place.words(), what, found, limit });
    }
    Ok(())
}

/// The fields of one object that have not been taken yet.
pub(crate) struct Fields<'p> {
    map: Map<String, Value>,
    pub(crate) place: Place<'p>,
}

impl<'p> Fields<'p> {
    /// The fields of `value`, which has to be an object.
    pub(crate) fn new(value: Value, place: Place<'p>) -> Result<Self, AgentFileError> {
        match value {
            Value::Object(map) => Ok(Self { map, place }),
            other => Err(wrong(&place, "an object", &other)),
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_null())
    }

    /// What has not been taken.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.map
    }

    /// The value at `key`, if there is one that is not null.
    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.map.shift_remove(key).filter(|value| !value.is_null())
    }

    /// Puts a value back, for what is not understood after all.
    pub(crate) fn put_back(&mut self, key: &str, value: Value) {
        self.map.insert(key.to_owned(), value);
    }

    pub(crate) fn text(&mut self, key: &str, cx: &mut Context<'_>) -> Result<Option<String>, AgentFileError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => {
                cx.mended(
                    &self.place.key(key),
                    "A number stood where a text belongs; its digits are taken as the text.",
                );
                Ok(Some(number.to_string()))
            }
            Some(other) => Err(wrong(&self.place.key(key), "a text", &other)),
        }
    }

    pub(crate) fn required_text(&mut self, key: &'static str, cx: &mut Context<'_>) -> Result<String, AgentFileError> {
        self.text(key, cx)?.ok_or_else(|| AgentFileError::Missing { place: self.place.words(), key })
    }

    pub(crate) fn text_or_empty(&mut self, key: &str, cx: &mut Context<'_>) -> Result<String, AgentFileError> {
        Ok(self.text(key, cx)?.unwrap_or_default())
    }

    /// A whole number.
    pub(crate) fn whole(&mut self, key: &str, cx: &mut Context<'_>) -> Result<Option<i64>, AgentFileError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let place = self.place.key(key);
        if let Some(number) = value.as_i64() {
            return Ok(Some(number));
        }
        let meant = match &value {
            Value::String(digits) => digits.trim().parse().ok(),
            Value::Number(number) => whole_of(number),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let Some(meant) = meant else { return Err(wrong(&place, "a whole number", &value)) };
        if value.is_string() {
            cx.mended(&place, "A text stood where a number belongs; the number in it is taken.");
        }
        Ok(Some(meant))
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&mut self, key: &str, cx: &mut Context<'_>) -> Result<Option<u64>, AgentFileError> {
        let Some(number) = self.whole(key, cx)? else { return Ok(None) };
        if let Ok(count) = u64::try_from(number) {
            return Ok(Some(count));
        }
        cx.mended(&self.place.key(key), "A negative number stood where a size belongs; it is left out.");
        Ok(None)
    }

    pub(crate) fn flag(&mut self, key: &str, cx: &mut Context<'_>) -> Result<Option<bool>, AgentFileError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let place = self.place.key(key);
        let meant = match &value {
            Value::Bool(flag) => return Ok(Some(*flag)),
            Value::String(word) if word.eq_ignore_ascii_case("true") => true,
            Value::String(word) if word.eq_ignore_ascii_case("false") => false,
            Value::Number(number) if number.as_u64() == Some(1) => true,
            Value::Number(number) if number.as_u64() == Some(0) => false,
            _ => return Err(wrong(&place, "true or false", &value)),
        };
        cx.mended(&place, "A text or a number stood where true or false belongs; it is taken as that.");
        Ok(Some(meant))
    }

    pub(crate) fn object(&mut self, key: &str) -> Result<Option<Map<String, Value>>, AgentFileError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(wrong(&self.place.key(key), "an object", &other)),
        }
    }

    /// A list; empty where there is none.
    pub(crate) fn list(&mut self, key: &str) -> Result<Vec<Value>, AgentFileError> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(wrong(&self.place.key(key), "a list", &other)),
        }
    }

    /// A list of texts; empty where there is none.
    pub(crate) fn texts(&mut self, key: &str) -> Result<Vec<String>, AgentFileError> {
        let outer = self.place;
        let place = outer.key(key);
        let texts = self.list(key)?.into_iter().enumerate().map(|(index, value)| match value {
            Value::String(text) => Ok(text),
            other => Err(wrong(&place.index(index), "a text", &other)),
        });
        texts.collect()
    }

    /// Things that `read` takes apart, at most `limit` of them.
    pub(crate) fn things<T>(
        &mut self,
        (key, what): (&str, &'static str),
        limit: usize,
        cx: &mut Context<'_>,
        read: impl Fn(Fields<'_>, &mut Context<'_>) -> Result<T, AgentFileError>,
    ) -> Result<Vec<T>, AgentFileError> {
        let list = self.list(key)?;
        let outer = self.place;
        let place = outer.key(key);
        within(&place, list.len(), what, limit)?;
        let mut things = Vec::with_capacity(list.len());
        for (index, value) in list.into_iter().enumerate() {
            things.push(read(Fields::new(value, place.index(index))?, cx)?);
        }
        Ok(things)
    }

    /// A moment in the form of [`time`]. What is no moment is left out: a wrong date is no reason to refuse a file.
    pub(crate) fn moment(&mut self, key: &str, cx: &mut Context<'_>) -> Option<String> {
        let value = self.take(key)?;
        if let Some(text) = value.as_str().filter(|text| time::ms_of(text).is_some()) {
            return Some(text.to_owned());
        }
        let place = self.place.key(key);
        match value.as_f64().filter(|seconds| seconds.is_finite()).and_then(ms_of_number) {
            Some(ms) => {
                cx.mended(&place, "The date was a number of seconds; it is written as a date.");
                Some(time::text_of(ms))
            }
            None => {
                cx.mended(&place, "This is not a date that can be read; it is left out.");
                None
            }
        }
    }
}

/// Seconds or, where that would be after the year 5000, milliseconds since the epoch.
fn ms_of_number(number: f64) -> Option<i64> {
    const FAR_OFF_S: f64 = 1e11;
    let ms = if number.abs() < FAR_OFF_S { number * 1000.0 } else { number };
    // More than 9e15 is in no calendar here.
    #[expect(clippy::cast_possible_truncation, reason = "the bound is far inside of what an i64 holds")]
    (ms.abs() < 9e15).then(|| ms.round() as i64)
}

/// The whole number that a float is.
fn whole_of(number: &serde_json::Number) -> Option<i64> {
    // Floats hold every whole number up to this one exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "it was checked to be a whole number that fits")]
    (float.fract() == 0.0 && float.abs() <= EXACT).then_some(float as i64)
}

/// The error that `value` is not `expected`.
pub(crate) fn wrong(place: &Place<'_>, expected: &'static str, value: &Value) -> AgentFileError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    AgentFileError::WrongType { place: place.words(), expected, found }
}
