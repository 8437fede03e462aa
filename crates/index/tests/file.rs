//! The index in a file: what opens is what was saved, whatever happened to the end of the file.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;
use resident_index::{FileError, IndexError, Opened, Scheme, VectorIndex};

const DIMENSION: usize = 21;

type Vectors = BTreeMap<i64, Vec<f32>>;

fn scheme() -> Scheme {
    Scheme { embedder: "minilm/mean/1".to_owned(), dimension: DIMENSION }
}

fn open(path: &Path) -> Opened {
    VectorIndex::open(path, &scheme()).expect("what was saved opens")
}

fn vector(seed: i64) -> Vec<f32> {
    (0..DIMENSION as i64).map(|place| (((seed + 11) * (place + 5) * 7_919) % 1_009) as f32 / 504.0 - 1.0).collect()
}

/// Every vector is found by itself, with its own score, and nothing else is there.
fn holds(index: &VectorIndex, vectors: &Vectors) {
    assert_eq!(index.len(), vectors.len());
    for (key, vector) in vectors {
        let found = index.search_among(vector, 1, &[*key]).expect("the file is whole");
        let own = resident_index::dot(vector, vector);
        assert!(found.len() == 1 && (found[0].score - own).abs() < 1e-2, "{key}: {found:?} instead of {own}");
    }
    let all = index.search(&vector(1), vectors.len() + 10, &|_| true).expect("the file is whole");
    assert_eq!(all.len(), vectors.len());
}

#[derive(Debug, Clone)]
enum Step {
    Insert(i64, i64),
    Remove(i64),
    Save,
    Reopen,
    WriteAnew,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..60_i64, any::<i16>()).prop_map(|(key, seed)| Step::Insert(key, i64::from(seed))),
        4 => (0..60_i64).prop_map(Step::Remove),
        3 => Just(Step::Save),
        1 => Just(Step::Reopen),
        1 => Just(Step::WriteAnew),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_file_opens_as_it_was_saved(steps in prop::collection::vec(step(), 0..120)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.index");
        let mut index = VectorIndex::new(DIMENSION);
        index.write_to(&path, &scheme().embedder, 0).unwrap();
        let (mut vectors, mut saved, mut stamp) = (Vectors::new(), Vectors::new(), 0);
        for step in steps {
            match step {
                Step::Insert(key, seed) => {
                    index.insert(key, &vector(seed)).unwrap();
                    vectors.insert(key, vector(seed));
                }
                Step::Remove(key) => prop_assert_eq!(index.remove(key), vectors.remove(&key).is_some()),
                Step::Save | Step::WriteAnew => {
                    stamp += 1;
                    saved.clone_from(&vectors);
                    if matches!(step, Step::Save) {
                        index.save(stamp).unwrap();
                    } else {
                        index.write_to(&path, &scheme().embedder, stamp).unwrap();
                    }
                    holds(&index, &vectors);
                }
                Step::Reopen => {
                    let opened = open(&path);
                    prop_assert_eq!((opened.stamp, opened.dropped_bytes), (stamp, 0));
                    index = opened.index;
                    vectors.clone_from(&saved);
                    holds(&index, &vectors);
                }
            }
        }
        holds(&index, &vectors);
        holds(&open(&path).index, &saved);
    }
}

/// A file of several segments, and what was in it after each save.
fn segments(path: &Path) -> (Vec<u64>, Vec<Vectors>) {
    let (mut index, mut vectors) = (VectorIndex::new(DIMENSION), Vectors::new());
    let (mut sizes, mut states) = (Vec::new(), Vec::new());
    let mut key = 0;
    for (stamp, count) in [400, 100, 30, 8, 2].into_iter().enumerate() {
        for _ in 0..count {
            index.insert(key, &vector(key)).expect("it has the dimension");
            vectors.insert(key, vector(key));
            key += 1;
        }
        if stamp > 0 {
            // A vector of an older segment goes, and another is replaced.
            index.remove(key / 2);
            vectors.remove(&(key / 2));
            index.insert(key / 3, &vector(-key)).expect("it has the dimension");
            vectors.insert(key / 3, vector(-key));
            index.save(stamp as u64).expect("the folder is there");
        } else {
            index.write_to(path, &scheme().embedder, 0).expect("the folder is there");
        }
        sizes.push(fs::metadata(path).expect("the file is there").len());
        states.push(vectors.clone());
    }
    (sizes, states)
}

#[test]
fn a_file_that_was_cut_anywhere_opens_as_it_was_saved_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.index");
    let (sizes, states) = segments(&path);
    assert!(sizes.is_sorted(), "segments are appended: {sizes:?}");
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).rev().step_by(97).chain(sizes.iter().map(|&size| size as usize)) {
        fs::write(&path, &whole[..length]).unwrap();
        let Some(state) = sizes.iter().rposition(|&size| size <= length as u64) else {
            let error = VectorIndex::open(&path, &scheme()).unwrap_err();
            assert!(matches!(error, FileError::Damaged { .. } | FileError::Foreign { .. }), "{length}: {error}");
            continue;
        };
        let mut opened = open(&path);
        assert_eq!(opened.stamp, state as u64, "of {length} bytes");
        assert_eq!(opened.dropped_bytes, length as u64 - sizes[state]);
        holds(&opened.index, &states[state]);
        // It goes on from there.
        let mut vectors = states[state].clone();
        opened.index.insert(9_999, &vector(5)).unwrap();
        vectors.insert(9_999, vector(5));
        opened.index.save(77).unwrap();
        let again = open(&path);
        assert_eq!((again.stamp, again.dropped_bytes), (77, 0));
        holds(&again.index, &vectors);
    }
}

#[test]
fn a_byte_that_was_changed_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.index");
    let (_, states) = segments(&path);
    let whole = fs::read(&path).unwrap();
    let (mut refused, mut cut, mut found_later) = (0, 0, 0);
    for place in (0..whole.len()).step_by(131) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let Ok(opened) = VectorIndex::open(&path, &scheme()) else {
            refused += 1;
            continue;
        };
        let state = &states[opened.stamp as usize];
        assert_eq!(opened.index.len(), state.len(), "byte {place}");
        if opened.dropped_bytes > 0 {
            cut += 1;
            holds(&opened.index, state);
            continue;
        }
        // A fine rest: opening does not look at it, searching does. That of a vector that is gone is never read.
        let is_damaged = |key: &&i64| {
            let found = opened.index.search_among(&state[*key], 1, &[**key]);
            matches!(found, Err(IndexError::Damaged { .. }))
        };
        found_later += state.keys().filter(is_damaged).count();
    }
    assert!(refused > 0 && cut > 0 && found_later > 0, "{refused} refused, {cut} cut, {found_later} found later");
}

#[test]
fn a_file_of_other_vectors_or_another_version_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.index");
    assert!(matches!(VectorIndex::open(&path, &scheme()), Err(FileError::Missing { .. })));

    segments(&path);
    let other = Scheme { embedder: "e5/mean/1".to_owned(), ..scheme() };
    let error = VectorIndex::open(&path, &other).unwrap_err();
    assert!(matches!(error, FileError::Vectors { .. }));
    assert!(
        error
            .to_string()
            .ends_with("vectors of 21 components by `minilm/mean/1`, not vectors of 21 components by `e5/mean/1`")
    );
    assert!(VectorIndex::open(&path, &Scheme { dimension: 22, ..scheme() }).is_err());

    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 9;
    fs::write(&path, &bytes).unwrap();
    let error = VectorIndex::open(&path, &scheme()).unwrap_err();
    assert!(matches!(error, FileError::Version { found: 9, .. }), "{error}");

    fs::write(&path, "SQLite format 3").unwrap();
    assert!(matches!(VectorIndex::open(&path, &scheme()), Err(FileError::Foreign { .. })));
    fs::write(&path, "").unwrap();
    assert!(matches!(VectorIndex::open(&path, &scheme()), Err(FileError::Foreign { .. })));

    // What was refused is replaced by what was built anew.
    let mut index = VectorIndex::new(DIMENSION);
    index.insert(5, &vector(5)).unwrap();
    index.write_to(&path, &scheme().embedder, 3).unwrap();
    assert_eq!(open(&path).stamp, 3);
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_index_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no such folder").join("agent.index");
    let (mut index, mut vectors) = (VectorIndex::new(DIMENSION), Vectors::new());
    for key in 0..50 {
        index.insert(key, &vector(key)).unwrap();
        vectors.insert(key, vector(key));
    }
    assert!(matches!(index.write_to(&path, "minilm", 1), Err(FileError::Io { action: "create", .. })));
    holds(&index, &vectors);
}

#[test]
fn few_segments_are_kept_however_often_it_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.index");
    let mut index = VectorIndex::new(DIMENSION);
    index.write_to(&path, &scheme().embedder, 0).unwrap();
    let mut vectors = Vectors::new();
    for key in 0..600 {
        index.insert(key % 500, &vector(key)).unwrap();
        vectors.insert(key % 500, vector(key));
        index.save(key as u64).unwrap();
    }
    let marks = fs::read(&path).unwrap().windows(4).filter(|bytes| bytes == b"SEGM").count();
    assert!(marks < 12, "{marks} segments");
    let opened = open(&path);
    assert_eq!(opened.stamp, 599);
    holds(&opened.index, &vectors);
}

#[test]
fn a_file_of_many_vectors_opens_as_it_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.index");
    let (mut index, mut vectors) = (VectorIndex::new(DIMENSION), Vectors::new());
    let mut next = 0;
    for (stamp, count) in [9_000, 3_000, 2_500, 5_000, 100].into_iter().enumerate() {
        for key in next..next + count {
            index.insert(key, &vector(key)).unwrap();
            vectors.insert(key, vector(key));
        }
        for key in (next / 2..next + count).step_by(7) {
            assert_eq!(index.remove(key), vectors.remove(&key).is_some());
        }
        next += count;
        if stamp == 0 {
            index.write_to(&path, &scheme().embedder, 0).unwrap();
        } else {
            index.save(stamp as u64).unwrap();
        }
        let opened = open(&path);
        assert_eq!((opened.stamp, opened.dropped_bytes), (stamp as u64, 0));
        holds(&opened.index, &vectors);
        if stamp % 2 == 1 {
            index = opened.index;
        }
    }
    holds(&index, &vectors);
}

#[test]
fn a_file_is_written_while_the_index_is_searched_from_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let mut index = VectorIndex::new(DIMENSION);
    let mut vectors = Vectors::new();
    for key in 0..300 {
        index.insert(key, &vector(key)).unwrap();
        vectors.insert(key, vector(key));
    }
    assert!(index.wants_rewriting(), "there is no file");
    index.write_to(&path, "minilm/mean/1", 1).unwrap();
    assert!(!index.wants_rewriting());
    for key in (0..300).step_by(7) {
        index.remove(key);
        vectors.remove(&key);
    }
    index.insert(1_000, &vector(1_000)).unwrap();
    vectors.insert(1_000, vector(1_000));
    let written = index.write_beside(&path, "minilm/mean/1", 2).unwrap();
    holds(&index, &vectors);
    index.take_over(written);
    holds(&index, &vectors);
    let opened = open(&path);
    assert_eq!(opened.stamp, 2);
    holds(&opened.index, &vectors);
}
