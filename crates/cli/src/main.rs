//! The `resident` command.

fn main() {}
