//! Products with rows that are not quantised, column after column.

use super::super::lanes::Lanes;
use super::super::matrix::{GROUP, Sixteen};
use super::{Task, write};

/// Units of a product that are computed together for one token: a sum is added to every fourth cycle only.
const UNITS: usize = 4;

/// A number that weights are kept in.
pub(super) trait Number<T> {
    /// # Safety
    /// As for [`Lanes::load`].
    unsafe fn load<V: Lanes>(from: *const T) -> V;
}

pub(super) struct SinglePrecision;
pub(super) struct HalfPrecision;
pub(super) struct BrainFloat;

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
pub(super) unsafe fn full_groups<V: Lanes, T, N: Number<T>>(
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
