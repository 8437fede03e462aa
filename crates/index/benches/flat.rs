//! Exact search at the sizes that matter: the messages of a busy year (10,000) and of a decade (100,000), with
//! MiniLM's 384 components.

use divan::{Bencher, black_box};
use resident_index::{FlatIndex, VectorIndex, dot};

const DIMENSION: usize = 384;

fn main() {
    divan::main();
}

/// Numbers that look random and are the same in every run.
fn vector(seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    let raw: Vec<f32> = (0..DIMENSION).map(|_| next()).collect();
    let length = dot(&raw, &raw).sqrt();
    raw.iter().map(|component| component / length).collect()
}

#[divan::bench(args = [10_000, 100_000], sample_count = 20)]
fn nearest_ten(bencher: Bencher<'_, '_>, vectors: u64) {
    let mut index = VectorIndex::new(DIMENSION);
    index.reserve(usize::try_from(vectors).expect("a bench size fits"));
    for key in 0..vectors {
        index.insert(key.cast_signed(), &vector(key + 1)).expect("bench vectors have the index's dimension");
    }
    let query = vector(vectors + 1);
    bencher.bench_local(|| index.search(black_box(&query), 10, &|_| true));
}

#[divan::bench(args = [10_000, 100_000], sample_count = 20)]
fn nearest_ten_of_32_bits(bencher: Bencher<'_, '_>, vectors: u64) {
    let mut index = FlatIndex::new(DIMENSION);
    index.reserve(usize::try_from(vectors).expect("a bench size fits"));
    for key in 0..vectors {
        index.insert(key.cast_signed(), &vector(key + 1)).expect("bench vectors have the index's dimension");
    }
    let query = vector(vectors + 1);
    bencher.bench_local(|| index.search(black_box(&query), 10, &|_| true));
}

#[divan::bench]
fn insert(bencher: Bencher<'_, '_>) {
    let mut index = VectorIndex::new(DIMENSION);
    let vector = vector(1);
    bencher.bench_local(|| index.insert(1, black_box(&vector)));
}

#[divan::bench]
fn dot_384(bencher: Bencher<'_, '_>) {
    let (left, right) = (vector(1), vector(2));
    bencher.bench_local(|| dot(black_box(&left), black_box(&right)));
}
