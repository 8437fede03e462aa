//! What the store promises, through a real file.

mod agents;
mod blocks;
mod files;
mod messages;
mod passages;
mod restore;
mod search;
mod support;
mod turns;
mod vectors;
