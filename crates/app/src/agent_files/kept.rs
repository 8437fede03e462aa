//! What a file says of a thing and the store's columns do not give back. It is kept beside the columns, field by field,
//! each with what the columns gave when the file came in: as long as they still give that, the file's own word goes out
//! again; once somebody has changed the thing, what it is now goes out. So nothing is lost on a journey, and nothing old
//! comes back.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is kept about one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kept {
    /// For fields by name: what the columns gave, and what the file said.
    Fields(BTreeMap<String, (Value, Value)>),
    /// What the columns gave for a list, and the file's list.
    List(Value, Value),
    /// A thing that has no columns, whole.
    Whole(Value),
    /// The file has no such thing, although the columns give one.
    Absent {
        /// Only as long as nothing was said.
        while_silent: bool,
    },
}

impl Kept {
    /// What of `theirs` has to be kept, since the columns give `ours`.
    pub(super) fn of_fields<T: Serialize>(ours: &T, theirs: &T) -> Option<Self> {
        let (Value::Object(mut ours), Value::Object(theirs)) = (value(ours), value(theirs)) else { return None };
        let differing: BTreeMap<String, (Value, Value)> = theirs
            .into_iter()
            .filter_map(|(name, there)| {
                let here = ours.shift_remove(&name).unwrap_or_default();
                (here != there).then_some((name, (here, there)))
            })
            .collect();
        (!differing.is_empty()).then_some(Self::Fields(differing))
    }

    /// The same of a list that has no names in it.
    pub(super) fn of_list<T: Serialize>(ours: &[T], theirs: &[T]) -> Option<Self> {
        let (ours, theirs) = (value(&ours), value(&theirs));
        (ours != theirs).then_some(Self::List(ours, theirs))
    }

    /// A thing that has no columns.
    pub(super) fn whole<T: Serialize>(theirs: &T) -> Self {
        Self::Whole(value(theirs))
    }

    /// The thing without columns that this is.
    pub(super) fn read_whole<T: DeserializeOwned>(&self) -> Option<T> {
        match self {
            Self::Whole(theirs) => serde_json::from_value(theirs.clone()).ok(),
            Self::Fields(_) | Self::List(..) | Self::Absent { .. } => None,
        }
    }

    /// `ours` with the file's word wherever the columns still give what they gave.
    pub(super) fn restore<T: Serialize + DeserializeOwned>(&self, ours: T) -> T {
        let restored = match self {
            Self::Fields(differing) => {
                let Value::Object(mut fields) = value(&ours) else { return ours };
                for (name, (here, there)) in differing {
                    if let Some(now) = fields.get_mut(name).filter(|now| *now == here) {
                        now.clone_from(there);
                    }
                }
                Value::Object(fields)
            }
            Self::List(here, there) if value(&ours) == *here => there.clone(),
            Self::List(..) | Self::Whole(_) | Self::Absent { .. } => return ours,
        };
        // What an older version kept in a form that is no longer known is let go.
        serde_json::from_value(restored).unwrap_or(ours)
    }
}

fn value<T: Serialize>(thing: &T) -> Value {
    serde_json::to_value(thing).expect("things of an agent file are plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Thing {
        name: String,
        note: Option<String>,
    }

    fn thing(name: &str, note: Option<&str>) -> Thing {
        Thing { name: name.to_owned(), note: note.map(str::to_owned) }
    }

    #[test]
    fn the_files_word_comes_back_until_somebody_changes_it() {
        let (ours, theirs) = (thing("a", None), thing("a", Some("x")));
        let kept = Kept::of_fields(&ours, &theirs).expect("they differ");
        assert_eq!(kept.restore(ours.clone()), theirs);
        assert_eq!(kept.restore(thing("b", None)), thing("b", Some("x")), "another field was changed");
        assert_eq!(kept.restore(thing("a", Some("y"))), thing("a", Some("y")), "this one was");
        assert_eq!(Kept::of_fields(&ours, &ours), None);
    }

    #[test]
    fn a_list_comes_back_whole_or_not_at_all() {
        let kept = Kept::of_list(&[1, 2], &[2]).expect("they differ");
        assert_eq!(kept.restore(vec![1, 2]), [2]);
        assert_eq!(kept.restore(vec![1, 2, 3]), [1, 2, 3]);
    }
}
