//! Guided steps for small models: what does the message ask, and which one thing should the model write now.
//!
//! A model below about 1 B weights cannot choose among tools, but fills in the one it is given. So [`Router`] says what
//! a message asks (words first, then a classifier), and [`plan`] makes each step of the turn from that: a short prompt
//! with worked examples, a menu of one tool, and a pattern that its text must follow. The pattern admits only words of
//! the user's own message (with "I" turned into "the user"), so that a memory cannot be invented. Tools, events and
//! records are the same as for a model that chooses itself. Everything here is pure: no store, no clock, no model.

mod advice;
mod correction;
mod dates;
mod examples;
mod facts;
mod intent;
mod notes;
mod patterns;
mod payload;
mod phrase;
mod plan;
mod query;
mod router;
mod slots;
mod small_talk;
mod speak;
mod tools;
mod verbs;
mod words;
mod write;

pub use dates::undated;
pub use examples::worked_examples;
pub use intent::{Intent, MemoryRequest, explicit_request};
pub(crate) use intent::{names_no_topic, read_part, tells_of_somebody_known};
pub use notes::block_notes;
pub use plan::{GuidanceInput, GuidedStep, Note, NoteSource, Purpose, plan, rank_notes};
pub use router::{Routed, RoutedBy, Router, RouterWeights, WORD_FEATURES, router_examples, word_features};
pub(crate) use words::word_sequence;

#[cfg(test)]
mod tests;
