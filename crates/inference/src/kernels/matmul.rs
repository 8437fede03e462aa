//! Products of activations with a quantised matrix, for one token or many.
//!
//! Four rows at a time are turned into `f32` in a scratch that stays in the first-level cache, then multiplied with
//! every token. One token is bound by the memory that the weights come from, many tokens by the arithmetic, and
//! neither needs a copy of the matrix in full precision.

use std::cell::RefCell;

use rayon::prelude::*;

use super::Simd;
use super::matrix::{BLOCK, Matrix, Weights};
use super::vector::{Portable, Vector};

/// Rows that are turned into `f32` together.
const ROWS: usize = 4;

/// Below this many tokens the work is split by rows, above it by tokens: a split by tokens needs no transposition, but
/// every thread unpacks the whole matrix, which pays from about this many tokens a thread on.
const SPLIT_BY_TOKENS: usize = 16;

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Writes `x · matrixᵀ` to the columns of `out` that begin at `column`.
///
/// `x` is `(tokens, matrix.columns)`; `out` is `(tokens, stride)`.
pub(crate) fn multiply(simd: Simd, matrix: &Matrix, x: &[f32], out: &mut [f32], (stride, column): (usize, usize)) {
    let tokens = x.len() / matrix.columns;
    let threads = rayon::current_num_threads();
    if tokens >= SPLIT_BY_TOKENS * threads {
        let share = tokens.div_ceil(threads).next_multiple_of(ROWS);
        out.par_chunks_mut(share * stride).zip(x.par_chunks(share * matrix.columns)).for_each(|(out, x)| {
            let place = Place { token_stride: stride, row_stride: 1 };
            panel(simd, &Task { matrix, rows: 0..matrix.rows, x, place }, &mut out[column..]);
        });
        return;
    }
    let share = (matrix.rows / (threads * 4)).next_multiple_of(16).max(16);
    let place = Place { token_stride: 1, row_stride: tokens };
    let work = |(index, out): (usize, &mut [f32])| {
        let first = index * share;
        panel(simd, &Task { matrix, rows: first..matrix.rows.min(first + share), x, place }, out);
    };
    if tokens == 1 {
        out[column..column + matrix.rows].par_chunks_mut(share).enumerate().for_each(work);
        return;
    }
    let mut transposed = vec![0f32; tokens * matrix.rows];
    transposed.par_chunks_mut(share * tokens).enumerate().for_each(work);
    for (token, out) in out.chunks_exact_mut(stride).enumerate() {
        for (row, out) in out[column..column + matrix.rows].iter_mut().enumerate() {
            *out = transposed[row * tokens + token];
        }
    }
}

/// Where the product of a token with a row is written.
#[derive(Clone, Copy)]
struct Place {
    token_stride: usize,
    row_stride: usize,
}

fn panel(simd: Simd, task: &Task<'_>, out: &mut [f32]) {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.resize(ROWS * task.matrix.columns, 0.0);
        match simd {
            // SAFETY: `Simd::detect` saw AVX-512 F and FMA.
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512 => unsafe { panel_avx512(task, out, scratch) },
            // SAFETY: `Simd::detect` saw AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2 => unsafe { panel_avx2(task, out, scratch) },
            // SAFETY: `Portable` needs no processor features.
            Simd::Portable => unsafe { panel_with::<Portable>(task, out, scratch) },
        }
    });
}

/// A share of a product.
struct Task<'a> {
    matrix: &'a Matrix,
    rows: std::ops::Range<usize>,
    x: &'a [f32],
    place: Place,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn panel_avx512(task: &Task<'_>, out: &mut [f32], scratch: &mut [f32]) {
    // SAFETY: this function's features are those that `Avx512` needs.
    unsafe { panel_with::<super::vector::Avx512>(task, out, scratch) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn panel_avx2(task: &Task<'_>, out: &mut [f32], scratch: &mut [f32]) {
    // SAFETY: this function's features are those that `Avx2` needs.
    unsafe { panel_with::<super::vector::Avx2>(task, out, scratch) }
}

/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn panel_with<V: Vector>(task: &Task<'_>, out: &mut [f32], scratch: &mut [f32]) {
    let Task { matrix, rows, x, place } = task;
    let columns = matrix.columns;
    let mut row = rows.start;
    while row < rows.end {
        let height = (rows.end - row).min(ROWS);
        let weights = match &matrix.weights {
            Weights::Single(values) => &values[row * columns..(row + height) * columns],
            Weights::Four { .. } | Weights::Eight { .. } => {
                for (index, scratch) in scratch.chunks_exact_mut(columns).take(height).enumerate() {
                    // SAFETY: the features of `V` are there, by this function's contract.
                    unsafe { unpack_row::<V>(&matrix.weights, row + index, scratch) };
                }
                &*scratch
            }
        };
        let out = &mut out[(row - rows.start) * place.row_stride..];
        // SAFETY: as above.
        unsafe {
            match height {
                ROWS => rows_with_tokens::<V, ROWS>(weights, columns, x, out, *place),
                3 => rows_with_tokens::<V, 3>(weights, columns, x, out, *place),
                2 => rows_with_tokens::<V, 2>(weights, columns, x, out, *place),
                _ => rows_with_tokens::<V, 1>(weights, columns, x, out, *place),
            }
        }
        row += height;
    }
}

/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn rows_with_tokens<V: Vector, const R: usize>(
    weights: &[f32],
    columns: usize,
    x: &[f32],
    out: &mut [f32],
    place: Place,
) {
    let rows: [&[f32]; R] = std::array::from_fn(|row| &weights[row * columns..(row + 1) * columns]);
    let tokens = x.len() / columns;
    let of = |token: usize| &x[token * columns..(token + 1) * columns];
    let mut token = 0;
    // SAFETY: the features of `V` are there, by this function's contract.
    unsafe {
        if V::TOKENS == 4 {
            while token + 4 <= tokens {
                let sums = dot_block::<V, R, 4>(rows, std::array::from_fn(|next| of(token + next)));
                write(&sums, token, out, place);
                token += 4;
            }
        }
        while token + 2 <= tokens {
            let sums = dot_block::<V, R, 2>(rows, std::array::from_fn(|next| of(token + next)));
            write(&sums, token, out, place);
            token += 2;
        }
        while token < tokens {
            write(&dot_block::<V, R, 1>(rows, [of(token)]), token, out, place);
            token += 1;
        }
    }
}

#[inline(always)]
fn write<const R: usize, const T: usize>(sums: &[[f32; T]; R], token: usize, out: &mut [f32], place: Place) {
    for (row, sums) in sums.iter().enumerate() {
        for (next, sum) in sums.iter().enumerate() {
            out[(token + next) * place.token_stride + row * place.row_stride] = *sum;
        }
    }
}

/// The dot products of `R` rows with `T` tokens, all of one length, a multiple of `V::LANES`.
///
/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
pub(super) unsafe fn dot_block<V: Vector, const R: usize, const T: usize>(
    rows: [&[f32]; R],
    tokens: [&[f32]; T],
) -> [[f32; T]; R] {
    let length = rows[0].len();
    debug_assert!(length.is_multiple_of(V::LANES), "a row is a whole number of registers");
    assert!(rows.iter().all(|row| row.len() == length) && tokens.iter().all(|token| token.len() == length));
    let mut out = [[0f32; T]; R];
    // SAFETY: every slice has `length` elements and `at + V::LANES <= length`; the features are there by contract.
    // Loops and not closures, since a closure is a function of its own, without the processor's features.
    unsafe {
        let mut sums = [[V::splat(0.0); T]; R];
        let mut at = 0;
        while at + V::LANES <= length {
            let mut x = [V::splat(0.0); T];
            for token in 0..T {
                x[token] = V::load(tokens[token].as_ptr().add(at));
            }
            for row in 0..R {
                let weight = V::load(rows[row].as_ptr().add(at));
                for token in 0..T {
                    sums[row][token] = weight.multiply_add(x[token], sums[row][token]);
                }
            }
            at += V::LANES;
        }
        for row in 0..R {
            for token in 0..T {
                out[row][token] = sums[row][token].sum();
            }
        }
    }
    out
}

/// Writes a row of the matrix to `out`, `(columns)`.
///
/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn unpack_row<V: Vector>(weights: &Weights, row: usize, out: &mut [f32]) {
    let blocks = out.len() / BLOCK;
    let first = row * blocks;
    match weights {
        Weights::Four { quants, scales, minima } => {
            let quants = quants[first * 16..(first + blocks) * 16].as_chunks::<16>().0;
            let scales = scales[first..first + blocks].iter().zip(&minima[first..first + blocks]);
            for ((quants, (scale, minimum)), out) in quants.iter().zip(scales).zip(out.as_chunks_mut::<BLOCK>().0) {
                // SAFETY: 16 bytes are read and 32 floats written in steps of `LANES`, which divides 16.
                unsafe {
                    let (scale, minimum) = (V::splat(single(*scale)), V::splat(single(*minimum)));
                    let mut at = 0;
                    while at < 16 {
                        let from = quants.as_ptr().add(at);
                        V::low_nibbles(from).multiply_add(scale, minimum).store(out.as_mut_ptr().add(at));
                        V::high_nibbles(from).multiply_add(scale, minimum).store(out.as_mut_ptr().add(at + 16));
                        at += V::LANES;
                    }
                }
            }
        }
        Weights::Eight { quants, scales } => {
            let quants = quants[first * BLOCK..(first + blocks) * BLOCK].as_chunks::<BLOCK>().0;
            let scales = &scales[first..first + blocks];
            for ((quants, scale), out) in quants.iter().zip(scales).zip(out.as_chunks_mut::<BLOCK>().0) {
                // SAFETY: 32 bytes are read and 32 floats written in steps of `LANES`, which divides 32.
                unsafe {
                    let (scale, zero) = (V::splat(single(*scale)), V::splat(0.0));
                    let mut at = 0;
                    while at < BLOCK {
                        let weights = V::bytes(quants.as_ptr().add(at)).multiply_add(scale, zero);
                        weights.store(out.as_mut_ptr().add(at));
                        at += V::LANES;
                    }
                }
            }
        }
        Weights::Single(values) => out.copy_from_slice(&values[row * out.len()..(row + 1) * out.len()]),
    }
}

/// The value of half-precision bits; exact for every finite number. In plain arithmetic, so that it needs no processor
/// feature and can be inlined here.
#[inline(always)]
fn single(bits: u16) -> f32 {
    /// 2^112, the difference between the two exponents' biases.
    const REBIAS: f32 = f32::from_bits(0x7780_0000);
    let magnitude = f32::from_bits(u32::from(bits & 0x7fff) << 13) * REBIAS;
    f32::from_bits(magnitude.to_bits() | (u32::from(bits & 0x8000) << 16))
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    fn noise(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect()
    }

    fn levels() -> Vec<Simd> {
        let mut levels = vec![Simd::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Simd::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                levels.push(Simd::Avx512);
            }
        }
        levels
    }

    fn four_bit(rows: usize, columns: usize) -> Matrix {
        let raw: Vec<u8> = (0..rows * columns / BLOCK)
            .flat_map(|block| {
                let scale = f16::from_f32(0.01 + block as f32 * 1e-4).to_le_bytes();
                let minimum = f16::from_f32(-0.07).to_le_bytes();
                let quants = (0..16).map(move |index| (block * 37 + index * 91) as u8);
                scale.into_iter().chain(minimum).chain(quants)
            })
            .collect();
        Matrix::from_q4_1(rows, columns, &raw)
    }

    #[test]
    fn half_precision_bits_become_the_same_numbers() {
        for bits in 0..=u16::MAX {
            let expected = f16::from_bits(bits);
            if expected.is_finite() {
                assert_eq!(single(bits).to_bits(), expected.to_f32().to_bits(), "{bits:#06x}");
            }
        }
    }

    #[test]
    fn a_product_equals_the_naive_one_at_every_level() {
        for (matrix, tokens) in [
            (four_bit(70, 96), 1),
            (four_bit(70, 96), 7),
            (four_bit(33, 64), 65),
            (Matrix::from_f32(50, 64, &noise(50 * 64, 3)), 1),
            (Matrix::from_f32(50, 64, &noise(50 * 64, 3)), 40),
            (Matrix::single(50, 48, noise(50 * 48, 3)), 1),
            (Matrix::single(50, 48, noise(50 * 48, 3)), 40),
        ] {
            let x = noise(tokens * matrix.columns, 7);
            for simd in levels() {
                let (stride, column) = (matrix.rows + 5, 2);
                let mut out = vec![0f32; tokens * stride];
                multiply(simd, &matrix, &x, &mut out, (stride, column));
                let mut weights = vec![0f32; matrix.columns];
                for row in 0..matrix.rows {
                    matrix.copy_row(row, &mut weights);
                    for token in 0..tokens {
                        let x = &x[token * matrix.columns..][..matrix.columns];
                        let expected: f64 = x.iter().zip(&weights).map(|(x, w)| f64::from(x * w)).sum();
                        let got = f64::from(out[token * stride + column + row]);
                        assert!((got - expected).abs() < 1e-4, "{simd:?} row {row} token {token}: {got} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_token_gets_the_same_bits_alone_and_in_a_batch() {
        let matrix = four_bit(70, 96);
        let x = noise(70 * 96, 11);
        for simd in levels() {
            let mut batch = vec![0f32; 70 * 70];
            multiply(simd, &matrix, &x, &mut batch, (70, 0));
            for (token, x) in x.chunks_exact(96).enumerate() {
                let mut alone = vec![0f32; 70];
                multiply(simd, &matrix, x, &mut alone, (70, 0));
                assert_eq!(alone, batch[token * 70..][..70], "{simd:?} token {token}");
            }
        }
    }

    #[test]
    fn rounding_to_eight_bits_stays_within_half_a_step() {
        let values = noise(4 * 64, 5);
        let matrix = Matrix::from_f32(4, 64, &values);
        let mut row = vec![0f32; 64];
        for (index, values) in values.chunks_exact(64).enumerate() {
            matrix.copy_row(index, &mut row);
            for (got, expected) in row.iter().zip(values) {
                // Half a step of 1/127, and the rounding of the scale to half precision.
                assert!((got - expected).abs() <= 0.5 / 127.0 + 1e-3, "{got} {expected}");
            }
        }
    }
}
