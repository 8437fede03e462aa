//! Builds the object of one thing: what has a field first, then the rest as it came.

use serde_json::{Map, Value};

use super::Extra;

/// An object that is being written.
#[derive(Debug, Default)]
pub(crate) struct Out(Map<String, Value>);

impl Out {
    /// Writes a field.
    pub(crate) fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// Writes a field that has a value.
    pub(crate) fn some<T: Clone + Into<Value>>(&mut self, key: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.put(key, value.clone());
        }
    }

    /// Writes an object that has something in it.
    pub(crate) fn map(&mut self, key: &str, map: &Extra) {
        if !map.is_empty() {
            self.put(key, map.clone());
        }
    }

    /// Writes a list that has something in it.
    pub(crate) fn list<T: Clone + Into<Value>>(&mut self, key: &str, list: &[T]) {
        if !list.is_empty() {
            self.put(key, Value::Array(list.iter().cloned().map(Into::into).collect()));
        }
    }

    /// Writes things that write themselves.
    pub(crate) fn things<T>(&mut self, key: &str, things: &[T], write: impl Fn(&T) -> Value) {
        self.put(key, Value::Array(things.iter().map(write).collect()));
    }

    /// The object with what else belongs to it; a field is never overwritten by it.
    pub(crate) fn with(mut self, extra: &Extra) -> Value {
        for (key, value) in extra {
            if !self.0.contains_key(key) {
                self.0.insert(key.clone(), value.clone());
            }
        }
        Value::Object(self.0)
    }
}
