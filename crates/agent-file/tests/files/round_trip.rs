//! What is written and read again is the same: for the fixtures, and for graphs of every shape.

use proptest::prelude::*;
use resident_agent_file::{AgentFile, Limits, read, write};

use crate::graphs::file;
use crate::{ALL, read_fixture};

fn again(file: &AgentFile) -> AgentFile {
    let bytes = write(file, &ALL);
    read(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&bytes))).file
}

#[test]
fn fixtures_mean_the_same_after_a_journey() {
    for name in ["current.af", "legacy.af", "wild.af"] {
        let file = read_fixture(name).file;
        let second = again(&file);
        assert_eq!(second.canonical(), file.canonical(), "{name}");
        assert_eq!(write(&second, &ALL), write(&file, &ALL), "{name}");
    }
}

#[test]
fn the_order_of_lists_and_the_names_of_ids_mean_nothing() {
    let file = read_fixture("current.af").file;
    let mut other = file.clone();
    other.blocks.reverse();
    other.tools.reverse();
    other.resident.block_revisions.reverse();
    let text = String::from_utf8(write(&other, &ALL)).expect("it is text");
    let renamed = text.replace("\"block-", "\"block-9").replace("\"message-", "\"message-7");
    let other = read(renamed.as_bytes(), &Limits::default()).expect("it reads").file;
    assert_eq!(other.canonical(), file.canonical());
    let mut changed = other;
    changed.blocks[0].value.push('!');
    assert_ne!(changed.canonical(), file.canonical());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn every_graph_means_the_same_after_a_journey(file in file()) {
        let second = again(&file);
        prop_assert_eq!(second.canonical(), file.canonical());
        prop_assert_eq!(write(&second, &ALL), write(&file, &ALL));
    }

    #[test]
    fn the_canonical_form_is_canonical(file in file()) {
        prop_assert_eq!(file.canonical().canonical(), file.canonical());
    }
}
