//! Products with quantised rows: whole numbers within a block, then scaled and added up block after block.

use super::super::lanes::Lanes;
use super::super::matrix::{BLOCK, EIGHT_LINES, FifthBits, GROUP, LOW_LINES, Line, Sixteen};
use super::super::operand::{BLOCK_BYTES, BlockOf, COARSE};
use super::{Task, write};

/// Parts of a block in which four neighbouring columns are multiplied at once.
const QUARTETS: usize = BLOCK / 4;

/// Sixteen rows of a quantised matrix.
pub(super) struct Group<'a> {
    pub(super) lines: &'a [Line],
    /// Only where the form has any, as are the minima.
    pub(super) fifths: &'a [FifthBits],
    pub(super) scales: &'a [Sixteen<u16>],
    pub(super) minima: &'a [Sixteen<u16>],
}

/// How weights are quantised.
pub(super) trait Form {
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

pub(super) struct Low<const FIFTHS: bool, const MINIMA: bool>;
pub(super) struct Eight;

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
pub(super) unsafe fn rounded_group<V: Lanes, F: Form>(task: &Task<'_>, index: usize, group: &Group<'_>) {
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
