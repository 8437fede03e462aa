//! Attention of tokens over the keys and values of a sequence, causal or not, with grouped heads (arXiv 2305.13245) and
//! sliding windows.
//!
//! Positions are visited in chunks of fixed places. Each chunk gives its own softmax (its largest score, the sum of
//! weights, the weighted values), and these are merged one after the other, so that nothing of size tokens × positions is
//! kept, several threads can share the positions of one token, and a token gets the same bits alone and in a batch.
//! The heads that share keys are computed together, so that a key is read once for all of them.

use std::cell::RefCell;

use super::elementwise::exp;
use super::key_values::{KeyValues, SIDE_BY_SIDE};
use super::lanes::Lanes;
use super::team::Team;
use super::{Kernel, SharedSlice, Simd};

/// Positions of a chunk: its keys, of 64 dimensions, fill most of a first-level cache.
const CHUNK: usize = 256;

/// Tokens of a prompt that one task computes.
const TILE: usize = 8;

/// Rows (a token's head each) that are computed at once.
const MOST_ROWS: usize = 8;

/// What a row has before its weighted values: the largest score and the sum of weights.
const HEAD: usize = 2;

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// What attention works on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attention<'a> {
    /// `(tokens, stride)`, with the heads' queries at the beginning of each row.
    pub(crate) queries: &'a [f32],
    pub(crate) stride: usize,
    /// Those of the queries' own tokens are the last ones.
    pub(crate) key_values: &'a KeyValues,
    pub(crate) heads: usize,
    pub(crate) key_value_heads: usize,
    /// A multiple of 16.
    pub(crate) head_dimensions: usize,
    /// What scores are multiplied with.
    pub(crate) scale: f32,
    /// Whether a token sees only what comes before it, and itself.
    pub(crate) causal: bool,
    /// How many positions a token sees at most, itself among them.
    pub(crate) window: Option<usize>,
}

impl Attention<'_> {
    fn tokens(&self) -> usize {
        self.queries.len() / self.stride
    }

    fn group(&self) -> usize {
        self.heads / self.key_value_heads
    }

    /// The positions that a token sees.
    fn visible(&self, token: usize) -> std::ops::Range<usize> {
        let positions = self.key_values.positions();
        let end = if self.causal { positions - self.tokens() + token + 1 } else { positions };
        self.window.map_or(0, |window| end.saturating_sub(window))..end
    }
}

/// What a task computes: the heads that share the keys `head`, of some tokens, over some chunks of positions.
#[derive(Debug, Clone)]
struct Span {
    tokens: std::ops::Range<usize>,
    head: usize,
    chunks: std::ops::Range<usize>,
}

/// Writes for each token and head the values of the positions that it sees, weighted by the softmax of its scores, to
/// `out`, `(tokens, heads * head_dimensions)`. `scratch` is kept from call to call.
pub(crate) fn attend((team, simd): (&Team, Simd), attention: Attention<'_>, scratch: &mut Vec<f32>, out: &mut [f32]) {
    let Attention { heads, key_value_heads, head_dimensions, .. } = attention;
    let (tokens, group, row) = (attention.tokens(), attention.group(), HEAD + head_dimensions);
    assert!(out.len() >= tokens * heads * head_dimensions, "there is a place for every head of every token");
    let out = SharedSlice::new(out);
    let finish = |token: usize, head: usize, rows: &[f32]| {
        for (next, row) in rows.chunks_exact(row).enumerate() {
            let head = head * group + next;
            // SAFETY: every head of every token is finished once.
            let out = unsafe { out.part((token * heads + head) * head_dimensions, head_dimensions) };
            let inverse = 1.0 / row[1];
            out.iter_mut().zip(&row[HEAD..]).for_each(|(out, value)| *out = value * inverse);
        }
    };
    if tokens < TILE {
        // The threads share the positions.
        let chunks = |token: usize| {
            let visible = attention.visible(token);
            visible.start / CHUNK..visible.end.div_ceil(CHUNK)
        };
        let spans: usize = (0..tokens).map(|token| chunks(token).len() * key_value_heads).sum();
        let span_of = |mut index: usize| {
            let mut token = 0;
            while index >= chunks(token).len() * key_value_heads {
                index -= chunks(token).len() * key_value_heads;
                token += 1;
            }
            let chunk = chunks(token).start + index / key_value_heads;
            Span { tokens: token..token + 1, head: index % key_value_heads, chunks: chunk..chunk + 1 }
        };
        scratch.clear();
        scratch.resize((spans + key_value_heads) * group * row, 0.0);
        let (parts, merged) = scratch.split_at_mut(spans * group * row);
        super::for_each_chunk(team, parts, group * row, |index, rows| {
            simd.launch(Fill { attention, span: &span_of(index), rows });
        });
        let mut parts = parts.chunks_exact(key_value_heads * group * row);
        for token in 0..tokens {
            empty(merged, row);
            for heads in parts.by_ref().take(chunks(token).len()) {
                for (merged, part) in merged.chunks_exact_mut(row).zip(heads.chunks_exact(row)) {
                    merge(merged, part);
                }
            }
            for (head, rows) in merged.chunks_exact(group * row).enumerate() {
                finish(token, head, rows);
            }
        }
        return;
    }
    team.run(tokens.div_ceil(TILE) * key_value_heads, |index| {
        let (tile, head) = (index / key_value_heads, index % key_value_heads);
        let tile = tile * TILE..tokens.min((tile + 1) * TILE);
        let chunks = attention.visible(tile.start).start / CHUNK..attention.visible(tile.end - 1).end.div_ceil(CHUNK);
        SCRATCH.with_borrow_mut(|rows| {
            rows.resize(tile.len() * group * row, 0.0);
            let span = Span { tokens: tile.clone(), head, chunks };
            simd.launch(Fill { attention, span: &span, rows });
            for (token, rows) in tile.zip(rows.chunks_exact(group * row)) {
                finish(token, head, rows);
            }
        });
    });
}

/// Rows that nothing was merged into yet.
fn empty(rows: &mut [f32], row: usize) {
    rows.fill(0.0);
    rows.iter_mut().step_by(row).for_each(|largest| *largest = f32::NEG_INFINITY);
}

/// Merges the softmax of some positions into that of the positions before them.
#[inline(always)]
fn merge(merged: &mut [f32], part: &[f32]) {
    if part[0] == f32::NEG_INFINITY {
        return;
    }
    let largest = merged[0].max(part[0]);
    let (before, after) = (exp(merged[0] - largest), exp(part[0] - largest));
    merged[0] = largest;
    for (merged, part) in merged[1..].iter_mut().zip(&part[1..]) {
        *merged = *merged * before + part * after;
    }
}

/// Fills `rows`, `(tokens, heads that share keys, 2 + head_dimensions)`, for a span.
struct Fill<'a> {
    attention: Attention<'a>,
    span: &'a Span,
    rows: &'a mut [f32],
}

impl Kernel for Fill<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { attention, span, rows } = self;
        let (group, row) = (attention.group(), HEAD + attention.head_dimensions);
        let most = if V::TOKENS == 8 { MOST_ROWS } else { MOST_ROWS / 2 };
        empty(rows, row);
        for chunk in span.chunks.clone() {
            let mut first = 0;
            while first < span.tokens.len() * group {
                let part = Part { attention, span, chunk, first };
                let rows = &mut rows[first * row..];
                // SAFETY: by this function's contract.
                first += unsafe {
                    match (span.tokens.len() * group - first).min(most) {
                        8.. => part.rows::<V, 8>(rows),
                        4..8 => part.rows::<V, 4>(rows),
                        3 => part.rows::<V, 3>(rows),
                        2 => part.rows::<V, 2>(rows),
                        0 | 1 => part.rows::<V, 1>(rows),
                    }
                };
            }
        }
    }
}

/// Some rows of a span over one chunk.
struct Part<'a> {
    attention: Attention<'a>,
    span: &'a Span,
    chunk: usize,
    first: usize,
}

impl Part<'_> {
    /// Computes and merges `R` rows; returns how many.
    ///
    /// # Safety
    /// The processor has the features of `V`.
    #[inline(always)]
    unsafe fn rows<V: Lanes, const R: usize>(&self, rows: &mut [f32]) -> usize {
        let Attention { queries, stride, key_values, head_dimensions, scale, .. } = self.attention;
        let (group, row) = (self.attention.group(), HEAD + head_dimensions);
        let start = self.chunk * CHUNK;
        let mut visible = [(0, 0); R];
        let mut query = [&queries[..0]; R];
        for next in 0..R {
            let (token, head) = (self.span.tokens.start + (self.first + next) / group, (self.first + next) % group);
            let seen = self.attention.visible(token);
            visible[next] = (seen.start.max(start) - start, seen.end.clamp(start, start + CHUNK) - start);
            query[next] =
                &queries[token * stride + (self.span.head * group + head) * head_dimensions..][..head_dimensions];
        }
        let end = visible.iter().map(|(_, end)| *end).max().unwrap_or(0);
        let width = key_values.width();
        let mut scores = [[0f32; CHUNK]; R];
        let keys = &key_values.keys()[start * width..];
        for block in 0..end.div_ceil(SIDE_BY_SIDE) {
            let keys = &keys[block * SIDE_BY_SIDE * width..][self.span.head * head_dimensions * SIDE_BY_SIDE..];
            let keys = &keys[..head_dimensions * SIDE_BY_SIDE];
            for lane in (0..SIDE_BY_SIDE).step_by(V::LANES) {
                // SAFETY: the features are there by contract; a register of a key's dimension is within `keys`, an
                // element of a query within it, and a register of scores within the chunk.
                unsafe {
                    let mut sums = [V::splat(0.0); R];
                    for dimension in 0..head_dimensions {
                        let key = V::load_half(keys.as_ptr().add(dimension * SIDE_BY_SIDE + lane));
                        for next in 0..R {
                            sums[next] = key.multiply_add(V::splat(*query[next].get_unchecked(dimension)), sums[next]);
                        }
                    }
                    for next in 0..R {
                        let scaled = sums[next].multiply(V::splat(scale));
                        scaled.store(scores[next].as_mut_ptr().add(block * SIDE_BY_SIDE + lane));
                    }
                }
            }
        }
        let mut parts = [(f32::NEG_INFINITY, 0f32); R];
        for next in 0..R {
            let (from, to) = visible[next];
            parts[next] = softmax(&mut scores[next][..end.next_multiple_of(SIDE_BY_SIDE)], from, to);
        }
        let values = &key_values.values()[start * width + self.span.head * head_dimensions..];
        assert!(end == 0 || values.len() >= (end - 1) * width + head_dimensions);
        for at in (0..head_dimensions).step_by(V::LANES) {
            // SAFETY: the features are there by contract; the assertion bounds every register of values.
            unsafe {
                let mut sums = [V::splat(0.0); R];
                for position in 0..end {
                    let value = V::load_half(values.as_ptr().add(position * width + at));
                    for next in 0..R {
                        sums[next] = value.multiply_add(V::splat(*scores[next].get_unchecked(position)), sums[next]);
                    }
                }
                for next in 0..R {
                    let (largest, _) = parts[next];
                    let merged = &mut rows[next * row..][..row];
                    if largest > f32::NEG_INFINITY {
                        let after = exp(largest - merged[0].max(largest));
                        let before = exp(merged[0] - merged[0].max(largest));
                        let place = merged.as_mut_ptr().add(HEAD + at);
                        let so_far = V::load(place).multiply(V::splat(before));
                        so_far.add(sums[next].multiply(V::splat(after))).store(place);
                    }
                }
            }
        }
        for (next, (largest, sum)) in parts.into_iter().enumerate() {
            merge(&mut rows[next * row..][..HEAD], &[largest, sum]);
        }
        R
    }
}

/// Turns the scores of a chunk into weights, in place; returns the largest score and the sum of the weights. Only those
/// in `from..to` are seen; all others get the weight 0.
#[inline(always)]
fn softmax(scores: &mut [f32], from: usize, to: usize) -> (f32, f32) {
    if from >= to {
        scores.fill(0.0);
        return (f32::NEG_INFINITY, 0.0);
    }
    scores[..from].fill(f32::NEG_INFINITY);
    scores[to..].fill(f32::NEG_INFINITY);
    let mut lanes = [f32::NEG_INFINITY; SIDE_BY_SIDE];
    for sixteen in scores.as_chunks::<SIDE_BY_SIDE>().0 {
        for (lane, score) in lanes.iter_mut().zip(sixteen) {
            *lane = if *score > *lane { *score } else { *lane };
        }
    }
    let largest = lanes.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for score in &mut *scores {
        *score = exp(*score - largest);
    }
    scores[..from].fill(0.0);
    scores[to..].fill(0.0);
    let mut sums = [0f32; SIDE_BY_SIDE];
    for sixteen in scores.as_chunks::<SIDE_BY_SIDE>().0 {
        for (sum, weight) in sums.iter_mut().zip(sixteen) {
            *sum += weight;
        }
    }
    (largest, sums.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::super::key_values::KeyValueRows;
    use super::*;

    fn wave(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|index| half::f16::from_f32((index as f32 * step).sin()).to_f32()).collect()
    }

    struct Case {
        head_dimensions: usize,
        positions: usize,
        tokens: usize,
        causal: bool,
        window: Option<usize>,
    }

    const HEADS: usize = 6;
    const KEY_VALUE_HEADS: usize = 2;

    fn naive(case: &Case, queries: &[f32], keys: &[f32], values: &[f32]) -> Vec<f32> {
        let Case { head_dimensions, positions, tokens, causal, window } = *case;
        let (width, cache_width) = (HEADS * head_dimensions, KEY_VALUE_HEADS * head_dimensions);
        let mut out = vec![0f32; tokens * width];
        for token in 0..tokens {
            let end = if causal { positions - tokens + token + 1 } else { positions };
            let seen = end.saturating_sub(window.unwrap_or(end))..end;
            for head in 0..HEADS {
                let offset = head * KEY_VALUE_HEADS / HEADS * head_dimensions;
                let at = token * width + head * head_dimensions;
                let score = |position: usize| {
                    let key = &keys[position * cache_width + offset..][..head_dimensions];
                    let dot: f32 = queries[at..][..head_dimensions].iter().zip(key).map(|(a, b)| a * b).sum();
                    (dot / (head_dimensions as f32).sqrt()).exp()
                };
                let total: f32 = seen.clone().map(score).sum();
                for position in seen.clone() {
                    let weight = score(position) / total;
                    for dimension in 0..head_dimensions {
                        out[at + dimension] += weight * values[position * cache_width + offset + dimension];
                    }
                }
            }
        }
        out
    }

    fn of(team: &Team, simd: Simd, case: &Case, queries: &[f32], key_values: &KeyValues) -> Vec<f32> {
        let attention = Attention {
            queries,
            stride: HEADS * case.head_dimensions,
            key_values,
            heads: HEADS,
            key_value_heads: KEY_VALUE_HEADS,
            head_dimensions: case.head_dimensions,
            scale: 1.0 / (case.head_dimensions as f32).sqrt(),
            causal: case.causal,
            window: case.window,
        };
        let mut out = vec![0f32; queries.len()];
        attend((team, simd), attention, &mut Vec::new(), &mut out);
        out
    }

    #[test]
    fn attention_equals_the_naive_one_and_does_not_depend_on_the_batch() {
        let case = |head_dimensions, positions, tokens, causal, window| Case {
            head_dimensions,
            positions,
            tokens,
            causal,
            window,
        };
        let cases = [
            case(64, 9, 9, true, None),
            case(48, 30, 6, true, None),
            case(16, 5, 1, true, None),
            case(32, 21, 3, true, None),
            case(32, 10, 10, false, None),
            case(16, 700, 1, true, None),
            case(16, 530, 40, true, None),
            case(16, 530, 40, true, Some(20)),
            case(16, 900, 2, true, Some(300)),
        ];
        Team::gather(|team| {
            for case in cases {
                let width = KEY_VALUE_HEADS * case.head_dimensions;
                let queries = wave(case.tokens * HEADS * case.head_dimensions, 0.37);
                let rows = wave(case.positions * 2 * width, 0.11);
                let part = |at: usize| -> Vec<f32> {
                    rows.chunks_exact(2 * width).flat_map(|row| &row[at..at + width]).copied().collect()
                };
                let expected = naive(&case, &queries, &part(0), &part(width));
                for simd in Simd::supported() {
                    let mut key_values = KeyValues::new(width);
                    // In pieces, as a prompt and an answer come.
                    for rows in rows.chunks(2 * width * 37) {
                        let from = KeyValueRows { rows, stride: 2 * width, key: 0, value: width };
                        key_values.append((team, simd), from);
                    }
                    let out = of(team, simd, &case, &queries, &key_values);
                    for (got, expected) in out.iter().zip(&expected) {
                        assert!((got - expected).abs() < 1e-4, "{simd:?}: {got} {expected}");
                    }
                    if !case.causal {
                        continue;
                    }
                    let width = HEADS * case.head_dimensions;
                    for (token, query) in queries.chunks_exact(width).enumerate() {
                        let positions = case.positions - case.tokens + token + 1;
                        let alone = Case { positions, tokens: 1, ..case };
                        let one = of(team, simd, &alone, query, &key_values.copy_prefix(positions));
                        assert_eq!(one, out[token * width..][..width], "{simd:?} token {token}");
                    }
                }
            }
        });
    }
}
