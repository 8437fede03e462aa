//! The index of the product against a scan that is too simple to be wrong.

use std::collections::BTreeMap;

use proptest::prelude::*;
use resident_index::{FlatIndex, Hit, IndexError, VectorIndex};

/// How far a score may be from the exact one: components have 16 bits.
const TOLERANCE: f32 = 1e-3;

#[derive(Debug, Clone)]
enum Edit {
    Insert(i64, Vec<f32>),
    Remove(i64),
}

fn vector(dimension: usize) -> impl Strategy<Value = Vec<f32>> {
    // Often few distinct components, so that equal scores are common.
    prop_oneof![
        prop::collection::vec(-1.0_f32..1.0, dimension),
        prop::collection::vec(prop::sample::select(vec![-1.0_f32, -0.5, 0.0, 0.5, 1.0]), dimension),
    ]
}

fn edit(dimension: usize) -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => (0..40_i64, vector(dimension)).prop_map(|(key, vector)| Edit::Insert(key, vector)),
        1 => (0..40_i64).prop_map(Edit::Remove),
    ]
}

fn scenario() -> impl Strategy<Value = (Vec<Edit>, Vec<f32>)> {
    prop::sample::select(vec![1_usize, 19, 128, 131])
        .prop_flat_map(|dimension| (prop::collection::vec(edit(dimension), 0..120), vector(dimension)))
}

/// The same hits, but for the order of those whose scores are as good as equal.
fn agree(found: &[Hit], expected: &[Hit], score_of: impl Fn(i64) -> f32) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        prop_assert!((found.score - expected.score).abs() <= TOLERANCE, "{found:?} in the place of {expected:?}");
        prop_assert!((found.score - score_of(found.key)).abs() <= TOLERANCE, "the score of {found:?} is wrong");
    }
    let mut keys: Vec<i64> = found.iter().map(|hit| hit.key).collect();
    keys.sort_unstable();
    keys.dedup();
    prop_assert_eq!(keys.len(), found.len(), "a key was found twice");
    Ok(())
}

proptest! {
    #[test]
    fn search_agrees_with_a_plain_scan_after_any_edits(
        (edits, query) in scenario(),
        k in 0..12_usize,
        divisor in 1..4_i64,
    ) {
        let (mut index, mut plain) = (VectorIndex::new(query.len()), FlatIndex::new(query.len()));
        let mut vectors = BTreeMap::new();
        for edit in edits {
            match edit {
                Edit::Insert(key, vector) => {
                    index.insert(key, &vector).unwrap();
                    plain.insert(key, &vector).unwrap();
                    vectors.insert(key, vector);
                }
                Edit::Remove(key) => {
                    prop_assert_eq!(index.remove(key), plain.remove(key));
                    vectors.remove(&key);
                }
            }
            prop_assert_eq!(index.len(), plain.len());
        }
        let score_of = |key: i64| resident_index::dot(&vectors[&key], &query);
        let passes = |key: i64| key % divisor == 0;
        let expected = plain.search(&query, k, &passes).unwrap();
        agree(&index.search(&query, k, &passes).unwrap(), &expected, score_of)?;
        let keys: Vec<i64> = (-3..50).filter(|&key| passes(key)).collect();
        agree(&index.search_among(&query, k, &keys).unwrap(), &expected, score_of)?;
    }
}

#[test]
fn many_vectors_are_searched_and_removed_across_all_cores() {
    const DIMENSION: usize = 24;
    let mut index = VectorIndex::new(DIMENSION);
    let mut plain = FlatIndex::new(DIMENSION);
    let vector = |key: i64| -> Vec<f32> {
        (0..DIMENSION as i64).map(|place| (((key + 7) * (place + 3) * 7_919) % 10_007) as f32 / 5_003.0 - 1.0).collect()
    };
    for key in 0..30_000 {
        index.insert(key, &vector(key)).unwrap();
        plain.insert(key, &vector(key)).unwrap();
    }
    // So many go that the gaps are closed on the way.
    for key in (0..30_000).filter(|key| key % 3 != 0) {
        assert!(index.remove(key));
        assert!(plain.remove(key));
    }
    for key in 30_000..31_000 {
        index.insert(key, &vector(key)).unwrap();
        plain.insert(key, &vector(key)).unwrap();
    }
    for query in 0..20 {
        let query = vector(-query * 31 - 100_000);
        for (among, keys) in [(1, 0..31_000), (50, 100..20_000)] {
            let filter = |key: i64| key % among == 0 && keys.contains(&key);
            let expected = plain.search(&query, 10, &filter).unwrap();
            let score_of = |key| resident_index::dot(&vector(key), &query);
            agree(&index.search(&query, 10, &filter).unwrap(), &expected, score_of).unwrap();
            let known: Vec<i64> = (0..31_000).filter(|&key| filter(key)).collect();
            agree(&index.search_among(&query, 10, &known).unwrap(), &expected, score_of).unwrap();
        }
    }
}

#[test]
fn a_vector_that_cannot_be_compared_is_refused_and_changes_nothing() {
    let mut index = VectorIndex::new(3);
    index.insert(1, &[1.0, 0.0, 0.0]).unwrap();
    assert_eq!(index.insert(1, &[1.0, 0.0]), Err(IndexError::Dimension { expected: 3, got: 2 }));
    assert_eq!(index.insert(1, &[0.0, f32::NAN, 0.0]), Err(IndexError::NotFinite { component: 1 }));
    assert_eq!(index.insert(2, &[f32::INFINITY, 0.0, 0.0]), Err(IndexError::NotFinite { component: 0 }));
    assert_eq!(index.len(), 1);
    assert_eq!(index.search(&[1.0, 0.0, 0.0], 5, &|_| true).unwrap(), [Hit { key: 1, score: 1.0 }]);
    assert!(index.search(&[1.0], 5, &|_| true).is_err());
    assert!(index.search(&[f32::NAN, 0.0, 0.0], 5, &|_| true).is_err());
}

#[test]
fn zeros_score_zero() {
    let mut index = VectorIndex::new(2);
    index.insert(3, &[0.0, 0.0]).unwrap();
    index.insert(2, &[0.0, -1.0]).unwrap();
    index.insert(1, &[1e-42, 0.0]).unwrap();
    let found = index.search(&[0.0, 1.0], 3, &|_| true).unwrap();
    assert_eq!(found, [Hit { key: 1, score: 0.0 }, Hit { key: 3, score: 0.0 }, Hit { key: 2, score: -1.0 }]);
    let nothing = index.search(&[0.0, 0.0], 2, &|key| key > 1).unwrap();
    assert_eq!(nothing, [Hit { key: 2, score: 0.0 }, Hit { key: 3, score: 0.0 }]);
    assert_eq!(index.search_among(&[0.0, 0.0], 2, &[3, 9]).unwrap(), [Hit { key: 3, score: 0.0 }]);
}

#[test]
fn of_equal_vectors_the_lower_keys_come_first() {
    let mut index = VectorIndex::new(40);
    let vector = vec![0.3; 40];
    for key in (0..20_000).rev() {
        index.insert(key, &vector).unwrap();
    }
    let keys: Vec<i64> = index.search(&vector, 5, &|_| true).unwrap().iter().map(|hit| hit.key).collect();
    assert_eq!(keys, [0, 1, 2, 3, 4]);
}
