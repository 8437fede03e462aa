//! Attention of new tokens over keys and values, causal or not, with grouped heads (arXiv 2305.13245).
//!
//! Scores, weights and sums are made for a few tokens at a time, so that a key is read once for all of them; nothing
//! of size tokens × tokens is ever kept.

use std::cell::RefCell;

use rayon::prelude::*;

use super::Simd;
use super::elementwise::exp;
use super::matmul::dot_block;
use super::vector::{Portable, Vector};

/// Tokens whose scores are made together.
const TILE: usize = 4;

thread_local! {
    static SCORES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// What attention works on.
#[derive(Clone, Copy)]
pub(crate) struct Attention<'a> {
    /// `(tokens, heads * head_dimensions)`
    pub(crate) queries: &'a [f32],
    /// `(positions, key_value_heads * head_dimensions)`; the queries' own are the last ones.
    pub(crate) keys: &'a [f32],
    /// As `keys`.
    pub(crate) values: &'a [f32],
    pub(crate) heads: usize,
    pub(crate) key_value_heads: usize,
    /// A multiple of 16.
    pub(crate) head_dimensions: usize,
    /// Whether a token sees only what comes before it, and itself.
    pub(crate) causal: bool,
}

/// Writes for each token and head the values of the positions that it sees, weighted by the softmax of its scores.
/// `out` is `(tokens, heads * head_dimensions)`.
pub(crate) fn attend(simd: Simd, attention: Attention<'_>, out: &mut [f32]) {
    let width = attention.heads * attention.head_dimensions;
    if out.len() == width {
        let heads = out.par_chunks_mut(attention.head_dimensions).enumerate();
        return heads.for_each(|(head, out)| attend_tile(simd, attention, (0, head), out));
    }
    out.par_chunks_mut(TILE * width).enumerate().for_each(|(tile, out)| {
        let tokens = out.len() / width;
        let mut head_out = vec![0f32; tokens * attention.head_dimensions];
        for head in 0..attention.heads {
            attend_tile(simd, attention, (tile * TILE, head), &mut head_out);
            let at = head * attention.head_dimensions;
            for (out, head_out) in out.chunks_exact_mut(width).zip(head_out.chunks_exact(attention.head_dimensions)) {
                out[at..at + attention.head_dimensions].copy_from_slice(head_out);
            }
        }
    });
}

/// One head of up to `TILE` tokens from `first` on.
fn attend_tile(simd: Simd, attention: Attention<'_>, (first, head): (usize, usize), out: &mut [f32]) {
    SCORES.with_borrow_mut(|scores| match simd {
        // SAFETY: `Simd::detect` saw AVX-512 F and FMA.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 => unsafe { tile_avx512(attention, (first, head), scores, out) },
        // SAFETY: `Simd::detect` saw AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => unsafe { tile_avx2(attention, (first, head), scores, out) },
        // SAFETY: `Portable` needs no processor features.
        Simd::Portable => unsafe { tile_with::<Portable>(attention, (first, head), scores, out) },
    });
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn tile_avx512(attention: Attention<'_>, place: (usize, usize), scores: &mut Vec<f32>, out: &mut [f32]) {
    // SAFETY: this function's features are those that `Avx512` needs.
    unsafe { tile_with::<super::vector::Avx512>(attention, place, scores, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn tile_avx2(attention: Attention<'_>, place: (usize, usize), scores: &mut Vec<f32>, out: &mut [f32]) {
    // SAFETY: this function's features are those that `Avx2` needs.
    unsafe { tile_with::<super::vector::Avx2>(attention, place, scores, out) }
}

/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn tile_with<V: Vector>(
    attention: Attention<'_>,
    place: (usize, usize),
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    // SAFETY: by this function's contract.
    unsafe {
        match out.len() / attention.head_dimensions {
            1 => tokens_with::<V, 1>(attention, place, scores, out),
            2 => tokens_with::<V, 2>(attention, place, scores, out),
            3 => tokens_with::<V, 3>(attention, place, scores, out),
            _ => tokens_with::<V, TILE>(attention, place, scores, out),
        }
    }
}

/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn tokens_with<V: Vector, const T: usize>(
    attention: Attention<'_>,
    (first, head): (usize, usize),
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let Attention { queries, keys, values, heads, key_value_heads, head_dimensions, causal } = attention;
    let (width, cache_width) = (heads * head_dimensions, key_value_heads * head_dimensions);
    let offset = head / (heads / key_value_heads) * head_dimensions;
    let positions = keys.len() / cache_width;
    let past = positions - queries.len() / width;
    // Where it is causal, token `t` of the tile sees the positions before `past + first + t + 1`.
    let seen = if causal { past + first + T } else { positions };
    scores.clear();
    scores.resize(T * seen, 0.0);

    let query: [&[f32]; T] = std::array::from_fn(|token| {
        let at = (first + token) * width + head * head_dimensions;
        &queries[at..at + head_dimensions]
    });
    let key = |position: usize| &keys[position * cache_width + offset..][..head_dimensions];
    let mut position = 0;
    // SAFETY: by this function's contract.
    unsafe {
        while position + 4 <= seen {
            let sums = dot_block::<V, 4, T>(std::array::from_fn(|next| key(position + next)), query);
            for (next, sums) in sums.iter().enumerate() {
                for (token, sum) in sums.iter().enumerate() {
                    scores[token * seen + position + next] = *sum;
                }
            }
            position += 4;
        }
        while position < seen {
            for (token, sum) in dot_block::<V, 1, T>([key(position)], query)[0].iter().enumerate() {
                scores[token * seen + position] = *sum;
            }
            position += 1;
        }
    }

    let scale = 1.0 / (head_dimensions as f32).sqrt();
    for (token, scores) in scores.chunks_exact_mut(seen).enumerate() {
        let (visible, hidden) = scores.split_at_mut(if causal { seen - (T - 1 - token) } else { seen });
        softmax(visible, scale);
        hidden.fill(0.0);
    }
    // SAFETY: by this function's contract.
    unsafe { weigh::<V, T>(scores, &values[offset..], (cache_width, head_dimensions), out) }
}

/// Softmax of `scores * scale`, in place.
#[inline(always)]
fn softmax(scores: &mut [f32], scale: f32) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut lanes = [0f32; 16];
    for chunk in scores.chunks_mut(16) {
        for (lane, score) in lanes.iter_mut().zip(chunk) {
            *score = exp((*score - largest) * scale);
            *lane += *score;
        }
    }
    let inverse = 1.0 / lanes.iter().sum::<f32>();
    for score in scores {
        *score *= inverse;
    }
}

/// Adds up the values by their weights: `out (T, head_dimensions) = weights (T, seen) · values`.
///
/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn weigh<V: Vector, const T: usize>(
    weights: &[f32],
    values: &[f32],
    (stride, head_dimensions): (usize, usize),
    out: &mut [f32],
) {
    let seen = weights.len() / T;
    assert!(values.len() >= (seen - 1) * stride + head_dimensions && out.len() == T * head_dimensions);
    let mut at = 0;
    // SAFETY: the features are there by contract; `at + 2 * LANES <= head_dimensions` (or one register, in the second
    // loop) bounds every access by the assertion above.
    unsafe {
        while at + 2 * V::LANES <= head_dimensions {
            let mut sums = [[V::splat(0.0); 2]; T];
            for position in 0..seen {
                let from = values.as_ptr().add(position * stride + at);
                let value = [V::load(from), V::load(from.add(V::LANES))];
                for (token, sums) in sums.iter_mut().enumerate() {
                    let weight = V::splat(*weights.get_unchecked(token * seen + position));
                    sums[0] = value[0].multiply_add(weight, sums[0]);
                    sums[1] = value[1].multiply_add(weight, sums[1]);
                }
            }
            for (token, sums) in sums.iter().enumerate() {
                let to = out.as_mut_ptr().add(token * head_dimensions + at);
                sums[0].store(to);
                sums[1].store(to.add(V::LANES));
            }
            at += 2 * V::LANES;
        }
        while at + V::LANES <= head_dimensions {
            let mut sums = [V::splat(0.0); T];
            for position in 0..seen {
                let value = V::load(values.as_ptr().add(position * stride + at));
                for (token, sum) in sums.iter_mut().enumerate() {
                    *sum = value.multiply_add(V::splat(*weights.get_unchecked(token * seen + position)), *sum);
                }
            }
            for (token, sum) in sums.iter().enumerate() {
                sum.store(out.as_mut_ptr().add(token * head_dimensions + at));
            }
            at += V::LANES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|index| (index as f32 * step).sin()).collect()
    }

    fn naive(attention: Attention<'_>) -> Vec<f32> {
        let Attention { queries, keys, values, heads, key_value_heads, head_dimensions, causal } = attention;
        let (width, cache_width) = (heads * head_dimensions, key_value_heads * head_dimensions);
        let (tokens, positions) = (queries.len() / width, keys.len() / cache_width);
        let mut out = vec![0f32; queries.len()];
        for token in 0..tokens {
            for head in 0..heads {
                let offset = head * key_value_heads / heads * head_dimensions;
                let query = &queries[token * width + head * head_dimensions..][..head_dimensions];
                let seen = if causal { positions - tokens + token + 1 } else { positions };
                let score = |position: usize| {
                    let key = &keys[position * cache_width + offset..][..head_dimensions];
                    let dot: f32 = query.iter().zip(key).map(|(a, b)| a * b).sum();
                    (dot / (head_dimensions as f32).sqrt()).exp()
                };
                let total: f32 = (0..seen).map(score).sum();
                for position in 0..seen {
                    let weight = score(position) / total;
                    for dimension in 0..head_dimensions {
                        out[token * width + head * head_dimensions + dimension] +=
                            weight * values[position * cache_width + offset + dimension];
                    }
                }
            }
        }
        out
    }

    #[test]
    fn attention_equals_the_naive_one_and_does_not_depend_on_the_batch() {
        for (head_dimensions, positions, tokens, causal) in
            [(64, 9, 9, true), (48, 30, 6, true), (16, 5, 1, true), (32, 21, 3, true), (32, 10, 10, false)]
        {
            let (heads, key_value_heads) = (6, 2);
            let queries = wave(tokens * heads * head_dimensions, 0.37);
            let keys = wave(positions * key_value_heads * head_dimensions, 0.11);
            let values = wave(positions * key_value_heads * head_dimensions, 0.23);
            let attention = Attention {
                queries: &queries,
                keys: &keys,
                values: &values,
                heads,
                key_value_heads,
                head_dimensions,
                causal,
            };
            let expected = naive(attention);
            for simd in [Simd::Portable, Simd::detect()] {
                let mut out = vec![0f32; queries.len()];
                attend(simd, attention, &mut out);
                for (got, expected) in out.iter().zip(&expected) {
                    assert!((got - expected).abs() < 1e-5, "{simd:?}: {got} {expected}");
                }
                let width = heads * head_dimensions;
                for token in 0..tokens {
                    let seen = if causal { positions - tokens + token + 1 } else { positions };
                    let seen = seen * key_value_heads * head_dimensions;
                    let alone = Attention {
                        queries: &queries[token * width..(token + 1) * width],
                        keys: &keys[..seen],
                        values: &values[..seen],
                        ..attention
                    };
                    let mut one = vec![0f32; width];
                    attend(simd, alone, &mut one);
                    assert_eq!(one, out[token * width..(token + 1) * width], "{simd:?} token {token}");
                }
            }
        }
    }
}
