//! Reading requests: bodies and query strings whose mistakes are told with the field they are in, and ids whose form is
//! checked before anything is looked up.

use std::fmt;
use std::marker::PhantomData;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde_json::{Value, json};

use crate::error::Problem;

/// A JSON body. An empty one reads as `{}`, as clients send it where every field may be left out.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            Problem::new(rejection.status(), "The body is too large, or ended before it was whole.")
        })?;
        read_json(&bytes).map(Self)
    }
}

/// Reads JSON and says where it is wrong.
pub(crate) fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { bytes };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| wrong("body", &error))?;
    reader.end().map_err(|error| Problem::invalid(&["body"], error.to_string()))?;
    Ok(value)
}

/// The query string. A name that may come more than once is a list.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = parts.uri.query().unwrap_or_default();
        let reader = serde_html_form::Deserializer::from_bytes(text.as_bytes());
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| wrong("query", &error))
    }
}

fn wrong<E: fmt::Display>(part: &str, error: &serde_path_to_error::Error<E>) -> Problem {
    let place = error.path().iter().map(|segment| match segment {
        serde_path_to_error::Segment::Seq { index } => json!(index),
        serde_path_to_error::Segment::Map { key } => json!(key),
        serde_path_to_error::Segment::Enum { variant } => json!(variant),
        serde_path_to_error::Segment::Unknown => json!("?"),
    });
    let mut place: Vec<Value> = std::iter::once(json!(part)).chain(place).collect();
    let message = error.inner().to_string();
    // The field that is missing is named in the message only.
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let kind = match missing {
        Some(field) => {
            place.push(json!(field));
            "missing"
        }
        None => "value_error",
    };
    let detail = json!([{ "type": kind, "loc": place, "msg": message }]);
    Problem { status: StatusCode::UNPROCESSABLE_ENTITY, detail }
}

/// What an id names; its text begins with the prefix.
pub(crate) trait Kind {
    /// The word before the dash.
    const PREFIX: &'static str;
    /// Other texts that are ids of this kind.
    const NAMES: &'static [&'static str] = &[];
}

macro_rules! kinds {
    ($($name:ident $prefix:literal $([$($other:literal),*])?;)*) => {
        $(
            #[doc = concat!("Ids that begin with `", $prefix, "-`.")]
            pub(crate) struct $name;
            impl Kind for $name {
                const PREFIX: &'static str = $prefix;
                $(const NAMES: &'static [&'static str] = &[$($other),*];)?
            }
        )*
    };
}

kinds! {
    AgentKey "agent";
    ArchiveKey "archive";
    BlockKey "block";
    ConversationKey "conv" ["default"];
    FileKey "file";
    FolderKey "source";
    GroupKey "group";
    IdentityKey "identity";
    McpServerKey "mcp_server";
    MessageKey "message";
    PassageKey "passage";
    RunKey "run";
    StepKey "step";
    ToolKey "tool";
}

/// An id of one kind, of the right form.
pub(crate) struct Id<K> {
    text: String,
    kind: PhantomData<K>,
}

impl<K> Id<K> {
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_string(self) -> String {
        self.text
    }
}

impl<K: Kind> Id<K> {
    /// The id in `text`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let uuid = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('-'));
        if K::NAMES.contains(&text) || uuid.is_some_and(|uuid| uuid.len() == 36 && uuid::Uuid::parse_str(uuid).is_ok())
        {
            return Ok(Self { text: text.to_owned(), kind: PhantomData });
        }
        Err(format!("`{text}` has not the form `{}-` and a UUID", K::PREFIX))
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Reading<K>(PhantomData<K>);
        impl<K: Kind> Visitor<'_> for Reading<K> {
            type Value = Id<K>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an id `{}-…`", K::PREFIX)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id<K>, E> {
                Id::parse(text).map_err(E::custom)
            }
        }
        reader.deserialize_str(Reading(PhantomData))
    }
}

/// What stands in the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::invalid(&["path"], rejection.body_text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Wanted {
        #[expect(dead_code, reason = "only whether it can be read is asked")]
        messages: Vec<u32>,
    }

    #[test]
    fn a_wrong_body_is_told_with_its_field() {
        let wrong = read_json::<Wanted>(br#"{"messages": [1, "two"]}"#).unwrap_err();
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(wrong.detail[0]["loc"], json!(["body", "messages", 1]));
        let missing = read_json::<Wanted>(b"{}").unwrap_err();
        assert_eq!(missing.detail[0]["loc"], json!(["body", "messages"]));
        assert_eq!(missing.detail[0]["type"], "missing");
    }

    #[test]
    fn a_body_that_is_too_deep_is_refused() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(read_json::<Value>(deep.as_bytes()).is_err());
    }

    #[test]
    fn an_id_has_its_prefix_and_a_uuid() {
        assert!(Id::<AgentKey>::parse("agent-00000000-0000-4000-8000-000000000000").is_ok());
        assert!(Id::<ConversationKey>::parse("default").is_ok());
        for wrong in ["agent-1", "agent-", "", "block-00000000-0000-4000-8000-000000000000", "default"] {
            assert!(Id::<AgentKey>::parse(wrong).is_err(), "{wrong}");
        }
    }
}
