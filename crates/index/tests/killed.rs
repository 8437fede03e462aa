//! A program that is killed while it saves leaves a file that opens in a state that it saved.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use resident_index::{Scheme, VectorIndex};

const DIMENSION: usize = 48;

/// Where the child, which is this test again, writes its index.
const CHILD: &str = "RESIDENT_INDEX_KILLED_CHILD";

const KILLS: u64 = 100;

fn scheme() -> Scheme {
    Scheme { embedder: "killed".to_owned(), dimension: DIMENSION }
}

fn vector(seed: u64) -> Vec<f32> {
    (0..DIMENSION as u64).map(|place| ((seed + 3) * (place + 5) * 7_919 % 2_003) as f32 / 1_001.0 - 1.0).collect()
}

/// What changes with each stamp: a vector comes, and now and then one goes.
fn change(stamp: u64) -> (i64, Option<i64>) {
    ((stamp * 7 % 400).cast_signed(), stamp.is_multiple_of(3).then_some((stamp * 5 % 400).cast_signed()))
}

/// Saves until it is killed.
#[expect(clippy::print_stdout, reason = "the parent waits for a line")]
fn save_on(path: &Path) {
    let (mut index, first) = match VectorIndex::open(path, &scheme()) {
        Ok(opened) => (opened.index, opened.stamp),
        Err(_) => {
            let mut index = VectorIndex::new(DIMENSION);
            index.write_to(path, "killed", 0).expect("the folder is there");
            (index, 0)
        }
    };
    for stamp in first + 1.. {
        let (comes, goes) = change(stamp);
        if let Some(key) = goes {
            index.remove(key);
        }
        index.insert(comes, &vector(stamp)).expect("it has the dimension");
        index.save(stamp).expect("the folder is there");
        println!("saved {stamp}");
    }
}

#[test]
fn a_file_opens_in_a_saved_state_after_every_kill() {
    if let Some(path) = env::var_os(CHILD) {
        save_on(&PathBuf::from(path));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.index");
    let mut newest = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "a_file_opens_in_a_saved_state_after_every_kill", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let begun = said.any(|line| line.is_ok_and(|line| line.starts_with("saved ")));
        assert!(begun, "the child saves");
        thread::sleep(Duration::from_micros(kill * 7_919 % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();

        let opened = VectorIndex::open(&path, &scheme()).unwrap_or_else(|error| panic!("kill {kill}: {error}"));
        let mut expected = BTreeMap::new();
        for stamp in 1..=opened.stamp {
            let (comes, goes) = change(stamp);
            if let Some(key) = goes {
                expected.remove(&key);
            }
            expected.insert(comes, stamp);
        }
        assert_eq!(opened.index.len(), expected.len(), "kill {kill}, stamp {}", opened.stamp);
        for (&key, &stamp) in &expected {
            let own = vector(stamp);
            let found = opened.index.search_among(&own, 1, &[key]).unwrap();
            let length = resident_index::dot(&own, &own);
            assert!((found[0].score - length).abs() < 0.05, "kill {kill}: {key} has another vector");
        }
        newest = newest.max(opened.stamp);
    }
    assert!(newest > KILLS, "only {newest} saves in all");
}
