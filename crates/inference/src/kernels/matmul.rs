//! Products of activations with a matrix, for one token or many.
//!
//! A register holds the same column of sixteen (or fewer) rows, and an activation is spread over its lanes, so nothing
//! is ever summed across lanes and nothing is turned around. Sixteen rows stay in the first-level cache while all tokens
//! pass, some at a time in registers: one token is bound by the memory that the weights come from, many tokens by the
//! arithmetic.
//!
//! Quantised weights are multiplied with rounded activations in whole numbers, exactly; each block of 32 is then scaled
//! and added up in full precision, block after block.

use super::lanes::{Lanes, Portable};
use super::matrix::{BLOCK, EIGHT_LINES, FifthBits, GROUP, LOW_LINES, Line, Matrix, Sixteen, Weights};
use super::operand::{BLOCK_BYTES, BlockOf, COARSE, Operand};
use super::team::Team;
use super::{SharedSlice, Simd};

/// Shares of a product for each thread: enough that threads of unequal speed end together.
const SHARES: usize = 6;

/// Units of a product that are computed together for one token, where weights are not quantised.
const UNITS: usize = 4;

/// Parts of a block in which four neighbouring columns are multiplied at once.
const QUARTETS: usize = BLOCK / 4;

/// Where a product goes to: the columns of an output that begin at `column`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Columns of the output.
    pub(crate) stride: usize,
    /// The first of them that is written.
    pub(crate) column: usize,
    /// Whether the product is added to what is there.
    pub(crate) adds: bool,
}

/// Writes `x · matrixᵀ` to its place in `out`, `(tokens, stride)`.
pub(crate) fn multiply((team, simd): (&Team, Simd), matrix: &Matrix, x: &Operand, out: &mut [f32], place: Place) {
    assert_eq!(x.columns(), matrix.columns, "what is multiplied has as many columns");
    assert!(place.column + matrix.rows <= place.stride && out.len() >= x.tokens() * place.stride, "it has its place");
    let groups = matrix.rows.div_ceil(GROUP);
    let share = (groups / (team.threads() * SHARES)).max(1);
    let out = SharedSlice::new(out);
    team.run(groups.div_ceil(share), |index| {
        let groups = index * share..groups.min((index + 1) * share);
        let task = Task { matrix, x, out: &out, place };
        match simd {
            // SAFETY: `Simd::supported` saw the features.
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512 => unsafe { groups_avx512(&task, groups) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2 => unsafe { groups_avx2(&task, groups) },
            // SAFETY: `Portable` needs no processor features.
            Simd::Portable => unsafe { groups_with::<Portable>(&task, groups) },
        }
    });
}

/// A product, of which each thread computes some groups of rows.
struct Task<'a> {
    matrix: &'a Matrix,
    x: &'a Operand,
    out: &'a SharedSlice<'a, f32>,
    place: Place,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
fn groups_avx512(task: &Task<'_>, groups: std::ops::Range<usize>) {
    // SAFETY: this function's features are those that `Avx512` needs.
    unsafe { groups_with::<super::lanes::Avx512>(task, groups) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn groups_avx2(task: &Task<'_>, groups: std::ops::Range<usize>) {
    // SAFETY: this function's features are those that `Avx2` needs.
    unsafe { groups_with::<super::lanes::Avx2>(task, groups) }
}

/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn groups_with<V: Lanes>(task: &Task<'_>, groups: std::ops::Range<usize>) {
    let columns = task.matrix.columns;
    let blocks = columns / BLOCK;
    // SAFETY: the features are there by contract.
    unsafe {
        match &task.matrix.weights {
            Weights::Low { lines, fifths, scales, minima } => {
                for group in groups {
                    let blocks = group * blocks..(group + 1) * blocks;
                    let rows = Group {
                        lines: &lines[blocks.start * LOW_LINES..blocks.end * LOW_LINES],
                        fifths: fifths.as_ref().map_or(&[], |fifths| &fifths[blocks.clone()]),
                        minima: minima.as_ref().map_or(&[], |minima| &minima[blocks.clone()]),
                        scales: &scales[blocks],
                    };
                    match (fifths, minima) {
                        (None, None) => rounded_group::<V, Low<false, false>>(task, group, &rows),
                        (None, Some(_)) => rounded_group::<V, Low<false, true>>(task, group, &rows),
                        (Some(_), None) => rounded_group::<V, Low<true, false>>(task, group, &rows),
                        (Some(_), Some(_)) => rounded_group::<V, Low<true, true>>(task, group, &rows),
                    }
                }
            }
            Weights::Eight { lines, scales } => {
                for group in groups {
                    let blocks = group * blocks..(group + 1) * blocks;
                    let lines = &lines[blocks.start * EIGHT_LINES..blocks.end * EIGHT_LINES];
                    let rows = Group { lines, fifths: &[], scales: &scales[blocks], minima: &[] };
                    rounded_group::<V, Eight>(task, group, &rows);
                }
            }
            Weights::Single(values) => full_groups::<V, f32, SinglePrecision>(task, groups, values),
            Weights::Half(values) => full_groups::<V, u16, HalfPrecision>(task, groups, values),
            Weights::Brain(values) => full_groups::<V, u16, BrainFloat>(task, groups, values),
        }
    }
}

/// Sixteen rows of a quantised matrix.
struct Group<'a> {
    lines: &'a [Line],
    /// Only where the form has any, as are the minima.
    fifths: &'a [FifthBits],
    scales: &'a [Sixteen<u16>],
    minima: &'a [Sixteen<u16>],
}

/// How weights are quantised.
trait Form {
    const LINES: usize;
    const HAS_FIFTHS: bool;
    const HAS_MINIMA: bool;
    /// The columns of a block in their order, four in each lane.
    ///
    /// # Safety
    /// As for [`Lanes`]; `lines` is valid for the lines of a block, and `fifths` for its fifth bits where it has any.
    unsafe fn unpack<V: Lanes>(lines: *const u8, fifths: *const u8) -> [V::Bytes; QUARTETS];
    /// # Safety
    /// As for [`Lanes`].
    unsafe fn dot4<V: Lanes>(sum: V::Integers, weights: V::Bytes, activations: i32) -> V::Integers;
    /// What a weight is kept above its value, so that as many times the sum of the activations is taken away.
    fn centre<V: Lanes>() -> i32;
}

/// Bytes of a line.
const LINE: usize = size_of::<Line>();

struct Low<const FIFTHS: bool, const MINIMA: bool>;
struct Eight;

impl<const FIFTHS: bool, const MINIMA: bool> Form for Low<FIFTHS, MINIMA> {
    const LINES: usize = LOW_LINES;
    const HAS_FIFTHS: bool = FIFTHS;
    const HAS_MINIMA: bool = MINIMA;
    #[inline(always)]
    unsafe fn unpack<V: Lanes>(lines: *const u8, fifths: *const u8) -> [V::Bytes; QUARTETS] {
        // SAFETY: by this function's contract. Loops and not closures, which would be functions of their own, without
        // the processor's features.
        unsafe {
            let mut bytes = [V::bytes(lines); QUARTETS];
            for line in 0..LOW_LINES {
                let packed = V::bytes(lines.add(line * LINE));
                bytes[line] = V::low(packed);
                bytes[line + LOW_LINES] = V::high(packed);
            }
            if FIFTHS {
                for (quartet, bytes) in bytes.iter_mut().enumerate() {
                    *bytes = V::with_fifth(*bytes, fifths.add(quartet * size_of::<u64>()));
                }
            }
            bytes
        }
    }
    #[inline(always)]
    unsafe fn dot4<V: Lanes>(sum: V::Integers, weights: V::Bytes, activations: i32) -> V::Integers {
        // SAFETY: by this function's contract.
        unsafe { V::dot4_small(sum, weights, activations) }
    }
    #[inline(always)]
    fn centre<V: Lanes>() -> i32 {
        match (MINIMA, FIFTHS) {
            (true, _) => 0,
            (false, false) => 8,
            (false, true) => 16,
        }
    }
}

impl Form for Eight {
    const LINES: usize = EIGHT_LINES;
    const HAS_FIFTHS: bool = false;
    const HAS_MINIMA: bool = false;
    #[inline(always)]
    unsafe fn unpack<V: Lanes>(lines: *const u8, _fifths: *const u8) -> [V::Bytes; QUARTETS] {
        // SAFETY: by this function's contract.
        unsafe {
            let mut bytes = [V::bytes(lines); QUARTETS];
            for line in 1..EIGHT_LINES {
                bytes[line] = V::bytes(lines.add(line * LINE));
            }
            bytes
        }
    }
    #[inline(always)]
    unsafe fn dot4<V: Lanes>(sum: V::Integers, weights: V::Bytes, activations: i32) -> V::Integers {
        // SAFETY: by this function's contract.
        unsafe { V::dot4(sum, weights, activations) }
    }
    #[inline(always)]
    fn centre<V: Lanes>() -> i32 {
        V::CENTRE
    }
}

/// The products of all tokens with sixteen quantised rows.
///
/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn rounded_group<V: Lanes, F: Form>(task: &Task<'_>, index: usize, group: &Group<'_>) {
    let tokens = task.x.tokens();
    for lane in (0..GROUP).step_by(V::LANES) {
        let mut token = 0;
        // SAFETY: by this function's contract.
        unsafe {
            if V::TOKENS == 8 {
                while token + 8 <= tokens {
                    rounded_tile::<V, F, 8>(task, (index, lane), group, token);
                    token += 8;
                }
            }
            if V::TOKENS >= 4 {
                while token + 4 <= tokens {
                    rounded_tile::<V, F, 4>(task, (index, lane), group, token);
                    token += 4;
                }
            }
            while token + 2 <= tokens {
                rounded_tile::<V, F, 2>(task, (index, lane), group, token);
                token += 2;
            }
            if token < tokens {
                rounded_tile::<V, F, 1>(task, (index, lane), group, token);
            }
        }
    }
}

/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn rounded_tile<V: Lanes, F: Form, const T: usize>(
    task: &Task<'_>,
    (index, lane): (usize, usize),
    group: &Group<'_>,
    token: usize,
) {
    let (quants, details) = task.x.rounded();
    let blocks = group.scales.len();
    assert!(group.lines.len() == blocks * F::LINES && lane + V::LANES <= GROUP);
    assert!(!F::HAS_MINIMA || group.minima.len() == blocks);
    assert!(!F::HAS_FIFTHS || group.fifths.len() == blocks);
    assert!(quants.len() >= (token + T) * blocks * BLOCK_BYTES && details.len() >= (token + T) * blocks);
    // SAFETY: the features are there by contract. Weights and scales are read for `blocks` blocks, `LANES` lanes from
    // `lane` on, activations for `T` tokens from `token` on, each of `blocks` blocks; the assertions bound all of them.
    unsafe {
        let lines = group.lines.as_ptr().cast::<u8>().add(lane * size_of::<u32>());
        let scales = group.scales.as_ptr().cast::<u16>().add(lane);
        let quants = quants.as_ptr().add(token * blocks * BLOCK_BYTES);
        let details = details.as_ptr().add(token * blocks);
        let mut sums = [V::splat(0.0); T];
        for block in 0..blocks {
            // Each row has four bits of every eight bytes.
            let fifths =
                if F::HAS_FIFTHS { group.fifths.as_ptr().add(block).cast::<u8>().add(lane / 2) } else { lines };
            let weights = F::unpack::<V>(lines.add(block * F::LINES * LINE), fifths);
            let scale = V::load_half(scales.add(block * GROUP));
            let minimum = if F::HAS_MINIMA {
                V::load_half(group.minima.as_ptr().add(block).cast::<u16>().add(lane))
            } else {
                scale
            };
            for next in 0..T {
                let BlockOf { scale: step, scaled_sum, sum } = *details.add(next * blocks + block);
                let quartets = quants.add((next * blocks + block) * BLOCK_BYTES).cast::<i32>();
                let mut coarse = V::integers(0);
                let mut fine = V::integers(-F::centre::<V>() * sum);
                for quartet in 0..QUARTETS {
                    coarse = F::dot4::<V>(coarse, weights[quartet], quartets.add(quartet).read_unaligned());
                }
                for quartet in 0..QUARTETS {
                    let activations = quartets.add(QUARTETS + quartet).read_unaligned();
                    fine = F::dot4::<V>(fine, weights[quartet], activations);
                }
                let (coarse, fine) = (V::from_integers(coarse), V::from_integers(fine));
                let dot = coarse.multiply_add(V::splat(COARSE as f32), fine);
                let factor = scale.multiply(V::splat(step));
                sums[next] = dot.multiply_add(factor, sums[next]);
                if F::HAS_MINIMA {
                    sums[next] = minimum.multiply_add(V::splat(scaled_sum), sums[next]);
                }
            }
        }
        for next in 0..T {
            write(task, index * GROUP + lane, token + next, sums[next]);
        }
    }
}

/// A number that weights are kept in.
trait Number<T> {
    /// # Safety
    /// As for [`Lanes::load`].
    unsafe fn load<V: Lanes>(from: *const T) -> V;
}

struct SinglePrecision;
struct HalfPrecision;
struct BrainFloat;

impl Number<f32> for SinglePrecision {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const f32) -> V {
        // SAFETY: by this function's contract.
        unsafe { V::load(from) }
    }
}

impl Number<u16> for HalfPrecision {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const u16) -> V {
        // SAFETY: by this function's contract.
        unsafe { V::load_half(from) }
    }
}

impl Number<u16> for BrainFloat {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const u16) -> V {
        // SAFETY: by this function's contract.
        unsafe { V::load_brain(from) }
    }
}

/// The products of all tokens with groups of rows that are not quantised. A unit is what a register holds of a group.
///
/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn full_groups<V: Lanes, T, N: Number<T>>(
    task: &Task<'_>,
    groups: std::ops::Range<usize>,
    weights: &[Sixteen<T>],
) {
    let (tokens, units) = (task.x.tokens(), GROUP / V::LANES);
    let (mut unit, end) = (groups.start * units, groups.end * units);
    // SAFETY: by this function's contract.
    unsafe {
        while unit < end {
            let mut token = 0;
            if V::TOKENS == 8 {
                while token + 8 <= tokens {
                    for next in unit..end.min(unit + UNITS) {
                        full_tile::<V, T, N, 1, 8>(task, next, weights, token);
                    }
                    token += 8;
                }
            }
            while token + 2 <= tokens {
                for next in unit..end.min(unit + UNITS) {
                    full_tile::<V, T, N, 1, 2>(task, next, weights, token);
                }
                token += 2;
            }
            if token < tokens {
                if unit + UNITS <= end {
                    full_tile::<V, T, N, UNITS, 1>(task, unit, weights, token);
                } else {
                    for next in unit..end {
                        full_tile::<V, T, N, 1, 1>(task, next, weights, token);
                    }
                }
            }
            unit += UNITS;
        }
    }
}

/// # Safety
/// The processor has the features of `V`.
#[inline(always)]
unsafe fn full_tile<V: Lanes, W, N: Number<W>, const U: usize, const T: usize>(
    task: &Task<'_>,
    unit: usize,
    weights: &[Sixteen<W>],
    token: usize,
) {
    let columns = task.matrix.columns;
    let units = GROUP / V::LANES;
    let x = task.x.values();
    assert!((unit + U - 1) / units * columns + columns <= weights.len() && x.len() >= (token + T) * columns);
    // SAFETY: the features are there by contract; the assertion bounds the last group's rows and the last token's row.
    unsafe {
        let x = x.as_ptr().add(token * columns);
        let mut starts = [weights.as_ptr().cast::<W>(); U];
        for (next, start) in starts.iter_mut().enumerate() {
            let (group, part) = ((unit + next) / units, (unit + next) % units);
            *start = start.add(group * columns * GROUP + part * V::LANES);
        }
        let mut sums = [[V::splat(0.0); T]; U];
        for column in 0..columns {
            for next in 0..U {
                let weight = N::load::<V>(starts[next].add(column * GROUP));
                for beside in 0..T {
                    let activation = V::splat(*x.add(beside * columns + column));
                    sums[next][beside] = weight.multiply_add(activation, sums[next][beside]);
                }
            }
        }
        for next in 0..U {
            for beside in 0..T {
                write(task, (unit + next) * V::LANES, token + beside, sums[next][beside]);
            }
        }
    }
}

/// Writes the products of a token with the rows from `row` on; those that the matrix lacks are left out.
///
/// # Safety
/// The processor has the features of `V`, and no other thread computes these rows.
#[inline(always)]
unsafe fn write<V: Lanes>(task: &Task<'_>, row: usize, token: usize, products: V) {
    let Place { stride, column, adds } = task.place;
    let rows = V::LANES.min(task.matrix.rows.saturating_sub(row));
    // SAFETY: other threads write other rows; a register is stored where it fits, or to an array that it fits.
    unsafe {
        let out = task.out.part(token * stride + column + row.min(task.matrix.rows), rows);
        if rows == V::LANES {
            let products = if adds { products.add(V::load(out.as_ptr())) } else { products };
            products.store(out.as_mut_ptr());
        } else {
            let mut lanes = [0f32; GROUP];
            products.store(lanes.as_mut_ptr());
            for (out, lane) in out.iter_mut().zip(lanes) {
                *out = if adds { *out + lane } else { lane };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

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

    fn five_bit(rows: usize, columns: usize, has_minima: bool) -> Matrix {
        let raw: Vec<u8> = (0..rows * columns / BLOCK)
            .flat_map(|block| {
                let scale = f16::from_f32(0.01 + (block % 50) as f32 * 1e-4).to_le_bytes();
                let minimum = f16::from_f32(-0.12).to_le_bytes();
                let rest = (0..20).map(move |index| (block * 53 + index * 91) as u8);
                scale.into_iter().chain(minimum.into_iter().filter(move |_| has_minima)).chain(rest)
            })
            .collect();
        if has_minima { Matrix::from_q5_1(rows, columns, &raw) } else { Matrix::from_q5_0(rows, columns, &raw) }
    }

    fn four_bit(rows: usize, columns: usize, has_minima: bool) -> Matrix {
        let raw: Vec<u8> = (0..rows * columns / BLOCK)
            .flat_map(|block| {
                let scale = f16::from_f32(0.01 + (block % 50) as f32 * 1e-4).to_le_bytes();
                let minimum = f16::from_f32(-0.07).to_le_bytes();
                let quants = (0..16).map(move |index| (block * 37 + index * 91) as u8);
                scale.into_iter().chain(minimum.into_iter().filter(move |_| has_minima)).chain(quants)
            })
            .collect();
        if has_minima { Matrix::from_q4_1(rows, columns, &raw) } else { Matrix::from_q4_0(rows, columns, &raw) }
    }

    fn sixteen_bits(values: &[f32], bits: impl Fn(f32) -> u16) -> Vec<u8> {
        values.iter().flat_map(|value| bits(*value).to_le_bytes()).collect()
    }

    /// A matrix of every form.
    fn matrices(rows: usize, columns: usize) -> Vec<Matrix> {
        let values = noise(rows * columns, 3);
        vec![
            four_bit(rows, columns, true),
            four_bit(rows, columns, false),
            five_bit(rows, columns, true),
            five_bit(rows, columns, false),
            Matrix::from_f32(rows, columns, &values),
            Matrix::single(rows, columns, &values),
            Matrix::half(rows, columns, &sixteen_bits(&values, |value| f16::from_f32(value).to_bits())),
            Matrix::brain(rows, columns, &sixteen_bits(&values, |value| bf16::from_f32(value).to_bits())),
        ]
    }

    fn operand(on: (&Team, Simd), x: &[f32], columns: usize) -> Operand {
        let mut operand = Operand::default();
        operand.fill(on, (x.len() / columns, columns), true, |token, row| {
            row.copy_from_slice(&x[token * columns..][..columns]);
        });
        operand
    }

    /// What a product takes of the activations, in the precision that it takes them in.
    fn taken(matrix: &Matrix, operand: &Operand) -> Vec<f64> {
        if !matrix.is_quantised() {
            return operand.values().iter().map(|value| f64::from(*value)).collect();
        }
        let (quants, blocks) = operand.rounded();
        let quant = |quants: &[i8], at: usize| i32::from(quants[at]) * COARSE + i32::from(quants[BLOCK + at]);
        let blocks = quants.chunks_exact(BLOCK_BYTES).zip(blocks);
        let values = |(quants, block): (_, &BlockOf)| {
            let scale = f64::from(block.scale);
            (0..BLOCK).map(|at| f64::from(quant(quants, at)) * scale).collect::<Vec<_>>()
        };
        blocks.flat_map(values).collect()
    }

    #[test]
    fn a_product_equals_the_naive_one_in_every_form_and_at_every_level() {
        Team::gather(|team| {
            for (rows, columns, tokens) in
                [(70, 96, 1), (70, 96, 7), (33, 64, 65), (16, 32, 3), (1, 32, 8), (200, 320, 2)]
            {
                let x = noise(tokens * columns, 7);
                for matrix in matrices(rows, columns) {
                    let mut weights = vec![0f32; columns];
                    for simd in Simd::supported() {
                        let operand = operand((team, simd), &x, columns);
                        let place = Place { stride: rows + 5, column: 2, adds: true };
                        let mut out = vec![1f32; tokens * place.stride];
                        multiply((team, simd), &matrix, &operand, &mut out, place);
                        let taken = taken(&matrix, &operand);
                        for row in 0..rows {
                            matrix.copy_row(row, &mut weights);
                            for token in 0..tokens {
                                let x = &taken[token * columns..][..columns];
                                let products = x.iter().zip(&weights).map(|(x, weight)| x * f64::from(*weight));
                                let expected = 1.0 + products.sum::<f64>();
                                let got = f64::from(out[token * place.stride + 2 + row]);
                                let what = format!("{simd:?} {rows}x{columns} row {row} token {token}");
                                assert!((got - expected).abs() < 2e-4, "{what}: {got} {expected}");
                            }
                        }
                        let untouched = out.chunks_exact(place.stride).all(|out| out[0] == 1.0 && out[rows + 2] == 1.0);
                        assert!(untouched, "what is beside the product stays");
                    }
                }
            }
        });
    }

    #[test]
    fn a_token_gets_the_same_bits_alone_and_in_a_batch() {
        let x = noise(71 * 96, 11);
        let place = Place { stride: 70, column: 0, adds: false };
        Team::gather(|team| {
            for matrix in matrices(70, 96) {
                for simd in Simd::supported() {
                    let mut batch = vec![0f32; 71 * 70];
                    multiply((team, simd), &matrix, &operand((team, simd), &x, 96), &mut batch, place);
                    for (token, x) in x.chunks_exact(96).enumerate() {
                        let mut alone = vec![0f32; 70];
                        multiply((team, simd), &matrix, &operand((team, simd), x, 96), &mut alone, place);
                        assert_eq!(alone, batch[token * 70..][..70], "{simd:?} token {token}");
                    }
                }
            }
        });
    }

    #[test]
    fn whole_numbers_are_multiplied_exactly_at_every_level() {
        // One block of weights, all that a byte can be, and activations that are whole numbers: nothing is rounded but
        // the last scaling.
        let raw: Vec<u8> = (0..16)
            .flat_map(|row: u8| f16::ONE.to_le_bytes().into_iter().chain((0..32).map(move |at| row * 17 + at * 9)))
            .collect();
        let matrix = Matrix::from_q8_0(16, 32, &raw);
        let x: Vec<f32> = (0..32).map(|at| if at == 0 { 127.0 } else { (at * 8 - 127) as f32 }).collect();
        let products = |simd| {
            Team::gather(|team| {
                let mut out = vec![0f32; 16];
                let place = Place { stride: 16, column: 0, adds: false };
                multiply((team, simd), &matrix, &operand((team, simd), &x, 32), &mut out, place);
                out
            })
        };
        let expected: Vec<f32> = (0..16)
            .map(|row| {
                let weights = raw[row * 34 + 2..][..32].iter();
                weights.zip(&x).map(|(weight, x)| f32::from(weight.cast_signed()) * x).sum()
            })
            .collect();
        for simd in Simd::supported() {
            for (got, expected) in products(simd).iter().zip(&expected) {
                assert!((got - expected).abs() <= expected.abs() * 1e-6, "{simd:?}: {got} {expected}");
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
