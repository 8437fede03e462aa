//! What was read can be written, and means the same when it is read again; written twice, it is the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resident_agent_file::{Limits, WriteOptions, read, write};

fuzz_target!(|bytes: &[u8]| {
    let Ok(first) = read(bytes, &Limits { depth: 40, ..Limits::default() }) else { return };
    let all = WriteOptions { messages: true, secrets: true };
    let written = write(&first.file, &all);
    // What V1's schema has no place for is written a few levels deeper.
    let second = read(&written, &Limits { depth: 60, ..Limits::default() }).expect("what was written reads");
    assert_eq!(first.file.canonical(), second.file.canonical(), "{}", String::from_utf8_lossy(&written));
    assert_eq!(written, write(&second.file, &all), "what was read again is written the same");
    let stripped = write(&first.file, &WriteOptions { messages: false, secrets: false });
    let stripped = read(&stripped, &Limits { depth: 60, ..Limits::default() }).expect("what was stripped reads");
    assert!(stripped.file.agents.iter().all(|agent| agent.messages.is_empty() && agent.secrets.values().all(String::is_empty)));
});
