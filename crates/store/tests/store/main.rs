//! What the store promises, through a real file.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod agents;
mod archives;
mod blocks;
mod clients;
mod conversations;
mod crowd;
mod files;
mod folders;
mod groups;
mod listings;
mod messages;
mod migrations;
mod passages;
mod restore;
mod search;
mod support;
mod turns;
mod vectors;
mod windows;
