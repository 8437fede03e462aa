//! The invariants of the house, checked on its sources: which crate may depend on what, what the agent's core may not
//! touch, and the rules of style that a compiler does not know. A rule that is broken names the file and the reason.

mod arrows;
mod sources;
mod workspace;
