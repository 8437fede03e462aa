//! What V1's schema refuses where it belongs travels in `resident.kept` and is put back when Resident reads the file.
//!
//! ```json
//! {"kept": [{"id": "tool-3", "keys": {"a_newer_key": 1}, "stand_ins": {}},
//!           {"id": "agent-0", "keys": {"name": "Ada (home)"}, "stand_ins": {"name": "Ada  home "}}]}
//! ```
//!
//! A key comes back only where its stand-in still stands, or where there is nothing: what another program has changed
//! since then is newer.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// The name under which the file itself is meant.
const FILE: &str = "agent_file";

/// What is kept of one thing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Kept {
    /// What it has.
    keys: Map<String, Value>,
    /// What stands in its place in the file.
    stand_ins: Map<String, Value>,
}

impl Kept {
    /// Takes the keys out of `object` that are `refused`.
    pub(crate) fn take(&mut self, object: &mut Map<String, Value>, refused: impl Fn(&str) -> bool) {
        if object.keys().any(|key| refused(key)) {
            // In one pass: taking keys out one by one would move the rest each time.
            let (taken, rest) = std::mem::take(object).into_iter().partition(|(key, _)| refused(key));
            self.keys = taken;
            *object = rest;
        }
    }

    /// Puts `stand_in` in the place of what `object` has at `key`.
    pub(crate) fn replace(&mut self, object: &mut Map<String, Value>, key: &str, stand_in: Value) {
        if let Some(value) = object.insert(key.to_owned(), stand_in.clone()) {
            self.keys.insert(key.to_owned(), value);
            self.stand_ins.insert(key.to_owned(), stand_in);
        }
    }

    fn put_back(self, object: &mut Map<String, Value>) {
        for (key, value) in self.keys {
            if object.get(&key) == self.stand_ins.get(&key) {
                object.insert(key, value);
            }
        }
    }
}

/// Goes over all things of a file that have ids: the file itself, what it lists, and what agents list.
pub(crate) fn each_thing(file: &mut Map<String, Value>, thing: &mut impl FnMut(&'static str, &mut Map<String, Value>)) {
    fn each(
        object: &mut Map<String, Value>,
        list: &'static str,
        thing: &mut impl FnMut(&'static str, &mut Map<String, Value>),
    ) {
        let list_of = object.get_mut(list).and_then(Value::as_array_mut);
        for object in list_of.into_iter().flatten().filter_map(Value::as_object_mut) {
            if list == "agents" {
                each(object, "messages", thing);
                each(object, "files_agents", thing);
            }
            thing(list, object);
        }
    }
    for list in ["agents", "groups", "blocks", "files", "sources", "tools", "mcp_servers"] {
        each(file, list, thing);
    }
    thing(FILE, file);
}

fn id_of(list: &str, object: &Map<String, Value>) -> Option<String> {
    if list == FILE {
        return Some(FILE.to_owned());
    }
    object.get("id").and_then(Value::as_str).map(str::to_owned)
}

/// Goes over all things of `file` with what is to be kept of each, and lists what is.
pub(crate) fn set_aside(
    file: &mut Map<String, Value>,
    mut look: impl FnMut(&'static str, &mut Map<String, Value>, &mut Kept),
) -> Vec<Value> {
    let mut all = Vec::new();
    each_thing(file, &mut |list, object| {
        let mut kept = Kept::default();
        look(list, object, &mut kept);
        if let (false, Some(id)) = (kept.keys.is_empty(), id_of(list, object)) {
            let mut entry = Map::new();
            entry.insert("id".to_owned(), id.into());
            entry.insert("keys".to_owned(), kept.keys.into());
            entry.insert("stand_ins".to_owned(), kept.stand_ins.into());
            all.push(Value::Object(entry));
        }
    });
    all
}

/// Puts everything that is kept in `resident.kept` back into its place. What is not of that form stays where it is.
pub(crate) fn put_back(file: &mut Value) {
    let Some(file) = file.as_object_mut() else { return };
    let resident = file.get_mut("resident").and_then(Value::as_object_mut);
    let Some(Value::Array(list)) = resident.and_then(|resident| resident.shift_remove("kept")) else { return };
    let mut all: HashMap<String, Kept> = HashMap::new();
    for entry in list {
        let Value::Object(mut entry) = entry else { continue };
        let mut object = |key| match entry.shift_remove(key) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        let kept = Kept { keys: object("keys"), stand_ins: object("stand_ins") };
        if let Some(Value::String(id)) = entry.shift_remove("id") {
            all.insert(id, kept);
        }
    }
    each_thing(file, &mut |list, object| {
        let kept = id_of(list, object).and_then(|id| all.remove(&id));
        if let Some(kept) = kept {
            kept.put_back(object);
        }
    });
}
