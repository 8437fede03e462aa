//! The tasks that have to know the product: generated bindings and evaluations. `cargo xtask` builds this program and
//! calls it; it is not meant to be started by hand.
#![expect(clippy::print_stderr, reason = "a task speaks to the person who started it")]

fn main() {}
