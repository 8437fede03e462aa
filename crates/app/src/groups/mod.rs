//! Agents that work together. A group's talk is turns of its agents, one after the other, each in its agent's own thread;
//! this runs them, carries messages from agent to agent, and has memory tidied in the background. Who speaks next, and
//! what agents are told, is decided in `resident_agent`.
//!
//! Whatever waits for an agent waits for its thread to be free ([`company`]); what was promised to be heard is in the
//! store until it is.

pub(crate) mod company;
mod letters;
mod others;
mod records;
mod sleeptime;
mod talk;

pub(crate) use others::Others;
pub use records::{GroupChanges, NewGroup};
pub(crate) use sleeptime::Idle;
