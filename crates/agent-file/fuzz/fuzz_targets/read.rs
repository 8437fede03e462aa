//! Whatever the bytes are, they are read or refused in plain words, within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resident_agent_file::{Limits, read};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { values: 5_000, entities: 200, messages: 500, ..Limits::default() };
    match read(bytes, &limits) {
        Ok(read) => {
            assert!(!read.file.agents.is_empty(), "a file has an agent");
            assert!(read.notices.len() < 10_000, "notices are bounded");
        }
        Err(error) => assert!(!error.to_string().is_empty(), "an error says what is wrong"),
    }
});
