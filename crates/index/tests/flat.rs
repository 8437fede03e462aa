//! The exact index against a scan that is too simple to be wrong.

use std::collections::BTreeMap;

use proptest::prelude::*;
use resident_index::{FlatIndex, IndexError, dot};

const DIMENSION: usize = 19;

#[derive(Debug, Clone)]
enum Edit {
    Insert(i64, Vec<f32>),
    Remove(i64),
}

fn vector() -> impl Strategy<Value = Vec<f32>> {
    // Few distinct components, so that equal scores are common.
    prop::collection::vec(prop::sample::select(vec![-1.0_f32, -0.5, 0.0, 0.5, 1.0]), DIMENSION)
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => (0..24_i64, vector()).prop_map(|(key, vector)| Edit::Insert(key, vector)),
        1 => (0..24_i64).prop_map(Edit::Remove),
    ]
}

fn naive(vectors: &BTreeMap<i64, Vec<f32>>, query: &[f32], k: usize) -> Vec<(i64, f32)> {
    let mut all: Vec<_> = vectors.iter().map(|(&key, vector)| (key, dot(query, vector))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(k);
    all
}

proptest! {
    #[test]
    fn search_agrees_with_a_naive_scan_after_any_edits(
        edits in prop::collection::vec(edit(), 0..80),
        query in vector(),
        k in 0..12_usize,
        divisor in 1..4_i64,
    ) {
        let mut index = FlatIndex::new(DIMENSION);
        let mut model = BTreeMap::new();
        for edit in edits {
            match edit {
                Edit::Insert(key, vector) => {
                    index.insert(key, &vector).unwrap();
                    model.insert(key, vector);
                }
                Edit::Remove(key) => prop_assert_eq!(index.remove(key), model.remove(&key).is_some()),
            }
            prop_assert_eq!(index.len(), model.len());
        }
        model.retain(|key, _| key % divisor == 0);
        let found = index.search(&query, k, &|key| key % divisor == 0).unwrap();
        let found: Vec<_> = found.into_iter().map(|hit| (hit.key, hit.score)).collect();
        prop_assert_eq!(found, naive(&model, &query, k));
    }
}

#[test]
fn a_vector_of_another_dimension_is_refused_and_changes_nothing() {
    let mut index = FlatIndex::new(3);
    index.insert(1, &[1.0, 0.0, 0.0]).unwrap();
    let refused = index.insert(1, &[1.0, 0.0]).unwrap_err();
    assert_eq!(refused, IndexError::Dimension { expected: 3, got: 2 });
    assert_eq!(refused.to_string(), "vector has 2 components, the index holds vectors of 3");
    assert_eq!(index.search(&[1.0, 0.0, 0.0], 5, &|_| true).unwrap()[0].score, 1.0);
    assert!(index.search(&[1.0], 5, &|_| true).is_err());
}

#[test]
fn a_vector_that_compares_with_nothing_is_refused() {
    let mut index = FlatIndex::new(2);
    assert_eq!(index.insert(1, &[0.0, f32::NAN]), Err(IndexError::NotFinite { component: 1 }));
    assert!(index.is_empty());
}
