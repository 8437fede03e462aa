//! What the store promises, through a real file.

mod agents;
mod support;
