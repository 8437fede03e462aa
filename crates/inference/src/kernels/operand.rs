//! What a matrix is multiplied with: rows of activations, in full precision and, where the matrix is quantised, rounded
//! in blocks of 32 to two bytes each.
//!
//! One byte is what other engines take. With it, a model of 135 million weights answers in French to "What is the
//! capital of France?", where full precision says Paris: the likeliest tokens are often closer to each other than what
//! rounding moves them. With two bytes nothing is left of that, and reading weights from memory, which is what writing
//! an answer takes, costs the same. A row is rounded by itself, so that a token's product does not depend on the tokens
//! beside it.

use super::matrix::BLOCK;
use super::team::Team;
use super::{SharedSlice, Simd};

/// Rows of activations, `(tokens, columns)`; kept from call to call so that a token allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Operand {
    tokens: usize,
    columns: usize,
    values: Vec<f32>,
    /// Block after block, the coarse bytes of a block's values and then the fine ones; nothing where they are not rounded.
    quants: Vec<i8>,
    blocks: Vec<BlockOf>,
}

/// Bytes of a block: a coarse one for each activation, which counts [`COARSE`] fold, and a fine one.
pub(super) const BLOCK_BYTES: usize = 2 * BLOCK;

/// How many fine steps a coarse step has: as many as a byte from -127 to 127 can tell.
pub(super) const COARSE: i32 = 254;

/// What a block of 32 activations has beside its quants.
#[derive(Debug, Default, Clone, Copy)]
#[repr(C)]
pub(super) struct BlockOf {
    /// The value of one (fine) step.
    pub(super) scale: f32,
    /// The scale times the sum of the quants.
    pub(super) scaled_sum: f32,
    /// The sum of the quants.
    pub(super) sum: i32,
}

impl Operand {
    /// Fills `tokens` rows of `columns` by what `fill` makes of each, in full precision alone or rounded as well.
    pub(crate) fn fill(
        &mut self,
        (team, simd): (&Team, Simd),
        (tokens, columns): (usize, usize),
        rounds: bool,
        fill: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        self.tokens = tokens;
        self.columns = columns;
        self.values.resize(tokens * columns, 0.0);
        let blocks = if rounds { columns / BLOCK } else { 0 };
        let bytes = blocks * BLOCK_BYTES;
        self.quants.resize(tokens * bytes, 0);
        self.blocks.resize(tokens * blocks, BlockOf::default());
        let values = SharedSlice::new(&mut self.values);
        let quants = SharedSlice::new(&mut self.quants);
        let scales = SharedSlice::new(&mut self.blocks);
        team.run(tokens, |token| {
            // SAFETY: each token has rows of its own, and each token is one task.
            let row = unsafe { values.part(token * columns, columns) };
            simd.vectorise(|| fill(token, row));
            // SAFETY: as above.
            let (quants, scales) = unsafe { (quants.part(token * bytes, bytes), scales.part(token * blocks, blocks)) };
            if rounds {
                simd.vectorise(|| quantise(row, quants, scales));
            }
        });
    }

    /// How many rows.
    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// The rows in full precision.
    pub(super) fn values(&self) -> &[f32] {
        &self.values[..self.tokens * self.columns]
    }

    /// The rounded rows, and their blocks.
    pub(super) fn rounded(&self) -> (&[i8], &[BlockOf]) {
        (&self.quants, &self.blocks)
    }
}

/// Rounds a row to whole steps of 1/127 of each block's largest value, and what that leaves out to whole steps of 1/254
/// of those.
#[inline(always)]
fn quantise(row: &[f32], quants: &mut [i8], blocks: &mut [BlockOf]) {
    let (rows, quants) = (row.as_chunks::<BLOCK>().0, quants.as_chunks_mut::<BLOCK_BYTES>().0);
    for ((row, quants), block) in rows.iter().zip(quants).zip(blocks) {
        let (mut lanes, mut nothing) = ([0f32; 16], [0f32; 16]);
        for half in row.as_chunks::<16>().0 {
            for ((lane, nothing), value) in lanes.iter_mut().zip(&mut nothing).zip(half) {
                *lane = lane.max(value.abs());
                *nothing += value * 0.0;
            }
        }
        let largest = lanes.iter().fold(0f32, |largest, lane| largest.max(*lane));
        // What is not a number, or infinite, makes nothing not a number, and so the whole product: it is not lost here.
        let step = largest / 127.0 + nothing.iter().sum::<f32>();
        let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let coarse: [i32; BLOCK] = std::array::from_fn(|at| nearest(row[at] * inverse));
        let fine: [i32; BLOCK] =
            std::array::from_fn(|at| nearest((row[at] * inverse - coarse[at] as f32) * COARSE as f32));
        for (quant, rounded) in quants.iter_mut().zip(coarse.iter().chain(&fine)) {
            *quant = *rounded as i8;
        }
        let (step, sum) = (step / COARSE as f32, coarse.iter().sum::<i32>() * COARSE + fine.iter().sum::<i32>());
        *block = BlockOf { scale: step, scaled_sum: step * sum as f32, sum };
    }
}

/// The nearest whole number of one that is far below four million.
#[inline(always)]
fn nearest(value: f32) -> i32 {
    /// Added, it leaves the nearest whole number in the low bits.
    const ROUND: f32 = 12_582_912.0;
    ((value + ROUND).to_bits() & 0x7f_ffff).cast_signed() - 0x40_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_a_row_stays_within_half_a_step_and_sums_up() {
        let row: Vec<f32> = (0..96).map(|at| (at as f32 * 0.7).sin() * (at as f32 / 30.0)).collect();
        let (mut quants, mut blocks) = (vec![0; 192], vec![BlockOf::default(); 3]);
        quantise(&row, &mut quants, &mut blocks);
        for (index, (quants, block)) in quants.as_chunks::<BLOCK_BYTES>().0.iter().zip(&blocks).enumerate() {
            let quant = |at: usize| i32::from(quants[at]) * COARSE + i32::from(quants[BLOCK + at]);
            for at in 0..BLOCK {
                let value = row[index * BLOCK + at];
                // Half a fine step, and what single precision leaves of 32,000 of them.
                assert!((quant(at) as f32 * block.scale - value).abs() <= block.scale * 0.51, "{index} {at}");
            }
            assert_eq!((0..BLOCK).map(quant).sum::<i32>(), block.sum);
            assert!(quants.iter().all(|quant| *quant != i8::MIN));
        }
    }

    #[test]
    fn a_row_of_zeros_stays_one_and_nothing_is_not_a_number() {
        let (mut quants, mut blocks) = (vec![1; 64], vec![BlockOf::default(); 1]);
        quantise(&[0.0; 32], &mut quants, &mut blocks);
        assert_eq!(quants, [0; 64]);
        assert_eq!((blocks[0].scale, blocks[0].sum), (0.0, 0));
        let mut row = [0.5; 32];
        row[7] = f32::NAN;
        quantise(&row, &mut quants, &mut blocks);
        assert!(blocks[0].scale.is_nan());
    }
}
