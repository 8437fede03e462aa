//! Products of activations with a matrix, for one token or many.
//!
//! A register holds the same column of sixteen (or fewer) rows, and an activation is spread over its lanes, so nothing
//! is ever summed across lanes and nothing is turned around. Sixteen rows stay in the first-level cache while all tokens
//! pass, some at a time in registers: one token is bound by the memory that the weights come from, many tokens by the
//! arithmetic.
//!
//! Quantised weights are multiplied with rounded activations in whole numbers, exactly; each block of 32 is then scaled
//! and added up in full precision, block after block.

mod full;
mod rounded;
#[cfg(test)]
mod tests;

use super::lanes::Lanes;
use super::matrix::{BLOCK, EIGHT_LINES, GROUP, LOW_LINES, Matrix, Weights};
use super::operand::Operand;
use super::team::Team;
use super::{Kernel, SharedSlice, Simd};
use full::{BrainFloat, HalfPrecision, SinglePrecision, full_groups};
use rounded::{Eight, Group, Low, rounded_group};

/// Shares of a product for each thread: enough that threads of unequal speed end together.
const SHARES: usize = 6;

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
        simd.launch(Share { task: &Task { matrix, x, out: &out, place }, groups });
    });
}

/// A product, of which each thread computes some groups of rows.
struct Task<'a> {
    matrix: &'a Matrix,
    x: &'a Operand,
    out: &'a SharedSlice<'a, f32>,
    place: Place,
}

/// Some groups of rows of a product.
struct Share<'a> {
    task: &'a Task<'a>,
    groups: std::ops::Range<usize>,
}

impl Kernel for Share<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { task, groups } = self;
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
