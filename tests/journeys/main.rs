//! What a person does, in the real program.

mod harness;
