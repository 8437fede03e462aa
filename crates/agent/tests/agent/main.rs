//! The agent's behaviour with a scripted model, through the real store in a temporary folder.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod approval;
mod clients;
mod compaction;
mod files;
mod guided;
mod requests;
mod scripted;
mod stops;
mod tools;
mod turns;
